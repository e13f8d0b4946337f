"""What is looked at before a start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from delegator.errors import SettingsInvalid, StartFailed
from delegator.roles import load_catalogue
from delegator.settings import GB, Settings
from serve_app.lifecycle import memory, preflight
from serve_app.lifecycle.home import Home


def check(folder: Path, **options: object) -> list[str]:
    settings = Settings.model_validate(
        {"home": folder, "port": preflight.free_port("127.0.0.1", after=18_700), **options}
    )
    return preflight.check(settings, Home(folder), load_catalogue("echo"))


def test_a_good_machine_gives_no_notice(tmp_path: Path) -> None:
    assert check(tmp_path, models="simulated") == []


def test_a_full_disk_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "NEEDED_DISK_BYTES", 10**18)

    with pytest.raises(StartFailed, match="left on its disk"):
        check(tmp_path)


def test_listening_beyond_this_machine_is_told(tmp_path: Path) -> None:
    notices = check(tmp_path, host="0.0.0.0", models="simulated")

    assert len(notices) == 1
    assert "whoever reaches 0.0.0.0" in notices[0]


def test_more_memory_than_the_machine_has_is_told(tmp_path: Path) -> None:
    notices = check(tmp_path, memory=memory.machine_bytes() + GB)

    assert any("are given to models, and this machine has" in notice for notice in notices)


def test_a_model_that_never_fits_is_told_with_its_roles() -> None:
    sentences = preflight.too_large(load_catalogue("echo"), 10 * GB)

    assert any(sentence.startswith("deepseek-coder:33b (cto, senior_architect) needs ") for sentence in sentences)
    assert preflight.too_large(load_catalogue("echo"), 64 * GB) == []


def test_a_port_below_1024_or_taken_is_told_apart_from_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]

        assert preflight.port_problem("127.0.0.1", taken) is not None
        assert preflight.free_port("127.0.0.1", after=taken - 1) > taken
    assert preflight.port_problem("127.0.0.1", taken) is None


class TestMemory:
    def test_what_is_given_counts(self) -> None:
        assert memory.memory_for_models(Settings(memory=5 * GB), simulated=False) == 5 * GB
        assert memory.memory_for_models(Settings(memory=5 * GB), simulated=True) == 5 * GB

    def test_simulated_models_have_a_machine_of_their_own(self) -> None:
        assert memory.memory_for_models(Settings(), simulated=True) == 64 * GB

    def test_otherwise_it_is_the_machines_less_the_reserve(self) -> None:
        left = memory.memory_for_models(Settings(memory_reserve=GB), simulated=False)

        assert left == memory.machine_bytes() - GB

    def test_a_reserve_that_leaves_nothing_is_refused(self) -> None:
        with pytest.raises(SettingsInvalid, match="leaves nothing"):
            memory.memory_for_models(Settings(memory_reserve=10**15), simulated=False)

    def test_a_container_has_what_it_may_use(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        limit, unlimited = tmp_path / "limit", tmp_path / "unlimited"
        limit.write_text("1000000\n")
        unlimited.write_text("max\n")
        monkeypatch.setattr(memory, "_CGROUP_LIMITS", (unlimited, tmp_path / "missing", limit))

        assert memory.machine_bytes() == 1_000_000
