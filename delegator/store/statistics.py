"""Figures over past sessions."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, Double, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.schemas import SessionStatus
from delegator.store.records import StatisticsRow
from delegator.store.sessions import created_between
from delegator.store.tables import sessions


async def over(connection: AsyncConnection, from_day: date, to_day: date) -> StatisticsRow:
    """Sum up the sessions created from one UTC day to another, both included."""
    duration_s = func.extract("epoch", sessions.c.ended_at - sessions.c.created_at) * sessions.c.clock_scale
    held, all_roles = _used("gb_seconds"), _used("all_roles_gb_seconds")
    query = (
        select(
            sessions.c.task_category.label("category"),
            func.count().label("total"),
            func.sum(sessions.c.total_agents_spawned).label("agents"),
            func.sum(sessions.c.tasks_delegated).label("tasks"),
            func.count().filter(sessions.c.status == SessionStatus.COMPLETED.value).label("completed"),
            func.count().filter(sessions.c.status == SessionStatus.FAILED.value).label("failed"),
            func.count().filter(sessions.c.simulated).label("simulated"),
            func.count(sessions.c.ended_at).label("ended"),
            func.coalesce(func.sum(cast(func.greatest(duration_s, 0), Double)), 0.0).label("duration_s"),
            func.coalesce(func.sum(held), 0.0).label("gb_seconds"),
            func.coalesce(func.sum(all_roles - held), 0.0).label("saved"),
        )
        .where(created_between(from_day, to_day))
        .group_by(sessions.c.task_category)
        .order_by(sessions.c.task_category)
    )
    rows = (await connection.execute(query)).all()
    total, agents, ended = (sum(int(getattr(row, name)) for row in rows) for name in ("total", "agents", "ended"))
    return StatisticsRow(
        from_day=from_day,
        to_day=to_day,
        total_sessions=total,
        total_agents_spawned=agents,
        avg_agents_per_session=agents / total if total else 0.0,
        category_breakdown={row.category: row.total for row in rows},
        tasks_delegated=sum(int(row.tasks) for row in rows),
        completed_sessions=sum(row.completed for row in rows),
        failed_sessions=sum(row.failed for row in rows),
        avg_duration_seconds=sum(row.duration_s for row in rows) / ended if ended else 0.0,
        gb_seconds=sum(row.gb_seconds for row in rows),
        gb_seconds_saved=sum(row.saved for row in rows),
        simulated_sessions=sum(row.simulated for row in rows),
    )


def _used(key: str) -> ColumnElement[float]:
    """A number out of `resources_used`; null where there is none, or something that is no number."""
    value = sessions.c.resources_used[key]
    return case((func.jsonb_typeof(value) == "number", cast(value, Double)))
