"""The view *Events* as a page."""

from __future__ import annotations

from serve_app.monitor.choices import events_choice
from serve_app.monitor.elements import Board
from serve_app.monitor.events_view import EventsChoice, EventsView, concerns, events_view
from serve_app.monitor.view import Sources, View


class EventsBoard(Board[EventsView], component="../components/monitor_events.vue"):
    """Shows it; emits `choose` as `choices.events_choice` reads it."""


async def _read(sources: Sources, choice: EventsChoice) -> EventsView:
    return events_view(choice, await sources.backend.list_events(choice.request), await sources.roles())


EVENTS = View(
    name="events",
    title="Events",
    path="/events",
    board=EventsBoard,
    choice=events_choice,
    read=_read,
    concerned=concerns,
    tick_s=None,
)
