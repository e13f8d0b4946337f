"""Every kind of fault at once, by chance, under several sessions on two Ollamas."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from delegator.errors import Unavailable
from delegator.sessions.verification import differences
from tests.chaos.outcomes import FEATURE, GENERATE, RESTARTS, keeps_its_messages
from tests.chaos.team_on_simulators import OpenTeam

pytestmark = pytest.mark.timeout(120)

BY_CHANCE: list[tuple[str, dict[str, Any]]] = [
    ("load_fail", {"prob": 0.1}),
    ("oom_load", {"prob": 0.1}),
    ("status", {"path": GENERATE, "prob": 0.1, "args": {"code": 503}}),
    ("status", {"path": "/api/ps", "prob": 0.1, "args": {"code": 503}}),
    ("reset", {"prob": 0.03}),
    ("runner_crash", {"prob": 0.05}),
    ("no_done", {"prob": 0.05}),
    ("half_line", {"prob": 0.05}),
    ("drop_rst", {"prob": 0.05}),
    ("oom_runtime", {"prob": 0.02}),
    ("unload_ignored", {"prob": 0.2}),
    ("ps_lies", {"prob": 0.3, "args": {"factor": 1.2}}),
]


@RESTARTS
@pytest.mark.parametrize("seed", range(1))
async def test_three_sessions_on_two_ollamas_that_fail_by_chance_lose_and_leave_nothing(
    open_team: OpenTeam, seed: int
) -> None:
    team = await open_team({"one": 32, "two": 32}, turn_attempts=8, seed=2 * seed)
    sessions = [await team.opened(text) for text in (FEATURE, "Fix typo in README", "Hire two backend engineers")]
    for endpoint in team.endpoints.values():
        for action, order in BY_CHANCE:
            endpoint.order(action, **order)
    tasks = [await team.delegated(session_id) for session_id in sessions for _ in range(2)]
    team.only.intervene("restart", down_s=20)

    for worked in await asyncio.gather(*(team.finished(task_id) for task_id in tasks)):
        keeps_its_messages(worked)
        if worked.view.error is not None:
            assert worked.view.error.code in {error.code for error in Unavailable.__subclasses__()}
        else:
            assert len(worked.messages) == worked.view.turns_total
    for endpoint in team.endpoints.values():
        endpoint.clear()
    for session_id in sessions:
        receipt = (await team.ended(session_id)).receipt
        assert differences(receipt, await team.log_of(session_id)) == []
    await team.nothing_stays()
