"""Other teams for the same task, and what they would cost: who could be left out, who was nearly taken.

Owns which are worth telling. Memory is that of all models of a team at once, each counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from delegator.analysis.estimates import GB, memory_bytes_of
from delegator.analysis.needs import Need
from delegator.analysis.team import Team
from delegator.roles.catalogue import Catalogue
from delegator.task_analysis import Alternative, SecondReading

MOST = 4
"""So many at most: a choice, not a list."""

WORTH_GB = 0.05
"""Less memory than this is no difference anybody would choose by."""

NEARLY = 0.5
"""A role needed half as much as it takes was nearly taken."""


def alternatives_of(
    team: Team, needs: Sequence[Need], second: SecondReading | None, least_need: float, catalogue: Catalogue
) -> list[Alternative]:
    """Return the alternatives: those that save most, then who was nearly taken, then the second reading's team."""
    roles = team.roles
    own = memory_bytes_of(roles, catalogue)
    found = _without_one(team, own, catalogue) if len(roles) > 1 else []
    found.sort(key=attrgetter("difference_gb"))
    for need in needs:
        if need.total < NEARLY * least_need:
            break  # the most needed come first
        if need.role not in roles and need.role in catalogue.roles:
            wider = catalogue.in_rank_order([*roles, need.role])
            because = f"nearly called for: {need.total:.2f} of {least_need:.2f}"
            found.append(_told(f"with {need.role}", wider, memory_bytes_of(wider, catalogue), own, because))
            break
    if second is not None and set(second.recommended_agents) != set(roles):
        because = f"its team if it is meant as {second.task_type} ({second.probability:.0%})"
        other = second.recommended_agents
        found.append(_told(f"as {second.task_type}", other, memory_bytes_of(other, catalogue), own, because))
    return found[:MOST] if len(found) <= MOST else [*found[: MOST - 1], found[-1]]


def _without_one(team: Team, own: int, catalogue: Catalogue) -> list[Alternative]:
    """Return the teams without one of the members, where that saves memory: no other member needs the same model."""
    models = [catalogue.roles[role].model for role in team.roles]
    found: list[Alternative] = []
    for member, model in zip(team.members, models, strict=True):
        size = catalogue.models[model].memory_bytes
        if models.count(model) == 1 and round((own - size) / GB - own / GB, 1) <= -WORTH_GB:
            rest = [role for role in team.roles if role != member.role]
            found.append(_told(f"without {member.role}", rest, own - size, own, f"gives up: {member.because}"))
    return found


def _told(change: str, team: Sequence[str], memory_bytes: int, own_bytes: int, because: str) -> Alternative:
    memory = memory_bytes / GB
    difference = round(memory - own_bytes / GB, 1)
    if abs(difference) < WORTH_GB:
        cost = "no difference in memory"
    else:
        cost = f"{abs(difference):.1f} GB {'more' if difference > 0 else 'less'}"
    return Alternative(
        change=f"{change}: {cost}", team=list(team), memory_gb=memory, difference_gb=difference, because=because
    )
