"""An office that works: teams as they are usual, at so many sessions an hour. The trace of `bench/residency.py`.

Forty per cent of the sessions are simple, 35 features, 15 strategic and 10 architecture; each has one to four tasks,
with times of thought in between that are mostly some minutes and now and then long.
"""

from __future__ import annotations

import random
from dataclasses import replace

from delegator.roles.catalogue import Catalogue
from delegator.simulation.trace import HEAD_START_S, Trace, TracedSession

SESSIONS = 300

TEAMS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.40, ("senior_developer",)),
    (0.35, ("product_manager", "senior_architect", "senior_developer", "test_lead")),
    (0.15, ("ceo", "product_manager", "operations_head")),
    (0.10, ("cto", "senior_architect", "senior_developer")),
)
"""(share of the sessions, roles in the order they speak)."""

MOST_TASKS = 4
MEDIAN_THINK_S, THINK_SIGMA = 180.0, 0.8


def office_sessions(
    rate_per_h: float, *, seed: int, sessions: int = SESSIONS, close_lag_s: float = 0.0
) -> tuple[TracedSession, ...]:
    """Return sessions that arrive at random, `rate_per_h` an hour; for a seed always the same.

    Teams, tasks and times of thought are the same whatever the rate.
    """
    chance = random.Random(seed)
    now, made = 0.0, []
    for _ in range(sessions):
        now += chance.expovariate(rate_per_h / 3600)
        team = _team(chance.random())
        thinks_s = (HEAD_START_S, *(_think_s(chance) for _ in range(chance.randint(1, MOST_TASKS) - 1)))
        made.append(TracedSession(now, team, thinks_s, close_lag_s))
    return tuple(made)


def office_trace(rate_per_h: float, catalogue: Catalogue, *, seed: int, sessions: int = SESSIONS) -> Trace:
    """Return such sessions with the roles that a catalogue has; where it has none of a team its most senior speaks."""
    made = [
        replace(session, team=tuple(role for role in session.team if role in catalogue.roles) or catalogue.names[:1])
        for session in office_sessions(rate_per_h, seed=seed, sessions=sessions)
    ]
    missing = sorted({role for _, team in TEAMS for role in team} - set(catalogue.roles))
    notes = (f"The catalogue does not have these roles of the office: {', '.join(missing)}.",) if missing else ()
    return Trace(tuple(made), notes)


def _team(chance: float) -> tuple[str, ...]:
    for share, team in TEAMS:
        if chance < share:
            return team
        chance -= share
    return TEAMS[0][1]


def _think_s(chance: random.Random) -> float:
    return MEDIAN_THINK_S * chance.lognormvariate(0.0, THINK_SIGMA)
