"""`delegator mcp`: how it brings the system up, and that it needs no system for what it can answer alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from delegator.errors import CatalogueInvalid, StartFailed
from delegator.settings import Settings
from serve_app.cli.mcp import start_detached


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))


def test_why_the_system_does_not_come_up_is_raised_as_the_same_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELEGATOR_CATALOGUE", "nowhere")

    with pytest.raises(CatalogueInvalid) as failed:
        start_detached(Settings.load())

    assert failed.value.file == "nowhere"


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("not a folder")

    with pytest.raises(StartFailed) as failed:
        start_detached(Settings.load(home=taken))

    assert str(taken) in failed.value.message + failed.value.advice


def test_standard_output_carries_mcp_only(process: Callable[..., subprocess.Popen[str]], address: str) -> None:
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    with process("mcp", "--url", address) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(json.dumps(asked) + "\n")
        running.stdin.flush()
        answer = json.loads(running.stdout.readline())
        running.stdin.close()
        assert running.wait(60) == 0
        rest = running.stdout.read()

    assert answer["id"] == 1
    assert answer["result"]["serverInfo"]["name"].lower() == "delegator"
    assert rest == ""
