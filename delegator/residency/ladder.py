"""The degradation ladder: which model each role of a team is given when the team does not fit as it was asked for.

A team fits as asked when all its models can be held at once, within the session's limit, in memory that is free or
merely lingering now. Where it does not, the user's rungs are climbed down in the user's order. Each rung is one more
thing that may be done, beside those before it:

    wait        models take turns in memory; and what is busy, announced or another client's now is waited for
    evict_idle  models that other open sessions hold leave while they are idle; they are loaded again when needed
    smaller     roles speak with a smaller alternative of their model
    merge       roles speak with one model that is in memory, or in the team, already
    refuse      the end, whether it is named or not

So: (a) a model larger than every endpoint or the limit is helped by `smaller` and `merge` alone; (b) models that fit
one by one but not together take turns, unless `smaller` or `merge` stand before `wait`: then the team is made to fit
at once; (c) memory that others have now is waited for, taken from the idle, or done without, as the order says.

The first rung with which the team can be had ends the descent. What is best among that is `team_search.py`; what was
done is told by `degradation.py`. Pure, and decides on models alone: which endpoint a model then runs on is chosen by
`placement.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delegator.residency.rooms import Room, roomiest_bytes
from delegator.residency.team_search import Case, RoleWish, TeamFit, best_team
from delegator.schemas import Rung

FULL_LADDER = (Rung.WAIT, Rung.EVICT_IDLE, Rung.SMALLER, Rung.MERGE)


@dataclass(frozen=True, slots=True)
class Misfit:
    """A team that cannot be had with the rungs the user allows.

    Attributes:
        model: the wanted model that is too large for itself; None where the team as a whole is.
        needed_bytes, bound_bytes: what that takes, and what is there for it.
        would_fit: what the rungs that were not allowed would have led to; None where nothing does.
    """

    model: str | None
    needed_bytes: int
    bound_bytes: int
    would_fit: TeamFit | None


def fit_team(
    wishes: Sequence[RoleWish],
    sizes: Mapping[str, int],
    rooms: Sequence[Room],
    *,
    limit_bytes: int,
    rungs: Sequence[Rung],
    session_id: str = "",
) -> TeamFit | Misfit:
    """Decide what each role of a team is given.

    Args:
        wishes: the roles, the most senior first; at least one.
        sizes: {model: bytes} of every model that may be given; roles merge onto no other.
        rooms: the endpoints as they are now, in the order of preference.
        limit_bytes: most the session may hold at one time.
        rungs: what may be done, in order; nothing after `refuse` counts.
        session_id: what this session holds counts as the team's own.
    """
    case = Case(tuple(wishes), sizes, rooms, limit_bytes, session_id)
    allowed = _up_to_refusal(rungs)
    found = _descend(case, allowed)
    if found is not None:
        return found
    others = tuple(rung for rung in FULL_LADDER if rung not in allowed)
    return _misfit(case, allowed, _descend(case, (*allowed, *others)) if others else None)


def _up_to_refusal(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    end = rungs.index(Rung.REFUSE) if Rung.REFUSE in rungs else len(rungs)
    return tuple(rungs[:end])


def _descend(case: Case, rungs: tuple[Rung, ...]) -> TeamFit | None:
    """Allow one rung after the other until the team can be had."""
    depths = (best_team(case, rungs[:depth]) for depth in range(len(rungs) + 1))
    return next((found for found in depths if found is not None), None)


def _misfit(case: Case, allowed: Sequence[Rung], would_fit: TeamFit | None) -> Misfit:
    terms = case.terms(allowed)
    wanted = {wish.model: case.sizes[wish.model] for wish in case.wishes}
    bound = roomiest_bytes(case.rooms, terms)
    largest = max(wanted, key=lambda model: (wanted[model], model))
    if wanted[largest] > bound:
        return Misfit(largest, wanted[largest], bound, would_fit)
    together = sum(roomiest_bytes([room], terms) for room in case.rooms)
    return Misfit(None, sum(wanted.values()), min(terms.limit_bytes, together), would_fit)
