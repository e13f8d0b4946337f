"""Reading a text by the learned weights: every word's share in every type and role, and what they come to.

Owns the sum. Because it is linear, what a word contributes is known exactly: reasons are read off it, not guessed.
Built for speed: what a word contributes is worked out once and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from delegator.analysis.correction import Correction, Learned
from delegator.analysis.features import PER_WORD, Features, features_of, keys_of_word
from delegator.analysis.kept_words import KeptWords
from delegator.analysis.weights import Floats, Weights

WORD, GRAM = PER_WORD.index("word"), PER_WORD.index("gram")
"""Parts of words are corrected only where the word itself is unknown: two words that share a part seldom share more."""

Places = npt.NDArray[np.intp]
Known = npt.NDArray[np.bool_]

NOTHING = np.array(1e-9, np.float32)
"""A length below this is none: there is nothing to scale."""

KEPT_WORDS = 20_000
"""Words whose contributions are kept; beyond that the memory begins anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What a text adds up to before it becomes probabilities.

    Attributes:
        words: the distinct words and marks.
        by_word: what each contributes to each column, pairs shared by both sides. Shape (words, columns).
        rest: what the shape of the text contributes, and the bias. Shape (columns,).
        taught_by_word: what each word adds to the log-odds that a role is needed, by what use has taught. Shape
            (words, roles); (words, 0) while nothing was learned.
    """

    words: tuple[str, ...]
    by_word: Floats
    rest: Floats
    taught_by_word: Floats
    total: Floats = field(init=False)
    """All of it together. Shape (columns,)."""
    taught: Floats = field(init=False)
    """What use has taught of all words. Shape (roles,); (0,) while nothing was learned."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", np.add.reduce(self.by_word) + self.rest)
        object.__setattr__(self, "taught", np.add.reduce(self.taught_by_word))


class LearnedReader:
    """Adds up texts by one set of weights, and by what was learned beside them where that is given."""

    def __init__(self, weights: Weights, learned: Learned | None = None) -> None:
        self.weights = weights
        self._correction = None if learned is None else Correction(weights, learned)
        self._own_columns = len(weights.bias)
        self._columns = self._own_columns + (0 if learned is None else len(weights.roles))
        self._kept = self._none_kept()
        # What is needed of each feature besides its steps, side by side: one look-up fetches both.
        self._squares_and_steps = np.stack([np.square(weights.rarity), weights.rarity * weights.factors], axis=1)

    def sums(self, text: str) -> Sums:
        """Return what a text adds up to."""
        return self.sums_of(features_of(text))

    def sums_of(self, features: Features) -> Sums:
        """Return what the features of a text add up to."""
        words = features.words
        parts, gains = self._fetched(features)
        blocks, scales = self._blocks(features, gains)
        by_word = _scaled_words(parts)
        if words:
            by_word += (_shares(features) * scales[0]) @ gains[: len(features.pairs), :-1]
            if features.first_word:
                by_word[words.index(features.first_word)] += blocks[1] * scales[1]
        rest = self.weights.bias + (blocks[2] * scales[2])[: self._own_columns]
        return Sums(words, by_word[:, : self._own_columns], rest, by_word[:, self._own_columns :])

    def total(self, text: str) -> tuple[Floats, Floats]:
        """Return what a text adds up to, and what use has taught of it, without telling its words apart: quicker."""
        return self.total_of(features_of(text))

    def total_of(self, features: Features) -> tuple[Floats, Floats]:
        """Return the same of the features of a text."""
        parts, gains = self._fetched(features)
        blocks, scales = self._blocks(features, gains)
        of_words = np.add.reduce(parts)
        total = _scales(of_words[:, -1]) @ of_words[:, :-1] + scales @ blocks
        own = total[: self._own_columns] + self.weights.bias
        # What use has taught is owed to words: the shape of a text is not open to it.
        return own, total[self._own_columns :]

    def _fetched(self, features: Features) -> tuple[Floats, Floats]:
        """Return what each word adds in each of its blocks, and what each pair, opening and shape feature adds.

        Before the blocks are scaled, with the squares of the lengths in a last column: (words, blocks, columns + 1) and
        (features, columns + 1). One look-up for all and for new words: its cost hardly hangs on how much is looked up.
        """
        kept, words = self._kept, features.words
        fresh = kept.missing(words)
        blocks = [keys for word in fresh for keys in keys_of_word(word)]
        keys = [*features.pairs, *features.opening, *features.shape]
        of_text = len(keys)
        for block in blocks:
            keys += block
        places, known, gains = self._looked_up(keys)
        if fresh:
            kept.add(fresh, self._worked_out(blocks, places[of_text:], known[of_text:], gains[of_text:]))
        parts = kept.of(words)
        if len(kept) >= KEPT_WORDS:
            self._kept = self._none_kept()
        gains = gains[:of_text]
        if self._correction is not None:
            gains = self._with(gains, self._correction.gains(places[:of_text]) * known[:of_text, None])
        return parts, gains

    def _none_kept(self) -> KeptWords:
        return KeptWords(len(PER_WORD), self._columns + 1)

    def _blocks(self, features: Features, gains: Floats) -> tuple[Floats, Floats]:
        """Return the sums of pairs, opening and shape, (3, columns), and what scales each of these blocks to length 1.

        Without words there is no opening; its scale is 0 then.
        """
        opening = len(features.pairs)
        sums = np.add.reduceat(gains, (0, opening, opening + len(features.opening)), axis=0)
        scales = _scales(sums[:, -1])
        if not features.opening:
            scales[1] = 0.0
        return sums[:, :-1], scales

    def _looked_up(self, keys: Sequence[int]) -> tuple[Places, Known, Floats]:
        """Return of each feature its place, whether it is known, and what it adds, with its square in a last column.

        Unknown features add nothing.
        """
        places, known = self.weights.look_up(np.array(keys, np.uint32))
        squares_and_steps = self._squares_and_steps.take(places, axis=0)
        squares_and_steps *= known[:, None]
        gains = np.empty((len(keys), self._own_columns + 1), np.float32)
        np.multiply(self.weights.steps.take(places, axis=0), squares_and_steps[:, 1:], out=gains[:, :-1])
        gains[:, -1] = squares_and_steps[:, 0]
        return places, known, gains

    def _worked_out(self, blocks: Sequence[Sequence[int]], places: Places, known: Known, gains: Floats) -> Floats:
        """Return what new words add in each of their blocks, with squares. Shape (words, blocks, columns + 1)."""
        ends = [0, *accumulate(map(len, blocks))]
        if self._correction is not None:
            more = self._correction.gains(places) * known[:, None]
            for number in range(GRAM, len(blocks), len(PER_WORD)):
                word_itself = slice(ends[number - GRAM + WORD], ends[number - GRAM + WORD + 1])
                if known[word_itself].any():
                    more[ends[number] : ends[number + 1]] = 0.0  # parts of known words are not open to correction
            gains = self._with(gains, more)
        closed = np.zeros((len(gains) + 1, self._columns + 1), np.float32)  # a row of nothing closes the last run
        closed[:-1] = gains
        return _summed(closed, np.array(ends)).reshape(-1, len(PER_WORD), self._columns + 1)

    def _with(self, gains: Floats, more: Floats) -> Floats:
        """Lay a correction beside what the weights say: types are added, roles stand behind, the squares last."""
        types = len(self.weights.types)
        out = np.empty((len(gains), self._columns + 1), np.float32)
        out[:, : self._own_columns] = gains[:, :-1]
        out[:, :types] += more[:, :types]
        out[:, self._own_columns : -1] = more[:, types:]
        out[:, -1] = gains[:, -1]
        return out


def _scaled_words(parts: Floats) -> Floats:
    """Return what words add with each of their blocks scaled; parts of shape (words, blocks, columns + 1)."""
    scaled: Floats = np.matmul(_scales(np.add.reduce(parts[:, :, -1])), parts[:, :, :-1])
    return scaled


def _scales(squares: Floats) -> Floats:
    """Return by what blocks of these squared lengths come to length 1."""
    scales: Floats = np.reciprocal(np.maximum(np.sqrt(squares), NOTHING))
    return scales


def _shares(features: Features) -> Floats:
    """Return which part of each pair goes to which word: half to either; where one is an end of the text, all.

    Shape (words, pairs).
    """
    at = {word: place for place, word in enumerate(features.words)}
    shares = np.zeros((len(at), len(features.pairs)), np.float32)
    for number, (left, right) in enumerate(features.pairs.values()):
        first, second = at.get(left), at.get(right)
        if first is None or second is None or first == second:
            shares[second if first is None else first, number] = 1.0
        else:
            shares[first, number] = shares[second, number] = 0.5
    return shares


def _summed(values: Floats, ends: npt.NDArray[np.intp]) -> Floats:
    """Return the sums of successive runs of rows, which end where `ends` says; an empty run sums to 0."""
    sums: Floats = np.add.reduceat(values, ends[:-1], axis=0)
    sums[ends[:-1] == ends[1:]] = 0.0
    return sums


def probabilities(sums: Floats, sharpness: float) -> Floats:
    """Return sums as probabilities along the last axis."""
    sharp = sums * float(sharpness)
    raised = np.exp(sharp - np.maximum.reduce(sharp, axis=-1, keepdims=True))
    chances: Floats = raised / np.add.reduce(raised, axis=-1, keepdims=True)
    return chances
