"""Finding and ending the server of one data folder, whoever started it.

A pid file alone proves nothing: after a crash its number may belong to another program. A process counts as ours when
it is called postgres and works in the data folder.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from psycopg.pq import PGconn, Ping

from delegator.store.embedded_config import SOCKET_PORT

STEP_S = 0.02
"""Real seconds between two looks at a server that starts or stops."""

FAST_S = 20
"""Real seconds for an orderly end (a checkpoint is written), before it is ended hard."""

HARD_S = 5


@dataclass(frozen=True, slots=True)
class PidFile:
    """What a server writes about itself into its data folder."""

    pid: int
    socket_dir: Path


class ServerProcess:
    """The server of one data folder, running or not."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._pid_path = data_dir / "postmaster.pid"

    def socket_dir(self) -> Path | None:
        """Return where the running server listens; None when no server answers."""
        noted = self._noted()
        return noted.socket_dir if noted is not None and answers(noted.socket_dir) == Ping.OK else None

    def noted_socket_dir(self) -> Path | None:
        """Return where the server listens, or listened before it was killed; None when nothing tells."""
        noted = self._noted()
        return None if noted is None else noted.socket_dir

    def find(self) -> psutil.Process | None:
        """Return the server's first process (the postmaster), answering or not; None when there is none."""
        noted = self._noted()
        if noted is None:
            return None
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(noted.pid)
            if self._is_ours(process):
                return process
        return None

    def stop(self) -> None:
        """End the server in order, harder when it does not end, and all that is left of it. Harmless without one."""
        process = self.find()
        if process is not None:
            for how, deadline_s in ((signal.SIGINT, FAST_S), (signal.SIGQUIT, HARD_S), (signal.SIGKILL, HARD_S)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(how)
                if wait_until(lambda: _is_gone(process), deadline_s=deadline_s):
                    break
        self.clear_remains()

    def clear_remains(self) -> None:
        """Kill what a killed server left running, and remove its pid file. Only when the server itself is gone."""
        left = [process for process in psutil.process_iter(["name"]) if self._is_ours(process)]
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if wait_until(lambda: all(map(_is_gone, left)), deadline_s=HARD_S):
            with contextlib.suppress(OSError):
                self._pid_path.unlink(missing_ok=True)

    def _noted(self) -> PidFile | None:
        try:
            lines = self._pid_path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            return PidFile(int(lines[0]), Path(lines[4]))
        except (OSError, ValueError, IndexError):
            return None

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if not process.name().startswith("postgres") or _is_gone(process):
                return False
            return process.cwd().removesuffix(" (deleted)") == str(self._data_dir)
        except psutil.Error:
            return False


def answers(socket_dir: Path) -> Ping:
    """Ask the server at a socket whether it takes connections."""
    return Ping(
        PGconn.ping(
            f"host='{socket_dir}' port={SOCKET_PORT} user=delegator dbname=delegator connect_timeout=3".encode()
        )
    )


def wait_until(done: Callable[[], bool], *, deadline_s: float) -> bool:
    """Look again and again until `done`; False when it was not by the deadline."""
    end = time.monotonic() + deadline_s
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(STEP_S)
    return True


def is_gone(pid: int) -> bool:
    """True when no such process runs; also for a zombie, which stays for ever in a container without a reaper."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _is_gone(process: psutil.Process) -> bool:
    """As `is_gone`, for a process known before: its number may belong to another one by now."""
    return not process.is_running() or is_gone(process.pid)
