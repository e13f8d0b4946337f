"""Which status may follow which, for sessions and tasks.

Owns the tables and the refusal. Who changes a status, and what else happens then, is the `SessionManager`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from delegator.errors import SessionEnded, TaskFinished, WrongState
from delegator.schemas import SessionStatus, TaskStatus

Status = TypeVar("Status", SessionStatus, TaskStatus)

SESSION_TRANSITIONS: Mapping[SessionStatus, frozenset[SessionStatus]] = MappingProxyType(
    {
        # a session may be ended while its agents still start
        SessionStatus.STARTING: frozenset({SessionStatus.ACTIVE, SessionStatus.COMPLETED, SessionStatus.FAILED}),
        SessionStatus.ACTIVE: frozenset({SessionStatus.COMPLETED, SessionStatus.FAILED, SessionStatus.HIBERNATED}),
        # it wakes by starting its agents anew
        SessionStatus.HIBERNATED: frozenset({SessionStatus.STARTING, SessionStatus.COMPLETED, SessionStatus.FAILED}),
        SessionStatus.COMPLETED: frozenset(),
        SessionStatus.FAILED: frozenset(),
    }
)
"""{status: those that may follow}; nothing follows an end."""

TASK_TRANSITIONS: Mapping[TaskStatus, frozenset[TaskStatus]] = MappingProxyType(
    {
        # a task may fail before its first turn: its session ends, or no model can be loaded
        TaskStatus.QUEUED: frozenset({TaskStatus.RUNNING, TaskStatus.FAILED, TaskStatus.CANCELLED}),
        TaskStatus.RUNNING: frozenset(
            {TaskStatus.NEEDS_INPUT, TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED}
        ),
        TaskStatus.NEEDS_INPUT: frozenset({TaskStatus.RUNNING, TaskStatus.FAILED, TaskStatus.CANCELLED}),
        TaskStatus.COMPLETED: frozenset(),
        TaskStatus.FAILED: frozenset(),
        TaskStatus.CANCELLED: frozenset(),
    }
)
"""{status: those that may follow}; a task taken up again after a crash stays running."""


def ensure_transition(subject_id: str, present: Status, wanted: Status) -> None:
    """Return when `subject_id`, a session's or a task's id, may go from `present` to `wanted`.

    The same status again is no transition: a caller that repeats itself asks before.

    Raises:
        SessionEnded, TaskFinished: it has come to its end.
        WrongState: it is open, but this step does not follow from where it stands.
    """
    if wanted in _followers(present):
        return
    if isinstance(present, SessionStatus):
        if not SESSION_TRANSITIONS[present]:
            raise SessionEnded(subject_id, present.value)
        raise WrongState(f"session '{subject_id}' is {present.value} and cannot become {wanted.value}")
    if present.is_final:
        raise TaskFinished(subject_id, present.value)
    raise WrongState(f"task '{subject_id}' is {present.value} and cannot become {wanted.value}")


def _followers(present: SessionStatus | TaskStatus) -> frozenset[SessionStatus] | frozenset[TaskStatus]:
    # by type, not by value: both enums have a member "completed"
    return SESSION_TRANSITIONS[present] if isinstance(present, SessionStatus) else TASK_TRANSITIONS[present]
