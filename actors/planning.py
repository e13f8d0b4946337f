"""Plans sessions and applies plans: what was told before anything happened, and whether it can still be had.

A plan is durable before its id is told, and may be applied until it expires, also more than once. Applying it gives
exactly its team, models and endpoints, with no other eviction, wait or change of turns than it told. Where the world
has changed so that this cannot be, `PlanChanged` names every reason and a fresh plan; with `accept_changes` the
session is planned anew and created, and its reply tells what differs. How a plan is shown is `plan_replies.py`'s.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from actors.disk_messages import DiskView
from actors.host_messages import HostView
from actors.parts import Parts
from actors.placing import Placed
from actors.plan_drafts import PLANNED, Draft, Drafts, TaskAsked, limit_bytes_of, models_of
from actors.plan_replies import plan_reply
from actors.team_fitting import foretell
from delegator.errors import DelegatorError, InvalidInput, PlanChanged, PlanExpired, PlanNotFound
from delegator.ollama.client import normalise
from delegator.residency.planner import Snapshot
from delegator.residency.promise import Promise, broken, remarks
from delegator.schemas import (
    CreateSessionRequest,
    Degradation,
    PlanSessionReply,
    PlanSessionRequest,
    TaskAnalysis,
    TeamWishes,
)
from delegator.sessions.ids import PLAN_ENTROPY_RANGE, new_plan_id
from delegator.store.records import PlanRecord

FORGOTTEN_AFTER = timedelta(days=1)
"""How long an expired plan is still known as one: who applies it later is told that there is none."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that is decided about a session before it is created.

    Attributes:
        changed: what differs from the plan that was given.
    """

    task: TaskAsked
    analysis: TaskAnalysis
    places: dict[str, Placed]
    degradations: list[Degradation]
    plan_id: str | None = None
    changed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A plan as it was kept."""

    plan_id: str
    task: TaskAsked
    analysis: TaskAnalysis
    places: dict[str, Placed]
    degradations: list[Degradation]
    promise: Promise

    @classmethod
    def of(cls, record: PlanRecord) -> _Kept:
        plan = record.plan
        return cls(
            record.plan_id,
            TaskAsked.from_json(record.request),
            TaskAnalysis.model_validate(plan["analysis"]),
            {role: Placed(**place) for role, place in plan["places"].items()},
            [Degradation.model_validate(step) for step in plan["degradations"]],
            Promise.from_json(plan["promise"]),
        )


class Planning:
    """Makes, keeps and applies plans."""

    def __init__(self, parts: Parts) -> None:
        """Work with these parts."""
        self._parts = parts
        self._drafts = Drafts(parts)

    async def plan(self, request: PlanSessionRequest) -> PlanSessionReply:
        """Return what create_session would do now, and keep it so that it can be applied."""
        task = TaskAsked.of(request)
        draft = await self._drafts.make(task)
        kept = await self._keep(draft) if draft.given is not None else None
        views = {} if draft.given is not None else await self._parts.hosts.views()
        snapshots = {endpoint: view.snapshot for endpoint, view in views.items()}
        return plan_reply(self._parts, draft, kept, snapshots)

    async def prepare(self, request: CreateSessionRequest) -> Prepared:
        """Decide everything about a session that is to be created, from its task or by a plan.

        Raises:
            PlanNotFound, PlanExpired, PlanChanged: the plan cannot be applied.
            InvalidInput: the request is for another task than the plan.
            MemoryExceeded, ModelMissing, ModelLoadFailed, OllamaUnavailable: no team can be had.
        """
        if request.plan_id is None:
            return await self.prepare_task(TaskAsked.of(request))
        kept = _Kept.of(await self._valid(request.plan_id))
        _ensure_same_task(request, kept.task)
        reasons, told = await self._against(kept)
        if not reasons:
            return Prepared(kept.task, kept.analysis, kept.places, kept.degradations, kept.plan_id, told)
        return await self._anew(kept, reasons, accepted=request.accept_changes)

    async def prepare_task(self, task: TaskAsked) -> Prepared:
        """Decide everything about a session for a task; raises what `prepare` raises without a plan."""
        draft = await self._drafts.make(task)
        given = draft.require()
        return Prepared(task, draft.analysis, given.places, given.degradations)

    async def _valid(self, plan_id: str) -> PlanRecord:
        record = await self._parts.store.plan(plan_id)
        if record is None:
            raise PlanNotFound(plan_id)
        if record.expires_at <= self._parts.clock.now():
            raise PlanExpired(plan_id, f"{record.expires_at:%Y-%m-%d %H:%M:%S} UTC")
        return record

    async def _anew(self, kept: _Kept, reasons: list[str], *, accepted: bool) -> Prepared:
        """Plan a task again whose plan cannot be applied."""
        draft = await self._drafts.make(kept.task, opinion=False)
        given = draft.require()
        if not accepted:
            fresh = await self._keep(draft)
            raise PlanChanged(kept.plan_id, tuple(reasons), fresh.plan_id)
        changed = [*reasons, *_moved(kept.places, given.places)]
        return Prepared(kept.task, draft.analysis, given.places, given.degradations, kept.plan_id, changed)

    async def _keep(self, draft: Draft) -> PlanRecord:
        given, now = draft.require(), self._parts.clock.now()
        record = PlanRecord(
            plan_id=new_plan_id(now, secrets.randbelow(PLAN_ENTROPY_RANGE)),
            created_at=now,
            expires_at=now + timedelta(seconds=self._parts.settings.plan_ttl_s),
            request=draft.task.as_json(),
            plan={
                "analysis": draft.analysis.model_dump(mode="json"),
                "places": {role: _as_json(place) for role, place in given.places.items()},
                "degradations": [step.model_dump(mode="json") for step in given.degradations],
                "promise": Promise.of(given.foreseen, given.sizes).as_json(),
            },
        )
        await self._parts.store.put_plan(record)
        await self._parts.store.drop_expired_plans(now - FORGOTTEN_AFTER)
        return record

    # ── whether a plan can still be had ──────────────────────────────────────────────────────────────────────────

    async def _against(self, kept: _Kept) -> tuple[list[str], list[str]]:
        """Return why a plan cannot be applied, and what merely differs from it."""
        views = await self._parts.hosts.views()
        gone = self._unknown(kept) or await self._gone(kept, views)
        if gone:
            return gone, []
        snapshots = {endpoint: view.snapshot for endpoint, view in views.items()}
        foreseen = foretell(self._parts, PLANNED, kept.places, limit_bytes_of(kept.analysis), snapshots)
        return broken(kept.promise, foreseen, self._sizes(kept)), remarks(kept.promise, foreseen)

    def _unknown(self, kept: _Kept) -> list[str]:
        """Return what of a plan the running catalogue does not have: another one may run by now."""
        catalogue = self._parts.catalogue
        reasons = [f"There is no role {role} any more." for role in kept.places if role not in catalogue.roles]
        names = dict.fromkeys(models_of(kept.places).values())
        return reasons + [f"No role uses {name} any more." for name in names if name not in catalogue.models]

    async def _gone(self, kept: _Kept, views: dict[str, HostView]) -> list[str]:
        """Return which endpoints of a plan do not answer, or are doubted, and which of its models they lost."""
        doubts = self._parts.hosts.doubts
        reasons = []
        for endpoint in dict.fromkeys(place.endpoint_id for place in kept.places.values()):
            models = list(dict.fromkeys(p.model for p in kept.places.values() if p.endpoint_id == endpoint))
            if endpoint not in views:
                reasons.append(f"{endpoint} does not answer.")
            elif (doubt := doubts.why(endpoint)) is not None and len(self._parts.hosts) > 1:
                reasons.append(f"{endpoint} is not used now: {doubt}.")
            else:
                reasons += await self._missing(endpoint, models, views[endpoint].snapshot)
        return reasons

    async def _missing(self, endpoint: str, models: list[str], snapshot: Snapshot) -> list[str]:
        absent = [model for model in models if snapshot.find(model) is None]
        if not absent:
            return []
        try:
            disk: DiskView = await self._parts.hosts.get(endpoint).on_disk(absent)
        except DelegatorError as exc:
            return [f"{endpoint} does not tell what it has: {exc.message}."]
        found = {model: disk.find(normalise(model)) for model in absent}
        reasons = [f"{model} is not on {endpoint} any more." for model, there in found.items() if there is None]
        return reasons + [
            f"{model} on {endpoint} {there.against}."
            for model, there in found.items()
            if there is not None and there.against is not None
        ]

    def _sizes(self, kept: _Kept) -> dict[str, int]:
        """Return what its models are known to take, each where it takes most."""
        sizes: dict[str, int] = {}
        for place in kept.places.values():
            size = self._parts.recorder.size_on(place.endpoint_id, self._parts.catalogue.models[place.model])
            sizes[place.model] = max(size, sizes.get(place.model, 0))
        return sizes


def _ensure_same_task(request: CreateSessionRequest, task: TaskAsked) -> None:
    """Refuse a request that names something else than its plan; what it leaves out is taken from the plan."""
    given: dict[str, tuple[Any, Any]] = {
        "task_description": (request.task_description, task.description),
        "context": (request.context or None, task.context),
        "degradation": (request.degradation, task.degradation),
    }
    for name in TeamWishes.model_fields:
        given[name] = (getattr(request, name) or None, getattr(task.wishes, name))
    for name, (asked, planned) in given.items():
        if asked is not None and asked != planned:
            raise InvalidInput(name, "is not that of the plan", "Leave it out, or make another plan with plan_session.")


def _moved(before: dict[str, Placed], now: dict[str, Placed]) -> list[str]:
    """Return what the roles are given instead of what was promised."""
    changed = []
    for role, place in now.items():
        promised = before.get(role)
        if promised is None:
            changed.append(f"{role} joins the team.")
        elif promised.model != place.model:
            changed.append(f"{role} speaks with {place.model} and not with {promised.model}.")
        elif promised.endpoint_id != place.endpoint_id:
            changed.append(f"{role} speaks on {place.endpoint_id} and not on {promised.endpoint_id}.")
    return changed + [f"{role} is not in the team." for role in before if role not in now]


def _as_json(place: Placed) -> dict[str, Any]:
    return {"endpoint_id": place.endpoint_id, "model": place.model, "why": place.why}
