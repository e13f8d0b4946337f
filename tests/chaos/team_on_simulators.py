"""A whole Delegator without Ray: the real parts, each model host on a simulated Ollama, in one event loop.

Everything is what runs in production, the PostgreSQL and the HTTP to Ollama too, but Ray: actors are plain objects
behind `LocalActor`, which pickles what crosses as Ray would, and reservations are kept by the ledger alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from actors import agent_pool
from actors.active_analysis import ActiveAnalysis
from actors.doubts import Doubts
from actors.host_handle import HostHandle
from actors.host_messages import HostSpec
from actors.hosts import Hosts
from actors.model_host import ModelHost
from actors.parts import Parts
from actors.placing import Placing
from actors.recorder import Recorder
from actors.reservations import LedgerOnly
from actors.session_manager import SessionManager
from delegator import schemas as s
from delegator.clock import Clock
from delegator.ollama.client import OllamaClient
from delegator.ollama.simulator.faults import FaultRule
from delegator.ollama.simulator.interventions import Interventions
from delegator.ollama.simulator.profiles import PROFILES
from delegator.ollama.simulator.server import SimulatedHost
from delegator.residency.ledger import Entry
from delegator.roles.catalogue import load_catalogue
from delegator.settings import GB, Settings
from delegator.store.records import MessageRecord, NewEvent
from delegator.store.store import Store
from tests.actors.conftest import until
from tests.chaos.local_actors import LocalActor, LocalPool

SCALE = 200.0
NODE = "here"

SETTINGS = {
    "models": "simulated",
    "simulator_scale": SCALE,
    "keep_alive_s": 6000,
    "unload_deadline_s": 0.5,
    "reconcile_every_s": 0.1,
}


@dataclass
class Endpoint:
    """One model host with its simulated Ollama."""

    name: str
    simulator: SimulatedHost
    host: ModelHost
    reservations: LedgerOnly

    def order(self, action: str, **match: Any) -> FaultRule:
        """Put a fault in force; `args` and `times` are the rule's own, the rest says what it matches."""
        rule = {"action": action, "args": match.pop("args", {}), "times": match.pop("times", None), "match": match}
        return self.simulator.host.faults.add(rule)

    def intervene(self, action: str, **args: Any) -> None:
        """Let something happen at once; see `Interventions`."""
        Interventions(self.simulator.host, self.simulator._go_deaf).do({"action": action, "args": args})

    def clear(self) -> None:
        self.simulator.host.faults.clear()

    def loaded(self) -> dict[str, dict[str, Any]]:
        """Return what is in memory, by the simulator's own state."""
        return {model["name"]: model for model in self.simulator.state["models"]}

    def happened(self, event: str, model: str | None = None) -> int:
        """Return how often something stands in the simulator's log."""
        return sum(e["event"] == event and model in (None, e.get("model")) for e in self.simulator.host.log.after(0))

    def residents(self) -> list[Entry]:
        """Return what the ledger has."""
        return self.host._ledger.entries()

    @property
    def peak_bytes(self) -> int:
        """Return the most that models have ever held in this memory."""
        return self.simulator.host.memory.peak_bytes


@dataclass
class Worked:
    """A task that has ended, with what the store says of it."""

    view: s.TaskView
    messages: list[MessageRecord]
    events: list[s.Event] = field(default_factory=list)

    def kinds(self) -> list[s.EventKind]:
        return [event.kind for event in self.events]


class TeamOnSimulators(SessionManager):
    """The real manager with all its parts; `open` it."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self.endpoints: dict[str, Endpoint] = {}
        self._stack = AsyncExitStack()

    @property
    def only(self) -> Endpoint:
        """Return the first endpoint."""
        return next(iter(self.endpoints.values()))

    async def open(
        self, database_url: str, capacities: dict[str, int], *, max_loaded: int = 12, seed: int = 0, **changed: Any
    ) -> None:
        """Bring everything about.

        Args:
            database_url: of a migrated, empty database.
            capacities: bytes for models, by the names of the endpoints.
            max_loaded: how many models each Ollama keeps.
            seed: of faults that come by chance.
            changed: settings other than `SETTINGS`.
        """
        settings = Settings.model_validate({**SETTINGS, **changed})
        scale = settings.simulator_scale
        catalogue = load_catalogue("echo")
        store = Store(database_url, pool_size=4)
        await store.open()
        self._stack.push_async_callback(store.close)
        actors: dict[str, LocalActor] = {}
        handles: list[HostHandle] = []
        for name, capacity in capacities.items():
            machine = PROFILES["laptop64"].but(max_loaded=max_loaded, load_timeout_s=100)
            simulator = SimulatedHost(machine, scale=scale, seed=seed + len(handles))
            spec = await self._start_endpoint(name, capacity, settings, simulator)
            actors[name] = LocalActor(self.endpoints[name].host)
            handles.append(HostHandle(spec, actors[name], node_id=NODE, answer_s=10))
        doubts = Doubts()
        hosts, recorder = Hosts(handles, doubts), Recorder(store, doubts)
        self.pool = LocalPool(catalogue, settings, actors)
        patch = self._stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(agent_pool, "_named_agents", lambda: set(self.pool.running))
        patch.setattr(agent_pool, "_find", self.pool.running.get)
        self._put_together(
            Parts(
                settings,
                catalogue,
                ActiveAnalysis(catalogue, settings),
                Clock(scale),
                store,
                recorder,
                self.pool,
                hosts,
                Placing(hosts, catalogue, recorder),
                hosts.capacity_bytes,
            )
        )
        self._watching = asyncio.create_task(self._reconciler.run_forever())

    async def _start_endpoint(self, name: str, capacity: int, settings: Settings, simulator: SimulatedHost) -> HostSpec:
        await self._stack.enter_async_context(simulator)
        reservations = LedgerOnly()
        spec = HostSpec(name, simulator.url, capacity)
        client = OllamaClient(simulator.url, request_s=2)
        host = ModelHost(spec, settings, client, reservations, self._take_events)
        await host.start()
        self._stack.push_async_callback(host.close)
        self.endpoints[name] = Endpoint(name, simulator, host, reservations)
        return spec

    async def _take_events(self, events: Sequence[NewEvent]) -> None:
        await self.record(events)

    async def close(self) -> None:
        """End everything."""
        for endpoint in self.endpoints.values():
            endpoint.clear()
        self._watching.cancel()
        await asyncio.gather(self._watching, *self._reconciler._sweeping.values(), return_exceptions=True)
        for agent in self.pool.running.values():
            await agent.close()
        await self._stack.aclose()

    # ── what tests do ────────────────────────────────────────────────────────────────────────────────────────────

    async def opened(self, task: str) -> str:
        """Return the id of a session that is ready."""
        reply = await self.create_session(s.CreateSessionRequest(task_description=task, wait_s=20))
        assert reply.status == "ready"
        return reply.session_id

    async def delegated(self, session_id: str) -> str:
        """Return the id of a task that is under way."""
        return (await self.delegate_task(s.DelegateTaskRequest(session_id=session_id))).task_id

    async def finished(self, task_id: str) -> Worked:
        """Return a task once it has ended."""
        async with asyncio.timeout(60):
            while not (view := await self.get_task(s.GetTaskRequest(task_id=task_id, wait_s=20))).status.is_final:
                pass
        for endpoint in self.endpoints.values():
            await endpoint.host.flush()
        events = await self._parts.store.session_events(view.session_id)
        return Worked(view, await self._parts.store.messages_of(task_id), events)

    async def ended(self, session_id: str) -> s.EndSessionReply:
        return await self.end_session(s.OptionalSessionRef(session_id=session_id))

    async def log_of(self, session_id: str) -> list[s.Event]:
        """Return a session's events, as everybody can read them."""
        events = await self._parts.store.session_events(session_id)
        return [s.Event.model_validate_json(event.model_dump_json()) for event in events]

    async def happenings(self, kind: s.EventKind) -> list[s.Event]:
        """Return all events of one kind, those of no session too."""
        for endpoint in self.endpoints.values():
            await endpoint.host.flush()
        return [e for e in await self._parts.store.events_after(0, None, 10_000) if e.kind is kind]

    def leftovers(self, foreign: Sequence[str] = ()) -> dict[str, Any]:
        """Return everything that is still there although no session is open; models of others do not count."""
        found: dict[str, Any] = {
            "agents": sorted(self.pool.running),
            "sessions": [session.session_id for session in self._book.sessions()],
            "turns": sorted(self._turns_under_way()),
        }
        for name, endpoint in self.endpoints.items():
            found |= {
                f"models of {name}": sorted(set(endpoint.loaded()) - set(foreign)),
                f"ledger of {name}": [e.model for e in endpoint.residents() if not (e.foreign and e.model in foreign)],
                f"reservations of {name}": sorted(endpoint.reservations._models),
                f"slots of {name}": sorted(endpoint.host._dispatcher.running()),
                f"wishes of {name}": sorted(endpoint.host._wanted),
                f"recorded of {name}": sorted(self._parts.recorder.loaded_on(name)),
            }
        return {what: there for what, there in found.items() if there}

    async def nothing_stays(self, foreign: Sequence[str] = ()) -> None:
        """Wait until the reconciler has removed what a fault kept; fail with what stays."""
        try:
            await until(lambda: not self.leftovers(foreign))
        except TimeoutError:
            raise AssertionError(f"left behind: {self.leftovers(foreign)}") from None


def gb(size: float) -> int:
    """Return bytes."""
    return round(size * GB)


OpenTeam = Callable[..., Awaitable[TeamOnSimulators]]
"""What the fixture `open_team` gives: it takes capacities in GB by endpoint, and what `TeamOnSimulators.open` takes."""
