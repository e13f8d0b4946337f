"""What Delegator stands on besides Ray: its database and its models.

Owns deciding which they are, and starting the simulator. The embedded database starts itself
(`delegator/store/embedded.py`); what both are used for is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from actors import processes
from actors.processes import MARK
from delegator.errors import DelegatorError, StartFailed
from delegator.roles import load_catalogue
from delegator.settings import GB, Settings
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.memory import SIMULATED_BYTES

PROBE_S = 3.0
"""Real seconds in which an Ollama must tell its version; one that is busy loading a model still answers at once."""

SIMULATOR = "the simulator"
SIMULATOR_S = 30.0

_STEP_S = 0.02


@dataclass(frozen=True, slots=True)
class Models:
    """Who answers as Ollama."""

    mode: Literal["ollama", "simulated"]
    version: str | None
    """Of the Ollama that was found."""
    reason: str
    """Half a sentence: why this one."""


def ensure_database(settings: Settings, home: Home) -> str:
    """Return the URL of a database that answers and has our tables; the embedded server is started where none is set.

    Raises:
        StartFailed: the embedded server does not start.
        StoreUnavailable: the given one does not answer, or refuses.
    """
    from delegator.store.embedded import EmbeddedPostgres

    url = settings.database_url or EmbeddedPostgres(home.database_dir).ensure_running()
    asyncio.run(_migrate(url))
    return url


async def _migrate(url: str) -> None:
    from delegator.store.store import Store

    store = Store(url, pool_size=1)
    await store.open()
    await store.close()


def choose_models(settings: Settings) -> Models:
    """Decide between Ollama and the simulator.

    Raises:
        OllamaUnavailable: Ollama was asked for and does not answer.
    """
    if settings.models == "simulated":
        return Models("simulated", None, "as asked for")
    try:
        version = ollama_version(settings.ollama_url)
    except DelegatorError:
        if settings.models == "ollama":
            raise
        return Models("simulated", None, f"no Ollama answers at {settings.ollama_url}")
    return Models("ollama", version, f"Ollama {version} answers at {settings.ollama_url}")


def ollama_version(url: str) -> str:
    """Return the version of the Ollama at `url`.

    Raises:
        OllamaUnavailable: none answers. Other errors of the client: what answers is no Ollama.
    """
    from delegator.ollama.client import OllamaClient

    async def ask() -> str:
        async with OllamaClient(url, connect_s=PROBE_S, request_s=PROBE_S) as client:
            return await client.version()

    return asyncio.run(ask())


def start_simulator(settings: Settings, home: Home, *, memory_bytes: int, exit_with_pid: int | None) -> tuple[str, int]:
    """Start the simulator as a process of its own; return its URL and process id.

    Args:
        settings: how fast it runs.
        home: for its log.
        memory_bytes: what its models may take together.
        exit_with_pid: it ends when this process has.

    Raises:
        StartFailed: it does not listen in time.
    """
    home.logs.mkdir(parents=True, exist_ok=True)
    log_path = home.logs / "simulator.log"
    with tempfile.TemporaryDirectory(dir=home.path, prefix=".simulator-") as folder, log_path.open("wb") as log:
        port_file = Path(folder) / "port"
        program = subprocess.Popen(
            _simulator_command(settings, port_file, memory_bytes=memory_bytes, exit_with_pid=exit_with_pid),
            env={**os.environ, MARK: home.instance_id},
            cwd=home.path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            url = _await_url(program, port_file, log_path)
        except BaseException:
            processes.kill([psutil.Process(program.pid)] if program.poll() is None else [])
            raise
    program.returncode = 0  # it outlives us: Python must neither wait for it nor warn
    return url, program.pid


def _simulator_command(
    settings: Settings, port_file: Path, *, memory_bytes: int, exit_with_pid: int | None
) -> list[str]:
    command = [sys.executable, "-m", "delegator.ollama.simulator", "--port", "0", "--port-file", str(port_file)]
    command += ["--scale", f"{settings.simulator_scale:g}", "--profile", _machine(memory_bytes)]
    # Delegator keeps account of the memory: Ollama's own limit of three models would only hide what it decides.
    command += ["--max-loaded", "32"]
    for model in load_catalogue(settings.catalogue).models.values():  # a user's own may name any
        command += ["--also", f"{model.name}={model.memory_bytes / GB:g}@{model.num_ctx}"]
    if exit_with_pid is not None:
        command += ["--exit-with-pid", str(exit_with_pid)]
    return command


def _machine(memory_bytes: int) -> str:
    return "laptop64" if memory_bytes <= SIMULATED_BYTES else "workstation96"


def _await_url(program: subprocess.Popen[bytes], port_file: Path, log_path: Path) -> str:
    deadline = time.monotonic() + SIMULATOR_S
    while not port_file.exists():
        if program.poll() is not None:
            words = log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it said nothing"]
            raise StartFailed(SIMULATOR, words[-1], f"Its log is {log_path}.")
        if time.monotonic() > deadline:
            raise StartFailed(SIMULATOR, f"it does not listen after {SIMULATOR_S:.0f} s", f"Its log is {log_path}.")
        time.sleep(_STEP_S)
    return str(json.loads(port_file.read_text(encoding="utf-8"))["url"])
