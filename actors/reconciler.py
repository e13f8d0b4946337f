"""Compares what should be with what is, every few seconds and on demand, heals the difference and writes it down.

Looks at the open sessions, at Ray's list of named actors, and through each `ModelHost` at `/api/ps` and the
reservations. First version: orphaned agents, models and reservations go, sessions without a call for too long end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from ray.exceptions import RayError

from actors.host_messages import Claims, Sweep
from actors.parts import OpenSession, Parts
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
            closed = await self._end_silent_sessions()
            gone = await self._parts.pool.terminate_orphans() if remove_orphans else []
            found = await self._parts.host.reconcile(self._claims()) if remove_orphans else Sweep()
            await self._write_down(gone, found)
            return CleanupReply(
                agents_removed=gone,
                models_unloaded=list(found.models_unloaded),
                sessions_closed=closed,
                placement_groups_removed=list(found.reservations_removed),
                processes_checked=len(self._parts.pool.live()),
            )

    def _claims(self) -> Claims:
        recorder = self._parts.recorder
        return Claims(
            held={s.session_id: recorder.held_by(s.session_id) for s in self._book.sessions()},
            turns=self._tasks.turns_under_way(),
            loaded_by_us=recorder.loaded_on(self._parts.host.endpoint_id),
        )

    async def _end_silent_sessions(self) -> list[str]:
        limit = timedelta(minutes=self._parts.settings.session_timeout_minutes)
        oldest = self._parts.clock.now() - limit
        closed = []
        for session in self._book.sessions():
            if session.record.last_activity_at > oldest or session.tasks or session.opening is not None:
                continue
            try:
                await self._end_session(session, EventKind.SESSION_TIMED_OUT, "no call for too long")
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
