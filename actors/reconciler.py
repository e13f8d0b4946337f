"""Compares what should be with what is, every few seconds and on demand, heals the difference and writes it down.

Looks at the open sessions, at Ray's list of named actors, and through each `ModelHost` at `/api/ps` and the
reservations. First version: orphaned agents, models and reservations go, sessions without a call for too long end, and
so do those whose end broke off half-way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

from ray.exceptions import RayError

from actors.host_messages import Claims, Sweep
from actors.parts import Ending, OpenSession, Parts
from actors.session_book import SessionBook
from actors.task_runner import TaskRunner
from delegator.errors import DelegatorError
from delegator.schemas import CleanupReply, EventKind
from delegator.store.records import NewEvent

log = logging.getLogger(__name__)

EndSession = Callable[[OpenSession, EventKind, str], Awaitable[object]]


class Reconciler:
    """One loop; sweeps never overlap."""

    def __init__(self, parts: Parts, book: SessionBook, tasks: TaskRunner, end_session: EndSession) -> None:
        """Watch over these parts; `end_session` ends one session with everything it has."""
        self._parts = parts
        self._book = book
        self._tasks = tasks
        self._end_session = end_session
        self._lock = asyncio.Lock()
        self._life = uuid4().hex

    async def run_forever(self) -> None:
        """Sweep every `reconcile_every_s`; an error of one sweep is logged and does not end the loop."""
        while True:
            await asyncio.sleep(self._parts.settings.reconcile_every_s)
            try:
                await self.sweep(remove_orphans=self._parts.settings.auto_cleanup_agents)
            except (DelegatorError, RayError) as exc:
                log.warning("a sweep broke off: %s", exc)
            except Exception:
                log.exception("a sweep failed unexpectedly")

    async def sweep(self, *, remove_orphans: bool = True) -> CleanupReply:
        """Look once, heal, and report what was found."""
        async with self._lock:
            await self._book.finish_failing()
            closed = await self._end_sessions()
            gone = await self._parts.pool.terminate_orphans(self._book.teams) if remove_orphans else []
            await self._write_down(gone, Sweep())
            found = await self._parts.host.reconcile(lambda: self._claims(remove_orphans=remove_orphans))
            await self._write_down([], found)
            return CleanupReply(
                agents_removed=gone,
                models_unloaded=list(found.models_unloaded),
                sessions_closed=closed,
                placement_groups_removed=list(found.reservations_removed),
                processes_checked=len(self._parts.pool.live()),
            )

    def _claims(self, *, remove_orphans: bool) -> Claims:
        recorder = self._parts.recorder
        return Claims(
            held={s.session_id: recorder.held_by(s.session_id) for s in self._book.sessions()},
            turns=self._tasks.turns_under_way(),
            loaded_by_us=recorder.loaded_on(self._parts.host.endpoint_id),
            life=self._life,
            remove_orphans=remove_orphans,
        )

    async def _end_sessions(self) -> list[str]:
        """End the sessions nobody has called for too long, and those whose end broke off half-way."""
        limit = timedelta(minutes=self._parts.settings.session_timeout_minutes)
        oldest = self._parts.clock.now() - limit
        closed = []
        for session in self._book.sessions():
            ending = session.ending
            if ending is None:
                if session.record.last_activity_at > oldest or session.tasks or session.opening is not None:
                    continue
                ending = Ending(EventKind.SESSION_TIMED_OUT, "no call for too long")
            elif ending.callers:
                continue
            try:
                await self._end_session(session, ending.kind, ending.reason)
                closed.append(session.session_id)
            except DelegatorError as exc:
                log.warning("session %s could not be ended: %s", session.session_id, exc)
        return closed

    async def _write_down(self, agents: list[str], found: Sweep) -> None:
        now = self._parts.clock.now()
        events = [NewEvent(kind=EventKind.ORPHAN_REMOVED, at=now, role=role, data={"what": "agent"}) for role in agents]
        events += [
            NewEvent(kind=EventKind.ORPHAN_REMOVED, at=now, model=model, data={"what": "model"})
            for model in found.models_unloaded
        ]
        events += [
            NewEvent(kind=EventKind.ORPHAN_REMOVED, at=now, model=model, data={"what": "reservation"})
            for model in found.reservations_removed
        ]
        if events:
            await self._parts.store.append_events(events)
