"""The simulator as a program: what it prints, and that it goes when it should."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

PROGRAM = [sys.executable, "-m", "delegator.ollama.simulator"]
WAIT_S = 30


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Programs the test starts; what is left of them is ended."""
    programs: list[subprocess.Popen[str]] = []
    yield programs
    for program in programs:
        if program.poll() is None:
            program.kill()
        program.communicate(timeout=WAIT_S)


def start(started: list[subprocess.Popen[str]], *options: str) -> tuple[subprocess.Popen[str], dict[str, object]]:
    program = subprocess.Popen([*PROGRAM, "--port", "0", *options], stdout=subprocess.PIPE, text=True)
    started.append(program)
    assert program.stdout is not None
    return program, json.loads(program.stdout.readline())


def test_it_prints_where_it_listens_and_ends_on_sigterm(started: list[subprocess.Popen[str]], tmp_path: Path):
    port_file = tmp_path / "simulator.json"

    program, told = start(started, "--scale", "50", "--profile", "laptop24", "--port-file", str(port_file))

    assert told["pid"] == program.pid
    assert (told["simulated"], told["scale"], told["profile"]) == (True, 50.0, "laptop24")
    assert json.loads(port_file.read_text()) == told
    assert httpx.get(f"{told['url']}/api/version", trust_env=False).json() == {"version": "0.33.0"}
    program.send_signal(signal.SIGTERM)
    assert program.wait(timeout=WAIT_S) == 0
    assert not port_file.exists()


def test_it_ends_with_the_process_it_was_told_to_watch(started: list[subprocess.Popen[str]]):
    watched = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    started.append(watched)
    program, _ = start(started, "--exit-with-pid", str(watched.pid))

    watched.kill()  # and nobody collects it yet: a zombie has gone, too

    assert program.wait(timeout=WAIT_S) == 0


def test_a_process_that_is_gone_already_ends_it_at_once(started: list[subprocess.Popen[str]]):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(timeout=WAIT_S)

    program, _ = start(started, "--exit-with-pid", str(gone.pid))

    assert program.wait(timeout=WAIT_S) == 0


def test_it_has_only_the_models_it_was_given(started: list[subprocess.Popen[str]]):
    _, told = start(started, "--models", "mistral:7b, qwen3:8b")

    models = httpx.get(f"{told['url']}/api/tags", trust_env=False).json()["models"]

    assert {model["name"] for model in models} == {"mistral:7b", "qwen3:8b"}


@pytest.mark.parametrize(
    "options",
    [
        ["--models", "no-such-model"],
        ["--port", "1", "--host", "203.0.113.1"],
        ["--keep-alive", "soon"],
        ["--scale", "0"],
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(options: list[str]):
    done = subprocess.run(
        [*PROGRAM, "--port", "0", *options], capture_output=True, text=True, timeout=WAIT_S, env=os.environ
    )

    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
