"""Cutting a text into words, numbers and marks, and what is left of them without some of the words.

Owns what a token is; what features come of them is `features.py`. Linear in the length of the text: single regular
expressions without nested repetition.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

MAX_CHARS = 6_000
"""So much of a text is read: what a task is stands at its beginning, and reading must stay quick."""

MAX_WORD_CHARS = 40
"""A longer run of letters is no word: only its beginning is looked at."""

NAME_IN_CODE = "Aa"
"""Stands before the parts of a name such as parseHeader; no other token has a capital."""

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[.,]\d+)*|[^\w\s]")
_HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\WA-Za-z]+")


class Tokens(NamedTuple):
    """A text, cut."""

    text: str
    """So much of it as is read."""
    all: list[str]
    """Words, numbers and marks in lower case, numbers all alike."""
    words: list[str]
    """The words among them."""


def tokens_of(text: str) -> Tokens:
    """Cut a text of any alphabet; one without a single word gives no words."""
    read = text[:MAX_CHARS]
    tokens: list[str] = []
    words: list[str] = []
    for piece in _TOKEN.findall(read):
        first = piece[0]
        if first.isdigit():
            tokens.append("0" if piece.isdigit() else "0.0")
        elif not first.isalpha():
            tokens.append(piece)
        elif not piece.islower() and _is_joined(piece):  # most words have no capital: they are seen at once
            tokens.append(NAME_IN_CODE)
            humps = [hump.lower()[:MAX_WORD_CHARS] for hump in _HUMP.findall(piece)]
            tokens += humps
            words += humps
        else:
            word = piece.lower().replace("’", "'")[:MAX_WORD_CHARS]
            tokens.append(word)
            words.append(word)
    return Tokens(read, tokens, words)


def tokens_without(text: str, tokens: Tokens, gone: Collection[str]) -> Tokens:
    """Return what `tokens_of(text_without(text, gone))` would, from the tokens of the whole text where that is sure.

    It is sure where every place at which the letters of a word stand is that word by itself. Then blotting it out
    takes its tokens and no others: a token ends where it ends, whatever stands behind it.
    """
    left = tokens.text
    is_plain = len(text) <= MAX_CHARS and left.isascii() and NAME_IN_CODE not in tokens.all
    for word in gone if is_plain else ():
        small = left.lower()  # as long as the text itself, because it is ASCII
        if not word[:1].isalpha() or len(word) >= MAX_WORD_CHARS or small.count(word) != tokens.all.count(word):
            is_plain = False
            break
        left = _blotted(left, small, word)
    if not is_plain:
        return tokens_of(text_without(text, gone))
    return Tokens(
        left, [token for token in tokens.all if token not in gone], [word for word in tokens.words if word not in gone]
    )


def text_without(text: str, words: Collection[str]) -> str:
    """Return a text with some of its words blotted out, wherever they stand as words of their own."""
    parts: list[str] = []
    at = 0
    for match in _TOKEN.finditer(text):
        if match.group().lower().replace("’", "'") in words:
            parts.append(text[at : match.start()])
            at = match.end()
    return " ".join((*parts, text[at:]))


def _blotted(text: str, small: str, word: str) -> str:
    """Return a text with one blank for each place where its small letters have a word."""
    parts: list[str] = []
    at = 0
    for rest in small.split(word):
        parts.append(text[at : at + len(rest)])
        at += len(rest) + len(word)
    return " ".join(parts)


def _is_joined(piece: str) -> bool:
    """True for names such as parseHeader or UserService."""
    return len(piece) > 3 and not piece.isupper() and not piece[1:].islower() and piece.isascii() and "'" not in piece
