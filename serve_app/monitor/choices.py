"""What a person can choose to see: from the words of an address to a request. Pure.

The same words come with the address of a page and from its fields, so a reload shows what was chosen. Whatever they
hold is checked by the request's own model, which raises pydantic's ValidationError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from delegator.schemas import ListEventsRequest, SessionHistoryRequest, SessionRef, StatisticsRequest
from serve_app.monitor.events_view import GROUPS, EventsChoice

ALL_DAYS = "all"
"""In place of a day: the history of all days."""

UPWARDS = "up"
"""The order in which the smallest, earliest or alphabetically first comes first."""


def no_choice(_asked: Mapping[str, Any]) -> None:
    """There is nothing to choose."""


@dataclass(frozen=True, slots=True)
class HistoryChoice:
    """Which sessions; `today`: those of the present day, whichever that is when they are read."""

    request: SessionHistoryRequest
    today: bool

    def on(self, day: date) -> SessionHistoryRequest:
        """Return what is to be asked on that day, UTC."""
        return self.request.model_copy(update={"date": day}) if self.today else self.request


def history_choice(asked: Mapping[str, Any]) -> HistoryChoice:
    """Read which sessions, in which order, and which page of them; an empty word is as good as an absent one.

    `day`: YYYY-MM-DD or 'all'; absent: today, unless `from` and `to` (absent: today) give a range. `category`,
    `status`, `text`: only those. `sort` and `order` ('up' or 'down', absent: down). `page`: absent: the first.
    """
    first, last, day = (asked.get(name) or None for name in ("from", "to", "day"))
    ranged = day is None and bool(first or last)
    days = {"from": first, "to": last} if ranged else {"date": None if day == ALL_DAYS else day}
    filters = {
        name: asked[name] for name in ("category", "status", "text", "sort", "page") if asked.get(name, "") != ""
    }
    request = SessionHistoryRequest.model_validate({**days, **filters, "descending": asked.get("order") != UPWARDS})
    return HistoryChoice(request, today=day is None and not ranged)


@dataclass(frozen=True, slots=True)
class StatisticsChoice:
    """Over which days; `request` without any: over the present one, whichever that is when they are read."""

    request: StatisticsRequest

    def on(self, day: date) -> StatisticsRequest:
        """Return what is to be asked on that day, UTC."""
        if self.request.from_date is not None:
            return self.request
        return self.request.model_copy(update={"from_date": day, "to_date": day})


def statistics_choice(asked: Mapping[str, Any]) -> StatisticsChoice:
    """Read `from` and `to` (YYYY-MM-DD, both included; absent: today, and the first)."""
    first = asked.get("from") or None
    return StatisticsChoice(StatisticsRequest.model_validate({"from": first, "to": asked.get("to") or first}))


EVENT_ROWS = 100
"""Events on a page, and how many more each time that older ones are asked for."""

MOST_EVENT_ROWS = 500
"""Events on a page at most; older ones have a page of their own."""


def events_choice(asked: Mapping[str, Any]) -> EventsChoice:
    """Read `kind` (one, or a group of them), `session`, `role`, `model`, `before` (an event's id) and `rows`."""
    kind = str(asked.get("kind") or "")
    rows = asked.get("rows") or EVENT_ROWS
    request = ListEventsRequest.model_validate(
        {
            "kinds": GROUPS.get(kind, [kind]) if kind else (),
            "session_id": asked.get("session") or None,
            "role": asked.get("role") or None,
            "model": asked.get("model") or None,
            "before": asked.get("before") or None,
            "limit": rows,
            "latest": True,
        }
    )
    shown = min(request.limit, MOST_EVENT_ROWS)
    return EventsChoice(kind, request.model_copy(update={"limit": shown}))


@dataclass(frozen=True, slots=True)
class SessionChoice:
    """Which session."""

    session_id: str


def session_choice(asked: Mapping[str, Any]) -> SessionChoice:
    """Read `session_id`."""
    return SessionChoice(SessionRef.model_validate({"session_id": asked.get("session_id")}).session_id)
