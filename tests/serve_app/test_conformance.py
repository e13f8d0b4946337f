"""The official MCP conformance suite and the inspector, against the served application.

Run where Node is new enough and the tools are on PATH (the gate brings them). Only scenarios that any server can pass
as it is are run: the others want tools of given names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from serve_app.operations import OPERATIONS
from tests.serve_app.programs import ENVIRONMENT, STDIO_PROGRAM
from tests.serve_app.samples import SESSION

pytestmark = [pytest.mark.node]

SCENARIO_S = 90

SCENARIOS = [
    *(
        ("2025-11-25", name)
        for name in (
            "server-initialize",
            "ping",
            "tools-list",
            "resources-list",
            "prompts-list",
            "dns-rebinding-protection",
        )
    ),
    *(
        ("2026-07-28", name)
        for name in (
            "server-stateless",
            "tools-list",
            "resources-list",
            "prompts-list",
            "sep-2164-resource-not-found",
            "dns-rebinding-protection",
            "caching",
            "server-sse-multiple-streams",
            "input-required-result-unsupported-methods",
            "http-header-validation",
        )
    ),
]

NOT_OURS = {
    # These two want a tool of the suite's own.
    "sep-2575-server-rejects-undeclared-capability",
    "sep-2575-missing-capability-http-400",
    # This one is decided by the HTTP parser in front: httptools keeps the blanks around a header's value.
    "sep-2243-server-accepts-whitespace-header-value",
}


def tool(name: str) -> str:
    """Return the path of a program; without it skip, except in the gate, which promises it."""
    found = shutil.which(name)
    if found is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(f"{name} is not on PATH")
    return found


@pytest.mark.parametrize(("wire", "scenario"), SCENARIOS, ids=lambda value: value)
def test_the_official_suite_passes(address: str, tmp_path: Path, wire: str, scenario: str):
    command = [tool("conformance"), "server", "--url", f"{address}/mcp", "--scenario", scenario]

    ran = subprocess.run(
        [*command, "--spec-version", wire, "--output-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=SCENARIO_S,
    )
    checks = [check for path in tmp_path.rglob("checks.json") for check in json.loads(path.read_text())]

    failed = [check for check in checks if check["status"] == "FAILURE" and check["id"] not in NOT_OURS]
    assert failed == []
    assert any(check["status"] == "SUCCESS" and check["id"] != "wire-schema-valid" for check in checks), ran.stdout


def inspect(*arguments: str) -> Any:
    command = [tool("mcp-inspector"), "--cli", *arguments, "--format", "json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SCENARIO_S, env=ENVIRONMENT)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_finds_every_tool_and_nothing_to_object_to(address: str, era: str):
    reached = ["--transport", "http", "--protocol-era", era]

    listed = inspect(f"{address}/mcp", *reached, "--method", "tools/list", "--strict")

    assert [found["name"] for found in _result(listed)["tools"]] == [operation.name for operation in OPERATIONS]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_calls_a_tool(address: str, era: str):
    call = ["--method", "tools/call", "--tool-name", "create_session"]
    arguments = ["--tool-args-json", json.dumps({"task_description": "Fix typo in README"})]

    answer = inspect(f"{address}/mcp", "--transport", "http", "--protocol-era", era, *call, *arguments)

    assert _result(answer)["structuredContent"]["session_id"] == SESSION


def test_the_inspector_calls_a_tool_over_stdio(address: str):
    call = ["--method", "tools/call", "--tool-name", "list_active_sessions"]

    answer = inspect(sys.executable, STDIO_PROGRAM, address, "", *call)

    assert _result(answer)["structuredContent"]["total_sessions"] == 1


def _result(answer: Any) -> Any:
    """Return the result itself, whether or not the inspector has wrapped it."""
    return answer.get("result", answer)
