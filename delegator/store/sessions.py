"""Queries about sessions.

Here and in the files beside it each function is one unit of work on a connection that `database.py` gave it. All may be
repeated: a change that has already happened changes nothing, and an event is appended once, by its uid. Where a change
can lose a race (two ends of one session), the loser's events are not appended either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.errors import SessionNotFound
from delegator.schemas import Complexity, SessionStatus, TaskCategory, TaskType
from delegator.store import agents, events
from delegator.store.records import AgentRecord, NewEvent, SessionLimits, SessionRecord
from delegator.store.storable import storable_text
from delegator.store.tables import OPEN_SESSION, sessions

COLUMNS = tuple(sessions.c[field.name] for field in fields(SessionRecord))
"""What a `SessionRecord` is made from, by `as_record`."""

_INSERT = insert(sessions).on_conflict_do_nothing(index_elements=[sessions.c.id]).returning(sessions.c.id)
_IS_OPEN = text(OPEN_SESSION)  # as the partial index has it
_ANSWERED = (
    *("task_type", "task_category", "complexity", "active_agents", "status", "analysis", "notes", "started_at"),
    *("limits_max_agents", "limits_max_memory_bytes", "limits_complexity", "seconds_to_ready"),
    *("total_agents_spawned", "question"),
)
"""What the answer to a session's question decides anew."""


async def create(
    connection: AsyncConnection, session: SessionRecord, team: Sequence[AgentRecord], new_events: Sequence[NewEvent]
) -> None:
    """Store a new session with its team. `total_agents_spawned` is stored as the size of that team."""
    row = _as_row(session) | {"total_agents_spawned": len(team)}
    if await connection.scalar(_INSERT, row) is None:
        return
    await agents.insert(connection, team)
    await events.append(connection, new_events)


async def mark_ready(
    connection: AsyncConnection,
    session_id: str,
    started_at: datetime,
    seconds_to_ready: float,
    new_events: Sequence[NewEvent],
) -> None:
    """Turn a starting session active.

    Raises:
        SessionNotFound: there is no session of that id.
    """
    values = {
        "status": SessionStatus.ACTIVE.value,
        "started_at": started_at,
        "seconds_to_ready": seconds_to_ready,
        "last_activity_at": func.greatest(sessions.c.last_activity_at, started_at),
    }
    query = update(sessions).where(
        sessions.c.session_id == session_id, sessions.c.status == SessionStatus.STARTING.value
    )
    if (await connection.execute(query.values(values))).rowcount:
        await events.append(connection, new_events)
    else:
        await require(connection, session_id)


async def answer(
    connection: AsyncConnection, session: SessionRecord, team: Sequence[AgentRecord], new_events: Sequence[NewEvent]
) -> None:
    """Turn a session that waits for an answer into what the answer made of it, with its team; it asks no more.

    Nothing happens when it asks nothing any more, or has ended.

    Raises:
        SessionNotFound: there is no session of that id.
    """
    row = _as_row(session) | {"total_agents_spawned": len(team), "question": None}
    values: dict[str, Any] = {column: row[column] for column in _ANSWERED}
    values["last_activity_at"] = func.greatest(sessions.c.last_activity_at, session.last_activity_at)
    waits = (sessions.c.session_id == session.session_id, sessions.c.question.is_not(None), _IS_OPEN)
    if (await connection.execute(update(sessions).where(*waits).values(values))).rowcount:
        await agents.insert(connection, team)
        await events.append(connection, new_events)
    else:
        await require(connection, session.session_id)


async def touch(connection: AsyncConnection, session_id: str, at: datetime) -> None:
    """Note that somebody used the session; never moves back in time. Nothing happens without such a session."""
    newer = func.greatest(sessions.c.last_activity_at, at)
    await connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(last_activity_at=newer))


async def end(
    connection: AsyncConnection,
    session_id: str,
    status: SessionStatus,
    ended_at: datetime,
    reason: str | None,
    resources_used: dict[str, Any] | None,
    new_events: Sequence[NewEvent],
) -> bool:
    """End a session and the stays of its agents; its `active_agents` keep the team at its end.

    Returns:
        False when it had ended before; then nothing is changed.

    Raises:
        SessionNotFound: there is no session of that id.
    """
    values = {
        "status": status.value,
        "ended_at": ended_at,
        "end_reason": None if reason is None else storable_text(reason),
        "resources_used": resources_used,
    }
    query = update(sessions).where(sessions.c.session_id == session_id, sessions.c.ended_at.is_(None)).values(values)
    if not (await connection.execute(query)).rowcount:
        await require(connection, session_id)
        return False
    await agents.end_all(connection, session_id, ended_at)
    await events.append(connection, new_events)
    return True


async def set_team(
    connection: AsyncConnection, session_id: str, active_agents: Sequence[str], *, spawned: int = 0
) -> None:
    """Rewrite the team of a session, in the order given, and count `spawned` more agents."""
    values = {"active_agents": list(active_agents), "total_agents_spawned": sessions.c.total_agents_spawned + spawned}
    await connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(values))


async def set_limits(connection: AsyncConnection, session_id: str, limits: SessionLimits) -> None:
    """Put other limits on a session."""
    values = {
        "limits_complexity": limits.complexity,
        "limits_max_agents": limits.max_agents,
        "limits_max_memory_bytes": limits.max_memory_bytes,
    }
    await connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(values))


async def require(connection: AsyncConnection, session_id: str) -> None:
    """Raise SessionNotFound unless there is a session of that id."""
    if await connection.scalar(select(sessions.c.id).where(sessions.c.session_id == session_id)) is None:
        raise SessionNotFound(session_id)


async def get(connection: AsyncConnection, session_id: str) -> SessionRecord | None:
    """Return one session, open or ended, or None."""
    row = (await connection.execute(select(*COLUMNS).where(sessions.c.session_id == session_id))).one_or_none()
    return None if row is None else as_record(row)


async def open_ones(connection: AsyncConnection) -> list[SessionRecord]:
    """Return the open sessions, newest first."""
    query = select(*COLUMNS).where(_IS_OPEN).order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
    return [as_record(row) for row in await connection.execute(query)]


async def count_open(connection: AsyncConnection) -> int:
    return await connection.scalar(select(func.count()).select_from(sessions).where(_IS_OPEN)) or 0


def created_between(from_day: date, to_day: date) -> ColumnElement[bool]:
    """The condition that a session was created in these UTC days, both included."""
    start = datetime.combine(from_day, time(), UTC)
    chosen: ColumnElement[bool] = sessions.c.created_at >= start
    if to_day == date.max:
        return chosen
    return chosen & (sessions.c.created_at < datetime.combine(to_day + timedelta(days=1), time(), UTC))


def _as_row(session: SessionRecord) -> dict[str, Any]:
    row = {field.name: getattr(session, field.name) for field in fields(SessionRecord)}
    for column in ("task_type", "task_category", "complexity", "status", "limits_complexity"):
        row[column] = str(row[column])
    for column in ("active_agents", "notes"):
        row[column] = list(row[column])
    row["task_description"] = storable_text(session.task_description)
    row["end_reason"] = None if session.end_reason is None else storable_text(session.end_reason)
    return row


def as_record(row: Row[Any]) -> SessionRecord:
    """Return what a row of `COLUMNS` says."""
    values = dict(row._mapping)
    values["task_type"] = TaskType(row.task_type)
    values["task_category"] = TaskCategory(row.task_category)
    values["complexity"] = Complexity(row.complexity)
    values["limits_complexity"] = Complexity(row.limits_complexity)
    values["status"] = SessionStatus(row.status)
    values["active_agents"] = tuple(row.active_agents)
    values["notes"] = tuple(row.notes)
    return SessionRecord(**values)
