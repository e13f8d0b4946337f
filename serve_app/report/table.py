"""The sessions of a report as CSV (RFC 4180), one row each, figures as plain numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from delegator.schemas import HistorySession
from serve_app.savings import figure_of, gb_seconds_of, word_of

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
    used = session.resources_used
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
        *map(_cell, gb_seconds_of(used)),
        *(_cell(figure_of(used, name)) for name in ("peak_gb", "prompt_tokens", "reply_tokens")),
        _as_text(word_of(used, "money", "currency")),
        _cell(figure_of(used, "money", "used", "total")),
        _cell(figure_of(used, "money", "saved")),
        session.simulated,
        _as_text(session.task_description),
    ]


def _cell(figure: float | None) -> float | str:
    return "" if figure is None else round(figure, 6)


def _as_text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
