"""What a `ModelHost` promises of models that somebody loads, unloads and pins by hand, on a simulated Ollama."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from actors.control_messages import PinWish
from actors.host_messages import ResidentView
from delegator.errors import (
    HostSuspect,
    MemoryExceeded,
    ModelInUse,
    ModelLoadFailed,
    ModelMissing,
    NoCapacity,
)
from delegator.ollama.client import LoadOptions
from delegator.schemas import EventKind
from delegator.settings import GB
from tests.actors.conftest import DEADLINE_S, SCALE, HostUnderTest, until

DEVELOPER, TESTER, PRODUCT, ARCHITECT = "deepseek-coder:6.7b", "codellama:13b", "llama3.1:8b", "deepseek-coder:33b"
DEAD = "llama3.2-vision:11b"


def model(it: HostUnderTest, name: str) -> Any:
    return it.catalogue.models[name]


def resident(it: HostUnderTest, name: str) -> ResidentView | None:
    return next((r for r in it.residents() if r.model == name), None)


async def load(it: HostUnderTest, name: str, wait_s: float = DEADLINE_S) -> Any:
    return await it.host.load_model(model(it, name), wait_s)


async def pin(it: HostUnderTest, name: str, *in_use: str, usual: tuple[str, ...] = ()) -> Any:
    wish = PinWish(model(it, name), tuple(model(it, n) for n in in_use), tuple(model(it, n) for n in usual))
    return await it.host.pin_model(wish, DEADLINE_S)


async def speak(it: HostUnderTest, turn_id: str, name: str, session: str = "s1") -> Any:
    return await it.host.acquire(it.wish(turn_id, name, session=session), DEADLINE_S)


async def sweep(it: HostUnderTest, *pins: str, **held: tuple[str, ...]) -> Any:
    claims = await it.claims(**held)
    return await it.host.reconcile(replace(claims, pins=tuple(model(it, name) for name in pins)))


# ── loading ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_model_is_loaded_and_measured_and_recorded_before_it_is_told(start_host: Any) -> None:
    it = await start_host()

    view = await load(it, DEVELOPER)

    assert (view.model, view.state, view.pinned, view.evicted) == (DEVELOPER, "resident", False, ())
    (loaded,) = await it.client.ps()
    assert (loaded.name, loaded.size_bytes) == (DEVELOPER, view.size_bytes)
    assert EventKind.MODEL_LOADED in it.kinds(DEVELOPER)


async def test_what_was_loaded_by_hand_outlives_sweeps_and_goes_once_its_time_is_over(start_host: Any) -> None:
    it = await start_host(keep_alive_s=200)
    await load(it, DEVELOPER)

    swept = await sweep(it)

    assert swept.models_unloaded == ()
    assert await it.loaded() == {DEVELOPER}
    await until(lambda: resident(it, DEVELOPER) is None)
    assert await it.loaded() == set()
    await it.host.flush()
    assert it.kinds(DEVELOPER)[-2:] == [EventKind.MODEL_RELEASED, EventKind.MODEL_UNLOADED]


async def test_once_a_session_has_taken_it_the_usual_rules_hold(start_host: Any) -> None:
    it = await start_host()
    await load(it, DEVELOPER)

    grant = await speak(it, "t1", DEVELOPER)

    assert grant.load_s == 0
    assert resident(it, DEVELOPER).holders == ("s1",)  # type: ignore[union-attr]
    await it.host.release_turn("t1")
    await it.host.release_models("s1")
    assert await it.loaded() == set()


async def test_a_load_that_takes_long_is_told_as_it_stands_and_joined(start_host: Any) -> None:
    it = await start_host()
    it.simulator.host.faults.add({"action": "hang", "match": {"phase": "load"}, "times": 1})

    begun = await load(it, DEVELOPER, wait_s=0)
    await until(it.hangs)
    again = await load(it, DEVELOPER, wait_s=0)
    it.simulator.host.faults.clear()
    ended = await load(it, DEVELOPER)

    assert [view.state for view in (begun, again, ended)] == ["loading", "loading", "resident"]
    assert it.kinds(DEVELOPER).count(EventKind.MODEL_LOADED) == 1


async def test_only_idle_models_leave_for_it_and_they_are_named(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    await load(it, TESTER)

    view = await load(it, ARCHITECT)

    assert view.evicted == (TESTER,)
    assert await it.loaded() == {ARCHITECT}


async def test_it_does_not_wait_for_room_that_others_work_in_and_says_who(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    await speak(it, "t1", TESTER)

    with pytest.raises(NoCapacity, match=rf"{TESTER} \(\d+\.\d GB, a turn runs on it\)"):
        await load(it, ARCHITECT)

    assert await it.loaded() == {TESTER}


async def test_a_turn_that_waits_for_room_goes_first(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    it.simulator.host.faults.add({"action": "hang", "match": {"phase": "load"}, "times": 1})
    first = asyncio.create_task(load(it, PRODUCT))
    await until(it.hangs)
    by_hand = asyncio.create_task(load(it, TESTER))
    await until(lambda: len(it.host._dispatcher.waiting()) == 2)
    turn = asyncio.create_task(speak(it, "t1", ARCHITECT))
    await until(lambda: len(it.host._dispatcher.waiting()) == 3)

    it.simulator.host.faults.clear()
    await first
    await turn

    with pytest.raises(NoCapacity):
        await by_hand
    assert ARCHITECT in await it.loaded()


async def test_what_can_never_be_loaded_is_an_error_that_says_so(start_host: Any) -> None:
    it = await start_host(capacity=8 * GB)

    with pytest.raises(MemoryExceeded):
        await load(it, TESTER)
    with pytest.raises(ModelLoadFailed, match="does not load on Ollama"):
        await load(it, DEAD)
    with pytest.raises(ModelMissing) as missing:
        await it.host.load_model(replace(model(it, DEVELOPER), name="no-such-model"), DEADLINE_S)
    assert missing.value.advice == "Fetch it with: delegator models pull no-such-model"


async def test_a_load_that_comes_to_no_end_makes_the_endpoint_suspect(start_host: Any) -> None:
    it = await start_host(load_deadline_min_s=0.001 * SCALE, load_rate_bytes_s=10_000 * GB)
    it.host._memory._load_deadline_s = lambda _size: 0.2
    it.simulator.host.faults.add({"action": "hang", "match": {"phase": "load"}})

    with pytest.raises(HostSuspect):
        await load(it, DEVELOPER)


async def test_a_foreign_model_becomes_ours_by_loading_it(start_host: Any) -> None:
    it = await start_host()
    await it.client.load(DEVELOPER, LoadOptions(4096), keep_alive_s=-1, deadline_s=DEADLINE_S)
    await sweep(it)
    assert resident(it, DEVELOPER).foreign  # type: ignore[union-attr]

    view = await load(it, DEVELOPER)

    assert view.state == "resident"
    assert not resident(it, DEVELOPER).foreign  # type: ignore[union-attr]


# ── unloading ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_idle_model_is_unloaded_and_comes_back_with_the_next_turn_of_who_held_it(start_host: Any) -> None:
    it = await start_host()
    await speak(it, "t1", DEVELOPER)
    await it.host.release_turn("t1")

    view = await it.host.unload_model(model(it, DEVELOPER), DEADLINE_S)

    assert (view.state, await it.loaded()) == ("absent", set())
    assert it.kinds(DEVELOPER)[-2:] == [EventKind.MODEL_RELEASED, EventKind.MODEL_UNLOADED]
    assert (await speak(it, "t2", DEVELOPER)).load_s > 0


async def test_what_is_not_in_memory_is_absent_without_more_ado(start_host: Any) -> None:
    it = await start_host()

    view = await it.host.unload_model(model(it, DEVELOPER), DEADLINE_S)

    assert view.state == "absent"
    assert view.size_bytes > 0


async def test_a_model_on_which_a_turn_runs_or_for_which_one_waits_stays(start_host: Any) -> None:
    it = await start_host()
    await speak(it, "t1", DEVELOPER)
    with pytest.raises(ModelInUse, match="a turn of s1 runs on it"):
        await it.host.unload_model(model(it, DEVELOPER), DEADLINE_S)
    waiting = asyncio.create_task(speak(it, "t2", DEVELOPER, session="s2"))
    await until(it.host._dispatcher.waiting)

    with pytest.raises(ModelInUse, match="a turn of s2 waits for it"):
        await it.host.unload_model(model(it, DEVELOPER), DEADLINE_S)

    await it.host.release_turn("t1")
    assert (await waiting).load_s == 0


async def test_a_foreign_or_pinned_model_is_not_unloaded(start_host: Any) -> None:
    it = await start_host()
    await it.client.load(TESTER, LoadOptions(4096), keep_alive_s=-1, deadline_s=DEADLINE_S)
    await pin(it, DEVELOPER)

    with pytest.raises(ModelInUse, match="another client has loaded it"):
        await it.host.unload_model(model(it, TESTER), DEADLINE_S)
    await sweep(it, DEVELOPER)
    with pytest.raises(ModelInUse, match="another client has loaded it"):
        await it.host.unload_model(model(it, TESTER), DEADLINE_S)
    with pytest.raises(ModelInUse, match="it is pinned: unpin it first"):
        await it.host.unload_model(model(it, DEVELOPER), DEADLINE_S)

    assert await it.loaded() == {DEVELOPER, TESTER}


async def test_unloading_stops_a_load_by_hand(start_host: Any) -> None:
    it = await start_host()
    it.simulator.host.faults.add({"action": "hang", "match": {"phase": "load"}, "times": 1})
    await load(it, DEVELOPER, wait_s=0)
    await until(it.hangs)

    view = await it.host.unload_model(model(it, DEVELOPER), DEADLINE_S)

    assert view.state == "absent"
    assert it.residents() == ()
    assert it.host._dispatcher.waiting() == []
    assert await it.loaded() == set()


async def test_an_unload_that_takes_long_is_told_as_it_stands(start_host: Any) -> None:
    it = await start_host()
    await load(it, DEVELOPER)
    going = it.reservations.slow_down()

    begun = await it.host.unload_model(model(it, DEVELOPER), 0)
    await asyncio.wait_for(going.wait(), DEADLINE_S)
    it.reservations.go_on()
    ended = await it.host.unload_model(model(it, DEVELOPER), DEADLINE_S)

    assert (begun.state, ended.state) == ("unloading", "absent")


# ── pinning ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_pinned_model_stays_though_nobody_holds_it_and_its_keep_alive_is_renewed(start_host: Any) -> None:
    it = await start_host(keep_alive_s=100)

    view = await pin(it, DEVELOPER)

    assert (view.state, view.pinned) == ("resident", True)
    shown = resident(it, DEVELOPER)
    assert shown is not None
    assert (shown.holders, shown.pinned) == ((), True)
    first = (await it.client.ps())[0].expires_at
    swept = await sweep(it, DEVELOPER)
    assert swept.models_unloaded == ()
    async with asyncio.timeout(DEADLINE_S):
        while (await it.client.ps())[0].expires_at <= first:  # noqa: ASYNC110 - Ollama tells nobody
            await asyncio.sleep(0.02)
    await until(lambda: not it.host._ledger.require(DEVELOPER).touched)
    assert await it.loaded() == {DEVELOPER}


async def test_nothing_that_needs_room_takes_a_pinned_model_away_nor_does_the_end_of_its_session(
    start_host: Any,
) -> None:
    it = await start_host(capacity=24 * GB)
    await speak(it, "t1", TESTER)
    await it.host.release_turn("t1")
    await pin(it, TESTER)

    with pytest.raises(NoCapacity, match="it is pinned"):
        await load(it, ARCHITECT)
    await it.host.release_models("s1")

    assert await it.loaded() == {TESTER}


async def test_an_unpinned_model_that_nobody_needs_goes_at_once_and_one_in_use_stays(start_host: Any) -> None:
    it = await start_host()
    await sweep(it)
    await pin(it, DEVELOPER)
    await speak(it, "t1", TESTER)
    await pin(it, TESTER)

    gone = await it.host.unpin_model(model(it, DEVELOPER), DEADLINE_S)
    stays = await it.host.unpin_model(model(it, TESTER), DEADLINE_S)

    assert (gone.state, gone.pinned) == ("absent", False)
    assert (stays.state, stays.pinned) == ("resident", False)
    assert await it.loaded() == {TESTER}


async def test_a_host_that_has_lost_its_memory_has_its_pins_again_with_the_first_comparison(start_host: Any) -> None:
    it = await start_host()
    await pin(it, DEVELOPER)
    await it.host.close()
    again = await start_host(simulator=it.simulator)
    again.events.extend(it.events)

    swept = await sweep(again, DEVELOPER)

    assert swept.models_unloaded == ()
    assert resident(again, DEVELOPER).pinned  # type: ignore[union-attr]
    swept = await sweep(again)
    assert swept.models_unloaded == (DEVELOPER,)


async def test_a_pinned_model_that_vanished_is_brought_back(start_host: Any) -> None:
    it = await start_host()
    await pin(it, DEVELOPER)
    await it.client.unload(DEVELOPER)
    async with asyncio.timeout(DEADLINE_S):
        while await it.client.ps():  # noqa: ASYNC110 - Ollama tells nobody
            await asyncio.sleep(0.01)

    swept = await sweep(it, DEVELOPER)

    assert swept.models_lost == (DEVELOPER,)
    await until(lambda: (found := resident(it, DEVELOPER)) is not None and found.resident and not found.holders)
    assert resident(it, DEVELOPER).pinned  # type: ignore[union-attr]
    assert await it.loaded() == {DEVELOPER}


async def test_a_turn_that_brings_a_pinned_model_back_leaves_it_pinned(start_host: Any) -> None:
    it = await start_host()
    await sweep(it, TESTER)

    await speak(it, "t1", TESTER)
    await it.host.release_turn("t1")
    await it.host.release_models("s1")

    assert resident(it, TESTER).pinned  # type: ignore[union-attr]
    assert await it.loaded() == {TESTER}


async def test_a_pin_that_takes_the_room_of_a_model_in_use_is_refused_and_one_of_a_role_is_warned_of(
    start_host: Any,
) -> None:
    it = await start_host(capacity=30 * GB)

    with pytest.raises(NoCapacity, match=rf"with {TESTER} pinned .* and {ARCHITECT}, which an open session uses"):
        await pin(it, TESTER, ARCHITECT)
    assert it.host._ledger.pins == frozenset()
    view = await pin(it, TESTER, DEVELOPER, usual=(ARCHITECT, DEVELOPER))

    assert view.shut_out == (ARCHITECT,)


async def test_a_model_that_cannot_be_loaded_is_not_pinned(start_host: Any) -> None:
    it = await start_host(capacity=24 * GB)
    await speak(it, "t1", TESTER)

    with pytest.raises(NoCapacity):
        await pin(it, ARCHITECT)

    assert it.host._ledger.pins == frozenset()


async def test_a_changed_keep_alive_of_a_pinned_model_is_restored(start_host: Any) -> None:
    it = await start_host()
    await pin(it, DEVELOPER)
    num_ctx = model(it, DEVELOPER).num_ctx
    await it.client.load(DEVELOPER, LoadOptions(num_ctx), keep_alive_s=1_000_000, deadline_s=DEADLINE_S)

    await sweep(it, DEVELOPER)

    await it.host.flush()
    assert it.kinds(DEVELOPER).count(EventKind.DRIFT_FOUND) == 1
    (loaded,) = await it.client.ps()
    assert (loaded.expires_at - datetime.now(UTC)).total_seconds() < 1_000
