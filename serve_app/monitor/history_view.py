"""What the view *History* shows: one page of past sessions. Pure: no NiceGUI, no waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from delegator.schemas import HistorySession, ListRolesReply, SessionHistoryReply, SessionHistoryRequest
from serve_app.formats import counted, duration
from serve_app.monitor.wording import clock, excerpt, moment, role_label, words


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One session, open or ended."""

    session_id: str
    category: str
    category_words: str
    description: str
    agents: int
    team: str
    duration: str
    simulated: bool
    status: str
    started: str
    started_on: str


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One page of the history; `day` is empty when all days are meant."""

    day: str
    today: str
    page: int
    pages: int
    total: str
    rows: tuple[HistoryRow, ...]


def history_view(
    request: SessionHistoryRequest, reply: SessionHistoryReply, roles: ListRolesReply, *, today: date
) -> HistoryView:
    """Return what is drawn. `today`: the present UTC day."""
    titles = {role.role: role.title for role in roles.roles}
    whole_day = request.date is not None
    when = f"on {request.date}" if whole_day else "on all days"
    return HistoryView(
        day=request.date.isoformat() if request.date else "",
        today=today.isoformat(),
        page=reply.page,
        pages=max(1, reply.pages),
        total=f"{counted(reply.total_sessions, 'session')} {when}",
        rows=tuple(_row(session, titles, with_day=not whole_day) for session in reply.sessions),
    )


def _row(session: HistorySession, titles: Mapping[str, str], *, with_day: bool) -> HistoryRow:
    return HistoryRow(
        session_id=session.session_id,
        category=session.task_category.value,
        category_words=words(session.task_category.value),
        description=excerpt(session.task_description),
        agents=session.total_agents_spawned,
        team=", ".join(role_label(role, titles.get(role)) for role in session.active_agents),
        duration="–" if session.duration_seconds is None else duration(session.duration_seconds),
        simulated=session.simulated,
        status=session.status.value,
        started=moment(session.started_at) if with_day else clock(session.started_at),
        started_on=moment(session.started_at),
    )
