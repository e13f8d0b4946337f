"""What the view *History* shows: what was chosen, and one page of the sessions that fit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from delegator.schemas import HistorySession, ListRolesReply, SessionHistoryReply, SessionHistoryRequest
from delegator.words import SessionStatus, TaskCategory
from serve_app.formats import counted, duration, moment
from serve_app.monitor.controls import Option
from serve_app.monitor.wording import SIMULATED, excerpt, role_label, words
from serve_app.savings import gb_seconds_of

NONE = "–"
"""Stands where there is no figure: the session is open, or has no receipt."""


@dataclass(frozen=True, slots=True)
class Head:
    """One column: `sort` is what the history can be sorted by it, empty where it cannot."""

    text: str
    sort: str
    number: bool
    down: bool
    """Which way it is sorted first: the largest on top."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One session, open or ended."""

    session_id: str
    started: str
    category: str
    category_words: str
    description: str
    team: str
    agents: str
    duration: str
    mark: str
    used: str
    saved: str
    status: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the fields of the view hold; empty where nothing is chosen."""

    first: str
    """The first UTC day; empty when all days are meant."""
    last: str
    """The last one; empty when `first` alone is meant."""
    category: str
    status: str
    text: str
    sort: str
    descending: bool


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One page of the history."""

    chosen: Chosen
    today: str
    page: int
    pages: int
    total: str
    empty: str
    """What to say in place of rows; empty where there are some."""
    heads: tuple[Head, ...]
    categories: tuple[Option, ...]
    statuses: tuple[Option, ...]
    rows: tuple[HistoryRow, ...]


HEADS: Final = (
    Head("Started (UTC)", "started", number=False, down=True),
    Head("Category", "category", number=False, down=False),
    Head("Task", "", number=False, down=False),
    Head("Agents", "agents", number=True, down=True),
    Head("Duration", "duration", number=True, down=True),
    Head("Used GB·s", "gb_seconds", number=True, down=True),
    Head("Saved GB·s", "saved", number=True, down=True),
    Head("Status", "status", number=False, down=False),
)

CATEGORIES: Final = (Option("", "All categories"), *(Option(name.value, words(name.value)) for name in TaskCategory))
STATUSES: Final = (Option("", "Any status"), *(Option(name.value, words(name.value)) for name in SessionStatus))


def history_view(
    request: SessionHistoryRequest, reply: SessionHistoryReply, roles: ListRolesReply, *, today: date
) -> HistoryView:
    """Return what is drawn. `today`: the present UTC day."""
    titles = {role.role: role.title for role in roles.roles}
    return HistoryView(
        chosen=_chosen(request, today),
        today=today.isoformat(),
        page=reply.page,
        pages=max(1, reply.pages),
        total=f"{counted(reply.total_sessions, 'session')} {_when(request, today)}",
        empty="" if reply.sessions else _nothing(request, reply),
        heads=HEADS,
        categories=CATEGORIES,
        statuses=STATUSES,
        rows=tuple(_row(session, titles) for session in reply.sessions),
    )


def _chosen(request: SessionHistoryRequest, today: date) -> Chosen:
    first, last = request.date or request.from_date, request.to_date
    if request.from_date is not None and last is None:
        last = max(today, request.from_date)  # it goes on to today; the first day alone would be another choice
    return Chosen(
        first=first.isoformat() if first else "",
        last=last.isoformat() if last else "",
        category=request.category.value if request.category else "",
        status=request.status.value if request.status else "",
        text=request.text or "",
        sort=request.sort,
        descending=request.descending,
    )


def _when(request: SessionHistoryRequest, today: date) -> str:
    if request.date is not None:
        return f"on {request.date}"
    if request.from_date is not None:
        return f"from {request.from_date} to {request.to_date or today}"
    return "on all days"


def _nothing(request: SessionHistoryRequest, reply: SessionHistoryReply) -> str:
    if reply.total_sessions:
        return f"There is no page {reply.page}; the last one is {reply.pages}."
    if request.category or request.status or request.text:
        return "No session fits these filters."
    if request.date is not None:
        return "No session on this day."
    return "No session in these days." if request.from_date is not None else "No session yet."


def _row(session: HistorySession, titles: Mapping[str, str]) -> HistoryRow:
    used, saved = gb_seconds_of(session.resources_used)
    return HistoryRow(
        session_id=session.session_id,
        started=moment(session.started_at),
        category=session.task_category.value,
        category_words=words(session.task_category.value),
        description=excerpt(session.task_description),
        team=", ".join(role_label(role, titles.get(role)) for role in session.active_agents),
        agents=f"{session.total_agents_spawned:,}",
        duration=NONE if session.duration_seconds is None else duration(session.duration_seconds),
        mark=SIMULATED if session.simulated else "",
        used=_whole(used),
        saved=_whole(saved),
        status=session.status.value,
    )


def _whole(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"
