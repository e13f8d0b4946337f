"""`delegator run`: the whole way of a task, and no session left behind however it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest

from delegator import errors
from delegator import schemas as s
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.samples import AGENT, ANALYSIS, RECEIPT, REPLIES, SESSION, TASK, CannedBackend, task

DEADLINE_S = 60.0

TURNS = [
    s.TurnReply(
        role=role, text=text, purpose=purpose, model="llama3.1:8b", prompt_tokens=9, reply_tokens=9, seconds=2.5
    )
    for role, text, purpose in (
        ("senior_developer", "I frame it.", "frame"),
        ("test_lead", "I [bold]test\x1b[2J it.", "contribute"),
        ("senior_developer", "It is done.", "conclude"),
    )
]


def at(turns_done: int, *, status: str = "running", role: str | None = None, waits: str | None = None) -> s.TaskView:
    """Return a task of three turns on its way."""
    done = turns_done == len(TURNS)
    changed: dict[str, Any] = {
        "turns_total": 3,
        "replies": TURNS[:turns_done],
        "answer": "It is done." if done else None,
    }
    return task(status, turns_done=turns_done, role=role, waiting=waits).model_copy(update=changed)


@pytest.fixture
def team(backend: CannedBackend) -> CannedBackend:
    """A backend whose session starts, works three turns and ends."""
    view = REPLIES["get_session"]
    backend.answers["get_session"] = [view.model_copy(update={"status": s.SessionStatus.STARTING}), view]
    listed = REPLIES["list_active_agents"]
    waiting = AGENT.model_copy(update={"model_resident": False})
    backend.answers["list_active_agents"] = [listed.model_copy(update={"agents": [waiting]}), listed]
    backend.answers["delegate_task"] = at(0, status="queued")
    backend.answers["get_task"] = [
        at(0, role="senior_developer", waits="llama3.1:8b"),
        at(1, role="test_lead"),
        at(3, status="completed"),
    ]
    return backend


def asked(backend: CannedBackend) -> list[str]:
    return [name for name, _ in backend.asked]


def test_a_run_goes_from_the_task_to_the_receipt(online: Callable[..., Ended], team: CannedBackend) -> None:
    ended = online("run", "Fix typo in README", "--priority", "high")

    assert ended.code == 0
    created = s.CreateSessionRequest(task_description="Fix typo in README", context={"priority": "high"}, wait_s=0)
    assert team.asked[0] == ("create_session", created)
    assert team.asked[-1] == ("end_session", s.OptionalSessionRef(session_id=SESSION))
    places = [
        "Models are simulated",
        "Task: bug fix · low complexity",
        "Senior Developer  deepseek-coder:6.7b",
        "Senior Developer  frames the task · llama3.1:8b",
        "I frame it.",
        "Test lead  contributes",
        "I [bold]test it.",
        "Answer  Senior Developer concludes",
        "It is done.",
        f"Receipt of {SESSION}  simulated",
        "this session (1 of 9)",
    ]
    found = [ended.out.find(place) for place in places]
    assert -1 not in found, places[found.index(-1)]
    assert found == sorted(found)
    assert ended.out.count("It is done.") == 1


def test_progress_is_told_beside_the_results(online: Callable[..., Ended], team: CannedBackend) -> None:
    ended = online("run", "Fix typo in README")

    assert ended.err.splitlines() == [
        "Reading the task and choosing the team",
        "Starting 1 agent: 1 running, waiting for deepseek-coder:6.7b",
        "turn 1 of 3: Senior Developer waits for llama3.1:8b",
        "turn 2 of 3: Test lead is speaking",
        "Ending the session and freeing its memory",
    ]


def test_nothing_a_terminal_obeys_is_printed_when_piped(online: Callable[..., Ended], team: CannedBackend) -> None:
    ended = online("run", "Fix \x1b[31mtypo")

    assert "\x1b" not in ended.out + ended.err


def test_json_is_one_object_with_all_of_it(online: Callable[..., Ended], team: CannedBackend) -> None:
    ended = online("run", "Fix typo in README", "--wait", "--json")

    assert ended.code == 0
    assert ended.json == {
        "session_id": SESSION,
        "task_id": TASK,
        "status": "completed",
        "analysis": ANALYSIS.model_dump(mode="json"),
        "active_agents": ["senior_developer"],
        "replies": [{"role": turn.role, "text": turn.text} for turn in TURNS],
        "answer": "It is done.",
        "receipt": RECEIPT.model_dump(mode="json"),
        "simulated": True,
    }


def test_a_kept_session_stays_open(online: Callable[..., Ended], team: CannedBackend) -> None:
    ended = online("run", "Fix typo in README", "--keep")

    assert ended.code == 0
    assert "end_session" not in asked(team)
    assert asked(team)[-1] == "get_receipt"
    assert f"delegator session end {SESSION}" in ended.out


def test_without_waiting_the_team_goes_on_alone(online: Callable[..., Ended], team: CannedBackend) -> None:
    ended, as_json = online("run", "Fix", "--no-wait"), online("run", "Fix", "--no-wait", "--json")

    assert ended.code == as_json.code == 0
    assert "end_session" not in asked(team)
    assert f"delegator task show {TASK}" in ended.out
    assert (as_json.json["status"], as_json.json["answer"], as_json.json["receipt"]) == ("queued", None, None)


def test_a_failed_task_ends_the_session_and_exits_1(online: Callable[..., Ended], team: CannedBackend) -> None:
    error = s.ErrorBody(code="model_missing", message="the model is gone", hint="Fetch it.")
    failed = at(1, status="failed").model_copy(update={"error": error})
    team.answers["get_task"] = failed

    ended, as_json = online("run", "Fix"), online("run", "Fix", "--json")

    assert ended.code == as_json.code == 1
    assert "I frame it." in ended.out
    assert ended.err.endswith("error: the model is gone\nhint: Fetch it.\n")
    assert as_json.json["error"] == error.model_dump(mode="json")
    assert as_json.json["replies"] == [{"role": "senior_developer", "text": "I frame it."}]
    assert asked(team).count("end_session") == 2


def test_a_cancelled_task_is_told_as_such(online: Callable[..., Ended], team: CannedBackend) -> None:
    team.answers["get_task"] = at(1, status="cancelled")

    ended = online("run", "Fix", "--json")

    assert ended.code == 1
    assert ended.json["error"]["code"] == "task_cancelled"


def test_an_error_on_the_way_ends_the_session(online: Callable[..., Ended], team: CannedBackend) -> None:
    team.answers["delegate_task"] = errors.StoreUnavailable("disk full")

    ended = online("run", "Fix", "--json")

    assert ended.code == 6
    assert ended.json["error"]["code"] == "store_unavailable"
    assert asked(team)[-1] == "end_session"


def test_a_session_that_cannot_start_says_why(online: Callable[..., Ended], team: CannedBackend) -> None:
    changed = {"status": s.SessionStatus.FAILED, "end_reason": "no memory"}
    team.answers["get_session"] = REPLIES["get_session"].model_copy(update=changed)

    ended = online("run", "Fix")

    assert ended.code == 1
    assert "error: the session could not start: no memory" in ended.err


def test_what_goes_wrong_with_ending_does_not_hide_the_error(online: Callable[..., Ended], team: CannedBackend) -> None:
    team.answers["delegate_task"] = errors.StoreUnavailable("disk full")
    team.answers["end_session"] = errors.StoreUnavailable("still full")

    ended = online("run", "Fix")

    assert ended.code == 6
    assert f"Session {SESSION} was not ended: the database does not answer: still full" in ended.err
    assert "error: the database does not answer: disk full" in ended.err


class Gate:
    """Makes an answer of the backend wait: tells that it was asked for, and lets it through when opened."""

    def __init__(self, backend: CannedBackend, name: str) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        plain = backend.call

        async def call(operation: Any, request: s.Request) -> s.Reply:
            reply = await plain(operation, request)
            if operation.name == name:
                self.reached.set()
                await asyncio.to_thread(self._open.wait, DEADLINE_S)
            return reply

        backend.call = call  # type: ignore[method-assign]

    def open(self) -> None:
        self._open.set()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_the_session(
    team: CannedBackend, address: str, process: Callable[..., subprocess.Popen[str]], number: int, code: int
) -> None:
    gate = Gate(team, "get_task")
    with process("run", "Fix", "--json", "--url", address) as running:
        assert gate.reached.wait(DEADLINE_S)
        running.send_signal(number)
        out, err = running.communicate(timeout=DEADLINE_S)
    gate.open()

    assert running.returncode == code, err
    assert set(json.loads(out)) == {"error"}
    assert asked(team)[-1] == "end_session"
    assert f"Ending session {SESSION}" in err
    assert "Traceback" not in err


def test_an_interruption_while_creating_ends_what_was_created(
    team: CannedBackend, address: str, process: Callable[..., subprocess.Popen[str]]
) -> None:
    gate = Gate(team, "create_session")
    with process("run", "Fix", "--url", address) as running:
        assert gate.reached.wait(DEADLINE_S)
        running.send_signal(signal.SIGINT)
        gate.open()
        out, err = running.communicate(timeout=DEADLINE_S)

    assert running.returncode == 130, err
    assert out == ""
    assert err.endswith("error: interrupted\n")
    assert asked(team) == ["create_session", "end_session"]


def test_a_second_interruption_leaves_at_once(
    team: CannedBackend, address: str, process: Callable[..., subprocess.Popen[str]]
) -> None:
    working, ending = Gate(team, "get_task"), Gate(team, "end_session")
    with process("run", "Fix", "--url", address) as running:
        assert working.reached.wait(DEADLINE_S)
        running.send_signal(signal.SIGINT)
        assert ending.reached.wait(DEADLINE_S)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=DEADLINE_S)
    working.open()
    ending.open()

    assert running.returncode == 130, err
    assert "Traceback" not in err
