"""What a start decides before it starts anything: where our parts listen."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from delegator.settings import Settings
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.preflight import free_port, port_problem
from serve_app.lifecycle.start import Start


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def looked(folder: Path, **ports: int) -> Start:
    """Return a start that has looked at the machine."""
    given = {"port": free_port("127.0.0.1", after=18_700), "dashboard_port": 0, "metrics_port": 0, **ports}
    start = Start(
        Settings.model_validate({"home": folder, "models": "simulated", **given}), Home(folder), lambda _: None
    )
    start._look()
    return start


@pytest.mark.parametrize(
    ("name", "what"), [("dashboard_port", "the Ray dashboard is"), ("metrics_port", "the metrics are")]
)
def test_a_port_that_is_taken_gives_way_to_a_free_one_with_a_note(
    tmp_path: Path, taken: int, name: str, what: str
) -> None:
    start = looked(tmp_path, **{name: taken})

    other = getattr(start.settings, name)
    assert other > taken
    assert port_problem("127.0.0.1", other) is None
    (note,) = start.notices
    assert note.startswith(f"port {taken} is used by ")
    assert f"(pid {os.getpid()}" in note
    assert note.endswith(f", so {what} at port {other}")


def test_a_dashboard_that_gives_way_leaves_the_port_of_the_metrics_alone(tmp_path: Path, taken: int) -> None:
    metrics = free_port("127.0.0.1", after=taken)
    start = looked(tmp_path, dashboard_port=taken, metrics_port=metrics)

    assert start.settings.metrics_port == metrics
    assert start.settings.dashboard_port > metrics
    assert len(start.notices) == 1


def test_one_port_for_two_things_is_given_to_the_first(tmp_path: Path) -> None:
    port = free_port("127.0.0.1", after=18_750)
    start = looked(tmp_path, dashboard_port=port, metrics_port=port)

    assert start.settings.dashboard_port == port
    assert start.settings.metrics_port > port
    assert start.notices == [
        f"port {port} is used by Delegator itself, so the metrics are at port {start.settings.metrics_port}"
    ]


def test_nothing_is_noted_where_all_ports_are_free(tmp_path: Path) -> None:
    first = free_port("127.0.0.1", after=18_760)
    start = looked(tmp_path, dashboard_port=first, metrics_port=free_port("127.0.0.1", after=first))

    assert start.notices == []
