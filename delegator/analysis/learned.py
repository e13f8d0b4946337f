"""Understanding a task text by learned weights, and by the keywords of one catalogue for roles the weights never met.

Owns how sums become a `Reading`: probabilities, what is thought possible, the words that decided. What follows from a
reading is decided in the files for complexity, team and limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import exp
from operator import itemgetter
from typing import TypeVar

import numpy as np

from delegator.analysis.correction import Learned
from delegator.analysis.deciding_words import DecidingWords, WithoutWord
from delegator.analysis.features import features_in
from delegator.analysis.learned_reading import LearnedReader, Sums
from delegator.analysis.lexicon import Lexicon, Signals
from delegator.analysis.tokens import Tokens, tokens_of, tokens_without
from delegator.analysis.understanding import Reading, Turning, Without
from delegator.analysis.weights import Floats, Weights, shipped_weights
from delegator.analysis.words import split_words
from delegator.roles.catalogue import Catalogue
from delegator.words import TaskType

Name = TypeVar("Name", bound=str)

Reread = Callable[[tuple[str, ...]], tuple[Floats, Floats]]
"""Reads a text anew without some of its words: what the rest adds up to, and what use has taught of it."""

TURNING_WORDS = 3
"""Where more words than this would have to go for another type, the reading does not hang on words."""

SOFTENING = 0.7
"""Factor on the sharpness of roles: whose work a text is hangs more on the house it comes from than its type does, so
that probabilities that are honest on the corpus are too sure elsewhere. Chosen on texts of other sources."""


class LearnedUnderstanding:
    """Reads by learned weights. Prepares its tables once; reading changes nothing that can be seen."""

    def __init__(self, catalogue: Catalogue, weights: Weights | None = None, learned: Learned | None = None) -> None:
        """Read for one catalogue; without `weights` by those that are shipped, corrected by what is `learned`."""
        self._reader = LearnedReader(weights or shipped_weights(), learned)
        known = self._reader.weights.roles
        self._known = tuple(role for role in known if role in catalogue.roles)
        rows = list(_keyword_rows(catalogue, frozenset(known)))
        self._has_strangers, self._strangers = bool(rows), Lexicon(rows)

    @property
    def weights(self) -> Weights:
        """What it reads by."""
        return self._reader.weights

    def read(self, text: str) -> Reading:
        """Weigh every word of the text; one without any is read by its shape."""
        tokens = tokens_of(text)
        sums = self._reader.sums_of(features_in(tokens))
        weights = self.weights
        chances, own = self._chances(sums.total)
        by_type = _ranked(weights.types, chances)
        strangers = self._by_keyword(text) if self._has_strangers else {}
        words = DecidingWords(sums, weights, strangers)
        without = _Rereading(text, tokens, self._reader).without
        return Reading(
            chances=by_type,
            own=dict.fromkeys(strangers, 1.0) | self._own(own),
            words=words,
            possible=tuple(name for name, chance in by_type.items() if chance >= weights.possible_from),
            turning=self._turning(sums, without, next(iter(by_type))),
            without=WithoutWord(self._known, partial(self._without, sums, without, words)),
            taught=self._taught(sums.taught),
        )

    def _chances(self, total: Floats) -> tuple[list[float], list[float]]:
        """Return the probabilities of types and of roles."""
        weights, types, sums = self.weights, len(self.weights.types), total.tolist()
        return (
            _as_chances(sums[:types], weights.type_sharpness),
            _as_chances(sums[types:], weights.role_sharpness * SOFTENING),
        )

    def _own(self, chances: Sequence[float]) -> dict[str, float]:
        ranked = _ranked(self.weights.roles, chances)
        return {role: chance for role, chance in ranked.items() if role in self._known}

    def _taught(self, taught: Floats) -> dict[str, float]:
        if not len(taught):
            return {}  # nothing was learned
        says = dict(zip(self.weights.roles, taught.tolist(), strict=True))
        return {role: says[role] for role in self._known if says.get(role)}

    def _by_keyword(self, text: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for evidence in self._strangers.find(split_words(text)):
            found[evidence.target] = (*found.get(evidence.target, ()), evidence.phrase)
        return found

    # ── which words decided ───────────────────────────────────────────────────────────────────────────────────────

    def _turning(self, sums: Sums, without: Reread, best: TaskType) -> Turning | None:
        names = self.weights.types
        types, place = len(names), names.index(best)
        by_word = sums.by_word[:, :types]
        rivals = by_word.copy()
        rivals[:, place] = -np.inf
        margins = by_word[:, place] - np.maximum.reduce(rivals, axis=1)
        strongest = (-margins).argsort(kind="stable")[: TURNING_WORDS * 2].tolist()
        order = [at for at in strongest if sums.words[at][0].isalpha()][:TURNING_WORDS]
        if not order:
            return None
        left = sums.total[:types] - np.add.accumulate(by_word.take(order, axis=0))
        for count, now in enumerate(left.argmax(axis=1).tolist(), 1):
            if now != place:
                gone = tuple(sums.words[at] for at in sorted(order[:count]))
                exactly = int(without(gone)[0][:types].argmax())
                return Turning(gone, names[exactly]) if exactly != place else None
        return None

    def _without(self, sums: Sums, without: Reread, words: DecidingWords, role: str) -> Without | None:
        place = words.strongest_for(role)
        if place is None:
            return None
        word = sums.words[place]

        def exactly() -> Without:
            return self._as_without(word, *without((word,)))

        left, taught = sums.total - sums.by_word[place], sums.taught - sums.taught_by_word[place]
        return self._as_without(word, left, taught, exactly)

    def _as_without(
        self, word: str, total: Floats, taught: Floats, exactly: Callable[[], Without] | None = None
    ) -> Without:
        chances, own = self._chances(total)
        return Without(
            word,
            dict(zip(self.weights.types, chances, strict=True)),
            dict(zip(self.weights.roles, own, strict=True)),
            self._taught(taught),
            exactly,
        )


class _Rereading:
    """Reads one text anew without some of its words; what was asked once is kept, for the same is asked again."""

    def __init__(self, text: str, tokens: Tokens, reader: LearnedReader) -> None:
        self._text = text
        self._tokens = tokens
        self._reader = reader
        self._found: dict[tuple[str, ...], tuple[Floats, Floats]] = {}

    def without(self, gone: tuple[str, ...]) -> tuple[Floats, Floats]:
        if gone not in self._found:
            self._found[gone] = self._reader.total_of(features_in(tokens_without(self._text, self._tokens, gone)))
        return self._found[gone]


def _as_chances(sums: Sequence[float], sharpness: float) -> list[float]:
    """Return what `probabilities` would: of one text there are so few that lists beat arrays."""
    most = max(sums)
    raised = [exp((one - most) * sharpness) for one in sums]
    whole = sum(raised)
    return [one / whole for one in raised]


def _ranked(names: Iterable[Name], chances: Sequence[float]) -> dict[Name, float]:
    """Return {name: chance}, the likeliest first; names that are equally likely stay in their order."""
    return dict(sorted(zip(names, chances, strict=True), key=itemgetter(1), reverse=True))


def _keyword_rows(catalogue: Catalogue, known: frozenset[str]) -> Iterable[Signals]:
    for role in catalogue.roles.values():
        if role.name not in known:
            for keyword in role.keywords:
                yield Signals(role.name, " ".join(split_words(keyword).words))
