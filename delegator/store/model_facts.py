"""Queries about what loads have shown of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.store import residents
from delegator.store.records import ModelFactsRecord, NewEvent, ResidentRecord
from delegator.store.tables import model_facts

_COLUMNS = tuple(model_facts.c[field.name] for field in fields(ModelFactsRecord))
_KEY = ("endpoint", "weights", "num_ctx", "parallel")


async def put(connection: AsyncConnection, facts: ModelFactsRecord) -> None:
    """Note a load: its figures replace older ones, its number is added; one that is not newer changes nothing.

    One whose size was not measured (0) leaves the size of earlier ones, one that was no load (`loads` 0) their time.
    """
    query = insert(model_facts).values(asdict(facts))
    new = query.excluded
    values: dict[str, ColumnElement[Any]] = {name: new[name] for name in ("model", "measured_at")}
    for name in ("size_bytes", "gpu_bytes"):
        values[name] = case((new.size_bytes > 0, new[name]), else_=model_facts.c[name])
    values["load_s"] = case((new.loads > 0, new.load_s), else_=model_facts.c.load_s)
    values["loads"] = model_facts.c.loads + new.loads
    is_newer = new.measured_at > model_facts.c.measured_at
    await connection.execute(query.on_conflict_do_update(index_elements=_KEY, set_=values, where=is_newer))


async def put_with_resident(
    connection: AsyncConnection, resident: ResidentRecord, facts: ModelFactsRecord, new_events: Sequence[NewEvent]
) -> None:
    """Note a load in all three places: what it showed, that the model is in memory, and that it happened."""
    await put(connection, facts)
    await residents.put(connection, resident, new_events)


async def on(connection: AsyncConnection, endpoint: str | None) -> list[ModelFactsRecord]:
    """Return what is known of the models of one endpoint, or of all, the latest load last."""
    query = select(*_COLUMNS).order_by(model_facts.c.measured_at, *(model_facts.c[name] for name in _KEY))
    if endpoint is not None:
        query = query.where(model_facts.c.endpoint == endpoint)
    return [ModelFactsRecord(**row._mapping) for row in await connection.execute(query)]
