"""Queries about alerts and what they look at, all read from the event log.

An event `alert_raised` or `alert_cleared` holds the whole alert as its data.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.schemas import EventKind
from delegator.store.tables import events

_SUBJECT = (events.c.data["rule"].astext, events.c.data["subject"].astext)


async def raised(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Return the alerts that were raised and not cleared since, the oldest first."""
    kinds = (EventKind.ALERT_RAISED, EventKind.ALERT_CLEARED)
    newest_first = func.row_number().over(partition_by=_SUBJECT, order_by=events.c.event_id.desc())
    told = (
        select(events.c.event_id, events.c.kind, events.c.data, newest_first.label("place"))
        .where(events.c.kind.in_([kind.value for kind in kinds]))
        .subquery()
    )
    query = (
        select(told.c.data)
        .where(told.c.place == 1, told.c.kind == EventKind.ALERT_RAISED.value)
        .order_by(told.c.event_id)
    )
    return list(await connection.scalars(query))


async def cleared(connection: AsyncConnection, limit: int) -> list[dict[str, Any]]:
    """Return the alerts that were cleared last, the latest first."""
    query = (
        select(events.c.data)
        .where(events.c.kind == EventKind.ALERT_CLEARED.value)
        .order_by(events.c.event_id.desc())
        .limit(limit)
    )
    return list(await connection.scalars(query))


async def restarts(connection: AsyncConnection, since: datetime) -> list[tuple[str, datetime]]:
    """Return (role, moment) of the agents that came back by themselves after a loss, the oldest first.

    Those that somebody restarted from outside are left out: they are no fault.
    """
    query = (
        select(events.c.role, events.c.at)
        .where(
            events.c.kind == EventKind.AGENT_RESTARTED.value,
            events.c.principal.is_(None),
            events.c.role.is_not(None),
            events.c.at >= since,
        )
        .order_by(events.c.event_id)
    )
    return [(row.role, row.at) for row in await connection.execute(query)]
