"""What the view *Events* shows: the end of the event log that fits the filters, newest first. Pure: no NiceGUI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from delegator.schemas import Event, ListEventsReply, ListEventsRequest, ListRolesReply
from delegator.words import EventKind
from serve_app.formats import moment, one_line
from serve_app.monitor.controls import Option
from serve_app.monitor.event_facts import facts_of
from serve_app.monitor.wording import clock, holder, role_label, words

GROUPS: Mapping[str, tuple[EventKind, ...]] = {
    "sessions": tuple(kind for kind in EventKind if kind.value.startswith("session_")),
    "agents": (EventKind.AGENT_SPAWNED, EventKind.AGENT_RESTARTED, EventKind.AGENT_TERMINATED, EventKind.ROLE_MOVED),
    "tasks": tuple(kind for kind in EventKind if kind.value.startswith(("task_", "turn_"))),
    "models": tuple(kind for kind in EventKind if kind.value.startswith(("model_", "prefetch_", "load_"))),
    "controls": (EventKind.CONTROL_USED,),
    "troubles": (
        EventKind.SESSION_FAILED,
        EventKind.TASK_FAILED,
        EventKind.TURN_RETRIED,
        EventKind.MODEL_LOST,
        EventKind.MODEL_QUARANTINED,
        EventKind.AGENT_RESTARTED,
        EventKind.ORPHAN_REMOVED,
        EventKind.DRIFT_FOUND,
        EventKind.HOST_SUSPECT,
        EventKind.HOST_RECOVERED,
        EventKind.TEAM_DEGRADED,
        EventKind.ALERT_RAISED,
        EventKind.ALERT_CLEARED,
    ),
}
"""Kinds of events that people look for together."""

_BAD = ("failed", "lost", "suspect", "quarantined", "raised", "timed_out")
_ODD = ("retried", "cancelled", "wasted", "degraded", "fallback", "drift", "orphan", "unheard", "asked")
_GOOD = ("completed", "ready", "recovered", "cleared", "answered")


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event."""

    event_id: int
    at: str
    on: str
    kind: str
    kind_words: str
    tone: str
    """bad, odd, good, or empty."""
    session_id: str
    role: str
    model: str
    by: str
    facts: tuple[tuple[str, str], ...]
    """(name, value); the name is empty where the value says it all."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for, as the address says it."""

    kind: str
    session: str
    role: str
    model: str
    before: int
    """0: up to now."""
    rows: int


@dataclass(frozen=True, slots=True)
class EventsView:
    """All of the view *Events*."""

    filters: Filters
    rows: tuple[EventRow, ...]
    more: bool
    """Whether older ones fit, too."""
    groups: tuple[str, ...]
    kinds: tuple[Option, ...]
    roles: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class EventsChoice:
    """Which events, by a group or one kind."""

    kind: str
    request: ListEventsRequest


def concerns(choice: EventsChoice, event: Event) -> bool:
    """Return whether an event belongs to what was chosen."""
    asked = choice.request
    return (
        asked.before is None
        and asked.session_id in (None, event.session_id)
        and asked.role in (None, event.role)
        and (asked.model is None or event.model is not None)  # which names mean a model is the system's to know
        and (not asked.kinds or event.kind in asked.kinds)
    )


def events_view(choice: EventsChoice, reply: ListEventsReply, roles: ListRolesReply) -> EventsView:
    """Return what is drawn."""
    asked = choice.request
    titles = {role.role: role.title for role in roles.roles}
    return EventsView(
        filters=Filters(
            kind=choice.kind,
            session=asked.session_id or "",
            role=asked.role or "",
            model=asked.model or "",
            before=asked.before or 0,
            rows=asked.limit,
        ),
        rows=tuple(event_row(event, titles) for event in reversed(reply.events)),
        more=len(reply.events) >= asked.limit,
        groups=tuple(GROUPS),
        kinds=tuple(Option(kind.value, words(kind.value)) for kind in EventKind),
        roles=tuple(Option(name, role_label(name, title)) for name, title in titles.items()),
    )


def event_row(event: Event, titles: Mapping[str, str]) -> EventRow:
    """Return one event as it is drawn."""
    session_id, facts = event.session_id or "", facts_of(event.data)
    if held := holder(session_id):  # no session: there is nothing to open
        session_id, facts = "", (("", held), *facts)
    return EventRow(
        event_id=event.event_id,
        at=clock(event.at),
        on=moment(event.at),
        kind=event.kind.value,
        kind_words=words(event.kind.value),
        tone=_tone(event.kind.value),
        session_id=session_id,
        role=role_label(event.role, titles.get(event.role)) if event.role else "",
        model=one_line(event.model or ""),
        by=one_line(event.by or ""),
        facts=facts,
    )


def _tone(kind: str) -> str:
    for tone, parts in (("bad", _BAD), ("odd", _ODD), ("good", _GOOD)):
        if any(part in kind for part in parts):
            return tone
    return ""
