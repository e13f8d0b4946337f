"""How much each role is needed: what the reading of the text and the usual teams come to together.

Owns the sum and its threshold. A role is needed because the work is its own (the words say so), or because tasks of
this type and weight usually need it (the tables say so), weighed by how likely each type is. A certain type therefore
brings its whole usual team, and where the type is open, whoever the words call for comes first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from operator import attrgetter

from delegator.analysis.complexity import BASE_POINTS, Assessment, level_of
from delegator.analysis.tables.teams import TEAMS
from delegator.analysis.understanding import Reading
from delegator.words import TaskType

OWN_SHARE = 0.8
"""How much of a need is the words' for the role itself; the rest is the usual teams'. Chosen on texts of other sources:
highest share of texts whose role is in the team, at 2.5 roles in the mean."""

NEEDED = 0.15
"""A role needed this much is in the team."""


FAR = 0.02
"""A need below this counts as this, and one above 1 less this as that, before use teaches otherwise: a few lessons
that say the same shall be able to turn even what looked out of the question."""


class Need:
    """How much one role is needed, 0 to 1, and by what. A plain class: many are made for each text.

    Attributes:
        own: probability that the work is the role's own.
        usual: probability that a task of this kind usually needs it.
        taught: what use has taught adds to the log-odds.
        untaught: what text and tables come to, before what use has taught.
        total: how much it is needed.
    """

    __slots__ = ("own", "role", "taught", "total", "untaught", "usual")

    def __init__(self, role: str, own: float, usual: float, taught: float = 0.0) -> None:
        self.role = role
        self.own = own
        self.usual = usual
        self.taught = taught
        self.untaught = OWN_SHARE * own + (1 - OWN_SHARE) * usual
        self.total = shifted(self.untaught, taught) if taught else self.untaught

    @property
    def is_needed(self) -> bool:
        return self.total >= NEEDED


def shifted(need: float, by: float) -> float:
    """Return a need whose log-odds are moved; not at all by 0, and without a leap near it."""
    reach = FAR * min(1.0, abs(by))
    within = max(need, reach) if by > 0 else min(need, 1 - reach)
    if within >= 1:
        return within
    odds = within / (1 - within) * math.exp(max(-50.0, min(50.0, by)))
    return odds / (1 + odds)


def log_odds(chance: float) -> float:
    """Return the logarithm of the odds of something that is neither certain nor impossible."""
    return math.log(chance / (1 - chance))


USUAL_MARGIN = log_odds(1 - OWN_SHARE) - log_odds(NEEDED)
"""By how much the log-odds of a role that is needed only because it is usual lie above the threshold."""


def need_for(
    role: str,
    chances: Mapping[TaskType, float],
    own: Mapping[str, float],
    assessment: Assessment,
    taught: Mapping[str, float] | None = None,
) -> Need:
    """Return the need for one role."""
    teams = _usual_teams(assessment.points - assessment.base_points)
    usual = sum([chance for task_type, chance in chances.items() if role in teams[task_type]])
    return Need(role, own.get(role, 0.0), min(1.0, usual), (taught or {}).get(role, 0.0))


def needs_of(
    chances: Mapping[TaskType, float],
    own: Mapping[str, float],
    assessment: Assessment,
    taught: Mapping[str, float] | None = None,
) -> list[Need]:
    """Return the need for every role that is called for at all, the most needed first."""
    taught = taught or {}
    usual: dict[str, float] = {}
    teams = _usual_teams(assessment.points - assessment.base_points)
    for task_type, chance in chances.items():
        for role in teams[task_type]:
            usual[role] = usual.get(role, 0.0) + chance
    needs = [
        Need(role, own.get(role, 0.0), min(1.0, usual.get(role, 0.0)), taught.get(role, 0.0))
        for role in {**own, **usual, **taught}
    ]
    needs.sort(key=attrgetter("total"), reverse=True)
    return needs


@cache
def _usual_teams(further: int) -> Mapping[TaskType, tuple[str, ...]]:
    """Return whom each type usually needs with so many points beyond its base."""
    return {
        task_type: TEAMS[task_type, level_of(further + BASE_POINTS.get(task_type, 0))].roles for task_type in TaskType
    }


def needs_in(reading: Reading, assessment: Assessment) -> list[Need]:
    """Return the needs of a reading."""
    return needs_of(reading.chances, reading.own, assessment, reading.taught)
