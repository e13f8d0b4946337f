"""How long turns last on each model, learned from those so far: when the next speaker's model will be needed.

Told apart are reading (grant to first token) and writing (first token to end). Durations are model seconds.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict, deque

REMEMBERED = 200
"""Durations kept per model; the oldest goes."""

ENOUGH = 8
"""Durations below which no quantile is told."""

ASSUMED_READING_S = 3.0
ASSUMED_WRITING_S = 15.0
"""A turn before anything is known: 1,500 tokens read at 500 a second, 300 written at 20."""


class Durations:
    """The last `REMEMBERED` durations of one thing."""

    def __init__(self) -> None:
        """Start with none."""
        self._by_age: deque[float] = deque()
        self._by_size: list[float] = []
        self._sum = 0.0

    def note(self, seconds: float) -> None:
        """Add one; the oldest goes when there are too many."""
        self._by_age.append(seconds)
        insort(self._by_size, seconds)
        self._sum += seconds
        if len(self._by_age) > REMEMBERED:
            oldest = self._by_age.popleft()
            del self._by_size[bisect_left(self._by_size, oldest)]
            self._sum -= oldest

    def mean(self, assumed: float) -> float:
        """Return their mean; `assumed` without any."""
        return self._sum / len(self._by_age) if self._by_age else assumed

    def quantile(self, share: float) -> float | None:
        """Return the duration that `share` (0 to 1) of them stay below; None while there are too few."""
        if len(self._by_size) < ENOUGH:
            return None
        return self._by_size[min(len(self._by_size) - 1, int(share * len(self._by_size)))]


class Pace:
    """Durations of turns by model."""

    def __init__(self) -> None:
        """Know nothing."""
        self._reading: defaultdict[str, Durations] = defaultdict(Durations)
        self._writing: defaultdict[str, Durations] = defaultdict(Durations)

    def note_reading(self, model: str, seconds: float) -> None:
        """Note the time from a grant to the first token."""
        self._reading[model].note(seconds)

    def note_writing(self, model: str, seconds: float) -> None:
        """Note the time from the first token to the end of the turn."""
        self._writing[model].note(seconds)

    def turn_s(self, model: str) -> float:
        """Return how long a whole turn is expected to last."""
        return self._reading[model].mean(ASSUMED_READING_S) + self._writing[model].mean(ASSUMED_WRITING_S)

    def left_s(self, model: str, *, since_grant_s: float, since_token_s: float | None) -> float:
        """Return how long a turn under way is expected to last yet; at least 0.

        Args:
            since_grant_s: how long it has its slot.
            since_token_s: how long it has spoken; None: it reads.
        """
        if since_token_s is None:
            return max(0.0, self.turn_s(model) - since_grant_s)
        return max(0.0, self._writing[model].mean(ASSUMED_WRITING_S) - since_token_s)

    def writing_s(self, model: str, *, share: float) -> float | None:
        """Return the writing time below which only `share` of the turns stay; None while too few are known."""
        return self._writing[model].quantile(share)
