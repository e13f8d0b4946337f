"""The view *Now* as a page."""

from __future__ import annotations

import asyncio

from delegator.schemas import ListAgentsRequest, NoInput, StatisticsRequest
from serve_app.monitor.choices import no_choice
from serve_app.monitor.elements import Board
from serve_app.monitor.now_view import NowReplies, NowView, now_view
from serve_app.monitor.view import Sources, View


class NowBoard(Board[NowView], component="../components/monitor_now.vue"):
    """Shows it."""


async def _read(sources: Sources, _choice: None) -> NowView:
    backend = sources.backend
    sessions, agents, resources, today, roles = await asyncio.gather(
        backend.list_active_sessions(NoInput()),
        backend.list_active_agents(ListAgentsRequest(all_sessions=True)),
        backend.resource_summary(NoInput()),
        backend.statistics(StatisticsRequest(from_date=sources.now().date())),
        sources.roles(),
    )
    return now_view(NowReplies(sessions, agents, resources, roles, today), scale=sources.scale)


NOW = View(name="now", title="Now", path="/", board=NowBoard, choice=no_choice, read=_read, tick_s=2.0)
