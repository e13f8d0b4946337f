"""Foretells what a team would do to memory if its roles spoke one after the other from now on.

Applies the planner's own decisions to copies of the snapshots, turn by turn, so that a forecast and what then happens
come from the same rule. Times are learned where there is something to learn from, otherwise labelled estimates. The
words it answers in are `foreseen.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from delegator.residency.foreseen import Forecast, ForeseenTurn, Timing
from delegator.residency.planner import Load, Plan, Refuse, Resident, Reuse, Snapshot, Wait, Wish, plan_residency


def forecast(snapshot: Snapshot, wishes: Sequence[Wish], timing: Timing | None = None) -> Forecast:
    """Foretell wishes on one endpoint, met in their order, each after the one before is done with its turn."""
    return forecast_on({"": snapshot}, [("", wish) for wish in wishes], {"": timing or Timing()})


def forecast_on(
    snapshots: Mapping[str, Snapshot],
    wishes: Sequence[tuple[str, Wish]],
    timings: Mapping[str, Timing] | None = None,
) -> Forecast:
    """Foretell wishes on several endpoints. A session's limit counts what it holds on all of them.

    Args:
        snapshots: by the id of the endpoint.
        wishes: (id of the endpoint, wish), in the order of the turns.
        timings: what was learned, by endpoint; without it everything is assumed.
    """
    now = dict(snapshots)
    turns: list[ForeseenTurn] = []
    in_turns = False
    clock_s = 0.0
    for step, (endpoint_id, asked) in enumerate(wishes):
        ours = {w.model for where, w in wishes[:step] if where == endpoint_id}
        wish, let_go = _within_limit(now, endpoint_id, asked)
        snapshot, plan, waits = _after_waiting(now[endpoint_id], wish)
        if not isinstance(plan, Load | Reuse):
            refusal = plan if isinstance(plan, Refuse) else _never(snapshot, wish)
            return Forecast(tuple(turns), in_turns, (wish.model, refusal))
        in_turns = in_turns or let_go or bool(plan.release) or any(model in ours for model in plan.evict)
        now[endpoint_id] = _after(snapshot, wish, plan, float(step))
        timing = (timings or {}).get(endpoint_id, Timing())
        turn = _foreseen(snapshot, endpoint_id, wish, plan, waits, ours, timing)
        held = [r for s in now.values() for r in s.residents if wish.session_id in r.holders]
        starts_s = clock_s + (turn.wait_s or 0.0) + turn.load_s
        held_bytes = sum(r.size_bytes for r in held)
        turns.append(replace(turn, starts_s=starts_s, held=tuple(r.model for r in held), held_bytes=held_bytes))
        clock_s = starts_s + turn.turn_s
    return Forecast(tuple(turns), in_turns, None)


def _within_limit(now: dict[str, Snapshot], endpoint_id: str, wish: Wish) -> tuple[Wish, bool]:
    """Let the session go of what it holds elsewhere, as far as its limit needs it, the oldest first.

    Returns the wish with what is left of the limit for this endpoint, and whether anything was let go of.
    """
    elsewhere = [
        (r.last_used, where, r)
        for where, snapshot in now.items()
        for r in snapshot.residents
        if where != endpoint_id and wish.session_id in r.holders
    ]
    held = sum(r.size_bytes for _, _, r in elsewhere)
    let_go = False
    for _, where, resident in sorted(elsewhere, key=lambda found: found[:2]):
        if held + wish.size_bytes <= wish.limit_bytes:
            break
        held -= resident.size_bytes
        let_go = True
        others = resident.holders - {wish.session_id}
        rest = tuple(r for r in now[where].residents if r is not resident)
        now[where] = replace(now[where], residents=(*rest, replace(resident, holders=others)) if others else rest)
    return replace(wish, limit_bytes=wish.limit_bytes - held), let_go


def _after_waiting(snapshot: Snapshot, wish: Wish) -> tuple[Snapshot, Plan, tuple[Resident, ...]]:
    """Return the memory once a wish can be met, how it is met then, and what was waited for.

    First what runs now falls idle; then, where that is not enough, models of other clients go.
    """
    waits: dict[str, Resident] = {}
    for wait_for in (_all_idle, _without_foreign):
        plan = plan_residency(snapshot, wish)
        if not isinstance(plan, Wait):
            break
        waits |= {name: found for name in plan.on if (found := snapshot.find(name)) is not None and not found.pinned}
        snapshot = wait_for(snapshot, plan.on)
    return snapshot, plan_residency(snapshot, wish), tuple(waits.values())


def _foreseen(
    snapshot: Snapshot,
    endpoint_id: str,
    wish: Wish,
    plan: Load | Reuse,
    waits: tuple[Resident, ...],
    ours: set[str],
    timing: Timing,
) -> ForeseenTurn:
    others = [r for name in plan.evict if name not in ours and (r := snapshot.find(name)) is not None]
    reused = isinstance(plan, Reuse)
    return ForeseenTurn(
        model=wish.model,
        endpoint_id=endpoint_id,
        reused=reused,
        starts_s=0.0,
        turn_s=timing.turn_of(wish.model),
        waits_for=tuple(r.model for r in waits),
        wait_s=None if any(r.foreign for r in waits) else max((timing.turn_of(r.model) for r in waits), default=0.0),
        load_s=0.0 if reused else timing.load_of(wish.model, wish.size_bytes),
        evicted=tuple(r.model for r in others),
        evicted_held=tuple(r.model for r in others if r.holders - {wish.session_id}),
        held=(),
        held_bytes=0,
    )


def _never(snapshot: Snapshot, wish: Wish) -> Refuse:
    """Say what bounds a wish that waits for models which never go."""
    pinned = sum(r.size_bytes for r in snapshot.residents if r.pinned and r.model != wish.model)
    return Refuse(wish.size_bytes, max(0, min(snapshot.capacity_bytes - pinned, wish.limit_bytes)))


def _all_idle(snapshot: Snapshot, _on: Sequence[str]) -> Snapshot:
    return replace(snapshot, residents=tuple(replace(r, busy=False, announced=False) for r in snapshot.residents))


def _without_foreign(snapshot: Snapshot, on: Sequence[str]) -> Snapshot:
    return replace(snapshot, residents=tuple(r for r in snapshot.residents if not (r.foreign and r.model in on)))


def _after(snapshot: Snapshot, wish: Wish, plan: Load | Reuse, step: float) -> Snapshot:
    residents: list[Resident] = []
    for resident in snapshot.residents:
        if resident.model in plan.evict or (isinstance(plan, Load) and resident.model == wish.model):
            continue
        holders = resident.holders - {wish.session_id} if resident.model in plan.release else resident.holders
        if resident.model == wish.model:
            holders = holders | {wish.session_id}
        residents.append(replace(resident, holders=holders, last_used=_later(resident, wish, step)))
    if isinstance(plan, Load):
        residents.append(Resident(wish.model, wish.size_bytes, frozenset({wish.session_id}), last_used=_FUTURE + step))
    return replace(snapshot, residents=tuple(residents))


_FUTURE = 1e15
"""Marks of foretold uses lie after every mark of a real one."""


def _later(resident: Resident, wish: Wish, step: float) -> float:
    return _FUTURE + step if resident.model == wish.model else resident.last_used
