"""Faults that pass: the team comes to the end of its task all the same."""

from __future__ import annotations

from typing import Any

import pytest

from delegator.ollama.simulator.faults import FaultRule
from tests.actors.conftest import until
from tests.chaos.outcomes import (
    ARCHITECT,
    CHAT,
    DEVELOPER,
    FEATURE,
    GENERATE,
    PRODUCT,
    RESTARTS,
    TESTER,
    ends_clean,
    is_whole,
)
from tests.chaos.team_on_simulators import Endpoint, OpenTeam

pytestmark = pytest.mark.timeout(120)

# ── faults after which the task is completed all the same ────────────────────────────────────────────────────────

ORDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "load killed": ("oom_load", {"model": ARCHITECT, "args": {"kind": "killed"}, "times": 1}),
    "load out of memory": ("oom_load", {"model": ARCHITECT, "args": {"kind": "alloc"}, "times": 2}),
    "load failed": ("load_fail", {"model": ARCHITECT, "times": 1}),
    "load stalled": ("load_stall", {"model": DEVELOPER, "times": 1}),
    "load call reset": ("reset", {"path": GENERATE, "model": ARCHITECT, "times": 1}),
    "load call busy": ("status", {"path": GENERATE, "model": ARCHITECT, "args": {"code": 503}, "times": 2}),
    "runner crash": ("runner_crash", {"model": ARCHITECT, "times": 1}),
    "runner crash that cuts": ("runner_crash", {"model": ARCHITECT, "args": {"as": "drop_rst"}, "times": 1}),
    "runner crash of the last": ("runner_crash", {"model": PRODUCT, "nth": 2, "times": 1}),
    "out of memory in a reply": ("oom_runtime", {"model": ARCHITECT, "times": 1}),
    "no done": ("no_done", {"model": ARCHITECT, "times": 2}),
    "no done at the very end": ("no_done", {"model": ARCHITECT, "args": {"after": -1}, "times": 1}),
    "half a line": ("half_line", {"model": TESTER, "times": 2}),
    "half a line at once": ("half_line", {"model": TESTER, "args": {"after": 0}, "times": 1}),
    "garbage line": ("garbage_line", {"model": TESTER, "times": 1}),
    "error line": ("error_line", {"model": TESTER, "times": 1}),
    "connection reset": ("drop_rst", {"path": CHAT, "every": 2, "times": 3}),
    "connection closed": ("drop_fin", {"path": CHAT, "every": 3, "times": 3}),
    "chat busy": ("status", {"path": CHAT, "args": {"code": 503}, "every": 2, "times": 4}),
    "chat a page": ("wrong_content_type", {"path": CHAT, "times": 1}),
    "ps busy": ("status", {"path": "/api/ps", "args": {"code": 503}, "every": 2}),
    "ps reset": ("reset", {"path": "/api/ps", "every": 3}),
    "unload ignored once": ("unload_ignored", {"model": PRODUCT, "times": 1}),
    "first token hangs": ("hang", {"path": CHAT, "phase": "first_token", "model": ARCHITECT, "times": 1}),
    "reply hangs": ("hang", {"path": CHAT, "phase": "stream", "model": ARCHITECT, "times": 1}),
    "load slow": ("slow", {"phase": "load", "args": {"factor": 4}}),
}


@pytest.mark.parametrize("name", ORDERS)
async def test_a_task_survives(open_team: OpenTeam, name: str) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    action, order = ORDERS[name]
    rule = team.only.order(action, **order)

    worked = await team.finished(await team.delegated(session_id))

    assert rule.fired
    is_whole(worked)
    await ends_clean(team, session_id)


# ── an Ollama that starts anew ───────────────────────────────────────────────────────────────────────────────────


async def reached(endpoint: Endpoint, phase: str, model: str) -> FaultRule:
    """Order that the next call comes to a stop in that phase of work with a model; `lift` lets it go on."""
    if phase == "unload":
        return endpoint.order("unload_ignored", model=model, times=1)
    return endpoint.order("hang", phase=phase, model=model, times=1)


@RESTARTS
@pytest.mark.parametrize("down_s", [0, 20])
@pytest.mark.parametrize(
    ("phase", "model"),
    [("idle", ""), ("load", ARCHITECT), ("first_token", ARCHITECT), ("stream", ARCHITECT), ("unload", PRODUCT)],
)
async def test_a_task_survives_a_restart_that_loses_every_model(
    open_team: OpenTeam, phase: str, model: str, down_s: float
) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    if phase == "idle":
        team.only.intervene("restart", down_s=down_s)
        task_id = await team.delegated(session_id)
    else:
        rule = await reached(team.only, phase, model)
        task_id = await team.delegated(session_id)
        await until(lambda: rule.fired)
        team.only.intervene("restart", down_s=down_s)

    is_whole(await team.finished(task_id))
    assert team.only.happened("restarted") == 1
    await ends_clean(team, session_id)
