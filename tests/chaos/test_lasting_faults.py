"""Faults that last: the task or the session fails with the reason, keeps what was said, and works again afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from delegator.errors import DelegatorError, HostSuspect, ModelLoadFailed, OllamaBusy, OllamaUnavailable, ReplyBroken
from delegator.schemas import EventKind, SessionHistoryRequest, SessionStatus
from tests.chaos.outcomes import ARCHITECT, CHAT, FEATURE, GENERATE, ends_clean, failed_with, is_whole
from tests.chaos.team_on_simulators import OpenTeam

pytestmark = pytest.mark.timeout(120)

# ── faults that no other attempt overcomes ───────────────────────────────────────────────────────────────────────

LASTING: dict[str, tuple[type[DelegatorError], str, dict[str, Any]]] = {
    "load killed": (ModelLoadFailed, "oom_load", {"model": ARCHITECT, "args": {"kind": "killed"}}),
    "load out of memory": (ModelLoadFailed, "oom_load", {"model": ARCHITECT, "args": {"kind": "alloc"}}),
    "load busy": (OllamaBusy, "status", {"path": GENERATE, "model": ARCHITECT, "args": {"code": 503}}),
    "load hangs": (HostSuspect, "hang", {"phase": "load", "model": ARCHITECT}),
    "runner crash": (ReplyBroken, "runner_crash", {"model": ARCHITECT}),
    "no done": (ReplyBroken, "no_done", {"model": ARCHITECT}),
    "half a line": (ReplyBroken, "half_line", {"model": ARCHITECT}),
    "chat busy": (OllamaBusy, "status", {"path": CHAT, "model": ARCHITECT, "args": {"code": 503}}),
    "chat reset": (OllamaUnavailable, "reset", {"path": CHAT, "model": ARCHITECT}),
    "reply hangs": (ReplyBroken, "hang", {"path": CHAT, "phase": "stream", "model": ARCHITECT}),
}


@pytest.mark.parametrize("name", LASTING)
async def test_a_task_that_cannot_go_on_says_why_and_keeps_what_was_said(open_team: OpenTeam, name: str) -> None:
    team = await open_team(turn_attempts=3)
    session_id = await team.opened(FEATURE)
    expected, action, order = LASTING[name]
    team.only.order(action, **order)

    worked = await team.finished(await team.delegated(session_id))

    assert failed_with(worked, expected) == ["product_manager"]
    team.only.clear()
    is_whole(await team.finished(await team.delegated(session_id)))
    await ends_clean(team, session_id)


# ── a session that cannot be opened ──────────────────────────────────────────────────────────────────────────────

AT_OPENING: dict[str, tuple[type[DelegatorError], str, dict[str, Any]]] = {
    "load killed": (ModelLoadFailed, "oom_load", {"args": {"kind": "killed"}}),
    "load busy": (OllamaBusy, "status", {"path": GENERATE, "args": {"code": 503}}),
    "load reset": (OllamaUnavailable, "reset", {"path": GENERATE}),
    "load hangs": (HostSuspect, "hang", {"phase": "load"}),
}


@pytest.mark.parametrize("name", AT_OPENING)
async def test_a_session_that_cannot_be_opened_leaves_nothing_but_the_reason(open_team: OpenTeam, name: str) -> None:
    team = await open_team()
    expected, action, order = AT_OPENING[name]
    team.only.order(action, **order)

    with pytest.raises(expected) as raised:
        await team.opened(FEATURE)

    await team.nothing_stays()
    (ended,) = (await team.session_history(SessionHistoryRequest())).sessions
    assert ended.status is SessionStatus.FAILED
    log = await team.log_of(ended.session_id)
    assert (log[-1].kind, log[-1].data["reason"]) == (EventKind.SESSION_FAILED, raised.value.message)
    team.only.clear()
    session_id = await team.opened(FEATURE)
    is_whole(await team.finished(await team.delegated(session_id)))
    await ends_clean(team, session_id)
