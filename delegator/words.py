"""The words of the public vocabulary: kinds of work, levels, states, and the kinds of events.

Owns the closed lists of words; what is said with them is `delegator/schemas.py`.
"""

from __future__ import annotations

from enum import StrEnum


class TaskType(StrEnum):
    """What kind of work a task is."""

    BUG_FIX = "bug_fix"
    FEATURE_DEVELOPMENT = "feature_development"
    REFACTORING = "refactoring"
    TESTING = "testing"
    ARCHITECTURE = "architecture"
    STRATEGIC_PLANNING = "strategic_planning"
    UI_DESIGN = "ui_design"
    DEPLOYMENT = "deployment"
    DOCUMENTATION = "documentation"
    HR = "hr"
    OPERATIONS = "operations"
    GENERAL = "general"


class TaskCategory(StrEnum):
    """The monitor's seven groups; given by a caller, it fixes the team."""

    STRATEGIC = "strategic"
    TECHNICAL = "technical"
    DEVELOPMENT = "development"
    HR = "hr"
    OPERATIONS = "operations"
    PRODUCT = "product"
    QUICK_FIX = "quick_fix"


class Complexity(StrEnum):
    """How much a task asks for; decides the limits of its session."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very_high"


class SessionStatus(StrEnum):
    """Where a session stands in its life."""

    STARTING = "starting"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    HIBERNATED = "hibernated"

    @property
    def is_open(self) -> bool:
        """True while the session holds, or may still hold, agents and models."""
        return self in (SessionStatus.STARTING, SessionStatus.ACTIVE)


class TaskStatus(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    RUNNING = "running"
    NEEDS_INPUT = "needs_input"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True when the task will not change any more."""
        return self in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED)


class Rung(StrEnum):
    """One means by which a team that does not fit the memory is made to fit; `delegator/residency/ladder.py`."""

    WAIT = "wait"
    EVICT_IDLE = "evict_idle"
    SMALLER = "smaller"
    MERGE = "merge"
    REFUSE = "refuse"


class EventKind(StrEnum):
    """Every kind of line in the event log."""

    SESSION_CREATED = "session_created"
    SESSION_READY = "session_ready"
    SESSION_FAILED = "session_failed"
    SESSION_ENDED = "session_ended"
    SESSION_TIMED_OUT = "session_timed_out"
    AGENT_SPAWNED = "agent_spawned"
    AGENT_RESTARTED = "agent_restarted"
    AGENT_TERMINATED = "agent_terminated"
    MODEL_LOADED = "model_loaded"
    MODEL_UNLOADED = "model_unloaded"
    MODEL_LOST = "model_lost"
    MODEL_HELD = "model_held"
    MODEL_RELEASED = "model_released"
    MODEL_FALLBACK = "model_fallback"
    TASK_QUEUED = "task_queued"
    TASK_STARTED = "task_started"
    TURN_STARTED = "turn_started"
    TURN_RETRIED = "turn_retried"
    TURN_COMPLETED = "turn_completed"
    TASK_COMPLETED = "task_completed"
    TASK_FAILED = "task_failed"
    TASK_CANCELLED = "task_cancelled"
    ORPHAN_REMOVED = "orphan_removed"
    DRIFT_FOUND = "drift_found"
    HOST_SUSPECT = "host_suspect"
    HOST_RECOVERED = "host_recovered"
    MODEL_QUARANTINED = "model_quarantined"
    MODEL_PREFETCHED = "model_prefetched"
    PREFETCH_USED = "prefetch_used"
    PREFETCH_WASTED = "prefetch_wasted"
    LOAD_CANCELLED = "load_cancelled"
    TEAM_DEGRADED = "team_degraded"
    ROLE_MOVED = "role_moved"
    MODEL_PINNED = "model_pinned"
    MODEL_UNPINNED = "model_unpinned"
    MODEL_PULLED = "model_pulled"
    MODEL_REMOVED = "model_removed"
    SESSION_ASKED = "session_asked"
    SESSION_ANSWERED = "session_answered"
    FEEDBACK_GIVEN = "feedback_given"
    ROLE_UNHEARD = "role_unheard"
    ANALYSIS_LEARNED = "analysis_learned"
    ANALYSIS_RESET = "analysis_reset"
    CONTROL_USED = "control_used"
    ALERT_RAISED = "alert_raised"
    ALERT_CLEARED = "alert_cleared"


SESSION_ENDS = frozenset({EventKind.SESSION_ENDED, EventKind.SESSION_FAILED, EventKind.SESSION_TIMED_OUT})
"""The events of which one ends a session."""

TASK_ENDS = frozenset({EventKind.TASK_COMPLETED, EventKind.TASK_FAILED, EventKind.TASK_CANCELLED})
"""The events of which one ends a task."""
