"""Every operation of the table has a command that sends its request and shows its reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from typer.main import get_command

from delegator import errors
from delegator import schemas as s
from serve_app.cli.main import app
from serve_app.cli.operation_words import COMMAND_OF
from serve_app.operations import BY_NAME, on_face
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.samples import REPLIES, SESSION, TASK, CannedBackend

LOCAL = {"analyze_task", "list_roles"}
"""Answered without a running system, see test_offline.py."""

CALLS: list[tuple[list[str], str, s.Request]] = [
    (["plan", "Fix typo"], "plan_session", s.PlanSessionRequest(task_description="Fix typo")),
    (
        ["session", "create", "Log in", "--priority", "high", "--category", "development", "--wait-s", "3"],
        "create_session",
        s.CreateSessionRequest(
            task_description="Log in",
            context={"priority": "high"},
            task_category=s.TaskCategory.DEVELOPMENT,
            wait_s=3,
        ),
    ),
    (
        ["session", "create", "Log in", "--ask"],
        "create_session",
        s.CreateSessionRequest(task_description="Log in", ask=True),
    ),
    (
        ["session", "answer", SESSION, "feature_development", "--wait-s", "3"],
        "answer_question",
        s.AnswerQuestionRequest(session_id=SESSION, answer="feature_development", wait_s=3),
    ),
    (["session", "list"], "list_active_sessions", s.NoInput()),
    (["session", "show", SESSION], "get_session", s.SessionRef(session_id=SESSION)),
    (["session", "end"], "end_session", s.OptionalSessionRef()),
    (["session", "end", SESSION], "end_session", s.OptionalSessionRef(session_id=SESSION)),
    (
        ["session", "add", SESSION, "ceo", "--reason", "approval"],
        "add_agent_to_session",
        s.AddAgentRequest(session_id=SESSION, agent_role="ceo", reason="approval"),
    ),
    (
        ["session", "remove", SESSION, "test_lead"],
        "remove_agent_from_session",
        s.RemoveAgentRequest(session_id=SESSION, agent_role="test_lead"),
    ),
    (["agents"], "list_active_agents", s.ListAgentsRequest()),
    (["agents", SESSION], "list_active_agents", s.ListAgentsRequest(session_id=SESSION)),
    (["agents", "--all"], "list_active_agents", s.ListAgentsRequest(all_sessions=True)),
    (
        ["agent", "restart", "test_lead", "--reason", "stuck"],
        "restart_agent",
        s.RestartAgentRequest(agent_role="test_lead", reason="stuck"),
    ),
    (["task", "start", SESSION], "delegate_task", s.DelegateTaskRequest(session_id=SESSION)),
    (["task", "start", SESSION, "More"], "delegate_task", s.DelegateTaskRequest(session_id=SESSION, task="More")),
    (["task", "show", TASK, "--wait-s", "2"], "get_task", s.GetTaskRequest(task_id=TASK, wait_s=2)),
    (["task", "cancel", TASK], "cancel_task", s.TaskRef(task_id=TASK)),
    (
        ["ask", SESSION, "ceo", "Well?", "--from", "cto"],
        "send_message",
        s.SendMessageRequest(session_id=SESSION, from_role="cto", to_role="ceo", text="Well?", wait_s=0),
    ),
    (["receipt", SESSION], "get_receipt", s.SessionRef(session_id=SESSION)),
    (
        [
            *("session", "feedback", SESSION, "--rating", "2", "--right-type", "operations", "--missing", "cto, ceo"),
            *("--needless", "test_lead", "--comment", "It was an outage."),
        ],
        "give_feedback",
        s.GiveFeedbackRequest(
            session_id=SESSION,
            rating=2,
            right_type=s.TaskType.OPERATIONS,
            missing_roles=("cto", "ceo"),
            needless_roles=("test_lead",),
            comment="It was an outage.",
        ),
    ),
    (["analysis", "evaluate"], "evaluate_analysis", s.NoInput()),
    (["analysis", "retrain"], "retrain_analysis", s.RetrainAnalysisRequest()),
    (["analysis", "retrain", "--apply"], "retrain_analysis", s.RetrainAnalysisRequest(apply=True)),
    (["analysis", "reset"], "reset_analysis", s.ResetAnalysisRequest()),
    (["analysis", "reset", "--to", "3"], "reset_analysis", s.ResetAnalysisRequest(to=3)),
    (["analysis", "versions"], "list_analysis_versions", s.NoInput()),
    (
        ["history", "--date", "2026-01-02", "--page", "2"],
        "session_history",
        s.SessionHistoryRequest(date=date(2026, 1, 2), page=2),
    ),
    (
        [
            *("history", "--from", "2026-01-02", "--to", "2026-01-03", "--category", "hr", "--status", "failed"),
            *("--text", "100 %", "--sort", "saved", "--ascending", "--page-size", "10"),
        ],
        "session_history",
        s.SessionHistoryRequest(
            from_date=date(2026, 1, 2),
            to_date=date(2026, 1, 3),
            category=s.TaskCategory.HR,
            status=s.SessionStatus.FAILED,
            text="100 %",
            sort="saved",
            descending=False,
            page_size=10,
        ),
    ),
    (
        ["statistics", "--from", "2026-01-01"],
        "statistics",
        s.StatisticsRequest(from_date=date(2026, 1, 1)),
    ),
    (["resources"], "resource_summary", s.NoInput()),
    (
        ["events", "--session", SESSION, "--after", "7", "--limit", "5"],
        "list_events",
        s.ListEventsRequest(session_id=SESSION, after=7, limit=5),
    ),
    (["alerts", "--limit", "5"], "list_alerts", s.ListAlertsRequest(limit=5)),
    (["cleanup"], "cleanup_orphaned_agents", s.NoInput()),
    (["models", "list"], "list_models", s.NoInput()),
    (["models", "pull", "llama3.2:3b"], "pull_model", s.PullModelRequest(model="llama3.2:3b", wait_s=1)),
    (
        ["models", "pull", "llama3.2:3b", "--endpoint", "ollama-2", "--no-wait"],
        "pull_model",
        s.PullModelRequest(model="llama3.2:3b", endpoint="ollama-2", wait_s=0),
    ),
    (
        ["models", "progress", "llama3.2:3b", "--wait-s", "2"],
        "get_pull",
        s.GetPullRequest(model="llama3.2:3b", wait_s=2),
    ),
    (["models", "cancel", "llama3.2:3b"], "cancel_pull", s.ModelRef(model="llama3.2:3b")),
    (
        ["models", "remove", "codellama:13b", "--endpoint", "ollama"],
        "remove_model",
        s.ModelRef(model="codellama:13b", endpoint="ollama"),
    ),
    (["models", "load", "llama3.2:3b"], "load_model", s.ModelControlRequest(model="llama3.2:3b")),
    (
        ["models", "unload", "llama3.2:3b", "--endpoint", "ollama", "--no-wait"],
        "unload_model",
        s.ModelControlRequest(model="llama3.2:3b", endpoint="ollama", wait_s=0),
    ),
    (["models", "pin", "llama3.2:3b"], "pin_model", s.ModelControlRequest(model="llama3.2:3b")),
    (["models", "unpin", "llama3.2:3b"], "unpin_model", s.ModelControlRequest(model="llama3.2:3b")),
    (["models", "fit"], "fit_models", s.FitModelsRequest()),
    (
        ["models", "fit", "--memory", "24GB", "--catalogue", "compact"],
        "fit_models",
        s.FitModelsRequest(memory_gb=24, catalogue="compact"),
    ),
]


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_every_operation_has_exactly_one_command() -> None:
    behind = [(command.callback.__name__, " ".join(path)) for path, command in commands(get_command(app))]

    table = {operation.name for operation in on_face("cli")}
    assert sorted(pair for pair in behind if pair[0] in BY_NAME) == sorted(COMMAND_OF.items())
    assert {name for _, name, _ in CALLS} | LOCAL == set(COMMAND_OF) == table


def test_hints_speak_of_commands_instead_of_operations(online: Callable[..., Ended], backend: CannedBackend) -> None:
    backend.answers["send_message"] = errors.AgentNotActive(SESSION, "ceo", "ceo")

    told, as_json = online("ask", SESSION, "ceo", "x"), online("ask", SESSION, "ceo", "x", "--json")

    assert told.err.endswith(
        "hint: delegator session show shows the team; delegator session add with agent_role 'ceo' takes it in.\n"
    )
    assert as_json.json["error"]["details"]["suggest_spawn"] == "ceo"
    assert "add_agent_to_session" in as_json.json["error"]["hint"]


@pytest.mark.parametrize("simulated", [True, False])
def test_figures_of_simulated_models_are_called_so_where_the_reply_cannot(
    online: Callable[..., Ended], backend: CannedBackend, simulated: bool
) -> None:
    summary = REPLIES["resource_summary"].model_copy(update={"simulated": simulated})
    backend.answers["resource_summary"] = summary

    assert ("Models are simulated" in online("agents").out) is simulated


@pytest.mark.parametrize(("arguments", "name", "request_"), CALLS, ids=lambda value: str(value)[:40])
def test_a_command_sends_its_request(
    online: Callable[..., Ended], backend: CannedBackend, arguments: list[str], name: str, request_: s.Request
) -> None:
    ended = online(*arguments)

    assert ended.code == 0, ended.err
    assert backend.asked[0] == (name, request_)


@pytest.mark.parametrize(("arguments", "name", "request_"), CALLS, ids=lambda value: str(value)[:40])
def test_json_is_the_reply_and_nothing_else(
    online: Callable[..., Ended], arguments: list[str], name: str, request_: s.Request
) -> None:
    ended = online(*arguments, "--json")

    assert ended.json == REPLIES[name].model_dump(mode="json", by_alias=True)
    assert ended.out.count("\n") == 1
    assert ended.err == ""


@pytest.mark.parametrize(
    ("error", "code", "hint"),
    [
        (errors.SessionNotFound("session_x"), 3, "delegator session list"),
        (errors.SessionEnded(SESSION, "completed"), 4, "Create a new session"),
        (errors.TooManySessions(10), 5, "End one"),
        (errors.UnknownRole("cfo", ("ceo", "cto")), 2, "ceo, cto"),
        (errors.StoreUnavailable("no route"), 6, "PostgreSQL"),
    ],
)
def test_an_error_of_the_system_is_a_sentence_a_hint_and_a_code(
    online: Callable[..., Ended], backend: CannedBackend, error: errors.DelegatorError, code: int, hint: str
) -> None:
    backend.answers["get_session"] = error

    told, as_json = online("session", "show", SESSION), online("session", "show", SESSION, "--json")

    assert (told.code, told.out) == (code, "")
    assert told.err.startswith(f"error: {error.message}\nhint: ")
    assert hint in told.err
    assert (as_json.code, as_json.err) == (code, "")
    assert as_json.json["error"]["code"] == error.code
    assert as_json.json["error"]["details"] == error.details()


@pytest.mark.parametrize(
    "arguments", [["session", "list"], ["run", "x"], ["ask", "s", "ceo", "x"], ["task", "show", "t"]]
)
def test_without_a_running_system_the_hint_is_how_to_start_it(
    delegator: Callable[..., Ended], arguments: list[str]
) -> None:
    ended = delegator(*arguments, "--url", "http://127.0.0.1:9")

    assert ended.code == 6
    assert ended.err.splitlines()[-2:] == [
        "error: Delegator does not answer at http://127.0.0.1:9",
        "hint: Start it with: delegator up",
    ]


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://h:port", "http://[half"])
def test_an_address_that_is_none_is_refused(delegator: Callable[..., Ended], url: str) -> None:
    ended = delegator("session", "list", "--url", url, "--json")

    assert ended.code == 2
    assert ended.json["error"]["details"]["field"] == "--url"
