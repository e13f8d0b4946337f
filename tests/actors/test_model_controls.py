"""Loading, unloading and pinning by hand, as the `SessionManager` has it: real `ModelHost`s, a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from actors.acting import acting
from actors.doubts import Doubts
from actors.host_handle import HostHandle
from actors.host_messages import Claims, HostSpec
from actors.hosts import Hosts
from actors.model_controls import ModelControls
from actors.model_library import ModelLibrary
from actors.pins import Pins
from delegator import schemas as s
from delegator.clock import Clock
from delegator.errors import InvalidInput, ModelInUse, ModelMissing, ModelNotFound, NoCapacity
from delegator.ollama.simulator.profiles import PROFILES
from delegator.ollama.simulator.server import SimulatedHost
from delegator.roles.catalogue import load_catalogue
from delegator.settings import GB, Settings
from delegator.store.store import Store
from tests.actors.conftest import SCALE, HostUnderTest
from tests.actors.test_model_library import PlainHandle

SMALL, DEVELOPER, GENERAL, OTHER = "llama3.2:3b", "qwen2.5-coder:7b", "qwen3:8b", "mistral:7b"


@dataclass
class ControlsUnderTest:
    """The controls and what they stand on, by the names of the endpoints."""

    controls: ModelControls
    library: ModelLibrary
    pins: Pins
    store: Store
    hosts: dict[str, HostUnderTest]
    sessions: list[Any] = field(default_factory=list)

    async def events(self, *kinds: s.EventKind) -> list[s.Event]:
        return [event for event in await self.store.events_after(0, None, 100) if event.kind in kinds]

    async def sweep(self, endpoint: str = "ollama", pins: Pins | None = None) -> Any:
        claims = await self.hosts[endpoint].claims()
        assert isinstance(claims, Claims)
        return await self.hosts[endpoint].host.reconcile(replace(claims, pins=(pins or self.pins).on(endpoint)))


Start = Callable[..., Any]


@pytest.fixture
async def start(start_host: Any, store: Store) -> AsyncIterator[Start]:
    """Give a function that starts one endpoint for every tuple of installed models."""
    async with AsyncExitStack() as stack:

        async def started(*disks: tuple[str, ...], capacity: int = 60 * GB) -> ControlsUnderTest:
            hosts, handles = {}, []
            for number, installed in enumerate(disks, start=1):
                name = "ollama" if number == 1 else f"ollama-{number}"
                profile = PROFILES["workstation96"].but(installed=installed)
                simulator = await stack.enter_async_context(SimulatedHost(profile, scale=SCALE))
                hosts[name] = await start_host(simulator=simulator, capacity=capacity)
                spec = HostSpec(name, simulator.url, capacity)
                handles.append(HostHandle(spec, PlainHandle(hosts[name].host), node_id=None, answer_s=20))
            parts: Any = SimpleNamespace(
                hosts=Hosts(handles, Doubts()),
                catalogue=load_catalogue("compact"),
                settings=Settings.load(models="simulated"),
                recorder=SimpleNamespace(sizes={}),
                simulated=True,
            )
            sessions: list[Any] = []
            pins = Pins(store, Clock(1.0), parts.catalogue)
            library = ModelLibrary(parts, lambda: sessions)
            controls = ModelControls(parts, lambda: sessions, pins, library)
            return ControlsUnderTest(controls, library, pins, store, hosts, sessions)

        yield started


def about(model: str, endpoint: str | None = None, wait_s: float = 20) -> s.ModelControlRequest:
    return s.ModelControlRequest(model=model, endpoint=endpoint, wait_s=wait_s)


async def test_a_model_of_the_disk_is_loaded_whether_a_role_uses_it_or_not(start: Start) -> None:
    it = await start((GENERAL, OTHER))

    of_a_role = await it.controls.load(about(GENERAL))
    of_none = await it.controls.load(about(OTHER))

    assert of_a_role == s.ModelControlReply(
        model=GENERAL,
        endpoint="ollama",
        state="resident",
        pinned=False,
        memory_gb=of_a_role.memory_gb,
        simulated=True,
    )
    assert of_none.state == "resident"
    windows = {model.name: model.num_ctx for model in await it.hosts["ollama"].client.ps()}
    assert windows == {GENERAL: load_catalogue("compact").models[GENERAL].num_ctx, OTHER: 4096}


async def test_it_is_loaded_where_it_lies_and_most_memory_is_free(start: Start) -> None:
    it = await start((GENERAL, DEVELOPER), (GENERAL,), (OTHER,))
    await it.controls.load(about(DEVELOPER))

    assert (await it.controls.load(about(GENERAL))).endpoint == "ollama-2"
    assert (await it.controls.load(about(OTHER))).endpoint == "ollama-3"
    with pytest.raises(ModelMissing, match=SMALL):
        await it.controls.load(about(SMALL))
    with pytest.raises(InvalidInput, match="none of the endpoints"):
        await it.controls.load(about(GENERAL, "nowhere"))


async def test_it_is_unloaded_where_it_is_in_memory_and_not_guessed_where_it_is_twice(start: Start) -> None:
    it = await start((GENERAL,), (GENERAL,))
    await it.controls.load(about(GENERAL, "ollama-2"))

    gone = await it.controls.unload(about(GENERAL))

    assert (gone.endpoint, gone.state) == ("ollama-2", "absent")
    for endpoint in ("ollama", "ollama-2"):
        await it.controls.load(about(GENERAL, endpoint))
    with pytest.raises(InvalidInput, match="several endpoints"):
        await it.controls.unload(about(GENERAL))
    with pytest.raises(ModelNotFound):
        await it.controls.unload(about(SMALL))


async def test_a_pin_is_stored_with_who_made_it_shown_and_told_to_a_later_life(start: Start) -> None:
    it = await start((GENERAL,))

    with acting("anna"):
        pinned = await it.controls.pin(about(GENERAL))
        await it.controls.pin(about(GENERAL))

    assert (pinned.state, pinned.pinned) == ("resident", True)
    told = await it.events(s.EventKind.MODEL_PINNED)
    assert [(event.model, event.data["endpoint"], event.by) for event in told] == [(GENERAL, "ollama", "anna")]
    (row,) = [row for row in (await it.library.list_models(s.NoInput())).models if row.endpoint]
    assert (row.state, row.pinned) == ("resident", True)
    later = Pins(it.store, Clock(1.0), load_catalogue("compact"))
    await later.recall()
    assert later.on("ollama") == it.pins.on("ollama") == (load_catalogue("compact").models[GENERAL],)
    assert (await it.sweep(pins=later)).models_unloaded == ()


async def test_what_is_unpinned_is_forgotten_and_goes(start: Start) -> None:
    it = await start((GENERAL,), (GENERAL,))
    await it.controls.pin(about(GENERAL, "ollama-2"))
    await it.controls.load(about(GENERAL, "ollama"))
    await it.sweep("ollama-2")

    reply = await it.controls.unpin(about(GENERAL))
    again = await it.controls.unpin(about(GENERAL, "ollama-2"))

    assert (reply.endpoint, reply.state, reply.pinned) == ("ollama-2", "absent", False)
    assert (again.state, again.pinned) == ("absent", False)
    assert await it.store.pins() == []
    assert len(await it.events(s.EventKind.MODEL_UNPINNED)) == 1


async def test_a_pin_whose_load_fails_is_not_kept(start: Start) -> None:
    it = await start((GENERAL,))

    with pytest.raises(ModelMissing):
        await it.controls.pin(about(SMALL))

    assert it.pins.on("ollama") == ()
    assert await it.store.pins() == []
    assert await it.events(s.EventKind.MODEL_PINNED) == []


async def test_a_pin_leaves_room_for_every_model_of_an_open_session_and_tells_which_roles_lose_theirs(
    start: Start,
) -> None:
    it = await start((GENERAL, DEVELOPER, OTHER), capacity=10 * GB)
    it.sessions.append(SimpleNamespace(places={("ollama", GENERAL)}))

    with pytest.raises(NoCapacity, match="which an open session uses"):
        await it.controls.pin(about(OTHER))
    it.sessions.clear()
    pinned = await it.controls.pin(about(OTHER))

    assert pinned.pinned
    assert [warning.split(" finds")[0] for warning in pinned.warnings] == [
        f"Beside what is pinned on ollama, {GENERAL}",
        f"Beside what is pinned on ollama, {DEVELOPER}",
    ]


async def test_a_pinned_model_is_not_removed_from_the_disk_and_one_loaded_by_hand_is(start: Start) -> None:
    it = await start((SMALL, OTHER))
    await it.controls.pin(about(SMALL))
    await it.controls.load(about(OTHER))

    with pytest.raises(ModelInUse, match="it is pinned"):
        await it.library.remove_model(s.ModelRef(model=SMALL))
    removed = await it.library.remove_model(s.ModelRef(model=OTHER))

    assert removed.memory_freed_gb > 0
