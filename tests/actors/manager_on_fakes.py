"""A `SessionManager` whose store, agents and model host are stand-ins that can be held up at any call, or fail."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from actors.agent_messages import Spoken
from actors.host_messages import Chosen, Grant, Released, Sweep, TurnWish
from actors.parts import OpenSession, Parts
from actors.queries import Queries
from actors.reconciler import Reconciler
from actors.recorder import Recorder
from actors.session_book import SessionBook
from actors.session_manager import SessionManager
from actors.task_runner import TaskRunner
from actors.team_changes import TeamChanges
from delegator import schemas as s
from delegator.analysis import Analyzer
from delegator.clock import Clock
from delegator.errors import StoreUnavailable
from delegator.roles.catalogue import load_catalogue
from delegator.settings import GB, Settings


class Gates:
    """Calls by name that wait until they are let through."""

    def __init__(self) -> None:
        self._shut: dict[str, asyncio.Event] = {}
        self.reached: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def shut(self, name: str) -> None:
        self._shut[name] = asyncio.Event()

    def open(self, name: str) -> None:
        self._shut.pop(name).set()

    async def through(self, name: str) -> None:
        self.reached[name].set()
        if name in self._shut:
            await self._shut[name].wait()


class FakeStore:
    """Takes everything and remembers it; `down`: nothing answers."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.down = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **_kwargs: Any) -> Any:
            await self._gates.through(name)
            if self.down:
                raise StoreUnavailable("it is down")
            self.calls.append((name, args))
            return args[0] if name == "add_turn" else None if name in ("session", "task") else []

        return call

    def args_of(self, name: str) -> list[tuple[Any, ...]]:
        return [args for called, args in self.calls if called == name]


class FakePool:
    """Agents that answer at once."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self.leases: defaultdict[str, set[str]] = defaultdict(set)
        self.lost: list[Exception] = []
        """What the next speeches break off with."""
        self.revived: list[str] = []

    async def revive(self, role: str) -> None:
        self.revived.append(role)

    async def lease(self, role: str, session_id: str, **_kwargs: Any) -> Any:
        await self._gates.through(f"lease {role}")
        self.leases[role].add(session_id)
        return SimpleNamespace(handle=SimpleNamespace(speak=SimpleNamespace(remote=self._speak)))

    async def _speak(self, _turn: Any) -> Spoken:
        await self._gates.through("speak")
        if self.lost:
            raise self.lost.pop()
        return Spoken("said", 1, 1, 1.0, 0.0)

    async def release(self, role: str, session_id: str, **_kwargs: Any) -> bool:
        self.leases[role].discard(session_id)
        return True

    async def terminate_orphans(self, _teams: Any) -> list[str]:
        return []

    def live(self) -> list[Any]:
        return []

    @property
    def leased(self) -> set[str]:
        return {role for role, sessions in self.leases.items() if sessions}


class FakeHost:
    """A host on which every model fits; `down`: giving models back fails."""

    endpoint_id = "fake"

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self.slots: set[str] = set()
        self.release_error: Exception | None = None

    async def choose(self, roles: Any) -> dict[str, Chosen]:
        return {role.name: Chosen(role.model, "") for role in roles}

    async def warm(self, wish: TurnWish, _deadline_s: float) -> Grant:
        await self._gates.through("warm")
        return Grant(wish.turn_id, wish.model.name, 1, 0.0, 0.0)

    async def acquire(self, wish: TurnWish, _deadline_s: float) -> Grant:
        await self._gates.through("acquire")
        self.slots.add(wish.turn_id)
        return Grant(wish.turn_id, wish.model.name, 1, 0.0, 0.0)

    async def release_turn(self, turn_id: str) -> None:
        self.slots.discard(turn_id)
        if self.release_error is not None:
            raise self.release_error

    async def release_models(self, _session_id: str, _models: Any = None) -> Released:
        return Released((), ())

    async def reconcile(self, _claims: Any) -> Sweep:
        return Sweep()


class ManagerOnFakes(SessionManager):
    """The real book, runner, reconciler and manager around the stand-ins."""

    def __init__(self) -> None:
        self.gates = Gates()
        self.store, self.pool, self.host = FakeStore(self.gates), FakePool(self.gates), FakeHost(self.gates)
        settings = Settings.model_validate({"models": "simulated", "simulator_scale": 1000})
        catalogue = load_catalogue("echo")
        store: Any = self.store
        pool: Any = self.pool
        host: Any = self.host
        self._parts = Parts(
            settings,
            catalogue,
            Analyzer(catalogue, settings.complexity_limits),
            Clock(1000),
            store,
            Recorder(store),
            pool,
            host,
            60 * GB,
        )
        self._book = SessionBook(self._parts)
        self._teams = TeamChanges(self._parts)
        self._tasks = TaskRunner(self._parts)
        self._queries = Queries(self._parts, self._book, self._tasks)
        self._reconciler = Reconciler(self._parts, self._book, self._tasks, self._end)

    async def created(self, task: str = "Fix typo in README", wait_s: float = 5) -> OpenSession:
        await self.create_session(s.CreateSessionRequest(task_description=task, wait_s=wait_s))
        return self._book.sessions()[0]

    def end(self, session: OpenSession) -> asyncio.Task[s.EndSessionReply]:
        return asyncio.create_task(self.end_session(s.OptionalSessionRef(session_id=session.session_id)))

    def remove(self, session: OpenSession, role: str) -> asyncio.Task[s.RemoveAgentReply]:
        request = s.RemoveAgentRequest(session_id=session.session_id, agent_role=role, reason="done")
        return asyncio.create_task(self.remove_agent_from_session(request))

    def delegate(self, session: OpenSession) -> asyncio.Task[Any]:
        return asyncio.create_task(self._tasks.delegate(session, "Do it"))

    async def sweep(self) -> s.CleanupReply:
        return await self._reconciler.sweep()

    @property
    def open_sessions(self) -> int:
        return len(self._book.sessions())

    def ends(self) -> list[tuple[s.SessionStatus, str]]:
        """Return how sessions ended, by the store."""
        return [(args[1], args[3]) for args in self.store.args_of("end_session")]
