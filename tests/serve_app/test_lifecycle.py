"""The life of a real system on this machine: Ray, PostgreSQL, the simulator and Serve, started, killed and ended."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from actors import processes
from delegator.settings import Settings
from serve_app.lifecycle.down import down
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import read_instance
from serve_app.lifecycle.preflight import free_port
from serve_app.lifecycle.status import describe
from tests.serve_app.programs import ENVIRONMENT

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

SMALL_SYSTEM = str(Path(__file__).parent / "lifecycle" / "small_system.py")
UP_S = 240.0


@dataclass
class Place:
    """A home folder and the settings of a system in it."""

    options: dict[str, Any]

    @property
    def settings(self) -> Settings:
        return Settings.load(**self.options)

    @property
    def home(self) -> Home:
        return Home(self.settings.home_dir)

    def up(self) -> dict[str, Any]:
        """Call `up` in a process that ends when it returns; give what it printed."""
        command = [sys.executable, SMALL_SYSTEM, json.dumps(self.options)]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=UP_S)
        assert done.stdout, done.stderr
        return {"exit": done.returncode, "steps": done.stderr.splitlines(), **json.loads(done.stdout)}

    def processes(self) -> list[psutil.Process]:
        return processes.own_processes(self.home.instance_id, self.home.runtime_dir, self.home.database_dir)

    def kill(self, *titles: str) -> None:
        """Kill processes of the system as the system would, by the beginning of their titles."""
        victims = [process for process in self.processes() if processes.title(process).startswith(titles)]
        assert len(victims) >= len(titles), [processes.named(process) for process in self.processes()]
        for victim in victims:
            os.kill(victim.pid, signal.SIGKILL)
        assert processes.await_end(victims, deadline_s=10) == []

    def assert_nothing_is_left(self) -> None:
        assert [processes.named(process) for process in self.processes()] == []
        assert not self.home.runtime_dir.exists()
        assert not self.home.instance_file.exists()


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="delegator-test-"))
    port = free_port("127.0.0.1", after=18_400)
    dashboard_port = free_port("127.0.0.1", after=18_500)
    ports = {"port": port, "dashboard_port": dashboard_port, "metrics_port": 0}
    made = Place({"home": str(folder), **ports, "models": "simulated"})
    yield made
    down(made.settings)
    shutil.rmtree(folder)


def test_up_status_crash_up_again_and_down(place: Place) -> None:
    # One story: each start of Ray costs many seconds.
    first = place.up()
    assert first["exit"] == 0
    assert not first["already"]
    answers_with_resolved_settings(place, first)
    is_noted_for_its_user_alone(place)
    listens_on_loopback_only(place)
    answers_prometheus(first)
    is_open_to_programs_with_its_environment(first)
    is_found_running_by_a_second_up(place, first)
    is_healthy(place)

    place.kill("gcs_server", "raylet", "postgres")
    tells_what_is_missing(place)
    second = place.up()
    assert second["exit"] == 0
    assert not second["already"]
    assert any(step.startswith("Ended what an earlier run had left: ") for step in second["steps"])
    assert not {p["pid"] for p in first["processes"].values()} & {p["pid"] for p in second["processes"].values()}
    is_healthy(place)

    ended = down(place.settings)
    assert ended.was_running
    assert ended.problems == []
    assert {"gcs_server", "raylet", "postgres"} <= {name.split(" ")[0] for name in ended.processes_ended}
    place.assert_nothing_is_left()
    assert not down(place.settings).was_running


def answers_with_resolved_settings(place: Place, instance: dict[str, Any]) -> None:
    told = httpx.get(f"{instance['api_url']}/settings", timeout=30).json()

    assert told["models"] == "simulated"
    assert told["memory"] == 64_000_000_000
    assert told["ollama_url"] == instance["ollama_url"]
    assert told["database_url"].startswith("postgresql+psycopg://")
    assert httpx.get(f"{told['ollama_url']}/api/version", timeout=30).status_code == 200
    assert Path(told["home"]) == place.home.path


def is_noted_for_its_user_alone(place: Place) -> None:
    assert place.home.instance_file.stat().st_mode & 0o777 == 0o600
    assert read_instance(place.home.path) is not None


def listens_on_loopback_only(place: Place) -> None:
    listening = {
        connection.laddr[0]
        for process in place.processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1"}


def answers_prometheus(instance: dict[str, Any]) -> None:
    assert instance["metrics_url"].startswith("http://127.0.0.1:")
    assert "# TYPE ray_" in httpx.get(instance["metrics_url"], timeout=30).text


def is_open_to_programs_with_its_environment(instance: dict[str, Any]) -> None:
    environment = {**ENVIRONMENT, **instance["environment"]}
    command = [sys.executable, "-m", "ray.scripts.scripts", "status"]
    asked = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=UP_S)

    assert asked.returncode == 0, asked.stderr
    assert "Autoscaler status" in asked.stdout


def is_found_running_by_a_second_up(place: Place, first: dict[str, Any]) -> None:
    again = place.up()

    assert again["exit"] == 0
    assert again["already"]
    assert again["processes"] == first["processes"]


def is_healthy(place: Place) -> None:
    seen = describe(place.settings)

    assert (seen.running, seen.healthy, seen.degraded) == (True, True, ())


def tells_what_is_missing(place: Place) -> None:
    seen = describe(place.settings)

    assert not seen.healthy
    assert {"gcs_server", "raylet"} <= {problem.split(" ")[0] for problem in seen.degraded if "has ended" in problem}
    assert "the embedded PostgreSQL does not answer" in seen.degraded
