"""Splitting a text into words, and finding where its clauses begin.

Owns the only reading of raw characters in the analysis. Linear in the length of the text whatever it holds: one
regular expression without nested repetition, then one pass over what it found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PIECE = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[?!.:;\n\])]")
"""A whole word (apostrophes inside belong to it; _ - / and the like separate), or a mark that ends a clause."""

_CLAUSE_ENDS = frozenset("?!.:;\n])")
_PREFIX_ENDS = frozenset(":])")

MAX_PREFIX_WORDS = 6
"""A colon or bracket this early ends a tag or a component ('parser: …', '[Windows] …'); the clause begins behind it."""

_ERROR_TAILS = ("Error", "Exception", "Failure", "Fault", "Panic")
"""Endings of class names that are the error itself: NullPointerException, TypeError."""

POLITE_OPENINGS: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split())
    for line in (
        "please",
        "could you please",
        "can you please",
        "could you",
        "can you",
        "would you",
        "we need to",
        "we want to",
        "we have to",
        "we should",
        "we must",
        "we would like to",
        "i need to",
        "i want to",
        "i would like to",
        "i'd like to",
        "i need you to",
        "we'd like to",
        "help me to",
        "help me",
        "help us to",
        "help us",
        "let's",
        "let us",
        "should we",
        "shall we",
        "need to",
        "want to",
        "the task is to",
        "your task is to",
        "todo",
        "now",
        "also",
        "just",
        "quickly",
        "automatically",
        "always",
        "properly",
        "correctly",
        "directly",
        "only",
    )
)
"""Openings that come before the verb of a request without being its verb; the longest one wins."""


@dataclass(frozen=True, slots=True)
class Words:
    """A text as whole words."""

    words: tuple[str, ...]
    """Lower-cased, in order, without marks."""
    openings: tuple[int, ...]
    """Positions at which the first clause begins: of the text, and behind its tags, components and polite openings."""
    tagged: int
    """How many words at the beginning are tags or components rather than the first clause; often 0."""
    asks: bool
    """True when the text ends with a question mark, or its first sentence does."""
    ends: frozenset[int]
    """Positions of the words before which a clause ended; a phrase never reaches over one."""


def split_words(text: str) -> Words:
    """Read a text of any alphabet; a text without a single word gives no words."""
    words: list[str] = []
    ends: set[int] = set()
    starts = [0]
    open_prefix = True
    marks = ""
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece in _CLAUSE_ENDS:
            marks = _with_mark(marks, piece, after=len(words))
            if words:
                ends.add(len(words))
            if piece in _PREFIX_ENDS and open_prefix and len(words) <= MAX_PREFIX_WORDS:
                starts.append(len(words))
            elif piece in "?!;\n":
                open_prefix = False
            continue
        words.extend(_spellings(piece))
    lowered = tuple(words)
    return Words(lowered, _openings(lowered, starts), starts[-1], _asks(text, marks), frozenset(ends))


def _with_mark(marks: str, mark: str, *, after: int) -> str:
    """Remember the first sentence mark behind a word, which tells whether the first sentence asks."""
    return mark if not marks and after and mark in "?!." else marks


def _asks(text: str, first_mark: str) -> bool:
    return first_mark == "?" or text.rstrip().endswith("?")


def _spellings(piece: str) -> tuple[str, ...]:
    for tail in _ERROR_TAILS:
        if len(piece) > len(tail) and piece.endswith(tail):
            return piece.lower(), tail.lower()
    word = piece.lower().replace("’", "'")
    return (word.removesuffix("'s"),)


def _openings(words: Sequence[str], starts: Sequence[int]) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for start in starts:
        position = start
        while position < len(words):
            found[position] = None
            skipped = _polite_length(words, position)
            if not skipped:
                break
            position += skipped
    return tuple(found)


_POLITE_BY_FIRST: Mapping[str, tuple[tuple[str, ...], ...]] = {
    first: tuple(sorted((line for line in POLITE_OPENINGS if line[0] == first), key=len, reverse=True))
    for first in {line[0] for line in POLITE_OPENINGS}
}


def _polite_length(words: Sequence[str], position: int) -> int:
    for line in _POLITE_BY_FIRST.get(words[position], ()):
        if tuple(words[position : position + len(line)]) == line:
            return len(line)
    return 0
