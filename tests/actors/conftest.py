"""A `ModelHost` on a simulated Ollama, without Ray: the actor's plain class and real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from actors.host_messages import Claims, HostSpec, ResidentView, TurnWish
from actors.model_host import ModelHost
from actors.recorder import GONE
from actors.reservations import LedgerOnly
from delegator.ollama.client import OllamaClient
from delegator.ollama.simulator.server import SimulatedHost
from delegator.residency.demand import Outlook
from delegator.roles.catalogue import Catalogue, load_catalogue
from delegator.schemas import EventKind
from delegator.settings import GB, Settings
from delegator.store.records import NewEvent

SCALE = 200.0
DEADLINE_S = 20.0
ROOMY = 60 * GB


@dataclass
class HostUnderTest:
    """A started host, its simulator, and everything it has reported."""

    host: ModelHost
    simulator: SimulatedHost
    client: OllamaClient
    reservations: SlowReservations
    catalogue: Catalogue
    events: list[NewEvent] = field(default_factory=list)

    def wish(
        self, turn_id: str, model: str, *, session: str = "s1", limit: int = ROOMY, spare: bool = False
    ) -> TurnWish:
        """Return a wish for one of the catalogue's models."""
        outlook = Outlook(session, model)
        return TurnWish(turn_id, session, self.catalogue.models[model], limit, spare_only=spare, outlook=outlook)

    async def loaded(self) -> set[str]:
        """Return what Ollama itself says is in memory."""
        return {m.name for m in await self.client.ps()}

    def kinds(self, model: str) -> list[EventKind]:
        """Return what was reported of one model, in order."""
        return [e.kind for e in self.events if e.model == model]

    def residents(self) -> tuple[ResidentView, ...]:
        """Return what the ledger has, without giving way to anybody."""
        view = self.host.view()
        try:
            view.send(None)
        except StopIteration as done:
            residents: tuple[ResidentView, ...] = done.value.residents
            return residents
        raise AssertionError("a view waits for nothing")

    def hangs(self) -> bool:
        """True while a call hangs in one of the simulator's faults."""
        return any(rule.waiting for rule in self.simulator.host.faults.rules)

    async def claims(self, **held: tuple[str, ...]) -> Claims:
        """Return claims of the given sessions, with what was reported loaded and not gone as ours."""
        await self.host.flush()
        ours: set[str] = set()
        for event in self.events:
            if event.kind is EventKind.MODEL_LOADED:
                ours.add(event.model or "")
            elif event.kind in GONE:
                ours.discard(event.model or "")
        outlooks = tuple(Outlook(session, models[0], models[1:]) for session, models in held.items() if models)
        return Claims(held=held, turns=frozenset(), loaded_by_us=frozenset(ours), outlooks=outlooks)


class SlowReservations(LedgerOnly):
    """Reservations whose removal can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self._freeing = asyncio.Event()
        self._may_free = asyncio.Event()
        self._may_free.set()

    def slow_down(self) -> asyncio.Event:
        """Hold up removals until `go_on`; the event is set when one is waiting."""
        self._may_free.clear()
        return self._freeing

    def go_on(self) -> None:
        self._may_free.set()

    async def free(self, model: str) -> None:
        self._freeing.set()
        await self._may_free.wait()
        await super().free(model)


async def until(look: Callable[[], object]) -> None:
    """Give way to others until there is something to see; fail at the deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not look():  # noqa: ASYNC110 - what is looked for tells nobody
            await asyncio.sleep(0.001)


StartHost = Callable[..., "object"]


@pytest.fixture
async def start_host() -> AsyncIterator[Callable[..., object]]:
    """Give a function that starts hosts, of a capacity and on a profile; all are closed at the end."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            capacity: int = ROOMY,
            profile: str = "workstation96",
            simulator: SimulatedHost | None = None,
            **options: object,
        ) -> HostUnderTest:
            if simulator is None:
                simulator = await stack.enter_async_context(SimulatedHost(profile, scale=SCALE))
            settings = Settings.load(
                models="simulated", ollama_url=simulator.url, simulator_scale=SCALE, unload_deadline_s=2, **options
            )
            events: list[NewEvent] = []

            async def report(batch: Sequence[NewEvent]) -> None:
                events.extend(batch)

            reservations = SlowReservations()
            client = OllamaClient(simulator.url)
            host = ModelHost(HostSpec("test", simulator.url, capacity), settings, client, reservations, report)
            await host.start()
            stack.push_async_callback(host.close)
            return HostUnderTest(host, simulator, client, reservations, load_catalogue("echo"), events)

        yield start
