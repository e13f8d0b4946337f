"""Turns records and live state into the replies of `delegator/schemas.py`. No rules, no waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from actors.agent_lives import LiveAgent
from actors.agent_messages import Pulse
from actors.host_handle import HostHandle
from actors.host_messages import HostView, ResidentView
from actors.parts import OpenSession, Parts
from actors.running_task import RunningTask
from delegator.errors import DelegatorError, HostSuspect
from delegator.schemas import (
    ActiveSession,
    ActiveTask,
    AgentInfo,
    CreateSessionReply,
    EndpointInfo,
    ErrorBody,
    HistorySession,
    Limits,
    Question,
    ResidentModel,
    Resources,
    SessionStatus,
    SessionView,
    TaskAnalysis,
    TaskSummary,
    TaskView,
    TurnReply,
)
from delegator.settings import GB
from delegator.store.records import MessageRecord, SessionRecord, TaskRecord

WAITS = "Nothing is started until the question is answered: answer_question goes on, end_session drops the session."


def error_body(exc: DelegatorError) -> ErrorBody:
    """Return an error as it is shown in a task."""
    return ErrorBody(code=exc.code, message=exc.message, hint=exc.advice, details=exc.details())


def limits_of(record: SessionRecord) -> Limits:
    """Return the limits a session runs under."""
    return Limits(
        complexity=record.limits_complexity,
        max_agents=record.limits_max_agents,
        max_memory_gb=record.limits_max_memory_bytes / GB,
    )


def created_reply(session: OpenSession, parts: Parts) -> CreateSessionReply:
    """Return what create_session answers."""
    record = session.record
    analysis = TaskAnalysis.model_validate(record.analysis)
    question = question_in(record)
    return CreateSessionReply(
        session_id=record.session_id,
        active_agents=list(session.team),
        estimated_resources=_estimated(session, analysis, parts),
        status=_reply_status(record),
        session_status=record.status,
        task_type=record.task_type,
        task_category=record.task_category,
        complexity=record.complexity,
        models=dict(session.models),
        limits=limits_of(record),
        seconds_to_ready=record.seconds_to_ready,
        notes=[*record.notes, *fallback_notes(session, parts), *([] if question is None else [WAITS])],
        simulated=record.simulated,
        plan_id=session.applied.plan_id if session.applied is not None else None,
        degradations=list(session.degradations),
        changed=list(session.applied.changed) if session.applied is not None else [],
        question=question,
    )


def _reply_status(record: SessionRecord) -> Literal["ready", "starting", "needs_input"]:
    if question_in(record) is not None:
        return "needs_input"
    return "ready" if record.status is SessionStatus.ACTIVE else "starting"


def question_in(record: SessionRecord) -> Question | None:
    """Return what an open session waits to be told; None where it waits for nothing."""
    if record.question is None or not record.status.is_open:
        return None
    return Question.model_validate(record.question["question"])


def _estimated(session: OpenSession, analysis: TaskAnalysis, parts: Parts) -> Resources:
    """Return what the team's distinct models may take, which may take turns in less; of no team yet what is likely."""
    if not session.team:
        return analysis.estimated_resources
    names = dict.fromkeys(session.model_of(role, parts.catalogue).name for role in session.team)
    size_bytes = sum(parts.catalogue.models[name].memory_bytes for name in names)
    return Resources(memory_gb=size_bytes / GB, cpu_cores=analysis.estimated_resources.cpu_cores)


def fallback_notes(session: OpenSession, parts: Parts) -> list[str]:
    """Say which roles speak with another model than their own, unless that was told with its reason."""
    notes = []
    degraded = {step.role for step in session.degradations}
    for role in session.team:
        if role in degraded:
            continue
        own, used = parts.catalogue.role(role).model, session.models.get(role)
        if used is not None and used != own:
            notes.append(f"{role} speaks with {used}, because {own} cannot be used here.")
    return notes


def active_task(running: RunningTask) -> ActiveTask:
    """Return how far a running task is."""
    total = len(running.record.turns)
    return ActiveTask(
        task_id=running.record.task_id,
        turns_done=total - len(running.remaining),
        turns_total=total,
        current_role=running.role,
        waiting_for=running.waiting_for,
    )


def active_session(record: SessionRecord, running: RunningTask | None, parts: Parts) -> ActiveSession:
    """Return one line of the list of open sessions; `running`: its oldest running task."""
    uptime_s = parts.clock.between_s(record.created_at, parts.clock.now())
    return ActiveSession(
        session_id=record.session_id,
        task_description=record.task_description,
        active_agents=list(record.active_agents),
        created_at=record.created_at,
        uptime_minutes=round(uptime_s / 60, 1),
        status=record.status,
        task_category=record.task_category,
        uptime_seconds=uptime_s,
        question=None if (question := question_in(record)) is None else question.question,
        task=None if running is None else active_task(running),
    )


def session_view(
    record: SessionRecord,
    models: dict[str, str],
    endpoints: dict[str, str],
    tasks: Sequence[TaskRecord],
    notes: Sequence[str],
    now: datetime,
) -> SessionView:
    """Return everything about one session."""
    real_s = ((record.ended_at or now) - record.created_at).total_seconds()
    return SessionView(
        session_id=record.session_id,
        status=record.status,
        task_description=record.task_description,
        task_type=record.task_type,
        task_category=record.task_category,
        complexity=record.complexity,
        active_agents=list(record.active_agents),
        models=models,
        endpoints=endpoints,
        context=record.context,
        limits=limits_of(record),
        created_at=record.created_at,
        started_at=record.started_at,
        ended_at=record.ended_at,
        end_reason=record.end_reason,
        seconds_to_ready=record.seconds_to_ready,
        duration_seconds=max(0.0, real_s * record.clock_scale),
        total_agents_spawned=record.total_agents_spawned,
        tasks_delegated=record.tasks_delegated,
        tasks=[_task_summary(task) for task in tasks],
        resources_used=record.resources_used,
        analysis=TaskAnalysis.model_validate(record.analysis),
        notes=list(notes),
        simulated=record.simulated,
        question=question_in(record),
    )


def _task_summary(task: TaskRecord) -> TaskSummary:
    return TaskSummary(
        task_id=task.task_id, status=task.status, task=task.text, created_at=task.created_at, ended_at=task.ended_at
    )


def history_session(record: SessionRecord) -> HistorySession:
    """Return one line of the history."""
    duration_s = (record.ended_at - record.created_at).total_seconds() if record.ended_at else None
    return HistorySession(
        session_id=record.session_id,
        task_category=record.task_category,
        task_type=record.task_type,
        complexity=record.complexity,
        task_description=record.task_description,
        active_agents=list(record.active_agents),
        total_agents_spawned=record.total_agents_spawned,
        tasks_delegated=record.tasks_delegated,
        status=record.status,
        started_at=record.started_at or record.created_at,
        ended_at=record.ended_at,
        duration_seconds=None if duration_s is None else max(0.0, duration_s * record.clock_scale),
        resources_used=record.resources_used,
        simulated=record.simulated,
    )


def task_view(
    record: TaskRecord, messages: Sequence[MessageRecord], running: RunningTask | None, parts: Parts
) -> TaskView:
    """Return a task, its turns so far, and its answer once it is completed."""
    ended = record.ended_at or parts.clock.now()
    return TaskView(
        task_id=record.task_id,
        session_id=record.session_id,
        status=record.status,
        task=record.text,
        turns_done=len(messages),
        turns_total=len(record.turns),
        current_role=running.role if running else None,
        waiting_for=running.waiting_for if running else None,
        replies=[_turn_reply(message) for message in messages],
        answer=record.answer,
        error=ErrorBody.model_validate(record.error) if record.error else None,
        created_at=record.created_at,
        ended_at=record.ended_at,
        seconds=parts.clock.between_s(record.created_at, ended),
        simulated=parts.simulated,
    )


def _turn_reply(message: MessageRecord) -> TurnReply:
    return TurnReply(
        role=message.from_role,
        text=message.text,
        purpose=message.purpose,
        model=message.model,
        prompt_tokens=message.prompt_tokens,
        reply_tokens=message.reply_tokens,
        seconds=message.seconds,
        load_seconds=message.load_seconds,
        attempts=message.attempts,
    )


def agent_info(
    agent: LiveAgent,
    pulse: Pulse | None,
    places: Mapping[str, tuple[str, str] | None],
    hosts: Mapping[str, HostView],
    parts: Parts,
) -> AgentInfo:
    """Return one running agent. `places`: (endpoint, model) it speaks on and with, by session."""
    role = parts.catalogue.role(agent.role)
    known = [place for place in places.values() if place is not None]
    endpoint_id, model = known[0] if known else ("", role.model)
    there = hosts[endpoint_id].residents if endpoint_id in hosts else ()
    resident = next((r for r in there if r.model == model and r.resident), None)
    estimate = parts.catalogue.models[model].memory_bytes
    return AgentInfo(
        role=agent.role,
        title=role.title,
        model=model,
        memory_gb=(resident.size_bytes if resident else estimate) / GB,
        model_resident=resident is not None,
        sessions=sorted(agent.sessions),
        spawned_at=agent.spawned_at,
        uptime_seconds=parts.clock.between_s(agent.spawned_at, parts.clock.now()),
        pid=agent.pid,
        node=agent.node,
        restarts=agent.lives.replaced,
        turns_running=pulse.turns_running if pulse else 0,
        endpoints=list(dict.fromkeys(endpoint for endpoint, _ in known)),
        sessions_served=len(agent.work.sessions),
        turns_done=agent.work.turns,
        tokens_per_second=agent.work.tokens_per_second,
        speaking_for=agent.work.speaking_for,
    )


def endpoint_info(handle: HostHandle, view: HostView | None, parts: Parts) -> EndpointInfo:
    """Return one endpoint as it stands; `view` is None where it does not answer."""
    suspect = parts.hosts.doubts.why(handle.endpoint_id)
    if suspect is None:
        suspect = view.suspect if view is not None else "it does not answer"
    return EndpointInfo(
        endpoint=handle.endpoint_id,
        url=handle.url,
        capacity_gb=handle.capacity_bytes / GB,
        memory_gb=view.resident_bytes / GB if view is not None else 0.0,
        planned_gb=view.snapshot.used_bytes / GB if view is not None else 0.0,
        models=sum(resident.resident for resident in view.residents) if view is not None else 0,
        turns_running=view.turns_running if view is not None else 0,
        turns_waiting=len(view.waiting) if view is not None else 0,
        suspect=suspect,
        advice=HostSuspect.hint if suspect is not None else "",
    )


def resident_model(resident: ResidentView, url: str) -> ResidentModel:
    """Return one model in memory."""
    loaded_at = resident.loaded_at_unix_s
    return ResidentModel(
        model=resident.model,
        endpoint=url,
        memory_gb=resident.size_bytes / GB,
        gpu_gb=resident.gpu_bytes / GB,
        held_by=list(resident.holders),
        foreign=resident.foreign,
        busy=resident.busy,
        loaded_at=datetime.fromtimestamp(loaded_at, UTC) if loaded_at else None,
        pinned=resident.pinned,
    )
