"""Queries about the stays of roles in sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.store.records import AgentRecord
from delegator.store.tables import agents

_COLUMNS = tuple(agents.c[field.name] for field in fields(AgentRecord))

_INSERT = text(
    """
    INSERT INTO delegator_agents (session_id, role, model, spawned_at, ended_at, reason, endpoint)
    SELECT session_id, role, model, spawned_at, ended_at, reason, endpoint
    FROM jsonb_to_recordset(:rows)
        AS new (session_id text, role text, model text, spawned_at timestamptz, ended_at timestamptz, reason text,
                endpoint text)
    ON CONFLICT (session_id, role) WHERE ended_at IS NULL DO NOTHING
    """
).bindparams(bindparam("rows", type_=JSONB))


async def insert(connection: AsyncConnection, team: Sequence[AgentRecord]) -> int:
    """Store stays; a role that is in its session already is left out. Returns how many were stored."""
    if not team:
        return 0
    return (await connection.execute(_INSERT, {"rows": [asdict(agent) for agent in team]})).rowcount


async def end(connection: AsyncConnection, session_id: str, role: str, ended_at: datetime) -> bool:
    """End the open stay of a role; False when there is none."""
    query = update(agents).where(agents.c.session_id == session_id, agents.c.role == role, agents.c.ended_at.is_(None))
    return (await connection.execute(query.values(ended_at=ended_at))).rowcount > 0


async def end_all(connection: AsyncConnection, session_id: str, ended_at: datetime) -> None:
    """End all open stays of a session."""
    query = update(agents).where(agents.c.session_id == session_id, agents.c.ended_at.is_(None))
    await connection.execute(query.values(ended_at=ended_at))


async def set_model(
    connection: AsyncConnection, session_id: str, role: str, model: str, endpoint: str | None = None
) -> None:
    """Give the open stay of a role another model, and another endpoint if one is given; without a stay, nothing."""
    query = update(agents).where(agents.c.session_id == session_id, agents.c.role == role, agents.c.ended_at.is_(None))
    values = {"model": model} if endpoint is None else {"model": model, "endpoint": endpoint}
    await connection.execute(query.values(values))


async def open_ones(connection: AsyncConnection) -> list[AgentRecord]:
    """Return all open stays, in the order in which they began."""
    query = select(*_COLUMNS).where(agents.c.ended_at.is_(None)).order_by(agents.c.agent_id)
    return [AgentRecord(**row._mapping) for row in await connection.execute(query)]


async def of_session(connection: AsyncConnection, session_id: str) -> list[AgentRecord]:
    """Return the stays of one session, ended ones included, in the order in which they began."""
    query = select(*_COLUMNS).where(agents.c.session_id == session_id).order_by(agents.c.agent_id)
    return [AgentRecord(**row._mapping) for row in await connection.execute(query)]
