"""Splitting a text into whole words, and finding where its clauses end: what phrases are looked for in.

Linear in the length of the text whatever it holds: one regular expression without nested repetition, then one pass over
what it found. What the learned reading sees of a text is cut by `features.py`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_PIECE = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[?!.:;\n\])]")
"""A whole word (apostrophes inside belong to it; _ - / and the like separate), or a mark that ends a clause."""

_CLAUSE_ENDS = frozenset("?!.:;\n])")

_ERROR_TAILS = ("Error", "Exception", "Failure", "Fault", "Panic")
"""Endings of class names that are the error itself: NullPointerException, TypeError."""


class Words(NamedTuple):
    """A text as whole words."""

    words: tuple[str, ...]
    """Lower-cased, in order, without marks."""
    ends: frozenset[int]
    """Positions of the words before which a clause ended; a phrase never reaches over one."""


def split_words(text: str) -> Words:
    """Read a text of any alphabet; a text without a single word gives no words."""
    words: list[str] = []
    ends: set[int] = set()
    for piece in _PIECE.findall(text):
        if piece in _CLAUSE_ENDS:
            if words:
                ends.add(len(words))
        elif piece.endswith(_ERROR_TAILS):
            words.extend(_named_error(piece))
        else:
            words.append(_small(piece))
    return Words(tuple(words), frozenset(ends))


def _named_error(piece: str) -> tuple[str, ...]:
    """Return a class name and the error that it is; a bare 'Error' is a word like others."""
    for tail in _ERROR_TAILS:
        if len(piece) > len(tail) and piece.endswith(tail):
            return piece.lower(), tail.lower()
    return (_small(piece),)


def _small(piece: str) -> str:
    small = piece.lower()
    return small if small.isalnum() else small.replace("’", "'").removesuffix("'s")
