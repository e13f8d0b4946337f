"""simulate: a machine, a catalogue and a workload tried without a system, and every slip told in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from delegator.simulation.profiles import PROFILES
from delegator.simulation.report import SimulationReport
from tests.serve_app.cli.conftest import Ended

QUICK = ("--trace", "office:6:12")


def test_a_comparison_is_shown_with_its_verdict(delegator: Callable[..., Ended]) -> None:
    ended = delegator("simulate", "--profile", "laptop24", *QUICK)

    assert ended.code == 0
    assert "laptop24: 20.0 GB for models, loaded with 2 GB a second" in ended.out
    assert "Ollama, 5 min keep-alive" in ended.out
    assert "all models at once cannot run: all models together need 56.4 GB" in ended.out
    assert "cto" in ended.out
    assert "codellama:13b" in ended.out
    assert "Simulated: Delegator takes" in ended.out


def test_json_is_the_report_alone(delegator: Callable[..., Ended]) -> None:
    ended = delegator("simulate", "--memory", "96GB", "--disk-gb-s", "4", "--catalogue", "compact", *QUICK, "--json")

    report = SimulationReport.model_validate(ended.json)
    assert ended.code == 0
    assert (report.machine.memory_gb, report.machine.disk_gb_s, report.machine.profile) == (96.0, 4.0, None)
    assert (report.catalogue, report.work.sessions, report.simulated) == ("compact", 12, True)
    assert ended.err == ""


def test_memory_stands_above_the_profile_and_a_seed_makes_another_office(delegator: Callable[..., Ended]) -> None:
    first, same, other = (
        delegator("simulate", "--profile", "workstation96", "--memory", "50GB", *QUICK, "--seed", seed, "--json").json
        for seed in ("1", "1", "2")
    )

    assert first == same
    assert first["machine"] == {"profile": "workstation96", "memory_gb": 50.0, "disk_gb_s": 3.0}
    assert first["policies"] != other["policies"]


def test_a_trace_file_is_read(delegator: Callable[..., Ended], tmp_path: Path) -> None:
    lines = [
        {"at_s": 0, "task": "Add user authentication feature", "tasks": 2},
        {"at_s": 30, "team": ["senior_developer"], "tasks": [5, 240], "close_after_s": 600},
    ]
    (tmp_path / "mine.jsonl").write_text("# a day\n" + "\n".join(json.dumps(line) for line in lines))

    ended = delegator("simulate", "--memory", "64GB", "--trace", "mine.jsonl", "--json")

    assert ended.code == 0
    assert ended.json["work"] | {"hours": 0} == {
        "trace": "mine.jsonl",
        "sessions": 2,
        "tasks": 4,
        "turns": 2 * 5 + 2,
        "hours": 0,
    }
    assert any("memory limit of their task's complexity" in note for note in ended.json["notes"])


def test_a_trace_comes_on_standard_input(process: Callable[..., object]) -> None:
    running = process("simulate", "--memory", "24GB", "--trace", "-", "--json")

    out, err = running.communicate('{"at_s": 0, "team": ["ceo"]}\n', timeout=60)  # type: ignore[attr-defined]

    assert json.loads(out)["work"]["turns"] == 1, err


def test_no_cluster_is_loaded_for_it() -> None:
    program = (
        "import sys; from serve_app.cli.main import main; "
        "code = main(['simulate', '--memory', '24GB', '--trace', 'office:6:3', '--json']); "
        "print(code, sorted({'ray', 'fastapi', 'nicegui', 'sqlalchemy'} & set(sys.modules)), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert done.stderr == "0 []\n"


def test_the_machines_with_a_name_are_listed(delegator: Callable[..., Ended]) -> None:
    shown, as_json = delegator("simulate", "--profile", "list"), delegator("simulate", "--profile", "list", "--json")

    assert all(name in shown.out for name in PROFILES)
    assert [row["profile"] for row in as_json.json["profiles"]] == list(PROFILES)


def test_what_the_settings_say_holds_here_too(delegator: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELEGATOR_MEMORY_RESERVE", "8GB")
    monkeypatch.setenv("DELEGATOR_RESIDENCY__LOAD_PRICE", "100000")

    ended = delegator("simulate", "--profile", "laptop64", *QUICK, "--json")
    monkeypatch.delenv("DELEGATOR_RESIDENCY__LOAD_PRICE")
    cheap = delegator("simulate", "--profile", "laptop64", *QUICK, "--json")

    assert ended.json["machine"]["memory_gb"] == 56.0
    assert ended.json["policies"][0]["load_seconds"] < cheap.json["policies"][0]["load_seconds"]


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["--profile", "laptop25"], 2, "--profile: is not known"),
        (["--memory", "lots"], 2, "memory"),
        (["--disk-gb-s", "0"], 2, "--disk-gb-s"),
        (["--disk-gb-s", "nan"], 2, "--disk-gb-s"),
        (["--catalogue", "nowhere"], 2, "nowhere"),
        (["--trace", "nowhere.jsonl"], 3, "there is no trace file nowhere.jsonl"),
        (["--trace", "."], 2, "cannot be read"),
        (["--trace", "office:0"], 2, "is no office"),
        (["--trace", "office:6:0"], 2, "is no office"),
        (["--trace", "office:many"], 2, "is no office"),
        (["--memory", "3GB"], 5, "each team of the trace needs"),
    ],
)
def test_a_slip_is_told_in_a_sentence(
    delegator: Callable[..., Ended], arguments: list[str], code: int, problem: str
) -> None:
    ended = delegator("simulate", *QUICK, *arguments, "--json")

    assert ended.code == code
    assert problem in ended.json["error"]["message"]


def test_a_wrong_line_is_told_by_its_number(delegator: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text('{"at_s": 0, "team": ["ceo"]}\n{"at_s": 1, "team": ["ceoo"]}\n')

    ended = delegator("simulate", "--memory", "64GB", "--trace", "mine.jsonl")

    assert ended.code == 2
    assert "mine.jsonl, line 2, team: names a role that the catalogue does not have" in ended.err
    assert "Did you mean ceo?" in ended.err
    assert ended.out == ""


def test_hostile_names_stay_text(delegator: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "\x1b[2Jx.jsonl").write_text('{"at_s": 0, "team": ["\x1b]0;gone"]}')

    ended = delegator("simulate", "--memory", "64GB", "--trace", "\x1b[2Jx.jsonl")

    assert ended.code == 2
    assert "\x1b" not in ended.out + ended.err
