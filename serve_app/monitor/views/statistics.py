"""The view *Statistics* as a page."""

from __future__ import annotations

from delegator.schemas import Event, EventKind, StatisticsRequest
from serve_app.monitor.choices import statistics_choice
from serve_app.monitor.elements import Board
from serve_app.monitor.statistics_view import StatisticsView, statistics_view
from serve_app.monitor.view import Sources, View


class StatisticsBoard(Board[StatisticsView], component="../components/monitor_statistics.vue"):
    """Shows it; emits `choose` as `choices.statistics_choice` reads it."""


async def _read(sources: Sources, request: StatisticsRequest) -> StatisticsView:
    reply = await sources.backend.statistics(request)
    return statistics_view(reply, await sources.roles(), today=sources.now().date())


COUNTED = frozenset({EventKind.SESSION_CREATED, EventKind.SESSION_ENDED, EventKind.TASK_COMPLETED})
"""Events after which the figures are others; single turns come with the end of their task."""

TICK_S = 30.0
"""Real seconds after which it is read again without an event: at midnight another day is today."""


def _concerned(_request: StatisticsRequest, event: Event) -> bool:
    return event.kind in COUNTED


STATISTICS = View(
    name="statistics",
    title="Statistics",
    path="/statistics",
    board=StatisticsBoard,
    choice=statistics_choice,
    read=_read,
    concerned=_concerned,
    tick_s=TICK_S,
)
