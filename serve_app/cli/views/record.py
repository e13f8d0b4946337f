"""How the record looks: history, events. Its figures are in `statistics.py`."""

from __future__ import annotations

import json

from rich.console import RenderableType

from delegator.schemas import Event, EventKind, ListEventsReply, SessionHistoryReply
from serve_app.cli.views.layout import line, names, state, table
from serve_app.formats import duration, moment, one_line

TASK_CHARS = 50


def history(reply: SessionHistoryReply) -> list[RenderableType]:
    """Show one page of past sessions, in the order of the reply."""
    if not reply.sessions:
        return [line("No sessions.")]
    rows = [
        (
            item.session_id,
            state(item.status),
            item.task_category.replace("_", " "),
            item.total_agents_spawned,
            moment(item.started_at),
            duration(item.duration_seconds) if item.duration_seconds is not None else None,
            one_line(item.task_description, at_most=TASK_CHARS),
        )
        for item in reply.sessions
    ]
    columns = ("session", "status", "category", ">agents", "started", ">lasted", "task")
    page = f"Page {reply.page} of {max(1, reply.pages)}, {reply.total_sessions} sessions in all."
    more = f" Next: the same with --page {reply.page + 1}" if reply.page < reply.pages else ""
    return [table(columns, rows, whole=("session",)), line((page + more, "dim"))]


def event_line(event: Event) -> RenderableType:
    """Return one event on one line, for a log that is followed."""
    who = names(filter(None, (event.role, event.model)))
    data = one_line(json.dumps(event.data), at_most=160) if event.data else ""
    by = f"by {one_line(event.by)} " if event.by else ""
    return line(
        (f"{moment(event.at)} ", "dim"), (f"{event.kind} ", EVENT_COLOURS.get(event.kind, "")),
        f"{event.session_id} " if event.session_id else "", f"{who} " if who else "", by, (data, "dim"),
    )  # fmt: skip


EVENT_COLOURS = {
    EventKind.SESSION_FAILED: "red",
    EventKind.TASK_FAILED: "red",
    EventKind.ALERT_RAISED: "red",
    EventKind.HOST_SUSPECT: "red",
    EventKind.ALERT_CLEARED: "green",
    EventKind.HOST_RECOVERED: "green",
    EventKind.TURN_RETRIED: "yellow",
    EventKind.DRIFT_FOUND: "yellow",
    EventKind.ORPHAN_REMOVED: "yellow",
    EventKind.CONTROL_USED: "cyan",
}
"""Kinds that should catch the eye."""


def events(reply: ListEventsReply) -> list[RenderableType]:
    """Show a run of the event log, oldest first."""
    if not reply.events:
        return [line("No events.")]
    rows = [
        (
            event.event_id,
            moment(event.at),
            event.kind,
            event.session_id,
            names(filter(None, (event.role, event.model))),
            one_line(event.by, at_most=30) if event.by else None,
            one_line(json.dumps(event.data), at_most=80) if event.data else None,
        )
        for event in reply.events
    ]
    more = line((f"Next: delegator events --after {reply.next_after}", "dim"))
    return [
        table((">event", "at", "kind", "session", "role, model", "by", "facts"), rows, whole=("at", "session")),
        more,
    ]
