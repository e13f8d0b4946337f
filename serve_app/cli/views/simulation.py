"""How a simulated comparison looks: the machine and its work, a row a policy, what did not fit, the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import RenderableType

from delegator.schemas import Rung
from delegator.simulation.report import PolicyFigures, RoleChange, SimulationReport
from serve_app.cli.views.layout import Cell, facts, heading, line, names, remarks, table
from serve_app.formats import counted, duration, gigabyte_seconds, gigabytes

WORDS = {
    "delegator": "Delegator",
    "ollama": "Ollama, 5 min keep-alive",
    "ollama_forever": "Ollama, never unloading",
    "all_nine": "all models at once",
}

COLUMNS = ("policy", ">GB-seconds", ">peak", ">loading", ">waited for", ">swaps", ">first p50/p95", ">all p50/p95")


def simulation(report: SimulationReport) -> list[RenderableType]:
    """Show a comparison."""
    shown: list[RenderableType] = [
        _tried(report),
        line(),
        table(COLUMNS, [_row(each) for each in report.policies], whole=("policy",)),
        line(("first, all: seconds to the first token of a task's first turn, and of all turns.", "dim")),
    ]
    if report.changes:
        rows = [(c.role, c.asked, c.given, _how(c), c.sessions) for c in report.changes]
        shown += [line(), heading("Roles whose model does not fit"), table(_CHANGES, rows, whole=("role",))]
    if report.refused:
        refused = [(names(team.team), team.sessions, team.why) for team in report.refused]
        shown += [line(), heading("Teams that cannot work here"), table(("team", ">sessions", "why"), refused)]
    notes = [
        *(f"{WORDS[each.policy]} cannot run: {each.why_not}." for each in report.policies if each.why_not),
        *report.notes,
    ]
    return [*shown, line(), *remarks(notes), line(("Simulated: ", "yellow"), (report.verdict, "bold"))]


_CHANGES = ("role", "its model", "here", "because", ">sessions")


def _tried(report: SimulationReport) -> RenderableType:
    machine, work = report.machine, report.work
    memory = f"{gigabytes(machine.memory_gb)} for models, loaded with {machine.disk_gb_s:g} GB a second"
    what = f"{counted(work.sessions, 'session')}, {counted(work.tasks, 'task')}, {counted(work.turns, 'turn')}"
    return facts(
        (
            ("machine", f"{machine.profile}: {memory}" if machine.profile else memory),
            ("catalogue", report.catalogue),
            ("trace", f"{work.trace}: {what} in {work.hours:.1f} hours"),
        )
    )


def _row(each: PolicyFigures) -> Sequence[Cell]:
    word = WORDS.get(each.policy, each.policy)
    if each.gb_seconds is None or each.peak_gb is None:
        return (word, "cannot run", *[None] * (len(COLUMNS) - 2))
    return (
        word,
        gigabyte_seconds(each.gb_seconds),
        gigabytes(each.peak_gb),
        duration(each.load_seconds or 0.0),
        duration(each.waited_load_seconds or 0.0),
        each.swaps,
        f"{each.ttft_first_p50_s:.1f} / {each.ttft_first_p95_s:.1f}",
        f"{each.ttft_all_p50_s:.1f} / {each.ttft_all_p95_s:.1f}",
    )


def _how(change: RoleChange) -> str:
    return "a smaller one" if change.rung is Rung.SMALLER else "shared with the team"


def profiles(rows: Sequence[Mapping[str, object]]) -> list[RenderableType]:
    """Show the machines that have a name."""
    cells: list[Sequence[Cell]] = [
        (
            str(row["profile"]),
            f"{row['memory_gb']:g} GB",
            f"{row['memory_for_models_gb']:g} GB",
            f"{row['disk_gb_s']:g}",
        )
        for row in rows
    ]
    return [table(("profile", ">memory", ">for models", ">disk GB/s"), cells, whole=("profile",))]
