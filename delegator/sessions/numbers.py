"""Reading figures out of the data of events, which anybody may have written."""

from __future__ import annotations

import math
from typing import Any


def number(value: Any) -> float | None:
    """Return a number that can be added up; None for anything else: text, true, NaN, something below zero."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        return None
    return float(value)
