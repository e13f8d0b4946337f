"""Residency: where an agent's model runs, plans to be applied, and what was learned about models and situations.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

FORMER_KINDS = """
    session_created session_ready session_failed session_ended session_timed_out agent_spawned
    agent_restarted agent_terminated model_loaded model_unloaded model_lost model_held model_released
    model_fallback task_queued task_started turn_started turn_retried turn_completed task_completed
    task_failed task_cancelled orphan_removed drift_found host_suspect host_recovered
"""
NEW_KINDS = """
    model_quarantined model_prefetched prefetch_used prefetch_wasted load_cancelled team_degraded
    role_moved model_pinned model_unpinned model_pulled model_removed
"""


def listed(words: str) -> str:
    return ", ".join(f"'{word}'" for word in words.split())


def upgrade() -> None:
    _allow_kinds(FORMER_KINDS + NEW_KINDS)
    op.add_column(
        "delegator_agents",
        sa.Column("endpoint", sa.Text(), nullable=True, comment="where its model runs; null before there were several"),
    )
    _create_plans()
    _create_model_facts()
    _create_learned()


def downgrade() -> None:
    for table in ("learned", "model_facts", "plans"):
        op.drop_table(f"delegator_{table}")
    op.drop_column("delegator_agents", "endpoint")
    op.execute("SET LOCAL delegator.retention = 'on'")
    # The old schema cannot say the new kinds.
    op.execute(f"DELETE FROM delegator_events WHERE kind IN ({listed(NEW_KINDS)})")  # noqa: S608 - constants
    _allow_kinds(FORMER_KINDS)


def _allow_kinds(words: str) -> None:
    op.drop_constraint("ck_delegator_events_kind", "delegator_events", type_="check")
    op.create_check_constraint("ck_delegator_events_kind", "delegator_events", f"kind IN ({listed(words)})")


def _create_plans() -> None:
    op.create_table(
        "delegator_plans",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("request", JSONB, nullable=False),
        sa.Column("plan", JSONB, nullable=False),
        sa.CheckConstraint(
            "jsonb_typeof(request) = 'object' AND jsonb_typeof(plan) = 'object'", name="ck_delegator_plans_objects"
        ),
        sa.PrimaryKeyConstraint("plan_id", name="pk_delegator_plans"),
        comment="What plan_session foretold, kept until it expires so that create_session can apply it",
    )


def _create_model_facts() -> None:
    op.create_table(
        "delegator_model_facts",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("weights", sa.Text(), nullable=False),
        sa.Column("num_ctx", sa.Integer(), nullable=False),
        sa.Column("parallel", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("gpu_bytes", sa.BigInteger(), nullable=False),
        sa.Column("load_s", sa.Double(), nullable=False),
        sa.Column("loads", sa.Integer(), nullable=False),
        sa.Column("measured_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "size_bytes >= 0 AND gpu_bytes >= 0 AND load_s >= 0 AND loads >= 0",
            name="ck_delegator_model_facts_figures",
        ),
        sa.CheckConstraint("num_ctx > 0 AND parallel > 0", name="ck_delegator_model_facts_options"),
        sa.PrimaryKeyConstraint("endpoint", "weights", "num_ctx", "parallel", name="pk_delegator_model_facts"),
        comment="What loads of a weight file have shown on an endpoint; size_bytes 0: never measured",
    )


def _create_learned() -> None:
    op.create_table(
        "delegator_learned",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", JSONB, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "name", name="pk_delegator_learned"),
        comment="Small learned statistics; endpoint is empty for those of no endpoint",
    )
