"""The origin's short tool names: `start_session`, `spawn_agent`, `shutdown_agent`, `session_status`.

Owns how a short call becomes a full one, and which session is meant when none is named. Everything else happens in
the operations that these handlers call.
"""

from __future__ import annotations

from delegator.errors import NoActiveSession, SessionAmbiguous, SessionNotFound
from delegator.schemas import (
    ActiveSession,
    AddAgentReply,
    AddAgentRequest,
    CreateSessionReply,
    CreateSessionRequest,
    ListActiveAgentsReply,
    ListAgentsRequest,
    NoInput,
    OptionalSessionRef,
    RemoveAgentReply,
    RemoveAgentRequest,
    SessionStatusReply,
    ShutdownAgentRequest,
    SpawnAgentRequest,
    StartSessionRequest,
)
from serve_app.backend import Backend


async def start_session(backend: Backend, request: StartSessionRequest) -> CreateSessionReply:
    """Create a session whose category, and with it the team, the caller has chosen."""
    full = CreateSessionRequest(task_description=request.description, task_category=request.task_category)
    return await backend.create_session(full)


async def spawn_agent(backend: Backend, request: SpawnAgentRequest) -> AddAgentReply:
    """Add a role to the named session, or to the only open one."""
    session_id = request.session_id or await _only_open_session(backend)
    full = AddAgentRequest(session_id=session_id, agent_role=request.role, reason=request.reason)
    return await backend.add_agent_to_session(full)


async def shutdown_agent(backend: Backend, request: ShutdownAgentRequest) -> RemoveAgentReply:
    """Remove a role from the named session, or from the only open one."""
    session_id = request.session_id or await _only_open_session(backend)
    full = RemoveAgentRequest(session_id=session_id, agent_role=request.role, reason=request.reason)
    return await backend.remove_agent_from_session(full)


async def session_status(backend: Backend, request: OptionalSessionRef) -> SessionStatusReply:
    """Show the named session, or the only open one. No open session is an empty answer, not an error."""
    sessions = _meant((await backend.list_active_sessions(NoInput())).sessions, request.session_id)
    agents = ListActiveAgentsReply(agents=[], total_agents=0)
    if sessions:
        agents = await backend.list_active_agents(ListAgentsRequest(session_id=sessions[0].session_id))
    resources = await backend.resource_summary(NoInput())
    return SessionStatusReply(sessions=sessions, agents=agents.agents, resources=resources)


def _meant(sessions: list[ActiveSession], session_id: str | None) -> list[ActiveSession]:
    if session_id is not None:
        found = [session for session in sessions if session.session_id == session_id]
        if not found:
            raise SessionNotFound(session_id)
        return found
    if len(sessions) > 1:
        raise SessionAmbiguous(tuple(session.session_id for session in sessions))
    return sessions


async def _only_open_session(backend: Backend) -> str:
    sessions = _meant((await backend.list_active_sessions(NoInput())).sessions, None)
    if not sessions:
        raise NoActiveSession
    return sessions[0].session_id
