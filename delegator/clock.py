"""The one object that gives time.

With real models a second is a second. With simulated models the simulator runs faster than life by `scale`, and every
figure Delegator shows (receipts, seconds to ready, load times) must be in the simulator's seconds: that is what
`elapsed_s` returns. Time stamps stay wall-clock UTC in both cases, so that histories sort and dates make sense.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """Wall time, and durations in the seconds of the models' world.

    Attributes:
        scale: model seconds per real second; 1.0 with real models.
    """

    scale: float = 1.0

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""
        return datetime.now(UTC)

    def mark(self) -> float:
        """Return a point on the monotonic clock, for `elapsed_s`. Meaningless outside this process."""
        return time.monotonic()

    def elapsed_s(self, mark: float) -> float:
        """Return the model seconds since `mark`."""
        return (time.monotonic() - mark) * self.scale

    def between_s(self, start: datetime, end: datetime) -> float:
        """Return the model seconds from `start` to `end`; never negative."""
        return max(0.0, (end - start).total_seconds() * self.scale)

    def real_s(self, model_s: float) -> float:
        """Return how many real seconds `model_s` model seconds last."""
        return model_s / self.scale
