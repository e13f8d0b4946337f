"""The report compares every policy on one machine, tells what was changed, and ends in a verdict."""

from __future__ import annotations

from delegator.residency.policy import policy_of
from delegator.roles import load_catalogue
from delegator.schemas import Rung
from delegator.settings import GB, ResidencySettings
from delegator.simulation.meter import Meter
from delegator.simulation.office import office_trace
from delegator.simulation.policies import POLICIES
from delegator.simulation.report import SimulationReport, Trial, simulate
from delegator.simulation.verdict import verdict

LADDER = (Rung.WAIT, Rung.EVICT_IDLE, Rung.SMALLER, Rung.MERGE)


def report(memory_gb: float, *, sessions: int = 30, catalogue: str = "echo") -> SimulationReport:
    roles = load_catalogue(catalogue)
    return simulate(
        Trial(
            profile=None,
            capacity_bytes=round(memory_gb * GB),
            disk_gb_s=2.0,
            catalogue=roles,
            trace=office_trace(6, roles, seed=1, sessions=sessions),
            trace_name="office:6",
            rungs=LADDER,
            ours=policy_of(ResidencySettings()),
        )
    )


def test_every_policy_has_its_figures_where_everything_fits() -> None:
    found = report(96)

    assert [each.policy for each in found.policies] == list(POLICIES)
    assert all(each.gb_seconds and each.peak_gb and each.ttft_all_p95_s for each in found.policies)
    assert (found.work.sessions, found.changes, found.refused) == (30, [], [])
    held = [each.gb_seconds or 0.0 for each in found.policies]
    assert held == sorted(set(held))
    assert found.policies[-1].peak_gb == 77.8
    assert found.verdict.startswith("Delegator takes ")


def test_what_cannot_run_says_why_and_what_does_not_fit_is_told() -> None:
    found = report(20)

    all_nine = found.policies[-1]
    assert all_nine.gb_seconds is None
    assert all_nine.why_not == "all models together need 56.4 GB, and 20.0 GB are there"
    assert {(c.role, c.given, c.rung) for c in found.changes} >= {("cto", "codellama:13b", Rung.SMALLER)}


def test_a_machine_too_small_for_every_team_is_a_report_too() -> None:
    found = report(3)

    assert found.work.sessions == 0
    assert sum(team.sessions for team in found.refused) == 30
    assert all(team.needed_gb > team.there_gb for team in found.refused)
    assert found.verdict.startswith("No session of this trace can run")


def test_a_report_is_the_same_every_time() -> None:
    assert report(24, sessions=20) == report(24, sessions=20)


def test_the_verdict_says_more_less_and_the_same() -> None:
    def meter(gb_seconds: float, waited_s: float) -> Meter:
        return Meter(0, byte_seconds=gb_seconds * GB, waited_load_s=waited_s, ttft_first_s=[3.0])

    def said(ours: Meter, ollama: Meter) -> str:
        return verdict({"delegator": ours, "ollama": ollama})

    assert "takes 50 % of the GB-seconds" in said(meter(50, 40), meter(100, 80))
    assert "callers wait 50 % less for loads" in said(meter(50, 40), meter(100, 80))
    assert "takes 150 % of the GB-seconds" in said(meter(150, 100), meter(100, 80))
    assert "callers wait 25 % longer for loads" in said(meter(150, 100), meter(100, 80))
    assert "about as much" in said(meter(101, 80), meter(100, 80))
    assert "wait as long for loads" in said(meter(101, 80), meter(100, 80))
