"""The word for how much is going on, by the number of running agents. A measure of the processor it is not."""

from __future__ import annotations

from typing import Literal

CpuLoad = Literal["idle", "low", "medium", "high"]

_LEVELS: tuple[tuple[int, CpuLoad], ...] = ((0, "idle"), (2, "low"), (5, "medium"))
"""(agents at most, word); more than the last is high."""


def cpu_load(active_agents: int) -> CpuLoad:
    """Return idle (no agent), low (up to 2), medium (up to 5) or high."""
    return next((word for most, word in _LEVELS if active_agents <= most), "high")
