"""The six tools of the origin, driven by real MCP clients over HTTP and stdio on the whole system."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests.live.conftest import COMMAND_S, LiveSystem, node_tool

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]

TASK = {"task_description": "Implement user authentication", "context": {"priority": "high", "deadline": "2025-12-01"}}
TEAM = ["product_manager", "senior_architect", "senior_developer", "test_lead"]


def server(live: LiveSystem, transport: str) -> Any:
    if transport == "http":
        return f"{live.url}/mcp"
    return StdioServerParameters(command=sys.executable, args=["-m", "serve_app.cli", "mcp"], env=live.environment)


@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_the_mcp_client_drives_the_six_tools(live: LiveSystem, transport: str) -> None:
    async with Client(server(live, transport)) as client:

        async def call(name: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(name, arguments)
            assert not result.is_error, result.content
            assert result.structured_content is not None
            return dict(result.structured_content)

        analysis = await call("analyze_task", task_description="Fix typo in README", analyze_only=True)
        created = await call("create_session", **TASK)
        session_id = created["session_id"]
        added = await call("add_agent_to_session", session_id=session_id, agent_role="ceo", reason="approval")
        listed = await call("list_active_sessions")
        removed = await call("remove_agent_from_session", session_id=session_id, agent_role="test_lead", reason="done")
        ended = await call("end_session", session_id=session_id)

    assert {"task_type", "complexity", "recommended_agents", "reasoning", "estimated_time"} <= set(analysis)
    assert analysis["recommended_agents"] == ["senior_developer"]
    assert created["active_agents"] == TEAM
    assert created["complexity"] == "high"
    assert created["status"] == "ready"
    assert {"memory_gb", "cpu_cores"} <= set(created["estimated_resources"])
    assert {"agent_role": "ceo", "status": "spawned", "model": "qwen2.5:14b"}.items() <= added.items()
    assert isinstance(added["ready_in_seconds"], int | float)
    assert [s["session_id"] for s in listed["sessions"]] == [session_id]
    assert listed["total_sessions"] == 1
    assert {"agent_role": "test_lead", "status": "terminated"}.items() <= removed.items()
    assert ended["agents_terminated"] == ["ceo", *TEAM[:-1]]
    assert {"resources_freed_gb", "session_duration_minutes"} <= set(ended)
    assert live.ollama("/api/ps")["models"] == []


async def test_the_short_names_work_without_ids(live: LiveSystem) -> None:
    async with Client(f"{live.url}/mcp") as client:

        async def call(name: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(name, arguments)
            assert not result.is_error, result.content
            return dict(result.structured_content or {})

        started = await call("start_session", task_category="quick_fix", description="Test monitoring")
        spawned = await call("spawn_agent", role="test_lead")
        status = await call("session_status")
        left = await call("shutdown_agent", role="test_lead")
        agents = await call("list_active_agents")
        await call("end_session")
        nothing = await client.call_tool("end_session", {})

    assert started["active_agents"] == ["senior_developer"]
    assert spawned["active_agents"] == ["senior_developer", "test_lead"]
    assert len(status["agents"]) == 2
    assert left["active_agents"] == ["senior_developer"]
    assert [a["role"] for a in agents["agents"]] == ["senior_developer"]
    assert nothing.is_error
    assert "no_active_session" in nothing.content[0].text  # type: ignore[union-attr]


@pytest.mark.node
@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_the_inspector_drives_the_six_tools(live: LiveSystem, transport: str) -> None:
    def inspect(*arguments: str) -> Any:
        where = [f"{live.url}/mcp", "--transport", "http"]
        if transport == "stdio":
            # It hands its server none of its own environment, and a system of its own would be started.
            own = {
                key: value for key, value in live.environment.items() if key.startswith(("DELEGATOR_", "PYTHONPATH"))
            }
            given = [word for key, value in own.items() for word in ("-e", f"{key}={value}")]
            where = [sys.executable, "-m", "serve_app.cli", "mcp", *given]
        done = subprocess.run(
            [node_tool("mcp-inspector"), "--cli", *where, *arguments, "--format", "json", "--connect-timeout", "60000"],
            env=live.environment, capture_output=True, text=True, timeout=COMMAND_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        answer = json.loads(done.stdout)
        return answer.get("result", answer)

    def call(name: str, **arguments: Any) -> dict[str, Any]:
        told = inspect("--method", "tools/call", "--tool-name", name, "--tool-args-json", json.dumps(arguments))
        assert not told.get("isError"), told
        return dict(told["structuredContent"])

    tools = {tool["name"] for tool in inspect("--method", "tools/list", "--strict")["tools"]}
    analysis = call("analyze_task", task_description="Fix typo in README")
    session_id = call("create_session", **TASK)["session_id"]
    added = call("add_agent_to_session", session_id=session_id, agent_role="ceo")
    listed = call("list_active_sessions")
    removed = call("remove_agent_from_session", session_id=session_id, agent_role="test_lead")
    ended = call("end_session", session_id=session_id)

    assert {"create_session", "analyze_task", "end_session", "start_session"} <= tools
    assert analysis["recommended_agents"] == ["senior_developer"]
    assert added["status"] == "spawned"
    assert listed["total_sessions"] == 1
    assert removed["status"] == "terminated"
    assert ended["session_id"] == session_id


def test_the_stdio_server_ends_with_its_host(live: LiveSystem) -> None:
    server_process = subprocess.Popen(
        [sys.executable, "-m", "serve_app.cli", "mcp"],
        env=live.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip

    server_process.communicate(timeout=30)

    assert server_process.returncode == 0
