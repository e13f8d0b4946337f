"""Scales of charts: round lines with room for the highest value, and short numbers beside them. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)
"""Distances of the lines of a scale, times a power of ten."""

_LINES = 4
"""Lines of a scale at most, the ground not counted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the scale, `at` 0 (ground) to 1 (top)."""

    at: float
    label: str


def scale(highest: float, *, whole: bool = False) -> tuple[float, tuple[Line, ...]]:
    """Return the top of a scale that has room for `highest`, and its lines at round values.

    Args:
        highest: the highest value; without one above 0 there is only the ground.
        whole: the values are counts: no line stands between two of them.
    """
    if not highest > 0 or not math.isfinite(highest):
        return 1.0, (Line(0.0, "0"),)
    power = 10.0 ** math.floor(math.log10(highest / _LINES))
    step = next(step * power for step in _STEPS if step * power * _LINES >= highest * (1 - 1e-9))
    if whole:
        step = max(1.0, float(math.ceil(step)))
    count = math.ceil(highest / step - 1e-9)
    top = count * step
    return top, tuple(Line(n / count, short_number(n * step)) for n in range(count + 1))


def short_number(value: float) -> str:
    """Write a number for a scale: 0, 2.5, 400, 12k, 3.4M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:g}"


def money_unit(highest: float, currency: str) -> tuple[float, str]:
    """Return in what a scale counts money, so that its numbers stay short: (the unit's size, its name)."""
    for size, name in ((1.0, "{}"), (1e-3, "thousandths of {}")):
        if highest >= size / 10 or not highest > 0:
            return size, name.format(currency)
    return 1e-6, f"millionths of {currency}"
