"""Fixtures of the command line: run a command in this process, or as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from serve_app.cli.main import main

PROGRAM = [sys.executable, "-m", "serve_app.cli"]


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output."""
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep settings, logs and instances of this machine out of the tests."""
    for name in [name for name in os.environ if name.startswith("DELEGATOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DELEGATOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def delegator(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command line in this process."""

    def run(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(arguments)
        written = capsys.readouterr()
        return Ended(code, written.out, written.err)

    return run


@pytest.fixture
def online(delegator: Callable[..., Ended], address: str) -> Callable[..., Ended]:
    """Run a command line against the canned backend."""
    return lambda *arguments: delegator(*arguments, "--url", address)


@pytest.fixture
def process() -> Callable[..., subprocess.Popen[str]]:
    """Start a command line as a process with pipes."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        root = Path(__file__).parents[3]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        # Who started the tests in the background has made them, and so their children, deaf to Ctrl-C.
        heard = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                [*PROGRAM, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
            )
        finally:
            signal.signal(signal.SIGINT, heard)

    return start
