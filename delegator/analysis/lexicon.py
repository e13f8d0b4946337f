"""Rows of words that speak for something, and finding them in a text.

Owns `Signals`, the form every table of words is written in, and `Lexicon`, which finds all rows of a table in one
pass. What a row speaks for is a plain string here (an indicator, a role): the meaning is the table's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from delegator.analysis.inflection import forms_of
from delegator.analysis.words import Words


@dataclass(frozen=True, slots=True)
class Signals:
    """One row: words and phrases that all speak for the same thing."""

    target: str
    phrases: str
    """Separated by commas; dictionary forms, in lower case. Every form of their words is found."""


class Evidence(NamedTuple):
    """One row's phrase, found in a text."""

    target: str
    phrase: str
    """The words as they stand in the text."""


@dataclass(frozen=True, slots=True)
class _Entry:
    words: tuple[str, ...]
    targets: tuple[str, ...]


class Lexicon:
    """A table made ready for finding. Built once; `find` then costs one dictionary look-up a word."""

    def __init__(self, table: Iterable[Signals]) -> None:
        phrases = _phrases(table)
        self._forms = forms_of(word for words in phrases for word in words)
        by_first: dict[str, list[_Entry]] = {}
        for words, targets in phrases.items():
            by_first.setdefault(words[0], []).append(_Entry(words, tuple(targets)))
        # Longest first, so that 'error message' is found before 'error' and keeps it from counting.
        self._by_first = {
            first: sorted(entries, key=lambda entry: len(entry.words), reverse=True)
            for first, entries in by_first.items()
        }
        self._beginnings = frozenset(form for form, base in self._forms.items() if base in by_first)

    def find(self, text: Words) -> list[Evidence]:
        """Return what the whole text holds, in order; of overlapping phrases the longest, each phrase counted once."""
        positions = [at for at, word in enumerate(text.words) if word in self._beginnings]
        if not positions:
            return []
        bases = self._bases(text.words)
        found: dict[tuple[str, ...], _Entry] = {}
        spans: dict[tuple[str, ...], tuple[int, int]] = {}
        free_from = 0
        for position in positions:
            entry = self._match(bases, position, text) if position >= free_from else None
            if entry is None:
                continue
            free_from = position + len(entry.words)
            if entry.words not in found:
                found[entry.words] = entry
                spans[entry.words] = (position, free_from)
        return [evidence for words, entry in found.items() for evidence in _evidence(entry, text, spans[words])]

    def _bases(self, words: Sequence[str]) -> list[str]:
        forms = self._forms
        return [forms.get(word, "") for word in words]

    def _match(self, bases: Sequence[str], position: int, text: Words) -> _Entry | None:
        for entry in self._by_first[bases[position]]:
            end = position + len(entry.words)
            if tuple(bases[position:end]) == entry.words and not _crosses_an_end(text, position, end):
                return entry
        return None


def _crosses_an_end(text: Words, start: int, end: int) -> bool:
    return any(position in text.ends for position in range(start + 1, end))


def _evidence(entry: _Entry, text: Words, span: tuple[int, int]) -> list[Evidence]:
    shown = " ".join(text.words[span[0] : span[1]])
    return [Evidence(target, shown) for target in entry.targets]


def _phrases(table: Iterable[Signals]) -> dict[tuple[str, ...], dict[str, None]]:
    """{words of a phrase: its targets}; a phrase may stand in several rows, and then speaks for several things."""
    phrases: dict[tuple[str, ...], dict[str, None]] = {}
    for row in table:
        for phrase in row.phrases.split(","):
            words = tuple(phrase.split())
            if words:
                phrases.setdefault(words, {})[row.target] = None
    return phrases
