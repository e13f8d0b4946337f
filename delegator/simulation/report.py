"""What a comparison of policies on one machine found: figures, what had to be changed, and a verdict in one line.

Owns the comparison and its public shape (`delegator simulate --json`); runs are `policies.py`'s, models `casting.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from delegator.residency.dispatcher import Policy
from delegator.roles.catalogue import Catalogue
from delegator.schemas import Reply, Rung
from delegator.settings import GB
from delegator.simulation.casting import Cast, Unseated, cast_trace
from delegator.simulation.meter import Meter, percentile
from delegator.simulation.policies import OURS, POLICIES, run_policy
from delegator.simulation.trace import Trace
from delegator.simulation.verdict import verdict
from delegator.simulation.workload import Machine


class SimulatedMachine(Reply):
    """What it was tried on."""

    profile: str | None = Field(description="Its name; null where memory and disk were given.")
    memory_gb: float = Field(description="What models may take.")
    disk_gb_s: float


class SimulatedWork(Reply):
    """What was asked of it."""

    trace: str
    sessions: int = Field(description="Sessions that could be run.")
    tasks: int
    turns: int
    hours: float = Field(description="From the beginning to the end of the last session, with Delegator.")


class PolicyFigures(Reply):
    """What one policy made of it. Seconds are model seconds; waits are from asking to the first token."""

    policy: str
    why_not: str = Field("", description="Why it cannot run here; then there are no figures.")
    gb_seconds: float | None = None
    peak_gb: float | None = None
    load_seconds: float | None = None
    waited_load_seconds: float | None = Field(None, description="The part of that through which somebody waited.")
    loads: int | None = None
    swaps: int | None = Field(None, description="Unloads that made room for another model.")
    ttft_first_p50_s: float | None = Field(None, description="Wait for a task's first turn, median.")
    ttft_first_p95_s: float | None = None
    ttft_all_p50_s: float | None = Field(None, description="Wait of all turns, median.")
    ttft_all_p95_s: float | None = None


class RoleChange(Reply):
    """A role that speaks with another model, because its own does not fit."""

    role: str
    asked: str
    given: str
    rung: Rung
    sessions: int


class TeamRefused(Reply):
    """A team that cannot work on this machine."""

    team: list[str]
    sessions: int
    needed_gb: float
    there_gb: float
    why: str


class SimulationReport(Reply):
    """The answer of `delegator simulate`."""

    machine: SimulatedMachine
    catalogue: str
    work: SimulatedWork
    policies: list[PolicyFigures]
    changes: list[RoleChange]
    refused: list[TeamRefused]
    notes: list[str]
    verdict: str
    simulated: bool = True


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried.

    Attributes:
        profile: the machine's name; None where it has none.
        capacity_bytes: what models may take together.
        trace_name: what the trace is called.
        rungs: what may be done where a team does not fit, in order.
        ours: how Delegator weighs.
    """

    profile: str | None
    capacity_bytes: int
    disk_gb_s: float
    catalogue: Catalogue
    trace: Trace
    trace_name: str
    rungs: tuple[Rung, ...]
    ours: Policy


def simulate(trial: Trial) -> SimulationReport:
    """Run every policy and compare."""
    cast = cast_trace(
        trial.trace.sessions,
        trial.catalogue,
        capacity_bytes=trial.capacity_bytes,
        disk_gb_s=trial.disk_gb_s,
        rungs=trial.rungs,
    )
    meters = _meters(cast, trial) if cast.workload.sessions else {}
    figures = [_figures(name, meters.get(name)) for name in POLICIES]
    sessions = cast.workload.sessions
    ours = meters.get(OURS)
    return SimulationReport(
        machine=SimulatedMachine(profile=trial.profile, memory_gb=trial.capacity_bytes / GB, disk_gb_s=trial.disk_gb_s),
        catalogue=trial.catalogue.name,
        work=SimulatedWork(
            trace=trial.trace_name,
            sessions=len(sessions),
            tasks=sum(len(session.tasks) for session in sessions),
            turns=sum(len(task.turns) for session in sessions for task in session.tasks),
            hours=round(ours.until_s / 3600, 2) if isinstance(ours, Meter) else 0.0,
        ),
        policies=figures,
        changes=[
            RoleChange(role=c.role, asked=c.asked, given=c.given, rung=c.rung, sessions=count)
            for c, count in sorted(cast.recast.items(), key=lambda item: (item[0].role, item[0].given))
        ],
        refused=[_refused(team, count) for team, count in cast.unseated.items()],
        notes=[*trial.trace.notes, *_notes(cast)],
        verdict=verdict({name: meter for name, meter in meters.items() if isinstance(meter, Meter)}),
    )


def _meters(cast: Cast, trial: Trial) -> Mapping[str, Meter | str]:
    """Run every policy; a text says why one cannot run."""
    found: dict[str, Meter | str] = {}
    for name in POLICIES:
        if name == "all_nine" and not cast.for_everybody:
            found[name] = "some roles have no model that fits"
            continue
        try:
            found[name] = run_policy(cast.workload, Machine(trial.capacity_bytes), name, trial.ours)
        except ValueError as exc:
            found[name] = str(exc)
    return found


def _figures(name: str, meter: Meter | str | None) -> PolicyFigures:
    if not isinstance(meter, Meter):
        return PolicyFigures(policy=name, why_not=meter or "no session can run")
    return PolicyFigures(
        policy=name,
        gb_seconds=round(meter.gb_seconds, 1),
        peak_gb=round(meter.peak_bytes / GB, 1),
        load_seconds=round(meter.load_s, 1),
        waited_load_seconds=round(meter.waited_load_s, 1),
        loads=meter.loads,
        swaps=meter.swaps,
        ttft_first_p50_s=round(percentile(meter.ttft_first_s, 0.5), 2),
        ttft_first_p95_s=round(percentile(meter.ttft_first_s, 0.95), 2),
        ttft_all_p50_s=round(percentile(meter.ttft_all_s, 0.5), 2),
        ttft_all_p95_s=round(percentile(meter.ttft_all_s, 0.95), 2),
    )


def _refused(unseated: Unseated, sessions: int) -> TeamRefused:
    needed_gb, there_gb = unseated.needed_bytes / GB, unseated.bound_bytes / GB
    why = f"{unseated.model or 'the team'} needs {needed_gb:.1f} GB and {there_gb:.1f} GB are there for it"
    return TeamRefused(team=list(unseated.team), sessions=sessions, needed_gb=needed_gb, there_gb=there_gb, why=why)


def _notes(cast: Cast) -> Sequence[str]:
    notes = ["Sizes in memory are those of the catalogue; different models run side by side at full speed."]
    if cast.estimated_files:
        notes.append(f"The size of the file, and so the load time, is estimated of: {', '.join(cast.estimated_files)}.")
    if any(session.limit_bytes is not None for session in cast.workload.sessions):
        notes.append("Delegator keeps sessions to the memory limit of their task's complexity; Ollama knows none.")
    return notes
