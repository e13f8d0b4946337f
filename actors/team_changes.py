"""Lets roles join and leave an open session, under its lock and within its limits.

What a caller is told is in the store before it is told; a role that cannot be written down leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from actors import acting
from actors.host_messages import Released
from actors.lessons import team_lesson
from actors.parts import OpenSession, Parts
from actors.placing import Placed
from actors.team_fitting import TeamAsked, TeamFitting
from delegator.analysis.limits import admitting_level
from delegator.errors import AgentAlreadyActive, AgentBusy, AgentLimitReached
from delegator.roles.catalogue import Catalogue
from delegator.schemas import Degradation, EventKind
from delegator.settings import GB
from delegator.store.records import AgentRecord, NewEvent, SessionLimits, SessionRecord


@dataclass(frozen=True, slots=True)
class Joined:
    """What a role that has joined a team was given, and what its caller should know."""

    model: str
    notes: list[str]
    degradations: list[Degradation]


class TeamChanges:
    """Changes the teams of open sessions."""

    def __init__(self, parts: Parts) -> None:
        """Work with these parts."""
        self._parts = parts
        self._fitting = TeamFitting(parts)

    async def add(self, session: OpenSession, role: str, reason: str) -> Joined:
        """Take a role into the team; return its model and what the caller should know.

        Raises:
            UnknownRole, SessionEnded, AgentAlreadyActive, AgentLimitReached, MemoryExceeded.
        """
        self._parts.catalogue.role(role)
        async with session.lock:
            session.ensure_at_work()
            limits = self._limits_with(session, role)
            given = await self._fitting.fit(_joining(session, role, limits, self._parts))
            chosen = given.places[role]
            steps = [step for step in given.degradations if step.role == role]
            node_id = self._parts.hosts.get(chosen.endpoint_id).node_id
            await self._parts.pool.lease(role, session.session_id, node_id=node_id)
            session.place({role: chosen})
            try:
                team = await self._write_down(session, role, reason, limits, steps)
            except BaseException:
                session.leave_place(role)
                await self._parts.pool.release(role, session.session_id)
                raise
            notes = _notes_on_limits(session.record, limits)
            session.record = replace(
                session.record,
                active_agents=team,
                total_agents_spawned=session.record.total_agents_spawned + 1,
                limits_complexity=limits.complexity,
                limits_max_agents=limits.max_agents,
                limits_max_memory_bytes=limits.max_memory_bytes,
            )
            session.degradations += steps
        if chosen.why:
            notes.append(f"{role} speaks with {chosen.model}: {chosen.why}.")
        return Joined(chosen.model, notes, steps)

    async def _write_down(
        self, session: OpenSession, role: str, reason: str, limits: SessionLimits, steps: Sequence[Degradation]
    ) -> tuple[str, ...]:
        """Store that a role joins; return the team it makes."""
        now = self._parts.clock.now()
        team = tuple(self._parts.catalogue.in_rank_order([*session.team, role]))
        events = [spawned(session, role, now, reason), *fallbacks(session, [role], self._parts.catalogue, now)]
        events += degraded(session, steps, now)
        model, endpoint = session.models[role], session.endpoints[role]
        agent = AgentRecord(session.session_id, role, model, now, None, reason, endpoint)
        lessons = [team_lesson("role_added", session, role, now)]
        await self._parts.store.add_agent(agent, events, active_agents=team, limits=limits, lessons=lessons)
        return team

    def _limits_with(self, session: OpenSession, role: str) -> SessionLimits:
        """Return the limits that admit the team with one more role: the session's own, or of the next level that does.

        Where none admits its model, those that come nearest: then it is given another, or refused.

        Raises:
            AgentAlreadyActive, AgentLimitReached: it is there, or no level admits so many.
        """
        if role in session.team:
            raise AgentAlreadyActive(session.session_id, role)
        wanted = self._parts.catalogue.role(role)
        levels = self._parts.settings.complexity_limits
        level = admitting_level(
            session.record.limits_complexity,
            levels,
            team_size=len(session.team) + 1,
            largest_model_bytes=wanted.memory_bytes,
        )
        limits = SessionLimits(level, levels.of(level).max_agents, round(levels.of(level).max_memory_gb * GB))
        if len(session.team) >= limits.max_agents:
            raise AgentLimitReached(session.session_id, limits.max_agents)
        return limits

    async def remove(
        self, session: OpenSession, role: str, reason: str, busy_with: Callable[[], str | None]
    ) -> Released:
        """Dismiss a role; return what its model gave back.

        Args:
            busy_with: gives the id of an unfinished task in which the role still speaks, if there is one. Asked under
                the session's lock: no task begins after the answer.

        Raises:
            UnknownRole, SessionEnded, AgentNotActive, AgentBusy.
        """
        self._parts.catalogue.role(role)
        async with session.lock:
            session.ensure_at_work()
            session.ensure_active(role)
            if (task_id := busy_with()) is not None:
                raise AgentBusy(session.session_id, role, task_id)
            now = self._parts.clock.now()
            team = tuple(r for r in session.team if r != role)
            event = terminated(session, role, now, reason, acting.by())
            lessons = [team_lesson("role_removed", session, role, now)]
            await self._parts.store.end_agent(
                session.session_id, role, now, [event], active_agents=team, lessons=lessons
            )
            session.record = replace(session.record, active_agents=team)
            host = self._parts.host_of(session, role)
            model = session.leave_place(role)
            clean_up = self._parts.settings.auto_cleanup_agents
            await self._parts.pool.release(role, session.session_id, terminate=clean_up)
            if model is None or (host.endpoint_id, model) in session.places or not clean_up:
                return Released((), ())
            return await host.release_models(session.session_id, [model])


def _joining(session: OpenSession, role: str, limits: SessionLimits, parts: Parts) -> TeamAsked:
    """Return the team with one more role; those that speak already keep their models and places."""
    known = {r: place for r in session.team if (place := session.place_of(r)) is not None}
    settled = {r: Placed(*place, "") for r, place in known.items() if place[1] in parts.catalogue.models}
    team = parts.catalogue.in_rank_order([*settled, role])
    rungs = parts.settings.degradation
    return TeamAsked(session.session_id, tuple(team), limits.max_memory_bytes, rungs, settled)


def spawned(session: OpenSession, role: str, at: datetime, reason: str = "") -> NewEvent:
    """Return the event that a role has joined a session."""
    said = {"reason": reason} if reason else {}
    return replace(_of_agent(EventKind.AGENT_SPAWNED, session, role, at, said), by=acting.by())


def terminated(session: OpenSession, role: str, at: datetime, reason: str, by: str | None) -> NewEvent:
    """Return the event that a role has left a session, because of somebody or by itself."""
    return replace(_of_agent(EventKind.AGENT_TERMINATED, session, role, at, {"reason": reason}), by=by)


def fallbacks(session: OpenSession, roles: Iterable[str], catalogue: Catalogue, at: datetime) -> list[NewEvent]:
    """Return the events that some of these roles speak with another model than their own."""
    return [
        _of_agent(EventKind.MODEL_FALLBACK, session, role, at, {"instead_of": catalogue.role(role).model})
        for role in roles
        if session.models[role] != catalogue.role(role).model
    ]


def degraded(session: OpenSession, steps: Sequence[Degradation], at: datetime) -> list[NewEvent]:
    """Return the event that a team does not fit the memory as it was asked for, with every step; none without steps."""
    data = {"steps": [step.model_dump(mode="json") for step in steps]}
    kind, session_id = EventKind.TEAM_DEGRADED, session.session_id
    return [NewEvent(kind=kind, at=at, session_id=session_id, data=data)] if steps else []


def _of_agent(kind: EventKind, session: OpenSession, role: str, at: datetime, data: dict[str, str]) -> NewEvent:
    model = session.models.get(role)
    return NewEvent(kind=kind, at=at, session_id=session.session_id, role=role, model=model, data=data)


def _notes_on_limits(record: SessionRecord, limits: SessionLimits) -> list[str]:
    if limits.complexity is record.limits_complexity:
        return []
    note = (
        f"The limits of {limits.complexity.value} apply from now on ({limits.max_agents} agents, "
        f"{limits.max_memory_bytes / GB:g} GB at one time), because those of {record.limits_complexity.value} "
        "do not admit the larger team."
    )
    return [note]
