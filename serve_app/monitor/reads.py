"""What the pages read, each view made once for all browsers that show it.

Owns which operations make a view and how old it may be. It asks, it never changes anything: the monitor has no other
way to the backend.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from delegator.schemas import ListAgentsRequest, ListRolesReply, NoInput, SessionHistoryRequest, StatisticsRequest
from serve_app.backend import Backend
from serve_app.monitor.history_view import HistoryView, history_view
from serve_app.monitor.now_view import NowReplies, NowView, now_view
from serve_app.monitor.shared import SharedRead
from serve_app.monitor.statistics_view import StatisticsView, statistics_view

DEADLINE_S = 10.0
"""Real seconds until the page tells that the backend does not answer."""

REMEMBERED_CHOICES = 100
"""Days, pages and ranges that are shared; a choice beyond them is read again."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Reads:
    """The views, shared by all open pages of this process.

    Args:
        backend: what is asked.
        fresh_s: real seconds an answer serves everybody.
        now: the present moment, UTC.
    """

    def __init__(self, backend: Backend, *, fresh_s: float, now: Callable[[], datetime] = _utc_now) -> None:
        self._backend = backend
        self._now = now
        self._roles: ListRolesReply | None = None
        self._present: SharedRead[None, NowView] = SharedRead(
            self._read_present, what="reading what is now", fresh_s=fresh_s, deadline_s=DEADLINE_S
        )
        self._history: SharedRead[SessionHistoryRequest, HistoryView] = SharedRead(
            self._read_history,
            what="reading the history",
            fresh_s=fresh_s,
            deadline_s=DEADLINE_S,
            keep=REMEMBERED_CHOICES,
        )
        self._statistics: SharedRead[StatisticsRequest, StatisticsView] = SharedRead(
            self._read_statistics,
            what="reading the statistics",
            fresh_s=fresh_s,
            deadline_s=DEADLINE_S,
            keep=REMEMBERED_CHOICES,
        )

    async def present(self) -> NowView:
        """Return what is running and resident.

        Raises:
            DelegatorError: the backend's, or DeadlineExceeded.
        """
        return await self._present.get(None)

    async def history(self, request: SessionHistoryRequest) -> HistoryView:
        """Return one page of past sessions; raises as `present`."""
        return await self._history.get(request)

    async def statistics(self, request: StatisticsRequest) -> StatisticsView:
        """Return the figures over some days; raises as `present`."""
        return await self._statistics.get(request)

    async def _read_present(self, _key: None) -> NowView:
        at = self._now()
        sessions, agents, resources, today, roles = await asyncio.gather(
            self._backend.list_active_sessions(NoInput()),
            self._backend.list_active_agents(ListAgentsRequest(all_sessions=True)),
            self._backend.resource_summary(NoInput()),
            self._backend.statistics(StatisticsRequest(from_date=at.date())),
            self._catalogue(),
        )
        return now_view(NowReplies(at, sessions, agents, resources, roles, today))

    async def _read_history(self, request: SessionHistoryRequest) -> HistoryView:
        reply = await self._backend.session_history(request)
        return history_view(request, reply, await self._catalogue(), today=self._now().date())

    async def _read_statistics(self, request: StatisticsRequest) -> StatisticsView:
        return statistics_view(await self._backend.statistics(request), today=self._now().date())

    async def _catalogue(self) -> ListRolesReply:
        """Return the roles, read once: a running system keeps its catalogue."""
        if self._roles is None:
            self._roles = await self._backend.list_roles(NoInput())
        return self._roles
