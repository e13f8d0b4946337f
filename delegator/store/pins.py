"""Queries about the models that somebody has pinned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.store import events
from delegator.store.records import NewEvent, PinRecord
from delegator.store.tables import pins

_COLUMNS = tuple(pins.c[field.name] for field in fields(PinRecord))


async def put(connection: AsyncConnection, pin: PinRecord, new_events: Sequence[NewEvent]) -> bool:
    """Note a pinned model with its events; one that is pinned already changes nothing. Returns whether it was not."""
    query = insert(pins).values(asdict(pin)).on_conflict_do_nothing().returning(pins.c.model)
    is_new = (await connection.scalar(query)) is not None
    if is_new:
        await events.append(connection, new_events)
    return is_new


async def drop(connection: AsyncConnection, endpoint: str, model: str, new_events: Sequence[NewEvent]) -> bool:
    """Note that a model is pinned no more, with its events; returns whether it was."""
    query = delete(pins).where(pins.c.endpoint == endpoint, pins.c.model == model).returning(pins.c.model)
    was_pinned = (await connection.scalar(query)) is not None
    if was_pinned:
        await events.append(connection, new_events)
    return was_pinned


async def listed(connection: AsyncConnection) -> list[PinRecord]:
    """Return what is pinned, by endpoint, in the order of pinning."""
    query = select(*_COLUMNS).order_by(pins.c.endpoint, pins.c.pinned_at, pins.c.model)
    return [PinRecord(**row._mapping) for row in await connection.execute(query)]
