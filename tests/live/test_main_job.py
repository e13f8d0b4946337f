"""The main job on every face of the whole system, and what bad input gets there."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import psutil
import pytest
from mcp import Client

from delegator.errors import DelegatorError
from delegator.schemas import CreateSessionRequest, DelegateTaskRequest, GetTaskRequest, OptionalSessionRef
from serve_app.client import AsyncClient
from tests.actors.ray_system import until
from tests.live.conftest import LiveSystem

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]

UNKNOWN = "session_19990101_000000_00000"


def test_up_tells_what_it_started(live: LiveSystem) -> None:
    assert (live.noted["already"], live.noted["simulated"]) == (False, True)


def test_run_prints_one_object_and_leaves_nothing_running(live: LiveSystem) -> None:
    done = live.json("run", "Plan Q2 roadmap and budget allocation", "--wait")

    assert {"session_id", "analysis", "active_agents", "replies", "answer", "receipt"} <= set(done)
    assert done["active_agents"] == ["ceo", "product_manager", "operations_head"]
    assert [r["role"] for r in done["replies"]] == ["ceo", "product_manager", "operations_head", "ceo"]
    assert [set(reply) for reply in done["replies"]] == [{"role", "text"}] * 4
    assert done["answer"] == done["replies"][-1]["text"]
    assert done["receipt"]["final"] is True
    assert done["receipt"]["simulated"] is True
    status = live.json("status")
    assert (status["running"], status["sessions"], status["agents"], status["models"]) == (True, [], [], [])
    assert live.ollama("/api/ps")["models"] == []


def test_a_second_up_says_that_it_is_up(live: LiveSystem) -> None:
    assert live.json("up")["already"] is True
    assert live.command("up", "--models", "simulated").stdout.startswith("Delegator was up already")


async def test_the_python_client_does_the_same(live: LiveSystem) -> None:
    async with AsyncClient(live.url) as client:
        created = await client.create_session(CreateSessionRequest(task_description="Fix typo in README"))
        task = await client.delegate_task(DelegateTaskRequest(session_id=created.session_id, wait_s=15))
        task = await client.get_task(GetTaskRequest(task_id=task.task_id, wait_s=15))
        ended = await client.end_session(OptionalSessionRef(session_id=created.session_id))

    assert created.active_agents == ["senior_developer"]
    assert task.answer
    assert ended.receipt.agents_used == 1


BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("unknown role", "add_agent_to_session", {"session_id": "@", "agent_role": "wizard"}, "unknown_role"),
    ("unknown session", "delegate_task", {"session_id": UNKNOWN}, "session_not_found"),
    ("ended session", "delegate_task", {"session_id": "@ended"}, "session_ended"),
    ("role there already", "add_agent_to_session", {"session_id": "@", "agent_role": "senior_developer"},
     "agent_already_active"),
    ("role not there", "send_message", {"session_id": "@", "to": "ceo", "text": "hello"}, "agent_not_active"),
    ("empty task", "create_session", {"task_description": "  "}, "invalid_input"),
    ("wrong type", "create_session", {"task_description": 7}, "invalid_input"),
    ("wrong nested type", "create_session", {"task_description": "x", "context": {"priority": 5}}, "invalid_input"),
    ("unknown field", "create_session", {"task_description": "x", "colour": "red"}, "invalid_input"),
    ("a task of 1 MB", "create_session", {"task_description": "x" * 1_000_000}, "too_large"),
]  # fmt: skip


@pytest.fixture
def filled(live: LiveSystem) -> dict[str, str]:
    """One open and one ended session, by the words the table of bad requests uses."""
    ids = [
        live.http("POST", "/v1/sessions", {"task_description": f"Fix typo in page {n}"}).json()["session_id"]
        for n in range(2)
    ]
    live.http("DELETE", f"/v1/sessions/{ids[1]}")
    return {"@": ids[0], "@ended": ids[1]}


async def test_bad_input_gets_its_code_on_every_face_and_changes_nothing(
    live: LiveSystem, filled: dict[str, str]
) -> None:
    before = live.http("GET", "/v1/history").json()["total_sessions"]
    async with Client(f"{live.url}/mcp") as mcp, AsyncClient(live.url) as client:
        for what, operation, body, code in BAD:
            request = {
                key: filled.get(value, value) if isinstance(value, str) else value for key, value in body.items()
            }
            told = {
                "http": _over_http(live, operation, request),
                "mcp": await _over_mcp(mcp, operation, request),
                "cli": _over_cli(live, operation, request),
                "client": await _over_client(client, operation, request),
            }
            for face, answer in told.items():
                if answer is not None:
                    assert _matches(answer, code), (what, face, answer)

    assert live.http("GET", "/v1/history").json()["total_sessions"] == before
    assert live.http("GET", "/v1/sessions").json()["total_sessions"] == 1


def _matches(answer: str, code: str) -> bool:
    return answer in ("payload_too_large", "invalid_input") if code == "too_large" else answer == code


PATHS = {
    "create_session": ("POST", "/v1/sessions"),
    "delegate_task": ("POST", "/v1/sessions/{session_id}/tasks"),
    "add_agent_to_session": ("POST", "/v1/sessions/{session_id}/agents"),
    "send_message": ("POST", "/v1/sessions/{session_id}/messages"),
}


def _over_http(live: LiveSystem, operation: str, request: dict[str, Any]) -> str:
    method, path = PATHS[operation]
    body = {key: value for key, value in request.items() if f"{{{key}}}" not in path}
    reply = live.http(method, path.format(**request), body)
    assert 400 <= reply.status_code < 500, reply.text
    return str(reply.json()["error"]["code"])


async def _over_mcp(mcp: Client, operation: str, request: dict[str, Any]) -> str:
    result = await mcp.call_tool(operation, request)
    assert result.is_error
    text = result.content[0].text  # type: ignore[union-attr]
    return str(json.loads(text[text.index("{") :])["error"]["code"])


COMMANDS = {
    "create_session": lambda r: ["session", "create", r["task_description"]],
    "delegate_task": None,
    "add_agent_to_session": lambda r: ["session", "add", r["session_id"], r["agent_role"]],
    "send_message": lambda r: ["ask", r["session_id"], r["to"], r["text"]],
}


def _over_cli(live: LiveSystem, operation: str, request: dict[str, Any]) -> str | None:
    words = COMMANDS[operation]
    if words is None or not all(isinstance(value, str) and len(value) < 100_000 for value in request.values()):
        return None  # what a command line cannot say
    if set(request) - {"task_description", "session_id", "agent_role", "to", "text"}:
        return None
    done = live.command(*words(request), "--json", check=False)
    assert done.returncode not in (0, 70), done
    assert "Traceback" not in done.stderr
    return str(json.loads(done.stdout)["error"]["code"])


async def _over_client(client: AsyncClient, operation: str, request: dict[str, Any]) -> str | None:
    from pydantic import ValidationError

    from serve_app.operations import BY_NAME

    try:
        made = BY_NAME[operation].request.model_validate(request)
    except ValidationError:
        return None  # refused before it is sent
    with pytest.raises(DelegatorError) as raised:
        await client.call(BY_NAME[operation], made)
    return raised.value.code


def test_more_sessions_than_the_limit_are_refused_with_a_hint(live: LiveSystem) -> None:
    for number in range(10):
        reply = live.http("POST", "/v1/sessions", {"task_description": f"Fix typo number {number}", "wait_s": 0})
        assert reply.status_code == 200, reply.text

    refused = live.http("POST", "/v1/sessions", {"task_description": "One more"})

    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "too_many_sessions"
    assert "max_concurrent_sessions" in refused.json()["error"]["hint"]


def test_killed_processes_come_back_and_the_task_goes_on(live: LiveSystem) -> None:
    created = live.http("POST", "/v1/sessions", {"task_description": "Add user authentication feature"}).json()
    live.ollama(
        "/_sim/faults", {"action": "hang", "match": {"path": "/api/chat", "phase": "stream"}, "times": 2}, "POST"
    )
    task = live.http("POST", f"/v1/sessions/{created['session_id']}/tasks", {}).json()
    until(lambda: any(m["refs"] for m in live.ollama("/_sim/state")["models"]))

    agent = live.http("GET", f"/v1/agents?session_id={created['session_id']}").json()["agents"][0]
    os.kill(agent["pid"], signal.SIGKILL)
    until(lambda: live.http("GET", f"/v1/tasks/{task['task_id']}").json()["status"] == "running")
    manager = next(p for p in psutil.process_iter() if _is_manager(p, live))
    manager.kill()
    live.ollama("/_sim/faults", method="DELETE")
    done = until(lambda: _finished(live, task["task_id"]), deadline_s=120)

    assert done["status"] == "completed"
    assert len(done["replies"]) == 5
    ended = live.http("DELETE", f"/v1/sessions/{created['session_id']}").json()
    assert len(ended["agents_terminated"]) == 4
    assert live.ollama("/api/ps")["models"] == []


def _is_manager(process: psutil.Process, live: LiveSystem) -> bool:
    try:
        return (
            process.cmdline()[:1] == ["ray::SessionManager"]
            and process.environ().get("DELEGATOR_INSTANCE") == live.noted["instance_id"]
        )
    except (psutil.Error, IndexError):
        return False


def _finished(live: LiveSystem, task_id: str) -> dict[str, Any] | None:
    reply = live.http("GET", f"/v1/tasks/{task_id}?wait_s=5")
    view = reply.json()
    return view if reply.status_code == 200 and view["status"] in ("completed", "failed", "cancelled") else None
