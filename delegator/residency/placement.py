"""Decides on which endpoint a model of a session is to run, out of all there are.

Pure: the choice is a function of the endpoints as they stand and the wish. How the model then gets into memory there is
`planner.py`'s. A suspect endpoint (its Ollama may be stuck, or does not answer) is passed over while another can do it,
also with a fallback of the model. Otherwise the wanted model goes before its fallbacks, and among equals:

    1. it is in memory, or coming, and few turns wait for it
    2. it fits into free memory
    3. it is in memory, but a queue waits for it
    4. it fits once idle models have left: where they are worth least
    5. it has to wait until busy models fall idle
    6. it has to wait for models that are not ours to unload

then fewer waiting turns, then an endpoint where the session's team is already, then the order of the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

from delegator.residency.planner import Resident, Snapshot, dispensable

QUEUE_TURNS = 2
"""So many turns that wait for one model make a queue: loading it elsewhere costs about as much as two turns."""


class Room(IntEnum):
    """How an endpoint can hold a model, the best first; see the module's head."""

    RESIDENT = 1
    FREE = 2
    QUEUED = 3
    EVICTING = 4
    WAITING = 5
    BLOCKED = 6


Cost = tuple[float, int, int]
"""What evicting models costs: what they are worth, then the bytes of them that sessions hold, then their bytes."""

FREE_OF_COST: Cost = (0.0, 0, 0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that would serve a wish on one endpoint.

    Attributes:
        rank: 0 for the wanted model, then its fallbacks in their order.
    """

    endpoint_id: str
    model: str
    size_bytes: int
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model goes, and how it can be held there."""

    endpoint_id: str
    model: str
    room: Room
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class HostState:
    """One endpoint at one moment, with what every choice asks about it worked out once. Make it with `of`.

    Attributes:
        queues: turns that wait, by model.
        suspect: its Ollama may be stuck or does not answer.
        free_bytes: what nothing takes.
        has: {model: it is here, or coming, and ours}; False where another client loaded it.
        idle: models a plan may evict now, as (bytes, cost) added up, those that would go first first.
        fixed_bytes: of foreign and pinned models, which stay.
    """

    endpoint_id: str
    snapshot: Snapshot
    queues: Mapping[str, int]
    suspect: bool
    order: int
    free_bytes: int
    fixed_bytes: int
    has: Mapping[str, bool]
    idle: tuple[tuple[int, Cost], ...] = field(repr=False)
    waiting: int

    @classmethod
    def of(
        cls,
        endpoint_id: str,
        snapshot: Snapshot,
        *,
        queues: Mapping[str, int],
        suspect: bool = False,
        order: int = 0,
    ) -> HostState:
        """Work the facts of a snapshot out. `order`: place among the endpoints, for equals."""
        residents = snapshot.residents
        return cls(
            endpoint_id,
            snapshot,
            queues,
            suspect,
            order,
            snapshot.capacity_bytes - sum(r.size_bytes for r in residents),
            sum(r.size_bytes for r in residents if r.foreign or r.pinned),
            {r.model: not r.foreign for r in residents},
            _added_up(residents),
            sum(queues.values()),
        )

    def with_model(self, model: str, size_bytes: int, session_id: str) -> HostState:
        """Return the endpoint as it will be once a session has that model there; what makes room for it has left."""
        if self.has.get(model):
            return self
        short, kept = size_bytes - self.free_bytes, []
        for resident in sorted(self.snapshot.residents, key=dispensable):
            if short > 0 and resident.evictable and not resident.announced:
                short -= resident.size_bytes
            elif resident.model != model:
                kept.append(resident)
        coming = Resident(model, size_bytes, frozenset({session_id}))
        snapshot = replace(self.snapshot, residents=(*kept, coming))
        return HostState.of(self.endpoint_id, snapshot, queues=self.queues, suspect=self.suspect, order=self.order)

    def score(self, model: str, size_bytes: int) -> tuple[Room, Cost]:
        """Return how the model can be held here, and the cost of what must leave for it.

        Only for models that are not larger than the endpoint's capacity.
        """
        ours = self.has.get(model)
        if ours:
            return (Room.QUEUED if self.queues.get(model, 0) >= QUEUE_TURNS else Room.RESIDENT), FREE_OF_COST
        free, fixed = self.free_bytes, self.fixed_bytes
        limit = self.snapshot.max_models
        surplus = len(self.has) + 1 - limit if limit else 0
        if ours is False:  # a foreign one is loaded anew in the room it has
            known = self.snapshot.find(model)
            taken = known.size_bytes if known else 0
            free, fixed, surplus = free + taken, fixed - taken, surplus - 1
        if size_bytes <= free and surplus <= 0:
            return Room.FREE, FREE_OF_COST
        for count, (freed, cost) in enumerate(self.idle, start=1):
            if free + freed >= size_bytes and count >= surplus:
                return Room.EVICTING, cost
        return (Room.WAITING if fixed + size_bytes <= self.snapshot.capacity_bytes else Room.BLOCKED), FREE_OF_COST


def place(
    hosts: Mapping[str, HostState], candidates: Iterable[Candidate], *, together: Iterable[str] = ()
) -> Place | None:
    """Choose the endpoint, and on it the model, for one wish.

    Args:
        hosts: by endpoint id.
        candidates: what would serve the wish where; several for one endpoint are a model and its fallbacks.
        together: endpoints where the session's team is already; they win where all else is equal.

    Returns:
        None when every model is larger than the endpoint it would go to.
    """
    best: tuple[tuple[bool, int, Room, Cost, int, bool, int], Candidate] | None = None
    home = frozenset(together)
    for candidate in candidates:
        host = hosts[candidate.endpoint_id]
        if candidate.size_bytes > host.snapshot.capacity_bytes:
            continue
        if best is not None and (host.suspect, candidate.rank) > best[0][:2]:
            continue
        room, cost = host.score(candidate.model, candidate.size_bytes)
        key = (host.suspect, candidate.rank, room, cost, host.waiting, host.endpoint_id not in home, host.order)
        if best is None or key < best[0]:
            best = key, candidate
    if best is None:
        return None
    key, chosen = best
    return Place(chosen.endpoint_id, chosen.model, key[2], key[0])


def place_team(
    hosts: Mapping[str, HostState],
    wishes: Sequence[tuple[str, Sequence[Candidate]]],
    *,
    session_id: str,
    placed: Mapping[str, str] | None = None,
) -> dict[str, Place | None]:
    """Choose for each role of a session, in speaking order, with those before it already in their places.

    Roles that may speak with a model that the session has on an endpoint in good order go there.

    Args:
        hosts: by endpoint id.
        wishes: (role, its candidates).
        session_id: whose team it is.
        placed: {model: endpoint} of what the session has already.

    Returns:
        {role: place}; None for a role that no endpoint can ever serve.
    """
    states = dict(hosts)
    at = dict(placed or {})
    places: dict[str, Place | None] = {}
    for role, candidates in wishes:
        settled = [c for c in candidates if at.get(c.model) == c.endpoint_id and not states[c.endpoint_id].suspect]
        wanted = [c for c in settled if c.rank == _best_rank(states, candidates)]
        chosen = places[role] = place(states, wanted or candidates, together=at.values())
        if chosen is None:
            continue
        at[chosen.model] = chosen.endpoint_id
        size = next(c.size_bytes for c in candidates if (c.endpoint_id, c.model) == (chosen.endpoint_id, chosen.model))
        states[chosen.endpoint_id] = states[chosen.endpoint_id].with_model(chosen.model, size, session_id)
    return places


def _best_rank(hosts: Mapping[str, HostState], candidates: Iterable[Candidate]) -> int | None:
    """Return the rank of the best model that an endpoint in good order can hold at all."""
    ranks = [
        c.rank
        for c in candidates
        if not hosts[c.endpoint_id].suspect and c.size_bytes <= hosts[c.endpoint_id].snapshot.capacity_bytes
    ]
    return min(ranks, default=None)


def _added_up(residents: Iterable[Resident]) -> tuple[tuple[int, Cost], ...]:
    freed, worth, held, sums = 0, 0.0, 0, []
    for resident in sorted((r for r in residents if r.evictable and not r.announced), key=dispensable):
        freed += resident.size_bytes
        worth += resident.worth
        held += resident.size_bytes if resident.holders else 0
        sums.append((freed, (worth, held, freed)))
    return tuple(sums)
