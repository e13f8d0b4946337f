"""The home folder: its id, and one `up` or `down` at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from delegator.errors import StartFailed
from serve_app.lifecycle import home as home_module
from serve_app.lifecycle.home import Home

WAIT_S = 20


def test_the_id_belongs_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    assert Home(tmp_path).instance_id == Home(tmp_path / "link").instance_id
    assert Home(tmp_path).instance_id != Home(tmp_path / "other").instance_id


def test_the_path_of_the_sockets_is_short_however_long_the_home_is(tmp_path: Path) -> None:
    longest = "r/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"

    assert len(str(Home(tmp_path / ("x" * 200)).runtime_dir / longest)) <= 103


def test_a_second_one_waits_until_the_first_is_done(tmp_path: Path) -> None:
    waits, done = threading.Event(), threading.Event()
    order: list[str] = []

    def second() -> None:
        with Home(tmp_path).lock(waits.set):
            order.append("second")
        done.set()

    with Home(tmp_path).lock(lambda: None):
        threading.Thread(target=second).start()
        assert waits.wait(WAIT_S)
        order.append("first")
    assert done.wait(WAIT_S)

    assert order == ["first", "second"]


def test_waiting_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module, "LOCK_S", 0.0)

    with (
        Home(tmp_path).lock(lambda: None),
        pytest.raises(StartFailed, match="another up or down"),
        Home(tmp_path).lock(lambda: None),
    ):
        pass
