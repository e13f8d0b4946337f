"""Fitting a small correction: logistic regression with a pull towards no correction at all.

Owns the numerics. With rows x, an offset o of what is thought already, and the truth y, it finds the matrix D that
minimises

    sum over rows of weight * crossentropy(y, chances(o + x D))  +  |D|^2 / (2 * reach)

by Nesterov's accelerated gradient descent. D is a sum over the rows, so that the descent runs over one number a row
and class instead of one a feature. No chance and no clock is in it: the same rows give the same correction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from delegator.analysis.sparse_rows import SparseRows
from delegator.analysis.weights import Floats

MAX_STEPS = 400
CLOSE_ENOUGH = 2e-3
"""Where no row's share changes by more than this, it is found."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What the rows teach. Shapes (rows, classes), or (rows, 1) for weights that all classes share.

    Attributes:
        offset: log-odds before the correction.
        right: 1 where a class is right, else 0.
        weight: how much that counts; 0 where nothing is known.
        exclusive: exactly one class is right in each row, rather than each for itself.
    """

    offset: Floats
    right: Floats
    weight: Floats
    exclusive: bool

    def missing(self, correction: Floats) -> Floats:
        """Return by how much the chances fall short of the truth, weighed. Shape (rows, classes)."""
        odds = self.offset + correction
        if self.exclusive:
            raised = np.exp(odds - odds.max(axis=1, keepdims=True))
            chances = raised / raised.sum(axis=1, keepdims=True)
        else:
            chances = 0.5 * (1 + np.tanh(0.5 * odds))  # the logistic function, without overflow
        missing: Floats = self.weight * (self.right - chances)
        return missing


def fit(rows: SparseRows, truth: Truth, *, reach: float, ensure_time: Callable[[], None]) -> Floats:
    """Return the correction of each feature and class. Shape (features, classes).

    Args:
        reach: how far one row alone may carry: larger fits the rows more closely, near 0 changes nothing.
        ensure_time: called in every step; raises when it must end.
    """
    curvature = (0.5 if truth.exclusive else 0.25) * float(truth.weight.max(initial=0.0))
    strongest = float(rows.sums(rows.spread(np.ones((len(rows.starts), 1), np.float32))).max())
    least, most = 1 / reach, 1 / reach + curvature * strongest
    momentum = (most**0.5 - least**0.5) / (most**0.5 + least**0.5)
    nothing: Floats = np.zeros_like(truth.offset)
    shares = correction = ahead = ahead_correction = nothing
    for _ in range(MAX_STEPS):
        ensure_time()
        slope: Floats = truth.missing(ahead_correction) - ahead * np.float32(least)
        if float(np.abs(slope).max(initial=0.0)) <= CLOSE_ENOUGH:
            break
        further: Floats = ahead + slope * np.float32(1 / most)
        further_correction = rows.sums(rows.spread(further))
        ahead = further + np.float32(momentum) * (further - shares)
        ahead_correction = further_correction + np.float32(momentum) * (further_correction - correction)
        shares, correction = further, further_correction
    return rows.spread(ahead)
