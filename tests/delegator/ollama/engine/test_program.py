"""The engine host as a program: what it prints, and that its engines end with it however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

PROGRAM = [sys.executable, "-m", "delegator.ollama.engine", "--port", "0"]
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


@pytest.mark.engine
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_its_engines_end_with_it(started: list[subprocess.Popen[str]], tmp_path: Path, number: signal.Signals):
    command = [*PROGRAM, "--models", str(tmp_path), "--tiny", "tiny, other"]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    started.append(program)
    assert program.stdout is not None
    told = json.loads(program.stdout.readline())
    assert (told["pid"], set(told["models"])) == (program.pid, {"tiny:latest", "other:latest"})
    body = {"model": "tiny", "stream": False}
    assert httpx.post(f"{told['url']}/api/generate", json=body, trust_env=False).json()["done_reason"] == "load"
    engines = psutil.Process(program.pid).children()
    assert len(engines) == 1

    program.send_signal(number)

    assert program.wait(timeout=WAIT_S) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    ends = time.monotonic() + WAIT_S
    while not all(_gone(engine) for engine in engines):
        assert time.monotonic() < ends
        time.sleep(0.01)


@pytest.mark.parametrize("options", [["--models", "/no/such/folder"], ["--models", ".", "--keep-alive", "soon"]])
def test_what_cannot_be_is_said_in_a_sentence(options: list[str]):
    done = subprocess.run([*PROGRAM, *options], capture_output=True, text=True, timeout=WAIT_S)

    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def _gone(process: psutil.Process) -> bool:
    """Tell whether it has ended; that of a dead parent may wait long to be collected."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
