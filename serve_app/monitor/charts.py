"""Charts as they are drawn: columns and rows with their lengths and words. Pure; no colours, no pixels.

A chart always comes with a sentence that says what it shows and with all its values in words, for its table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serve_app.scales import Line, scale

LABELS = 6
"""Columns named by a day below a chart at most: more would run into one another on a phone."""


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of value of a chart; `tone` is its colour in `monitor.css`."""

    name: str
    tone: str


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
