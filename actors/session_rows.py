"""What is written down of a session when it is created, when it asks, and when it is answered: rows and events.

Makes records; stores nothing, and decides nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from actors import acting
from actors.parts import OpenSession, Parts
from actors.plan_drafts import TaskAsked, limit_bytes_of
from actors.planning import Prepared
from actors.team_changes import degraded, fallbacks, spawned
from delegator.roles.catalogue import Catalogue
from delegator.schemas import EventKind, Question, SessionStatus, TaskAnalysis, TaskType
from delegator.store.records import AgentRecord, NewEvent, SessionRecord


def new_record(parts: Parts, prepared: Prepared, session_id: str, now: datetime) -> SessionRecord:
    """Return the record of a session that is to be opened at once."""
    analysis = prepared.analysis
    return replace(
        _record(parts, prepared.task, analysis, session_id, now),
        active_agents=tuple(parts.catalogue.in_rank_order(analysis.recommended_agents)),
        notes=(*analysis.notes, *(step.why for step in prepared.degradations if step.given != step.asked)),
        total_agents_spawned=len(analysis.recommended_agents),
    )


def asking_record(
    parts: Parts, task: TaskAsked, analysis: TaskAnalysis, question: Question, session_id: str, now: datetime
) -> SessionRecord:
    """Return the record of a session that waits for an answer: the best reading so far, no team, and the question."""
    asked = {"question": question.model_dump(mode="json"), "task": task.as_json()}
    return replace(_record(parts, task, analysis, session_id, now), question=asked)


def answered_record(parts: Parts, prepared: Prepared, before: SessionRecord, now: datetime) -> SessionRecord:
    """Return what the answer makes of the record of a session that has waited for it."""
    return replace(
        new_record(parts, prepared, before.session_id, before.created_at), id=before.id, last_activity_at=now
    )


def _record(parts: Parts, task: TaskAsked, analysis: TaskAnalysis, session_id: str, now: datetime) -> SessionRecord:
    return SessionRecord(
        id=uuid4(),
        session_id=session_id,
        task_description=task.description,
        task_type=analysis.task_type,
        task_category=analysis.task_category,
        complexity=analysis.complexity,
        active_agents=(),
        context=task.context,
        status=SessionStatus.STARTING,
        analysis=analysis.model_dump(mode="json"),
        notes=(),
        limits_max_agents=analysis.limits.max_agents,
        limits_max_memory_bytes=limit_bytes_of(analysis),
        limits_complexity=analysis.limits.complexity,
        simulated=parts.simulated,
        clock_scale=parts.clock.scale,
        created_at=now,
        started_at=None,
        ended_at=None,
        last_activity_at=now,
        end_reason=None,
        seconds_to_ready=None,
        total_agents_spawned=0,
        tasks_delegated=0,
        resources_used=None,
    )


def asked_by(record: SessionRecord) -> tuple[Question, TaskAsked] | None:
    """Return the question a session waits to be answered, and the task as it was asked for; None: it asks nothing."""
    if record.question is None or not record.status.is_open:
        return None
    return Question.model_validate(record.question["question"]), TaskAsked.from_json(record.question["task"])


def team_rows(session: OpenSession, at: datetime) -> list[AgentRecord]:
    """Return the stays of a session's whole team that begin now."""
    return [
        AgentRecord(session.session_id, role, session.models[role], at, endpoint=session.endpoints[role])
        for role in session.team
    ]


def opening_events(session: OpenSession, catalogue: Catalogue, at: datetime) -> list[NewEvent]:
    """Return the events of a session that has got a team: what was decided about it, and who is in it."""
    record = session.record
    data = {
        "team": list(session.team),
        "task_type": record.task_type,
        "task_category": record.task_category,
        "complexity": record.complexity,
    }
    return [
        NewEvent(EventKind.SESSION_CREATED, at, session.session_id, data=data, by=acting.by()),
        *(spawned(session, role, at) for role in session.team),
        *fallbacks(session, session.team, catalogue, at),
        *degraded(session, session.degradations, at),
    ]


def asked_event(record: SessionRecord, question: Question) -> NewEvent:
    """Return the event that a session waits for an answer."""
    options = [option.answer for option in question.options]
    data = {"question": question.question, "options": options}
    return NewEvent(EventKind.SESSION_ASKED, record.created_at, record.session_id, data=data, by=acting.by())


def answered_event(session_id: str, answer: TaskType, at: datetime) -> NewEvent:
    """Return the event that a session has been answered."""
    return NewEvent(EventKind.SESSION_ANSWERED, at, session_id, data={"answer": answer}, by=acting.by())


def ready_event(record: SessionRecord) -> NewEvent:
    """Return the event that a session's team can work."""
    return NewEvent(
        kind=EventKind.SESSION_READY,
        at=record.started_at or record.created_at,
        session_id=record.session_id,
        data={"seconds_to_ready": round(record.seconds_to_ready or 0.0, 3)},
    )
