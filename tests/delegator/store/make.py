"""Records for tests: whole and plausible, each field changeable by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from delegator.schemas import Complexity, EventKind, SessionStatus, TaskCategory, TaskStatus, TaskType
from delegator.store.records import (
    AgentRecord,
    MessageRecord,
    NewEvent,
    ResidentRecord,
    SessionRecord,
    TaskRecord,
    TurnPlan,
)

NOON = datetime(2025, 11, 12, 12, 0, 0, 123456, tzinfo=UTC)
TEAM = ("product_manager", "senior_architect", "senior_developer", "test_lead")


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_session(session_id: str = "session_1", **changes: Any) -> SessionRecord:
    record = SessionRecord(
        id=uuid4(),
        session_id=session_id,
        task_description="Add user authentication feature",
        task_type=TaskType.FEATURE_DEVELOPMENT,
        task_category=TaskCategory.DEVELOPMENT,
        complexity=Complexity.MEDIUM,
        active_agents=TEAM,
        context={"priority": "high", "files": ["a", "b"]},
        status=SessionStatus.STARTING,
        analysis={"task_type": "feature_development", "complexity_points": 2},
        notes=("models take turns",),
        limits_max_agents=4,
        limits_max_memory_bytes=25_000_000_000,
        limits_complexity=Complexity.MEDIUM,
        simulated=True,
        clock_scale=10.0,
        created_at=NOON,
        started_at=None,
        ended_at=None,
        last_activity_at=NOON,
        end_reason=None,
        seconds_to_ready=None,
        total_agents_spawned=len(TEAM),
        tasks_delegated=0,
        resources_used=None,
    )
    return replace(record, **changes)


def team_of(session: SessionRecord) -> list[AgentRecord]:
    return [an_agent(session.session_id, role, spawned_at=session.created_at) for role in session.active_agents]


def an_agent(session_id: str = "session_1", role: str = "ceo", **changes: Any) -> AgentRecord:
    return replace(AgentRecord(session_id, role, "qwen2.5:14b", NOON), **changes)


def a_task(task_id: str = "task_1", session_id: str = "session_1", **changes: Any) -> TaskRecord:
    turns = (TurnPlan("product_manager", "frame"), TurnPlan("test_lead", "contribute"))
    record = TaskRecord(task_id, session_id, "team", "Do it", "user", turns, TaskStatus.QUEUED, NOON)
    return replace(record, **changes)


def a_message(turn: int = 0, **changes: Any) -> MessageRecord:
    record = MessageRecord(
        task_id="task_1",
        session_id="session_1",
        turn=turn,
        from_role="product_manager",
        purpose="frame",
        text="We need a login page.",
        model="llama3.1:8b",
        prompt_tokens=1_500,
        reply_tokens=300,
        seconds=18.25,
        load_seconds=4.5,
        attempts=1,
        created_at=later(60),
    )
    return replace(record, **changes)


def an_event(kind: EventKind = EventKind.MODEL_HELD, session_id: str | None = "session_1", **changes: Any) -> NewEvent:
    return replace(NewEvent(kind, NOON, session_id, data={"size_bytes": 9_000_000_000}), **changes)


def a_resident(model: str = "llama3.1:8b", endpoint: str = "http://127.0.0.1:11434", **changes: Any) -> ResidentRecord:
    return replace(ResidentRecord(endpoint, model, 8_192, 6_000_000_000, NOON), **changes)
