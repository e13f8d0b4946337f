"""What crosses the border of a `ModelHost`: small frozen records, ids instead of objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from actors.machine_meter import MachineView
from delegator.ollama.client import ChatMessage
from delegator.residency.demand import Outlook
from delegator.residency.planner import Snapshot
from delegator.residency.queue import QueueState
from delegator.roles.catalogue import Model
from delegator.store.records import ModelFactsRecord

RETURNS = "returns"
"""Name under which the store keeps what a host has learned about how soon people come back."""


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One Ollama endpoint, as the `SessionManager` hands it to the endpoint's `ModelHost`.

    Attributes:
        endpoint_id: short name, part of the actor's and the reservations' names.
        url: where this Ollama answers.
        capacity_bytes: what it has for models.
        reserve_in_ray: False where the joined Ray offers less memory than the models have.
        node_address: of the Ray node it is on, where reservations are made; None: wherever there is room.
        facts: what former lives have measured on it, the latest load last.
        learned: what former lives have learned about how soon people come back; empty: nothing.
    """

    endpoint_id: str
    url: str
    capacity_bytes: int
    reserve_in_ray: bool = True
    node_address: str | None = None
    facts: tuple[ModelFactsRecord, ...] = ()
    learned: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that is wanted, and what to use in its place, in this order."""

    model: str
    fallbacks: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return all of them, the wanted one first."""
        return (self.model, *self.fallbacks)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The model to use. `why`: what is against those before it; empty when it is the wanted one."""

    model: str
    why: str


@dataclass(frozen=True, slots=True)
class LaterTurn:
    """A turn that the same task takes later on the same endpoint. `turns_ahead`: 1 is the next one."""

    model: Model
    turns_ahead: int


@dataclass(frozen=True, slots=True)
class TurnWish:
    """One turn that wants its model resident for one session.

    Attributes:
        turn_id: unique; asking again with the same id joins the first wish.
        limit_bytes: most the session may hold at one time.
        spare_only: only if nothing has to leave or be waited for: a model that will be needed soon, not now.
        by_hand_s: asked for by hand, and kept that many model seconds if no session takes it; 0: a turn's wish.
        task_id: the task it is of; empty for a wish that is of none.
        later: what the task will need on this endpoint after it.
        continues: the task goes on after it, here or elsewhere.
        outlook: what its session needs on this endpoint, as its team is now.
    """

    turn_id: str
    session_id: str
    model: Model
    limit_bytes: int
    spare_only: bool = False
    by_hand_s: float = 0.0
    task_id: str = ""
    later: tuple[LaterTurn, ...] = ()
    continues: bool = False
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """The turn may run: its model is resident and a slot is taken in its name until `release_turn`.

    Attributes:
        evicted: models that had to leave for it.
    """

    turn_id: str
    model: str
    size_bytes: int
    waited_s: float
    load_s: float
    evicted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Aside:
    """A short question to a model that has nothing else to do. Whoever wants the model, or its room, goes first.

    Attributes:
        aside_id: unique.
        may_load: bring the model in if it is not there and nothing has to leave or be waited for; it goes afterwards.
        schema: JSON schema of the answer.
        deadline_s: real seconds for everything.
    """

    aside_id: str
    model: Model
    messages: tuple[ChatMessage, ...]
    schema: dict[str, Any]
    max_tokens: int
    deadline_s: float
    may_load: bool = False


@dataclass(frozen=True, slots=True)
class Released:
    """What letting go of models gave back.

    Attributes:
        unloaded: (model, size in bytes) of what left memory, confirmed.
        kept: models that stay because another session holds them.
    """

    unloaded: tuple[tuple[str, int], ...]
    kept: tuple[str, ...]

    @property
    def freed_bytes(self) -> int:
        """Return the memory given back."""
        return sum(size for _, size in self.unloaded)


@dataclass(frozen=True, slots=True)
class ResidentView:
    """One model in memory, for showing."""

    model: str
    size_bytes: int
    gpu_bytes: int
    measured: bool
    holders: tuple[str, ...]
    foreign: bool
    busy: bool
    resident: bool
    loaded_at_unix_s: float | None
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class HostView:
    """One endpoint at one moment, for showing and for planning without commitment.

    `queue`: who waits there, and what is known of when they may start.
    """

    endpoint_id: str
    url: str
    snapshot: Snapshot
    residents: tuple[ResidentView, ...]
    turns_running: int
    waiting: tuple[tuple[str, str], ...]
    suspect: str | None
    prefetches: int = 0
    prefetches_used: int = 0
    pins: frozenset[str] = frozenset()
    queue: QueueState = field(default_factory=QueueState)
    machine: MachineView | None = None
    """The load of the machine that the host runs on."""

    @property
    def resident_bytes(self) -> int:
        """Return the measured memory of what is resident: without what the plans count that is coming or going."""
        return sum(resident.size_bytes for resident in self.residents if resident.resident)


@dataclass(frozen=True, slots=True)
class Claims:
    """Who may hold what on an endpoint, by the `SessionManager`'s knowledge.

    Attributes:
        held: models by open session; every open session has a key.
        turns: ids of the turns under way.
        loaded_by_us: models this Delegator loaded, in this life or a former one.
        life: names the life of the `SessionManager`; in a new one, sessions whose end was cut short are open again.
        remove_orphans: False where what nobody claims is to stay.
        outlooks: what the open sessions need here, for a host that has lost its memory.
        pins: models that are pinned here, by the store.
    """

    held: dict[str, tuple[str, ...]]
    turns: frozenset[str]
    loaded_by_us: frozenset[str]
    life: str = ""
    remove_orphans: bool = True
    outlooks: tuple[Outlook, ...] = ()
    pins: tuple[Model, ...] = ()


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a comparison with reality found and healed.

    Attributes:
        learned: how soon people come back, JSON-ready, where that has changed since it was last told.
        contradicted: what another client had changed about our models, in words.
    """

    models_unloaded: tuple[str, ...] = ()
    reservations_removed: tuple[str, ...] = ()
    models_lost: tuple[str, ...] = ()
    learned: dict[str, Any] | None = None
    contradicted: tuple[str, ...] = ()
