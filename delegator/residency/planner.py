"""Decides how one wished model gets into memory: reuse it, load it (after which evictions), wait, or refuse.

Pure: a plan is a function of the snapshot and the wish. Two limits bind at once. The *machine*: everything resident
on the endpoint, whoever loaded it, fits its capacity. The *session*: what one session holds at one time fits the limit
of its complexity. A plan never touches a busy model (a turn runs on it, or it is just coming or going), a pinned one,
nor a foreign one (somebody else's); one with announced work only for a wish that has waited long enough to press. It
evicts what is worth least, and nothing that the wish does not need gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resident:
    """One model in memory.

    Attributes:
        model: normalised name.
        size_bytes: measured where it is known, otherwise the estimate that was reserved.
        holders: ids of the sessions that hold it; empty when it merely lingers.
        busy: a turn runs on it, or it is being loaded or unloaded: not to be touched now.
        last_used: any rising number; smaller means used longer ago.
        foreign: loaded by another client of this Ollama; counted, never touched.
        pinned: stays whatever happens.
        announced: work for it waits, or is about to come.
        worth: GB-seconds that keeping it is expected to save (`lingering.py`): reload cost times chance of reuse.
    """

    model: str
    size_bytes: int
    holders: frozenset[str] = frozenset()
    busy: bool = False
    last_used: float = 0.0
    foreign: bool = False
    pinned: bool = False
    announced: bool = False
    worth: float = 0.0

    @property
    def evictable(self) -> bool:
        """True when a pressing plan may unload it now; any other plan leaves announced ones too."""
        return not (self.busy or self.foreign or self.pinned)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One endpoint's memory at one moment.

    Attributes:
        max_models: most models this Ollama keeps loaded at one time (OLLAMA_MAX_LOADED_MODELS); None: not known.
    """

    capacity_bytes: int
    residents: tuple[Resident, ...] = ()
    max_models: int | None = None

    @property
    def used_bytes(self) -> int:
        """Return the memory that is taken: by what is resident, and by what is just coming or going."""
        return sum(resident.size_bytes for resident in self.residents)

    def find(self, model: str) -> Resident | None:
        """Return the resident of that name, if there is one."""
        return next((resident for resident in self.residents if resident.model == model), None)


@dataclass(frozen=True, slots=True)
class Wish:
    """A model that one session wants resident.

    Attributes:
        size_bytes: what it takes, measured earlier or estimated.
        limit_bytes: most the session may hold at one time.
        pressing: it has waited so long that models with announced work must go for it too.
    """

    model: str
    size_bytes: int
    session_id: str
    limit_bytes: int
    pressing: bool = False


@dataclass(frozen=True, slots=True)
class Reuse:
    """The model is resident. `release`: what the session lets go of first; `evict`: those of them that nobody holds."""

    release: tuple[str, ...] = ()
    evict: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """Unload `evict`, in that order, then load. `release` is what the session lets go of, whoever else holds it."""

    release: tuple[str, ...] = ()
    evict: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: the memory becomes free when some of `on` fall idle (or, if foreign, go).

    Foreign ones alone stand in `on` where even all others together would not make room.
    """

    on: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Never: the model is larger than `capacity_bytes`, the smaller of machine and session limit."""

    needed_bytes: int
    capacity_bytes: int


Plan = Reuse | Load | Wait | Refuse


def plan_residency(snapshot: Snapshot, wish: Wish) -> Plan:
    """Decide how `wish.model` becomes resident for `wish.session_id`.

    1. A model larger than the machine or the session's limit is refused.
    2. The session lets go of idle models of its own, those worth least first, until the wished one fits its limit.
    3. A resident model is reused; a foreign one is loaded with our options, in the room it has and what more it takes.
    4. Otherwise idle models are evicted until it fits the machine: first those the session has just let go of and
       nobody else holds, then those worth least a byte; among equals those nobody holds, then the least recently used.
       Models with announced work stay, unless the wish presses.
    5. Where busy, announced or foreign models are in the way, the wish waits for them.
    """
    size = wish.size_bytes
    bound = min(snapshot.capacity_bytes, wish.limit_bytes)
    if size > bound:
        return Refuse(size, bound)

    own = [r for r in snapshot.residents if wish.session_id in r.holders and r.model != wish.model]
    idle = [r for r in own if not r.busy]
    released = _choose(idle, needed=sum(r.size_bytes for r in own) + size - wish.limit_bytes)
    if released is None:
        return Wait(_names(r for r in own if r.busy), "the session's memory limit")
    ownerless = [r for r in released if r.holders == {wish.session_id} and _movable(r, wish)]

    resident = snapshot.find(wish.model)
    if resident is not None and not resident.foreign:
        return Reuse(_names(released), _names(ownerless))

    kept = [r for r in snapshot.residents if r not in ownerless and r is not resident]
    return _plan_load(snapshot, wish, kept, released, ownerless)


def _movable(resident: Resident, wish: Wish) -> bool:
    return resident.evictable and (wish.pressing or not resident.announced)


def _plan_load(
    snapshot: Snapshot, wish: Wish, kept: list[Resident], released: list[Resident], ownerless: list[Resident]
) -> Load | Wait:
    """Make room on the machine beside what is `kept`, if it can be made."""
    size = wish.size_bytes
    fixed = [r for r in kept if r.foreign or r.pinned]
    if sum(r.size_bytes for r in fixed) + size > snapshot.capacity_bytes:
        return Wait(_names(fixed), "models that are not ours to unload")
    short = sum(r.size_bytes for r in kept) + size - snapshot.capacity_bytes
    surplus = len(kept) + 1 - snapshot.max_models if snapshot.max_models else 0
    evicted = _choose([r for r in kept if _movable(r, wish)], needed=short, at_least=surplus)
    if evicted is None:
        blocking = [r for r in kept if not _movable(r, wish)] or kept
        return Wait(_names(blocking), "the machine's memory")
    return Load(_names(released), _names([*ownerless, *evicted]))


def _choose(candidates: Sequence[Resident], *, needed: int, at_least: int = 0) -> list[Resident] | None:
    """Pick `at_least` candidates that free `needed` bytes, those worth least a byte first.

    None when even all of them do not. No chosen one could be left out: what a later, larger choice made superfluous is
    dropped again, the most valuable first.
    """
    if needed <= 0 and at_least <= 0:
        return []
    chosen: list[Resident] = []
    freed = 0
    for resident in sorted(candidates, key=dispensable):
        chosen.append(resident)
        freed += resident.size_bytes
        if freed >= needed and len(chosen) >= at_least:
            break
    else:
        return None
    for resident in sorted(chosen, key=lambda r: (-r.worth, -r.last_used)):
        if freed - resident.size_bytes >= needed and len(chosen) > at_least:
            chosen.remove(resident)
            freed -= resident.size_bytes
    return chosen


def dispensable(resident: Resident) -> tuple[float, bool, float]:
    """Order what goes first: worth least for the room it takes, held by nobody, used longest ago."""
    return (resident.worth / max(1, resident.size_bytes), bool(resident.holders), resident.last_used)


def _names(residents: Iterable[Resident]) -> tuple[str, ...]:
    return tuple(resident.model for resident in residents)
