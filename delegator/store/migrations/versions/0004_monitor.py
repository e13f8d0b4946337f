"""The monitor: who did what from outside, and alerts.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FORMER_KINDS = """
    session_created session_ready session_failed session_ended session_timed_out agent_spawned
    agent_restarted agent_terminated model_loaded model_unloaded model_lost model_held model_released
    model_fallback task_queued task_started turn_started turn_retried turn_completed task_completed
    task_failed task_cancelled orphan_removed drift_found host_suspect host_recovered
    model_quarantined model_prefetched prefetch_used prefetch_wasted load_cancelled team_degraded
    role_moved model_pinned model_unpinned model_pulled model_removed
    session_asked session_answered feedback_given role_unheard analysis_learned analysis_reset
"""
NEW_KINDS = "control_used alert_raised alert_cleared"


def listed(words: str) -> str:
    return ", ".join(f"'{word}'" for word in words.split())


def upgrade() -> None:
    _allow_kinds(FORMER_KINDS + " " + NEW_KINDS)
    # Events of one kind, newest first: what the page of events and the alerts of a former life are read by.
    op.create_index("ix_delegator_events_kind", "delegator_events", ["kind", "event_id"])
    op.alter_column(
        "delegator_events", "principal", comment="who caused it from outside; null where it came about by itself"
    )
    _order_history_by("session_id")
    _create_pins()


def _order_history_by(tie_breaker: str) -> None:
    """Let the history be read in the order of the index: sessions of one moment by what people see of them."""
    op.drop_index("ix_delegator_sessions_history", "delegator_sessions")
    columns = (f"{name} DESC" for name in ("created_at", tie_breaker))
    op.create_index("ix_delegator_sessions_history", "delegator_sessions", [sa.text(column) for column in columns])


def _create_pins() -> None:
    op.create_table(
        "delegator_pins",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "model", name="pk_delegator_pins"),
        comment="Models that stay in memory, by endpoint, until somebody unpins them",
    )


def downgrade() -> None:
    op.drop_table("delegator_pins")
    _order_history_by("id")
    op.alter_column("delegator_events", "principal", comment="who caused it; null until callers have names")
    op.drop_index("ix_delegator_events_kind", "delegator_events")
    op.execute("SET LOCAL delegator.retention = 'on'")
    # The old schema cannot say the new kinds.
    op.execute(f"DELETE FROM delegator_events WHERE kind IN ({listed(NEW_KINDS)})")  # noqa: S608 - constants
    _allow_kinds(FORMER_KINDS)


def _allow_kinds(words: str) -> None:
    op.drop_constraint("ck_delegator_events_kind", "delegator_events", type_="check")
    op.create_check_constraint("ck_delegator_events_kind", "delegator_events", f"kind IN ({listed(words)})")
