"""How values are written for people: sizes, durations, shares, moments, bars; and text made safe to print.

Pure functions from values to text. What a reply looks like as a whole is in `views/`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, datetime

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"  # operating system commands: titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c|$)"  # device control and other strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # control sequences: colours, cursor, erasing
    r"|\x1b[ -/]*[0-~]?"  # the short ones
)

_NEVER_PRINTED = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that move the cursor, break lines or cannot be encoded."""

_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make text read in another order than it is written."""


def clean(text: str) -> str:
    """Return `text` without anything a terminal would obey: escape sequences, control and reordering characters.

    Line feeds stay, tabs become blanks. Half surrogate pairs become question marks.
    """
    if text.isascii() and text.isprintable():
        return text
    plain = _ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return "".join(_printable(character) for character in plain)


def _printable(character: str) -> str:
    if character == "\n":
        return character
    if character == "\t":
        return "    "
    category = unicodedata.category(character)
    if category == "Cs":
        return "?"
    return "" if category in _NEVER_PRINTED or character in _REORDERING else character


def one_line(text: str, *, at_most: int = 0) -> str:
    """Return `text` cleaned and on one line; longer than `at_most` characters (0: no bound) it ends in an ellipsis."""
    line = " ".join(clean(text).split())
    return f"{line[: at_most - 1].rstrip()}…" if at_most and len(line) > at_most else line


def duration(seconds: float) -> str:
    """Write seconds as 45s, 5m 23s or 2h 4m; below ten seconds with one decimal, because there it matters."""
    if seconds < 9.95 and round(seconds, 1) != round(seconds):
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    return f"{whole // 3600}h {whole % 3600 // 60}m"


def gigabytes(size_gb: float) -> str:
    """Write a size with one decimal: 32.5 GB."""
    return f"{size_gb:.1f} GB"


def gigabyte_seconds(value: float) -> str:
    """Write GB-seconds with separated thousands, or GB-hours where those read easier."""
    return f"{value:,.0f} GB·s" if value < 360_000 else f"{value / 3600:,.1f} GB·h"


def watt_hours(value: float) -> str:
    """Write electricity as Wh, or as kWh where that reads easier; small figures with two digits that count."""
    return f"{value / 1000:,.2f} kWh" if abs(value) >= 1000 else f"{_digits(value)} Wh"


def amount(value: float, currency: str) -> str:
    """Write money: 12.50 EUR; below one with two digits that count, as in 0.0042 EUR."""
    return f"{_digits(value)} {one_line(currency)}"


def _digits(value: float) -> str:
    if abs(value) >= 1 or round(value, 6) == 0:
        return f"{value:,.2f}"
    return f"{value:.{min(6, 1 - math.floor(math.log10(abs(value))))}f}"


def percent(ratio: float) -> str:
    """Write a share: 0.634 is 63 %; a negative one keeps its sign."""
    return f"{ratio * 100:.0f} %"


def moment(at: datetime | None) -> str:
    """Write a time stamp in UTC, or a dash for none."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else "–"


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: 1 agent, 3 agents."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def role_name(role: str) -> str:
    """Write a role where its title is not at hand: senior_developer is Senior developer, ceo is CEO."""
    words = one_line(role).replace("_", " ")
    return words.upper() if len(words) <= 4 else words[:1].upper() + words[1:]


def at_work(who: str, waiting_for: str | None) -> str:
    """Say what the one whose turn it is does. `waiting_for`: the model that is not there yet; None: it is."""
    return f"{who} waits for {one_line(waiting_for)}" if waiting_for else f"{who} is speaking"


def bar(value: float, *, of: float, width: int = 30) -> str:
    """Draw `value` as a bar of at most `width` cells, where `of` would fill it; anything above nothing shows."""
    if of <= 0 or value <= 0:
        return ""
    cells = round(min(1.0, value / of) * width)
    return "█" * max(1, cells)
