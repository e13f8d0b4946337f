"""What a simulated run cost: memory over time, loading, and everybody's wait for the first token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from delegator.settings import GB


@dataclass(slots=True)
class Meter:
    """Adds up one run. Seconds are model seconds.

    Attributes:
        byte_seconds: memory of models over time, from the start of a load to the end of an unload.
        waited_load_s: the part of all load time during which a turn for that model waited.
        swaps: unloads that made room for another model.
        option_reloads: loads of a model that was there when it was asked for, but with other options.
        violations: moments at which more was in memory than the machine has.
        ttft_first_s: waits for the first token of a task's first turn.
        ttft_all_s: of every turn.
    """

    capacity_bytes: int
    used_bytes: int = 0
    peak_bytes: int = 0
    byte_seconds: float = 0.0
    load_s: float = 0.0
    waited_load_s: float = 0.0
    loads: int = 0
    swaps: int = 0
    option_reloads: int = 0
    violations: int = 0
    ttft_first_s: list[float] = field(default_factory=list)
    ttft_all_s: list[float] = field(default_factory=list)
    _since: float = 0.0

    @property
    def until_s(self) -> float:
        """Return the moment up to which it has counted."""
        return self._since

    @property
    def gb_seconds(self) -> float:
        """Return memory over time in GB-seconds."""
        return self.byte_seconds / GB

    def take(self, size_bytes: int, now: float) -> None:
        """Note that memory is taken."""
        self.advance(now)
        self.used_bytes += size_bytes
        self.peak_bytes = max(self.peak_bytes, self.used_bytes)
        self.violations += self.used_bytes > self.capacity_bytes

    def give_back(self, size_bytes: int, now: float) -> None:
        """Note that memory is free again."""
        self.advance(now)
        self.used_bytes -= size_bytes

    def advance(self, now: float) -> None:
        """Count what is in memory up to `now`."""
        self.byte_seconds += self.used_bytes * (now - self._since)
        self._since = now

    def loaded(self, load_s: float, waited_s: float) -> None:
        """Note a load that has ended, and for how long of it somebody waited."""
        self.loads += 1
        self.load_s += load_s
        self.waited_load_s += waited_s

    def first_token(self, wait_s: float, *, is_first: bool) -> None:
        """Note one turn's wait."""
        self.ttft_all_s.append(wait_s)
        if is_first:
            self.ttft_first_s.append(wait_s)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of them do not exceed, linear between neighbours; 0 without any."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
