"""`delegator models`: pulling with progress, all that is missing at once, and fitting with and without a system."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from actors.footprint import AGENT_MEMORY_BYTES
from delegator import errors
from delegator import schemas as s
from serve_app.cli.pulling import shown
from serve_app.cli.terminal import Terminal
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.samples import REPLIES, CannedBackend, control, pull

Online = Callable[..., Ended]
NOWHERE = ("--url", "http://127.0.0.1:9")
FULL = s.ErrorBody(code="pull_failed", message="no space left on device", hint="Pull it again.")


def asked(backend: CannedBackend) -> list[str]:
    return [name for name, _ in backend.asked]


def test_a_pull_is_watched_to_its_end_and_its_tenths_are_told(online: Online, backend: CannedBackend) -> None:
    backend.answers["pull_model"] = pull("running", ratio=0.0)
    backend.answers["get_pull"] = [pull("running", ratio=0.31), pull("running", ratio=0.39), pull()]

    ended = online("models", "pull", "llama3.2:3b")

    assert ended.code == 0
    assert asked(backend) == ["pull_model", "get_pull", "get_pull", "get_pull"]
    assert ended.err.splitlines() == ["llama3.2:3b: 0 % of 2.0 GB", "llama3.2:3b: 30 % of 2.0 GB"]
    assert ended.out == "fetched llama3.2:3b on ollama  2.0 of 2.0 GB, 20s simulated\n"


def test_a_download_that_went_down_with_its_host_is_taken_up_again(online: Online, backend: CannedBackend) -> None:
    backend.answers["pull_model"] = [pull("running", ratio=0.3), pull("running", ratio=0.3)]
    backend.answers["get_pull"] = [errors.PullNotFound("llama3.2:3b"), pull()]

    ended = online("models", "pull", "llama3.2:3b")

    assert ended.code == 0
    assert asked(backend) == ["pull_model", "get_pull", "pull_model", "get_pull"]


def test_a_bar_is_drawn_on_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(as_json=False)
    terminal.err = Console(stderr=True, force_terminal=True, width=80, color_system=None)

    with shown(terminal, "llama3.2:3b") as seen:
        seen(pull("running", ratio=0.5))

    drawn = capsys.readouterr()
    assert drawn.out == ""
    assert "llama3.2:3b" in drawn.err
    assert "━" in drawn.err


@pytest.mark.parametrize(
    ("last", "code", "words"),
    [
        (pull("failed", ratio=0.4, error=FULL), "pull_failed", "no space left on device"),
        (pull("cancelled", ratio=0.4), "pull_cancelled", "was cancelled"),
    ],
)
def test_a_pull_that_ends_without_success_fails_the_command(
    online: Online, backend: CannedBackend, last: s.Pull, code: str, words: str
) -> None:
    backend.answers["pull_model"] = pull("running", ratio=0.1)
    backend.answers["get_pull"] = last

    told = online("models", "pull", "llama3.2:3b")
    as_json = online("models", "pull", "llama3.2:3b", "--json")

    assert (told.code, as_json.code) == (1, 1)
    assert words in told.err
    assert as_json.json["error"]["code"] == code


def test_an_unknown_model_is_not_found(online: Online, backend: CannedBackend) -> None:
    backend.answers["pull_model"] = errors.ModelNotFound("no-such", "in the registry")

    ended = online("models", "pull", "no-such")

    assert ended.code == 3
    assert ended.err.startswith("error: there is no model 'no-such' in the registry\nhint: ")
    assert "delegator models list" in ended.err


def test_without_a_name_all_that_the_roles_miss_is_pulled(online: Online, backend: CannedBackend) -> None:
    told, as_json = online("models", "pull"), online("models", "pull", "--json")

    assert told.code == 0
    assert asked(backend) == ["list_models", "pull_model"] * 2
    assert backend.asked[1][1] == s.PullModelRequest(model="qwen2.5:14b", wait_s=1)
    assert as_json.json == s.PullsReply(pulls=[pull()]).model_dump(mode="json")


def test_where_nothing_is_missing_that_is_said(online: Online, backend: CannedBackend) -> None:
    backend.answers["list_models"] = REPLIES["list_models"].model_copy(update={"models": []})

    ended = online("models", "pull")

    assert ended.out == "Nothing is missing: every role has its model.\n"
    assert asked(backend) == ["list_models"]


def test_one_missing_model_that_fails_does_not_keep_the_others_away(online: Online, backend: CannedBackend) -> None:
    listed: Any = REPLIES["list_models"]
    missing = listed.models[1]
    both = [missing, missing.model_copy(update={"model": "mistral:7b"})]
    backend.answers["list_models"] = listed.model_copy(update={"models": both})
    backend.answers["pull_model"] = [errors.ModelNotFound("qwen2.5:14b", "in the registry"), pull()]

    ended = online("models", "pull")

    assert ended.code == 1
    assert asked(backend) == ["list_models", "pull_model", "pull_model"]
    assert "there is no model 'qwen2.5:14b'" in ended.err


def test_ctrl_c_stops_what_it_has_started(
    process: Callable[..., subprocess.Popen[str]], address: str, backend: CannedBackend
) -> None:
    backend.answers["pull_model"] = backend.answers["get_pull"] = pull("running", ratio=0.2)
    with process("models", "pull", "llama3.2:3b", "--url", address) as running:
        assert running.stderr is not None
        running.stderr.readline()  # the first tenth: it is watching
        running.send_signal(2)

        assert running.wait(60) == 130

    assert asked(backend)[-1] == "cancel_pull"


def test_ctrl_c_leaves_the_download_of_others_alone(
    process: Callable[..., subprocess.Popen[str]], address: str, backend: CannedBackend
) -> None:
    joined = pull("running", ratio=0.2).model_copy(update={"started": False})
    backend.answers["pull_model"] = backend.answers["get_pull"] = joined
    with process("models", "pull", "llama3.2:3b", "--url", address) as running:
        assert running.stderr is not None
        running.stderr.readline()
        running.send_signal(2)

        assert running.wait(60) == 130

    assert "cancel_pull" not in asked(backend)


def test_what_is_missing_and_how_to_fetch_it_is_shown(online: Online) -> None:
    shown_ = online("models", "list").out

    assert "Missing: qwen2.5:14b. Fetch them with: delegator models pull" in shown_
    assert "~11.1 GB" in shown_
    assert "Models are simulated" in shown_


# ── fit ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_fit_needs_no_running_system(delegator: Callable[..., Ended]) -> None:
    told = delegator("models", "fit", "--memory", "24GB")
    as_json = delegator("models", "fit", "--memory", "24GB", "--json")

    reply = s.FitModelsReply.model_validate(as_json.json)
    (machine,) = reply.machines
    assert told.code == as_json.code == 0
    assert (machine.endpoint, machine.catalogue, reply.sizes) == (None, "echo", "estimated")
    assert machine.capacity_gb == pytest.approx(24 - 9 * AGENT_MEMORY_BYTES / 1e9, abs=0.05)
    assert f"delegator up --catalogue {machine.suggested}" in told.out


def test_fit_takes_another_catalogue_and_the_memory_of_the_machine(delegator: Callable[..., Ended]) -> None:
    ended = delegator("models", "fit", "--memory", "64GB", "--catalogue", "compact")

    assert "compact suits this machine." in ended.out
    assert delegator("models", "fit", "--catalogue", "single", "--memory", "3GB").out.endswith(
        "No catalogue fits this memory.\nSizes are estimated.\n"
    )


def test_fit_without_a_system_that_runs_answers_for_this_machine(
    delegator: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELEGATOR_PORT", "9")
    monkeypatch.setenv("DELEGATOR_MODELS", "simulated")

    ended = delegator("models", "fit", "--json")

    assert ended.code == 0
    assert ended.json["machines"][0]["endpoint"] is None
    assert ended.json["simulated"] is True


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--memory", "lots"), 2),
        (("--memory", "0"), 2),
        (("--catalogue", "nowhere"), 2),
        (("--memory", "lots", *NOWHERE), 2),
        (NOWHERE, 6),
        (("--memory", "24GB", *NOWHERE), 6),
    ],
)
def test_fit_refuses_what_makes_no_sense(
    delegator: Callable[..., Ended], arguments: tuple[str, ...], code: int
) -> None:
    assert delegator("models", "fit", *arguments, "--json").code == code


def test_fit_by_estimates_loads_neither_ray_nor_the_web() -> None:
    program = (
        "import sys; from serve_app.cli.main import main; main(sys.argv[1:]);"
        "sys.exit(repr(sorted({'ray', 'mcp', 'fastapi', 'httpx', 'sqlalchemy', 'uvicorn'} & set(sys.modules))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}

    ended = subprocess.run(
        [sys.executable, "-c", program, "models", "fit", "--memory", "24GB"],
        capture_output=True,
        text=True,
        env=environment,
    )

    assert ended.stderr.strip() == "[]"


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_load_is_asked_for_until_it_has_come_to_its_end(online: Online, backend: CannedBackend) -> None:
    backend.answers["load_model"] = [control("loading"), control("resident", evicted=("codellama:13b",))]

    ended = online("models", "load", "llama3.2:3b")

    assert ended.code == 0
    assert backend.asked == [
        ("load_model", s.ModelControlRequest(model="llama3.2:3b")),
        ("load_model", s.ModelControlRequest(model="llama3.2:3b", endpoint="ollama")),
    ]
    assert ended.out.splitlines()[0] == "in memory llama3.2:3b on ollama"
    assert "codellama:13b" in ended.out


def test_a_load_that_nobody_waits_for_is_told_as_it_stands(online: Online, backend: CannedBackend) -> None:
    backend.answers["load_model"] = control("loading")

    ended = online("models", "load", "llama3.2:3b", "--no-wait", "--json")

    assert ended.code == 0
    assert ended.json["state"] == "loading"
    assert asked(backend) == ["load_model"]


def test_a_load_that_somebody_stops_fails_the_command(online: Online, backend: CannedBackend) -> None:
    backend.answers["pin_model"] = [control("loading"), control("absent")]

    ended = online("models", "pin", "llama3.2:3b", "--json")

    assert ended.code == 1
    assert ended.json["error"]["code"] == "load_cancelled"


def test_what_a_pin_costs_is_told(online: Online, backend: CannedBackend) -> None:
    backend.answers["pin_model"] = control("resident", pinned=True, warnings=("The cto finds no room.",))

    ended = online("models", "pin", "llama3.2:3b")

    assert ended.out.splitlines()[0] == "in memory llama3.2:3b on ollama, pinned"
    assert "The cto finds no room." in ended.out


def test_a_model_in_use_is_not_unloaded(online: Online, backend: CannedBackend) -> None:
    backend.answers["unload_model"] = errors.ModelInUse("ollama", "llama3.2:3b", "a turn of session_1 runs on it")

    ended = online("models", "unload", "llama3.2:3b")

    assert ended.code != 0
    assert "a turn of session_1 runs on it" in ended.err
