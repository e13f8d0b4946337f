"""Tells what a degraded team is given instead of what it asked for, and what it has to bear: one entry a step.

Owns the sentences. What is given is decided in `ladder.py`, what then happens to memory is foretold by `forecast.py`;
both are told here in the same words to whoever plans, creates or changes a session.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from delegator.residency.foreseen import Forecast, ForeseenTurn
from delegator.residency.ladder import Misfit
from delegator.residency.team_search import Change
from delegator.schemas import Degradation, Rung
from delegator.settings import GB


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a team had to fit.

    Attributes:
        alone_bytes: the most that one model may take.
        together_bytes: the most that the session may hold at one time.
    """

    alone_bytes: int
    together_bytes: int


def told(
    changes: Sequence[Change],
    foreseen: Forecast,
    roles: Sequence[str],
    sizes: Mapping[str, int],
    bounds: Bounds,
) -> list[Degradation]:
    """Return every step, in the order of the ladder's rungs.

    Args:
        changes: roles that speak with another model.
        foreseen: what the team, as it was given, would do to memory.
        roles: who speaks in each of its turns.
        sizes: {model: bytes}, of asked and given models.
        bounds: what the team had to fit.
    """
    return [
        *_turns_taken(foreseen, sizes, bounds),
        *_waits(foreseen, roles),
        *_evictions(foreseen),
        *(_change(change, sizes, bounds) for change in changes),
    ]


def _turns_taken(foreseen: Forecast, sizes: Mapping[str, int], bounds: Bounds) -> list[Degradation]:
    if not foreseen.in_turns:
        return []
    first: dict[str, float] = {}
    for turn in foreseen.turns:
        first.setdefault(turn.model, turn.starts_s)
    total = sum(sizes[model] for model in first)
    why = (
        f"The team's models need {_gb(total)} together and {_gb(bounds.together_bytes)} may be in memory at one time: "
        "they take turns. The last one comes in after the seconds told."
    )
    return [Degradation(rung=Rung.WAIT, models=list(first), why=why, eta_s=max(first.values()))]


def _waits(foreseen: Forecast, roles: Sequence[str]) -> list[Degradation]:
    return [
        Degradation(
            rung=Rung.WAIT,
            role=role,
            asked=turn.model,
            given=turn.model,
            models=list(turn.waits_for),
            why=f"{turn.model} needs memory that {_listed(turn.waits_for)} {_occupation(turn)}.",
            eta_s=turn.wait_s,
        )
        for role, turn in zip(roles, foreseen.turns, strict=False)
        if turn.waits_for
    ]


def _occupation(turn: ForeseenTurn) -> str:
    if turn.wait_s is None:
        return "holds for another client; when that ends cannot be told"
    return "takes for work that goes on now"


def _evictions(foreseen: Forecast) -> list[Degradation]:
    models = foreseen.evicted_held
    if not models:
        return []
    why = f"Idle models of other sessions leave to make room ({_listed(models)}); they are loaded again when needed."
    return [Degradation(rung=Rung.EVICT_IDLE, models=list(models), why=why)]


def _change(change: Change, sizes: Mapping[str, int], bounds: Bounds) -> Degradation:
    asked = sizes[change.asked]
    if asked > bounds.alone_bytes:
        problem = f"{change.asked} needs {_gb(asked)} and {_gb(bounds.alone_bytes)} are there for one model"
    else:
        problem = f"The models asked for do not fit together now ({change.asked} needs {_gb(asked)})"
    remedy = {
        Rung.SMALLER: f"{change.role} speaks with the smaller {change.given}",
        Rung.MERGE: f"{change.role} shares {change.given}, which is there already",
    }[change.rung]
    return Degradation(
        rung=change.rung,
        role=change.role,
        asked=change.asked,
        given=change.given,
        why=f"{problem}: {remedy}.",
        saves_gb=change.saves_bytes / GB,
    )


def would_fit(misfit: Misfit, sizes: Mapping[str, int]) -> tuple[str, ...]:
    """Say what could be had instead of a team that does not fit; nothing where nothing could."""
    fit = misfit.would_fit
    if fit is None:
        return ()
    rungs = [rung for rung in Rung if rung in fit.used]
    sentences = [f"With {', '.join(rungs)} allowed it fits."] if rungs else []
    return (*sentences, *(_offer(change, sizes) for change in fit.changes))


def _offer(change: Change, sizes: Mapping[str, int]) -> str:
    return f"{change.role} with {change.given} ({_gb(sizes[change.given])}) instead of {change.asked}."


def _listed(models: Iterable[str]) -> str:
    return ", ".join(models)


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / GB:.1f} GB"
