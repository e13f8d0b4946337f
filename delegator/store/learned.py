"""Queries about small learned statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.store.records import LearnedRecord
from delegator.store.tables import learned

_COLUMNS = tuple(learned.c[field.name] for field in fields(LearnedRecord))
_KEY = ("endpoint", "name")


async def put(connection: AsyncConnection, records: Sequence[LearnedRecord]) -> None:
    """Note statistics, each replacing an older one of its name; an older one replaces nothing."""
    for record in sorted(records, key=lambda r: (r.endpoint, r.name)):  # one order, so that two writers never deadlock
        query = insert(learned).values(asdict(record))
        values = {name: query.excluded[name] for name in ("value", "at")}
        is_no_older = query.excluded.at >= learned.c.at
        await connection.execute(query.on_conflict_do_update(index_elements=_KEY, set_=values, where=is_no_older))


async def get(connection: AsyncConnection, name: str, endpoint: str) -> LearnedRecord | None:
    """Return one statistic; None when it was never noted."""
    query = select(*_COLUMNS).where(learned.c.endpoint == endpoint, learned.c.name == name)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else LearnedRecord(**row._mapping)


async def on(connection: AsyncConnection, endpoint: str | None) -> list[LearnedRecord]:
    """Return the statistics of one endpoint ('' for those of none), or of all, by endpoint and name."""
    query = select(*_COLUMNS).order_by(learned.c.endpoint, learned.c.name)
    if endpoint is not None:
        query = query.where(learned.c.endpoint == endpoint)
    return [LearnedRecord(**row._mapping) for row in await connection.execute(query)]
