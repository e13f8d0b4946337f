"""What an agent has done: counted turn by turn, shown, and counted again from the log by a new life."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actors import agent_work
from actors.agent_work import LATEST_TURNS, AgentWork
from delegator.errors import ReplyBroken
from delegator.store.store import Store
from tests.actors.manager_on_fakes import ManagerOnFakes


def test_an_agent_that_has_not_spoken_has_no_speed() -> None:
    work = AgentWork()

    assert (work.turns, work.sessions, work.tokens_per_second, work.speaking_for) == (0, set(), None, None)


def test_tokens_per_second_are_those_of_the_latest_turns() -> None:
    work = AgentWork()
    work.done("old", 1_000_000, 1.0)
    for number in range(LATEST_TURNS):
        work.done(f"s{number % 2}", 100, 5.0)

    assert work.tokens_per_second == pytest.approx(20.0)
    assert (work.turns, work.sessions) == (LATEST_TURNS + 1, {"old", "s0", "s1"})


def test_turns_that_took_no_time_have_no_speed() -> None:
    work = AgentWork()
    work.done("s", 100, 0.0)

    assert work.tokens_per_second is None


def test_of_several_open_turns_the_longest_is_named_until_it_breaks_off() -> None:
    work = AgentWork()
    first = work.at("t1", "first")
    first.__enter__()
    with work.at("t2", "second"):
        assert work.speaking_for == "first"

    assert not first.__exit__(ReplyBroken, ReplyBroken("http://o", "m", "cut"), None)
    assert work.speaking_for is None


async def test_a_new_life_counts_again_from_the_log_what_agents_still_at_work_have_done(store: Store) -> None:
    manager = ManagerOnFakes(database=store)
    ended = await manager.created()
    await (await manager.delegate(ended)).ended.wait()
    await manager.end(ended)
    kept = await manager.created()
    for _ in range(2):
        await (await manager.delegate(kept)).ended.wait()

    works = await agent_work.recalled(store)

    assert {role: (work.turns, work.sessions) for role, work in works.items()} == {
        "senior_developer": (2, {kept.session_id})
    }
    assert works["senior_developer"].tokens_per_second == pytest.approx(1.0)


async def test_without_an_open_session_nobody_is_at_work(store: Store) -> None:
    manager = ManagerOnFakes(database=store)
    session = await manager.created()
    await (await manager.delegate(session)).ended.wait()
    await manager.end(session)

    assert await agent_work.recalled(store) == {}
    assert await store.turns_since(datetime.now(UTC)) == []
