"""Queries about past sessions: chosen, sorted, in pages."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Double, Select, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.schemas import HistorySort
from delegator.store import sessions as session_queries
from delegator.store.records import HistoryQuery, SessionRecord
from delegator.store.storable import storable_text
from delegator.store.tables import sessions

_MAY_BE_NULL: frozenset[HistorySort] = frozenset({"duration", "gb_seconds", "saved"})


async def page_of(
    connection: AsyncConnection, wanted: HistoryQuery, page: int, page_size: int
) -> tuple[list[SessionRecord], int]:
    """Return one page (from 1) of the sessions that are wanted, and how many are."""
    query = _chosen(select(*session_queries.COLUMNS), wanted).order_by(*_order(wanted))
    rows = await connection.execute(query.limit(page_size).offset((page - 1) * page_size))
    records = [session_queries.as_record(row) for row in rows]
    if records and page == 1 and len(records) < page_size:
        return records, len(records)
    total = await connection.scalar(_chosen(select(func.count()).select_from(sessions), wanted))
    return records, total or 0


def duration_s() -> ColumnElement[Any]:
    """The model seconds from a session's creation to its end; null while it is open."""
    lasted = func.extract("epoch", sessions.c.ended_at - sessions.c.created_at) * sessions.c.clock_scale
    # The clock of a machine may be set back; greatest() alone would take an open session for one without length.
    return case((sessions.c.ended_at.is_not(None), cast(func.greatest(lasted, 0), Double)))


def number_in(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A number out of JSON; null where there is none, or something that is no number."""
    return case((func.jsonb_typeof(value) == "number", cast(value, Double)))


def _chosen(query: Select[Any], wanted: HistoryQuery) -> Select[Any]:
    if wanted.from_day is not None or wanted.to_day is not None:
        days = wanted.from_day or date.min, wanted.to_day or date.max
        query = query.where(session_queries.created_between(*days))
    if wanted.category is not None:
        query = query.where(sessions.c.task_category == wanted.category.value)
    if wanted.status is not None:
        query = query.where(sessions.c.status == wanted.status.value)
    if wanted.text:
        # Not LIKE, in whose patterns some characters stand for others.
        part = func.lower(storable_text(wanted.text))
        places = (func.lower(sessions.c.session_id), func.lower(sessions.c.task_description))
        query = query.where(or_(*(func.strpos(place, part) > 0 for place in places)))
    return query


def _order(wanted: HistoryQuery) -> list[ColumnElement[Any]]:
    """Return what to sort by; sessions that are alike in that keep one order on every page."""
    keys = [_key(wanted.sort), sessions.c.session_id]
    first, *further = (key.desc() if wanted.descending else key.asc() for key in keys)
    # Said of a column without nulls, it would keep the index from being used.
    return [first.nulls_last() if wanted.sort in _MAY_BE_NULL else first, *further]


def _key(sort: HistorySort) -> ColumnElement[Any]:
    held, all_roles = (number_in(sessions.c.resources_used[key]) for key in ("gb_seconds", "all_roles_gb_seconds"))
    keys: dict[HistorySort, ColumnElement[Any]] = {
        "started": sessions.c.created_at,
        "duration": duration_s(),
        "agents": sessions.c.total_agents_spawned,
        "category": sessions.c.task_category,
        "status": sessions.c.status,
        "gb_seconds": held,
        "saved": all_roles - held,
    }
    return keys[sort]
