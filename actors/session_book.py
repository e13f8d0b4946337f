"""Creates, changes and ends sessions; the open ones are kept here, each under its own lock.

What a caller is told is in the store before it is told. Spawning is parallel: agents' processes start while the first
speaker's model loads, which begins before the session's row is written. Whatever fails on the way is undone: no agent,
no model and no open session stays behind.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from actors.host_messages import Released, TurnWish
from actors.parts import OpenSession, Parts
from delegator.analysis.limits import admitting_level
from delegator.errors import (
    AgentAlreadyActive,
    AgentBusy,
    AgentLimitReached,
    DeadlineExceeded,
    DelegatorError,
    MemoryExceeded,
    NoActiveSession,
    SessionAmbiguous,
    SessionEnded,
    SessionNotFound,
    TooManySessions,
    Unavailable,
)
from delegator.roles.catalogue import Model
from delegator.schemas import (
    AnalyzeTaskRequest,
    CreateSessionRequest,
    EventKind,
    Receipt,
    SessionStatus,
    TaskAnalysis,
)
from delegator.sessions.ids import new_session_id
from delegator.sessions.receipt import compute_receipt
from delegator.sessions.turns import plan_team_turns
from delegator.settings import GB
from delegator.store.records import AgentRecord, NewEvent, SessionLimits, SessionRecord

log = logging.getLogger(__name__)


class SessionBook:
    """All open sessions."""

    def __init__(self, parts: Parts) -> None:
        """Start with no sessions; `recall` brings back those of a former life."""
        self._parts = parts
        self._open: dict[str, OpenSession] = {}

    # ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def sessions(self) -> list[OpenSession]:
        """Return the open sessions, newest first."""
        return sorted(self._open.values(), key=lambda s: s.record.created_at, reverse=True)

    async def require(self, session_id: str) -> OpenSession:
        """Return an open session.

        Raises:
            SessionEnded: it is over.
            SessionNotFound: it never was.
        """
        session = self._open.get(session_id)
        if session is not None:
            return session
        record = await self._parts.store.session(session_id)
        if record is None:
            raise SessionNotFound(session_id)
        raise SessionEnded(session_id, record.status.value)

    async def record_of(self, session_id: str) -> SessionRecord:
        """Return the record of a session, open or ended."""
        if session_id in self._open:
            return self._open[session_id].record
        record = await self._parts.store.session(session_id)
        if record is None:
            raise SessionNotFound(session_id)
        return record

    def only_open(self) -> str:
        """Return the id of the only open session.

        Raises:
            NoActiveSession, SessionAmbiguous: none, or several, are open.
        """
        if not self._open:
            raise NoActiveSession
        if len(self._open) > 1:
            raise SessionAmbiguous(tuple(s.session_id for s in self.sessions()))
        return next(iter(self._open))

    async def touch(self, session: OpenSession) -> None:
        """Note that somebody called: the session's time-out begins anew."""
        now = self._parts.clock.now()
        session.record = replace(session.record, last_activity_at=now)
        await self._parts.store.touch_session(session.session_id, now)

    # ── creating ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def create(self, request: CreateSessionRequest) -> OpenSession:
        """Create a session and begin to open it; wait at most `request.wait_s` for it to be ready.

        Raises:
            TooManySessions, MemoryExceeded, ModelMissing and whatever keeps it from opening within the wait.
        """
        analysis = self._parts.analyzer.analyze(
            AnalyzeTaskRequest(
                task_description=request.task_description,
                context=request.context,
                task_category=request.task_category,
            )
        )
        self._ensure_fits(analysis)
        session = self._reserve_place(request, analysis)
        warming: asyncio.Task[None] | None = None
        try:
            session.models = await self._choose_models(session)
            warming = asyncio.create_task(self._warm_first(session))
            await self._write_down(session)
        except BaseException:
            self._open.pop(session.session_id, None)
            await self._abandon(session, warming)
            raise
        self._begin_opening(session, warming)
        await self._await_opening(session, request.wait_s)
        return session

    async def _await_opening(self, session: OpenSession, wait_s: float) -> None:
        """Wait at most `wait_s` real seconds until the session is ready; raise why it is not, when that is known."""
        opening = session.opening
        if opening is not None and (await asyncio.wait([opening], timeout=wait_s))[0]:
            await opening

    def _begin_opening(self, session: OpenSession, warming: asyncio.Task[None]) -> None:
        opening = asyncio.create_task(self._open_up(session, warming, self._parts.clock.mark()))
        opening.add_done_callback(_look_at)
        session.opening = opening

    def _ensure_fits(self, analysis: TaskAnalysis) -> None:
        models = self._parts.catalogue.models
        largest = max((models[name] for name in analysis.models.values()), key=lambda m: m.memory_bytes)
        bound = min(self._parts.capacity_bytes, round(analysis.limits.max_memory_gb * GB))
        if largest.memory_bytes > bound:
            raise MemoryExceeded(largest.name, largest.memory_bytes / GB, bound / GB)

    def _reserve_place(self, request: CreateSessionRequest, analysis: TaskAnalysis) -> OpenSession:
        """Take one of the places for open sessions. No await: two callers never get the last one."""
        limit = self._parts.settings.max_concurrent_sessions
        if len(self._open) >= limit:
            raise TooManySessions(limit)
        now = self._parts.clock.now()
        session = OpenSession(_new_record(self._parts, request, analysis, self._free_id(now), now))
        self._open[session.session_id] = session
        return session

    def _free_id(self, now: datetime) -> str:
        while (session_id := new_session_id(now, secrets.randbelow(100_000))) in self._open:
            pass
        return session_id

    async def _choose_models(self, session: OpenSession) -> dict[str, str]:
        chosen = await self._parts.host.choose([self._parts.catalogue.role(role) for role in session.team])
        return {role: choice.model for role, choice in chosen.items()}

    async def _write_down(self, session: OpenSession) -> None:
        record = session.record
        now = record.created_at
        events = [
            NewEvent(
                kind=EventKind.SESSION_CREATED,
                at=now,
                session_id=record.session_id,
                data={"team": list(session.team), "task_type": record.task_type, "complexity": record.complexity},
            )
        ]
        events += [_spawned(record.session_id, role, session.models[role], now) for role in session.team]
        events += self._fallback_events(session, session.team, now)
        agents = [AgentRecord(record.session_id, role, session.models[role], now) for role in session.team]
        await self._parts.store.create_session(record, agents, events)

    def _fallback_events(self, session: OpenSession, roles: Iterable[str], now: datetime) -> list[NewEvent]:
        return [
            NewEvent(
                kind=EventKind.MODEL_FALLBACK,
                at=now,
                session_id=session.session_id,
                role=role,
                model=session.models[role],
                data={"instead_of": self._parts.catalogue.role(role).model},
            )
            for role in roles
            if session.models[role] != self._parts.catalogue.role(role).model
        ]

    async def _warm_first(self, session: OpenSession) -> None:
        """Bring in the model of whoever speaks first."""
        first = plan_team_turns(session.team, self._parts.catalogue)[0].role
        await self._warm(session, first, deadline_s=self._real_s(self._parts.settings.create_deadline_s))

    async def _warm(self, session: OpenSession, role: str, *, deadline_s: float, spare_only: bool = False) -> None:
        model = session.model_of(role, self._parts.catalogue)
        wish = TurnWish(
            f"warm:{session.session_id}:{role}",
            session.session_id,
            model,
            session.record.limits_max_memory_bytes,
            spare_only=spare_only,
        )
        await self._parts.host.warm(wish, deadline_s)

    def _real_s(self, model_s: float) -> float:
        return max(30.0, self._parts.clock.real_s(model_s))

    async def _open_up(self, session: OpenSession, warming: asyncio.Task[None], mark: float) -> None:
        """Make a session ready: every agent answers and the first speaker's model is resident."""
        spawning = [asyncio.create_task(self._lease(session, role)) for role in session.team]
        try:
            await asyncio.gather(warming, *spawning)
            now = self._parts.clock.now()
            ready_s = self._parts.clock.elapsed_s(mark)
            await self._parts.store.mark_session_ready(
                session.session_id,
                now,
                ready_s,
                [
                    NewEvent(
                        kind=EventKind.SESSION_READY,
                        at=now,
                        session_id=session.session_id,
                        data={"seconds_to_ready": round(ready_s, 3)},
                    )
                ],
            )
            session.record = replace(
                session.record, status=SessionStatus.ACTIVE, started_at=now, seconds_to_ready=ready_s
            )
            session.opening = None
        except BaseException as exc:
            for task in spawning:
                task.cancel()
            await asyncio.gather(*spawning, return_exceptions=True)
            await self._fail(session, warming, exc)
            raise

    async def _lease(self, session: OpenSession, role: str, since: datetime | None = None) -> None:
        await self._parts.pool.lease(role, session.session_id, since=since)

    async def _fail(self, session: OpenSession, warming: asyncio.Task[None], exc: BaseException) -> None:
        """Undo a session that could not be opened, and keep in the history why."""
        reason = exc.message if isinstance(exc, DelegatorError) else str(exc) or type(exc).__name__
        session.closing = True
        await self._abandon(session, warming)
        now = self._parts.clock.now()
        event = NewEvent(
            kind=EventKind.SESSION_FAILED, at=now, session_id=session.session_id, data={"reason": reason[:500]}
        )
        try:
            await self._parts.store.end_session(
                session.session_id, SessionStatus.FAILED, now, reason[:500], None, [event]
            )
        except DelegatorError as store_exc:
            log.warning("session %s failed and its row could not be closed: %s", session.session_id, store_exc)
        session.record = replace(session.record, status=SessionStatus.FAILED, ended_at=now, end_reason=reason)
        self._open.pop(session.session_id, None)

    async def _abandon(self, session: OpenSession, warming: asyncio.Task[None] | None) -> None:
        """Let go of everything a session has or is about to get."""
        if warming is not None:
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)
        try:
            await self._release_agents(session)
            await self._parts.host.release_models(session.session_id)
        except DelegatorError as exc:
            log.warning("what %s held is left to the reconciler: %s", session.session_id, exc)

    # ── changing the team ────────────────────────────────────────────────────────────────────────────────────────

    async def add_agent(self, session: OpenSession, role: str, reason: str) -> tuple[str, list[str]]:
        """Take a role into the team; return its model and what the caller should know.

        Raises:
            UnknownRole, SessionEnded, AgentAlreadyActive, AgentLimitReached, MemoryExceeded.
        """
        self._parts.catalogue.role(role)
        async with session.lock:
            session.ensure_open()
            limits = self._limits_with(session, role)
            chosen = (await self._parts.host.choose([self._parts.catalogue.role(role)]))[role]
            model, why = chosen.model, chosen.why
            await self._parts.pool.lease(role, session.session_id)
            now = self._parts.clock.now()
            team = tuple(self._parts.catalogue.in_rank_order([*session.team, role]))
            session.models[role] = model
            events = [_spawned(session.session_id, role, model, now, reason)]
            events += self._fallback_events(session, [role], now)
            try:
                await self._parts.store.add_agent(
                    AgentRecord(session.session_id, role, model, now, None, reason),
                    events,
                    active_agents=team,
                    limits=limits,
                )
            except BaseException:
                session.models.pop(role, None)
                await self._parts.pool.release(role, session.session_id)
                raise
            notes = _notes_on_limits(session.record, limits)
            session.record = replace(
                session.record,
                active_agents=team,
                total_agents_spawned=session.record.total_agents_spawned + 1,
                limits_complexity=limits.complexity,
                limits_max_agents=limits.max_agents,
                limits_max_memory_bytes=limits.max_memory_bytes,
            )
        return model, [*notes, *([f"{role} speaks with {model}: {why}."] if why else [])]

    def _limits_with(self, session: OpenSession, role: str) -> SessionLimits:
        """Return the limits that admit the team with one more role: the session's own, or of the next level that does.

        Raises:
            AgentAlreadyActive, AgentLimitReached, MemoryExceeded: it is there, or no level admits it.
        """
        if role in session.team:
            raise AgentAlreadyActive(session.session_id, role)
        wanted = self._parts.catalogue.role(role)
        levels = self._parts.settings.complexity_limits
        level = admitting_level(
            session.record.limits_complexity,
            levels,
            team_size=len(session.team) + 1,
            largest_model_bytes=wanted.memory_bytes,
        )
        limits = SessionLimits(level, levels.of(level).max_agents, round(levels.of(level).max_memory_gb * GB))
        if len(session.team) >= limits.max_agents:
            raise AgentLimitReached(session.session_id, limits.max_agents)
        bound = min(self._parts.capacity_bytes, limits.max_memory_bytes)
        if wanted.memory_bytes > bound:
            raise MemoryExceeded(wanted.model, wanted.memory_bytes / GB, bound / GB)
        return limits

    async def remove_agent(self, session: OpenSession, role: str, reason: str, busy_with: str | None) -> Released:
        """Dismiss a role; return what its model gave back.

        Args:
            busy_with: id of an unfinished task in which the role still speaks, if there is one.

        Raises:
            UnknownRole, SessionEnded, AgentNotActive, AgentBusy.
        """
        self._parts.catalogue.role(role)
        async with session.lock:
            session.ensure_open()
            session.ensure_active(role)
            if busy_with is not None:
                raise AgentBusy(session.session_id, role, busy_with)
            now = self._parts.clock.now()
            team = tuple(r for r in session.team if r != role)
            event = NewEvent(
                kind=EventKind.AGENT_TERMINATED,
                at=now,
                session_id=session.session_id,
                role=role,
                model=session.models.get(role),
                data={"reason": reason},
            )
            await self._parts.store.end_agent(session.session_id, role, now, [event], active_agents=team)
            session.record = replace(session.record, active_agents=team)
            model = session.models.pop(role, None)
            await self._parts.pool.release(role, session.session_id, terminate=self._parts.settings.auto_cleanup_agents)
            if model is None or model in session.models.values() or not self._parts.settings.auto_cleanup_agents:
                return Released((), ())
            return await self._parts.host.release_models(session.session_id, [model])

    # ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def end(
        self, session: OpenSession, kind: EventKind, reason: str
    ) -> tuple[list[str], Released, Receipt, SessionRecord]:
        """End a session: agents and models that nobody else holds are gone, confirmed, before this returns.

        The caller has stopped its tasks. Returns its team, what was given back, its receipt and its last record.

        Raises:
            SessionEnded: somebody else ended it meanwhile.
        """
        async with session.lock:
            session.ensure_open()
            session.closing = True
            try:
                await self._stop_opening(session)
                team = list(session.team)
                released = await self._give_back(session)
                record, receipt = await self._close_record(session, kind, reason)
            except BaseException:
                session.closing = False  # still open: the caller may try again, the reconciler will
                raise
        self._open.pop(session.session_id, None)
        self._parts.recorder.forget(session.session_id)
        return team, released, receipt, record

    async def _stop_opening(self, session: OpenSession) -> None:
        if session.opening is not None:
            session.opening.cancel()
            await asyncio.gather(session.opening, return_exceptions=True)
        if session.record.status is SessionStatus.FAILED:
            raise SessionEnded(session.session_id, session.record.status.value)

    async def _give_back(self, session: OpenSession) -> Released:
        if not self._parts.settings.auto_cleanup_agents:
            for role in session.team:
                await self._parts.pool.release(role, session.session_id, terminate=False)
            return Released((), ())
        _, released = await asyncio.gather(
            self._release_agents(session), self._parts.host.release_models(session.session_id)
        )
        return released

    async def _release_agents(self, session: OpenSession) -> None:
        releases = [self._parts.pool.release(role, session.session_id) for role in session.team]
        for outcome in await asyncio.gather(*releases, return_exceptions=True):
            if isinstance(outcome, BaseException):
                log.warning("an agent of %s is left to the reconciler: %s", session.session_id, outcome)

    async def _close_record(self, session: OpenSession, kind: EventKind, reason: str) -> tuple[SessionRecord, Receipt]:
        now = self._parts.clock.now()
        events = [
            NewEvent(
                kind=EventKind.AGENT_TERMINATED,
                at=now,
                session_id=session.session_id,
                role=role,
                model=session.models.get(role),
                data={"reason": reason},
            )
            for role in session.team
        ]
        events.append(NewEvent(kind=kind, at=now, session_id=session.session_id, data={"reason": reason}))
        record = replace(session.record, status=SessionStatus.COMPLETED, ended_at=now, end_reason=reason)
        receipt = await self.receipt(record)
        used = receipt.model_dump(mode="json")
        await self._parts.store.end_session(session.session_id, SessionStatus.COMPLETED, now, reason, used, events)
        session.record = replace(record, resources_used=used)
        return session.record, receipt

    async def receipt(self, record: SessionRecord) -> Receipt:
        """Compute a session's receipt from the event log, open or ended."""
        return compute_receipt(
            record.session_id,
            await self._parts.store.session_events(record.session_id),
            baseline={
                model.name: (
                    self._parts.recorder.sizes.get(model.name, model.memory_bytes),
                    model.name in self._parts.recorder.sizes,
                )
                for model in baseline_models(self._parts)
            },
            agents_total=len(self._parts.catalogue.roles),
            clock_scale=record.clock_scale,
            now=record.ended_at or self._parts.clock.now(),
            final=record.ended_at is not None,
            simulated=record.simulated,
        )

    # ── a former life ────────────────────────────────────────────────────────────────────────────────────────────

    async def recall(self) -> None:
        """Bring back the sessions that were open when the process died."""
        agents = await self._parts.store.open_agents()
        for record in await self._parts.store.open_sessions():
            session = OpenSession(record)
            session.models = {a.role: a.model for a in agents if a.session_id == record.session_id}
            self._open[record.session_id] = session

    async def reopen(self, session: OpenSession) -> None:
        """Lease the agents of a recalled session again; a session that was still starting is opened anew."""
        if session.record.status is SessionStatus.STARTING:
            self._begin_opening(session, asyncio.create_task(self._warm_first(session)))
            return
        for role in session.team:
            try:
                await self._lease(session, role, since=session.record.created_at)
            except (DeadlineExceeded, Unavailable) as exc:
                log.warning("%s of %s does not answer yet: %s", role, session.session_id, exc)


def baseline_models(parts: Parts) -> list[Model]:
    """Return the models of all roles, each once: what is compared against."""
    names = dict.fromkeys(role.model for role in parts.catalogue.roles.values())
    return [parts.catalogue.models[name] for name in names]


def _notes_on_limits(record: SessionRecord, limits: SessionLimits) -> list[str]:
    if limits.complexity is record.limits_complexity:
        return []
    note = (
        f"The limits of {limits.complexity.value} apply from now on ({limits.max_agents} agents, "
        f"{limits.max_memory_bytes / GB:g} GB at one time), because those of {record.limits_complexity.value} "
        "do not admit the larger team."
    )
    return [note]


def _look_at(opening: asyncio.Task[None]) -> None:
    """Take note of an outcome nobody may be waiting for; the session's row says what went wrong."""
    if not opening.cancelled() and opening.exception() is not None:
        log.info("a session could not be opened: %s", opening.exception())


def _spawned(session_id: str, role: str, model: str, at: datetime, reason: str = "") -> NewEvent:
    data = {"reason": reason} if reason else {}
    return NewEvent(kind=EventKind.AGENT_SPAWNED, at=at, session_id=session_id, role=role, model=model, data=data)


def _new_record(
    parts: Parts, request: CreateSessionRequest, analysis: TaskAnalysis, session_id: str, now: datetime
) -> SessionRecord:
    return SessionRecord(
        id=uuid4(),
        session_id=session_id,
        task_description=request.task_description,
        task_type=analysis.task_type,
        task_category=analysis.task_category,
        complexity=analysis.complexity,
        active_agents=tuple(parts.catalogue.in_rank_order(analysis.recommended_agents)),
        context=request.context,
        status=SessionStatus.STARTING,
        analysis=analysis.model_dump(mode="json"),
        notes=tuple(analysis.notes),
        limits_max_agents=analysis.limits.max_agents,
        limits_max_memory_bytes=round(analysis.limits.max_memory_gb * GB),
        limits_complexity=analysis.limits.complexity,
        simulated=parts.simulated,
        clock_scale=parts.clock.scale,
        created_at=now,
        started_at=None,
        ended_at=None,
        last_activity_at=now,
        end_reason=None,
        seconds_to_ready=None,
        total_agents_spawned=len(analysis.recommended_agents),
        tasks_delegated=0,
        resources_used=None,
    )
