"""Turns a draft of a session into the reply of `plan_session`: what would happen to memory, in seconds and in money."""

from __future__ import annotations

from collections.abc import Mapping

from actors.parts import Parts
from actors.plan_drafts import Draft
from actors.team_fitting import TeamGiven
from delegator.residency.foreseen import Forecast, estimated_load_s
from delegator.residency.planner import Snapshot
from delegator.schemas import ExpectedCost, PlannedModel, PlanSessionReply, PowerModel, PriceList
from delegator.sessions.electricity import modelled_wh
from delegator.sessions.money import cost
from delegator.sessions.use import Use
from delegator.settings import GB
from delegator.store.records import PlanRecord


def plan_reply(
    parts: Parts, draft: Draft, kept: PlanRecord | None, snapshots: Mapping[str, Snapshot]
) -> PlanSessionReply:
    """Return what a draft promises.

    Args:
        parts: sizes, prices and capacities.
        draft: what would be given, or the refusal.
        kept: the plan as it was kept; None for a refusal.
        snapshots: how the endpoints stand, for a refusal; what is given knows them itself.
    """
    if draft.given is None:
        return _refused(parts, draft, snapshots)
    given, foreseen = draft.given, draft.given.foreseen
    models = _planned(parts, given)
    return PlanSessionReply(
        analysis=draft.analysis,
        models=models,
        would_evict=list(foreseen.evicted),
        needed_gb=sum(model.memory_gb for model in models),
        peak_gb=foreseen.peak_bytes / GB,
        free_gb=_free_gb(given.snapshots),
        capacity_gb=parts.hosts.capacity_bytes / GB,
        seconds_to_ready=foreseen.ready_s,
        possible=True,
        notes=[*draft.analysis.notes, *_notes(given)],
        simulated=parts.simulated,
        plan_id=kept.plan_id if kept is not None else None,
        expires_at=kept.expires_at if kept is not None else None,
        degradations=given.degradations,
        seconds_waiting=foreseen.wait_s,
        load_seconds=foreseen.load_s,
        task_seconds=foreseen.seconds,
        gb_seconds=foreseen.byte_seconds / GB,
        money=_money(parts, foreseen),
    )


def _refused(parts: Parts, draft: Draft, snapshots: Mapping[str, Snapshot]) -> PlanSessionReply:
    """Return what was asked for, and why it cannot be had."""
    sizes = {name: parts.recorder.sizes.get(name, m.memory_bytes) for name, m in parts.catalogue.models.items()}
    models = [
        PlannedModel(
            model=name,
            roles=[role for role, model in draft.models.items() if model == name],
            memory_gb=sizes[name] / GB,
            action="load",
            load_seconds=estimated_load_s(name, sizes[name], parts.recorder.load_seconds),
        )
        for name in dict.fromkeys(draft.models.values())
    ]
    refusal = draft.refusal
    return PlanSessionReply(
        analysis=draft.analysis,
        models=models,
        would_evict=[],
        needed_gb=sum(model.memory_gb for model in models),
        peak_gb=0.0,
        free_gb=_free_gb(snapshots),
        capacity_gb=parts.hosts.capacity_bytes / GB,
        seconds_to_ready=0.0,
        possible=False,
        notes=[*draft.analysis.notes, *([] if refusal is None else [f"{refusal.message}.", refusal.advice])],
        simulated=parts.simulated,
    )


def _planned(parts: Parts, given: TeamGiven) -> list[PlannedModel]:
    """Return what would happen to each model on each endpoint, in the order in which they are needed."""
    first = {(turn.endpoint_id, turn.model): turn for turn in reversed(given.foreseen.turns)}
    in_order = dict.fromkeys((turn.endpoint_id, turn.model) for turn in given.foreseen.turns)
    later = "load_in_turn" if given.foreseen.in_turns else "load"
    return [
        PlannedModel(
            model=model,
            roles=[role for role, p in given.places.items() if (p.endpoint_id, p.model) == (endpoint, model)],
            memory_gb=parts.recorder.size_on(endpoint, parts.catalogue.models[model]) / GB,
            action="reuse" if first[endpoint, model].reused else later,
            load_seconds=first[endpoint, model].load_s,
            endpoint=endpoint,
        )
        for endpoint, model in in_order
    ]


def _notes(given: TeamGiven) -> list[str]:
    return [f"{role} speaks with {place.model}: {place.why}." for role, place in given.places.items() if place.why]


def _free_gb(snapshots: Mapping[str, Snapshot]) -> float:
    return sum(max(0, s.capacity_bytes - s.used_bytes) for s in snapshots.values()) / GB


def _money(parts: Parts, foreseen: Forecast) -> ExpectedCost:
    """Return what one task of the team would cost; electricity is what the model of it says."""
    gpu_of = {name: model.gpu for name, model in parts.catalogue.models.items()}
    use = Use(
        gb_seconds=foreseen.byte_seconds / GB,
        gpu_seconds=sum(sum(gpu_of[m] for m in turn.held) * (turn.load_s + turn.turn_s) for turn in foreseen.turns),
        computing_s=sum(turn.load_s + turn.turn_s for turn in foreseen.turns),
    )
    prices = PriceList.model_validate(parts.settings.prices.model_dump())
    power = PowerModel.model_validate(parts.settings.power.model_dump())
    sums = cost(use, modelled_wh(use, power), prices)
    return ExpectedCost(currency=prices.currency, **sums.model_dump())
