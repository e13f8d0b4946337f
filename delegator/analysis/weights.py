"""The weights of the learned reading: what each feature says about each type and role, as one small file.

Owns the file's form. Weights are whole numbers of one byte with one factor a feature; numpy reads them, nothing else
is needed. They are made by `python -m delegator.analysis.train`.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from delegator.words import TaskType

Floats = npt.NDArray[np.float32]
Keys = npt.NDArray[np.uint32]

STEPS = 127
"""Steps from nothing to a feature's largest weight, in either direction."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A linear model over the features of `features.py`.

    Attributes:
        types, roles: the columns' meanings; columns of types come first.
        keys: the features it knows, ascending. Shape (features,).
        rarity: inverse document frequency of each, which also weighs it within its block. Shape (features,).
        steps: weights in steps of `factors`. Shape (features, types + roles).
        factors: value of one step of a feature. Shape (features,).
        bias: shape (types + roles,).
        type_sharpness, role_sharpness: factors on the sums before they become probabilities, so that these are
            calibrated.
        error_rate: in so many cases at most the true type is not among the readings that are thought possible.
        possible_from: least probability of a type for it to be thought possible, which keeps to `error_rate`.
        origin: what it was made from, and what was measured.
    """

    types: tuple[TaskType, ...]
    roles: tuple[str, ...]
    keys: Keys
    rarity: Floats
    steps: npt.NDArray[np.int8]
    factors: Floats
    bias: Floats
    type_sharpness: float
    role_sharpness: float
    error_rate: float
    possible_from: float
    origin: dict[str, Any]

    def look_up(self, keys: Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Return the place of each key, and whether it is known; the place of an unknown one means nothing."""
        places = np.minimum(self.keys.searchsorted(keys), len(self.keys) - 1)
        return places, self.keys.take(places) == keys

    def as_bytes(self) -> bytes:
        """Return the file; the same weights give the same bytes."""
        told = {
            "types": list(self.types),
            "roles": list(self.roles),
            "type_sharpness": self.type_sharpness,
            "role_sharpness": self.role_sharpness,
            "error_rate": self.error_rate,
            "possible_from": self.possible_from,
            "origin": self.origin,
        }
        out = io.BytesIO()
        np.savez(
            out,
            keys=self.keys,
            rarity=self.rarity.astype(np.float16),
            steps=self.steps,
            factors=self.factors.astype(np.float16),
            bias=self.bias,
            told=np.frombuffer(json.dumps(told, sort_keys=True).encode(), dtype=np.uint8),
        )
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Weights:
        """Read what `as_bytes` has made."""
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            told = json.loads(found["told"].tobytes())
            return cls(
                types=tuple(TaskType(name) for name in told["types"]),
                roles=tuple(told["roles"]),
                keys=found["keys"],
                rarity=found["rarity"].astype(np.float32),
                steps=found["steps"],
                factors=found["factors"].astype(np.float32),
                bias=found["bias"],
                type_sharpness=told["type_sharpness"],
                role_sharpness=told["role_sharpness"],
                error_rate=told["error_rate"],
                possible_from=told["possible_from"],
                origin=told["origin"],
            )


@cache
def shipped_weights() -> Weights:
    """Return the weights that come with Delegator."""
    return Weights.from_bytes(files("delegator.analysis").joinpath("data/weights.npz").read_bytes())


def in_steps(weights: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Return weights of shape (features, columns) as whole steps, and the value of one step of each feature."""
    most = np.abs(weights).max(axis=1)
    factors = np.where(most > 0, most / STEPS, 1.0).astype(np.float16).astype(np.float32)
    factors = np.where(factors > 0, factors, np.float32(1.0))  # too small for a half-precision number: nothing
    steps = np.clip(np.rint(weights / factors[:, None]), -STEPS, STEPS).astype(np.int8)
    return steps, factors.astype(np.float32)
