"""What was learned from use, beside the shipped weights: a small sparse correction of them.

Owns its form. The correction belongs to the very weights it was learned beside and is of no use with others. Columns
of types add to the sums of the types; columns of roles are apart from those of the weights: they add to the log-odds
that a role is needed, whatever needs it (see `needs.py`).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from delegator.analysis.weights import Floats, Keys, Weights, in_steps

MAX_FEATURES = 20_000
"""So many features at most are corrected, those with most effect: about 700 kB as JSON."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A correction of some weights.

    Attributes:
        base: fingerprint of the weights it corrects.
        keys: the features it corrects, ascending. Shape (features,).
        steps: corrections in steps of `factors`, columns of types first. Shape (features, types + roles).
        factors: value of one step of a feature. Shape (features,).
    """

    base: str
    keys: Keys
    steps: npt.NDArray[np.int8]
    factors: Floats

    @classmethod
    def of(cls, weights: Weights, places: npt.NDArray[np.intp], values: Floats) -> Learned:
        """Return the correction by `values` of the features at some places of the weights, in steps.

        Args:
            weights: what is corrected.
            places: ascending. Shape (features,).
            values: shape (features, types + roles). What would change nothing is left out.
        """
        effect = np.abs(values).max(axis=1, initial=0.0) * weights.rarity[places]
        most = np.sort(np.argsort(-effect, kind="stable")[:MAX_FEATURES])
        kept = most[effect[most] > 0]
        steps, factors = in_steps(values[kept])
        return cls(fingerprint_of(weights), weights.keys[places[kept]], steps, factors)

    def fits(self, weights: Weights) -> bool:
        """True where these are the weights it was learned beside."""
        return self.base == fingerprint_of(weights)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can say it; `from_json` reads it again, bit by bit the same."""
        return {
            "base": self.base,
            "columns": self.steps.shape[1],
            "keys": _packed(self.keys.astype("<u4")),
            "steps": _packed(self.steps),
            "factors": _packed(self.factors.astype("<f2")),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Learned:
        """Read what `as_json` has said."""
        return cls(
            base=told["base"],
            keys=np.frombuffer(b64decode(told["keys"]), "<u4").astype(np.uint32),
            steps=np.frombuffer(b64decode(told["steps"]), np.int8).reshape(-1, told["columns"]),
            factors=np.frombuffer(b64decode(told["factors"]), "<f2").astype(np.float32),
        )


class Correction:
    """A learned correction laid beside its weights, ready to be added to what they say."""

    def __init__(self, weights: Weights, learned: Learned) -> None:
        """Find the places of the corrected features; those that the weights do not know are left out."""
        places, known = weights.look_up(learned.keys)
        self._weights = weights
        self._places = places[known]
        self._values: Floats = learned.steps[known] * learned.factors[known, None]

    def gains(self, rows: npt.NDArray[np.intp]) -> Floats:
        """Return what is added for each of some features, before their block is scaled. Shape (rows, columns)."""
        found = np.zeros((len(rows), self._values.shape[1]), np.float32)
        if len(self._places):
            at = np.searchsorted(self._places, rows)
            at[at == len(self._places)] = 0
            hit = self._places[at] == rows
            found[hit] = self._values[at[hit]] * self._weights.rarity[rows[hit], None]
        return found


def fingerprint_of(weights: Weights) -> str:
    """Return a short fingerprint of what weights say."""
    found = sha256()
    for part in (weights.keys, weights.rarity, weights.steps, weights.factors, weights.bias):
        found.update(np.ascontiguousarray(part).tobytes())
    found.update(f"{weights.types} {weights.roles} {weights.type_sharpness}".encode())
    return found.hexdigest()[:16]


def _packed(array: npt.NDArray[Any]) -> str:
    return b64encode(np.ascontiguousarray(array).tobytes()).decode()
