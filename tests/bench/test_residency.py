"""The residency benchmark: its rows, its notes, its tables and plot, and the goals at one rate."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.residency import MODELS, Run, make_workload, measured
from bench.residency_report.goals import missed
from bench.residency_report.plot import plot
from bench.residency_report.rows import Row
from bench.residency_report.tables import compare, tables
from delegator.roles import load_catalogue
from delegator.settings import GB
from delegator.simulation.model_files import FILE_GB

ROOT = Path(__file__).parents[2]
FIELDS = [
    "seed", "machine_gb", "rate_per_h", "close_lag_s", "policy", "gb_seconds", "load_seconds", "waited_load_seconds",
    "swaps", "ttft_first_p50_s", "ttft_first_p95_s", "ttft_all_p50_s", "ttft_all_p95_s", "option_reloads",
    "capacity_violations",
]  # fmt: skip


def bench(*arguments: str, program: Sequence[str] = ("-m", "bench", "residency")) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Ours and Ollama's at six an hour on every machine, of three seeds; all nine where they fit."""
    policies = ("delegator", "ollama", "all_nine")
    return list(measured([Run(*each) for each in product((1, 2, 3), (24, 48, 96), (6,), (0,), policies)]))


def test_the_goals_hold(rows: list[Row]) -> None:
    comparisons = compare(rows)

    assert [(c.machine_gb, c.missed) for c in comparisons] == [(24, []), (48, []), (96, [])]
    assert [c.to_all_nine is None for c in comparisons] == [True, True, False]


def test_a_goal_that_is_missed_is_named(rows: list[Row]) -> None:
    ours, rival = (
        [row for row in rows if row.machine_gb == 96 and row.policy == name] for name in ("delegator", "ollama")
    )
    worse = [replace(ours[0], gb_seconds=rival[0].gb_seconds, ttft_all_p95_s=99.0, capacity_violations=1)]

    (found,) = compare([*worse, *rival])

    assert found.missed is not None
    assert [goal.split()[0] for goal in found.missed] == ["gb_seconds", "ttft_all_p95_s", "capacity"]
    assert missed(96, 6, found.to_ollama, 0.2, worse)[2].startswith("gb_seconds of all_nine 0.200")


def test_rows_alone_go_to_standard_output() -> None:
    done = bench("--seed", "1", "--machine", "24", "--rate", "12", "--lag", "600", "--json")

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [list(row) for row in found] == [FIELDS] * 3
    assert [row["policy"] for row in found] == ["delegator", "ollama", "ollama_forever"]
    assert all(row["option_reloads"] == row["capacity_violations"] == 0 for row in found)
    assert "all_nine cannot run on 24 GB" in done.stderr


def test_the_same_seed_gives_the_same_rows_however_it_is_started() -> None:
    asked = ("--seed", "4", "--machine", "96", "--rate", "12", "--lag", "0", "--policy", "delegator,all_nine", "--json")

    module, script = bench(*asked), bench(*asked, program=("bench/residency.py",))

    assert module.stdout == script.stdout
    assert len(module.stdout.splitlines()) == 2


def test_tables_and_plot_show_every_machine(rows: list[Row]) -> None:
    comparisons = compare(rows)

    page, drawing = tables(rows, comparisons), ElementTree.fromstring(plot(comparisons))

    assert page.count("| all hold |") == 3
    assert page.count("| ollama |") == 3
    words = [element.text for element in drawing.iter() if element.text]
    assert {"24 GB", "48 GB", "96 GB", "Ollama", "GB-seconds"} <= set(words)
    assert sum(word.startswith(("24 GB,", "48 GB,", "96 GB,")) for word in words) == 3


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(["--seed", "one"], "list of whole numbers"), (["--policy", "best"], "there is no policy best")],
)
def test_a_wrong_option_is_told(arguments: list[str], problem: str) -> None:
    done = bench(*arguments)

    assert done.returncode == 2
    assert problem in done.stderr
    assert done.stdout == ""


def test_the_benchmark_and_the_command_mean_the_same_models() -> None:
    catalogue = load_catalogue("echo")

    known = {name: (FILE_GB[name], catalogue.models[name].memory_bytes / GB) for name in MODELS}

    assert known == MODELS


def test_the_workload_is_that_of_the_issue() -> None:
    workload = make_workload(1, 6, 600)

    assert len(workload.sessions) == 300
    assert sum(model.size_bytes for model in workload.models.values()) == 75_900_000_000
    assert workload.models["deepseek-coder:33b"].load_s == pytest.approx(9.9)
    assert {model for session in workload.sessions for model in session.team} < set(MODELS)
    assert {session.close_lag_s for session in workload.sessions} == {600}
    turns = {(turn.reading_s, turn.writing_s) for s in workload.sessions for task in s.tasks for turn in task.turns}
    assert turns == {(3.0, 15.0)}
