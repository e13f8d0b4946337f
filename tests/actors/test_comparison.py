"""What the latest comparison with Ollama and Ray found, and what could not be compared."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from actors.comparison import SLOW_S, Comparison, trusted_s
from actors.host_messages import Sweep
from delegator.errors import OllamaUnavailable
from delegator.schemas import Drift
from delegator.settings import Settings
from tests.actors.conftest import DEADLINE_S
from tests.actors.manager_on_fakes import ManagerOnFakes

DEVELOPER = "deepseek-coder:6.7b"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_before_the_first_comparison_nothing_is_claimed() -> None:
    assert Comparison().shown() == Drift(compared_at=None, age_seconds=None, differences=[])


def test_what_differed_is_told_in_words_with_its_place() -> None:
    comparison = Comparison()
    found = Sweep(("orphan",), ("empty",), ("gone",), contradicted=("a had a window of 9 tokens instead of 8",))
    comparison.made(AT, ["ceo"], {"north": found, "south": Sweep()}, [])

    shown = comparison.shown()

    assert (shown.compared_at, shown.failed) == (AT, [])
    assert shown.differences == [
        "an agent of ceo was running that no session needs: it was ended",
        "gone had left the memory of north: it is shown there no more",
        "orphan was in the memory of north without an owner: it was unloaded",
        "memory of north was reserved in Ray for empty, which is not there: it was given back",
        "on north a had a window of 9 tokens instead of 8",
    ]


def test_what_differed_is_forgotten_with_the_next_comparison_but_not_with_one_that_compared_nothing() -> None:
    comparison = Comparison()
    comparison.made(AT, ["ceo"], {"north": Sweep()}, [])
    first = comparison.shown().differences
    comparison.made(AT, [], {}, ["north: it does not come to an end"])
    assert (comparison.shown().differences, comparison.shown().failed) == (first, ["north: it does not come to an end"])

    comparison.made(AT, [], {"north": Sweep()}, [])
    assert (comparison.shown().differences, comparison.shown().failed) == ([], [])


def test_a_comparison_that_does_not_come_to_an_end_is_told_while_it_hangs() -> None:
    at = 100.0
    comparison = Comparison(now=lambda: at)
    comparison.made(AT, [], {"north": Sweep()}, [])
    comparison.begun()
    at += SLOW_S
    assert comparison.shown().state == "equal"

    at += 0.1
    assert comparison.shown().state == "unknown"
    assert comparison.shown().failed == ["the comparison under way does not come to an end"]

    comparison.made(AT, [], {"north": Sweep()}, [])
    assert comparison.shown().state == "equal"


def test_a_comparison_says_nothing_of_now_once_it_is_older_than_an_alert_allows() -> None:
    at = 100.0
    settings = Settings.model_validate({"alerts": {"drift_s": 20}, "reconcile_every_s": 3})
    comparison = Comparison(trusted_s(settings), now=lambda: at)
    comparison.made(AT, [], {"north": Sweep()}, [])
    at += 20
    assert comparison.shown().state == "equal"

    at += 1
    assert (comparison.shown().state, comparison.shown().trusted_seconds) == ("unknown", 20)


@pytest.mark.parametrize(("drift_s", "every_s", "trusted"), [(0, 3, 60), (20, 3, 20), (20, 30, 90)])
def test_a_comparison_is_trusted_for_some_comparisons_at_least(drift_s: float, every_s: float, trusted: float) -> None:
    settings = Settings.model_validate({"alerts": {"drift_s": drift_s}, "reconcile_every_s": every_s})

    assert trusted_s(settings) == trusted


async def test_a_sweep_of_a_single_host_that_hangs_is_shown_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.comparison.SLOW_S", 0.0)
    manager = ManagerOnFakes()
    await manager.sweep()
    assert (await shown(manager)).state == "equal"
    manager.gates.shut("reconcile")
    manager.gates.reached.clear()
    sweep = asyncio.create_task(manager.sweep())
    async with asyncio.timeout(DEADLINE_S):
        await manager.gates.reached["reconcile"].wait()

    assert (await shown(manager)).state == "unknown"

    manager.gates.open("reconcile")
    await sweep
    assert (await shown(manager)).state == "equal"


async def test_a_sweep_is_shown_with_its_age_and_the_endpoints_that_could_not_be_compared() -> None:
    manager = ManagerOnFakes("north", "south")
    assert (await shown(manager)).compared_at is None
    manager.fake_hosts["south"].failures["reconcile"].append(OllamaUnavailable("http://south", "refused"))

    await manager.sweep()

    drift = await shown(manager)
    assert drift.compared_at is not None
    assert drift.age_seconds is not None
    assert [words.partition(":")[0] for words in drift.failed] == ["south"]


async def test_a_sweep_that_compared_nothing_leaves_the_time_of_the_one_before() -> None:
    manager = ManagerOnFakes()
    await manager.sweep()
    before = await shown(manager)
    manager.host.failures["reconcile"].append(OllamaUnavailable("http://fake", "refused"))

    with pytest.raises(OllamaUnavailable):
        await manager.sweep()

    after = await shown(manager)
    assert after.compared_at == before.compared_at
    assert len(after.failed) == 1
    await manager.sweep()
    assert (await shown(manager)).failed == []


async def test_what_really_differed_on_an_ollama_is_shown_until_the_next_sweep(start_host: Any) -> None:
    it = await start_host()
    manager = ManagerOnFakes()
    fake: Any = manager.host
    fake.reconcile, fake.view = lambda claims: it.host.reconcile(claims()), it.host.view
    await it.host.warm(it.wish("w1", DEVELOPER), DEADLINE_S)

    await manager.sweep()
    found = (await shown(manager)).differences
    assert found == [f"{DEVELOPER} was in the memory of fake without an owner: it was unloaded"]

    await it.host.warm(it.wish("w2", DEVELOPER), DEADLINE_S)
    await it.client.unload(DEVELOPER)
    while await it.loaded():  # noqa: ASYNC110 - Ollama tells nobody when a model has gone
        await asyncio.sleep(0)
    await manager.sweep()
    found = (await shown(manager)).differences
    assert found == [f"{DEVELOPER} had left the memory of fake: it is shown there no more"]

    await manager.sweep()
    assert (await shown(manager)).differences == []


async def shown(manager: ManagerOnFakes) -> Drift:
    drift = (await manager._queries.resources()).drift
    assert drift is not None
    return drift
