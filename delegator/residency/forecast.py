"""Foretells what a team would do to memory if its roles spoke one after the other from now on.

Applies the planner's own decisions to a copy of the snapshot, turn by turn, so that a forecast and what then happens
come from the same rule. Load times are learned where a model was loaded before, otherwise a labelled estimate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from delegator.residency.planner import Load, Refuse, Resident, Reuse, Snapshot, Wait, Wish, plan_residency

ASSUMED_LOAD_BYTES_S = 2_000_000_000
"""Bytes a second a model comes in with: a common NVMe disk. An estimate until the model has been loaded once."""

ASSUMED_LOAD_OVERHEAD_S = 0.5
"""Model seconds a load takes beside reading: starting the runner."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen.

    Attributes:
        loaded: models that would be loaded, in order, each once.
        reused: models that are resident already.
        evicted: models of others, or of nobody, that would have to leave.
        in_turns: True when the team's models cannot all be held together.
        peak_bytes: most the session would hold at one time.
        impossible: the first wish that can never be met, with what bounds it.
        waits_for: models that are busy now and would be waited for.
    """

    loaded: tuple[str, ...]
    reused: tuple[str, ...]
    evicted: tuple[str, ...]
    in_turns: bool
    peak_bytes: int
    impossible: tuple[str, Refuse] | None
    waits_for: tuple[str, ...]


def estimated_load_s(model: str, size_bytes: int, learned: Mapping[str, float]) -> float:
    """Return model seconds a load of that model takes."""
    return learned.get(model, size_bytes / ASSUMED_LOAD_BYTES_S + ASSUMED_LOAD_OVERHEAD_S)


def forecast(snapshot: Snapshot, wishes: Sequence[Wish]) -> Forecast:
    """Foretell the wishes, met in their order, each after the one before is done with its turn."""
    loaded: dict[str, None] = {}
    reused: dict[str, None] = {}
    evicted: dict[str, None] = {}
    waits: dict[str, None] = {}
    in_turns = False
    peak = 0
    for step, wish in enumerate(wishes):
        plan = plan_residency(snapshot, wish)
        if isinstance(plan, Refuse):
            return Forecast(
                tuple(loaded), tuple(reused), tuple(evicted), in_turns, peak, (wish.model, plan), tuple(waits)
            )
        if isinstance(plan, Wait):
            waits.update(dict.fromkeys(plan.on))
            snapshot = _all_idle(snapshot)
            plan = plan_residency(snapshot, wish)
        if isinstance(plan, Load | Reuse):
            in_turns = in_turns or bool(plan.release)
            ours = {w.model for w in wishes[:step]}
            in_turns = in_turns or any(model in ours for model in plan.evict)
            evicted.update(dict.fromkeys(model for model in plan.evict if model not in ours))
            (reused if isinstance(plan, Reuse) and wish.model not in loaded else loaded).setdefault(wish.model)
            snapshot = _after(snapshot, wish, plan, float(step))
        peak = max(peak, sum(r.size_bytes for r in snapshot.residents if wish.session_id in r.holders))
    return Forecast(tuple(loaded), tuple(reused), tuple(evicted), in_turns, peak, None, tuple(waits))


def _all_idle(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, residents=tuple(replace(r, busy=False) for r in snapshot.residents))


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
