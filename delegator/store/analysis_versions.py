"""Queries about the versions of what was learned from lessons: at most one is active."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, literal, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.errors import AnalysisVersionNotFound
from delegator.store import events
from delegator.store.records import AnalysisVersion, NewEvent
from delegator.store.tables import analysis_versions as versions

_COLUMNS = tuple(versions.c[field.name] for field in fields(AnalysisVersion))
_LOCK = text("LOCK TABLE delegator_analysis_versions IN SHARE ROW EXCLUSIVE MODE")
"""One change at a time: of two that both clear and set the active version, the second waits for the first."""


async def add(
    connection: AsyncConnection, at: datetime, weights: dict[str, Any], measured: dict[str, Any], event: NewEvent
) -> AnalysisVersion:
    """Store a new version as the active one, and tell of it by its number."""
    await connection.execute(_LOCK)
    await _deactivate(connection)
    query = insert(versions).values(at=at, active=True, weights=weights, measured=measured)
    version = _record((await connection.execute(query.returning(*_COLUMNS))).one())
    await events.append(connection, [replace(event, data=event.data | {"version": version.version})])
    return version


async def activate(connection: AsyncConnection, version: int | None, new_events: Sequence[NewEvent]) -> None:
    """Make one version the active one; None: none.

    Raises:
        AnalysisVersionNotFound: there is none of that number.
    """
    await connection.execute(_LOCK)
    await _deactivate(connection)
    if version is not None:
        query = update(versions).where(versions.c.version == version).values(active=True)
        if not (await connection.execute(query)).rowcount:
            raise AnalysisVersionNotFound(version)
    await events.append(connection, new_events)


async def active(connection: AsyncConnection) -> AnalysisVersion | None:
    """Return the active version; None while the shipped weights are read by alone."""
    row = (await connection.execute(select(*_COLUMNS).where(versions.c.active))).one_or_none()
    return None if row is None else _record(row)


async def get(connection: AsyncConnection, version: int) -> AnalysisVersion | None:
    """Return one version; None when there is none of that number."""
    row = (await connection.execute(select(*_COLUMNS).where(versions.c.version == version))).one_or_none()
    return None if row is None else _record(row)


async def listed(connection: AsyncConnection) -> list[AnalysisVersion]:
    """Return every version, the newest first, without its weights: they are large, and lists do not need them."""
    columns = [column for column in _COLUMNS if column is not versions.c.weights]
    query = select(*columns, literal({}, JSONB).label("weights")).order_by(versions.c.version.desc())
    return [_record(row) for row in await connection.execute(query)]


async def _deactivate(connection: AsyncConnection) -> None:
    await connection.execute(update(versions).where(versions.c.active).values(active=False))


def _record(row: Row[*tuple[Any, ...]]) -> AnalysisVersion:
    return AnalysisVersion(**row._mapping)
