"""Texts as rows of a sparse matrix over the features that a correction may change, and products with it.

Owns which features are open to correction: words, concepts, pairs and the opening, and parts of words where the word
itself is unknown. The shape of a text and the parts of known words are not: texts share them that share nothing else.
Values are those by which `LearnedReader` weighs the same features, so that a correction does what its fit foresaw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from delegator.analysis.features import PER_WORD, features_of, keys_of_word
from delegator.analysis.learned_reading import GRAM, WORD
from delegator.analysis.weights import Floats, Weights

Places = npt.NDArray[np.intp]

BLOCKS_OPEN = 4
"""Blocks a common text has of those open to correction; each has length 1 in its row."""


@dataclass(frozen=True, slots=True, eq=False)
class SparseRows:
    """Some texts.

    Attributes:
        places: the features that occur, as places in the weights, ascending. Shape (features,).
        starts: where each text's entries begin. Shape (texts,).
        columns, values: one entry after the other; a column is a number of `places`. Shape (entries,).
    """

    places: Places
    starts: Places
    columns: Places
    values: Floats
    _by_column: Places
    _column_starts: Places
    _row_of: Places

    @classmethod
    def of(cls, rows: Sequence[tuple[Places, Floats]]) -> SparseRows:
        """Lay rows together, of which none may be empty."""
        found = np.concatenate([places for places, _ in rows])
        places, columns = np.unique(found, return_inverse=True)
        counts = np.array([len(places) for places, _ in rows])
        order = np.argsort(columns, kind="stable")
        return cls(
            places=places,
            starts=np.concatenate([[0], np.cumsum(counts)[:-1]]),
            columns=columns,
            values=np.concatenate([values for _, values in rows]),
            _by_column=order,
            _column_starts=np.searchsorted(columns[order], np.arange(len(places))),
            _row_of=np.repeat(np.arange(len(rows)), counts),
        )

    def sums(self, of_features: Floats) -> Floats:
        """Return what values of features, shape (features, n), add up to in each text. Shape (texts, n)."""
        summed: Floats = np.add.reduceat(of_features[self.columns] * self.values[:, None], self.starts, axis=0)
        return summed

    def spread(self, of_texts: Floats) -> Floats:
        """Return what values of texts, shape (texts, n), add up to in each feature. Shape (features, n)."""
        order = self._by_column
        parts = of_texts[self._row_of[order]] * self.values[order, None]
        spread: Floats = np.add.reduceat(parts, self._column_starts, axis=0)
        return spread


def row_of(text: str, weights: Weights) -> tuple[Places, Floats]:
    """Return the places and values of a text's features that are open to correction; each place once."""
    features = features_of(text)
    if not features.words:
        return np.zeros(0, np.intp), np.zeros(0, np.float32)
    found = [_words(features.words, weights)]
    found += [_scaled(keys, weights) for keys in (tuple(features.pairs), features.opening)]
    places = np.concatenate([places for places, _ in found])
    values = np.concatenate([values for _, values in found])
    distinct, at = np.unique(places, return_inverse=True)
    return distinct, np.bincount(at, weights=values, minlength=len(distinct)).astype(np.float32)


def _words(words: Sequence[str], weights: Weights) -> tuple[Places, Floats]:
    places: list[Places] = [np.zeros(0, np.intp)]
    values: list[Floats] = [np.zeros(0, np.float32)]
    keys = [keys_of_word(word) for word in words]
    known = [bool(len(_rows(blocks[WORD], weights))) for blocks in keys]
    for block in range(len(PER_WORD)):
        rows = [_rows(blocks[block], weights) for blocks in keys]
        length = _length(np.concatenate([*rows, np.zeros(0, np.intp)]), weights)
        for its_rows, is_known in zip(rows, known, strict=True):
            if block != GRAM or not is_known:
                places.append(its_rows)
                values.append(weights.rarity[its_rows] / length)
    return np.concatenate(places), np.concatenate(values)


def _scaled(keys: Sequence[int], weights: Weights) -> tuple[Places, Floats]:
    rows = _rows(keys, weights)
    return rows, weights.rarity[rows] / _length(rows, weights)


def _rows(keys: Sequence[int], weights: Weights) -> Places:
    places, known = weights.look_up(np.array(keys, np.uint32))
    return places[known]


def _length(rows: Places, weights: Weights) -> np.float32:
    return np.float32(max(float(np.sqrt(np.square(weights.rarity[rows]).sum())), 1e-9))
