"""Reading a text by the learned weights: every word's share in every type and role, and what they come to.

Owns the sum. Because it is linear, what a word contributes is known exactly: reasons are read off it, not guessed.
Built for speed: what a word contributes is worked out once and kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from delegator.analysis.correction import Correction, Learned
from delegator.analysis.features import PER_WORD, Features, features_of, keys_of_word
from delegator.analysis.weights import Floats, Weights

WORD, GRAM = PER_WORD.index("word"), PER_WORD.index("gram")
"""Parts of words are corrected only where the word itself is unknown: two words that share a part seldom share more."""

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
        object.__setattr__(self, "total", self.by_word.sum(axis=0) + self.rest)
        object.__setattr__(self, "taught", self.taught_by_word.sum(axis=0))


class LearnedReader:
    """Adds up texts by one set of weights, and by what was learned beside them where that is given."""

    def __init__(self, weights: Weights, learned: Learned | None = None) -> None:
        self.weights = weights
        self._correction = None if learned is None else Correction(weights, learned)
        self._own_columns = len(weights.bias)
        self._columns = self._own_columns + (0 if learned is None else len(weights.roles))
        self._kept: dict[str, tuple[Floats, Floats]] = {}

    def sums(self, text: str) -> Sums:
        """Return what a text adds up to."""
        features = features_of(text)
        words = features.words
        by_word = np.zeros((len(words), self._columns), np.float32)
        pairs, opening, shape = self._blocks([key for key, _, _ in features.pairs], features.opening, features.shape)
        if words:
            self._add_words(words, by_word)
            self._share(pairs, features, by_word)
        if features.first_word:
            by_word[words.index(features.first_word)] += opening.sum(axis=0)
        rest = self.weights.bias + shape.sum(axis=0)[: self._own_columns]
        return Sums(words, by_word[:, : self._own_columns], rest, by_word[:, self._own_columns :])

    def total(self, text: str) -> tuple[Floats, Floats]:
        """Return what a text adds up to, and what use has taught of it, without telling its words apart: quicker."""
        features = features_of(text)
        total = sum(
            block.sum(axis=0)
            for block in self._blocks([key for key, _, _ in features.pairs], features.opening, features.shape)
        )
        if features.words:
            gains, lengths = self._of_words(features.words)
            total = total + np.matmul(1.0 / lengths, gains).sum(axis=0)
        own = total[: self._own_columns] + self.weights.bias
        # What use has taught is owed to words: the shape of a text is not open to it.
        return own, total[self._own_columns :]

    def _blocks(self, *blocks: Sequence[int]) -> list[Floats]:
        """Return what each feature of some blocks adds, each block scaled to length 1; unknown features add nothing.

        One look-up for all of them: what a look-up costs hardly hangs on how much is looked up.
        """
        keys = np.array([key for block in blocks for key in block], np.uint32)
        places, known = self.weights.look_up(keys)
        rarity = self.weights.rarity[places] * known
        gains: Floats = self.weights.steps[places] * (rarity * self.weights.factors[places])[:, None]
        if self._correction is not None:
            gains = self._with(gains, self._correction.gains(places) * known[:, None])
        squares = np.square(rarity)
        scaled: list[Floats] = []
        start = 0
        for block in blocks:
            part = slice(start, start + len(block))
            scaled.append(gains[part] / max(math.sqrt(float(squares[part].sum())), NOTHING))
            start = part.stop
        return scaled

    def _share(self, pairs: Floats, features: Features, by_word: Floats) -> None:
        """Give each pair's part to its two words; where one side is an end of the text, all to the other."""
        at = {word: place for place, word in enumerate(features.words)}
        shares = np.zeros((len(at), len(pairs)), np.float32)
        for number, (_, left, right) in enumerate(features.pairs):
            first, second = at.get(left), at.get(right)
            share = 1.0 if first is None or second is None else 0.5
            if first is not None:
                shares[first, number] += share
            if second is not None:
                shares[second, number] += share
        by_word += shares @ pairs

    def _add_words(self, words: Sequence[str], by_word: Floats) -> None:
        gains, lengths = self._of_words(words)
        by_word += np.matmul(1.0 / lengths, gains)

    def _of_words(self, words: Sequence[str]) -> tuple[Floats, Floats]:
        """Return what each word adds in each of its blocks, and the blocks' lengths; (words, blocks, columns)."""
        found = self._word_parts(words)
        lengths: Floats = np.sqrt(np.array([squares for _, squares in found]).sum(axis=0))
        return np.array([gain for gain, _ in found]), np.maximum(lengths, NOTHING)

    def _word_parts(self, words: Sequence[str]) -> list[tuple[Floats, Floats]]:
        """Return of each word what it adds in each of its blocks, and the squares of its lengths there."""
        if len(self._kept) >= KEPT_WORDS:
            self._kept.clear()
        fresh = [word for word in words if word not in self._kept]
        if fresh:
            self._kept.update(zip(fresh, self._worked_out(fresh), strict=True))
        return [self._kept[word] for word in words]

    def _worked_out(self, words: Sequence[str]) -> list[tuple[Floats, Floats]]:
        """Work out new words, all with one look-up."""
        blocks = [keys for word in words for keys in keys_of_word(word)]
        keys = np.array([key for block in blocks for key in block], np.uint32)
        places, known = self.weights.look_up(keys)
        rarity = self.weights.rarity[places] * known
        ends = np.cumsum([0, *map(len, blocks)])
        gains: Floats = self.weights.steps[places] * (rarity * self.weights.factors[places])[:, None]
        if self._correction is not None:
            more = self._correction.gains(places) * known[:, None]
            for number in range(GRAM, len(blocks), len(PER_WORD)):
                word_itself = slice(ends[number - GRAM + WORD], ends[number - GRAM + WORD + 1])
                if known[word_itself].any():
                    more[ends[number] : ends[number + 1]] = 0.0  # parts of known words are not open to correction
            gains = self._with(gains, more)
        shape = (len(words), len(PER_WORD), -1)
        added = _summed(gains, ends).reshape(shape)
        squares = _summed(np.square(rarity)[:, None], ends).reshape(shape[:2])
        return list(zip(added, squares, strict=True))

    def _with(self, gains: Floats, more: Floats) -> Floats:
        """Lay a correction beside what the weights say: types are added, roles stand behind. Along the last axis."""
        types = len(self.weights.types)
        out = np.zeros((*gains.shape[:-1], self._columns), np.float32)
        out[..., : self._own_columns] = gains
        out[..., :types] += more[..., :types]
        out[..., self._own_columns :] = more[..., types:]
        return out


def _summed(values: Floats, ends: npt.NDArray[np.intp]) -> Floats:
    """Return the sums of successive runs of rows, which end where `ends` says; an empty run sums to 0."""
    with_end = np.concatenate([values, np.zeros((1, values.shape[1]), values.dtype)])
    sums: Floats = np.add.reduceat(with_end, ends[:-1], axis=0)
    sums[ends[:-1] == ends[1:]] = 0.0
    return sums


def probabilities(sums: Floats, sharpness: float) -> Floats:
    """Return sums as probabilities along the last axis."""
    sharp = sums * np.float32(sharpness)
    raised = np.exp(sharp - sharp.max(axis=-1, keepdims=True))
    chances: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return chances
