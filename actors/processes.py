"""Finding and ending the processes of one Delegator, and nobody else's.

A process is ours by the mark in the environment that it was started with, which all its children inherit, or by its
working folder: Ray's workers write their titles over the environment that the system shows. Names prove nothing: others
run Ray on this machine too.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil

MARK = "DELEGATOR_INSTANCE"
"""The variable that marks a process; its value is the id of the instance."""

_STEP_S = 0.05
_KILLED_S = 5.0
"""Real seconds that a killed process may stay in the list."""


def own_processes(instance_id: str, *folders: Path) -> list[psutil.Process]:
    """Return the living processes of one instance: those with its mark, and those that work in one of its `folders`.

    The oldest first; never this process or one that started it.
    """
    return _living(lambda process: _has_mark(process, instance_id) or works_in(process, *folders))


def processes_in(folder: Path) -> list[psutil.Process]:
    """Return the living processes that work in `folder`, the oldest first."""
    return _living(lambda process: works_in(process, folder))


def works_in(process: psutil.Process, *folders: Path) -> bool:
    """Return whether the working folder of a process is one of these, which may have been removed meanwhile."""
    try:
        return process.cwd().removesuffix(" (deleted)") in {str(folder.resolve()) for folder in folders}
    except (psutil.Error, OSError):
        return False


def end(processes: Sequence[psutil.Process], *, grace_s: float) -> list[psutil.Process]:
    """Ask processes to end, kill after `grace_s` real seconds those that did not, and return the killed ones."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    slow = await_end(processes, deadline_s=grace_s)
    kill(slow)
    return slow


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill at once, and wait until they are gone."""
    killed = list(processes)
    for process in killed:
        with contextlib.suppress(psutil.Error):
            process.kill()
    await_end(killed, deadline_s=_KILLED_S)


def await_end(processes: Iterable[psutil.Process], *, deadline_s: float) -> list[psutil.Process]:
    """Wait until all are gone, and return those that are not by the deadline."""
    left = list(processes)
    deadline = time.monotonic() + deadline_s
    while left := [process for process in left if not is_gone(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(_STEP_S)
    return left


def is_gone(process: psutil.Process) -> bool:
    """Return whether it has ended. A zombie has: where no parent collects it, it stays in the list for ever."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def title(process: psutil.Process) -> str:
    """Return what a process is called, short enough for a line; see `title_of`."""
    try:
        return title_of(process.cmdline() or [process.name()])
    except psutil.Error:
        return "a process that has ended"


def title_of(command: Sequence[str]) -> str:
    """Name a program by its command line: `ray::SessionManager`, `raylet`, `dashboard.py`, `postgres: checkpointer`."""
    if command[0].startswith(("ray::", "postgres:", "ray-dashboard")):
        return command[0].strip()
    program = Path(command[0]).name
    if not program.startswith("python"):
        return program
    if "-m" in command[1:-1]:
        return command[command.index("-m") + 1]
    return next((Path(word).name for word in command[1:] if word.endswith(".py")), program)


def named(process: psutil.Process) -> str:
    """Return title and process id, as people are told of a process."""
    return f"{title(process)} ({process.pid})"


def _living(belongs: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    me = psutil.Process()
    spared = {me.pid, *(parent.pid for parent in me.parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.pid not in spared and not is_gone(process) and belongs(process):
                found.append((process.create_time(), process))
    return [process for _, process in sorted(found, key=lambda pair: pair[0])]


def _has_mark(process: psutil.Process, instance_id: str) -> bool:
    try:
        return process.environ().get(MARK) == instance_id
    except (psutil.Error, OSError):
        return False
