"""Compares what should be with what is, every few seconds and on demand, heals the difference and writes it down.

Looks at the open sessions, at Ray's list of named actors, whether agents were lost (`restart_log.py`), and through each
`ModelHost` at `/api/ps` and the reservations. First version: orphaned agents, models and reservations go, sessions
without a call for too long end, and so do those whose end broke off half-way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from ray.exceptions import RayError

from actors.claimant import Claimant
from actors.comparison import Comparison, trusted_s
from actors.host_handle import HostHandle
from actors.host_messages import RETURNS, Sweep
from actors.parts import Ending, OpenSession, Parts
from actors.restart_log import RestartLog
from actors.session_book import SessionBook
from delegator.errors import DelegatorError
from delegator.schemas import CleanupReply, Drift, EventKind
from delegator.store.records import LearnedRecord, NewEvent

log = logging.getLogger(__name__)

HOST_SWEEP_S = 8.0
"""Real seconds that one sweep waits for an endpoint, where there are others."""

EndSession = Callable[[OpenSession, EventKind, str], Awaitable[object]]


class Reconciler:
    """One loop; sweeps never overlap."""

    def __init__(
        self, parts: Parts, book: SessionBook, claimant: Claimant, restarts: RestartLog, end_session: EndSession
    ) -> None:
        """Watch over these parts; `end_session` ends one session with everything it has."""
        self._parts = parts
        self._book = book
        self._claimant = claimant
        self._restarts = restarts
        self._end_session = end_session
        self._lock = asyncio.Lock()
        self._comparison = Comparison(trusted_s(parts.settings))
        self._sweeping: dict[str, asyncio.Task[Sweep]] = {}
        """By endpoint: its sweep that is under way."""
        self._looking: asyncio.Task[None] | None = None
        """The latest look at the agents."""

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

    def drift(self) -> Drift:
        """Return what the latest comparison with Ollama and Ray has found."""
        return self._comparison.shown()

    async def sweep(self, *, remove_orphans: bool = True) -> CleanupReply:
        """Look once, heal, and report what was found.

        All endpoints are swept at once; one that does not come to its end in time goes on by itself, and is not begun
        again before.

        Raises:
            DelegatorError: no endpoint could be swept, or the store does not answer.
        """
        async with self._lock:
            self._comparison.begun()
            try:
                return await self._look_once(remove_orphans=remove_orphans)
            except (DelegatorError, RayError) as exc:
                self._comparison.broke_off(str(exc))
                raise

    async def _look_once(self, *, remove_orphans: bool) -> CleanupReply:
        await self._book.finish_failing()
        closed = await self._end_sessions()
        gone = await self._parts.pool.terminate_orphans(self._book.teams) if remove_orphans else []
        await self._write_down(gone, Sweep())
        self._look_at_agents()
        found, failed = await self._sweep_hosts(remove_orphans=remove_orphans)
        self._comparison.made(self._parts.clock.now(), gone, found, failed)
        return CleanupReply(
            agents_removed=gone,
            models_unloaded=[model for sweep in found.values() for model in sweep.models_unloaded],
            sessions_closed=closed,
            placement_groups_removed=[model for sweep in found.values() for model in sweep.reservations_removed],
            processes_checked=len(self._parts.pool.live()),
        )

    def _look_at_agents(self) -> None:
        """Begin to look whether agents were lost, unless that is under way: nothing waits for those that are silent."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._restarts_seen())

    async def _restarts_seen(self) -> None:
        try:
            await self._restarts.look()
        except (DelegatorError, RayError) as exc:
            log.warning("lost agents wait to be written down: %s", exc)
        except Exception:
            log.exception("a look at the agents failed unexpectedly")

    async def _sweep_hosts(self, *, remove_orphans: bool) -> tuple[dict[str, Sweep], list[str]]:
        """Return by endpoint what was found, and in words which could not be compared."""
        for host in self._parts.hosts.all():
            if host.endpoint_id not in self._sweeping:
                sweeping = asyncio.create_task(self._sweep_host(host, remove_orphans=remove_orphans))
                self._sweeping[host.endpoint_id] = sweeping
        begun = dict(self._sweeping)
        several = len(begun) > 1
        await asyncio.wait(begun.values(), timeout=HOST_SWEEP_S if several else None)
        done = {endpoint_id: sweeping for endpoint_id, sweeping in begun.items() if sweeping.done()}
        for endpoint_id in done:
            del self._sweeping[endpoint_id]
        problems = {where: exc for where, sweeping in done.items() if (exc := sweeping.exception()) is not None}
        for problem in problems.values():
            if not isinstance(problem, DelegatorError | RayError) or len(problems) == len(begun):
                raise problem
            log.warning("a sweep of one endpoint broke off: %s", problem)
        failed = [f"{where}: {problem}" for where, problem in problems.items()]
        failed += [f"{where}: it does not come to an end" for where in begun if where not in done]
        return {where: sweeping.result() for where, sweeping in done.items() if where not in problems}, failed

    async def _sweep_host(self, host: HostHandle, *, remove_orphans: bool) -> Sweep:
        claims = self._claimant.claims_on
        found = await host.reconcile(lambda: claims(host.endpoint_id, remove_orphans=remove_orphans))
        await self._write_down([], found)
        if found.learned is not None:
            now = self._parts.clock.now()
            await self._parts.store.put_learned([LearnedRecord(host.endpoint_id, RETURNS, found.learned, now)])
        return found

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
