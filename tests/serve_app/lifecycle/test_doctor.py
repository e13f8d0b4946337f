"""What the doctor finds on a machine, without starting anything."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from delegator.ollama.simulator.profiles import PROFILES
from delegator.ollama.simulator.server import SimulatedHost
from delegator.settings import GB, Settings
from serve_app.lifecycle.doctor import Check, doctor
from serve_app.lifecycle.instance import write_instance
from serve_app.lifecycle.preflight import free_port
from tests.serve_app.lifecycle.notes import ME, SOMEBODY_LATER, noted


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    port, nobody = free_port("127.0.0.1", after=18_900), free_port("127.0.0.1", after=19_100)
    return Settings(home=tmp_path, port=port, ollama_url=f"http://127.0.0.1:{nobody}")


def of(checks: list[Check], name: str) -> list[Check]:
    return [check for check in checks if check.name == name]


def test_a_machine_without_ollama_is_fit_for_simulated_models(settings: Settings) -> None:
    checks = doctor(settings)

    assert [check.name for check in checks if check.state == "fail"] == []
    assert [check.state for check in of(checks, "models")] == ["warn"]
    assert [check.state for check in of(checks, "catalogue")] == ["ok"]
    assert "simulated" in of(checks, "memory")[0].found
    assert all(check.advice for check in checks if check.state != "ok")


def test_it_leaves_nothing_in_the_home(settings: Settings) -> None:
    doctor(settings)

    assert list(settings.home_dir.iterdir()) == []


def test_ollama_is_a_failure_only_where_it_was_asked_for(settings: Settings) -> None:
    asked = settings.model_copy(update={"models": "ollama"})

    assert [check.state for check in of(doctor(asked), "models")] == ["fail"]


async def test_each_model_is_installed_replaced_or_missing(settings: Settings) -> None:
    on_disk = ("qwen2.5:14b", "llama3.2-vision:11b", "qwen3-vl:8b", "mistral:7b")
    async with SimulatedHost(PROFILES["laptop64"].but(installed=on_disk)) as host:
        seen = settings.model_copy(update={"ollama_url": host.url})
        checks = of(await asyncio.to_thread(doctor, seen), "models")

    told = {check.found.split(" ")[0]: check for check in checks[1:]}
    assert checks[0].state == "ok"
    assert told["qwen2.5:14b"].state == "ok"
    assert told["llama3.2-vision:11b"].state == "warn"
    assert "qwen3-vl:8b takes its place" in told["llama3.2-vision:11b"].found
    assert told["codellama:13b"].state == "fail"
    assert told["codellama:13b"].advice == "ollama pull codellama:13b"


async def test_each_endpoint_is_told_and_a_model_on_one_of_them_is_enough(settings: Settings) -> None:
    small, large = PROFILES["laptop64"].but(installed=("mistral:7b",)), PROFILES["laptop64"]
    async with SimulatedHost(small) as one, SimulatedHost(large) as two:
        urls = f"{settings.ollama_url},{one.url},{two.url}"
        seen = settings.model_copy(update={"ollama_url": urls})
        checks = of(await asyncio.to_thread(doctor, seen), "models")

    told = {check.found.split(" ")[0]: check for check in checks[3:]}
    assert [check.state for check in checks[:3]] == ["ok", "ok", "warn"]
    assert settings.ollama_url in checks[2].found
    assert checks[2].advice
    assert told["mistral:7b"].found.endswith("is installed")
    assert told["codellama:13b"].state == "ok"
    assert told["codellama:13b"].found.endswith(f"is installed, but not at {one.url}")


def test_a_model_is_too_large_by_the_share_of_its_endpoint(settings: Settings) -> None:
    halves = settings.model_copy(update={"models": "simulated", "memory": 30 * GB, "simulated_endpoints": 2})

    assert [check.state for check in of(doctor(halves), "catalogue")][:2] == ["ok", "warn"]
    assert {check.state for check in of(doctor(halves.model_copy(update={"memory": 60 * GB})), "catalogue")} == {"ok"}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"catalogue": "nonsense"}, "catalogue"),
        ({"home": Path("/proc/nowhere")}, "home"),
        ({"memory_reserve": 10**15, "models": "ollama"}, "memory"),
        ({"ray_address": "127.0.0.1:1"}, "ray address"),
        ({"database_url": "postgresql://u@127.0.0.1:1/d"}, "database"),
    ],
)
def test_what_would_make_up_fail_is_found(settings: Settings, change: dict[str, object], name: str) -> None:
    checks = of(doctor(settings.model_copy(update=change)), name)

    assert [check.state for check in checks] == ["fail"]
    assert checks[0].advice


def test_a_port_in_use_is_found_with_its_user(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", settings.port)):
        [check] = of(doctor(settings), "port")

    assert check.state == "fail"
    assert "is used by" in check.found


def test_the_port_of_a_system_that_is_not_well_is_no_failure(settings: Settings) -> None:
    """`delegator up` starts such a system anew on the same port."""
    parts = {"gcs_server": ME, "raylet": ME, "simulator": SOMEBODY_LATER}
    url = f"http://127.0.0.1:{settings.port}"
    write_instance(noted(settings.home_dir, port=settings.port, api_url=url, database="external", processes=parts))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.port))
        checks = doctor(settings)
    [system], [port] = of(checks, "system"), of(checks, "port")

    assert system.state == "warn"
    assert "simulator" in system.found
    assert system.advice == "Start it anew: delegator up"
    assert (port.state, port.found) == ("ok", f"{settings.port}, used by the running Delegator")
