"""What a `ModelHost` promises of the memory it owns, against a simulated Ollama over real HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actors.host_messages import Choice
from delegator.errors import DeadlineExceeded, MemoryExceeded, ModelLoadFailed, ModelMissing, NoCapacity, SessionEnded
from delegator.ollama.client import LoadOptions
from delegator.schemas import EventKind
from delegator.settings import GB
from tests.actors.conftest import DEADLINE_S

DEVELOPER, TESTER, PRODUCT, ARCHITECT = "deepseek-coder:6.7b", "codellama:13b", "llama3.1:8b", "deepseek-coder:33b"


async def test_a_turn_is_granted_once_its_model_is_resident_and_measured(start_host: Any) -> None:
    it = await start_host()

    grant = await it.host.acquire(it.wish("t1", DEVELOPER), DEADLINE_S)

    assert await it.loaded() == {DEVELOPER}
    (loaded,) = await it.client.ps()
    assert grant.size_bytes == loaded.size_bytes
    assert grant.load_s > 0
    assert loaded.num_ctx == it.catalogue.models[DEVELOPER].num_ctx
    assert await it.reservations.existing() == {DEVELOPER}


async def test_turns_on_one_model_run_one_after_the_other(start_host: Any) -> None:
    it = await start_host()
    await it.host.acquire(it.wish("t1", DEVELOPER), DEADLINE_S)
    second = asyncio.create_task(it.host.acquire(it.wish("t2", DEVELOPER, session="s2"), DEADLINE_S))
    with pytest.raises(DeadlineExceeded):
        await it.host.acquire(it.wish("t3", DEVELOPER), 0.05)
    assert not second.done()

    await it.host.release_turn("t1")

    assert (await second).load_s == 0


async def test_two_roles_on_one_model_load_it_once(start_host: Any) -> None:
    it = await start_host()

    first, second = await asyncio.gather(
        it.host.warm(it.wish("w1", ARCHITECT, session="s1"), DEADLINE_S),
        it.host.warm(it.wish("w2", ARCHITECT, session="s2"), DEADLINE_S),
    )

    assert sorted([first.load_s > 0, second.load_s > 0]) == [False, True]
    await it.host.release_models("s1")
    assert await it.loaded() == {ARCHITECT}
    released = await it.host.release_models("s2")
    assert [model for model, _ in released.unloaded] == [ARCHITECT]
    assert await it.loaded() == set()
    assert await it.reservations.existing() == set()


async def test_models_beyond_the_machine_take_turns_and_a_busy_one_is_waited_for(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    await it.host.acquire(it.wish("t1", ARCHITECT), DEADLINE_S)
    waiting = asyncio.create_task(it.host.acquire(it.wish("t2", TESTER, session="s2"), DEADLINE_S))
    with pytest.raises(NoCapacity):
        await it.host.warm(it.wish("w", PRODUCT, spare=True), DEADLINE_S)
    assert await it.loaded() == {ARCHITECT}

    await it.host.release_turn("t1")
    await waiting

    assert await it.loaded() == {TESTER}


async def test_a_session_holds_no_more_than_its_limit_at_one_time(start_host: Any) -> None:
    it = await start_host()
    limit = 25 * GB
    await it.host.warm(it.wish("w1", PRODUCT, limit=limit), DEADLINE_S)

    await it.host.warm(it.wish("w2", ARCHITECT, limit=limit), DEADLINE_S)

    assert await it.loaded() == {ARCHITECT}
    await it.host.flush()
    peak = max(sum(entry["bytes"] for entry in moment) for moment in _held_over_time(it))
    assert peak <= limit


def _held_over_time(it: Any) -> list[list[dict[str, Any]]]:
    held: dict[str, dict[str, Any]] = {}
    moments = []
    for event in it.events:
        if event.kind is EventKind.MODEL_HELD:
            held[event.model] = event.data
        elif event.kind is EventKind.MODEL_RELEASED:
            held.pop(event.model, None)
        moments.append(list(held.values()))
    return moments


async def test_a_model_larger_than_the_machine_is_refused_at_once(start_host: Any) -> None:
    it = await start_host(capacity=10 * GB)

    with pytest.raises(MemoryExceeded):
        await it.host.acquire(it.wish("t", ARCHITECT), DEADLINE_S)

    assert await it.loaded() == set()


async def test_a_deadline_leaves_nothing_waiting(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    await it.host.acquire(it.wish("t1", ARCHITECT), DEADLINE_S)

    with pytest.raises(DeadlineExceeded):
        await it.host.acquire(it.wish("t2", TESTER, session="s2"), 0.05)

    view = await it.host.view()
    assert view.waiting == ()
    assert view.turns_running == 1


async def test_ending_a_session_fails_its_waiting_turns_and_frees_its_memory(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    await it.host.acquire(it.wish("t1", ARCHITECT), DEADLINE_S)
    waiting = asyncio.create_task(it.host.acquire(it.wish("t2", TESTER, session="s2"), DEADLINE_S))
    await asyncio.sleep(0)

    await it.host.release_models("s2")

    with pytest.raises(SessionEnded):
        await waiting
    await it.host.release_turn("t1")
    await it.host.release_models("s1")
    assert await it.loaded() == set()


async def test_a_session_ended_while_its_model_loads_leaves_no_model(start_host: Any) -> None:
    it = await start_host()
    warming = asyncio.create_task(it.host.warm(it.wish("w", ARCHITECT), DEADLINE_S))
    while not (await it.host.view()).residents:  # noqa: ASYNC110 - the load begins within a few turns of the loop
        await asyncio.sleep(0)

    await it.host.release_models("s1")

    with pytest.raises(SessionEnded):
        await warming
    assert await it.loaded() == set()
    assert await it.reservations.existing() == set()


async def test_what_is_held_and_released_is_reported_in_order(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)

    await it.host.release_models("s1")

    assert it.kinds(DEVELOPER) == [
        EventKind.MODEL_LOADED,
        EventKind.MODEL_HELD,
        EventKind.MODEL_RELEASED,
        EventKind.MODEL_UNLOADED,
    ]
    held = next(e for e in it.events if e.kind is EventKind.MODEL_HELD)
    loaded = next(e for e in it.events if e.kind is EventKind.MODEL_LOADED)
    assert held.data["measured"] is True
    assert held.at < loaded.at, "a model is held from the start of its load"


async def test_foreign_models_are_counted_and_never_unloaded(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    await it.client.load("mistral:7b", LoadOptions(8192), keep_alive_s=600, deadline_s=DEADLINE_S)
    await it.host.reconcile(await it.claims(s1=()))

    waiting = asyncio.create_task(it.host.acquire(it.wish("t", ARCHITECT), 0.3))
    with pytest.raises(DeadlineExceeded):
        await waiting

    assert await it.loaded() == {"mistral:7b"}
    (foreign,) = (await it.host.view()).residents
    assert foreign.foreign


async def test_a_model_that_vanished_is_loaded_again_for_the_next_turn(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)
    await it.client.unload(DEVELOPER)
    while await it.loaded():  # noqa: ASYNC110 - Ollama tells nobody when a model has gone
        await asyncio.sleep(0)

    sweep = await it.host.reconcile(await it.claims(s1=(DEVELOPER,)))
    grant = await it.host.acquire(it.wish("t", DEVELOPER), DEADLINE_S)

    assert sweep.models_lost == (DEVELOPER,)
    assert grant.load_s > 0
    assert await it.reservations.existing() == {DEVELOPER}


async def test_models_of_sessions_that_are_gone_are_unloaded_by_a_sweep(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w", DEVELOPER, session="gone"), DEADLINE_S)

    sweep = await it.host.reconcile(await it.claims())

    assert sweep.models_unloaded == (DEVELOPER,)
    assert await it.loaded() == set()


async def test_a_restarted_host_takes_its_models_back_and_unloads_what_nobody_claims(start_host: Any) -> None:
    before = await start_host()
    await before.host.warm(before.wish("w1", DEVELOPER), DEADLINE_S)
    await before.host.warm(before.wish("w2", PRODUCT, session="gone"), DEADLINE_S)

    after = await start_host(simulator=before.simulator)
    sweep = await after.host.reconcile(await before.claims(s1=(DEVELOPER,)))

    assert sweep.models_unloaded == (PRODUCT,)
    assert await after.loaded() == {DEVELOPER}
    assert (await after.host.acquire(after.wish("t", DEVELOPER), DEADLINE_S)).load_s == 0


async def test_a_claim_sent_before_a_session_ended_does_not_hold_its_models_again(start_host: Any) -> None:
    before = await start_host()
    await before.host.warm(before.wish("w1", DEVELOPER), DEADLINE_S)
    old = await before.claims(s1=(DEVELOPER,))
    after = await start_host(simulator=before.simulator)
    await after.host.reconcile(old)
    await after.host.release_models("s1")
    await after.client.load(DEVELOPER, LoadOptions(8192), keep_alive_s=600, deadline_s=DEADLINE_S)

    sweep = await after.host.reconcile(old)
    again = await after.host.reconcile(old)

    assert (*sweep.models_unloaded, *again.models_unloaded) == (DEVELOPER,)
    assert await after.loaded() == set()


async def test_a_missing_model_is_named_and_its_fallback_chosen(start_host: Any) -> None:
    it = await start_host()

    (chosen,) = await it.host.choose([Choice("nobody-has:1b", ("mistral:7b",))])

    assert chosen.model == "mistral:7b"
    assert "nobody-has:1b is not installed" in chosen.why
    with pytest.raises(ModelMissing):
        await it.host.choose([Choice("nobody-has:1b")])


async def test_a_model_known_not_to_load_gives_way_to_its_fallback(start_host: Any) -> None:
    it = await start_host()

    (chosen,) = await it.host.choose([Choice("llama3.2-vision:11b", ("qwen3-vl:8b",))])

    assert chosen.model == "qwen3-vl:8b"
    assert "does not load on Ollama 0.30" in chosen.why


async def test_a_model_that_failed_to_load_gives_way_to_its_fallback_and_is_tried_again_without_one(
    start_host: Any,
) -> None:
    it = await start_host()
    it.simulator.host.faults.add({"action": "oom_load", "match": {"model": DEVELOPER}, "times": 2})
    with pytest.raises(ModelLoadFailed):
        await it.host.acquire(it.wish("t", DEVELOPER), DEADLINE_S)
    assert await it.reservations.existing() == set()

    (with_fallback, alone) = await it.host.choose([Choice(DEVELOPER, (PRODUCT,)), Choice(DEVELOPER)])

    assert (with_fallback.model, alone.model) == (PRODUCT, DEVELOPER)
    assert "failed to load earlier" in with_fallback.why


async def test_an_ollama_that_evicts_by_count_is_learned(start_host: Any) -> None:
    it = await start_host(profile="laptop64")
    for index, model in enumerate(("mistral:7b", DEVELOPER, PRODUCT, TESTER)):
        await it.host.warm(it.wish(f"w{index}", model, session=f"s{index}"), DEADLINE_S)

    view = await it.host.view()

    assert {r.model for r in view.residents} == await it.loaded()
    assert view.snapshot.max_models == 3
