"""A confusion matrix as SVG: rows are what texts are, columns what they are read as, each row adding up to 1.

One hue from white to dark blue, so that it reads without colours too; the figures stand in the cells, and a cell tells
itself in words when pointed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

CELL, LEFT, TOP, RIGHT, BOTTOM = 54, 168, 176, 24, 74
LIGHTEST, DARKEST = (255, 255, 255), (8, 48, 107)
WHITE_FROM = 0.655
"""From this share on the letters are white: so either has a contrast above 4.5 on its ground."""

SMALLEST_TOLD = 0.005
"""Shares below this stay without a figure: they would only fill the picture."""


def matrix(counts: Sequence[Sequence[int]], names: Sequence[str], *, title: str, description: str) -> str:
    """Return the drawing of counts, one row for each true name and one column for each said one."""
    size = CELL * len(names)
    width, height = LEFT + size + RIGHT, TOP + size + BOTTOM
    sizes = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {sizes} role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(description)}</desc>',
        '<g font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(16, 28, title, size=16),
        _text(16, 48, "rows: what it is; columns: what it is read as; share of the row in %, below it texts"),
    ]
    parts += [
        _text(LEFT - 10, TOP + CELL * (row + 0.5) + 4, _label(name), anchor="end") for row, name in enumerate(names)
    ]
    for column, name in enumerate(names):
        x, y = LEFT + CELL * (column + 0.5) + 4, TOP - 10
        parts.append(f'<g transform="rotate(-45 {x:.1f} {y})">{_text(x, y, _label(name))}</g>')
    for row, found in enumerate(counts):
        parts += _row(row, found, names)
    parts.append(f'<rect x="{LEFT}" y="{TOP}" width="{size}" height="{size}" fill="none" stroke="#777"/>')
    return "\n".join([*parts, *_scale(TOP + size + 26), "</g>", "</svg>"]) + "\n"


def _row(row: int, counts: Sequence[int], names: Sequence[str]) -> list[str]:
    texts = sum(counts)
    parts = []
    for column, count in enumerate(counts):
        share = count / texts if texts else 0.0
        x, y = LEFT + CELL * column, TOP + CELL * row
        told = f"{_label(names[row])} read as {_label(names[column])}: {count} of {texts} texts, {share:.1%}"
        parts.append(
            f'<g><title>{escape(told)}</title><rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" '
            f'fill="{colour_of(share)}" stroke="#e4e4e4"/>'
        )
        if share >= SMALLEST_TOLD:
            ink = ink_on(share)
            middle = x + CELL / 2
            parts += [
                _text(middle, y + CELL / 2, f"{share * 100:.0f}", anchor="middle", size=14, ink=ink),
                _text(middle, y + CELL / 2 + 15, f"{count}", anchor="middle", size=10, ink=ink),
            ]
        parts.append("</g>")
    return parts


def _scale(y: float) -> list[str]:
    steps, width = 10, 22
    parts = [_text(LEFT - 10, y + 13, "share of the row", anchor="end")]
    parts += [
        f'<rect x="{LEFT + width * step}" y="{y:.1f}" width="{width}" height="16" fill="{colour_of(step / steps)}" '
        'stroke="#e4e4e4"/>'
        for step in range(steps + 1)
    ]
    ends = ((0, "0"), (5, "50"), (10, "100 %"))
    return [*parts, *(_text(LEFT + width * (at + 0.5), y + 32, words, anchor="middle") for at, words in ends)]


def ink_on(share: float) -> str:
    """Return the colour of the letters on a cell."""
    return "#ffffff" if share >= WHITE_FROM else "#000000"


def colour_of(share: float) -> str:
    """Return the colour of a cell."""
    mixed = (round(light + (dark - light) * share) for light, dark in zip(LIGHTEST, DARKEST, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _label(name: str) -> str:
    return name.replace("_", " ")


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12, ink: str | None = None) -> str:
    look = "" if ink is None else f' fill="{ink}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{look}>{escape(words)}</text>'
