"""The view *Statistics* as a page."""

from __future__ import annotations

from delegator.schemas import SESSION_ENDS, TASK_ENDS, Event, EventKind
from serve_app.monitor.choices import StatisticsChoice, statistics_choice
from serve_app.monitor.elements import Board
from serve_app.monitor.statistics_view import StatisticsView, statistics_view
from serve_app.monitor.view import Sources, View


class StatisticsBoard(Board[StatisticsView], component="../components/monitor_statistics.vue"):
    """Shows it; emits `choose` as `choices.statistics_choice` reads it."""


async def _read(sources: Sources, choice: StatisticsChoice) -> StatisticsView:
    today = sources.now().date()
    reply = await sources.backend.statistics(choice.on(today))
    return statistics_view(reply, await sources.roles(), today=today)


COUNTED = SESSION_ENDS | TASK_ENDS | {EventKind.SESSION_ASKED, EventKind.SESSION_CREATED}
"""Events after which the figures are others; single turns come with the end of their task."""

TICK_S = 30.0
"""Real seconds after which it is read again without an event: at midnight another day is today."""


def _concerned(_choice: StatisticsChoice, event: Event) -> bool:
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
