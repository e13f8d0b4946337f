"""Queries about the models that Delegator itself loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.store import events
from delegator.store.records import NewEvent, ResidentRecord
from delegator.store.tables import residents

_COLUMNS = tuple(residents.c[field.name] for field in fields(ResidentRecord))


async def put(connection: AsyncConnection, record: ResidentRecord, new_events: Sequence[NewEvent]) -> None:
    """Note a loaded model; where it is noted already, the newer facts replace the older."""
    query = insert(residents).values(asdict(record))
    facts = {name: query.excluded[name] for name in ("num_ctx", "size_bytes", "loaded_at")}
    await connection.execute(query.on_conflict_do_update(index_elements=["endpoint", "model"], set_=facts))
    await events.append(connection, new_events)


async def drop(connection: AsyncConnection, endpoint: str, model: str, new_events: Sequence[NewEvent]) -> None:
    """Note that a model is no longer in memory. The events are kept also when it was not noted: they happened."""
    await connection.execute(delete(residents).where(residents.c.endpoint == endpoint, residents.c.model == model))
    await events.append(connection, new_events)


async def on(connection: AsyncConnection, endpoint: str | None) -> list[ResidentRecord]:
    """Return what is noted for one endpoint, or for all, in the order of loading."""
    query = select(*_COLUMNS).order_by(residents.c.endpoint, residents.c.loaded_at, residents.c.model)
    if endpoint is not None:
        query = query.where(residents.c.endpoint == endpoint)
    return [ResidentRecord(**row._mapping) for row in await connection.execute(query)]
