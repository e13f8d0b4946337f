"""A Ray of our own on this machine: started apart from the terminal, on loopback only, ended by its processes.

Owns the command line and environment of `ray start` and where its files are. Never calls `ray stop`, which ends every
Ray of the machine. How programs join is `cluster.py`; which processes are ours is `processes.py`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors import processes
from actors.cluster import driver_environment
from actors.processes import MARK
from delegator.errors import StartFailed

PART = "Ray"
START_S = 90.0
"""Real seconds for `ray start`; 4 to 8 on a laptop."""

OBJECT_STORE_BYTES = 100_000_000
"""Room for objects that travel between actors: ours are a few kilobytes. Ray takes no less than 75 MB."""

GRACE_S = 4.0
"""Real seconds from asking a Ray process to end to killing it. The raylet ends its workers within half a second; the
other servers keep nothing that a kill could lose."""

KEPT_LOG_BYTES = 100_000_000
"""Logs that are larger in sum are not kept."""

logger = logging.getLogger(__name__)

_RAYLET, _OTHERS, _HEAD = range(3)
"""The order in which the processes of a Ray are ended."""
_RAY = "r"
"""Ray's own folder in the runtime folder; short, for the sake of the sockets in it."""
_SOCKET_DIRS = Path("/tmp")  # noqa: S108 - socket paths may have 103 bytes: TMPDIR is too long on macOS, and homes may be


@dataclass(frozen=True, slots=True)
class RayNode:
    """A running Ray of ours."""

    address: str
    """host:port of its head (GCS), on loopback."""
    dashboard_url: str | None
    pids: dict[str, int] = field(default_factory=dict)
    """{part: process id} of the parts without which it does not live: `gcs_server` and `raylet`."""


def runtime_dir(instance_id: str) -> Path:
    """Return the folder for sockets and session files of one instance; it exists only while the instance runs."""
    return _SOCKET_DIRS / f"delegator-{instance_id}"


def start_local_ray(
    *,
    instance_id: str,
    memory_bytes: int,
    token_path: Path,
    log_path: Path,
    port: int = 0,
    dashboard_port: int = 0,
    metrics_port: int = 0,
) -> RayNode:
    """Start a Ray with one node that outlives this process and its terminal.

    Args:
        instance_id: marks every process of it.
        memory_bytes: what Ray may give away as `memory`.
        token_path: file of the token that whoever joins must have; made when it is not there.
        log_path: takes what `ray start` says.
        port: of the head; 0 takes a free one.
        dashboard_port: 0 starts no dashboard.
        metrics_port: where Prometheus is answered, on loopback like all of this Ray; 0 takes a free one.

    Raises:
        StartFailed: with what Ray said. What was started is ended again.
    """
    ensure_token(token_path)
    folder = make_runtime_dir(instance_id)
    command = _command(
        folder, memory_bytes=memory_bytes, port=port, dashboard_port=dashboard_port, metrics_port=metrics_port
    )
    environment = _environment(instance_id, token_path)
    try:
        _run(command, environment, folder, log_path)
        address = (folder / _RAY / "ray_current_cluster").read_text(encoding="utf-8").strip()
        pids = _parts(folder)
    except BaseException:
        stop_local_ray(instance_id)
        raise
    return RayNode(address, f"http://127.0.0.1:{dashboard_port}" if dashboard_port else None, pids)


def stop_local_ray(instance_id: str, *, keep_logs_in: Path | None = None) -> list[str]:
    """End every Ray process of one instance and remove its folder; return what was ended. Harmless without any.

    The raylet goes first: it ends its workers in order. The head (GCS) goes last: without it the others hang when they
    are to end.

    Args:
        instance_id: whose Ray.
        keep_logs_in: takes the log files; what it held before is replaced.
    """
    folder = runtime_dir(instance_id)
    ended = [(processes.title(process), process) for process in processes.processes_in(folder)]
    names = [f"{title} ({process.pid})" for title, process in ended]
    for turn in (_RAYLET, _OTHERS, _HEAD):
        processes.end([process for title, process in ended if _turn(title) == turn], grace_s=GRACE_S)
    late = processes.processes_in(folder)  # a worker that was just being started appears only now
    names += [processes.named(process) for process in late]
    processes.kill(late)
    if keep_logs_in is not None:
        _keep_logs(folder, keep_logs_in)
    shutil.rmtree(folder, ignore_errors=True)
    return names


def _turn(title: str) -> int:
    return {"raylet": _RAYLET, "gcs_server": _HEAD}.get(title, _OTHERS)


def _keep_logs(folder: Path, kept: Path) -> None:
    logs = folder / _RAY / "session_latest" / "logs"
    if not logs.is_dir() or sum(file.stat().st_size for file in logs.rglob("*") if file.is_file()) > KEPT_LOG_BYTES:
        return
    shutil.rmtree(kept, ignore_errors=True)
    try:
        shutil.copytree(logs, kept, symlinks=True)
    except (OSError, shutil.Error) as exc:
        logger.warning("the logs of Ray could not be kept: %s", exc)


def ensure_token(path: Path) -> None:
    """Make the file with the secret that every program joining our Ray must show; keep one that is there."""
    if path.exists() and path.read_text(encoding="utf-8").strip():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_hex(32))


def make_runtime_dir(instance_id: str) -> Path:
    """Make the runtime folder, closed to others: Ray opens its own folder in it to everybody.

    Raises:
        StartFailed: the name is taken by somebody else.
    """
    folder = runtime_dir(instance_id)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StartFailed(PART, f"{folder} belongs to somebody else", "Remove it, or use another DELEGATOR_HOME.")
    folder.chmod(0o700)
    return folder


def without_client_server(ray_params: Any, head: bool) -> None:
    """Keep `ray start` from opening a Ray Client server, which it has no flag against (`RAY_START_HOOK`)."""
    if head:
        ray_params.ray_client_server_port = None


def _command(folder: Path, *, memory_bytes: int, port: int, dashboard_port: int, metrics_port: int) -> list[str]:
    dashboard = ["--include-dashboard=false"]
    if dashboard_port:
        dashboard = ["--include-dashboard=true", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard_port}"]
    return [
        sys.executable,
        "-m",
        "ray.scripts.scripts",
        "start",
        "--head",
        "--node-ip-address=127.0.0.1",
        f"--port={port}",
        f"--temp-dir={folder / _RAY}",
        f"--memory={memory_bytes}",
        f"--object-store-memory={OBJECT_STORE_BYTES}",
        *dashboard,
        f"--metrics-export-port={metrics_port}",  # on the node's address alone where that is loopback
        "--dashboard-agent-listen-port=0",
        "--min-worker-port=0",  # otherwise 10002 to 19999, which every other port must then keep clear of
        "--max-worker-port=0",
        "--include-log-monitor=false",  # it only carries workers' output to drivers, and ours do not listen
        "--disable-usage-stats",
        "--log-style=record",
    ]


def _environment(instance_id: str, token_path: Path) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_ADDRESS", "RAY_AUTH_"))}
    return {
        **inherited,
        **driver_environment(token_path),
        MARK: instance_id,
        "RAY_START_HOOK": f"{__name__}.{without_client_server.__name__}",
        "RAY_preload_python_modules": "actors.worker_start",
        # Ray would kill our actors when the machine's memory fills up; but it is the models that fill it.
        "RAY_memory_monitor_refresh_ms": "0",
    }


def _run(command: Sequence[str], environment: dict[str, str], folder: Path, log_path: Path) -> None:
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("w", encoding="utf-8") as log:
        try:
            done = subprocess.run(
                command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, timeout=START_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as exc:
            raise StartFailed(PART, f"it took longer than {START_S:.0f} s", f"Its log is {log_path}.") from exc
    if done.returncode != 0:
        raise StartFailed(PART, _last_words(log_path), f"Its log is {log_path}.")


def _last_words(log_path: Path) -> str:
    lines = [line.strip() for line in log_path.read_text(encoding="utf-8", errors="replace").splitlines()]
    telling = [line for line in lines if "Error" in line and not line.startswith(("File", "raise"))]
    return (telling or [line for line in lines if line] or ["it said nothing"])[-1][:300]


def _parts(folder: Path) -> dict[str, int]:
    found = {processes.title(process): process.pid for process in processes.processes_in(folder)}
    missing = {"gcs_server", "raylet"} - found.keys()
    if missing:
        raise StartFailed(PART, f"{' and '.join(sorted(missing))} ended at once", "Try again, or see delegator doctor.")
    return {part: found[part] for part in ("gcs_server", "raylet")}
