"""Reading a text by the learned weights: every word's share in every type and role, and what they come to.

Owns the sum. Because it is linear, what a word contributes is known exactly: reasons are read off it, not guessed.
Built for speed: what a word contributes is worked out once and kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from delegator.analysis.correction import Correction, Learned
from delegator.analysis.features import PER_WORD, Features, features_of, keys_of_word
from delegator.analysis.weights import Floats, Weights

WORD, GRAM = PER_WORD.index("word"), PER_WORD.index("gram")
"""Parts of words are corrected only where the word itself is unknown: two words that share a part seldom share more."""

Places = npt.NDArray[np.intp]
Known = npt.NDArray[np.bool_]

NOTHING = 1e-9
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
        self._kept: dict[str, Floats] = {}
        # What is needed of each feature besides its steps, side by side: one look-up fetches both.
        self._squares_and_steps = np.stack([np.square(weights.rarity), weights.rarity * weights.factors], axis=1)

    def sums(self, text: str) -> Sums:
        """Return what a text adds up to."""
        features = features_of(text)
        words = features.words
        scaled = self._scaled(features)
        shape_from = len(features.pairs) + len(features.opening)
        if words:
            parts, scales = self._of_words(words)
            by_word = np.matmul(scales, parts) + _shares(features) @ scaled[: len(features.pairs)]
        else:
            by_word = np.zeros((0, self._columns), np.float32)
        if features.first_word:
            by_word[words.index(features.first_word)] += np.add.reduce(scaled[len(features.pairs) : shape_from])
        rest = self.weights.bias + np.add.reduce(scaled[shape_from:])[: self._own_columns]
        return Sums(words, by_word[:, : self._own_columns], rest, by_word[:, self._own_columns :])

    def total(self, text: str) -> tuple[Floats, Floats]:
        """Return what a text adds up to, and what use has taught of it, without telling its words apart: quicker."""
        features = features_of(text)
        total = np.add.reduce(self._scaled(features))
        if features.words:
            parts, scales = self._of_words(features.words)
            total += scales @ np.add.reduce(parts)
        own = total[: self._own_columns] + self.weights.bias
        # What use has taught is owed to words: the shape of a text is not open to it.
        return own, total[self._own_columns :]

    def _scaled(self, features: Features) -> Floats:
        """Return what each pair, each feature of the opening and of the shape adds, each block scaled to length 1.

        One look-up for all of them: what a look-up costs hardly hangs on how much is looked up.
        """
        keys = [*(key for key, _, _ in features.pairs), *features.opening, *features.shape]
        places, known, gains, squares = self._looked_up(keys)
        if self._correction is not None:
            gains = self._with(gains, self._correction.gains(places) * known[:, None])
        lengths: list[float] = []
        for block in (features.pairs, features.opening, features.shape):
            start = len(lengths)
            square = float(np.add.reduce(squares[start : start + len(block)]))
            lengths += [max(math.sqrt(square), NOTHING)] * len(block)
        gains /= np.array(lengths, np.float32)[:, None]
        return gains

    def _looked_up(self, keys: Sequence[int]) -> tuple[Places, Known, Floats, Floats]:
        """Return of each feature its place, whether it is known, what it adds before its block is scaled, its square.

        Unknown features add nothing.
        """
        places, known = self.weights.look_up(np.array(keys, np.uint32))
        squares_and_steps = self._squares_and_steps.take(places, axis=0) * known[:, None]
        gains: Floats = self.weights.steps.take(places, axis=0) * squares_and_steps[:, 1:]
        return places, known, gains, squares_and_steps[:, 0]

    def _of_words(self, words: Sequence[str]) -> tuple[Floats, Floats]:
        """Return what each word adds in each of its blocks, (words, blocks, columns), and the scales of the blocks."""
        parts = np.array(self._word_parts(words))
        lengths = np.sqrt(np.add.reduce(parts[:, :, -1]))
        scales: Floats = 1.0 / np.maximum(lengths, NOTHING)
        return parts[:, :, :-1], scales

    def _word_parts(self, words: Sequence[str]) -> list[Floats]:
        """Return of each word what it adds in each of its blocks; the last column is the square of its length there."""
        kept = self._kept
        if len(kept) >= KEPT_WORDS:
            kept.clear()
        fresh = [word for word in words if word not in kept]
        if fresh:
            kept.update(zip(fresh, self._worked_out(fresh), strict=True))
        return [kept[word] for word in words]

    def _worked_out(self, words: Sequence[str]) -> Floats:
        """Work out new words, all with one look-up."""
        blocks = [keys for word in words for keys in keys_of_word(word)]
        ends = [0, *accumulate(map(len, blocks))]
        places, known, gains, squares = self._looked_up([key for block in blocks for key in block])
        if self._correction is not None:
            more = self._correction.gains(places) * known[:, None]
            for number in range(GRAM, len(blocks), len(PER_WORD)):
                word_itself = slice(ends[number - GRAM + WORD], ends[number - GRAM + WORD + 1])
                if known[word_itself].any():
                    more[ends[number] : ends[number + 1]] = 0.0  # parts of known words are not open to correction
            gains = self._with(gains, more)
        values = np.zeros((len(gains) + 1, self._columns + 1), np.float32)  # a row of nothing closes the last run
        values[:-1, :-1] = gains
        values[:-1, -1] = squares
        return _summed(values, np.array(ends)).reshape(len(words), len(PER_WORD), -1)

    def _with(self, gains: Floats, more: Floats) -> Floats:
        """Lay a correction beside what the weights say: types are added, roles stand behind. Along the last axis."""
        types = len(self.weights.types)
        out = np.zeros((*gains.shape[:-1], self._columns), np.float32)
        out[..., : self._own_columns] = gains
        out[..., :types] += more[..., :types]
        out[..., self._own_columns :] = more[..., types:]
        return out


def _shares(features: Features) -> Floats:
    """Return which part of each pair goes to which word: half to either; where one is an end of the text, all.

    Shape (words, pairs).
    """
    at = {word: place for place, word in enumerate(features.words)}
    shares = np.zeros((len(at), len(features.pairs)), np.float32)
    for number, (_, left, right) in enumerate(features.pairs):
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
