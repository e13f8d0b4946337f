"""Charts as they are drawn: columns and rows with their lengths, scales and words. Pure; no colours, no pixels.

A chart always comes with a sentence that says what it shows and with all its values in words, for its table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)
"""Distances of the lines of a scale, times a power of ten."""

_LINES = 4
"""Lines of a scale at most, the ground not counted."""

LABELS = 6
"""Columns named by a day below a chart at most: more would run into one another on a phone."""


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of value of a chart; `tone` is its colour in `monitor.css`."""

    name: str
    tone: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the scale, `at` 0 (ground) to 1 (top)."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a part for each series, from the ground up."""

    label: str
    values: tuple[str, ...]
    heights: tuple[float, ...]
    """Of the height of the chart, 0 to 1; a value below nothing has no height."""
    named: bool
    """Whether its label stands below it."""
    short: str
    """The label where there is little room."""


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """Columns over a common scale."""

    title: str
    note: str
    mark: str
    said: str
    """The chart in a sentence, for those who do not see it."""
    first_head: str
    """What the columns are, as the head of a table."""
    series: tuple[Series, ...]
    lines: tuple[Line, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One bar with its words; `share` of the longest, 0 to 1."""

    label: str
    tone: str
    share: float
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class RowChart:
    """Bars one below the other, each named and with its value."""

    title: str
    note: str
    mark: str
    empty: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Values:
    """What one column is made of, before it is measured against the others."""

    label: str
    short: str
    parts: tuple[float, ...]


def columns(
    values: Sequence[Values], *, write: Callable[[float], str], whole: bool = False, labels: int = LABELS
) -> tuple[tuple[Column, ...], tuple[Line, ...]]:
    """Return columns and their scale.

    Args:
        values: the columns from left to right.
        write: a value in words, for the table.
        whole: the values are counts: no line of the scale stands between two of them.
        labels: how many columns are named at most.
    """
    top, lines = scale(max((sum(max(0.0, part) for part in one.parts) for one in values), default=0.0), whole=whole)
    every = max(1, math.ceil(len(values) / labels))
    return (
        tuple(
            Column(
                label=one.label,
                values=tuple(write(part) for part in one.parts),
                heights=tuple(max(0.0, part) / top for part in one.parts),
                named=(len(values) - 1 - n) % every == 0,  # the last one always: it is the latest
                short=one.short,
            )
            for n, one in enumerate(values)
        ),
        lines,
    )


def scale(highest: float, *, whole: bool = False) -> tuple[float, tuple[Line, ...]]:
    """Return the top of a scale that has room for `highest`, and its lines at round values."""
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
