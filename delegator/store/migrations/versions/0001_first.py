"""The first schema: sessions, agents, tasks, messages, residents, and the append-only event log.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

TASK_TYPES = """
    bug_fix feature_development refactoring testing architecture strategic_planning ui_design deployment
    documentation hr operations general
"""
EVENT_KINDS = """
    session_created session_ready session_failed session_ended session_timed_out agent_spawned
    agent_restarted agent_terminated model_loaded model_unloaded model_lost model_held model_released
    model_fallback task_queued task_started turn_started turn_retried turn_completed task_completed
    task_failed task_cancelled orphan_removed drift_found host_suspect host_recovered
"""

# One transaction at a time appends, from its first event to its commit. Without that an id could become visible after a
# larger one, and whoever reads on after the last id he saw would miss it for ever. Append last, so that this is short.
ONE_AT_A_TIME = """
    CREATE FUNCTION delegator_events_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(x'64656C6576'::bigint);
        RETURN NULL;
    END $$;
    CREATE TRIGGER delegator_events_in_order BEFORE INSERT ON delegator_events
        FOR EACH STATEMENT EXECUTE FUNCTION delegator_events_in_order();
"""

# The ids of new events, comma-separated; a notice holds 8,000 bytes, so a long list goes in several.
ANNOUNCE = """
    CREATE FUNCTION delegator_events_announce() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        ids text;
    BEGIN
        FOR ids IN
            SELECT string_agg(event_id::text, ',' ORDER BY event_id)
            FROM (SELECT event_id, (row_number() OVER (ORDER BY event_id) - 1) / 350 AS part FROM added) AS numbered
            GROUP BY part ORDER BY part
        LOOP
            PERFORM pg_notify('delegator_events', ids);
        END LOOP;
        RETURN NULL;
    END $$;
    CREATE TRIGGER delegator_events_announce AFTER INSERT ON delegator_events
        REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION delegator_events_announce();
"""

# What happened stays. The one door is for retention: a transaction that says SET LOCAL delegator.retention = 'on'
# may delete; nothing may update or truncate.
APPEND_ONLY = """
    CREATE FUNCTION delegator_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND current_setting('delegator.retention', true) = 'on' THEN
            RETURN NULL;
        END IF;
        RAISE EXCEPTION 'delegator_events is append-only' USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE TRIGGER delegator_events_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON delegator_events
        FOR EACH STATEMENT EXECUTE FUNCTION delegator_events_refuse();
"""


def one_of(table: str, column: str, words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words.split())
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"ck_{table}_{column}")


def upgrade() -> None:
    _create_sessions()
    _create_agents()
    _create_tasks()
    _create_messages()
    _create_events()
    _create_residents()
    for statements in (ONE_AT_A_TIME, ANNOUNCE, APPEND_ONLY):
        op.execute(statements)


def downgrade() -> None:
    for table in ("residents", "events", "messages", "tasks", "agents", "sessions"):
        op.drop_table(f"delegator_{table}")
    for function in ("in_order", "announce", "refuse"):
        op.execute(f"DROP FUNCTION delegator_events_{function}()")


def _create_sessions() -> None:
    op.create_table(
        "delegator_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("task_description", sa.Text(), nullable=False),
        sa.Column("task_type", sa.Text(), nullable=False),
        sa.Column("task_category", sa.Text(), nullable=False),
        sa.Column("complexity", sa.Text(), nullable=False),
        sa.Column("active_agents", JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("context", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("analysis", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("notes", JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("limits_max_agents", sa.Integer(), nullable=False),
        sa.Column("limits_max_memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("limits_complexity", sa.Text(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("clock_scale", sa.Double(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("last_activity_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("seconds_to_ready", sa.Double(), nullable=True),
        sa.Column("total_agents_spawned", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tasks_delegated", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("resources_used", JSONB, nullable=True),
        sa.Column(
            "idempotency_key",
            sa.Text(),
            nullable=True,
            comment="key of the create_session call; null until calls carry keys",
        ),
        sa.Column("principal", sa.Text(), nullable=True, comment="who made the session; null until callers have names"),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status IN ('completed', 'failed'))", name="ck_delegator_sessions_ended"
        ),
        one_of("delegator_sessions", "complexity", "low medium high very_high"),
        sa.CheckConstraint("jsonb_typeof(active_agents) = 'array'", name="ck_delegator_sessions_active_agents"),
        sa.CheckConstraint("jsonb_typeof(context) = 'object'", name="ck_delegator_sessions_context"),
        one_of("delegator_sessions", "limits_complexity", "low medium high very_high"),
        one_of("delegator_sessions", "status", "starting active completed failed hibernated"),
        one_of(
            "delegator_sessions", "task_category", "strategic technical development hr operations product quick_fix"
        ),
        one_of("delegator_sessions", "task_type", TASK_TYPES),
        sa.CheckConstraint("clock_scale > 0", name="ck_delegator_sessions_clock_scale"),
        sa.CheckConstraint("total_agents_spawned >= 0 AND tasks_delegated >= 0", name="ck_delegator_sessions_counts"),
        sa.PrimaryKeyConstraint("id", name="pk_delegator_sessions"),
        sa.UniqueConstraint("session_id", name="uq_delegator_sessions_session_id"),
        comment="One task and its team, open or ended; active_agents is derived from delegator_agents",
    )
    op.create_index(
        "ix_delegator_sessions_history",
        "delegator_sessions",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
    )
    op.create_index(
        "ix_delegator_sessions_open",
        "delegator_sessions",
        [sa.literal_column("created_at DESC")],
        postgresql_where=sa.text("status IN ('starting', 'active')"),
    )


def _create_agents() -> None:
    op.create_table(
        "delegator_agents",
        sa.Column("agent_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("spawned_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["delegator_sessions.session_id"], name="fk_delegator_agents_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("agent_id", name="pk_delegator_agents"),
        comment="One stay of a role in a session; open while ended_at is null",
    )
    op.create_index("ix_delegator_agents_session_id", "delegator_agents", ["session_id", "agent_id"])
    op.create_index(
        "uq_delegator_agents_open",
        "delegator_agents",
        ["session_id", "role"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _create_tasks() -> None:
    op.create_table(
        "delegator_tasks",
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("from_role", sa.Text(), nullable=False),
        sa.Column("turns", JSONB, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("error", JSONB, nullable=True),
        sa.Column(
            "idempotency_key",
            sa.Text(),
            nullable=True,
            comment="key of the call that made the task; null until calls carry keys",
        ),
        sa.Column("principal", sa.Text(), nullable=True, comment="who made the task; null until callers have names"),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled'))", name="ck_delegator_tasks_ended"
        ),
        sa.CheckConstraint("jsonb_typeof(turns) = 'array'", name="ck_delegator_tasks_turns"),
        one_of("delegator_tasks", "kind", "team message"),
        one_of("delegator_tasks", "status", "queued running needs_input completed failed cancelled"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["delegator_sessions.session_id"], name="fk_delegator_tasks_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", name="pk_delegator_tasks"),
        comment="Work for a team, or one message to one role",
    )
    op.create_index("ix_delegator_tasks_session_id", "delegator_tasks", ["session_id", "created_at"])
    op.create_index(
        "ix_delegator_tasks_unfinished",
        "delegator_tasks",
        ["created_at"],
        postgresql_where=sa.text("status IN ('queued', 'running', 'needs_input')"),
    )


def _create_messages() -> None:
    op.create_table(
        "delegator_messages",
        sa.Column("message_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("from_role", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("reply_tokens", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("load_seconds", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        one_of("delegator_messages", "purpose", "frame contribute conclude answer"),
        sa.CheckConstraint("prompt_tokens >= 0 AND reply_tokens >= 0", name="ck_delegator_messages_tokens"),
        sa.CheckConstraint("seconds >= 0 AND load_seconds >= 0 AND attempts >= 1", name="ck_delegator_messages_effort"),
        sa.CheckConstraint("turn >= 0", name="ck_delegator_messages_turn"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["delegator_sessions.session_id"],
            name="fk_delegator_messages_session_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["delegator_tasks.task_id"], name="fk_delegator_messages_task_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name="pk_delegator_messages"),
        sa.UniqueConstraint("task_id", "turn", name="uq_delegator_messages_task_id_turn"),
        comment="What a role said in one turn; a turn is said once",
    )
    op.create_index("ix_delegator_messages_session_id", "delegator_messages", ["session_id"])


def _create_events() -> None:
    op.create_table(
        "delegator_events",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("data", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("principal", sa.Text(), nullable=True, comment="who caused it; null until callers have names"),
        sa.CheckConstraint("jsonb_typeof(data) = 'object'", name="ck_delegator_events_data"),
        one_of("delegator_events", "kind", EVENT_KINDS),
        sa.PrimaryKeyConstraint("event_id", name="pk_delegator_events"),
        sa.UniqueConstraint("uid", name="uq_delegator_events_uid"),
        comment="Append-only: no UPDATE or TRUNCATE; DELETE only where the transaction sets delegator.retention = on",
    )
    op.create_index("ix_delegator_events_session_id", "delegator_events", ["session_id", "event_id"])


def _create_residents() -> None:
    op.create_table(
        "delegator_residents",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("num_ctx", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("loaded_at", MOMENT, nullable=False),
        sa.CheckConstraint("num_ctx > 0 AND size_bytes >= 0", name="ck_delegator_residents_sizes"),
        sa.PrimaryKeyConstraint("endpoint", "model", name="pk_delegator_residents"),
        comment="Models that Delegator loaded and has not unloaded, by Ollama endpoint",
    )
