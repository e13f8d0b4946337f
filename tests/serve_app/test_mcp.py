"""The MCP face: in memory and over HTTP, on the old wire and the new, through the real client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

from delegator import errors
from delegator import schemas as s
from serve_app.mcp import at_once, build_mcp
from serve_app.operations import OPERATIONS, on_face
from tests.serve_app.samples import REPLIES, SESSION, TASK, CannedBackend, example_request, pull, task

WIRES = ["legacy", "2026-07-28"]

ORIGIN_FIELDS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "create_session": (
        {"task_description", "context"},
        {"task_description"},
        {"session_id", "active_agents", "estimated_resources", "status"},
    ),
    "analyze_task": (
        {"task_description", "analyze_only"},
        {"task_description"},
        {"task_type", "complexity", "recommended_agents", "reasoning", "estimated_time"},
    ),
    "add_agent_to_session": (
        {"session_id", "agent_role", "reason"},
        {"session_id", "agent_role"},
        {"agent_role", "status", "model", "ready_in_seconds"},
    ),
    "remove_agent_from_session": (
        {"session_id", "agent_role", "reason"},
        {"session_id", "agent_role"},
        {"agent_role", "status", "resources_freed_gb"},
    ),
    "list_active_sessions": (set(), set(), {"sessions", "total_sessions"}),
    "end_session": (
        {"session_id"},
        set(),
        {"session_id", "agents_terminated", "resources_freed_gb", "session_duration_minutes"},
    ),
}
"""The origin's six tools: its input fields, which of them must be given, and its output fields."""

ORIGIN_REQUESTS: list[tuple[str, dict[str, Any]]] = [
    (
        "create_session",
        {
            "task_description": "Implement user authentication",
            "context": {"priority": "high", "deadline": "2025-12-01", "existing_code": "apps/auth/"},
        },
    ),
    ("analyze_task", {"task_description": "Fix typo in README", "analyze_only": True}),
    ("add_agent_to_session", {"session_id": SESSION, "agent_role": "ceo", "reason": "Need strategic approval"}),
    ("remove_agent_from_session", {"session_id": SESSION, "agent_role": "test_lead", "reason": "Testing completed"}),
    ("list_active_sessions", {}),
    ("end_session", {"session_id": SESSION}),
    ("start_session", {"task_category": "quick_fix", "description": "Test monitoring"}),
    ("spawn_agent", {"role": "ceo"}),
    ("shutdown_agent", {"role": "ceo"}),
    ("session_status", {}),
    ("end_session", {}),
]


@asynccontextmanager
async def in_memory(backend: CannedBackend) -> AsyncIterator[Client]:
    async with Client(build_mcp(at_once(backend))) as client:
        yield client


def text_of(result: CallToolResult) -> dict[str, Any]:
    """Return the JSON of a result's text, which every result has."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    found: dict[str, Any] = json.loads(content.text)
    return found


def error_of(result: CallToolResult) -> s.ErrorBody:
    assert result.is_error
    assert result.structured_content is None
    return s.ErrorReply.model_validate(text_of(result)).error


async def test_tools_are_those_of_the_table_in_its_order(backend: CannedBackend):
    async with in_memory(backend) as client:
        tools = (await client.list_tools()).tools

    assert [tool.name for tool in tools] == [operation.name for operation in OPERATIONS]
    for tool, operation in zip(tools, OPERATIONS, strict=True):
        assert (tool.title, tool.description) == (operation.title, operation.description)
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint == operation.read_only
        assert tool.annotations.destructive_hint == operation.destructive
        assert tool.annotations.idempotent_hint == operation.idempotent
        assert tool.annotations.open_world_hint is False


@pytest.mark.parametrize("name", sorted(ORIGIN_FIELDS))
async def test_the_origins_tools_keep_their_fields(backend: CannedBackend, name: str):
    taken, required, given = ORIGIN_FIELDS[name]
    async with in_memory(backend) as client:
        tool = next(tool for tool in (await client.list_tools()).tools if tool.name == name)

    assert taken <= set(tool.input_schema["properties"])
    assert set(tool.input_schema.get("required", [])) == required
    assert tool.output_schema is not None
    assert given <= set(tool.output_schema["required"])


@pytest.mark.parametrize("wire", WIRES)
async def test_every_tool_answers_over_http(address: str, backend: CannedBackend, wire: Any):
    async with Client(f"{address}/mcp", mode=wire) as client:
        for operation in on_face("mcp"):
            backend.reset()
            result = await client.call_tool(operation.name, dict(operation.example))

            assert not result.is_error, operation.name
            assert result.structured_content == text_of(result)
            operation.reply.model_validate(result.structured_content)
            if operation.handler is None:
                assert backend.asked == [(operation.name, example_request(operation))]


@pytest.mark.parametrize("wire", WIRES)
async def test_the_origins_requests_are_taken_as_they_are(address: str, backend: CannedBackend, wire: Any):
    async with Client(f"{address}/mcp", mode=wire) as client:
        for name, arguments in ORIGIN_REQUESTS:
            result = await client.call_tool(name, arguments)

            assert not result.is_error, (name, result)


@pytest.mark.parametrize(
    ("name", "arguments", "code", "field"),
    [
        ("create_session", {}, "invalid_input", "task_description"),
        ("create_session", {"task_description": ""}, "invalid_input", "task_description"),
        ("create_session", {"task_description": " \n "}, "invalid_input", "task_description"),
        ("create_session", {"task_description": None}, "invalid_input", "task_description"),
        ("create_session", {"task_description": ["x"]}, "invalid_input", "task_description"),
        ("create_session", {"task_description": "x" * 1_000_000}, "invalid_input", "task_description"),
        ("create_session", {"task_description": "a\x00b"}, "invalid_input", "task_description"),
        ("create_session", {"task_description": "x", "context": "high"}, "invalid_input", "context"),
        ("create_session", {"task_description": "x", "task_category": "nope"}, "invalid_input", "task_category"),
        ("create_session", {"task_description": "x", "wait_s": 3600}, "invalid_input", "wait_s"),
        ("create_session", {"task_description": "x", "wait_s": True}, "invalid_input", "wait_s"),
        ("create_session", {"task_description": "x", "surprise": 1}, "invalid_input", "surprise"),
        ("get_session", {"session_id": ""}, "invalid_input", "session_id"),
        ("get_session", {"session_id": "a b"}, "invalid_input", "session_id"),
        ("get_session", {"session_id": 5}, "invalid_input", "session_id"),
        ("send_message", {"session_id": "x", "text": "hello"}, "invalid_input", "to"),
        ("start_session", {"task_category": "bogus", "description": "x"}, "invalid_input", "task_category"),
        ("list_roles", {"x": 1}, "invalid_input", "x"),
        ("creat_session", {"task_description": "x"}, "unknown_tool", None),
        ("", {}, "unknown_tool", None),
        ("../../etc/passwd", {}, "unknown_tool", None),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
async def test_bad_calls_are_told_what_is_wrong(
    address: str, backend: CannedBackend, name: str, arguments: dict[str, Any], code: str, field: str | None
):
    async with Client(f"{address}/mcp", mode="2026-07-28") as client:
        error = error_of(await client.call_tool(name, arguments))

    assert error.code == code
    assert error.message
    assert error.details.get("field") == field
    assert backend.asked == []


async def test_a_near_miss_of_a_tool_name_is_suggested(backend: CannedBackend):
    async with in_memory(backend) as client:
        error = error_of(await client.call_tool("creat_session", {}))

    assert error.hint == "Did you mean create_session?"


@pytest.mark.parametrize(
    "raised",
    [
        errors.AgentNotActive(SESSION, "ceo", "ceo"),
        errors.SessionAmbiguous(("session_a", "session_b")),
        errors.TooManySessions(10),
        errors.OllamaUnavailable("http://127.0.0.1:11434", "refused"),
    ],
    ids=lambda error: error.code,
)
async def test_errors_of_the_system_keep_code_hint_and_details(backend: CannedBackend, raised: errors.DelegatorError):
    backend.answers["list_active_agents"] = raised
    async with in_memory(backend) as client:
        error = error_of(await client.call_tool("list_active_agents", {}))

    assert (error.code, error.message, error.hint) == (raised.code, raised.message, raised.advice)
    assert error.details == raised.details()


async def test_a_bug_is_an_error_without_its_story(backend: CannedBackend):
    backend.answers["list_roles"] = ZeroDivisionError("secret detail")
    async with in_memory(backend) as client:
        result = await client.call_tool("list_roles", {})

    assert error_of(result).code == "internal_error"
    assert "secret detail" not in str(result)


class Progress:
    """Collects progress; the client calls it."""

    def __init__(self) -> None:
        self.told: list[tuple[float, float | None, str | None]] = []

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.told.append((progress, total, message))

    @property
    def messages(self) -> list[str | None]:
        return [message for _, _, message in self.told]

    def assert_rising(self) -> None:
        values = [progress for progress, _, _ in self.told]
        assert values == sorted(set(values))


TURNS = [
    task("running", turns_done=0, role="senior_developer", waiting="deepseek-coder:6.7b"),
    task("running", turns_done=0, role="senior_developer"),
    task("running", turns_done=0, role="senior_developer"),
    task("running", turns_done=1, role="test_lead"),
    task("completed", turns_done=2),
]
TOLD = [
    "senior_developer waits for deepseek-coder:6.7b",
    "senior_developer speaks",
    "test_lead speaks",
    "completed",
]


@pytest.mark.parametrize("wire", WIRES)
async def test_waiting_for_a_task_reports_each_turn(address: str, backend: CannedBackend, wire: Any):
    backend.answers["get_task"] = list(TURNS)
    progress = Progress()
    async with Client(f"{address}/mcp", mode=wire) as client:
        result = await client.call_tool("get_task", {"task_id": TASK, "wait_s": 20}, progress_callback=progress)

    assert s.TaskView.model_validate(result.structured_content) == TURNS[-1]
    assert progress.messages == TOLD
    progress.assert_rising()
    assert progress.told[-1][:2] == (2, 2)


async def test_delegating_with_a_wait_reports_from_the_start(address: str, backend: CannedBackend):
    backend.answers["get_task"] = list(TURNS)
    progress = Progress()
    async with Client(f"{address}/mcp") as client:
        result = await client.call_tool(
            "delegate_task", {"session_id": SESSION, "wait_s": 20}, progress_callback=progress
        )

    assert s.TaskView.model_validate(result.structured_content) == TURNS[-1]
    assert progress.messages == ["waiting for its turn", *TOLD]
    assert backend.asked[0] == ("delegate_task", s.DelegateTaskRequest(session_id=SESSION, wait_s=0))


@pytest.mark.parametrize("tool", ["pull_model", "get_pull"])
async def test_waiting_for_a_download_reports_its_share(address: str, backend: CannedBackend, tool: str):
    looks = [pull("running", ratio=ratio) for ratio in (0.1, 0.1, 0.6)] + [pull()]
    backend.answers |= {"pull_model": looks[0], "get_pull": looks[1:] if tool == "pull_model" else looks}
    progress = Progress()
    async with Client(f"{address}/mcp") as client:
        result = await client.call_tool(tool, {"model": "llama3.2:3b", "wait_s": 20}, progress_callback=progress)

    assert s.Pull.model_validate(result.structured_content) == pull()
    assert [share for share, _, _ in progress.told] == [0.1, 0.6, 1.0]


async def test_a_download_that_fails_on_the_way_is_the_error_it_was(address: str, backend: CannedBackend):
    failed = errors.PullFailed("ollama", "llama3.2:3b", "no space left on device")
    body = s.ErrorBody(code=failed.code, message=failed.message, hint=failed.advice, details=failed.details())
    backend.answers |= {"pull_model": pull("running", ratio=0.1), "get_pull": pull("failed", ratio=0.2, error=body)}
    arguments = {"model": "llama3.2:3b", "wait_s": 20}
    async with Client(f"{address}/mcp") as client:
        result = await client.call_tool("pull_model", arguments, progress_callback=Progress())

    assert error_of(result) == body


async def test_a_message_with_progress_ends_with_the_same_reply(address: str, backend: CannedBackend):
    sent = REPLIES["send_message"].model_copy(update={"status": s.TaskStatus.QUEUED, "reply": None})
    backend.answers |= {"send_message": sent, "get_task": list(TURNS)}
    progress = Progress()
    arguments = {"session_id": SESSION, "to": "senior_developer", "text": "Hello"}
    async with Client(f"{address}/mcp") as client:
        result = await client.call_tool("send_message", arguments, progress_callback=progress)

    assert result.structured_content is not None
    assert (result.structured_content["status"], result.structured_content["reply"]) == ("completed", "Done.")
    assert progress.messages == TOLD


async def test_a_message_that_fails_on_the_way_is_the_error_it_was(address: str, backend: CannedBackend):
    lost = errors.AgentLost("senior_developer", 4, "killed")
    body = s.ErrorBody(code=lost.code, message=lost.message, hint=lost.advice, details=lost.details())
    backend.answers["get_task"] = task("failed", turns_done=0).model_copy(update={"error": body})
    arguments = {"session_id": SESSION, "to": "senior_developer", "text": "Hello"}
    async with Client(f"{address}/mcp") as client:
        result = await client.call_tool("send_message", arguments, progress_callback=Progress())

    assert error_of(result) == body


@pytest.mark.parametrize("wire", WIRES)
async def test_creating_a_session_shows_signs_of_life(address: str, backend: CannedBackend, wire: Any):
    progress = Progress()
    async with Client(f"{address}/mcp", mode=wire) as client:
        result = await client.call_tool("create_session", {"task_description": "x"}, progress_callback=progress)

    assert result.structured_content is not None
    assert result.structured_content["session_id"] == SESSION
    assert progress.messages[0] == "starting agents and loading models"


async def test_without_a_progress_token_the_call_is_made_as_it_is(address: str, backend: CannedBackend):
    async with Client(f"{address}/mcp") as client:
        await client.call_tool("get_task", {"task_id": TASK, "wait_s": 20})

    assert backend.asked == [("get_task", s.GetTaskRequest(task_id=TASK, wait_s=20))]


async def test_many_calls_at_once_get_their_own_answers(address: str, backend: CannedBackend):
    def echoed(request: s.SessionRef) -> s.Reply:
        return REPLIES["get_session"].model_copy(update={"session_id": request.session_id})

    backend.answers["get_session"] = echoed
    names = [f"session_{number}" for number in range(30)]
    async with Client(f"{address}/mcp") as client:
        results = await asyncio.gather(*(client.call_tool("get_session", {"session_id": name}) for name in names))

    assert [result.structured_content["session_id"] for result in results if result.structured_content] == names


READABLE = {
    "delegator://roles": "list_roles",
    "delegator://sessions": "list_active_sessions",
    "delegator://resources": "resource_summary",
    f"delegator://sessions/{SESSION}": "get_session",
}


async def test_resources_read_as_the_operations_behind_them(backend: CannedBackend):
    async with in_memory(backend) as client:
        listed = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
        read = {uri: (await client.read_resource(uri)).contents[0] for uri in READABLE}

    plain = [resource for resource in listed if not resource.uri.startswith("ui://")]
    assert [resource.uri for resource in plain] == list(READABLE)[:3]
    assert [template.uri_template for template in templates] == ["delegator://sessions/{session_id}"]
    assert all(resource.description and resource.mime_type == "application/json" for resource in plain)
    for uri, name in READABLE.items():
        assert json.loads(read[uri].text) == json.loads(REPLIES[name].model_dump_json(by_alias=True))  # type: ignore[union-attr]


@pytest.mark.parametrize("uri", ["delegator://nope", "delegator://sessions/", "file:///etc/passwd"])
async def test_an_unknown_resource_is_a_protocol_error(backend: CannedBackend, uri: str):
    async with in_memory(backend) as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)

    assert caught.value.code == -32602
    assert uri in caught.value.message


async def test_a_resource_of_a_missing_session_carries_the_error(backend: CannedBackend):
    backend.answers["get_session"] = errors.SessionNotFound("session_x")
    async with in_memory(backend) as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource("delegator://sessions/session_x")

    assert caught.value.code == -32602
    assert caught.value.data["error"]["code"] == "session_not_found"


async def test_prompts_carry_the_callers_task_as_it_is(backend: CannedBackend):
    async with in_memory(backend) as client:
        prompts = (await client.list_prompts()).prompts
        filled = [await client.get_prompt(prompt.name, {"task": "Mend {this} %s"}) for prompt in prompts]

    assert [prompt.name for prompt in prompts] == ["work_on", "whom_do_i_need"]
    assert all(prompt.title and prompt.description for prompt in prompts)
    assert all("Mend {this} %s" in str(prompt.messages[0].content) for prompt in filled)


@pytest.mark.parametrize(("name", "arguments"), [("nope", {"task": "x"}), ("work_on", {}), ("work_on", {"task": " "})])
async def test_a_prompt_that_cannot_be_filled_is_a_protocol_error(
    backend: CannedBackend, name: str, arguments: dict[str, str]
):
    async with in_memory(backend) as client:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt(name, arguments)

    assert caught.value.code == -32602


async def test_the_server_says_how_it_is_used(backend: CannedBackend):
    async with in_memory(backend) as client:
        assert client.server_info is not None
        assert client.server_info.name == "delegator"
        assert client.instructions is not None
        for word in ("create_session", "delegate_task", "get_task", "end_session"):
            assert word in client.instructions


async def test_leaving_a_call_does_not_disturb_the_next(address: str, backend: CannedBackend):
    entered = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def never(_request: s.Request) -> s.Reply:
        loop.call_soon_threadsafe(entered.set)
        await asyncio.Event().wait()
        raise AssertionError

    backend.answers["get_session"] = never
    async with Client(f"{address}/mcp", mode="2026-07-28") as client:
        waiting = asyncio.create_task(client.call_tool("get_session", {"session_id": SESSION}))
        await asyncio.wait_for(entered.wait(), 20)
        waiting.cancel()
        result = await client.call_tool("list_roles", {})

    assert not result.is_error
