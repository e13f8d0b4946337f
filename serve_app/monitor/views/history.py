"""The view *History* as a page."""

from __future__ import annotations

from delegator.schemas import SESSION_ENDS, Event, EventKind
from serve_app.monitor.choices import HistoryChoice, history_choice
from serve_app.monitor.elements import Board
from serve_app.monitor.history_view import HistoryView, history_view
from serve_app.monitor.view import Sources, View


class HistoryBoard(Board[HistoryView], component="../components/monitor_history.vue"):
    """Shows it; emits `choose` as `choices.history_choice` reads it."""


async def _read(sources: Sources, choice: HistoryChoice) -> HistoryView:
    today = sources.now().date()
    request = choice.on(today)
    reply = await sources.backend.session_history(request)
    return history_view(request, reply, await sources.roles(), today=today)


SESSION_CHANGES = SESSION_ENDS | {
    EventKind.SESSION_ASKED,
    EventKind.SESSION_CREATED,
    EventKind.SESSION_READY,
    EventKind.AGENT_SPAWNED,
}
"""Events after which a row of the history says something else; all else of a session is shown by its own view."""

TICK_S = 30.0
"""Real seconds after which it is read again without an event: at midnight another day is today."""


def _concerned(_choice: HistoryChoice, event: Event) -> bool:
    return event.kind in SESSION_CHANGES


HISTORY = View(
    name="history",
    title="History",
    path="/history",
    board=HistoryBoard,
    choice=history_choice,
    read=_read,
    concerned=_concerned,
    tick_s=TICK_S,
)
