"""The parts a `SessionManager` is made of, wired once in `actors/session_manager.py`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from actors.agent_pool import AgentPool
from actors.host_handle import HostHandle
from actors.recorder import Recorder
from delegator.analysis import Analyzer
from delegator.clock import Clock
from delegator.errors import AgentNotActive, SessionEnded
from delegator.roles.catalogue import Catalogue, Model
from delegator.schemas import EventKind
from delegator.settings import Settings
from delegator.store.records import SessionRecord
from delegator.store.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """What the session book, the task runner, the queries and the reconciler share."""

    settings: Settings
    catalogue: Catalogue
    analyzer: Analyzer
    clock: Clock
    store: Store
    recorder: Recorder
    pool: AgentPool
    host: HostHandle
    capacity_bytes: int

    @property
    def simulated(self) -> bool:
        """True when the models are simulated: every figure then says so."""
        return self.settings.models == "simulated"


@dataclass(slots=True)
class Ending:
    """How a session is being ended. What breaks off half-way is taken up again by the reconciler.

    Attributes:
        callers: how many are at it now.
    """

    kind: EventKind
    reason: str
    callers: int = 0


@dataclass(slots=True, eq=False)
class OpenSession:
    """One open session in memory: a cache of its rows, and the lock under which it changes.

    Attributes:
        models: the model each active role speaks with, after fallbacks.
        opening: the work that makes it ready; None once it is.
        tasks: ids of its unfinished tasks, oldest first.
        recalled: True while tasks of a former life may wait to be taken up again.
        ending: set once its end has begun; from then on it takes nothing new.
    """

    record: SessionRecord
    models: dict[str, str] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    task_order: asyncio.Lock = field(default_factory=asyncio.Lock)
    opening: asyncio.Task[None] | None = None
    tasks: dict[str, None] = field(default_factory=dict)
    ending: Ending | None = None
    recalled: bool = False

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

    def ensure_active(self, role: str) -> None:
        """Raise AgentNotActive when the role is not in the team."""
        if role not in self.team:
            raise AgentNotActive(self.session_id, role, role)

    def model_of(self, role: str, catalogue: Catalogue) -> Model:
        """Return the model the role speaks with, with its option set."""
        return catalogue.models[self.models.get(role, catalogue.role(role).model)]
