"""Bars as SVG: small, without script, readable without colour, with their figures as text.

Every text that comes from outside is escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 200
LEFT, BOTTOM = 56, 24
"""Room for the figures at the side and the names below, in pixels."""

ROW = 24
"""Height of one row of a bar chart that lies."""

MOST_NAMES = 12
"""Names below the columns at most: more would run into each other."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name and its parts from below, and what is said when somebody points at it."""

    name: str
    parts: tuple[float, ...]
    told: str


def columns(title: str, drawn: Sequence[Column]) -> str:
    """Return columns beside each other, each of parts that stand on one another.

    Args:
        title: read out in place of the picture.
        drawn: from left to right; all with the same number of parts, none below 0.
    """
    most = max((sum(column.parts) for column in drawn), default=0) or 1.0
    step = (WIDTH - LEFT) / max(1, len(drawn))
    every = -(-len(drawn) // MOST_NAMES)
    body: list[str] = [_gridline(most, share) for share in (0.0, 0.5, 1.0)]
    for number, column in enumerate(drawn):
        x, y = LEFT + number * step, float(HEIGHT - BOTTOM)
        body.append(f"<g><title>{escape(column.told)}</title>")
        for tone, part in enumerate(column.parts):
            height = part / most * (HEIGHT - BOTTOM - 12)
            y -= height
            width = max(1.0, step * 0.8)
            body.append(f'<rect class="t{tone}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>')
        body.append("</g>")
        if number % every == 0:
            body.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}">{escape(column.name)}</text>')
    return _svg(title, HEIGHT, body)


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


def _gridline(most: float, share: float) -> str:
    y = HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - 12)
    value = f"{most * share:,.0f}" if most >= 10 else f"{most * share:,.1f}"
    line = f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<text class="side" x="{LEFT - 6}" y="{y + 4:.1f}">{value}</text>'


def _svg(title: str, height: int, body: Sequence[str]) -> str:
    drawn = "".join(body)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">{drawn}</svg>'
