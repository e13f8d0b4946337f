"""up, status, down, doctor: what they print and how they end. The whole system is in `tests/live`."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from serve_app.cli.views import machine
from serve_app.lifecycle.doctor import Check
from serve_app.lifecycle.down import DownReport
from serve_app.lifecycle.instance import Instance
from serve_app.lifecycle.status import StatusReport
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.samples import AGENT, REPLIES, active


def instance(**changes: Any) -> Instance:
    """Return what `up` would have noted."""
    facts: dict[str, Any] = {
        "instance_id": "abc",
        "version": "0.1.0",
        "started_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "home": Path("/h"),
        "logs": Path("/h/logs"),
        "host": "127.0.0.1",
        "port": 8000,
        "api_url": "http://127.0.0.1:8000",
        "mcp_url": "http://127.0.0.1:8000/mcp",
        "monitor_url": None,
        "dashboard_url": None,
        "token_file": None,
        "models": "simulated",
        "ollama_url": "http://127.0.0.1:11435",
        "simulator_scale": 10.0,
        "catalogue": "echo",
        "memory_bytes": 64 * 10**9,
        "ray_address": "127.0.0.1:6379",
        "ray_joined": False,
        "serve_started": True,
        "database": "embedded",
        "processes": {},
        "environment": {},
        **changes,
    }
    return Instance.model_validate(facts)


def shown(parts: list[Any]) -> str:
    console = Console(width=160, markup=False, highlight=False, color_system=None)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return captured.get()


def test_up_says_where_things_are_and_what_to_do_next() -> None:
    told = shown(machine.started(instance(), answering=["qwen2.5:14b", "llama3.1:8b"]))

    assert told.startswith("Delegator is up\n")
    for words in (
        "http://127.0.0.1:8000/docs",
        "http://127.0.0.1:8000/mcp",
        "echo: qwen2.5:14b, llama3.1:8b",
        "simulated: texts, sizes and seconds are simulated, 10 times faster than life",
        "64.0 GB for models",
        'delegator run "Add user authentication feature"',
    ):
        assert words in told


def test_up_says_where_prometheus_is_answered_or_that_the_joined_ray_does() -> None:
    own = shown(machine.started(instance(metrics_url="http://127.0.0.1:8266/metrics"), answering=[]))
    joined = shown(machine.started(instance(metrics_url=None, ray_joined=True), answering=[]))

    assert re.search(r"^metrics +http://127.0.0.1:8266/metrics *$", own, re.MULTILINE)
    assert re.search(r"^metrics +with those of the Ray that was joined *$", joined, re.MULTILINE)


def test_a_second_up_says_so_with_what_differs() -> None:
    told = shown(machine.started(instance(already=True, notices=("it goes on with port 8000",)), answering=[]))

    assert told.startswith("Delegator was up already\n")
    assert "note: it goes on with port 8000" in told


def test_real_models_are_not_called_simulated() -> None:
    told = shown(machine.started(instance(models="ollama", simulator_scale=None), answering=[]))

    assert "Ollama at http://127.0.0.1:11435" in told
    assert "simulated" not in told


def test_status_shows_what_is_active() -> None:
    report = StatusReport(instance(), running=True, healthy=True)

    told = shown(machine.status(report, [active()], [AGENT], REPLIES["resource_summary"]))  # type: ignore[arg-type]

    assert told.startswith("Delegator is running since 2026-01-02 03:04:05 UTC\n")
    for heading in ("Sessions", "Agents", "Memory"):
        assert f"\n{heading}\n" in told


@pytest.mark.parametrize(("running", "words"), [(True, "running, but not well"), (False, "has died")])
def test_status_names_what_is_wrong(running: bool, words: str) -> None:
    report = StatusReport(instance(), running=running, healthy=False, degraded=("the API does not answer",))

    told = shown(machine.status(report, [], [], None))

    assert words in told
    assert "the API does not answer" in told


def test_status_without_a_system_is_no_error(delegator: Callable[..., Ended]) -> None:
    told, as_json = delegator("status"), delegator("status", "--json")

    assert told.code == as_json.code == 0
    assert told.out == "Delegator is not running.\nStart it with: delegator up\n"
    assert as_json.json == {
        "running": False,
        "healthy": False,
        "degraded": [],
        "sessions": [],
        "agents": [],
        "models": [],
        "resources": None,
    }


def test_down_tells_what_it_ended_and_what_it_could_not() -> None:
    report = DownReport(was_running=True, processes_ended=["a (1)", "b (2)"], problems=["c stays"])

    told = shown(machine.ended(report))

    assert "processes ended  2" in told
    assert "note: c stays" in told


def test_down_without_a_system_is_no_error(delegator: Callable[..., Ended]) -> None:
    ended = delegator("down")

    assert ended.code == 0
    assert ended.out == "Nothing was running.\n"


@pytest.mark.parametrize(
    ("state", "verdict"), [("ok", "fit for Delegator"), ("warn", "fit for Delegator"), ("fail", "Not fit yet: port")]
)
def test_doctor_ends_with_a_verdict(state: Any, verdict: str) -> None:
    told = shown(machine.examined([Check("port", state, "8000 is used", "End that program.")]))

    assert verdict in told
    assert "End that program." in told


def test_doctor_needs_no_system(delegator: Callable[..., Ended]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = delegator("doctor", "--models", "simulated", "--port", port, "--json")

    assert ended.code == 1
    assert ended.json["ok"] is False
    assert {check["name"] for check in ended.json["checks"] if check["state"] == "fail"} == {"port"}


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (["--port", "70000"], "port"),
        (["--memory", "much"], "memory"),
        (["--catalogue", "nowhere"], "nowhere"),
        (["--models", "real"], "--models"),
    ],
)
def test_up_refuses_wrong_options_before_it_starts_anything(
    delegator: Callable[..., Ended], arguments: list[str], key: str, tmp_path: Path
) -> None:
    ended = delegator("up", *arguments, "--json")

    assert ended.code == 2
    assert key in ended.json["error"]["message"]
    assert not (tmp_path / "home" / "instance.json").exists()


def test_up_says_who_has_the_port(delegator: Callable[..., Ended]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = delegator("up", "--port", str(port), "--models", "simulated", "--json")

    assert ended.code == 6
    assert ended.json["error"]["code"] == "start_failed"
    assert str(port) in ended.json["error"]["message"]
