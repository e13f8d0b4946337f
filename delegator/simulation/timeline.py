"""The made-up clock: what happens when, in order. Knows nothing of what it is that happens."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Timeline:
    """Events in the order of their moments; of one moment in the order in which they were asked for.

    Attributes:
        now: model seconds since the beginning.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Do something at that moment, after what was to be done then already; at once where it is past."""
        self._count += 1
        heapq.heappush(self._heap, (max(moment, self.now), self._count, action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something that many seconds from now."""
        self.at(self.now + seconds, action)

    def run(self, *, until: Callable[[], bool]) -> None:
        """Let everything happen until `until` says that it is enough, or nothing is left."""
        while self._heap and not until():
            self.now, _, action = heapq.heappop(self._heap)
            action()
