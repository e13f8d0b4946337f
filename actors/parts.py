"""The parts a `SessionManager` is made of, wired once in `actors/session_manager.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.active_analysis import ActiveAnalysis
from actors.agent_pool import AgentPool
from actors.host_handle import HostHandle
from actors.hosts import Hosts
from actors.placing import Placed, Placing
from actors.recorder import Recorder
from delegator.clock import Clock
from delegator.errors import AgentNotActive, SessionEnded, SessionWaitsForAnswer
from delegator.residency.demand import Outlook
from delegator.roles.catalogue import Catalogue, Model
from delegator.schemas import Degradation, EventKind
from delegator.sessions.turns import plan_team_turns
from delegator.settings import Settings
from delegator.store.records import SessionRecord
from delegator.store.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """What the session book, the task runner, the queries and the reconciler share."""

    settings: Settings
    catalogue: Catalogue
    analyzer: ActiveAnalysis
    clock: Clock
    store: Store
    recorder: Recorder
    pool: AgentPool
    hosts: Hosts
    placing: Placing
    capacity_bytes: int

    @property
    def simulated(self) -> bool:
        """True when the models are simulated: every figure then says so."""
        return self.settings.models == "simulated"

    def host_of(self, session: OpenSession, role: str) -> HostHandle:
        """Return the host on which a role of a session speaks; the first one where its place is not known."""
        endpoint_id = session.endpoints.get(role, "")
        return self.hosts.get(endpoint_id) if endpoint_id in self.hosts else self.hosts.first

    def outlook_of(self, session: OpenSession, endpoint_id: str) -> Outlook:
        """Return what a session needs on one endpoint, as its team is now."""
        speakers = plan_team_turns(session.team, self.catalogue) if session.team else ()
        here: dict[str, None] = {}
        lead = ""
        for place, turn in enumerate(speakers):
            if self.host_of(session, turn.role).endpoint_id == endpoint_id:
                model = session.model_of(turn.role, self.catalogue).name
                lead = model if place == 0 else lead
                here[model] = None
        others = tuple(model for model in here if model != lead)
        return Outlook(session.session_id, lead, others, session.record.tasks_delegated)


@dataclass(frozen=True, slots=True)
class AppliedPlan:
    """The plan a session was created by, and what differs from it."""

    plan_id: str
    changed: tuple[str, ...]


@dataclass(slots=True)
class Ending:
    """How a session is being ended. What breaks off half-way is taken up again by the reconciler.

    Attributes:
        callers: how many are at it now.
        by: who ends it; None where it ends by itself.
        code: of the error that ended it; empty where none did.
    """

    kind: EventKind
    reason: str
    callers: int = 0
    by: str | None = None
    code: str = ""


@dataclass(slots=True, eq=False)
class OpenSession:
    """One open session in memory: a cache of its rows, and the lock under which it changes.

    Attributes:
        models: the model each active role speaks with, after fallbacks.
        endpoints: the endpoint each active role speaks on.
        speaking: (endpoint, model) of its turns that have, or are about to have, a slot; by turn id.
        granted: bytes of (endpoint, model) that its turns were given and whose host has not told of it yet.
        fell_idle: set whenever one of them ends.
        opening: the work that makes it ready; None once it is.
        tasks: ids of its unfinished tasks, oldest first.
        recalled: True while tasks of a former life may wait to be taken up again.
        ending: set once its end has begun; from then on it takes nothing new.
        degradations: what was done because its team does not fit the memory as it was asked for.
        applied: the plan it was created by.
    """

    record: SessionRecord
    models: dict[str, str] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)
    speaking: dict[str, tuple[str, str]] = field(default_factory=dict)
    granted: dict[tuple[str, str], int] = field(default_factory=dict)
    fell_idle: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    task_order: asyncio.Lock = field(default_factory=asyncio.Lock)
    opening: asyncio.Task[None] | None = None
    tasks: dict[str, None] = field(default_factory=dict)
    ending: Ending | None = None
    recalled: bool = False
    degradations: list[Degradation] = field(default_factory=list)
    applied: AppliedPlan | None = None

    @property
    def session_id(self) -> str:
        """Return the session's id."""
        return self.record.session_id

    @property
    def team(self) -> tuple[str, ...]:
        """Return the active roles by rank."""
        return self.record.active_agents

    def ensure_open(self) -> None:
        """Raise SessionEnded when the session is, or is just being, ended."""
        if self.ending is not None or not self.record.status.is_open:
            raise SessionEnded(self.session_id, "ending" if self.record.status.is_open else self.record.status.value)

    @property
    def waits_for_answer(self) -> bool:
        """True while it has asked something: it has no team, and nothing of it is started."""
        return self.record.question is not None

    def ensure_at_work(self) -> None:
        """Raise SessionEnded when the session takes nothing new, SessionWaitsForAnswer while it has no team yet."""
        self.ensure_open()
        if self.record.question is not None:
            raise SessionWaitsForAnswer(self.session_id, self.record.question["question"]["question"])

    def ensure_active(self, role: str) -> None:
        """Raise AgentNotActive when the role is not in the team."""
        if role not in self.team:
            raise AgentNotActive(self.session_id, role, role)

    def place(self, places: Mapping[str, Placed]) -> None:
        """Take over where roles speak, and with which models."""
        self.models |= {role: placed.model for role, placed in places.items()}
        self.endpoints |= {role: placed.endpoint_id for role, placed in places.items()}

    def place_of(self, role: str) -> tuple[str, str] | None:
        """Return (endpoint, model) of an active role; None where its place is not known."""
        model, endpoint = self.models.get(role), self.endpoints.get(role)
        return None if model is None or endpoint is None else (endpoint, model)

    def leave_place(self, role: str) -> str | None:
        """Forget where a role speaks; return the model it spoke with."""
        self.endpoints.pop(role, None)
        return self.models.pop(role, None)

    @property
    def places(self) -> set[tuple[str, str]]:
        """Return (endpoint, model) of every active role whose place is known."""
        return {(endpoint, self.models[role]) for role, endpoint in self.endpoints.items() if role in self.models}

    @property
    def placed(self) -> dict[str, str]:
        """Return `{model: endpoint}` of the active roles."""
        return {self.models[role]: endpoint for role, endpoint in self.endpoints.items() if role in self.models}

    def model_of(self, role: str, catalogue: Catalogue) -> Model:
        """Return the model the role speaks with, with its option set."""
        return catalogue.models[self.models.get(role, catalogue.role(role).model)]
