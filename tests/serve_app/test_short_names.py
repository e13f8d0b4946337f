"""The origin's short tool names."""

from __future__ import annotations

import pytest

from delegator import schemas as s
from delegator.errors import NoActiveSession, SessionAmbiguous, SessionNotFound
from serve_app.operations import BY_NAME
from tests.serve_app.samples import AGENT, REPLIES, SESSION, CannedBackend, active

NONE = s.ListActiveSessionsReply(sessions=[], total_sessions=0)
TWO = s.ListActiveSessionsReply(sessions=[active("session_b"), active("session_a")], total_sessions=2)


async def run(backend: CannedBackend, name: str, **fields: object) -> s.Reply:
    operation = BY_NAME[name]
    return await operation.run(backend, operation.request.model_validate(fields))


async def test_start_session_creates_a_session_of_the_category(backend: CannedBackend):
    reply = await run(backend, "start_session", task_category="quick_fix", description="Test monitoring")

    assert reply == REPLIES["create_session"]
    assert backend.asked == [
        (
            "create_session",
            s.CreateSessionRequest(task_description="Test monitoring", task_category=s.TaskCategory.QUICK_FIX),
        )
    ]


async def test_spawn_agent_means_the_only_open_session(backend: CannedBackend):
    reply = await run(backend, "spawn_agent", role="ceo", reason="approval")

    assert reply == REPLIES["add_agent_to_session"]
    assert backend.asked[-1] == (
        "add_agent_to_session",
        s.AddAgentRequest(session_id=SESSION, agent_role="ceo", reason="approval"),
    )


async def test_shutdown_agent_takes_a_named_session(backend: CannedBackend):
    reply = await run(backend, "shutdown_agent", role="test_lead", session_id="session_b")

    assert reply == REPLIES["remove_agent_from_session"]
    assert backend.asked == [
        ("remove_agent_from_session", s.RemoveAgentRequest(session_id="session_b", agent_role="test_lead"))
    ]


async def test_session_status_shows_session_agents_and_resources(backend: CannedBackend):
    reply = await run(backend, "session_status")

    assert reply == s.SessionStatusReply(sessions=[active()], agents=[AGENT], resources=REPLIES["resource_summary"])


async def test_session_status_without_a_session_is_empty(backend: CannedBackend):
    backend.answers["list_active_sessions"] = NONE

    reply = await run(backend, "session_status")

    assert reply == s.SessionStatusReply(sessions=[], agents=[], resources=REPLIES["resource_summary"])


@pytest.mark.parametrize(
    ("name", "fields"),
    [("spawn_agent", {"role": "ceo"}), ("shutdown_agent", {"role": "ceo"}), ("session_status", {})],
)
async def test_several_open_sessions_are_ambiguous_and_listed(
    backend: CannedBackend, name: str, fields: dict[str, str]
):
    backend.answers["list_active_sessions"] = TWO

    with pytest.raises(SessionAmbiguous) as caught:
        await run(backend, name, **fields)

    assert caught.value.session_ids == ("session_b", "session_a")


@pytest.mark.parametrize("name", ["spawn_agent", "shutdown_agent"])
async def test_without_an_open_session_there_is_nobody_to_add_to(backend: CannedBackend, name: str):
    backend.answers["list_active_sessions"] = NONE

    with pytest.raises(NoActiveSession):
        await run(backend, name, role="ceo")


async def test_session_status_of_an_unknown_session_is_an_error(backend: CannedBackend):
    with pytest.raises(SessionNotFound):
        await run(backend, "session_status", session_id="session_nope")
