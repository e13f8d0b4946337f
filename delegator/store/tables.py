"""The tables, as SQLAlchemy sees them; the migrations in `migrations/versions/` make them.

Every name begins with `delegator_`, because the database may be shared with other programs. A comment on a table says
what its rows are. Two things cannot be said here and live in the first migration: the triggers that keep the event log
append-only and that announce new events.

Room left for work to come: `idempotency_key` (a repeated call with the same key finds its first answer) and `principal`
(who made it, and alone may use it) are null until calls carry keys and callers have names.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, get_args

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from delegator.schemas import Complexity, EventKind, SessionStatus, TaskCategory, TaskStatus, TaskType
from delegator.store.records import Purpose, TaskKind

EVENT_CHANNEL = "delegator_events"
"""The NOTIFY channel. A notice carries the ids of new events, comma-separated, and nothing else."""

OPEN_SESSION = "status IN ('starting', 'active')"
"""SQL for sessions that hold, or may still hold, agents and models; the partial index is built on it."""

UNFINISHED_TASK = "status IN ('queued', 'running', 'needs_input')"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """Return the constraint that `column` holds one of `words` (or null, where it may)."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _words(enum: type[StrEnum]) -> list[str]:
    return [member.value for member in enum]


def _moment(name: str, *, nullable: bool = False, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable, **options)


def _of_session(*, index: bool = False) -> Column[Any]:
    target = ForeignKey("delegator_sessions.session_id", ondelete="CASCADE")
    return Column("session_id", Text, target, nullable=False, index=index)


sessions = Table(
    "delegator_sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("session_id", Text, nullable=False, unique=True),
    Column("task_description", Text, nullable=False),
    Column("task_type", Text, nullable=False),
    Column("task_category", Text, nullable=False),
    Column("complexity", Text, nullable=False),
    Column("active_agents", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("context", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("status", Text, nullable=False),
    Column("analysis", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("notes", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("limits_max_agents", Integer, nullable=False),
    Column("limits_max_memory_bytes", BigInteger, nullable=False),
    Column("limits_complexity", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("clock_scale", Double, nullable=False, server_default=text("1")),
    _moment("created_at", server_default=func.now()),
    _moment("started_at", nullable=True),
    _moment("ended_at", nullable=True),
    _moment("last_activity_at", server_default=func.now()),
    Column("end_reason", Text),
    Column("seconds_to_ready", Double),
    Column("total_agents_spawned", Integer, nullable=False, server_default=text("0")),
    Column("tasks_delegated", Integer, nullable=False, server_default=text("0")),
    Column("resources_used", JSONB),
    Column("question", JSONB(none_as_null=True), comment="what it waits to be told; null where it asks nothing"),
    Column("idempotency_key", Text, comment="key of the create_session call; null until calls carry keys"),
    Column("principal", Text, comment="who made the session; null until callers have names"),
    one_of("task_type", _words(TaskType)),
    one_of("task_category", _words(TaskCategory)),
    one_of("complexity", _words(Complexity)),
    one_of("limits_complexity", _words(Complexity)),
    one_of("status", _words(SessionStatus)),
    CheckConstraint("jsonb_typeof(active_agents) = 'array'", name="active_agents"),
    CheckConstraint("jsonb_typeof(context) = 'object'", name="context"),
    CheckConstraint("clock_scale > 0", name="clock_scale"),
    CheckConstraint("total_agents_spawned >= 0 AND tasks_delegated >= 0", name="counts"),
    CheckConstraint("(ended_at IS NOT NULL) = (status IN ('completed', 'failed'))", name="ended"),
    Index("ix_delegator_sessions_open", text("created_at DESC"), postgresql_where=text(OPEN_SESSION)),
    Index("ix_delegator_sessions_history", text("created_at DESC"), text("session_id DESC")),
    comment="One task and its team, open or ended; active_agents is derived from delegator_agents",
)

agents = Table(
    "delegator_agents",
    metadata,
    Column("agent_id", BigInteger, Identity(always=True), primary_key=True),
    _of_session(),
    Column("role", Text, nullable=False),
    Column("model", Text, nullable=False),
    _moment("spawned_at"),
    _moment("ended_at", nullable=True),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("endpoint", Text, comment="where its model runs; null before there were several"),
    Index("uq_delegator_agents_open", "session_id", "role", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index("ix_delegator_agents_session_id", "session_id", "agent_id"),
    comment="One stay of a role in a session; open while ended_at is null",
)

tasks = Table(
    "delegator_tasks",
    metadata,
    Column("task_id", Text, primary_key=True),
    _of_session(),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("from_role", Text, nullable=False),
    Column("turns", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    _moment("created_at"),
    _moment("started_at", nullable=True),
    _moment("ended_at", nullable=True),
    Column("answer", Text),
    Column("error", JSONB),
    Column("idempotency_key", Text, comment="key of the call that made the task; null until calls carry keys"),
    Column("principal", Text, comment="who made the task; null until callers have names"),
    one_of("kind", get_args(TaskKind)),
    one_of("status", _words(TaskStatus)),
    CheckConstraint("jsonb_typeof(turns) = 'array'", name="turns"),
    CheckConstraint("(ended_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled'))", name="ended"),
    Index("ix_delegator_tasks_session_id", "session_id", "created_at"),
    Index("ix_delegator_tasks_unfinished", "created_at", postgresql_where=text(UNFINISHED_TASK)),
    comment="Work for a team, or one message to one role",
)

messages = Table(
    "delegator_messages",
    metadata,
    Column("message_id", BigInteger, Identity(always=True), primary_key=True),
    Column("task_id", Text, ForeignKey("delegator_tasks.task_id", ondelete="CASCADE"), nullable=False),
    _of_session(index=True),
    Column("turn", Integer, nullable=False),
    Column("from_role", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("reply_tokens", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("load_seconds", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    _moment("created_at"),
    one_of("purpose", get_args(Purpose)),
    CheckConstraint("turn >= 0", name="turn"),
    CheckConstraint("prompt_tokens >= 0 AND reply_tokens >= 0", name="tokens"),
    CheckConstraint("seconds >= 0 AND load_seconds >= 0 AND attempts >= 1", name="effort"),
    UniqueConstraint("task_id", "turn"),
    comment="What a role said in one turn; a turn is said once",
)

events = Table(
    "delegator_events",
    metadata,
    Column("event_id", BigInteger, Identity(always=True), primary_key=True),
    Column("uid", Uuid, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    _moment("at"),
    # No foreign keys: the log also speaks of sessions and models that this database never knew.
    Column("session_id", Text),
    Column("role", Text),
    Column("model", Text),
    Column("data", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("principal", Text, comment="who caused it from outside; null where it came about by itself"),
    one_of("kind", _words(EventKind)),
    CheckConstraint("jsonb_typeof(data) = 'object'", name="data"),
    Index("ix_delegator_events_session_id", "session_id", "event_id"),
    Index("ix_delegator_events_kind", "kind", "event_id"),
    comment="Append-only: no UPDATE or TRUNCATE; DELETE only where the transaction sets delegator.retention = on",
)

residents = Table(
    "delegator_residents",
    metadata,
    Column("endpoint", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("num_ctx", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    _moment("loaded_at"),
    CheckConstraint("num_ctx > 0 AND size_bytes >= 0", name="sizes"),
    comment="Models that Delegator loaded and has not unloaded, by Ollama endpoint",
)

pins = Table(
    "delegator_pins",
    metadata,
    Column("endpoint", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    _moment("pinned_at"),
    comment="Models that stay in memory, by endpoint, until somebody unpins them",
)

plans = Table(
    "delegator_plans",
    metadata,
    Column("plan_id", Text, primary_key=True),
    _moment("created_at"),
    _moment("expires_at"),
    Column("request", JSONB, nullable=False),
    Column("plan", JSONB, nullable=False),
    CheckConstraint("jsonb_typeof(request) = 'object' AND jsonb_typeof(plan) = 'object'", name="objects"),
    comment="What plan_session foretold, kept until it expires so that create_session can apply it",
)

model_facts = Table(
    "delegator_model_facts",
    metadata,
    Column("endpoint", Text, primary_key=True),
    Column("weights", Text, primary_key=True),
    Column("num_ctx", Integer, primary_key=True, autoincrement=False),
    Column("parallel", Integer, primary_key=True, autoincrement=False),
    Column("model", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("gpu_bytes", BigInteger, nullable=False),
    Column("load_s", Double, nullable=False),
    Column("loads", Integer, nullable=False),
    _moment("measured_at"),
    CheckConstraint("num_ctx > 0 AND parallel > 0", name="options"),
    CheckConstraint("size_bytes >= 0 AND gpu_bytes >= 0 AND load_s >= 0 AND loads >= 0", name="figures"),
    comment="What loads of a weight file have shown on an endpoint; size_bytes 0: never measured",
)

learned = Table(
    "delegator_learned",
    metadata,
    Column("endpoint", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    _moment("at"),
    comment="Small learned statistics; endpoint is empty for those of no endpoint",
)

LESSON_KINDS = ("role_added", "role_removed", "role_unheard", "feedback")

lessons = Table(
    "delegator_lessons",
    metadata,
    Column("lesson_id", BigInteger, Identity(always=True), primary_key=True),
    Column("uid", Uuid, nullable=False, unique=True),
    _moment("at"),
    Column("kind", Text, nullable=False),
    # No foreign key: what was learned outlives the sessions it was learned in.
    Column("session_id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("lesson", JSONB, nullable=False),
    one_of("kind", LESSON_KINDS),
    CheckConstraint("jsonb_typeof(lesson) = 'object'", name="lesson"),
    comment="What use has shown about a reading: roles added, removed, unheard, and feedback",
)

analysis_versions = Table(
    "delegator_analysis_versions",
    metadata,
    Column("version", BigInteger, Identity(always=True), primary_key=True),
    _moment("at"),
    Column("active", Boolean, nullable=False),
    Column("weights", JSONB, nullable=False),
    Column("measured", JSONB, nullable=False),
    CheckConstraint("jsonb_typeof(weights) = 'object' AND jsonb_typeof(measured) = 'object'", name="objects"),
    Index("uq_delegator_analysis_versions_active", "active", unique=True, postgresql_where=text("active")),
    comment="What was learned from lessons, beside the shipped weights; one version at most is active",
)
