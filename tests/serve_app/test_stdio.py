"""MCP over stdio: a real child process, the real client, and how that process ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from mcp import Client, StdioServerParameters

from delegator import errors
from delegator import schemas as s
from serve_app.client import AsyncClient
from serve_app.following import silent
from serve_app.operations import OPERATIONS
from serve_app.stdio import System
from tests.serve_app.programs import ENVIRONMENT, STDIO_PROGRAM
from tests.serve_app.samples import SESSION, CannedBackend

GONE_S = 10.0

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def server(address: str, start: str = "") -> StdioServerParameters:
    return StdioServerParameters(command=sys.executable, args=[STDIO_PROGRAM, address, start], env=ENVIRONMENT)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """Give a FIFO that the program's start waits for."""
    path = tmp_path / "start"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("wire", ["legacy", "auto"])
async def test_tools_work_over_stdio_as_over_http(address: str, backend: CannedBackend, wire: Any):
    async with Client(server(address), mode=wire) as client:
        tools = (await client.list_tools()).tools
        result = await client.call_tool("create_session", {"task_description": "Fix typo"})
        refused = await client.call_tool("create_session", {"task_description": ""})

    assert [tool.name for tool in tools] == [operation.name for operation in OPERATIONS]
    assert result.structured_content is not None
    assert result.structured_content["session_id"] == SESSION
    assert refused.is_error
    assert backend.asked == [("create_session", s.CreateSessionRequest(task_description="Fix typo"))]


async def test_errors_of_the_system_come_through_with_their_details(address: str, backend: CannedBackend):
    backend.answers["get_session"] = errors.SessionEnded(SESSION, "completed")
    async with Client(server(address)) as client:
        result = await client.call_tool("get_session", {"session_id": SESSION})

    found = s.ErrorReply.model_validate_json(result.content[0].text).error  # type: ignore[union-attr]
    assert result.is_error
    assert (found.code, found.details) == ("session_ended", {"session_id": SESSION, "status": "completed"})


async def test_lists_need_no_system_and_the_first_call_waits_for_it(address: str, backend: CannedBackend, fifo: Path):
    told: list[str | None] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)
        if len(told) == 1:
            threading.Thread(target=fifo.write_bytes, args=(b"go",), daemon=True).start()

    async with Client(server(address, str(fifo))) as client:
        tools = (await client.list_tools()).tools
        prompts = (await client.list_prompts()).prompts
        asked_before = list(backend.asked)
        result = await client.call_tool("list_roles", {}, progress_callback=on_progress)

    assert tools
    assert prompts
    assert asked_before == []
    assert not result.is_error
    assert told[0] == "starting Delegator"


async def test_a_start_that_fails_is_the_error_of_the_call(address: str):
    async with Client(server(address, "FAIL")) as client:
        results = [await client.call_tool("list_roles", {}) for _ in range(2)]

    for result in results:
        found = s.ErrorReply.model_validate_json(result.content[0].text).error  # type: ignore[union-attr]
        assert (found.code, found.hint) == ("start_failed", "Make room.")


def start_program(address: str, start: str = "", **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, STDIO_PROGRAM, address, start],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        **options,
    )


def exchange(program: subprocess.Popen[bytes], message: dict[str, Any]) -> dict[str, Any]:
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(json.dumps(message).encode() + b"\n")
    program.stdin.flush()
    answer: dict[str, Any] = json.loads(program.stdout.readline())
    return answer


def test_the_end_of_stdin_ends_the_program_although_the_system_is_still_starting(address: str, fifo: Path):
    program = start_program(address, str(fifo))
    assert exchange(program, INITIALIZE)["result"]["serverInfo"]["name"] == "delegator"

    _, told = program.communicate(timeout=GONE_S)

    assert program.returncode == 0
    assert b"the host has gone" in told
    assert b"Traceback" not in told


def test_only_messages_are_on_the_wire_and_words_go_to_stderr(address: str):
    program = start_program(address)
    exchange(program, INITIALIZE)
    assert program.stderr is not None
    while b"noise" not in (line := program.stderr.readline()):
        assert line, "it ended without a word"

    written, told = program.communicate(timeout=GONE_S)

    assert written == b""
    assert b"Traceback" not in told


def test_broken_lines_do_not_end_the_program(address: str):
    program = start_program(address)
    assert program.stdin is not None
    for line in (b"nonsense\n", b"{}\n", b"\xff\xfe\n", b'{"jsonrpc": "2.0"\n', b"[]\n"):
        program.stdin.write(line)

    answer = exchange(program, INITIALIZE)
    while "result" not in answer:
        assert program.stdout is not None
        answer = json.loads(program.stdout.readline())
    program.communicate(timeout=GONE_S)

    assert answer["result"]["serverInfo"]["name"] == "delegator"
    assert program.returncode == 0


PARENT = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=0)
print(child.pid, flush=True)
child.wait()
"""


def test_the_death_of_the_parent_ends_the_program_although_stdin_stays_open(address: str):
    reading, writing = os.pipe()  # this end stays open: no EOF tells the program
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, sys.executable, STDIO_PROGRAM, address, ""],
        stdin=reading,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    os.write(writing, json.dumps(INITIALIZE).encode() + b"\n")
    assert b"delegator" in parent.stdout.readline()  # it serves

    parent.kill()
    parent.wait(GONE_S)
    child.wait(GONE_S)

    assert not child.is_running()
    for end in (reading, writing):
        os.close(end)
    parent.stdout.close()
    assert parent.stderr is not None
    parent.stderr.close()


def test_the_program_loads_neither_ray_nor_the_web_framework():
    loaded = "import serve_app.stdio, sys; print({n.split('.')[0] for n in sys.modules} & {'ray', 'fastapi', 'actors'})"

    found = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, env=ENVIRONMENT)

    assert found.stdout.strip() == "set()", found.stderr


async def test_a_system_that_was_taken_down_is_started_again(
    address: str, backend: CannedBackend, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("serve_app.stdio.TRUST_S", 0)
    starts: list[str] = []
    async with AsyncClient(address) as client:
        system = System(client, lambda: starts.append("start"))
        await system.provide(silent)
        await system.provide(silent)
        seen_up = list(starts)
        monkeypatch.setattr(client, "alive", _once_away(client))
        await system.provide(silent)

    assert seen_up == ["start"]
    assert starts == ["start", "start"]


def _once_away(client: AsyncClient) -> Any:
    answers, really = [False], client.alive

    async def alive() -> bool:
        return answers.pop() if answers else await really()

    return alive
