"""What `up` says when it cannot start, before anything was started."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors import local_ray, processes
from delegator.errors import CatalogueInvalid, OllamaUnavailable, SettingsInvalid, StartFailed, StoreUnavailable
from delegator.settings import GB, Settings
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import write_instance
from serve_app.lifecycle.preflight import free_port
from serve_app.lifecycle.up import up
from tests.serve_app.lifecycle.notes import noted


@pytest.fixture
def port() -> int:
    return free_port("127.0.0.1", after=18_600)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_told_with_who_uses_it(tmp_path: Path, taken: int) -> None:
    with pytest.raises(StartFailed) as told:
        up(Settings(home=tmp_path, port=taken, models="simulated"))

    assert f"port {taken} is used by " in told.value.message
    assert f"pid {os.getpid()}" in told.value.message
    assert "take a free port: --port " in told.value.advice
    nothing_is_left(tmp_path)


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StartFailed, match="cannot be written") as told:
        up(Settings(home=tmp_path / "file" / "home", models="simulated"))

    assert told.value.message.startswith("Delegator did not start: its home ")
    assert "DELEGATOR_HOME" in told.value.advice


def test_a_host_of_another_machine_is_told(tmp_path: Path, port: int) -> None:
    with pytest.raises(SettingsInvalid, match="is no address of this machine"):
        up(Settings(home=tmp_path, host="192.0.2.77", port=port, models="simulated"))


def test_an_unknown_catalogue_is_told(tmp_path: Path, port: int) -> None:
    with pytest.raises(CatalogueInvalid):
        up(Settings(home=tmp_path, catalogue="nonsense", port=port, models="simulated"))


def test_a_missing_ollama_is_told_where_it_was_asked_for(tmp_path: Path, port: int) -> None:
    url = f"http://127.0.0.1:{free_port('127.0.0.1', after=19_000)}"

    with pytest.raises(OllamaUnavailable):
        up(Settings(home=tmp_path, models="ollama", ollama_url=url, port=port))

    nothing_is_left(tmp_path)


def test_a_ray_that_is_not_there_is_told(tmp_path: Path, port: int) -> None:
    address = f"127.0.0.1:{free_port('127.0.0.1', after=19_000)}"

    with pytest.raises(StartFailed, match=f"nothing answers at {address}"):
        up(Settings(home=tmp_path, ray_address=address, port=port, models="simulated"))

    nothing_is_left(tmp_path)


def test_a_database_that_is_not_there_is_told_before_ray_is_started(tmp_path: Path, port: int) -> None:
    nobody = free_port("127.0.0.1", after=19_000)
    steps: list[str] = []

    with pytest.raises(StoreUnavailable):
        up(
            Settings(home=tmp_path, database_url=f"postgresql://u@127.0.0.1:{nobody}/d", port=port, models="simulated"),
            steps.append,
        )

    assert "Starting Ray" not in steps
    nothing_is_left(tmp_path)


def test_a_port_of_ray_in_use_is_told(tmp_path: Path, port: int, taken: int) -> None:
    with pytest.raises(StartFailed, match=f"Ray did not start: port {taken} is used by"):
        up(Settings(home=tmp_path, port=port, ray_port=taken, models="simulated"))


def test_the_database_ends_again_where_ray_does_not_start(
    home_dir: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_ray, "OBJECT_STORE_BYTES", 1000)  # Ray refuses so little

    with pytest.raises(StartFailed, match="Ray did not start") as told:
        up(Settings(home=home_dir, port=port, models="simulated"))

    assert str(home_dir / "logs" / "ray-start.log") in told.value.advice
    assert (home_dir / "postgres" / "PG_VERSION").exists()
    nothing_is_left(home_dir)


def test_a_note_of_a_dead_system_is_no_running_system(tmp_path: Path, taken: int) -> None:
    home = Home(tmp_path)
    home.instance_file.write_text(json.dumps({"instance_id": "x"}))

    with pytest.raises(StartFailed, match="is used by"):
        up(Settings(home=tmp_path, port=taken, models="simulated"))

    nothing_is_left(tmp_path)


def test_a_running_system_tells_what_it_goes_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve_app.lifecycle.up.alive", lambda _url: True)
    write_instance(noted(tmp_path))

    asked_for = up(Settings(home=tmp_path, catalogue="compact", models="ollama", memory=8 * GB))
    the_same = up(Settings(home=tmp_path, memory=64 * GB))

    differing = "catalogue echo, models simulated, memory 64.0 GB"
    assert asked_for.already
    assert asked_for.notices == (f"it goes on with {differing}; to change that: delegator down",)
    assert the_same.notices == ()


def nothing_is_left(folder: Path) -> None:
    home = Home(folder)
    assert processes.own_processes(home.instance_id, home.runtime_dir, home.database_dir) == []
    assert not home.instance_file.exists()
    assert not home.runtime_dir.exists()
