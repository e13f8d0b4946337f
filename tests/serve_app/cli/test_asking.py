"""Sessions that ask, on the command line: the question shown, put to somebody at a terminal, and answered."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from delegator import errors
from delegator import schemas as s
from tests.serve_app.cli.conftest import PROGRAM, Ended
from tests.serve_app.cli.test_run import asked, at
from tests.serve_app.samples import QUESTION, REPLIES, SESSION, CannedBackend, active, needs_input

DEADLINE_S = 60.0
ROOT = Path(__file__).parents[3]


@pytest.fixture
def asking(backend: CannedBackend) -> CannedBackend:
    """A backend whose session asks, and once it is answered works at once."""
    backend.answers["create_session"] = needs_input()
    backend.answers["delegate_task"] = at(0, status="queued")
    backend.answers["get_task"] = at(3, status="completed")
    return backend


# ── without a terminal ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", [["run"], ["session", "create"]], ids=" ".join)
def test_without_a_terminal_the_question_is_shown_and_the_session_waits(
    online: Callable[..., Ended], asking: CannedBackend, command: list[str]
) -> None:
    ended = online(*command, "Make the login better", "--ask")

    assert ended.code == 7
    request = asking.asked[0][1]
    assert isinstance(request, s.CreateSessionRequest)
    assert request.ask
    assert asked(asking) == ["create_session"]
    assert f"Session {SESSION} waits for an answer" in ended.out
    assert "Is this a bug fix, or rather feature development?" in ended.out
    assert "feature development" in ended.out
    assert "Something new is to be built" in ended.out
    assert f"Next: delegator session answer {SESSION} bug_fix" in ended.out


@pytest.mark.parametrize("command", [["run"], ["session", "create"]], ids=" ".join)
def test_with_json_the_reply_is_the_one_object(
    online: Callable[..., Ended], asking: CannedBackend, command: list[str]
) -> None:
    ended = online(*command, "Make the login better", "--ask", "--json")

    assert ended.code == 7
    assert (ended.json["status"], ended.json["session_id"]) == ("needs_input", SESSION)
    assert [option["answer"] for option in ended.json["question"]["options"]] == ["bug_fix", "feature_development"]
    assert asked(asking) == ["create_session"]


def test_a_run_that_need_not_ask_goes_on(online: Callable[..., Ended], asking: CannedBackend) -> None:
    asking.answers.pop("create_session")

    ended = online("run", "Fix typo in README", "--ask", "--json")

    assert (ended.code, ended.json["answer"]) == (0, "It is done.")


def test_an_answered_session_is_shown_as_a_new_one_is(online: Callable[..., Ended], asking: CannedBackend) -> None:
    ended = online("session", "answer", SESSION, "feature_development")

    assert ended.code == 0
    assert f"Session {SESSION} is ready" in ended.out


def test_an_answer_that_means_nothing_is_wrong_usage(online: Callable[..., Ended], asking: CannedBackend) -> None:
    asking.answers["answer_question"] = errors.InvalidInput("answer", "is no task type, nor yes", "The options are: x.")

    ended = online("session", "answer", SESSION, "perhaps")

    assert ended.code == 2
    assert ended.err.endswith("hint: The options are: x.\n")


def test_a_waiting_session_is_shown_as_waiting(online: Callable[..., Ended], asking: CannedBackend) -> None:
    waiting = {"status": s.SessionStatus.STARTING, "question": QUESTION, "active_agents": [], "models": {}}
    asking.answers["get_session"] = REPLIES["get_session"].model_copy(update=waiting)
    line = active().model_copy(update=waiting | {"question": QUESTION.question})
    asking.answers["list_active_sessions"] = s.ListActiveSessionsReply(sessions=[line], total_sessions=1)

    shown, listed = online("session", "show", SESSION), online("session", "list")

    assert f"Session {SESSION} waits for an answer" in shown.out
    assert QUESTION.question in shown.out
    assert "waits for an answer" in listed.out


# ── at a terminal ─────────────────────────────────────────────────────────────────────────────────────────────────


class AtTerminal:
    """A command that somebody sits at: what it asks can be read and answered."""

    def __init__(self, running: subprocess.Popen[str], terminal: int) -> None:
        self.running = running
        self._terminal = terminal
        self.seen = ""

    def wait_for(self, text: str) -> None:
        while text not in self.seen:
            self.seen += os.read(self._terminal, 4096).decode()

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def interrupt(self) -> None:
        """Break the command off; once more where the first signal fell between its question and its reading."""
        self.running.send_signal(signal.SIGINT)
        try:
            self.running.wait(timeout=DEADLINE_S / 4)
        except subprocess.TimeoutExpired:
            self.running.send_signal(signal.SIGINT)
            self.running.wait(timeout=DEADLINE_S / 2)

    def end(self) -> str:
        out, _ = self.running.communicate(timeout=DEADLINE_S)
        return out


@contextmanager
def at_terminal(*arguments: str) -> Iterator[AtTerminal]:
    ours, theirs = pty.openpty()
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    environment = {**os.environ, "TERM": "dumb", "PYTHONPATH": os.fspath(ROOT)}
    try:
        running = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            env=environment,
        )
    finally:
        signal.signal(signal.SIGINT, heard)
    os.close(theirs)
    try:
        yield AtTerminal(running, ours)
    finally:
        running.kill()
        running.communicate()
        os.close(ours)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("2", "feature_development"), ("", "bug_fix"), ("UI design", "ui_design"), ("9\nfoo\nyes", "bug_fix")],
    ids=["by number", "by default", "by name", "after nonsense"],
)
def test_at_a_terminal_the_question_is_put_and_the_run_goes_on(
    asking: CannedBackend, address: str, typed: str, answer: str
) -> None:
    with at_terminal("run", "Make the login better", "--ask", "--url", address) as command:
        command.wait_for("another kind of work")
        command.type(f"{typed}\n")
        out = command.end()

    assert command.running.returncode == 0
    assert asking.asked[1] == ("answer_question", s.AnswerQuestionRequest(session_id=SESSION, answer=answer, wait_s=0))
    assert asked(asking)[-1] == "end_session"
    assert "It is done." in out
    assert QUESTION.question in command.seen


def test_who_will_not_answer_ends_the_session(asking: CannedBackend, address: str) -> None:
    with at_terminal("run", "Make the login better", "--ask", "--url", address) as command:
        command.wait_for("another kind of work")
        command.interrupt()

    assert command.running.returncode == 130
    assert asked(asking) == ["create_session", "end_session"]


def test_an_answer_that_cannot_be_opened_is_the_error_and_leaves_nothing(asking: CannedBackend, address: str) -> None:
    asking.answers["answer_question"] = errors.MemoryExceeded("m", 50, 24)
    asking.answers["end_session"] = errors.SessionEnded(SESSION, "failed")
    with at_terminal("run", "Make the login better", "--ask", "--url", address) as command:
        command.wait_for("another kind of work")
        command.type("1\n")
        command.end()
        code = command.running.returncode

    assert code == 5
    assert asked(asking) == ["create_session", "answer_question", "end_session"]
