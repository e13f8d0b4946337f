"""Who speaks in which order on a task, and to which purpose.

The most senior role frames, the others contribute by rank seeing what was said, the most senior concludes. When a turn
gets its model is the `ModelHost`'s; what a role is told in its turn is `prompts.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from delegator.errors import WrongState
from delegator.roles.catalogue import Catalogue
from delegator.schemas import TurnPurpose


@dataclass(frozen=True, slots=True)
class PlannedTurn:
    """One turn of one role."""

    role: str
    purpose: TurnPurpose


def plan_team_turns(team: Sequence[str], catalogue: Catalogue) -> tuple[PlannedTurn, ...]:
    """Return the turns of a task for the whole team, in whatever order and however often its roles are given.

    A team of one answers in one turn.

    Raises:
        UnknownRole: a role that the catalogue does not have.
        WrongState: nobody is in the team.
    """
    ranked = catalogue.in_rank_order(team)
    if not ranked:
        raise WrongState("the session has no agents; add one first")
    leader, *others = ranked
    if not others:
        return (PlannedTurn(leader, "answer"),)
    return (
        PlannedTurn(leader, "frame"),
        *(PlannedTurn(role, "contribute") for role in others),
        PlannedTurn(leader, "conclude"),
    )


def plan_message_turn(to_role: str) -> PlannedTurn:
    """Return the one turn in which a role answers a message."""
    return PlannedTurn(to_role, "answer")
