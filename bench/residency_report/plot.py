"""The plot of the residency benchmark as SVG: memory held against loads waited for, as ratios to Ollama's.

One panel a machine, one point a rate and lag; the corner below and left is better, Ollama itself is at (1, 1). The
shaded corner is where both goals of the busiest rate hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.residency_report.goals import GB_SECONDS, WAITED
from bench.residency_report.tables import Comparison

PANEL, GAP, LEFT, TOP, BOTTOM = 250, 44, 62, 64, 92
MOST = 1.2
COLOURS = {2: "#1b7837", 6: "#2166ac", 12: "#b2182b"}
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


def plot(comparisons: Sequence[Comparison]) -> str:
    """Return the drawing."""
    machines = sorted({comparison.machine_gb for comparison in comparisons})
    width = LEFT + len(machines) * (PANEL + GAP)
    height = TOP + PANEL + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        '<g font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(LEFT, 22, "Delegator against Ollama: memory held and loads waited for, as ratios", size=15),
    ]
    for number, machine in enumerate(machines):
        here = [comparison for comparison in comparisons if comparison.machine_gb == machine]
        parts += _panel(LEFT + number * (PANEL + GAP), machine, here, is_first=number == 0)
    return "\n".join([*parts, *_legend(comparisons, height), "</g>", "</svg>"]) + "\n"


def _panel(left: int, machine: int, comparisons: Sequence[Comparison], *, is_first: bool) -> list[str]:
    parts = [_text(left + PANEL / 2, TOP - 10, f"{machine} GB", anchor="middle", size=13)]
    if machine in GB_SECONDS:
        x, y = _x(left, GB_SECONDS[machine][12]), _y(WAITED[machine][12])
        parts.append(
            f'<rect x="{left}" y="{y:.1f}" width="{x - left:.1f}" height="{TOP + PANEL - y:.1f}" fill="#eef5ec"/>'
        )
    parts.append(f'<rect x="{left}" y="{TOP}" width="{PANEL}" height="{PANEL}" fill="none" stroke="#999"/>')
    for step in STEPS:
        x, y = _x(left, step), _y(step)
        parts += [
            f'<path d="M{x:.1f} {TOP + PANEL}v4 M{left} {y:.1f}h-4" stroke="#999"/>',
            _text(x, TOP + PANEL + 17, f"{step:g}", anchor="middle"),
        ]
        if is_first:
            parts.append(_text(left - 8, y + 4, f"{step:g}", anchor="end"))
    if is_first:
        middle = TOP + PANEL / 2
        turned = f'<g transform="rotate(-90 18 {middle})">'
        parts += [turned, _text(18, middle, "waited load seconds", anchor="middle"), "</g>"]
    parts.append(_text(left + PANEL / 2, TOP + PANEL + 36, "GB-seconds", anchor="middle"))
    x, y = _x(left, 1), _y(1)
    parts += [
        f'<path d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10" stroke="#222" stroke-width="2"/>',
        _text(x - 9, y + 4, "Ollama", anchor="end"),
    ]
    return [*parts, *(_point(left, comparison) for comparison in comparisons)]


def _point(left: int, c: Comparison) -> str:
    """Draw one comparison: a full circle for sessions closed at once, an open one for those closed late."""
    x, y = _x(left, c.to_ollama["gb_seconds"]), _y(c.to_ollama["waited_load_seconds"])
    colour = COLOURS.get(c.rate_per_h, "#555")
    told = (
        f"{c.machine_gb} GB, {c.rate_per_h} an hour, closed after {c.close_lag_s} s: "
        f"GB-s {c.to_ollama['gb_seconds']:.2f}, waited load s {c.to_ollama['waited_load_seconds']:.2f}"
    )
    fill = "#fff" if c.close_lag_s else colour
    look = f'r="5" fill="{fill}" stroke="{colour}" stroke-width="2"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" {look}><title>{told}</title></circle>'


def _legend(comparisons: Sequence[Comparison], height: int) -> list[str]:
    parts, x, y = [], LEFT, height - 22
    for rate in sorted({comparison.rate_per_h for comparison in comparisons}):
        parts.append(f'<circle cx="{x + 5}" cy="{y - 4}" r="5" fill="{COLOURS.get(rate, "#555")}"/>')
        parts.append(_text(x + 16, y, f"{rate} sessions an hour"))
        x += 150
    if any(comparison.close_lag_s for comparison in comparisons):
        parts.append(f'<circle cx="{x + 5}" cy="{y - 4}" r="5" fill="#fff" stroke="#555" stroke-width="2"/>')
        parts.append(_text(x + 16, y, "open: closed late"))
    return parts


def _x(left: int, ratio: float) -> float:
    return left + min(ratio, MOST) / MOST * PANEL


def _y(ratio: float) -> float:
    return TOP + PANEL - min(ratio, MOST) / MOST * PANEL


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{words}</text>'
