"""How good a reading is on labelled texts: right types, right roles, honest probabilities, useful doubt.

Owns the figures; where the texts come from is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from delegator.analysis.corpus import Row
from delegator.analysis.learned_reading import LearnedReader, probabilities
from delegator.analysis.weights import Floats

BINS = 10
"""Bins of the calibration error."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was measured on some texts; shares are 0 to 1.

    Attributes:
        type_right: share whose type is the likeliest one.
        role_right: share whose first role is the likeliest one.
        role_in_two: share whose first role is one of the two likeliest.
        calibration_error: mean distance, over bins of probability weighed by their texts, between the probability of
            the chosen type and how often it was right.
        sure: share of texts with one possible reading only.
        right_when_sure: share of those whose type is right.
        truth_possible: share whose true type is among the possible readings.
    """

    texts: int
    type_right: float
    role_right: float
    role_in_two: float
    calibration_error: float
    sure: float
    right_when_sure: float
    truth_possible: float

    def as_json(self) -> dict[str, float]:
        """Return the figures with four decimals."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def judge(reader: LearnedReader, rows: Sequence[Row]) -> Judged:
    """Measure a reader on labelled rows, of which there must be one at least."""
    weights = reader.weights
    read = [reader.sums(row.text) for row in rows]
    sums = np.stack([found.total for found in read])
    types = probabilities(sums[:, : len(weights.types)], weights.type_sharpness)
    role_sums = sums[:, len(weights.types) :]
    if read[0].taught.size:
        role_sums = role_sums + np.stack([found.taught for found in read]) / np.float32(weights.role_sharpness)
    roles = probabilities(role_sums, weights.role_sharpness)
    true_types = np.array([weights.types.index(row.task_type) for row in rows])
    true_roles = np.array([weights.roles.index(row.roles[0]) for row in rows])
    best, right = types.max(axis=1), types.argmax(axis=1) == true_types
    possible = types >= weights.possible_from
    sure = possible.sum(axis=1) == 1
    ranked = np.argsort(-roles, axis=1)
    return Judged(
        texts=len(rows),
        type_right=float(right.mean()),
        role_right=float((ranked[:, 0] == true_roles).mean()),
        role_in_two=float((ranked[:, :2] == true_roles[:, None]).any(axis=1).mean()),
        calibration_error=calibration_error(best, right),
        sure=float(sure.mean()),
        right_when_sure=float(right[sure].mean()) if sure.any() else 0.0,
        truth_possible=float(possible[np.arange(len(rows)), true_types].mean()),
    )


def calibration_error(chances: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Return the expected calibration error of the chances given to what was chosen, in `BINS` equal bins."""
    places = np.minimum((chances * BINS).astype(int), BINS - 1)
    error = 0.0
    for place in range(BINS):
        inside = places == place
        if inside.any():
            error += inside.mean() * abs(float(chances[inside].mean()) - float(right[inside].mean()))
    return float(error)
