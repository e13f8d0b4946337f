"""`delegator simulate`: try a catalogue, a machine and a workload before buying memory.

Owns the options and where the trace comes from; what is run and compared is in `delegator/simulation/`. Needs no
running system and starts none.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from delegator.errors import InvalidInput, MemoryExceeded, NotFound
from delegator.settings import GB, Settings
from delegator.wording import near_miss
from serve_app.cli.commands import WORK, AsJson, add_command
from serve_app.cli.offline import Catalogue
from serve_app.cli.terminal import Terminal
from serve_app.cli.views.simulation import simulation

if TYPE_CHECKING:
    from delegator.roles import Catalogue as Roles
    from delegator.simulation.profiles import MachineProfile
    from delegator.simulation.report import SimulationReport
    from delegator.simulation.trace import Trace

DEFAULT_DISK_GB_S = 2.0
MOST_OFFICE_SESSIONS = 5000
_OFFICE = re.compile(r"office:(\d{1,4}(?:\.\d{1,3})?)(?::(\d{1,6}))?")

TraceOption = Annotated[
    str,
    typer.Option(
        "--trace",
        metavar="FILE|office:RATE",
        help='A file with one session a line, as in {"at_s": 0, "task": "Fix typo in README", "tasks": 2} or '
        '{"at_s": 60, "team": ["ceo", "cto"], "tasks": [5, 240]}; - is standard input. Or office:6, a usual office '
        "with 6 sessions an hour, 300 in all; office:6:100 has 100.",
    ),
]
Profile = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="A machine by name, as in laptop24; `list` names all.")
]
Memory = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="Memory for models, all of it, as in 24GB.")
]
Disk = Annotated[
    float | None,
    typer.Option("--disk-gb-s", metavar="GB", help="GB a second models are read with. Default: 2, or the profile's."),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Which office of that rate; the same for a seed.")]


def simulate(
    *,
    trace: TraceOption = "office:6",
    profile: Profile = None,
    memory: Memory = None,
    disk_gb_s: Disk = None,
    catalogue: Catalogue = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Compare the policies and print."""
    terminal = Terminal(as_json=as_json)
    if profile == "list":
        _list_profiles(terminal)
        return
    machine = None if profile is None else _profile(profile)
    disk = disk_gb_s if disk_gb_s is not None else machine.disk_gb_s if machine else DEFAULT_DISK_GB_S
    if not 0.001 <= disk <= 1000:  # what a load takes must stay a number of seconds
        raise InvalidInput("--disk-gb-s", "is not between 0.001 and 1000", "Give GB a second, as in 2 or 3.5.")
    report = _simulated(Settings.load(memory=memory, catalogue=catalogue), machine, memory, disk, trace, seed)
    if not report.work.sessions:
        refused = min(report.refused, key=lambda team: team.needed_gb)
        raise MemoryExceeded("each team of the trace", refused.needed_gb, refused.there_gb)
    if as_json:
        terminal.emit(report)
    else:
        terminal.show(*simulation(report))


def _simulated(
    settings: Settings, machine: MachineProfile | None, memory: str | None, disk_gb_s: float, trace: str, seed: int
) -> SimulationReport:
    from delegator.residency.policy import policy_of
    from delegator.roles import load_catalogue
    from delegator.simulation import report

    catalogue = load_catalogue(settings.catalogue)
    return report.simulate(
        report.Trial(
            profile=machine.name if machine else None,
            capacity_bytes=_capacity(settings, machine, memory),
            disk_gb_s=disk_gb_s,
            catalogue=catalogue,
            trace=_trace(trace, catalogue, settings, seed),
            trace_name=trace,
            rungs=settings.degradation,
            ours=policy_of(settings.residency, patience_s=settings.turn_patience_s),
        )
    )


def _capacity(settings: Settings, machine: MachineProfile | None, memory: str | None) -> int:
    """Return what models may take: as it is given, else of the named machine, else of this one."""
    from serve_app.lifecycle.memory import memory_for_models

    if machine is None or memory is not None:
        return memory_for_models(settings, simulated=False)
    return machine.bytes_for_models(settings.memory_reserve)


def _profile(name: str) -> MachineProfile:
    from delegator.simulation.profiles import PROFILES

    if name in PROFILES:
        return PROFILES[name]
    near = near_miss(name, PROFILES)
    hint = f"Did you mean {near}?" if near else f"The machines are: {', '.join(PROFILES)}. Or give --memory."
    raise InvalidInput("--profile", "is not known", hint)


def _list_profiles(terminal: Terminal) -> None:
    from delegator.simulation.profiles import PROFILES
    from serve_app.cli.views.simulation import profiles

    reserve = Settings.load().memory_reserve
    rows = [
        {
            "profile": profile.name,
            "memory_gb": profile.memory_gb,
            "memory_for_models_gb": profile.bytes_for_models(reserve) / GB,
            "disk_gb_s": profile.disk_gb_s,
        }
        for profile in PROFILES.values()
    ]
    if terminal.as_json:
        terminal.emit({"profiles": rows})
    else:
        terminal.show(*profiles(rows))


# ── the trace ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _trace(given: str, catalogue: Roles, settings: Settings, seed: int) -> Trace:
    from delegator.simulation.trace import Trace
    from delegator.simulation.trace_file import TraceReader

    if given.startswith("office:"):
        return _office(given, catalogue, seed)
    reader = TraceReader(catalogue, settings.complexity_limits)
    if given == "-":
        return Trace(reader.read(sys.stdin, name="standard input"))
    path = Path(given).expanduser()
    try:
        with path.open(encoding="utf-8-sig") as lines:
            return Trace(reader.read(lines, name=path.name))
    except FileNotFoundError:
        raise NotFound(f"trace file {given}") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidInput(path.name, f"cannot be read: {exc}", "Give a text file, one session a line.") from exc


def _office(given: str, catalogue: Roles, seed: int) -> Trace:
    from delegator.simulation.office import SESSIONS, office_trace

    match = _OFFICE.fullmatch(given)
    rate, sessions = (float(match[1]), int(match[2] or SESSIONS)) if match else (0.0, 0)
    if not (rate and 1 <= sessions <= MOST_OFFICE_SESSIONS):
        expected = f"Write office:6 or office:6:100: sessions an hour, and how many (at most {MOST_OFFICE_SESSIONS})."
        raise InvalidInput("--trace", "is no office", expected)
    return office_trace(rate, catalogue, seed=seed, sessions=sessions)


def add_simulate(program: typer.Typer) -> None:
    """Add `delegator simulate` to the program."""
    add_command(
        program,
        "simulate",
        simulate,
        about="Try a machine, a catalogue and a workload: what would be in memory, who would wait how long, against "
        "Ollama alone and against all models at once. Needs no running system; every figure is simulated.",
        examples=(
            "delegator simulate --profile laptop24",
            "delegator simulate --memory 48GB --disk-gb-s 3 --catalogue compact --trace office:12",
            "delegator simulate --profile list",
            "delegator simulate --profile workstation64 --trace sessions.jsonl --json",
        ),
        panel=WORK,
    )
