"""A `SessionManager` whose store, agents and model host are stand-ins that can be held up at any call, or fail."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

from actors.active_analysis import ActiveAnalysis
from actors.agent_lives import LiveAgent
from actors.agent_messages import Spoken
from actors.agent_work import AgentWork
from actors.disk_messages import DiskView, OnDisk
from actors.doubts import Doubts
from actors.host_messages import Aside, Chosen, Grant, HostView, Released, ResidentView, Sweep, TurnWish
from actors.hosts import Hosts
from actors.machine_meter import MachineView
from actors.parts import OpenSession, Parts
from actors.placing import Placing
from actors.recorder import Recorder
from actors.session_manager import SessionManager
from delegator import schemas as s
from delegator.analysis.understanding import Understanding
from delegator.clock import Clock
from delegator.errors import DelegatorError, ModelMissing, StoreUnavailable
from delegator.residency.planner import Resident, Snapshot
from delegator.roles.catalogue import load_catalogue
from delegator.settings import GB, Settings
from delegator.store.store import Store


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
        self.plans: dict[str, Any] = {}
        self.down = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **_kwargs: Any) -> Any:
            await self._gates.through(name)
            if self.down:
                raise StoreUnavailable("it is down")
            self.calls.append((name, args))
            if name == "put_plan":
                self.plans[args[0].plan_id] = args[0]
            if name == "plan":
                return self.plans.get(args[0])
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
        self.speeches: dict[str, str] = {}
        """What a role says where that matters."""

    async def revive(self, role: str) -> LiveAgent:
        self.revived.append(role)
        agent = LiveAgent(role, None, datetime.now(UTC), "n1")
        agent.lives.answered(by_another=True)
        return agent

    def get(self, _role: str) -> Any:
        return None

    async def lease(self, role: str, session_id: str, **_kwargs: Any) -> Any:
        await self._gates.through(f"lease {role}")
        self.leases[role].add(session_id)
        handle = SimpleNamespace(speak=SimpleNamespace(remote=partial(self._speak, role)))
        return SimpleNamespace(handle=handle, work=AgentWork())

    async def _speak(self, role: str, _turn: Any) -> Spoken:
        await self._gates.through("speak")
        if self.lost:
            raise self.lost.pop()
        return Spoken(self.speeches.get(role, "said"), 1, 1, 1.0, 0.0)

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
    """A host on which every model fits; `down`: giving models back fails.

    `residents` are in its memory and `shown` says of them where they stand, `missing` models are not on its disk.
    Calls by name can be held up, on every host ("warm") or on one ("warm fake"), and fail with the next of `failures`.
    """

    node_id = None

    def __init__(self, gates: Gates, endpoint_id: str = "fake") -> None:
        self._gates = gates
        self.endpoint_id = endpoint_id
        self.url = f"http://{endpoint_id}"
        self.capacity_bytes = 60 * GB
        self.failures: defaultdict[str, list[DelegatorError]] = defaultdict(list)
        self.suspect: str | None = None
        self.wishes: list[TurnWish] = []
        """Those that were granted."""
        self.released: list[tuple[str, Any]] = []
        self.compared = 0
        self.slots: set[str] = set()
        self.release_error: Exception | None = None
        self.residents: tuple[Resident, ...] = ()
        self.shown: tuple[ResidentView, ...] = ()
        self.missing: set[str] = set()
        self.asides: list[Aside] = []
        self.aside_answer = ""
        self.machine: MachineView | None = None

    async def _called(self, name: str) -> None:
        await self._gates.through(name)
        await self._gates.through(f"{name} {self.endpoint_id}")
        if self.failures[name]:
            raise self.failures[name].pop(0)

    async def choose(self, roles: Any) -> dict[str, Chosen]:
        await self._called("choose")
        return {role.name: self._choose(role) for role in roles}

    def _choose(self, role: Any) -> Chosen:
        for name in (role.model, *role.fallbacks):
            if name not in self.missing:
                return Chosen(name, "" if name == role.model else f"{role.model} is not installed")
        raise ModelMissing(self.url, role.model)

    async def on_disk(self, names: Any) -> DiskView:
        return DiskView(tuple(OnDisk(name, 1) for name in names if name not in self.missing), (), {})

    async def view(self) -> HostView:
        await self._called("view")
        snapshot = Snapshot(self.capacity_bytes, self.residents)
        return HostView(self.endpoint_id, self.url, snapshot, self.shown, 0, (), self.suspect, machine=self.machine)

    async def ping(self) -> None:
        await self._called("ping")

    async def warm(self, wish: TurnWish, _deadline_s: float) -> Grant:
        await self._called("warm")
        return Grant(wish.turn_id, wish.model.name, 1, 0.0, 0.0)

    async def acquire(self, wish: TurnWish, _deadline_s: float) -> Grant:
        await self._called("acquire")
        self.slots.add(wish.turn_id)
        self.wishes.append(wish)
        return Grant(wish.turn_id, wish.model.name, 1, 0.0, 0.0)

    async def aside(self, aside: Aside) -> str:
        self.asides.append(aside)
        await self._called("aside")
        return self.aside_answer

    async def release_turn(self, turn_id: str) -> None:
        self.slots.discard(turn_id)
        if self.release_error is not None:
            raise self.release_error

    async def release_models(self, session_id: str, models: Any = None) -> Released:
        await self._called("release_models")
        self.released.append((session_id, models))
        return Released((), ())

    async def reconcile(self, _claims: Any) -> Sweep:
        await self._called("reconcile")
        self.compared += 1
        return Sweep()


class ManagerOnFakes(SessionManager):
    """The real book, runner, reconciler and manager around the stand-ins, with a host for each of `endpoints`.

    A real `database` takes the place of the fake store, an `understanding` that of the learned one. `models` says
    whether they are "simulated" or those of "ollama"; the stand-ins are the same. `settings_given`
    are further ones.
    """

    def __init__(
        self,
        *endpoints: str,
        database: Store | None = None,
        understanding: Understanding | None = None,
        models: str = "simulated",
        **settings_given: object,
    ) -> None:
        self.gates = Gates()
        self.store, self.pool = FakeStore(self.gates), FakePool(self.gates)
        self.fake_hosts = {name: FakeHost(self.gates, name) for name in endpoints or ("fake",)}
        self.host = next(iter(self.fake_hosts.values()))
        settings = Settings.model_validate({"models": models, "simulator_scale": 1000, **settings_given})
        catalogue = load_catalogue("echo")
        store: Any = database or self.store
        pool: Any = self.pool
        handles: list[Any] = list(self.fake_hosts.values())
        doubts = Doubts()
        hosts, recorder = Hosts(handles, doubts), Recorder(store, doubts)
        self._put_together(
            Parts(
                settings,
                catalogue,
                ActiveAnalysis(catalogue, settings, understanding),
                Clock(1000),
                store,
                recorder,
                pool,
                hosts,
                Placing(hosts, catalogue, recorder),
                60 * GB,
            )
        )

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
