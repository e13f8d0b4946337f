"""Ending what is left, without a whole system: that is `tests/serve_app/test_lifecycle.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from actors import processes
from delegator.errors import StartFailed
from delegator.ollama.client import LoadOptions, OllamaClient
from delegator.ollama.simulator.server import SimulatedHost
from delegator.settings import GB, Settings
from delegator.store.embedded import EmbeddedPostgres
from delegator.store.records import ResidentRecord
from delegator.store.store import Store
from serve_app.lifecycle import backing
from serve_app.lifecycle.down import DownReport, down
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import read_instance, write_instance
from serve_app.lifecycle.status import describe
from tests.serve_app.lifecycle.notes import SOMEBODY_LATER, noted


@pytest.mark.parametrize("there", [True, False], ids=["empty home", "no home"])
def test_where_nothing_runs_down_says_so_and_leaves_no_trace(tmp_path: Path, there: bool) -> None:
    home = tmp_path / "home"
    if there:
        home.mkdir()

    assert down(Settings(home=home)) == DownReport()
    assert home.exists() == there
    assert not describe(Settings(home=home)).running


def test_what_a_crash_left_without_a_note_is_ended(tmp_path: Path) -> None:
    home = Home(tmp_path)
    _, pid = backing.start_simulator(Settings(), home, memory_bytes=64 * GB, exit_with_pid=None)
    simulator = psutil.Process(pid)

    result = down(Settings(home=tmp_path))

    assert result.was_running
    assert result.processes_ended == [f"delegator.ollama.simulator ({pid})"]
    assert processes.is_gone(simulator)


def test_a_database_that_was_killed_leaves_nothing(home_dir: Path) -> None:
    home = Home(home_dir)
    EmbeddedPostgres(home.database_dir).ensure_running()
    first = processes.own_processes(home.instance_id, home.database_dir)[0]
    first.kill()
    assert processes.await_end([first], deadline_s=20) == []

    down(Settings(home=home_dir))

    assert processes.own_processes(home.instance_id, home.database_dir) == []


def test_a_note_whose_processes_are_gone_is_removed(tmp_path: Path) -> None:
    write_instance(noted(tmp_path, processes={"gcs_server": SOMEBODY_LATER, "raylet": SOMEBODY_LATER}))
    before = describe(Settings(home=tmp_path))

    assert down(Settings(home=tmp_path)).was_running
    assert read_instance(tmp_path) is None
    assert (before.running, before.healthy) == (False, False)


def test_what_a_joined_ray_keeps_from_us_can_be_ended_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = StartFailed("the connection to Ray", "it asks for a token", "")
    monkeypatch.setattr("actors.cluster.reachable", lambda _address: True)
    monkeypatch.setattr("actors.cluster.connected", raising(refused))
    write_instance(noted(tmp_path, ray_joined=True, database="external", processes={}))

    kept = down(Settings(home=tmp_path))
    still_noted = read_instance(tmp_path) is not None
    monkeypatch.setattr("actors.cluster.reachable", lambda _address: False)  # that Ray has ended meanwhile
    done = down(Settings(home=tmp_path))

    assert kept.problems == [f"what runs on the Ray at 127.0.0.1:6379 is still there: {refused.message}"]
    assert still_noted
    assert done.problems == []
    assert read_instance(tmp_path) is None


def raising(error: Exception) -> Callable[..., NoReturn]:
    def refuse(*_: object) -> NoReturn:
        raise error

    return refuse


async def test_models_that_a_dead_system_left_in_ollama_are_unloaded(tmp_path: Path, database_url: str) -> None:
    async with SimulatedHost("laptop64", scale=1000) as host, OllamaClient(host.url) as ollama:
        for model in ("mistral:7b", "llama3.1:8b"):
            await ollama.load(model, LoadOptions(num_ctx=4096), keep_alive_s=-1, deadline_s=60)
        store = Store(database_url, pool_size=1)
        await store.open()
        await store.put_resident(ResidentRecord("ollama", "mistral:7b", 4096, 5 * GB, datetime.now(UTC)), [])
        dead = {"gcs_server": SOMEBODY_LATER, "raylet": SOMEBODY_LATER}
        write_instance(noted(tmp_path, models="ollama", ollama_url=host.url, database="external", processes=dead))

        result = await asyncio.to_thread(down, Settings(home=tmp_path, database_url=database_url))

        assert result.models_unloaded == ["mistral:7b"]
        assert await store.residents(None) == []
        await store.close()
        assert await loaded_in(ollama) == {"llama3.1:8b"}


async def loaded_in(ollama: OllamaClient) -> set[str]:
    """Return what is in memory once unloading, which takes Ollama a moment, is over."""
    async with asyncio.timeout(20):
        # Ollama tells nobody when it is done
        while len(loaded := {model.name for model in await ollama.ps()}) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return loaded
