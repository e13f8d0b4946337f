"""Changes of a running session's team: the stay of a role and the derived team on the session row, together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.store import agents, events, lessons, sessions
from delegator.store.records import AgentRecord, LessonRecord, NewEvent, SessionLimits


async def add(
    connection: AsyncConnection,
    agent: AgentRecord,
    new_events: Sequence[NewEvent],
    active_agents: Sequence[str],
    limits: SessionLimits | None = None,
    new_lessons: Sequence[LessonRecord] = (),
) -> None:
    """Let a role join a session, with what that teaches; nothing happens when it is there already.

    Raises:
        SessionNotFound: there is no session of that id.
    """
    await sessions.require(connection, agent.session_id)
    if await agents.insert(connection, [agent]):
        await sessions.set_team(connection, agent.session_id, active_agents, spawned=1)
        if limits is not None:
            await sessions.set_limits(connection, agent.session_id, limits)
        await lessons.put(connection, new_lessons)
        await events.append(connection, new_events)


async def end(
    connection: AsyncConnection,
    session_id: str,
    role: str,
    ended_at: datetime,
    new_events: Sequence[NewEvent],
    active_agents: Sequence[str],
    new_lessons: Sequence[LessonRecord] = (),
) -> None:
    """Let a role leave a session, with what that teaches; nothing happens when it has left already."""
    if await agents.end(connection, session_id, role, ended_at):
        await sessions.set_team(connection, session_id, active_agents)
        await lessons.put(connection, new_lessons)
        await events.append(connection, new_events)


async def set_model(
    connection: AsyncConnection,
    session_id: str,
    role: str,
    model: str,
    new_events: Sequence[NewEvent],
    endpoint: str | None = None,
) -> None:
    """Note that a role now works with another model, such as its fallback, or on another endpoint."""
    await agents.set_model(connection, session_id, role, model, endpoint)
    await events.append(connection, new_events)
