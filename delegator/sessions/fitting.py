"""How long texts are in tokens, and how they are shortened to fit a window.

Estimates on the safe side: a prompt that is too long would be cut by Ollama, silently and at the wrong end. Decides
nothing about what matters more; that is `prompts.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from delegator.sessions.quoting import quoted

CHARS_PER_TOKEN = 3.5
"""Letters and blanks of a token: English has 4 or more, other languages and code fewer."""

MARK = "[… shortened …]"
"""Stands where text was left out."""

_WORDY = re.compile(r"[A-Za-z \n]+")


def estimate_tokens(text: str) -> int:
    """Return about how many tokens `text` has, rather too many.

    Letters go by `CHARS_PER_TOKEN`; a digit or sign counts as a token; two bytes beyond ASCII do.
    """
    rest = _WORDY.sub("", text)
    beyond_ascii = len(rest.encode("utf-8", "replace")) - len(rest)
    foreign_chars = sum(not char.isascii() for char in rest) if beyond_ascii else 0
    plain_signs = len(rest) - foreign_chars
    return math.ceil((len(text) - len(rest)) / CHARS_PER_TOKEN + plain_signs + (beyond_ascii + foreign_chars) / 2)


def shortened(text: str, budget: int) -> str:
    """Return `text`, already quoted, in at most `budget` tokens: its beginning and its end around `MARK`.

    Two thirds of what stays are beginning. Where not even the mark fits, the mark alone is returned.
    """
    if estimate_tokens(text) <= budget:
        return text
    low, high = 0, len(text)  # characters kept: `low` is known to fit
    while low + 1 < high:
        middle = (low + high) // 2
        if estimate_tokens(_cut(text, middle)) <= budget:
            low = middle
        else:
            high = middle
    return _cut(text, low)


def _cut(text: str, kept: int) -> str:
    tail = kept // 3
    # quoted again: a cut may put a hash at the beginning of a line
    parts = (text[: kept - tail].rstrip(), MARK, quoted(text[len(text) - tail :].lstrip()))
    return "\n".join(part for part in parts if part)


def fair_budgets(needs: Sequence[int], available: int) -> list[int]:
    """Share `available` tokens among texts that need `needs`: short ones whole, the longest ones equally cut.

    The result has a budget per text, in the same order, none above its need.
    """
    budgets = [0] * len(needs)
    left = max(0, available)
    order = sorted(range(len(needs)), key=lambda index: needs[index])
    for position, index in enumerate(order):
        budgets[index] = min(needs[index], left // (len(order) - position))
        left -= budgets[index]
    return budgets
