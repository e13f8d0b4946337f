"""What a person can choose to see: from the words of an address to a request. Pure.

The same words come with the address of a page and from its fields, so a reload shows what was chosen. Whatever they
hold is checked by the request's own model, which raises pydantic's ValidationError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from delegator.schemas import ListEventsRequest, SessionHistoryRequest, SessionRef, StatisticsRequest
from serve_app.monitor.events_view import GROUPS, EventsChoice

ALL_DAYS = "all"
"""In place of a day: the history of all days."""

UPWARDS = "up"
"""The order in which the smallest, earliest or alphabetically first comes first."""


def no_choice(_asked: Mapping[str, Any]) -> None:
    """There is nothing to choose."""


def history_choice(asked: Mapping[str, Any]) -> SessionHistoryRequest:
    """Read which sessions, in which order, and which page of them; an empty word is as good as an absent one.

    `day`: YYYY-MM-DD or 'all'; absent: today, unless `from` and `to` (absent: today) give a range. `category`,
    `status`, `text`: only those. `sort` and `order` ('up' or 'down', absent: down). `page`: absent: the first.
    """
    filters = {
        name: asked[name] for name in ("category", "status", "text", "sort", "page") if asked.get(name, "") != ""
    }
    return SessionHistoryRequest.model_validate(
        {**_history_days(asked), **filters, "descending": asked.get("order") != UPWARDS}
    )


def _history_days(asked: Mapping[str, Any]) -> dict[str, Any]:
    first, last, day = (asked.get(name) or None for name in ("from", "to", "day"))
    if day is None and (first or last):
        return {"from": first, "to": last}
    return {"date": None if day == ALL_DAYS else day or _today()}


def statistics_choice(asked: Mapping[str, Any]) -> StatisticsRequest:
    """Read `from` and `to` (YYYY-MM-DD, both included; absent: today, and the first)."""
    first = asked.get("from") or _today()
    return StatisticsRequest.model_validate({"from": first, "to": asked.get("to") or first})


def _today() -> date:
    return datetime.now(UTC).date()


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
