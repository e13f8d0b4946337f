"""`delegator ask` and `delegator task start --wait`: what is waited for, and how it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from delegator import schemas as s
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.samples import REPLIES, SESSION, TASK, CannedBackend, task

ASK = ("ask", SESSION, "senior_developer", "Which files?")


@pytest.fixture
def slow(backend: CannedBackend) -> CannedBackend:
    """A backend whose role answers at the third look."""
    later = {"status": s.TaskStatus.RUNNING, "reply": None}
    backend.answers["send_message"] = REPLIES["send_message"].model_copy(update=later)
    backend.answers["delegate_task"] = task("queued", turns_done=0)
    running = task("running", turns_done=0, role="senior_developer")
    backend.answers["get_task"] = [running, running, task("completed")]
    return backend


def test_ask_waits_for_the_reply(online: Callable[..., Ended], slow: CannedBackend) -> None:
    ended = online(*ASK, "--json")

    assert ended.code == 0
    assert (ended.json["status"], ended.json["reply"]) == ("completed", "Done.")


def test_ask_shows_who_replied(online: Callable[..., Ended], slow: CannedBackend) -> None:
    ended = online(*ASK)

    assert ended.out.startswith("Senior developer  deepseek-coder:6.7b · simulated")
    assert "  Done." in ended.out
    assert "Senior developer is speaking" in ended.err


def test_ask_without_waiting_tells_where_the_reply_will_be(online: Callable[..., Ended], slow: CannedBackend) -> None:
    ended = online(*ASK, "--no-wait")

    assert ended.code == 0
    assert f"delegator task show {TASK}" in ended.out
    assert [name for name, _ in slow.asked] == ["send_message"]


def test_a_reply_that_fails_exits_1(online: Callable[..., Ended], slow: CannedBackend) -> None:
    error = s.ErrorBody(code="agent_lost", message="it was lost")
    slow.answers["get_task"] = task("failed").model_copy(update={"error": error})

    ended = online(*ASK, "--json")

    assert ended.code == 1
    assert ended.json == {"error": error.model_dump(mode="json")}


def test_a_started_task_can_be_waited_for(online: Callable[..., Ended], slow: CannedBackend) -> None:
    ended = online("task", "start", SESSION, "--wait", "--json")

    assert ended.code == 0
    assert ended.json["answer"] == "Done."


def test_a_started_task_that_is_cancelled_exits_1(online: Callable[..., Ended], slow: CannedBackend) -> None:
    slow.answers["get_task"] = task("cancelled")

    ended = online("task", "start", SESSION, "--wait")

    assert ended.code == 1
    assert f"error: task '{TASK}' was cancelled" in ended.err
