"""The office: the trace of the issue, the same for a seed."""

from __future__ import annotations

import statistics

from delegator.roles import load_catalogue
from delegator.simulation.office import TEAMS, office_sessions, office_trace
from delegator.simulation.trace import TracedSession


def test_an_office_is_the_same_for_a_seed_and_another_for_another() -> None:
    assert office_sessions(6, seed=1) == office_sessions(6, seed=1)
    assert office_sessions(6, seed=1) != office_sessions(6, seed=2)


def test_only_the_arrivals_depend_on_the_rate() -> None:
    slow, fast = office_sessions(2, seed=3), office_sessions(12, seed=3)

    assert [(s.team, s.thinks_s) for s in slow] == [(s.team, s.thinks_s) for s in fast]
    assert abs(slow[-1].at_s / fast[-1].at_s - 6) < 1e-9


def test_an_office_is_as_it_is_described() -> None:
    sessions = office_sessions(6, seed=5, sessions=4000)
    thinks_s = [think for session in sessions for think in session.thinks_s[1:]]
    counts = [len(session.thinks_s) for session in sessions]

    assert abs(sessions[-1].at_s / 4000 - 600) < 30
    assert {session.thinks_s[0] for session in sessions} == {5.0}
    assert abs(statistics.median(thinks_s) - 180) < 10
    assert all(abs(counts.count(number) / 4000 - 0.25) < 0.03 for number in (1, 2, 3, 4))
    for share, team in TEAMS:
        assert abs(sum(session.team == team for session in sessions) / 4000 - share) < 0.03


def test_a_teams_first_role_concludes() -> None:
    assert TracedSession(0.0, ("ceo", "cto"), (5.0,)).speakers == ("ceo", "cto", "ceo")
    assert TracedSession(0.0, ("ceo",), (5.0,)).speakers == ("ceo",)


def test_roles_a_catalogue_lacks_are_left_out_and_told(tmp_path) -> None:
    (tmp_path / "catalogue.toml").write_text(
        '[models."tiny:1b"]\nmemory_gb = 1.0\n'
        '[roles.senior_developer]\ntitle = "Developer"\nsummary = "Codes."\nmodel = "tiny:1b"\nbrief = "Code."\n'
    )
    catalogue = load_catalogue(str(tmp_path))

    trace = office_trace(6, catalogue, seed=1, sessions=40)

    assert {session.team for session in trace.sessions} == {("senior_developer",)}
    assert "cto" in trace.notes[0]
