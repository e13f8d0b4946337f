"""Opens sessions: from a request, or the answer to a question, to a team that is ready to work.

What is written down of them is made in `session_rows.py`. What a caller is told is in the store before it is told.
Spawning is parallel: agents' processes start while the first speaker's model loads, which begins before the session's
row is written. Whatever fails on the way is undone: no agent, no model and no open session stays behind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from actors.host_messages import TurnWish
from actors.moves import Moves, excluded_by
from actors.open_sessions import OpenSessions
from actors.parts import AppliedPlan, Ending, OpenSession, Parts
from actors.placing import Excluded
from actors.planning import Planning, Prepared
from actors.receipts import SessionEnergy
from actors.session_rows import new_record, opening_events, ready_event, team_rows
from actors.team_leases import TeamLeases
from actors.turn_attempts import RETRY_PAUSE_S
from delegator.errors import (
    DelegatorError,
    InternalError,
    OllamaBusy,
    SessionEnded,
    SessionNotFound,
    StoreUnavailable,
)
from delegator.schemas import CreateSessionRequest, EventKind, SessionStatus
from delegator.sessions.turns import plan_team_turns
from delegator.store.records import AgentRecord, NewEvent, SessionRecord

log = logging.getLogger(__name__)

WriteDown = Callable[[SessionRecord, Sequence[AgentRecord], Sequence[NewEvent]], Awaitable[None]]
"""Stores a session that is being opened, its team, and the events of both."""

ALREADY_THERE_S = 0.02
"""Real seconds in which a team whose agents and first model are there gets ready: its row then says so at once."""


class SessionOpening:
    """Opens sessions and undoes those that cannot be opened."""

    def __init__(self, parts: Parts, sessions: OpenSessions, energy: SessionEnergy) -> None:
        """Open them among these."""
        self._parts = parts
        self._sessions = sessions
        self._energy = energy
        self._leases = TeamLeases(parts)
        self._moves = Moves(parts)
        self._planning = Planning(parts)

    async def create(self, request: CreateSessionRequest) -> OpenSession:
        """See `SessionBook.create`."""
        self._sessions.ensure_place()
        prepared = await self._planning.prepare(request)
        session = self._sessions.take_place(lambda session_id, now: new_record(self._parts, prepared, session_id, now))
        async with session.lock:  # who finds it meanwhile waits for its row
            await self.open(session, prepared, session.record.created_at, self._parts.store.create_session)
        await self.await_opening(session, request.wait_s)
        return session

    async def open(self, session: OpenSession, prepared: Prepared, at: datetime, write_down: WriteDown) -> None:
        """Begin to open a session whose record is made, and write it down. Its lock is held.

        Args:
            session: the session.
            prepared: what was decided about it.
            at: when that was.
            write_down: stores it.
        """
        readying: asyncio.Task[None] | None = None
        try:
            _settle(session, prepared)
            mark = self._parts.clock.mark()
            readying = asyncio.create_task(self._get_ready(session))
            is_there = await _is_done_soon(readying)
            if is_there:
                self._note_ready(session, mark)
            self._energy.begin(session.session_id)
            events = opening_events(session, self._parts.catalogue, at)
            events += [ready_event(session.record)] if is_there else []
            await write_down(session.record, team_rows(session, at), events)
            if not is_there:
                self._begin(session, readying, mark)
        except BaseException as exc:
            await self.fail(session, readying, exc)
            raise

    async def await_opening(self, session: OpenSession, wait_s: float) -> None:
        """Wait at most `wait_s` real seconds until the session is ready; raise why it is not, when that is known."""
        opening = session.opening
        if opening is not None and (await asyncio.wait([opening], timeout=wait_s))[0]:
            if opening.cancelled():
                raise SessionEnded(session.session_id, "ending")
            await opening

    def begin(self, session: OpenSession) -> None:
        """Begin to open a session whose row is there: one that was still starting when the process died."""
        self._begin(session, asyncio.create_task(self._get_ready(session)), self._parts.clock.mark())

    def _begin(self, session: OpenSession, readying: asyncio.Task[None], mark: float) -> None:
        opening = asyncio.create_task(self._open_up(session, readying, mark))
        opening.add_done_callback(_look_at)
        session.opening = opening

    # ── getting ready ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _warm_first(self, session: OpenSession) -> None:
        """Bring in the model of whoever speaks first; on another endpoint, or another model, where that fails.

        An Ollama whose queue is full is asked again.
        """
        role = plan_team_turns(session.team, self._parts.catalogue)[0].role
        without: set[Excluded] = set()
        tries, pause_s = self._parts.settings.turn_attempts, RETRY_PAUSE_S
        while True:
            host = self._parts.host_of(session, role)
            try:
                await self._warm(session, role)
            except DelegatorError as exc:
                tries -= 1
                meant = await self._moves.understood(host, exc)
                if await self._moved(session, role, meant, without):
                    continue
                if not isinstance(meant, OllamaBusy) or tries <= 0:
                    raise meant from exc
                await asyncio.sleep(pause_s)
                pause_s *= 2
            else:
                return

    async def _warm(self, session: OpenSession, role: str) -> None:
        host = self._parts.host_of(session, role)
        wish = TurnWish(
            f"warm:{session.session_id}:{role}",
            session.session_id,
            session.model_of(role, self._parts.catalogue),
            session.record.limits_max_memory_bytes,
            outlook=self._parts.outlook_of(session, host.endpoint_id),
        )
        deadline_s = max(30.0, self._parts.clock.real_s(self._parts.settings.create_deadline_s))
        await host.warm(wish, deadline_s)

    async def _moved(self, session: OpenSession, role: str, exc: DelegatorError, without: set[Excluded]) -> bool:
        model = session.model_of(role, self._parts.catalogue).name
        excluded = excluded_by(exc, self._parts.host_of(session, role).endpoint_id, model)
        if excluded is None:
            return False
        without.add(excluded)
        async with session.lock:  # its row must be there before it can tell another place
            return await self._moves.move(session, role, without, exc.message) is not None

    async def _get_ready(self, session: OpenSession) -> None:
        """Bring in the first speaker's model, and have every agent answer, at the same time."""
        warming = asyncio.create_task(self._warm_first(session))
        spawning = [asyncio.create_task(self._leases.lease(session, role)) for role in session.team]
        try:
            await asyncio.gather(warming, *spawning)
        except BaseException:
            for task in (warming, *spawning):
                task.cancel()
            await asyncio.gather(warming, *spawning, return_exceptions=True)
            raise

    def _note_ready(self, session: OpenSession, mark: float) -> None:
        clock = self._parts.clock
        session.record = replace(
            session.record, status=SessionStatus.ACTIVE, started_at=clock.now(), seconds_to_ready=clock.elapsed_s(mark)
        )

    async def _open_up(self, session: OpenSession, readying: asyncio.Task[None], mark: float) -> None:
        """Wait until a session is ready, and write that down."""
        before = session.record
        try:
            await readying
            self._note_ready(session, mark)
            record = session.record
            if record.started_at is not None:
                await self._parts.store.mark_session_ready(
                    session.session_id, record.started_at, record.seconds_to_ready or 0.0, [ready_event(session.record)]
                )
            session.opening = None
        except BaseException as exc:
            session.record = replace(
                session.record, status=before.status, started_at=before.started_at, seconds_to_ready=None
            )
            readying.cancel()
            await asyncio.gather(readying, return_exceptions=True)
            if session.ending is None:  # otherwise whoever ends it gives back what it has
                await self.fail(session, readying, exc)
            raise

    # ── undoing ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def fail(self, session: OpenSession, readying: asyncio.Task[None] | None, exc: BaseException) -> None:
        """Undo a session that could not be opened, and keep in the history why."""
        reason = exc.message if isinstance(exc, DelegatorError) else str(exc) or type(exc).__name__
        code = exc.code if isinstance(exc, DelegatorError) else InternalError.code
        session.ending = Ending(EventKind.SESSION_FAILED, reason[:500], code=code)
        self._sessions.leave(session)
        self._energy.leave(session.session_id)
        self._sessions.failing[session.session_id] = session
        await self._abandon(session, readying)
        if not isinstance(exc, StoreUnavailable):  # it would not answer now either: the reconciler asks later
            await self._close_failed(session, session.ending)

    async def finish_failing(self) -> None:
        """Write down what could not be written when sessions failed."""
        for session in list(self._sessions.failing.values()):
            if session.ending is not None:
                await self._close_failed(session, session.ending)

    async def _close_failed(self, session: OpenSession, ending: Ending) -> None:
        now = self._parts.clock.now()
        data = {"reason": ending.reason, "code": ending.code}
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
        self._sessions.failing.pop(session.session_id, None)
        self._parts.recorder.forget(session.session_id)

    async def _abandon(self, session: OpenSession, readying: asyncio.Task[None] | None) -> None:
        """Let go of everything a session has or is about to get."""
        if readying is not None:
            readying.cancel()
            await asyncio.gather(readying, return_exceptions=True)
        try:
            await self._leases.release_all(session)
            await self._parts.hosts.release(session.session_id)
        except DelegatorError as exc:
            log.warning("what %s held is left to the reconciler: %s", session.session_id, exc)


async def _is_done_soon(readying: asyncio.Task[None]) -> bool:
    """Return whether everything is there already. Where that has failed, the row comes first: the history tells why."""
    done, _ = await asyncio.wait([readying], timeout=ALREADY_THERE_S)
    return bool(done) and not readying.cancelled() and readying.exception() is None


def _look_at(opening: asyncio.Task[None]) -> None:
    """Take note of an outcome nobody may be waiting for; the session's row says what went wrong."""
    if not opening.cancelled() and opening.exception() is not None:
        log.info("a session could not be opened: %s", opening.exception())


def _settle(session: OpenSession, prepared: Prepared) -> None:
    """Take over what was decided about a session."""
    session.place(prepared.places)
    session.degradations = list(prepared.degradations)
    if prepared.plan_id is not None:
        session.applied = AppliedPlan(prepared.plan_id, tuple(prepared.changed))
