"""Hosts that do not come to an end with their work: the deadlock of the scheduler, and silence."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from delegator.errors import HostSuspect, ReplyBroken
from delegator.ollama.client import LoadOptions, OllamaClient
from delegator.schemas import EventKind, NoInput, TaskStatus
from tests.actors.conftest import until
from tests.chaos.outcomes import (
    ARCHITECT,
    FEATURE,
    OTHERS,
    PRODUCT,
    ends_clean,
    failed_with,
    is_whole,
    keeps_its_messages,
)
from tests.chaos.team_on_simulators import Endpoint, OpenTeam, TeamOnSimulators

pytestmark = pytest.mark.timeout(120)

# ── the deadlock ─────────────────────────────────────────────────────────────────────────────────────────────────


async def deadlock(team: TeamOnSimulators, endpoint: Endpoint, session_id: str) -> str:
    """Bring the scheduler of an endpoint into the deadlock of issue 17408 of ollama/ollama; return the task's id.

    Another client's model is busy when it is chosen to make room for ours, and is used once more before it falls idle:
    it stays, and the scheduler waits for it to go, while everything it is asked about itself is answered.
    """
    busy = endpoint.order("hang", phase="stream", model=OTHERS)
    async with OllamaClient(endpoint.simulator.url) as client:
        chatting = asyncio.create_task(chat(client))
        await until(lambda: busy.waiting)
        await team.cleanup_orphaned_agents(NoInput())  # notices that our model was evicted for it
        task_id = await team.delegated(session_id)
        await until(lambda: endpoint.happened("evicting", OTHERS))
        await client.load(OTHERS, LoadOptions(8192), keep_alive_s=-1, deadline_s=5)
        busy.lift()
        await chatting
        await client.ps()
    return task_id


async def chat(client: OllamaClient) -> None:
    stream = client.chat(
        OTHERS, [{"role": "user", "content": "Hello"}], LoadOptions(8192), keep_alive_s=600, max_tokens=20
    )
    async with aclosing(stream):
        async for _ in stream:
            pass


async def test_a_deadlocked_ollama_without_another_is_found_and_its_cure_told(open_team: OpenTeam) -> None:
    team = await open_team(max_loaded=1)
    session_id = await team.opened(FEATURE)

    worked = await team.finished(await deadlock(team, team.only, session_id))

    assert failed_with(worked, HostSuspect) == []
    assert worked.view.error is not None
    assert "17408" in worked.view.error.hint
    (suspect,) = await team.happenings(EventKind.HOST_SUSPECT)
    assert (suspect.data["endpoint"], suspect.model) == ("only", PRODUCT)
    (shown,) = (await team.resource_summary(NoInput())).endpoints
    assert shown.suspect == suspect.data["reason"]
    assert "Restart that Ollama" in shown.advice
    assert PRODUCT not in {r.model for r in team.only.residents()}

    team.only.intervene("restart", down_s=0)
    await until(lambda: team.only.happened("restarted"))
    is_whole(await team.finished(await team.delegated(session_id)))
    assert (await team.resource_summary(NoInput())).endpoints[0].suspect is None
    await ends_clean(team, session_id)


async def test_another_endpoint_takes_over_from_a_deadlocked_one(open_team: OpenTeam) -> None:
    team = await open_team({"one": 60, "two": 60}, max_loaded=1)
    session_id = await team.opened(FEATURE)
    (session,) = team._book.sessions()
    first = session.endpoints["product_manager"]

    worked = await team.finished(await deadlock(team, team.endpoints[first], session_id))

    is_whole(worked)
    moved = {e.role for e in worked.events if e.kind is EventKind.ROLE_MOVED and e.data["from"] == first}
    assert "product_manager" in moved
    assert [e.data["endpoint"] for e in await team.happenings(EventKind.HOST_SUSPECT)] == [first]
    assert first not in session.endpoints.values()
    await ends_clean(team, session_id, foreign=(OTHERS,))


# ── a host that hangs ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_host_that_answers_nothing_any_more_fails_the_task_and_works_again_afterwards(
    open_team: OpenTeam,
) -> None:
    team = await open_team(turn_attempts=2)
    session_id = await team.opened(FEATURE)
    rule = team.only.order("hang", phase="stream", model=ARCHITECT, times=1)
    task_id = await team.delegated(session_id)
    await until(lambda: rule.fired)
    team.only.order("hang", phase="accept")

    worked = await team.finished(task_id)

    assert worked.view.status is TaskStatus.FAILED
    assert worked.view.error is not None
    assert worked.view.error.code in {ReplyBroken.code, HostSuspect.code}
    keeps_its_messages(worked)
    assert len(worked.messages) == 1
    team.only.clear()
    is_whole(await team.finished(await team.delegated(session_id)))
    await ends_clean(team, session_id)


async def test_a_host_that_hangs_while_nobody_works_is_shown_so_until_it_answers_again(open_team: OpenTeam) -> None:
    team = await open_team()
    session_id = await team.opened("Fix typo in README")
    team.only.order("hang", phase="accept")

    await until(lambda: team._parts.hosts.doubts.why("only"))

    (shown,) = (await team.resource_summary(NoInput())).endpoints
    assert "took longer" in str(shown.suspect)
    assert "Restart that Ollama" in shown.advice
    team.only.clear()
    await until(lambda: team._parts.hosts.doubts.why("only") is None)
    assert await team.happenings(EventKind.HOST_RECOVERED)
    assert await team.happenings(EventKind.MODEL_LOST) == []
    await ends_clean(team, session_id)


async def test_a_session_can_be_ended_while_its_only_host_hangs(open_team: OpenTeam) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    team.only.order("hang", phase="accept")

    async with asyncio.timeout(20):
        await team.ended(session_id)

    team.only.clear()
    await team.nothing_stays()


async def test_another_endpoint_takes_over_from_one_that_hangs(open_team: OpenTeam) -> None:
    team = await open_team({"one": 60, "two": 60})
    session_id = await team.opened(FEATURE)
    (session,) = team._book.sessions()
    first = session.endpoints["product_manager"]
    team.endpoints[first].order("hang", phase="accept")

    worked = await team.finished(await team.delegated(session_id))

    is_whole(worked)
    async with asyncio.timeout(20):
        await team.ended(session_id)
    team.endpoints[first].clear()
    await team.nothing_stays()
