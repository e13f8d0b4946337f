"""Short questions to idle models, on a model host before a simulated Ollama: whoever works or waits goes first."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from actors.host_messages import Aside
from delegator.errors import DeadlineExceeded, NoCapacity, OllamaRefused
from delegator.roles.catalogue import Model
from delegator.schemas import EventKind
from delegator.settings import GB
from tests.actors.conftest import DEADLINE_S, until

DEVELOPER, TESTER, PRODUCT, ARCHITECT = "deepseek-coder:6.7b", "codellama:13b", "llama3.1:8b", "deepseek-coder:33b"
UNKNOWN = Model("llama3.2:3b", num_ctx=4096, memory_bytes=0, fallbacks=(), gpu=0.0)
"""Of no catalogue, but on the simulated disk."""

KINDS = ["bug_fix", "hr"]
SCHEMA = {"type": "object", "properties": {"task_type": {"enum": KINDS}}, "required": ["task_type"]}


def aside_to(model: Model, *, may_load: bool = False, deadline_s: float = DEADLINE_S) -> Aside:
    asked = ({"role": "user", "content": "Which kind?"},)
    return Aside("aside_1", model, asked, SCHEMA, 64, deadline_s, may_load)  # type: ignore[arg-type]


def of(it: Any, name: str, **more: Any) -> Aside:
    return aside_to(it.catalogue.models[name], **more)


async def resident(it: Any, model: str) -> None:
    """Have a session hold a model, idle."""
    await it.host.warm(it.wish(f"warm {model}", model), DEADLINE_S)


def events_of_asides(it: Any) -> list[EventKind]:
    return [event.kind for event in it.events if event.session_id == "aside_1"]


async def under_way(it: Any, model: str) -> None:
    await until(lambda: any(r.busy for r in it.residents() if r.model == model))


def slow_down(it: Any) -> None:
    """Let every model hang at its first token."""
    it.simulator.host.faults.add({"action": "hang", "match": {"phase": "first_token"}})


async def test_an_idle_resident_answers_by_the_schema_and_nothing_changes(start_host: Any) -> None:
    it = await start_host()
    await resident(it, DEVELOPER)
    (before,) = await it.client.ps()
    await it.host.flush()
    told = len(it.events)

    answer = await it.host.aside(of(it, DEVELOPER))

    assert json.loads(answer)["task_type"] in KINDS
    (after,) = await it.client.ps()
    assert (after.name, after.num_ctx) == (before.name, before.num_ctx)
    await it.host.flush()
    assert it.events[told:] == []
    assert [(r.holders, r.busy) for r in it.residents()] == [(("s1",), False)]


async def test_what_is_not_resident_is_not_loaded_unless_it_may_be(start_host: Any) -> None:
    it = await start_host()

    with pytest.raises(NoCapacity, match="is not resident"):
        await it.host.aside(of(it, DEVELOPER))

    assert await it.loaded() == set()


async def test_a_busy_model_is_not_disturbed(start_host: Any) -> None:
    it = await start_host()
    await it.host.acquire(it.wish("t1", DEVELOPER), DEADLINE_S)

    with pytest.raises(NoCapacity, match="is busy"):
        await it.host.aside(of(it, DEVELOPER))

    assert (await it.host.view()).turns_running == 1


async def test_nothing_is_asked_while_a_turn_waits_on_the_endpoint(start_host: Any) -> None:
    it = await start_host(capacity=32 * GB)
    await resident(it, DEVELOPER)
    await it.host.acquire(it.wish("t1", ARCHITECT, session="s2"), DEADLINE_S)
    waiting = asyncio.create_task(it.host.acquire(it.wish("t2", ARCHITECT, session="s3"), DEADLINE_S))
    await asyncio.sleep(0)

    with pytest.raises(NoCapacity, match="other work"):
        await it.host.aside(of(it, DEVELOPER))

    await it.host.release_turn("t1")
    await waiting


async def test_a_turn_that_comes_meanwhile_takes_the_slot_at_once(start_host: Any) -> None:
    it = await start_host()
    await resident(it, DEVELOPER)
    slow_down(it)
    asking = asyncio.create_task(it.host.aside(of(it, DEVELOPER)))
    await under_way(it, DEVELOPER)

    grant = await it.host.acquire(it.wish("t1", DEVELOPER), DEADLINE_S)

    assert grant.model == DEVELOPER
    with pytest.raises(NoCapacity, match="was needed for other work"):
        await asking


async def test_a_turn_that_needs_the_room_of_the_asked_model_gets_it(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    await resident(it, DEVELOPER)
    slow_down(it)
    asking = asyncio.create_task(it.host.aside(of(it, DEVELOPER)))
    await under_way(it, DEVELOPER)

    await it.host.acquire(it.wish("t1", ARCHITECT, session="s2"), DEADLINE_S)

    assert await it.loaded() == {ARCHITECT}
    with pytest.raises(NoCapacity):
        await asking


async def test_the_end_of_a_session_takes_its_model_away_from_an_aside(start_host: Any) -> None:
    it = await start_host()
    await resident(it, DEVELOPER)
    slow_down(it)
    asking = asyncio.create_task(it.host.aside(of(it, DEVELOPER)))
    await under_way(it, DEVELOPER)

    released = await it.host.release_models("s1")

    assert [model for model, _ in released.unloaded] == [DEVELOPER]
    assert await it.loaded() == set()
    with pytest.raises(NoCapacity):
        await asking


async def test_a_sweep_leaves_an_aside_its_slot(start_host: Any) -> None:
    it = await start_host()
    await resident(it, DEVELOPER)
    slow_down(it)
    asking = asyncio.create_task(it.host.aside(of(it, DEVELOPER)))
    await under_way(it, DEVELOPER)

    await it.host.reconcile(await it.claims(s1=(DEVELOPER,)))

    assert [r.busy for r in it.residents()] == [True]
    asking.cancel()
    await asyncio.wait([asking])


async def test_a_model_that_is_too_slow_is_given_up_and_its_slot_is_free_again(start_host: Any) -> None:
    it = await start_host()
    await resident(it, DEVELOPER)
    slow_down(it)

    with pytest.raises(DeadlineExceeded):
        await it.host.aside(of(it, DEVELOPER, deadline_s=0.1))

    assert [r.busy for r in it.residents()] == [False]


async def test_who_goes_away_leaves_the_slot_free(start_host: Any) -> None:
    it = await start_host()
    await resident(it, DEVELOPER)
    slow_down(it)
    asking = asyncio.create_task(it.host.aside(of(it, DEVELOPER)))
    await under_way(it, DEVELOPER)

    asking.cancel()
    await asyncio.wait([asking])

    assert [r.busy for r in it.residents()] == [False]


async def test_an_error_of_ollama_is_told_and_leaves_the_slot_free(start_host: Any) -> None:
    it = await start_host()
    await resident(it, DEVELOPER)
    it.simulator.host.faults.add({"action": "status", "args": {"code": 400}, "match": {"path": "/api/chat"}})

    with pytest.raises(OllamaRefused):
        await it.host.aside(of(it, DEVELOPER))

    assert [r.busy for r in it.residents()] == [False]


# ── models that are brought in for it ─────────────────────────────────────────────────────────────────────────────


async def test_with_memory_to_spare_a_model_is_brought_in_and_leaves_again(start_host: Any) -> None:
    it = await start_host()
    await resident(it, DEVELOPER)

    answer = await it.host.aside(aside_to(UNKNOWN, may_load=True))

    assert json.loads(answer)["task_type"] in KINDS
    await until(lambda: [r.model for r in it.residents()] == [DEVELOPER])
    assert await it.loaded() == {DEVELOPER}
    await it.host.flush()
    assert events_of_asides(it) == [EventKind.MODEL_LOADED, EventKind.MODEL_HELD, EventKind.MODEL_RELEASED]


async def test_nothing_leaves_memory_for_an_aside(start_host: Any) -> None:
    it = await start_host(capacity=10 * GB)
    await resident(it, DEVELOPER)

    with pytest.raises(NoCapacity, match="no spare memory"):
        await it.host.aside(aside_to(UNKNOWN, may_load=True))

    assert await it.loaded() == {DEVELOPER}


async def test_what_takes_longer_to_load_than_there_is_time_is_not_begun(
    start_host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = await start_host()
    monkeypatch.setattr(it.host._memory, "load_s", lambda _model: 1e9)

    with pytest.raises(NoCapacity, match="takes too long to load"):
        await it.host.aside(of(it, ARCHITECT, may_load=True))

    assert await it.loaded() == set()


async def test_what_is_not_on_the_disk_is_not_asked(start_host: Any) -> None:
    it = await start_host()
    absent = Model("nobody:1b", num_ctx=4096, memory_bytes=0, fallbacks=(), gpu=0.0)

    with pytest.raises(NoCapacity, match="is not on the disk"):
        await it.host.aside(aside_to(absent, may_load=True))


async def test_a_load_for_an_aside_gives_way_to_a_turn(start_host: Any) -> None:
    it = await start_host()
    it.simulator.host.faults.add({"action": "hang", "match": {"phase": "load", "model": UNKNOWN.name}})
    asking = asyncio.create_task(it.host.aside(aside_to(UNKNOWN, may_load=True)))
    await until(it.hangs)

    await it.host.acquire(it.wish("t1", DEVELOPER), DEADLINE_S)

    assert await it.loaded() == {DEVELOPER}
    with pytest.raises(NoCapacity):
        await asking
    await until(lambda: [r.model for r in it.residents()] == [DEVELOPER])
