"""Who answers as Ollama, and the simulator as a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from actors import processes
from delegator.errors import OllamaUnavailable
from delegator.ollama.client import LoadOptions, OllamaClient
from delegator.ollama.simulator.server import SimulatedHost
from delegator.settings import GB, Settings
from serve_app.lifecycle import backing
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.preflight import free_port


@pytest.fixture
def nowhere() -> str:
    return f"http://127.0.0.1:{free_port('127.0.0.1', after=18_800)}"


async def test_auto_takes_the_ollama_that_answers() -> None:
    async with SimulatedHost("laptop64") as host:
        models = await asyncio.to_thread(backing.choose_models, Settings(ollama_url=host.url))

    assert (models.mode, models.version) == ("ollama", "0.33.0")


def test_auto_simulates_where_none_answers(nowhere: str) -> None:
    models = backing.choose_models(Settings(ollama_url=nowhere))

    assert models.mode == "simulated"
    assert nowhere in models.reason


def test_asking_for_ollama_where_none_answers_is_an_error(nowhere: str) -> None:
    with pytest.raises(OllamaUnavailable):
        backing.choose_models(Settings(models="ollama", ollama_url=nowhere))


async def test_of_several_endpoints_one_that_answers_is_enough_and_the_others_are_told(nowhere: str) -> None:
    async with SimulatedHost("laptop64") as host:
        settings = Settings(ollama_url=f"{nowhere},{host.url}")
        models = await asyncio.to_thread(backing.choose_models, settings)

    assert (models.mode, models.version) == ("ollama", "0.33.0")
    assert host.url in models.reason
    (silent,) = models.silent
    assert nowhere in silent


async def test_asking_for_simulated_models_asks_no_ollama() -> None:
    async with SimulatedHost("laptop64") as host:
        models = await asyncio.to_thread(backing.choose_models, Settings(models="simulated", ollama_url=host.url))

    assert models.mode == "simulated"


OWN = """
[models."phi3:mini"]
num_ctx = 4096
memory_gb = 3.2
[roles.helper]
title = "Helper"
summary = "Helps."
brief = "You help."
model = "phi3:mini"
cpu = 1.0
keywords = ["help"]
"""


async def test_the_simulator_has_the_models_of_a_users_own_catalogue_at_their_size(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    settings = Settings(catalogue=str(tmp_path / "own.toml"))
    url, pid = await asyncio.to_thread(
        lambda: backing.start_simulator(settings, Home(tmp_path), memory_bytes=64 * GB, exit_with_pid=None)
    )
    try:
        async with OllamaClient(url) as client:
            await client.load("phi3:mini", LoadOptions(4096), keep_alive_s=-1, deadline_s=20)
            (loaded,) = await client.ps()
    finally:
        processes.end([psutil.Process(pid)], grace_s=5)

    assert loaded.name == "phi3:mini"
    assert loaded.size_bytes == pytest.approx(3.2 * GB, rel=0.1)


def test_several_simulators_are_processes_with_logs_of_their_own(tmp_path: Path) -> None:
    home = Home(tmp_path)
    settings = Settings(simulated_endpoints=2)

    started = backing.start_simulators(settings, home, memory_bytes=64 * GB, exit_with_pid=None)

    try:
        assert list(started) == ["simulator", "simulator-2"]
        versions = [httpx.get(f"{url}/api/version", timeout=20).json()["version"] for url, _ in started.values()]
        assert all(versions)
        assert len({url for url, _ in started.values()}) == len({pid for _, pid in started.values()}) == 2
        assert {log.name for log in home.logs.glob("simulator*.log")} == {"simulator.log", "simulator-2.log"}
    finally:
        processes.end([psutil.Process(pid) for _, pid in started.values()], grace_s=5)


def test_the_simulator_listens_on_loopback_and_ends_with_the_process_it_serves(tmp_path: Path) -> None:
    served = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    home = Home(tmp_path)

    url, pid = backing.start_simulator(Settings(), home, memory_bytes=64 * GB, exit_with_pid=served.pid)

    simulator = psutil.Process(pid)
    assert httpx.get(f"{url}/api/version", timeout=20).json()["version"]
    assert url.startswith("http://127.0.0.1:")
    assert processes.own_processes(home.instance_id) == [simulator]
    served.communicate()
    assert processes.await_end([simulator], deadline_s=20) == []
