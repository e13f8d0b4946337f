"""What finds room where: whether the models of one team fit the endpoints, all together or one after the other.

Pure, and exact: where a team can be seated, it is. What is done where it cannot is `ladder.py`; which endpoint a model
then really runs on is chosen by `placement.py`, and how it gets into memory by `planner.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from delegator.residency.planner import Resident, Snapshot

Seats = dict[str, str]
"""{model: id of the endpoint it fits on}."""


@dataclass(frozen=True, slots=True)
class Room:
    """One endpoint, as far as it matters for what fits.

    Attributes:
        loadable: the models it has on its disk and can load; None: every model.
    """

    endpoint_id: str
    snapshot: Snapshot
    loadable: frozenset[str] | None = None

    def can_load(self, model: str) -> bool:
        """Return whether the endpoint can load that model at all."""
        return self.loadable is None or model in self.loadable


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a team is seated.

    Attributes:
        limit_bytes: most the session may hold at one time.
        session_id: the session itself; what it holds may always go.
        wait: models may take turns, and wait for what is busy, announced or foreign now.
        evict_idle: models that other sessions hold may leave when they are idle.
    """

    limit_bytes: int
    session_id: str = ""
    wait: bool = False
    evict_idle: bool = False

    def stays(self, resident: Resident) -> bool:
        """Return whether a resident keeps its memory under these terms. What merely lingers always goes."""
        if resident.pinned:
            return True
        if resident.holders - {self.session_id} and not self.evict_idle:
            return True
        return not self.wait and (resident.busy or resident.announced or resident.foreign)


def seat(sizes: Mapping[str, int], rooms: Sequence[Room], terms: Terms) -> Seats | None:
    """Return on which endpoint each model finds room, or None where some do not.

    Args:
        sizes: {model: bytes} of the team, each model once.
        rooms: the endpoints, in the order of preference.
        terms: with `wait` each model needs room by itself; without, all of them together, and right now.
    """
    if terms.wait:
        seats = {model: _seat_alone(model, size, rooms, terms) for model, size in sizes.items()}
        return None if None in seats.values() else {model: where for model, where in seats.items() if where}
    if sum(sizes.values()) > terms.limit_bytes:
        return None
    return _Seating(sizes, rooms, terms).found()


def roomiest_bytes(rooms: Sequence[Room], terms: Terms) -> int:
    """Return the most that one model may take: the best of the endpoints, within the session's limit."""
    free = [_free_bytes(room, terms) for room in rooms]
    return max(0, min(max(free, default=0), terms.limit_bytes))


def _free_bytes(room: Room, terms: Terms) -> int:
    return room.snapshot.capacity_bytes - sum(r.size_bytes for r in room.snapshot.residents if terms.stays(r))


def _seat_alone(model: str, size: int, rooms: Sequence[Room], terms: Terms) -> str | None:
    """Return where one model finds room: where it is in memory already, else where most is free."""
    alone = _Seating({model: size}, rooms, terms)
    seats = alone.found() if size <= terms.limit_bytes else None
    return seats[model] if seats else None


class _Seating:
    """One search for seats. Largest models first; a state that has failed is not tried again."""

    def __init__(self, sizes: Mapping[str, int], rooms: Sequence[Room], terms: Terms) -> None:
        self._rooms = rooms
        self._models = sorted(sizes, key=lambda model: (-sizes[model], model))
        self._needs = [[_need(room, model, sizes[model], terms) for room in rooms] for model in self._models]
        self._free = [_free_bytes(room, terms) for room in rooms]
        self._slots = [_free_slots(room, terms) for room in rooms]
        self._failed: set[tuple[int, tuple[int, ...], tuple[int, ...]]] = set()
        least = [min((need.bytes for need in needs if need is not None), default=0) for needs in self._needs]
        self._least = [sum(least[index:]) for index in range(len(least) + 1)]
        self._relief = [
            [-sum(min(0, need.bytes) for needs in self._needs[index:] if (need := needs[room])) for room in _of(rooms)]
            for index in range(1, len(least) + 1)
        ]
        """By model and endpoint: what those after it may give back there, being loaded anew in less than they have."""

    def found(self) -> Seats | None:
        """Return seats for all models, if there are any."""
        seats: Seats = {}
        return seats if self._place(0, seats) else None

    def _place(self, index: int, seats: Seats) -> bool:
        if index == len(self._models):
            return all(free >= 0 for free in self._free)
        state = (index, tuple(self._free), tuple(self._slots))
        if state in self._failed or self._least[index] > sum(max(0, free) for free in self._free):
            return False
        for room, (needed, slots, _) in self._choices(index):
            self._free[room] -= needed
            self._slots[room] -= slots
            seats[self._models[index]] = self._rooms[room].endpoint_id
            if self._place(index + 1, seats):
                return True
            self._free[room] += needed
            self._slots[room] += slots
        self._failed.add(state)
        return False

    def _choices(self, index: int) -> list[tuple[int, _Need]]:
        """Return the endpoints that have room now: where the model is in memory first, then the freest."""
        fitting = [
            (room, need)
            for room, need in enumerate(self._needs[index])
            if need is not None
            and need.bytes <= max(0, self._free[room] + self._relief[index][room])
            and need.places <= self._slots[room]
        ]
        return sorted(fitting, key=lambda choice: (not choice[1].here, -self._free[choice[0]], choice[0]))


def _of(rooms: Sequence[Room]) -> range:
    return range(len(rooms))


class _Need(NamedTuple):
    """What seating a model on an endpoint takes beside what stays there. `here`: it is in memory there already."""

    bytes: int
    places: int
    here: bool


def _need(room: Room, model: str, size: int, terms: Terms) -> _Need | None:
    """Return what seating a model takes; None where it cannot be loaded."""
    resident = room.snapshot.find(model)
    if resident is not None and not resident.foreign:
        return _Need(0, 0, here=True) if terms.stays(resident) else _Need(resident.size_bytes, 1, here=True)
    if not room.can_load(model):
        return None
    if resident is not None and terms.stays(resident):  # another client's: loaded anew, in the room it has already
        return _Need(size - resident.size_bytes, 0, here=False)
    return _Need(size, 1, here=False)


def _free_slots(room: Room, terms: Terms) -> int:
    """Return how many models more the endpoint's Ollama keeps beside what stays."""
    staying = sum(terms.stays(r) for r in room.snapshot.residents)
    return 1_000_000 if room.snapshot.max_models is None else room.snapshot.max_models - staying
