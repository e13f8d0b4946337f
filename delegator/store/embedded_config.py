"""The embedded server's configuration: small in memory, safe on disk, reachable for its own user alone."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import stat
import tempfile
from pathlib import Path

from delegator.errors import StartFailed
from delegator.store.embedded_failures import PART
from delegator.store.embedded_user import ServerUser

HEADER = "# Written by Delegator at every start of its embedded PostgreSQL; changes are lost.\n"

SOCKET_PORT = 5432
"""Part of the socket's file name only; no port is opened."""

LONGEST_SOCKET_PATH = 100
"""Bytes; macOS takes 103, Linux 107."""

SETTINGS = {
    # Nobody but the user of the socket's folder.
    "listen_addresses": "''",
    "port": str(SOCKET_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # Small: the memory of the machine is for models.
    "shared_buffers": "32MB",
    "maintenance_work_mem": "32MB",
    "huge_pages": "off",
    "jit": "off",
    "io_method": "sync",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "1",
    "wal_level": "minimal",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    # systemd removes shared memory segments of users who log out; files in the data folder stay.
    "dynamic_shared_memory_type": "mmap",
    # Acknowledged means durable.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # A log of what goes wrong, without the users' words in it.
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "log_timezone": "'UTC'",
    "timezone": "'UTC'",
    "lc_messages": "'C'",
    "cluster_name": "'delegator'",
}


def write_config(data_dir: Path, socket_dir: Path, user: ServerUser) -> None:
    """Write postgresql.conf and pg_hba.conf anew. Raises OSError."""
    settings = SETTINGS | {"unix_socket_directories": f"'\"{socket_dir}\"'"}
    lines = [f"{key} = {value}" for key, value in settings.items()]
    _write(data_dir / "postgresql.conf", HEADER + "\n".join(lines) + "\n", user)
    _write(data_dir / "pg_hba.conf", HEADER + "local all all trust\n", user)


def is_ours(data_dir: Path) -> bool:
    """True unless the folder holds a server that somebody else configured."""
    config = data_dir / "postgresql.conf"
    return not config.exists() or config.read_text(encoding="utf-8", errors="replace").startswith(HEADER)


def choose_socket_dir(data_dir: Path, user: ServerUser) -> Path:
    """Return a private folder for the socket: the data folder, or, where its path is too long or its disk takes no
    sockets, a short one for run-time files.

    Raises:
        StartFailed: a folder of that name belongs to somebody else.
        OSError: it cannot be made.
    """  # noqa: D205 - one sentence
    if _fits(data_dir) and _takes_sockets(data_dir):
        return data_dir
    mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    folder = _runtime_root(user) / f"delegator-{user.owner}-{mark}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid == os.geteuid():
        folder.chmod(0o700)
        user.give(folder)
        status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != user.owner or status.st_mode & 0o077:
        raise StartFailed(
            PART, f"{folder} belongs to somebody else", "Remove that folder, or set TMPDIR to one of your own."
        )
    return folder


def clear_socket(socket_dir: Path, *, keep: Path) -> None:
    """Remove a socket without a server, and its folder when it is not `keep`. Raises OSError.

    PostgreSQL would do so itself, but takes the number in an old lock file for a server that lives when it is a zombie,
    or belongs to another program by now.
    """
    for name in (f".s.PGSQL.{SOCKET_PORT}", f".s.PGSQL.{SOCKET_PORT}.lock"):
        (socket_dir / name).unlink(missing_ok=True)
    if socket_dir != keep:
        with contextlib.suppress(FileNotFoundError):
            socket_dir.rmdir()


def _runtime_root(user: ServerUser) -> Path:
    candidates = [os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()] if user.uid is None else []
    for candidate in candidates:
        if candidate and _fits(Path(candidate) / ("x" * 32)) and os.access(candidate, os.W_OK):
            return Path(candidate)
    return Path("/tmp")  # noqa: S108 - only the place of a private folder


def _fits(folder: Path) -> bool:
    """True when a socket there has a path short enough, and plain enough: libpq takes a comma for the next host."""
    path = folder / f".s.PGSQL.{SOCKET_PORT}"
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and not set(str(path)) & set(",'\"\\")


def _takes_sockets(folder: Path) -> bool:
    probe = folder / ".s.probe"
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(probe))
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


def _write(path: Path, content: str, user: ServerUser) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(content, encoding="utf-8")
    fresh.chmod(0o600)
    user.give(fresh)
    fresh.replace(path)
