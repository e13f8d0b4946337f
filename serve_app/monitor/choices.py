"""What a person can choose to see: from the words of an address to a request. Pure.

The same words come with the address of a page and from its fields, so a reload shows what was chosen. Whatever they
hold is checked by the request's own model, which raises pydantic's ValidationError.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from delegator.schemas import SessionHistoryRequest, StatisticsRequest

ALL_DAYS = "all"
"""In place of a day: the history of all days."""


def no_choice(_asked: Mapping[str, Any]) -> None:
    """There is nothing to choose."""


def history_choice(asked: Mapping[str, Any]) -> SessionHistoryRequest:
    """Read `day` (YYYY-MM-DD or 'all'; absent: today) and `page` (absent: the first)."""
    day = asked.get("day") or _today()
    return SessionHistoryRequest.model_validate(
        {"date": None if day == ALL_DAYS else day, "page": asked.get("page", 1)}
    )


def statistics_choice(asked: Mapping[str, Any]) -> StatisticsRequest:
    """Read `from` and `to` (YYYY-MM-DD, both included; absent: today, and the first)."""
    first = asked.get("from") or _today()
    return StatisticsRequest.model_validate({"from": first, "to": asked.get("to") or first})


def _today() -> date:
    return datetime.now(UTC).date()
