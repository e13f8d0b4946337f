"""What a `ModelHost` promises of the models on its endpoint's disk, against a simulated Ollama over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from actors.downloads import CUTS_IN_A_ROW
from delegator.errors import (
    DeadlineExceeded,
    ModelInUse,
    ModelNotFound,
    OllamaUnavailable,
    PullFailed,
    PullNotFound,
)
from delegator.ollama.client import LoadOptions
from delegator.ollama.simulator.profiles import PROFILES
from delegator.ollama.simulator.server import SimulatedHost
from delegator.schemas import EventKind
from tests.actors.conftest import DEADLINE_S, SCALE, until

SMALL, DEVELOPER, DEAD = "llama3.2:3b", "deepseek-coder:6.7b", "llama3.2-vision:11b"

Start = Callable[..., Awaitable[Any]]


@pytest.fixture
async def start(start_host: Any) -> AsyncIterator[Start]:
    """Give a function that starts a host whose disk holds two models of the catalogue, with a fast line."""
    simulators = []

    async def started() -> Any:
        profile = PROFILES["workstation96"].but(installed=(DEVELOPER, "mistral:7b"), download_gbps=40.0)
        simulator = SimulatedHost(profile, scale=SCALE)
        await simulator.start()
        simulators.append(simulator)
        return await start_host(simulator=simulator)

    yield started
    for simulator in simulators:
        await simulator.stop()


async def names_on_disk(it: Any) -> set[str]:
    return {model.name for model in await it.client.tags()}


def hold_up(it: Any) -> Any:
    """Let the next pull hang after a few lines; lifted by clearing the faults."""
    return it.simulator.host.faults.add(
        {"action": "hang", "match": {"phase": "pull"}, "args": {"after": 2}, "times": 1}
    )


async def test_a_pulled_model_is_on_the_disk_and_recorded_before_it_is_told(start: Start) -> None:
    it = await start()

    pull = await it.host.pull(SMALL, DEADLINE_S)

    assert (pull.status, pull.phase, pull.error, pull.started) == ("completed", "success", None, True)
    assert pull.completed_bytes == pull.total_bytes > 2_000_000_000
    assert SMALL in await names_on_disk(it)
    assert it.kinds(SMALL) == [EventKind.MODEL_PULLED]
    assert (await it.host.on_disk([])).find(SMALL).size_bytes == 2_020_000_000


async def test_a_pull_answers_at_once_and_is_asked_for_again(start: Start) -> None:
    it = await start()
    hold_up(it)

    begun = await it.host.pull(SMALL, 0)
    await until(lambda: it.host._disk._downloads.all()[0].total_bytes)
    seen = await it.host.look_at_pull(SMALL, 0)
    it.simulator.host.faults.clear()
    ended = await it.host.look_at_pull(SMALL, DEADLINE_S)

    assert (begun.status, seen.status, ended.status) == ("running", "running", "completed")
    assert seen.total_bytes == 2_020_000_000
    assert [pull.status for pull in (await it.host.on_disk([])).pulls] == ["completed"]


async def test_two_callers_share_one_download_whatever_they_call_it(start: Start) -> None:
    it = await start()
    rule = hold_up(it)

    first = await it.host.pull("gemma4", 0)
    await until(lambda: rule.waiting)
    second = await it.host.pull("Gemma4:latest", 0)
    it.simulator.host.faults.clear()
    await it.host.look_at_pull("gemma4", DEADLINE_S)

    assert (first.started, second.started) == (True, False)
    assert it.kinds("gemma4:latest") == [EventKind.MODEL_PULLED]
    assert len((await it.host.on_disk([])).pulls) == 1


async def test_a_connection_cut_in_the_middle_is_taken_up_where_it_was(start: Start) -> None:
    it = await start()
    it.simulator.host.faults.add({"action": "pull_cut", "args": {"after": 3}, "times": 1})

    pull = await it.host.pull(SMALL, DEADLINE_S)

    assert pull.status == "completed"
    assert [e["event"] for e in it.simulator.host.log.after(0)].count("fault") == 1


async def test_a_connection_that_is_cut_again_and_again_without_a_byte_more_is_given_up(start: Start) -> None:
    it = await start()
    rule = it.simulator.host.faults.add({"action": "pull_cut", "args": {"after": 0}})

    with pytest.raises(OllamaUnavailable):
        await it.host.pull(SMALL, DEADLINE_S)

    assert rule.fired == CUTS_IN_A_ROW + 1
    assert SMALL not in await names_on_disk(it)


@pytest.mark.parametrize("fault", [{"action": "pull_error"}, {"action": "pull_short"}])
async def test_a_failed_pull_says_why_and_a_later_one_goes_on(start: Start, fault: dict[str, Any]) -> None:
    it = await start()
    it.simulator.host.faults.add({**fault, "times": 1})

    with pytest.raises(PullFailed):
        await it.host.pull(SMALL, DEADLINE_S)
    remembered = await it.host.look_at_pull(SMALL, 0)
    again = await it.host.pull(SMALL, DEADLINE_S)

    assert remembered.status == "failed"
    assert isinstance(remembered.error, PullFailed)
    assert again.status == "completed"


async def test_an_unknown_model_is_a_clear_error(start: Start) -> None:
    it = await start()

    with pytest.raises(ModelNotFound, match="there is no model 'no-such-model:latest' in the registry"):
        await it.host.pull("no-such-model", DEADLINE_S)


async def test_a_cancelled_pull_stops_on_the_host_and_can_be_taken_up(start: Start) -> None:
    it = await start()
    rule = hold_up(it)
    await it.host.pull(SMALL, 0)
    await until(lambda: rule.waiting)

    cancelled = await it.host.cancel_pull(SMALL)
    again = await it.host.cancel_pull(SMALL)

    assert (cancelled.status, again.status) == ("cancelled", "cancelled")
    await until(lambda: not rule.waiting)
    assert SMALL not in await names_on_disk(it)
    assert (await it.host.pull(SMALL, DEADLINE_S)).status == "completed"


async def test_a_pull_that_is_cancelled_before_it_could_begin_has_ended(start: Start) -> None:
    it = await start()
    await it.host.pull(SMALL, 0)

    assert (await it.host.cancel_pull(SMALL)).status == "cancelled"
    assert (await it.host.look_at_pull(SMALL, 0)).status == "cancelled"


async def test_what_nobody_pulled_cannot_be_looked_at_or_cancelled(start: Start) -> None:
    it = await start()

    with pytest.raises(PullNotFound):
        await it.host.look_at_pull(SMALL, 0)
    with pytest.raises(PullNotFound):
        await it.host.cancel_pull(SMALL)


async def test_closing_the_host_ends_its_downloads(start: Start) -> None:
    it = await start()
    rule = hold_up(it)
    await it.host.pull(SMALL, 0)
    await until(lambda: rule.waiting)

    await it.host.close()

    await until(lambda: not rule.waiting)
    assert (await it.host.look_at_pull(SMALL, 0)).status == "cancelled"


async def test_a_lingering_model_leaves_memory_and_then_the_disk(start: Start) -> None:
    it = await start()
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)
    entry = it.host._ledger.require(DEVELOPER)
    entry.holders.clear()  # nobody needs it any more, and nothing has swept yet

    removed = await it.host.remove("DeepSeek-Coder:6.7b")

    assert (removed.model, removed.disk_bytes, removed.memory_bytes) == (DEVELOPER, 3_830_000_000, entry.size_bytes)
    assert await it.loaded() == set()
    assert DEVELOPER not in await names_on_disk(it)
    assert it.kinds(DEVELOPER)[-2:] == [EventKind.MODEL_UNLOADED, EventKind.MODEL_REMOVED]
    assert await it.reservations.existing() == set()


async def test_a_model_that_a_session_holds_stays(start: Start) -> None:
    it = await start()
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)

    with pytest.raises(ModelInUse, match="held by s1"):
        await it.host.remove(DEVELOPER)

    assert await it.loaded() == {DEVELOPER}
    assert DEVELOPER in await names_on_disk(it)


async def test_a_model_at_work_stays(start: Start) -> None:
    it = await start()
    await it.host.acquire(it.wish("t", DEVELOPER), DEADLINE_S)

    with pytest.raises(ModelInUse, match="a turn runs on it"):
        await it.host.remove(DEVELOPER)

    await it.host.release_turn("t")
    await it.host.release_models("s1")
    await it.host.remove(DEVELOPER)
    assert DEVELOPER not in await names_on_disk(it)


async def test_a_pinned_model_stays(start: Start) -> None:
    it = await start()
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)
    entry = it.host._ledger.require(DEVELOPER)
    entry.holders.clear()
    entry.pinned = True

    with pytest.raises(ModelInUse, match="it is pinned"):
        await it.host.remove(DEVELOPER)

    assert await it.loaded() == {DEVELOPER}


@pytest.mark.parametrize("noticed", [False, True])
async def test_a_model_another_client_has_loaded_stays(start: Start, noticed: bool) -> None:
    it = await start()
    await it.client.load(DEVELOPER, LoadOptions(4096), keep_alive_s=600, deadline_s=DEADLINE_S)
    if noticed:
        await it.host.reconcile(await it.claims())

    with pytest.raises(ModelInUse, match="another client"):
        await it.host.remove(DEVELOPER)

    assert await it.loaded() == {DEVELOPER}
    assert DEVELOPER in await names_on_disk(it)


async def test_a_model_that_will_not_leave_memory_keeps_its_files(start: Start) -> None:
    it = await start()
    await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)
    it.host._ledger.require(DEVELOPER).holders.clear()
    it.simulator.host.faults.add({"action": "unload_ignored"})

    with pytest.raises(DeadlineExceeded):
        await it.host.remove(DEVELOPER)

    assert DEVELOPER in await names_on_disk(it)


async def test_a_model_on_its_way_is_not_removed(start: Start) -> None:
    it = await start()
    rule = hold_up(it)
    await it.host.pull(DEVELOPER, 0)
    await until(lambda: rule.waiting)

    with pytest.raises(ModelInUse, match="is being downloaded"):
        await it.host.remove(DEVELOPER)


async def test_what_is_not_there_cannot_be_removed(start: Start) -> None:
    it = await start()

    with pytest.raises(ModelNotFound, match="there is no model 'no-such:1b' on http"):
        await it.host.remove("no-such:1b")


async def test_the_view_tells_what_could_not_be_loaded_even_if_it_were_there(start: Start) -> None:
    it = await start()

    view = await it.host.on_disk([DEAD, DEVELOPER, SMALL])

    assert [model.name for model in view.models] == ["mistral:7b", DEVELOPER]
    assert list(view.hopeless) == [DEAD]


async def test_a_fresh_pull_clears_what_spoke_against_a_model(start: Start) -> None:
    it = await start()
    it.simulator.host.faults.add({"action": "load_fail", "times": 1})
    with pytest.raises(Exception, match="could not be loaded"):
        await it.host.warm(it.wish("w", DEVELOPER), DEADLINE_S)
    assert "failed to load earlier" in (await it.host.on_disk([])).find(DEVELOPER).against

    await it.host.pull(DEVELOPER, DEADLINE_S)

    assert (await it.host.on_disk([])).find(DEVELOPER).against is None
