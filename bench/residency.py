"""How lean and how fast: one office's week on machines of three sizes, under Delegator's policy and under others'.

Every policy gets the same trace. Delegator's is the production dispatcher itself, on a simulated clock.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from delegator.roles import load_catalogue
from delegator.settings import GB
from delegator.simulation.meter import Meter, percentile
from delegator.simulation.ours import DelegatorResidency
from delegator.simulation.rivals import EverythingResident, OllamaResidency
from delegator.simulation.workload import (
    Machine,
    SimulatedModel,
    SimulatedSession,
    SimulatedTask,
    SimulatedTurn,
    Workload,
)
from delegator.simulation.world import ResidencyPolicy, World

MACHINES_GB = (24, 48, 96)
RATES_PER_H = (2, 6, 12)
CLOSE_LAGS_S = (0, 600)
SESSIONS = 300

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

TEAMS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.40, ("senior_developer",)),
    (0.35, ("product_manager", "senior_architect", "senior_developer", "test_lead")),
    (0.15, ("ceo", "product_manager", "operations_head")),
    (0.10, ("cto", "senior_architect", "senior_developer")),
)
"""(share of the sessions, roles in the order they speak)."""

READING_S, WRITING_S = 1500 / 500, 300 / 20
HEAD_START_S = 5.0
MEDIAN_THINK_S, THINK_SIGMA = 180.0, 0.8
POLICIES = ("delegator", "ollama", "ollama_forever", "all_nine")


@dataclass(frozen=True)
class Row:
    """One run."""

    seed: int
    machine_gb: int
    rate_per_h: int
    close_lag_s: int
    policy: str
    gb_seconds: float
    load_seconds: float
    waited_load_seconds: float
    swaps: int
    ttft_first_p50_s: float
    ttft_first_p95_s: float
    ttft_all_p50_s: float
    ttft_all_p95_s: float
    option_reloads: int
    capacity_violations: int


def make_workload(seed: int, rate_per_h: int, close_lag_s: int) -> Workload:
    """Return the trace of one seed; think times and teams are the same whatever the rate."""
    chance = random.Random(seed)
    catalogue = load_catalogue("echo")
    model_of = {name: role.model for name, role in catalogue.roles.items()}
    model_of["uiux_engineer"] = "qwen3-vl:8b"
    now, sessions = 0.0, []
    for number in range(SESSIONS):
        now += chance.expovariate(rate_per_h / 3600)
        team = tuple(model_of[role] for role in _team(chance.random()))
        spoken = (*team, team[0]) if len(team) > 1 else team
        turns = tuple(SimulatedTurn(model, READING_S, WRITING_S) for model in spoken)
        thinks = [HEAD_START_S] + [_think_s(chance) for _ in range(chance.randint(1, 4) - 1)]
        tasks = tuple(SimulatedTask(think_s, turns) for think_s in thinks)
        sessions.append(SimulatedSession(f"s{number}", now, tuple(dict.fromkeys(team)), tasks, close_lag_s))
    models = {
        name: SimulatedModel(name, round(loaded * GB), file / 2 + 0.5) for name, (file, loaded) in MODELS.items()
    }
    return Workload(models, sessions)


def _team(chance: float) -> tuple[str, ...]:
    for share, team in TEAMS:
        if chance < share:
            return team
        chance -= share
    return TEAMS[0][1]


def _think_s(chance: random.Random) -> float:
    return MEDIAN_THINK_S * chance.lognormvariate(0.0, THINK_SIGMA)


def run(workload: Workload, machine_gb: int, policy: str) -> Meter:
    """Run one policy.

    Raises:
        ValueError: it cannot run on this machine.
    """
    world = World(workload, Machine(machine_gb * GB))
    policies = {
        "delegator": lambda: DelegatorResidency(world),
        "ollama": lambda: OllamaResidency(world),
        "ollama_forever": lambda: OllamaResidency(world, keep_alive_s=None),
        "all_nine": lambda: EverythingResident(world),
    }
    chosen: ResidencyPolicy = policies[policy]()
    return world.run(chosen)
