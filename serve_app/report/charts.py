"""Bars as SVG: small, without script, readable without colour, with their figures as text.

Every text that comes from outside is escaped here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from serve_app.scales import Line, scale

WIDTH, HEIGHT = 720, 200
LEFT, BOTTOM = 56, 24
"""Room for the figures at the side and the names below, in pixels."""

TALL = HEIGHT - BOTTOM - 12
"""Height of the highest column a scale has room for."""

ROW = 24
"""Height of one row of a bar chart that lies."""

LETTER = 7.5
"""What a letter of a name below the columns takes at most, in pixels; between two names are two of them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name and its parts from below, and what is said when somebody points at it."""

    name: str
    parts: tuple[float, ...]
    told: str


def columns(title: str, drawn: Sequence[Column], *, whole: bool = False) -> str:
    """Return columns beside each other, each of parts that stand on one another.

    Args:
        title: read out in place of the picture.
        drawn: from left to right, as many as there is room for; all with the same number of parts. What is below 0
            has no height.
        whole: the values are counts.
    """
    top, lines = scale(max((sum(_heights(column)) for column in drawn), default=0), whole=whole)
    step = (WIDTH - LEFT) / max(1, len(drawn))
    name_width = (max((len(column.name) for column in drawn), default=0) + 2) * LETTER
    every = max(1, math.ceil(name_width / step))
    body: list[str] = [_gridline(line) for line in lines]
    for number, column in enumerate(drawn):
        x, y = LEFT + number * step, float(HEIGHT - BOTTOM)
        body.append(f"<g><title>{escape(column.told)}</title>")
        for tone, part in enumerate(_heights(column)):
            width, height = step * 0.8, part / top * TALL
            y -= height
            body.append(f'<rect class="t{tone}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>')
        body.append("</g>")
        if number % every == 0 and x + name_width <= WIDTH + 2 * LETTER:
            body.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}">{escape(column.name)}</text>')
    return _svg(title, HEIGHT, body)


def _heights(column: Column) -> list[float]:
    return [max(0.0, part) for part in column.parts]


def rows(title: str, drawn: Sequence[tuple[str, float, str]]) -> str:
    """Return bars below each other: (name, value, the value in words)."""
    most = max((value for _, value, _ in drawn), default=0) or 1.0
    body: list[str] = []
    for number, (name, value, told) in enumerate(drawn):
        y, width = number * ROW, value / most * (WIDTH - 320)
        body.append(f'<text x="0" y="{y + 16}">{escape(name)}</text>')
        body.append(f'<rect class="t0" x="180" y="{y + 4}" width="{max(1.0, width):.1f}" height="{ROW - 8}"/>')
        body.append(f'<text x="{188 + width:.1f}" y="{y + 16}">{escape(told)}</text>')
    return _svg(title, max(ROW, len(drawn) * ROW), body)


def _gridline(line: Line) -> str:
    y = HEIGHT - BOTTOM - line.at * TALL
    drawn = f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{drawn}<text class="side" x="{LEFT - 6}" y="{y + 4:.1f}">{line.label}</text>'


def _svg(title: str, height: int, body: Sequence[str]) -> str:
    drawn = "".join(body)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">{drawn}</svg>'
