"""What a session held over time, walked through from its events: bytes and GPU shares times microseconds, and the peak.

A model is held from a `model_held` to the `model_released` (or the loss) of the same model on the same endpoint, or to
the session's end; held several times at once, it counts once. What is made of the sums is `receipt.py`.

Data of the events that are read: `model_held` bytes, measured, endpoint; `model_released` endpoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from delegator.schemas import BasisModel, Event, EventKind

LETS_GO = frozenset({EventKind.MODEL_RELEASED, EventKind.MODEL_UNLOADED, EventKind.MODEL_LOST})

_MICROSECOND = timedelta(microseconds=1)
_UNKNOWN = BasisModel(model="", bytes=0, measured=False, gpu=0.0, in_baseline=False)


@dataclass(frozen=True, slots=True)
class Held:
    """What was held between two moments.

    Attributes:
        peak_bytes: most bytes held for any time at all.
        byte_us: bytes times real microseconds; a whole number, so that nothing is lost in adding up.
        gpu_us: GPU shares times real microseconds.
        measured: how the sizes are known: {True}, {False}, both, or nothing.
    """

    peak_bytes: int
    byte_us: int
    gpu_us: float
    measured: frozenset[bool]


@dataclass(slots=True)
class _Holdings:
    """What is held at one point of the walk: `{(endpoint, model): roles that hold it}`."""

    models: Mapping[str, BasisModel]
    holders: dict[tuple[str, str], set[str | None]] = field(default_factory=dict)
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    measured: set[bool] = field(default_factory=set)

    @property
    def now_bytes(self) -> int:
        return sum(self.sizes[key] for key, roles in self.holders.items() if roles)

    @property
    def now_gpu(self) -> float:
        return math.fsum(self._known(model).gpu for (_, model), roles in self.holders.items() if roles)

    def _known(self, model: str) -> BasisModel:
        return self.models.get(model, _UNKNOWN)

    def apply(self, event: Event) -> None:
        """Take or let go of a model; other events change nothing."""
        if event.model is None:
            return
        if event.kind is EventKind.MODEL_HELD:
            self._hold(event, event.model)
        elif event.kind in LETS_GO:
            self._let_go(event, event.model)

    def _hold(self, event: Event, model: str) -> None:
        key = (str(event.data.get("endpoint", "")), model)
        size = event.data.get("bytes")
        if isinstance(size, int) and not isinstance(size, bool) and size >= 0:
            self.sizes[key] = size
            self.measured.add(event.data.get("measured") is True)
        elif key not in self.sizes:
            self.sizes[key] = self._known(model).bytes
            self.measured.add(self._known(model).measured)
        self.holders.setdefault(key, set()).add(event.role)

    def _let_go(self, event: Event, model: str) -> None:
        endpoint = event.data.get("endpoint")
        for key, roles in self.holders.items():
            if key[1] != model or (endpoint is not None and key[0] != str(endpoint)):
                continue
            if event.role is None or event.kind is not EventKind.MODEL_RELEASED:
                roles.clear()  # the model left, or the session's whole claim on it
            else:
                roles -= {event.role, None}


def walk(events: Sequence[Event], begin: datetime, end: datetime, models: Mapping[str, BasisModel]) -> Held:
    """Return what was held from `begin` to `end`.

    Args:
        events: of one session, in order. What is earlier than `begin` or later than `end` counts from, or until, then.
        models: `{name: model}`, for sizes that the events do not tell and for GPU shares.
    """
    holdings = _Holdings(models)
    peak, byte_us, since = 0, 0, begin
    gpu_us: list[float] = []
    for at, event in [*((min(max(e.at, begin), end), e) for e in events), (end, None)]:
        lasted_us = (at - since) // _MICROSECOND
        if lasted_us:  # a model let go and one taken at the same moment were never in memory together
            held = holdings.now_bytes
            peak, byte_us = max(peak, held), byte_us + held * lasted_us
            gpu_us.append(holdings.now_gpu * lasted_us)
        since = at
        if event is not None:
            holdings.apply(event)
    return Held(peak, byte_us, math.fsum(gpu_us), frozenset(holdings.measured))
