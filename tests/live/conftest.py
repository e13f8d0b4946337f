"""One whole system, started by `delegator up` as a person would, for all tests of this folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from delegator.settings import Settings
from serve_app.lifecycle.preflight import free_port
from tests.serve_app.programs import ENVIRONMENT

UP_S = 240
COMMAND_S = 120
SCALE = 20


@dataclass
class LiveSystem:
    """A running system: its address, and its command line."""

    home: Path
    environment: dict[str, str]
    noted: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.noted["api_url"])

    @property
    def settings(self) -> Settings:
        return Settings.load(home=str(self.home), port=self.noted["port"])

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command line to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "serve_app.cli", *arguments],
            env=self.environment, capture_output=True, text=True, timeout=UP_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        """Run a command line with --json and return what it printed."""
        return json.loads(self.command(*arguments, "--json").stdout)

    def http(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return httpx.request(method, self.url + path, json=body, timeout=COMMAND_S, trust_env=False)

    def ollama(self, path: str, body: Any = None, method: str = "GET") -> Any:
        """Ask the simulator, behind the system's back."""
        reply = httpx.request(method, self.noted["ollama_url"] + path, json=body, timeout=10, trust_env=False)
        return reply.json() if reply.content else None

    def end_all(self) -> None:
        for session in self.http("GET", "/v1/sessions").json()["sessions"]:
            self.http("DELETE", f"/v1/sessions/{session['session_id']}")


@pytest.fixture(scope="session")
def started() -> Iterator[LiveSystem]:
    """Start the system once, and take it down after the last test, when nothing of it may stay."""
    home = Path(tempfile.mkdtemp(prefix="delegator-live-"))
    environment = {
        **ENVIRONMENT,
        "DELEGATOR_HOME": str(home),
        "DELEGATOR_PORT": str(free_port("127.0.0.1", after=18_600)),
        "DELEGATOR_DASHBOARD_PORT": "0",
        "DELEGATOR_METRICS_PORT": "0",
        "DELEGATOR_SIMULATOR_SCALE": str(SCALE),
    }
    system = LiveSystem(home, environment, {})
    try:
        system.noted = {**system.json("up", "--models", "simulated"), "port": int(environment["DELEGATOR_PORT"])}
        yield system
        ended = system.json("down")
        assert (ended["was_running"], ended["problems"]) == (True, [])
        assert system.json("status")["running"] is False
    finally:
        system.command("down", check=False)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def live(started: LiveSystem) -> Iterator[LiveSystem]:
    """The system without open sessions, before and after."""
    yield started
    started.ollama("/_sim/faults", method="DELETE")
    started.end_all()


def node_tool(name: str) -> str:
    """Return the path of a Node program; without it skip, except in CI, which promises it."""
    found = shutil.which(name)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not on PATH")
    return found
