"""`delegator top`: one look as text and JSON, and the live view on a terminal, which ends by Ctrl-C as it should."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from delegator import schemas as s
from serve_app.cli.views.top import BAR, Moment, top
from tests.browser.scene import Scene
from tests.serve_app.cli.conftest import PROGRAM, Ended
from tests.serve_app.samples import REPLIES, SESSION, CannedBackend


def test_one_look_is_shown_where_there_is_no_terminal(online: Callable[..., Ended]) -> None:
    ended = online("top")

    assert ended.code == 0
    assert "memory saved" in ended.out
    assert SESSION in ended.out


def test_json_is_one_object(online: Callable[..., Ended]) -> None:
    found = online("top", "--json").json

    assert set(found) == {"sessions", "agents", "resources"}
    assert found["resources"] == REPLIES["resource_summary"].model_dump(mode="json")


def test_the_page_tells_memory_queue_drift_and_alerts() -> None:
    scene = Scene()
    scene.open_session(0, running_s=75)
    resources = scene.answers["resource_summary"](s.NoInput())
    here = s.EndpointInfo(
        endpoint="ollama", url="http://127.0.0.1:11434", capacity_gb=64, memory_gb=resources.total_memory_gb,
        models=3, turns_running=1, turns_waiting=1, suspect="it hangs",
    )  # fmt: skip
    waiting = s.QueuedTurn(
        session_id=SESSION, role="cto", model="deepseek-coder:33b", endpoint="ollama", position=1,
        waited_seconds=12, eta_seconds=30,
    )  # fmt: skip
    drift = s.Drift(compared_at=scene.now, age_seconds=2, differences=["a model vanished"])
    told = {"endpoints": [here], "queue": [waiting], "drift": drift, "alerts": 2}

    with (console := Console(width=160)).capture() as captured:
        console.print(*top(Moment(tuple(scene.sessions), tuple(scene.agents), resources.model_copy(update=told))))
    shown = captured.get()

    for words in ("2 alerts", "a model vanished", "it hangs", "CTO", "in 30s", "Add user authentication feature"):
        assert words in shown
    bar = next(line for line in shown.splitlines() if "░" in line)
    assert bar.count("█") + bar.count("░") == BAR


def test_the_page_tells_the_measured_load() -> None:
    scene = Scene()
    load = s.MachineLoad(node="n1", processors=8, processor_ratio=0.37, gpus=1, gpu_memory_gb=24)
    resources = scene.answers["resource_summary"](s.NoInput()).model_copy(update={"machines": [load]})

    with (console := Console(width=160)).capture() as captured:
        console.print(*top(Moment((), (), resources)))

    assert "37 % of 8 processors" in captured.get()
    assert "utilisation not measured, 24.0 GB" in captured.get()


def test_the_page_does_not_call_an_old_comparison_equal() -> None:
    scene = Scene()
    drift = s.Drift(compared_at=scene.now, age_seconds=7200, differences=[])
    resources = scene.answers["resource_summary"](s.NoInput()).model_copy(update={"drift": drift})

    with (console := Console(width=160)).capture() as captured:
        console.print(*top(Moment((), (), resources)))

    (compared,) = [line for line in captured.get().splitlines() if "Ollama and Ray" in line]
    assert "2h 0m ago: too long" in compared
    assert "equal" not in compared


def test_the_live_view_ends_by_ctrl_c(address: str, backend: CannedBackend) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "TERM": "xterm-256color"}
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        command = [*PROGRAM, "top", "--every", "0.2", "--url", address]
        watching = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    finally:
        signal.signal(signal.SIGINT, heard)
        os.close(theirs)
    seen = b""
    while seen.count(b"memory saved") < 2:
        seen += os.read(ours, 65_536)
    watching.send_signal(signal.SIGINT)

    assert watching.wait(30) == 0
    os.close(ours)
