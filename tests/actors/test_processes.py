"""Which processes are ours, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from actors import processes
from actors.processes import MARK

WAITS = "import sys; print('up', flush=True); sys.stdin.read()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"

Run = Callable[..., psutil.Process]


@pytest.fixture
def run() -> Iterator[Run]:
    """Return a function that runs a program until its end is asked for: `run(code, mark=…, cwd=…)`."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str = WAITS, *, mark: str | None = None, cwd: Path | None = None) -> psutil.Process:
        environment = {**os.environ, **({MARK: mark} if mark else {})}
        program = subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            cwd=cwd,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(program)
        assert program.stdout is not None
        assert program.stdout.readline() == "up\n"
        return psutil.Process(program.pid)

    yield start
    for program in started:
        program.kill()
        program.communicate()


def test_a_process_is_found_by_the_mark_it_was_started_with(run: Run, tmp_path: Path) -> None:
    ours, others, nobodys = run(mark="mine"), run(mark="other"), run()

    found = processes.own_processes("mine", tmp_path)

    assert ours in found
    assert others not in found
    assert nobodys not in found


def test_a_process_is_found_by_its_folder_after_the_folder_was_removed(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "runtime"
    folder.mkdir()
    ours = run(cwd=folder)
    folder.rmdir()

    assert processes.own_processes("nobody", folder) == [ours]


def test_we_and_those_who_started_us_are_never_ours() -> None:
    here = Path.cwd()

    found = [process.pid for process in processes.own_processes("nobody", here)]

    assert os.getpid() not in found
    assert os.getppid() not in found


def test_a_process_that_ends_when_asked_is_not_killed(run: Run) -> None:
    polite = run()

    assert processes.end([polite], grace_s=20) == []
    assert processes.is_gone(polite)


def test_a_process_that_does_not_listen_is_killed(run: Run) -> None:
    deaf = run(DEAF)

    assert processes.end([deaf], grace_s=0.2) == [deaf]
    assert processes.is_gone(deaf)


def test_a_zombie_is_gone(run: Run) -> None:
    zombie = run()
    zombie.kill()

    assert processes.await_end([zombie], deadline_s=20) == []  # nobody has collected it yet


@pytest.mark.parametrize(
    ("command", "title"),
    [
        (["/usr/bin/python3", "-u", "/x/monitor.py", "--logs-dir=/y"], "monitor.py"),
        (["/usr/bin/python3", "-m", "delegator.ollama.simulator", "--port", "0"], "delegator.ollama.simulator"),
        (["/x/core/src/ray/raylet/raylet", "--a=b"], "raylet"),
        (["ray::SessionManager"], "ray::SessionManager"),
        (["postgres: delegator: checkpointer "], "postgres: delegator: checkpointer"),
        (["/usr/bin/python3", "-c", "import this"], "python3"),
    ],
)
def test_a_process_is_called_by_what_it_runs(command: list[str], title: str) -> None:
    assert processes.title_of(command) == title
