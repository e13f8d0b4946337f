"""Creates and ends sessions; the open ones are kept here, each under its own lock.

What a caller is told is in the store before it is told. Spawning is parallel: agents' processes start while the first
speaker's model loads, which begins before the session's row is written. Whatever fails on the way is undone: no agent,
no model and no open session stays behind.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from actors.host_messages import Released, TurnWish
from actors.parts import Ending, OpenSession, Parts
from actors.team_changes import fallbacks, spawned, terminated
from delegator.errors import (
    DeadlineExceeded,
    DelegatorError,
    MemoryExceeded,
    NoActiveSession,
    SessionAmbiguous,
    SessionEnded,
    SessionNotFound,
    StoreUnavailable,
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
from delegator.store.records import AgentRecord, NewEvent, SessionRecord

log = logging.getLogger(__name__)


class SessionBook:
    """All open sessions."""

    def __init__(self, parts: Parts) -> None:
        """Start with no sessions; `recall` brings back those of a former life."""
        self._parts = parts
        self._open: dict[str, OpenSession] = {}
        self._failing: dict[str, OpenSession] = {}
        """Sessions that could not be opened and whose row does not say so yet."""

    # ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def sessions(self) -> list[OpenSession]:
        """Return the open sessions, newest first."""
        return sorted(self._open.values(), key=lambda s: s.record.created_at, reverse=True)

    def teams(self) -> dict[str, tuple[str, ...]]:
        """Return the team of each open session."""
        return {session_id: session.team for session_id, session in self._open.items()}

    async def require(self, session_id: str) -> OpenSession:
        """Return an open session.

        Raises:
            SessionEnded: it is over.
            SessionNotFound: it never was.
        """
        session = self._open.get(session_id)
        if session is not None:
            return session
        if session_id in self._failing:
            raise SessionEnded(session_id, SessionStatus.FAILED.value)
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
            async with session.lock:  # who finds it meanwhile waits for its row
                session.models = await self._choose_models(session)
                warming = asyncio.create_task(self._warm_first(session))
                await self._write_down(session)
                self._begin_opening(session, warming)
        except BaseException as exc:
            await self._fail(session, warming, exc)
            raise
        await self._await_opening(session, request.wait_s)
        return session

    async def _await_opening(self, session: OpenSession, wait_s: float) -> None:
        """Wait at most `wait_s` real seconds until the session is ready; raise why it is not, when that is known."""
        opening = session.opening
        if opening is not None and (await asyncio.wait([opening], timeout=wait_s))[0]:
            if opening.cancelled():
                raise SessionEnded(session.session_id, "ending")
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
        events += [spawned(session, role, now) for role in session.team]
        events += fallbacks(session, session.team, self._parts.catalogue, now)
        agents = [AgentRecord(record.session_id, role, session.models[role], now) for role in session.team]
        await self._parts.store.create_session(record, agents, events)

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
            for task in (warming, *spawning):
                task.cancel()
            await asyncio.gather(warming, *spawning, return_exceptions=True)
            if session.ending is None:  # otherwise whoever ends it gives back what it has
                await self._fail(session, warming, exc)
            raise

    async def _lease(self, session: OpenSession, role: str, since: datetime | None = None) -> None:
        await self._parts.pool.lease(role, session.session_id, since=since)
        if role not in session.team or session.ending is not None:  # dismissed while its process started
            await self._release_agent(session, role)

    async def _release_agent(self, session: OpenSession, role: str) -> None:
        terminate = self._parts.settings.auto_cleanup_agents
        await self._parts.pool.release(role, session.session_id, terminate=terminate)

    async def _fail(self, session: OpenSession, warming: asyncio.Task[None] | None, exc: BaseException) -> None:
        """Undo a session that could not be opened, and keep in the history why."""
        reason = exc.message if isinstance(exc, DelegatorError) else str(exc) or type(exc).__name__
        session.ending = Ending(EventKind.SESSION_FAILED, reason[:500])
        self._open.pop(session.session_id, None)
        self._failing[session.session_id] = session
        await self._abandon(session, warming)
        if not isinstance(exc, StoreUnavailable):  # it would not answer now either: the reconciler asks later
            await self._close_failed(session, session.ending)

    async def finish_failing(self) -> None:
        """Write down what could not be written when sessions failed."""
        for session in list(self._failing.values()):
            if session.ending is not None:
                await self._close_failed(session, session.ending)

    async def _close_failed(self, session: OpenSession, ending: Ending) -> None:
        now = self._parts.clock.now()
        data = {"reason": ending.reason}
        event = NewEvent(kind=ending.kind, at=now, session_id=session.session_id, data=data)
        status = SessionStatus.FAILED
        try:
            await self._parts.store.end_session(session.session_id, status, now, ending.reason, None, [event])
        except SessionNotFound:
            log.info("session %s failed before it was written down", session.session_id)
        except DelegatorError as exc:
            log.warning("session %s failed and its row could not be closed: %s", session.session_id, exc)
            return
        session.record = replace(session.record, status=status, ended_at=now, end_reason=ending.reason)
        self._failing.pop(session.session_id, None)
        self._parts.recorder.forget(session.session_id)

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

    # ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────

    def begin_end(self, session: OpenSession, kind: EventKind, reason: str) -> Ending:
        """Let a session take nothing new from now on. Where its end broke off earlier, that end goes on.

        Raises:
            SessionEnded: it is over.
        """
        self._ensure_not_over(session)
        session.ending = session.ending or Ending(kind, reason)
        return session.ending

    async def end(self, session: OpenSession, ending: Ending) -> tuple[list[str], Released, Receipt, SessionRecord]:
        """End a session: agents and models that nobody else holds are gone, confirmed, before this returns.

        The caller has stopped its tasks. Returns its team, what was given back, its receipt and its last record. What
        breaks off half-way is begun again by the next caller, or by the reconciler.

        Raises:
            SessionEnded: somebody else ended it meanwhile.
        """
        async with session.lock:
            self._ensure_not_over(session)
            await self._stop_opening(session)
            team = list(session.team)
            released = await self._give_back(session)
            record, receipt = await self._close_record(session, ending.kind, ending.reason)
            self._open.pop(session.session_id, None)
        self._parts.recorder.forget(session.session_id)
        return team, released, receipt, record

    def _ensure_not_over(self, session: OpenSession) -> None:
        if session.session_id not in self._open:
            status = session.record.status
            raise SessionEnded(session.session_id, SessionStatus.FAILED.value if status.is_open else status.value)

    async def _stop_opening(self, session: OpenSession) -> None:
        if session.opening is not None:
            session.opening.cancel()
            await asyncio.gather(session.opening, return_exceptions=True)

    async def _give_back(self, session: OpenSession) -> Released:
        if not self._parts.settings.auto_cleanup_agents:
            for role in session.team:
                await self._release_agent(session, role)
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
        events = [terminated(session, role, now, reason) for role in session.team]
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
            session = OpenSession(record, recalled=True)
            session.models = {a.role: a.model for a in agents if a.session_id == record.session_id}
            self._open[record.session_id] = session

    async def reopen(self, session: OpenSession) -> None:
        """Lease the agents of a recalled session again; a session that was still starting is opened anew."""
        if session.record.status is SessionStatus.STARTING:
            if session.opening is None:
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


def _look_at(opening: asyncio.Task[None]) -> None:
    """Take note of an outcome nobody may be waiting for; the session's row says what went wrong."""
    if not opening.cancelled() and opening.exception() is not None:
        log.info("a session could not be opened: %s", opening.exception())


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
