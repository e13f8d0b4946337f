"""Queries about plans that may be applied for a while."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.store.records import PlanRecord
from delegator.store.tables import plans

_COLUMNS = tuple(plans.c[field.name] for field in fields(PlanRecord))


async def put(connection: AsyncConnection, plan: PlanRecord) -> None:
    """Keep a plan; one that is kept already stays as it is."""
    await connection.execute(insert(plans).values(asdict(plan)).on_conflict_do_nothing(index_elements=["plan_id"]))


async def get(connection: AsyncConnection, plan_id: str) -> PlanRecord | None:
    """Return a plan, expired or not, until it is dropped; None when it is not known."""
    row = (await connection.execute(select(*_COLUMNS).where(plans.c.plan_id == plan_id))).one_or_none()
    return None if row is None else PlanRecord(**row._mapping)


async def drop_expired(connection: AsyncConnection, at: datetime) -> int:
    """Drop the plans that have expired by then; return how many."""
    return (await connection.execute(delete(plans).where(plans.c.expires_at <= at))).rowcount
