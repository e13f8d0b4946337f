from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from delegator.errors import SessionNotFound
from delegator.schemas import EventKind
from delegator.store.store import Store
from tests.delegator.store.make import a_session, an_agent, an_event, later, team_of


async def team_and_count(store: Store) -> tuple[tuple[str, ...], int]:
    session = await store.session("session_1")
    assert session is not None
    return session.active_agents, session.total_agents_spawned


@pytest.fixture
async def session(store: Store) -> None:
    record = a_session(active_agents=("senior_developer",))
    await store.create_session(record, team_of(record), [])


@pytest.mark.usefixtures("session")
async def test_a_role_that_joins_is_in_the_team_and_counted(store: Store) -> None:
    agent = an_agent(spawned_at=later(5), reason="needs approval")
    await store.add_agent(agent, [an_event(EventKind.AGENT_SPAWNED)], active_agents=["ceo", "senior_developer"])

    assert await team_and_count(store) == (("ceo", "senior_developer"), 2)
    assert (await store.open_agents())[-1] == agent


@pytest.mark.usefixtures("session")
async def test_joining_twice_counts_once(store: Store) -> None:
    for _ in range(2):
        await store.add_agent(an_agent(), [an_event()], active_agents=["ceo", "senior_developer"])

    assert await team_and_count(store) == (("ceo", "senior_developer"), 2)
    assert len(await store.session_events("session_1")) == 1


@pytest.mark.usefixtures("session")
async def test_joining_at_once_from_two_sides_counts_once(store: Store) -> None:
    team = ["ceo", "senior_developer"]
    await asyncio.gather(*(store.add_agent(an_agent(), [an_event()], active_agents=team) for _ in range(4)))

    assert await team_and_count(store) == (("ceo", "senior_developer"), 2)
    assert len(await store.session_events("session_1")) == 1


async def test_joining_an_unknown_session_is_refused(store: Store) -> None:
    with pytest.raises(SessionNotFound):
        await store.add_agent(an_agent("session_0"), [an_event()], active_agents=["ceo"])

    assert await store.events_after(0, None, 10) == []


@pytest.mark.usefixtures("session")
async def test_a_role_may_leave_and_come_back(store: Store) -> None:
    await store.add_agent(an_agent(), [], active_agents=["ceo", "senior_developer"])
    await store.end_agent("session_1", "ceo", later(10), [an_event()], active_agents=["senior_developer"])
    await store.end_agent("session_1", "ceo", later(11), [an_event()], active_agents=[])
    await store.add_agent(an_agent(spawned_at=later(20)), [], active_agents=["ceo", "senior_developer"])

    assert await team_and_count(store) == (("ceo", "senior_developer"), 3)
    stays = [agent for agent in await store.agents_of("session_1") if agent.role == "ceo"]
    assert stays == [replace(an_agent(), ended_at=later(10)), an_agent(spawned_at=later(20))]
    assert len(await store.session_events("session_1")) == 1


@pytest.mark.usefixtures("session")
async def test_a_fallback_model_is_noted(store: Store) -> None:
    event = an_event(EventKind.MODEL_FALLBACK)
    for _ in range(2):
        await store.set_agent_model("session_1", "senior_developer", "qwen3-vl:8b", [event])

    assert [agent.model for agent in await store.open_agents()] == ["qwen3-vl:8b"]
    assert len(await store.session_events("session_1")) == 1


@pytest.mark.usefixtures("session")
async def test_a_role_may_move_to_another_endpoint_and_stays_there(store: Store) -> None:
    await store.set_agent_model("session_1", "senior_developer", "mistral:7b", [], endpoint="second")
    await store.set_agent_model("session_1", "senior_developer", "qwen3-vl:8b", [])
    await store.add_agent(an_agent(endpoint="third"), [], active_agents=["ceo", "senior_developer"])

    found = [(agent.role, agent.model, agent.endpoint) for agent in await store.agents_of("session_1")]
    assert found == [("senior_developer", "qwen3-vl:8b", "second"), ("ceo", "qwen2.5:14b", "third")]
