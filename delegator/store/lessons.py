"""Queries about lessons: what use has shown about the reading of tasks.

The JSON of a lesson holds `task_type` as it was read and `team` as it was recommended. Of the kinds `role_added`,
`role_removed` and `role_unheard` it also holds `role`; of `role_removed` whether the team `had_worked` by then; of
`role_unheard` the `share` of what the role said that reached the answer. `feedback` holds `right_type`,
`missing_roles`, `needless_roles`, `rating` and `comment`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.store import events
from delegator.store.records import LessonRecord, NewEvent
from delegator.store.storable import storable_text
from delegator.store.tables import lessons

_COLUMNS = tuple(lessons.c[field.name] for field in fields(LessonRecord))


async def put(connection: AsyncConnection, records: Sequence[LessonRecord]) -> bool:
    """Note lessons in their order; one whose uid is known is left out. Returns whether one was new."""
    if not records:
        return False
    rows = [asdict(record) | {"text": storable_text(record.text)} for record in records]
    query = insert(lessons).values(rows).on_conflict_do_nothing(index_elements=["uid"])
    return bool((await connection.execute(query)).rowcount)


async def put_with_events(
    connection: AsyncConnection, records: Sequence[LessonRecord], new_events: Sequence[NewEvent]
) -> int:
    """Note lessons and tell of them; return how many there are then."""
    await put(connection, records)
    there = await count(connection)
    await events.append(connection, new_events)
    return there


async def listed(connection: AsyncConnection, since: datetime | None, limit: int | None) -> list[LessonRecord]:
    """Return the lessons in the order in which they came, of a moment and later; with a limit the newest ones."""
    query = select(*_COLUMNS).order_by(lessons.c.lesson_id.desc()).limit(limit)
    if since is not None:
        query = query.where(lessons.c.at >= since)
    return [LessonRecord(**row._mapping) for row in await connection.execute(query)][::-1]


async def count(connection: AsyncConnection) -> int:
    """Return how many lessons there are."""
    return await connection.scalar(select(func.count()).select_from(lessons)) or 0
