"""What a `ModelHost` promises of the memory it owns, against a simulated Ollama over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import pytest

from actors.host_messages import Choice
from delegator.errors import (
    DeadlineExceeded,
    DelegatorError,
    MemoryExceeded,
    ModelLoadFailed,
    ModelMissing,
    NoCapacity,
    SessionEnded,
)
from delegator.ollama.client import LoadOptions
from delegator.residency.demand import Outlook
from delegator.schemas import EventKind
from delegator.settings import GB
from tests.actors.conftest import DEADLINE_S, until

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


async def test_what_is_being_brought_in_counts_for_plans_and_not_among_what_is_measured(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)
    (measured,) = await it.client.ps()
    warming = asyncio.create_task(it.host.warm(it.wish("x", ARCHITECT), DEADLINE_S))
    while len((view := await it.host.view()).residents) < 2:  # noqa: ASYNC110 - the load begins within a few turns
        await asyncio.sleep(0)

    assert view.resident_bytes == measured.size_bytes
    assert view.snapshot.used_bytes == sum(shown.size_bytes for shown in view.residents) > measured.size_bytes

    await warming
    view = await it.host.view()
    assert view.resident_bytes == view.snapshot.used_bytes == sum(found.size_bytes for found in await it.client.ps())


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


async def test_what_a_session_lets_go_of_is_not_kept_for_its_own_sake(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)

    released = await it.host.release_models("s1", [DEVELOPER])

    assert [model for model, _ in released.unloaded] == [DEVELOPER]
    assert await it.loaded() == set()


async def test_what_a_session_lets_go_of_passes_to_one_that_will_want_it(start_host: Any) -> None:
    it = await start_host()
    await it.host.reconcile(await it.claims(s1=(DEVELOPER,), s2=(DEVELOPER,)))
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)

    released = await it.host.release_models("s1")

    assert released.kept == (DEVELOPER,)
    assert [r.holders for r in it.residents()] == [("s2",)]


async def test_what_passes_to_a_session_leaves_room_for_the_model_that_is_being_brought_in_for_it(
    start_host: Any,
) -> None:
    it = await start_host(capacity=40 * GB)
    await it.host.reconcile(await it.claims(s1=(TESTER,), s2=(TESTER,), s3=(PRODUCT,)))
    await it.host.warm(it.wish("w1", PRODUCT, session="s3"), DEADLINE_S)
    await it.host.acquire(it.wish("t1", TESTER, session="s2"), DEADLINE_S)
    evicting = it.reservations.slow_down()
    wish = replace(it.wish("w2", ARCHITECT, limit=25 * GB), outlook=Outlook("s1", ARCHITECT, (TESTER,)))
    loading = asyncio.create_task(it.host.warm(wish, DEADLINE_S))
    await evicting.wait()

    await it.host.release_turn("t1")
    letting_go = asyncio.create_task(it.host.release_models("s2", [TESTER]))
    await until(lambda: "s2" not in holders_of(it, TESTER))
    it.reservations.go_on()
    await letting_go
    await loading

    await it.host.flush()
    assert holders_of(it, ARCHITECT) == ("s1",)
    assert [e for e in it.events if e.kind is EventKind.MODEL_HELD and (e.model, e.session_id) == (TESTER, "s1")] == []


def holders_of(it: Any, model: str) -> tuple[str, ...]:
    return next((r.holders for r in it.residents() if r.model == model), ())


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


async def test_an_ollama_that_is_gone_takes_its_models_with_it_and_is_told_when_it_comes_back(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)
    coming_back = asyncio.create_task(it.simulator.restart(down_s=400))
    claims = await it.claims(s1=(DEVELOPER,))

    while (view := await it.host.view()).residents:
        with contextlib.suppress(DelegatorError):
            await it.host.reconcile(claims)

    assert view.suspect
    assert await it.reservations.existing() == set()
    await coming_back
    while (await it.host.view()).suspect:
        with contextlib.suppress(DelegatorError):
            await it.host.reconcile(claims)
    await it.host.flush()
    kinds = [e.kind for e in it.events]
    assert EventKind.MODEL_LOST in kinds
    assert kinds.index(EventKind.HOST_SUSPECT) < kinds.index(EventKind.HOST_RECOVERED)


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


# ── what happens between two awaits ───────────────────────────────────────────────────────────────────────────────


async def test_a_model_chosen_for_eviction_takes_no_turn_while_others_are_unloaded_before_it(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    await it.host.warm(it.wish("w1", DEVELOPER), DEADLINE_S)
    await it.host.warm(it.wish("w2", PRODUCT), DEADLINE_S)
    loading = asyncio.create_task(it.host.acquire(it.wish("t1", ARCHITECT, session="s2"), DEADLINE_S))
    await until(lambda: not any(r.resident for r in it.residents() if r.model == DEVELOPER))

    late = asyncio.create_task(it.host.acquire(it.wish("t2", PRODUCT), DEADLINE_S))
    await loading

    assert not late.done(), "its model was on its way out"
    assert await it.loaded() == {ARCHITECT}
    await it.host.release_turn("t1")
    await late


async def test_a_session_that_begins_during_a_sweep_keeps_what_it_holds_and_its_turn(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w", DEVELOPER, session="old"), DEADLINE_S)
    claims = await it.claims(old=(DEVELOPER,))
    it.simulator.host.faults.add({"action": "hang", "match": {"phase": "ps"}})
    sweep = asyncio.create_task(it.host.reconcile(claims))
    await until(it.hangs)

    await it.host.acquire(it.wish("t", DEVELOPER, session="new"), DEADLINE_S)
    it.simulator.host.faults.clear()
    await sweep

    assert (await it.host.view()).turns_running == 1
    assert it.residents()[0].holders == ("new", "old")


async def test_a_session_that_ends_while_others_models_are_evicted_for_it_leaves_no_model(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    await it.host.warm(it.wish("w", ARCHITECT), DEADLINE_S)
    waiting = asyncio.create_task(it.host.acquire(it.wish("t", TESTER, session="s2"), DEADLINE_S))
    await until(lambda: not it.residents()[0].resident)

    await it.host.release_models("s2")

    with pytest.raises(SessionEnded):
        await waiting
    await until(lambda: it.residents() == ())
    assert it.kinds(TESTER) == []
    assert await it.loaded() == set()


async def test_ending_a_session_does_not_wait_for_the_load_of_its_model_but_stops_it(start_host: Any) -> None:
    it = await start_host()
    it.simulator.host.faults.add({"action": "hang", "match": {"model": ARCHITECT, "phase": "load"}})
    warming = asyncio.create_task(it.host.warm(it.wish("w", ARCHITECT), DEADLINE_S))
    await until(it.hangs)

    released = await asyncio.wait_for(it.host.release_models("s1"), 1)

    with pytest.raises(SessionEnded):
        await warming
    assert released.kept == ()
    assert it.residents() == ()
    assert await it.reservations.existing() == set()


async def test_a_load_that_another_session_waits_for_goes_on(start_host: Any) -> None:
    it = await start_host()
    it.simulator.host.faults.add({"action": "hang", "match": {"model": ARCHITECT, "phase": "load"}})
    first = asyncio.create_task(it.host.warm(it.wish("w1", ARCHITECT), DEADLINE_S))
    second = asyncio.create_task(it.host.warm(it.wish("w2", ARCHITECT, session="s2"), DEADLINE_S))
    await until(it.hangs)

    released = asyncio.create_task(it.host.release_models("s1"))
    await asyncio.sleep(0)
    it.simulator.host.faults.clear()

    await second
    assert (await released).kept == (ARCHITECT,)
    assert isinstance(await asyncio.gather(first, return_exceptions=True), list)
    assert it.residents()[0].holders == ("s2",)


async def test_a_reservation_made_for_a_new_load_outlives_the_removal_of_the_old_one(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w1", DEVELOPER), DEADLINE_S)
    freeing = it.reservations.slow_down()

    ending = asyncio.create_task(it.host.release_models("s1"))
    await freeing.wait()
    again = asyncio.create_task(it.host.warm(it.wish("w2", DEVELOPER, session="s2"), DEADLINE_S))
    await asyncio.sleep(0)
    it.reservations.go_on()
    await asyncio.gather(ending, again)

    assert await it.loaded() == await it.reservations.existing() == {DEVELOPER}


async def test_a_warm_up_of_a_resident_model_does_not_wait_for_the_turn_that_runs_on_it(start_host: Any) -> None:
    it = await start_host()
    await it.host.acquire(it.wish("t1", DEVELOPER), DEADLINE_S)

    await it.host.warm(it.wish("w", DEVELOPER, session="s2"), 0.5)

    assert it.residents()[0].holders == ("s1", "s2")
    assert (await it.host.view()).turns_running == 1


async def test_a_turn_that_waits_for_somebody_elses_model_does_not_hold_up_the_others(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB, turn_patience_s=0.001)
    await it.client.load("mistral:7b", LoadOptions(8192), keep_alive_s=600, deadline_s=DEADLINE_S)
    await it.host.reconcile(await it.claims(s1=(), s2=()))
    stuck = asyncio.create_task(it.host.acquire(it.wish("t1", ARCHITECT), DEADLINE_S))
    await asyncio.sleep(0.01)

    grant = await it.host.acquire(it.wish("t2", DEVELOPER, session="s2"), 5)

    assert grant.model == DEVELOPER
    assert not stuck.done()
    stuck.cancel()
    await asyncio.gather(stuck, return_exceptions=True)


# ── an Ollama that misbehaves ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_model_on_which_a_turn_runs_stays_ours_though_ollama_lists_it_no_more(start_host: Any) -> None:
    it = await start_host()
    await it.host.acquire(it.wish("t", DEVELOPER), DEADLINE_S)
    await it.client.unload(DEVELOPER)
    while await it.loaded():  # noqa: ASYNC110 - Ollama tells nobody when a model has gone
        await asyncio.sleep(0)

    await it.host.reconcile(replace(await it.claims(s1=(DEVELOPER,)), turns=frozenset({"t"})))
    await it.client.load(DEVELOPER, LoadOptions(8192), keep_alive_s=600, deadline_s=DEADLINE_S)  # by the agent's chat
    await it.host.reconcile(replace(await it.claims(s1=(DEVELOPER,)), turns=frozenset({"t"})))
    await it.host.release_turn("t")
    await it.host.release_models("s1")

    assert await it.loaded() == set()


async def test_a_load_counts_also_when_ollama_cannot_be_asked_what_it_took(start_host: Any) -> None:
    it = await start_host()
    it.simulator.host.faults.add(
        {"action": "status", "match": {"path": "/api/ps"}, "args": {"code": 500, "body": "no"}, "times": 2}
    )

    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)

    await it.host.flush()
    loaded = next(e for e in it.events if e.kind is EventKind.MODEL_LOADED)
    assert loaded.data["measured"] is False
    it.simulator.host.faults.clear()
    await it.host.release_models("s1")
    assert await it.loaded() == set()


async def test_a_model_whose_load_was_given_up_and_came_true_later_is_unloaded_by_a_sweep(start_host: Any) -> None:
    it = await start_host()
    it.simulator.host.faults.add(
        {"action": "reset", "match": {"model": DEVELOPER, "path": "/api/generate"}, "times": 1}
    )
    with pytest.raises(DelegatorError):
        await it.host.acquire(it.wish("t", DEVELOPER), DEADLINE_S)
    await it.client.load(DEVELOPER, LoadOptions(8192), keep_alive_s=600, deadline_s=DEADLINE_S)

    sweep = await it.host.reconcile(await it.claims())

    assert sweep.models_unloaded == (DEVELOPER,)
    assert await it.loaded() == set()


async def test_an_ollama_that_lost_its_models_is_not_taken_for_one_that_keeps_few(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w1", DEVELOPER), DEADLINE_S)
    await it.host.warm(it.wish("w2", PRODUCT), DEADLINE_S)
    for model in (DEVELOPER, PRODUCT):
        await it.client.unload(model)
    while await it.loaded():  # noqa: ASYNC110 - Ollama tells nobody when a model has gone
        await asyncio.sleep(0)

    await it.host.warm(it.wish("w3", TESTER), DEADLINE_S)
    await it.host.warm(it.wish("w4", PRODUCT), DEADLINE_S)

    assert (await it.host.view()).snapshot.max_models is None
    assert await it.loaded() == {TESTER, PRODUCT}


async def test_a_host_starts_beside_an_ollama_that_does_not_answer_yet(start_host: Any) -> None:
    before = await start_host()
    before.simulator.host.faults.add(
        {"action": "status", "match": {"path": "/api/ps"}, "args": {"code": 503, "body": "busy"}, "times": 1}
    )

    after = await start_host(simulator=before.simulator)

    assert (await after.host.acquire(after.wish("t", DEVELOPER), DEADLINE_S)).load_s > 0


async def test_an_unload_that_ollama_ignores_leaves_the_model_in_the_ledger(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)
    it.simulator.host.faults.add({"action": "unload_ignored", "match": {"model": DEVELOPER}})

    released = await it.host.release_models("s1")

    assert released.kept == (DEVELOPER,)
    assert it.residents()[0].resident
    it.simulator.host.faults.clear()
    assert (await it.host.reconcile(await it.claims())).models_unloaded == (DEVELOPER,)


# ── former lives ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_was_lost_while_a_host_was_away_is_no_longer_counted_as_held(start_host: Any) -> None:
    before = await start_host()
    await before.host.warm(before.wish("w", DEVELOPER), DEADLINE_S)
    claims = await before.claims(s1=(DEVELOPER,))
    await before.client.unload(DEVELOPER)
    while await before.loaded():  # noqa: ASYNC110 - Ollama tells nobody when a model has gone
        await asyncio.sleep(0)

    after = await start_host(simulator=before.simulator)
    sweep = await after.host.reconcile(claims)
    await after.host.flush()

    assert sweep.models_lost == (DEVELOPER,)
    assert after.kinds(DEVELOPER) == [EventKind.MODEL_RELEASED, EventKind.MODEL_LOST]
    assert after.events[0].session_id == "s1"


async def test_a_session_whose_end_was_cut_short_by_a_crash_holds_its_models_again(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w1", DEVELOPER, session="s2"), DEADLINE_S)
    await it.host.reconcile(replace(await it.claims(s1=(), s2=(DEVELOPER,)), life="first"))
    await it.host.release_models("s1")

    await it.host.reconcile(replace(await it.claims(s1=(), s2=(DEVELOPER,)), life="second"))
    await it.host.warm(it.wish("w2", DEVELOPER), DEADLINE_S)

    assert it.residents()[0].holders == ("s1", "s2")


async def test_a_sweep_that_may_not_remove_still_corrects_the_ledger(start_host: Any) -> None:
    it = await start_host()
    await it.host.warm(it.wish("w1", DEVELOPER), DEADLINE_S)
    await it.host.warm(it.wish("w2", PRODUCT, session="gone"), DEADLINE_S)
    await it.client.unload(DEVELOPER)
    while await it.loaded() != {PRODUCT}:  # noqa: ASYNC110 - Ollama tells nobody when a model has gone
        await asyncio.sleep(0)

    sweep = await it.host.reconcile(replace(await it.claims(s1=(DEVELOPER,)), remove_orphans=False))

    assert (sweep.models_lost, sweep.models_unloaded) == ((DEVELOPER,), ())
    assert await it.loaded() == {PRODUCT}
