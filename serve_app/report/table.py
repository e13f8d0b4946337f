"""The sessions of a report as CSV (RFC 4180), one row each, figures as plain numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from delegator.schemas import HistorySession

COLUMNS = (
    "session_id",
    "started_at",
    "ended_at",
    "status",
    "category",
    "type",
    "complexity",
    "team",
    "agents",
    "tasks",
    "duration_seconds",
    "gb_seconds",
    "gb_seconds_saved",
    "peak_gb",
    "prompt_tokens",
    "reply_tokens",
    "currency",
    "cost",
    "saved",
    "simulated",
    "task",
)

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for the beginning of a formula: a text that begins so gets an apostrophe."""


def csv_of(sessions: Iterable[HistorySession]) -> str:
    """Return the table with its headings."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(_row(session) for session in sessions)
    return out.getvalue()


def _row(session: HistorySession) -> list[Any]:
    used = session.resources_used or {}
    money = used.get("money") or {}
    return [
        session.session_id,
        session.started_at.isoformat(),
        session.ended_at.isoformat() if session.ended_at else "",
        session.status.value,
        session.task_category.value,
        session.task_type.value,
        session.complexity.value,
        " ".join(session.active_agents),
        session.total_agents_spawned,
        session.tasks_delegated,
        "" if session.duration_seconds is None else round(session.duration_seconds, 2),
        *(
            used.get(name, "")
            for name in ("gb_seconds", "gb_seconds_saved", "peak_gb", "prompt_tokens", "reply_tokens")
        ),
        money.get("currency", ""),
        (money.get("used") or {}).get("total", ""),
        money.get("saved", ""),
        session.simulated,
        _as_text(session.task_description),
    ]


def _as_text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
