"""Analysis: sessions that wait for an answer, what use has taught, and what was learned from it.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

FORMER_KINDS = """
    session_created session_ready session_failed session_ended session_timed_out agent_spawned
    agent_restarted agent_terminated model_loaded model_unloaded model_lost model_held model_released
    model_fallback task_queued task_started turn_started turn_retried turn_completed task_completed
    task_failed task_cancelled orphan_removed drift_found host_suspect host_recovered
    model_quarantined model_prefetched prefetch_used prefetch_wasted load_cancelled team_degraded
    role_moved model_pinned model_unpinned model_pulled model_removed
"""
NEW_KINDS = "session_asked session_answered feedback_given role_unheard analysis_learned analysis_reset"


def listed(words: str) -> str:
    return ", ".join(f"'{word}'" for word in words.split())


def upgrade() -> None:
    _allow_kinds(FORMER_KINDS + " " + NEW_KINDS)
    op.add_column(
        "delegator_sessions",
        sa.Column("question", JSONB, nullable=True, comment="what it waits to be told; null where it asks nothing"),
    )
    _create_lessons()
    _create_analysis_versions()


def downgrade() -> None:
    for table in ("analysis_versions", "lessons"):
        op.drop_table(f"delegator_{table}")
    op.drop_column("delegator_sessions", "question")
    op.execute("SET LOCAL delegator.retention = 'on'")
    # The old schema cannot say the new kinds.
    op.execute(f"DELETE FROM delegator_events WHERE kind IN ({listed(NEW_KINDS)})")  # noqa: S608 - constants
    _allow_kinds(FORMER_KINDS)


def _allow_kinds(words: str) -> None:
    op.drop_constraint("ck_delegator_events_kind", "delegator_events", type_="check")
    op.create_check_constraint("ck_delegator_events_kind", "delegator_events", f"kind IN ({listed(words)})")


def _create_lessons() -> None:
    op.create_table(
        "delegator_lessons",
        sa.Column("lesson_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("lesson", JSONB, nullable=False),
        sa.CheckConstraint(
            "kind IN ('role_added', 'role_removed', 'role_unheard', 'feedback')", name="ck_delegator_lessons_kind"
        ),
        sa.CheckConstraint("jsonb_typeof(lesson) = 'object'", name="ck_delegator_lessons_lesson"),
        sa.PrimaryKeyConstraint("lesson_id", name="pk_delegator_lessons"),
        sa.UniqueConstraint("uid", name="uq_delegator_lessons_uid"),
        comment="What use has shown about a reading: roles added, removed, unheard, and feedback",
    )


def _create_analysis_versions() -> None:
    op.create_table(
        "delegator_analysis_versions",
        sa.Column("version", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("weights", JSONB, nullable=False),
        sa.Column("measured", JSONB, nullable=False),
        sa.CheckConstraint(
            "jsonb_typeof(weights) = 'object' AND jsonb_typeof(measured) = 'object'",
            name="ck_delegator_analysis_versions_objects",
        ),
        sa.PrimaryKeyConstraint("version", name="pk_delegator_analysis_versions"),
        comment="What was learned from lessons, beside the shipped weights; one version at most is active",
    )
    op.create_index(
        "uq_delegator_analysis_versions_active",
        "delegator_analysis_versions",
        ["active"],
        unique=True,
        postgresql_where=sa.text("active"),
    )
