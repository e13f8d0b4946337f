"""How lean and how fast: one office's week on machines of three sizes, under Delegator's policy and under others'.

Every policy gets the same trace. Delegator's is the production dispatcher itself, on a simulated clock. Standard output
carries the result alone: a JSON object a run with `--json`, else Markdown; whatever else there is to say goes to
standard error. Runs share the machine's processors.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

from bench.residency_report.plot import plot
from bench.residency_report.rows import Row
from bench.residency_report.tables import compare, tables
from delegator.roles import load_catalogue
from delegator.settings import GB
from delegator.simulation.meter import Meter, percentile
from delegator.simulation.office import office_sessions
from delegator.simulation.policies import POLICIES, run_policy
from delegator.simulation.profiles import load_s
from delegator.simulation.trace import TracedSession
from delegator.simulation.workload import (
    Machine,
    SimulatedModel,
    SimulatedSession,
    SimulatedTask,
    SimulatedTurn,
    Workload,
)

MACHINES_GB = (24, 48, 96)
RATES_PER_H = (2, 6, 12)
CLOSE_LAGS_S = (0, 600)

MODELS = {
    "qwen2.5:14b": (8.99, 11.1),
    "deepseek-coder:33b": (18.8, 21.4),
    "llama3.1:8b": (4.92, 6.5),
    "mistral:7b": (4.37, 5.9),
    "qwen3-vl:8b": (6.14, 7.8),
    "deepseek-coder:6.7b": (3.83, 8.6),
    "codellama:13b": (7.37, 14.6),
}
"""{model: (GB of its file, GB loaded at 8,192 tokens)}: published files, computed sizes."""

DISK_GB_S = 2.0


class Run(NamedTuple):
    """Which run."""

    seed: int
    machine_gb: int
    rate_per_h: int
    close_lag_s: int
    policy: str


def make_workload(seed: int, rate_per_h: int, close_lag_s: int) -> Workload:
    """Return the trace of one seed; think times and teams are the same whatever the rate."""
    model_of = {name: role.model for name, role in load_catalogue("echo").roles.items()}
    model_of["uiux_engineer"] = "qwen3-vl:8b"
    traced = office_sessions(rate_per_h, seed=seed, close_lag_s=close_lag_s)
    sessions = [_session(f"s{number}", session, model_of) for number, session in enumerate(traced)]
    models = {
        name: SimulatedModel(name, round(loaded * GB), load_s(round(file * GB), DISK_GB_S))
        for name, (file, loaded) in MODELS.items()
    }
    return Workload(models, sessions)


def _session(name: str, traced: TracedSession, model_of: dict[str, str]) -> SimulatedSession:
    turns = tuple(SimulatedTurn(model_of[role], traced.reading_s, traced.writing_s) for role in traced.speakers)
    tasks = tuple(SimulatedTask(think_s, turns) for think_s in traced.thinks_s)
    team = tuple(dict.fromkeys(model_of[role] for role in traced.team))
    return SimulatedSession(name, traced.at_s, team, tasks, traced.close_lag_s)


def run(workload: Workload, machine_gb: int, policy: str) -> Meter:
    """Run one policy.

    Raises:
        ValueError: it cannot run on this machine.
    """
    return run_policy(workload, Machine(machine_gb * GB), policy)


def measure(this: Run) -> Row | str:
    """Return the row of one run, or why it cannot be."""
    try:
        meter = run(make_workload(this.seed, this.rate_per_h, this.close_lag_s), this.machine_gb, this.policy)
    except ValueError as exc:
        return f"{this.policy} cannot run on {this.machine_gb} GB: {exc}"
    return Row(
        *this,
        gb_seconds=round(meter.gb_seconds, 1),
        load_seconds=round(meter.load_s, 2),
        waited_load_seconds=round(meter.waited_load_s, 2),
        swaps=meter.swaps,
        ttft_first_p50_s=round(percentile(meter.ttft_first_s, 0.50), 3),
        ttft_first_p95_s=round(percentile(meter.ttft_first_s, 0.95), 3),
        ttft_all_p50_s=round(percentile(meter.ttft_all_s, 0.50), 3),
        ttft_all_p95_s=round(percentile(meter.ttft_all_s, 0.95), 3),
        option_reloads=meter.option_reloads,
        capacity_violations=meter.violations,
    )


def measured(runs: Sequence[Run]) -> Iterator[Row]:
    """Yield the row of every run that can be, in order, as it comes; why one cannot be goes to standard error."""
    notes: dict[str, None] = {}
    with ProcessPoolExecutor(min(len(runs), os.cpu_count() or 1)) as workers:
        for found in workers.map(measure, runs):
            if isinstance(found, Row):
                yield found
            elif found not in notes:
                notes[found] = None
                print(f"note: {found}", file=sys.stderr)


# ── the command line ──────────────────────────────────────────────────────────────────────────────────────────────────


def main() -> None:
    """Measure what was asked for and print."""
    given = _options().parse_args()
    runs = [Run(*each) for each in product(given.seed, given.machine, given.rate, given.lag, given.policy)]
    begun = time.perf_counter()
    rows = []
    for row in measured(runs):
        rows.append(row)
        if given.json:
            print(json.dumps(asdict(row)), flush=True)
    comparisons = compare(rows)
    if not given.json:
        print(tables(rows, comparisons), end="")
    if given.plot is not None:
        given.plot.write_text(plot(comparisons), encoding="utf-8")
    print(f"{len(rows)} runs in {time.perf_counter() - begun:.1f} s", file=sys.stderr)


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m bench residency", description=__doc__)
    options.add_argument("--json", action="store_true", help="one JSON object a line, one for each run")
    options.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the ratios to Ollama into a file")
    listed = partial(options.add_argument, type=_numbers)
    listed("--seed", default=(1, 2, 3), metavar="N[,N...]", help="seeds; default 1,2,3")
    listed("--machine", default=MACHINES_GB, metavar="GB[,GB...]", help="machines; default 24,48,96")
    listed("--rate", default=RATES_PER_H, metavar="N[,N...]", help="sessions an hour; default 2,6,12")
    listed("--lag", default=CLOSE_LAGS_S, metavar="S[,S...]", help="seconds until a session is closed; default 0,600")
    options.add_argument(
        "--policy", default=tuple(POLICIES), type=_policies, metavar="NAME[,NAME...]", help=f"of {', '.join(POLICIES)}"
    )
    return options


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of whole numbers, as in 1,2,3") from None
    if min(numbers) < 0:
        raise argparse.ArgumentTypeError("numbers below nothing make no sense here")
    return numbers


def _policies(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    unknown = [name for name in names if name not in POLICIES]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no policy {unknown[0]}; there are {', '.join(POLICIES)}")
    return names


if __name__ == "__main__":
    main()
