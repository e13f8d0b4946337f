"""The models of several endpoints as the `SessionManager` has them: real `ModelHost`s on simulated Ollamas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from actors.doubts import Doubts
from actors.host_handle import HostHandle
from actors.host_messages import HostSpec
from actors.hosts import Hosts
from actors.model_library import ModelLibrary
from delegator import schemas as s
from delegator.errors import InvalidInput, ModelInUse, ModelNotFound, OllamaUnavailable, PullNotFound
from delegator.ollama.simulator.profiles import PROFILES
from delegator.ollama.simulator.server import SimulatedHost
from delegator.roles.catalogue import load_catalogue
from delegator.settings import GB, Settings
from tests.actors.conftest import DEADLINE_S, SCALE, until

SMALL, DEVELOPER, GENERAL, OTHER = "llama3.2:3b", "qwen2.5-coder:7b", "qwen3:8b", "mistral:7b"
COMPACT = ("qwen3:8b", "qwen2.5-coder:14b", "qwen2.5-coder:7b", "qwen3-vl:8b")


class PlainHandle:
    """Calls a host in this process the way an actor's handle does."""

    def __init__(self, host: Any) -> None:
        self._host = host

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=getattr(self._host, name))


@dataclass
class LibraryUnderTest:
    """A library and what it stands on, by the names of the endpoints."""

    library: ModelLibrary
    hosts: dict[str, Any]
    simulators: dict[str, SimulatedHost]
    sizes: dict[str, int]
    sessions: list[Any] = field(default_factory=list)

    async def rows(self) -> dict[tuple[str, str | None], s.ModelInfo]:
        return {(row.model, row.endpoint): row for row in (await self.library.list_models(s.NoInput())).models}


Start = Callable[..., Any]


@pytest.fixture
async def start(start_host: Any) -> AsyncIterator[Start]:
    """Give a function that starts one endpoint for every tuple of installed models."""
    async with AsyncExitStack() as stack:

        async def started(*disks: tuple[str, ...], catalogue: str = "compact", capacity: int = 60 * GB) -> Any:
            hosts, simulators, handles = {}, {}, []
            for number, installed in enumerate(disks, start=1):
                name = "ollama" if number == 1 else f"ollama-{number}"
                profile = PROFILES["workstation96"].but(installed=installed, download_gbps=100.0)
                simulators[name] = await stack.enter_async_context(SimulatedHost(profile, scale=SCALE))
                hosts[name] = await start_host(simulator=simulators[name], capacity=capacity)
                spec = HostSpec(name, simulators[name].url, capacity)
                handles.append(HostHandle(spec, PlainHandle(hosts[name].host), node_id=None, answer_s=20))
            sizes: dict[str, int] = {}
            parts: Any = SimpleNamespace(
                hosts=Hosts(handles, Doubts()),
                catalogue=load_catalogue(catalogue),
                settings=Settings.load(models="simulated"),
                recorder=SimpleNamespace(sizes=sizes),
                simulated=True,
            )
            sessions: list[Any] = []
            return LibraryUnderTest(ModelLibrary(parts, lambda: sessions), hosts, simulators, sizes, sessions)

        yield started


def session(role: str, model: str, endpoint: str = "ollama") -> Any:
    return SimpleNamespace(session_id="session_1", models={role: model}, endpoints={role: endpoint})


# ── listing ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_disk_is_listed_and_what_the_roles_miss(start: Start) -> None:
    it = await start((GENERAL, OTHER), (GENERAL, "qwen3-vl:8b"))
    it.sizes[GENERAL] = 7 * GB

    reply = await it.library.list_models(s.NoInput())

    rows = {(row.model, row.endpoint): row for row in reply.models}
    assert {key for key, row in rows.items() if row.state == "available"} == {
        (GENERAL, "ollama"),
        (OTHER, "ollama"),
        (GENERAL, "ollama-2"),
        ("qwen3-vl:8b", "ollama-2"),
    }
    assert [row.model for row in reply.models if row.needed] == ["qwen2.5-coder:14b", DEVELOPER]
    assert rows[GENERAL, "ollama"] == s.ModelInfo(
        model=GENERAL,
        endpoint="ollama",
        state="available",
        disk_gb=5.23,
        memory_gb=7,
        measured=True,
        roles=["ceo", "product_manager", "chro", "operations_head"],
        fallback_of=["uiux_engineer"],
        needed=False,
    )
    assert rows[DEVELOPER, None].fallback_of == ["cto", "senior_architect"]
    assert (rows[OTHER, "ollama"].memory_gb, rows[OTHER, "ollama"].roles) == (None, [])
    assert reply.notes == []


async def test_a_resident_model_is_shown_with_its_measured_size_and_who_holds_it(start: Start) -> None:
    it = await start(COMPACT)
    host = it.hosts["ollama"]
    compact = load_catalogue("compact")
    host.catalogue = compact
    grant = await host.host.warm(host.wish("w", GENERAL), DEADLINE_S)

    row = (await it.rows())[GENERAL, "ollama"]

    assert (row.state, row.memory_gb, row.measured) == ("resident", grant.size_bytes / GB, True)
    assert row.held_by == ["s1"]


async def test_a_model_that_can_never_load_is_not_needed_and_its_fallback_is(start: Start) -> None:
    it = await start((SMALL,), catalogue="echo")

    rows = await it.rows()

    dead = rows["llama3.2-vision:11b", None]
    assert (dead.needed, dead.problem) == (False, "does not load on Ollama 0.30 and later")
    assert rows["qwen3-vl:8b", None].needed


async def test_a_model_too_large_for_every_endpoint_is_not_needed(start: Start) -> None:
    it = await start((SMALL,), catalogue="echo", capacity=12 * GB)

    rows = await it.rows()

    assert not rows["deepseek-coder:33b", None].needed
    assert rows["deepseek-coder:6.7b", None].needed


async def test_an_endpoint_that_does_not_answer_is_a_note_while_another_does(start: Start) -> None:
    it = await start((GENERAL,), (SMALL,))
    await it.simulators["ollama-2"].stop()

    reply = await it.library.list_models(s.NoInput())

    (note,) = reply.notes
    assert note.startswith("ollama-2: Ollama at http")
    assert {row.endpoint for row in reply.models} == {"ollama", None}


async def test_without_any_endpoint_there_is_an_error(start: Start) -> None:
    it = await start((GENERAL,))
    await it.simulators["ollama"].stop()

    with pytest.raises(OllamaUnavailable):
        await it.library.list_models(s.NoInput())


# ── fetching ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_model_is_fetched_where_it_is_missing(start: Start) -> None:
    it = await start((GENERAL, SMALL), (GENERAL,))

    pull = await it.library.pull_model(s.PullModelRequest(model=SMALL, wait_s=20))

    assert (pull.endpoint, pull.status, pull.progress_ratio, pull.started) == ("ollama-2", "completed", 1, True)
    assert pull.total_gb == pytest.approx(2.02, abs=0.01)
    assert (SMALL, "ollama-2") in await it.rows()


async def test_a_pull_under_way_is_joined_looked_at_listed_and_cancelled_wherever_it_is(start: Start) -> None:
    it = await start((GENERAL,), (GENERAL,))
    rule = it.simulators["ollama-2"].host.faults.add(
        {"action": "hang", "match": {"phase": "pull"}, "args": {"after": 2}}
    )
    await it.library.pull_model(s.PullModelRequest(model=SMALL, endpoint="ollama-2", wait_s=0))
    await until(lambda: rule.waiting)

    joined = await it.library.pull_model(s.PullModelRequest(model=SMALL, wait_s=0))
    seen = await it.library.get_pull(s.GetPullRequest(model=SMALL))
    row = (await it.rows())[SMALL, None]
    cancelled = await it.library.cancel_pull(s.ModelRef(model=SMALL))

    assert (joined.endpoint, joined.started) == ("ollama-2", False)
    assert (seen.endpoint, seen.status) == ("ollama-2", "running")
    assert row.pull is not None
    assert (row.state, row.pull.status) == ("missing", "running")
    assert (cancelled.endpoint, cancelled.status) == ("ollama-2", "cancelled")


async def test_a_pull_that_fails_while_it_is_waited_for_raises_and_is_remembered(start: Start) -> None:
    it = await start((GENERAL,))

    with pytest.raises(ModelNotFound):
        await it.library.pull_model(s.PullModelRequest(model="no-such-model", wait_s=20))

    remembered = await it.library.get_pull(s.GetPullRequest(model="no-such-model"))
    assert remembered.error is not None
    assert (remembered.status, remembered.error.code) == ("failed", "model_not_found")


async def test_a_pull_nobody_has_started_is_not_found(start: Start) -> None:
    it = await start((GENERAL,), (GENERAL,))

    with pytest.raises(PullNotFound):
        await it.library.get_pull(s.GetPullRequest(model=SMALL))


async def test_an_endpoint_that_is_none_is_refused_with_those_there_are(start: Start) -> None:
    it = await start((GENERAL,), (GENERAL,))

    with pytest.raises(InvalidInput) as told:
        await it.library.pull_model(s.PullModelRequest(model=SMALL, endpoint="elsewhere"))

    assert told.value.advice == "The endpoints are: ollama, ollama-2."


# ── removing ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_only_endpoint_with_a_model_loses_it(start: Start) -> None:
    it = await start((GENERAL,), (GENERAL, SMALL))

    removed = await it.library.remove_model(s.ModelRef(model=SMALL))

    assert (removed.model, removed.endpoint, removed.disk_freed_gb) == (SMALL, "ollama-2", 2.02)
    assert (SMALL, "ollama-2") not in await it.rows()


async def test_which_of_several_endpoints_loses_a_model_must_be_said(start: Start) -> None:
    it = await start((GENERAL,), (GENERAL,))

    with pytest.raises(InvalidInput, match="several endpoints have"):
        await it.library.remove_model(s.ModelRef(model=GENERAL))

    await it.library.remove_model(s.ModelRef(model=GENERAL, endpoint="ollama-2"))
    assert {endpoint for model, endpoint in await it.rows() if model == GENERAL} == {"ollama"}


async def test_a_model_that_a_role_of_an_open_session_speaks_with_stays(start: Start) -> None:
    it = await start((GENERAL,), (GENERAL,))
    it.sessions.append(session("ceo", "Qwen3:8B"))

    with pytest.raises(ModelInUse, match="ceo of session_1 uses it"):
        await it.library.remove_model(s.ModelRef(model=GENERAL, endpoint="ollama"))

    await it.library.remove_model(s.ModelRef(model=GENERAL, endpoint="ollama-2"))


async def test_what_no_endpoint_has_cannot_be_removed(start: Start) -> None:
    it = await start((GENERAL,), (GENERAL,))

    with pytest.raises(ModelNotFound, match="on any endpoint"):
        await it.library.remove_model(s.ModelRef(model=SMALL))


# ── fitting ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_running_endpoints_are_fitted_with_measured_sizes(start: Start) -> None:
    it = await start(COMPACT, COMPACT, capacity=20 * GB)
    it.sizes["qwen2.5-coder:14b"] = 19 * GB

    reply = await it.library.fit_models(s.FitModelsRequest())

    assert [machine.endpoint for machine in reply.machines] == ["ollama", "ollama-2"]
    machine = reply.machines[0]
    assert (machine.capacity_gb, machine.catalogue) == (20, "compact")
    assert next(role for role in machine.roles if role.role == "cto").memory_gb == 19
    assert machine.together_gb <= 20
    assert reply.sizes == "mixed"


async def test_another_machine_and_catalogue_can_be_tried(start: Start) -> None:
    it = await start(COMPACT)

    reply = await it.library.fit_models(s.FitModelsRequest(memory_gb=8, catalogue="single"))

    (machine,) = reply.machines
    assert (machine.endpoint, machine.capacity_gb, machine.catalogue, machine.suggested) == (
        None,
        8,
        "single",
        "single",
    )
    assert len(machine.together) == 9


async def test_a_catalogue_to_try_must_be_a_shipped_one(start: Start) -> None:
    it = await start(COMPACT)

    with pytest.raises(InvalidInput) as told:
        await it.library.fit_models(s.FitModelsRequest(catalogue="/etc/passwd"))

    assert told.value.advice == "Give one of: echo, compact, single."


async def test_everything_that_is_needed_can_be_fetched_until_nothing_is(start: Start) -> None:
    it = await start((SMALL,))
    needed = [row.model for row in (await it.library.list_models(s.NoInput())).models if row.needed]

    await asyncio.gather(*(it.library.pull_model(s.PullModelRequest(model=name, wait_s=20)) for name in needed))

    assert set(needed) == set(COMPACT)
    assert not any(row.needed for row in (await it.library.list_models(s.NoInput())).models)
