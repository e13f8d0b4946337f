"""What was used, in the units that electricity and money are made from; by a session, or by all roles in its place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """What was used over one span of time.

    Attributes:
        gb_seconds: memory held, times model seconds.
        gpu_seconds: GPU shares held, times model seconds.
        computing_s: model seconds in which a model spoke or was loaded.
    """

    gb_seconds: float
    gpu_seconds: float
    computing_s: float


def saved_ratio(used: float, everything: float) -> float:
    """Return which share of `everything` was not used; below 0 more was used, and 0 where there is nothing to save."""
    return 1 - used / everything if everything else 0.0
