"""Queries about the event log: append, and read on after a point.

Ids grow in the order in which events become visible, so that whoever reads on after the last id he saw misses none: the
trigger on the table lets one transaction at a time append (see the first migration). Append last in a transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.errors import EventNotFound
from delegator.schemas import Event, EventKind
from delegator.store.records import EventQuery, NewEvent
from delegator.store.tables import events

_APPEND = text(
    """
    INSERT INTO delegator_events (uid, kind, at, session_id, role, model, data, principal)
    SELECT uid, kind, at, session_id, role, model, data, principal
    FROM jsonb_to_recordset(:rows)
        AS new (
            uid uuid, kind text, at timestamptz, session_id text, role text, model text, data jsonb, principal text
        )
    ON CONFLICT (uid) DO NOTHING
    """
).bindparams(bindparam("rows", type_=JSONB))
"""One statement for any number of events, with one text, so that it is prepared once."""

_COLUMNS = (
    events.c.event_id,
    events.c.at,
    events.c.kind,
    events.c.session_id,
    events.c.role,
    events.c.model,
    events.c.data,
    events.c.principal,
)


async def append(connection: AsyncConnection, new: Sequence[NewEvent]) -> None:
    """Append events in their order; one whose uid is in the log already is left out."""
    if new:
        await connection.execute(_APPEND, {"rows": [_as_row(event) for event in new]})


async def of_session(
    connection: AsyncConnection, session_id: str, kinds: Sequence[EventKind] | None = None
) -> list[Event]:
    """Return the events of one session, oldest first; of some kinds only where `kinds` is given."""
    query = select(*_COLUMNS).where(events.c.session_id == session_id).order_by(events.c.event_id)
    if kinds is not None:
        query = query.where(events.c.kind.in_([kind.value for kind in kinds]))
    return [_event(row) for row in await connection.execute(query)]


async def turns_since(connection: AsyncConnection, since: datetime) -> list[Event]:
    """Return the events of all turns completed since a moment, oldest first."""
    wanted = (events.c.kind == EventKind.TURN_COMPLETED.value, events.c.at >= since)
    query = select(*_COLUMNS).where(*wanted).order_by(events.c.event_id)
    return [_event(row) for row in await connection.execute(query)]


async def chosen(connection: AsyncConnection, wanted: EventQuery) -> list[Event]:
    """Return the events that are wanted, oldest first.

    Raises:
        EventNotFound: no id as large as `after` was ever given out: the caller remembers another database.
    """
    first_come = events.c.event_id.desc() if wanted.latest else events.c.event_id
    query = select(*_COLUMNS).where(*_conditions(wanted)).order_by(first_come).limit(wanted.limit)
    found = [_event(row) for row in await connection.execute(query)]
    if not found and wanted.after > 0 and wanted.after > await last_id(connection):
        raise EventNotFound(wanted.after)
    return found[::-1] if wanted.latest else found


async def last_id(connection: AsyncConnection) -> int:
    """Return the largest id in the log, 0 while it is empty."""
    return await connection.scalar(select(func.max(events.c.event_id))) or 0


def _conditions(wanted: EventQuery) -> Iterator[ColumnElement[bool]]:
    yield events.c.event_id > wanted.after
    if wanted.before is not None:
        yield events.c.event_id < wanted.before
    if wanted.session_id is not None:
        yield events.c.session_id == wanted.session_id
    if wanted.kinds:
        yield events.c.kind.in_([kind.value for kind in wanted.kinds])
    if wanted.role is not None:
        yield events.c.role == wanted.role
    if wanted.models:
        yield events.c.model.in_(wanted.models)


def _as_row(event: NewEvent) -> dict[str, Any]:
    return {
        "uid": event.uid,
        "kind": event.kind,
        "at": event.at,
        "session_id": event.session_id,
        "role": event.role,
        "model": event.model,
        "data": event.data,
        "principal": event.by,
    }


def _event(row: Row[*tuple[Any, ...]]) -> Event:
    return Event(
        event_id=row.event_id,
        at=row.at,
        kind=EventKind(row.kind),
        session_id=row.session_id,
        role=row.role,
        model=row.model,
        data=row.data,
        by=row.principal,
    )
