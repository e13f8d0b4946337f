"""What crosses the border of a `ModelHost` when somebody loads, unloads or pins a model by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from delegator.roles.catalogue import Model

ControlState = Literal["resident", "loading", "unloading", "absent"]


@dataclass(frozen=True, slots=True)
class PinWish:
    """A model to keep in memory.

    Attributes:
        in_use: models that open sessions speak with on this endpoint: none of them may lose its room.
        usual: models that roles would speak with here; those that lose their room are told.
    """

    model: Model
    in_use: tuple[Model, ...] = ()
    usual: tuple[Model, ...] = ()


@dataclass(frozen=True, slots=True)
class ControlView:
    """What became of a model.

    Attributes:
        model: as the endpoint knows it.
        size_bytes: what it takes there, or would take.
        evicted: idle models that had to leave for it.
        shut_out: models of `PinWish.usual` that find no room beside what is pinned.
    """

    model: str
    state: ControlState
    pinned: bool
    size_bytes: int
    evicted: tuple[str, ...] = ()
    shut_out: tuple[str, ...] = ()
