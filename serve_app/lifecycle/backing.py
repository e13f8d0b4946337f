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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from actors import processes
from actors.footprint import SIMULATED_BYTES
from actors.processes import MARK
from delegator.endpoints import endpoints_of
from delegator.errors import DelegatorError, StartFailed
from delegator.roles import load_catalogue
from delegator.settings import GB, Settings
from serve_app.lifecycle.home import Home

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
    silent: tuple[str, ...] = ()
    """A sentence about each endpoint that does not answer although others do."""


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
    urls = [endpoint.url for endpoint in endpoints_of(settings)]
    answers = dict(zip(urls, asyncio.run(_versions(urls)), strict=True))
    versions = {url: answer for url, answer in answers.items() if isinstance(answer, str)}
    problems = [answer for answer in answers.values() if isinstance(answer, DelegatorError)]
    if not versions:
        if settings.models == "ollama":
            raise problems[0]
        return Models("simulated", None, f"no Ollama answers at {' or '.join(urls)}")
    found = ", ".join(f"Ollama {version} answers at {url}" for url, version in versions.items())
    return Models("ollama", next(iter(versions.values())), found, tuple(problem.message for problem in problems))


async def _versions(urls: Sequence[str]) -> list[str | DelegatorError]:
    return list(await asyncio.gather(*(_version(url) for url in urls)))


async def _version(url: str) -> str | DelegatorError:
    """Return the version of the Ollama at `url`, or why there is none to be had."""
    from delegator.ollama.client import OllamaClient

    try:
        async with OllamaClient(url, connect_s=PROBE_S, request_s=PROBE_S) as client:
            return await client.version()
    except DelegatorError as exc:
        return exc


def start_simulators(
    settings: Settings, home: Home, *, memory_bytes: int, exit_with_pid: int | None
) -> dict[str, tuple[str, int]]:
    """Start as many simulators as the settings want; return URL and process id by the name of the part.

    They share `memory_bytes`; other arguments and errors are those of `start_simulator`.
    """
    count = settings.simulated_endpoints
    parts = ["simulator", *(f"simulator-{number}" for number in range(2, count + 1))]
    with ThreadPoolExecutor(max_workers=count) as beside:
        started = {
            part: beside.submit(
                start_simulator,
                settings,
                home,
                part=part,
                memory_bytes=memory_bytes // count,
                exit_with_pid=exit_with_pid,
            )
            for part in parts
        }
    return {part: future.result() for part, future in started.items()}


def start_simulator(
    settings: Settings, home: Home, *, memory_bytes: int, exit_with_pid: int | None, part: str = "simulator"
) -> tuple[str, int]:
    """Start the simulator as a process of its own; return its URL and process id.

    Args:
        settings: how fast it runs.
        home: for its log.
        part: what its log is called.
        memory_bytes: what its models may take together.
        exit_with_pid: it ends when this process has.

    Raises:
        StartFailed: it does not listen in time.
    """
    home.logs.mkdir(parents=True, exist_ok=True)
    log_path = home.logs / f"{part}.log"
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
