"""What must be true after a fault, whatever it was: of the messages, of what is left behind, and of the receipt."""

from __future__ import annotations

import pytest

from delegator.errors import DelegatorError
from delegator.schemas import EventKind, TaskStatus
from delegator.sessions.verification import differences
from tests.chaos.team_on_simulators import TeamOnSimulators, Worked

FEATURE = "Add user authentication feature"
SPEAKERS = ["product_manager", "senior_architect", "senior_developer", "test_lead", "product_manager"]
PRODUCT, ARCHITECT, DEVELOPER, TESTER = "llama3.1:8b", "deepseek-coder:33b", "deepseek-coder:6.7b", "codellama:13b"
OTHERS = "mistral:7b"
"""A model that no role of this team has."""

CHAT, GENERATE = "/api/chat", "/api/generate"

RESTARTS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""asyncio (3.11) forgets to close a connection that is accepted in the moment in which its listener closes."""


def is_whole(worked: Worked) -> None:
    """Check that a completed task has every message once, in order, and its answer."""
    assert worked.view.status is TaskStatus.COMPLETED, worked.view.error
    assert [m.from_role for m in worked.messages] == SPEAKERS
    keeps_its_messages(worked)
    assert worked.view.answer == worked.messages[-1].text


def keeps_its_messages(worked: Worked) -> None:
    """Check that what was said stands in the store once, in order, as callers see it and as the log tells."""
    assert [m.turn for m in worked.messages] == list(range(len(worked.messages)))
    assert [m.text for m in worked.messages] == [reply.text for reply in worked.view.replies]
    assert all(m.text for m in worked.messages)
    task_id = worked.view.task_id
    told = [e for e in worked.events if e.kind is EventKind.TURN_COMPLETED and e.data["task_id"] == task_id]
    assert [e.data["turn"] for e in told] == [m.turn for m in worked.messages]


async def ends_clean(
    team: TeamOnSimulators, session_id: str, foreign: tuple[str, ...] = (), *, limit_gb: float = 25
) -> None:
    """End the session; nothing of it stays, its receipt adds up and agrees with the log."""
    receipt = (await team.ended(session_id)).receipt
    await team.nothing_stays(foreign)

    log = await team.log_of(session_id)
    assert differences(receipt, log) == []
    assert receipt.turns == [e.kind for e in log].count(EventKind.TURN_COMPLETED)
    assert receipt.loads == [e.kind for e in log].count(EventKind.MODEL_LOADED)
    assert 0 < receipt.peak_gb <= limit_gb, [(e.at, e.kind, e.model, e.data.get("bytes")) for e in log if e.model]
    for name, endpoint in team.endpoints.items():
        assert endpoint.peak_bytes <= team._parts.hosts.get(name).capacity_bytes


def failed_with(worked: Worked, expected: type[DelegatorError]) -> list[str]:
    """Check that a task failed with this error; return who had spoken."""
    assert worked.view.status is TaskStatus.FAILED
    assert worked.view.error is not None
    assert worked.view.error.code == expected.code
    keeps_its_messages(worked)
    return [message.from_role for message in worked.messages]
