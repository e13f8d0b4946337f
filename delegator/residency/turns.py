"""Decides which waiting turns may start now, so that work for one model runs together and nobody starves.

Pure. Turns on resident models go first, whoever came first, because they cost no load. That could keep a turn whose
model is not resident waiting for ever; so once it has waited `patience_s`, the models that must leave for it take no
further turns, fall idle, and make room.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WaitingTurn:
    """One turn that wants a model.

    Attributes:
        turn_id: unique among waiting turns.
        waited_s: model seconds since it was announced.
    """

    turn_id: str
    model: str
    waited_s: float


def grantable(
    waiting: Iterable[WaitingTurn],
    *,
    free_slots: Mapping[str, int],
    closed: Collection[str],
    closed_after_s: float = float("inf"),
) -> list[str]:
    """Return the ids of the turns that start now, oldest first.

    `free_slots` has every resident model and how many turns it can take; `closed` models take none that has waited for
    less than `closed_after_s`, because they must fall idle for somebody who has waited so long. Who has waited as long
    or longer still goes: otherwise two who wait for each other's memory would evict each other for ever.
    """
    left = dict(free_slots)
    granted = []
    for turn in sorted(waiting, key=lambda t: -t.waited_s):
        if turn.model in closed and turn.waited_s < closed_after_s:
            continue
        if left.get(turn.model, 0) > 0:
            left[turn.model] -= 1
            granted.append(turn.turn_id)
    return granted
