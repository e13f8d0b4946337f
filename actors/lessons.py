"""What use teaches about the reading of tasks: roles that people add or remove, and roles that nobody listened to.

Owns when something is a lesson and what it says; how lessons change the reading is `delegator/analysis/learning.py`'s,
what people say themselves `feedback.py`'s. A lesson is stored in the transaction of the change that teaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actors.parts import OpenSession, Parts
from actors.running_task import task_event
from delegator.schemas import EventKind
from delegator.sessions.contribution import Contribution, contributions
from delegator.store.records import LessonKind, LessonRecord, NewEvent, SessionRecord, TaskRecord


@dataclass(frozen=True, slots=True)
class Taught:
    """Lessons, and the events that tell of them."""

    lessons: tuple[LessonRecord, ...] = ()
    events: tuple[NewEvent, ...] = ()


def as_read(record: SessionRecord) -> dict[str, Any]:
    """Return how the task of a session was read, as every lesson of it says."""
    return {"task_type": record.task_type.value, "team": list(record.analysis.get("recommended_agents", ()))}


def team_lesson(kind: LessonKind, session: OpenSession, role: str, at: datetime) -> LessonRecord:
    """Return what it teaches that a caller takes a role in, or dismisses it.

    A role that is dismissed after the team has worked may simply have done its part: the lesson says so.
    """
    lesson = as_read(session.record) | {"role": role}
    if kind == "role_removed":
        lesson["had_worked"] = session.record.tasks_delegated > 0
    return LessonRecord(at, kind, session.session_id, session.record.task_description, lesson)


def what_a_task_taught(
    parts: Parts,
    session: OpenSession,
    record: TaskRecord,
    said: Sequence[tuple[str, str]],
    background: Sequence[str],
) -> Taught:
    """Return which roles spoke in vain in a task of the team; nothing of a message, nor with simulated models.

    What simulated models say is made of set phrases, whatever the task: that it reaches the answer or does not says
    nothing about who is needed, and a lesson from it would be noise.
    """
    if parts.simulated or record.kind != "team":
        return Taught()
    threshold = parts.settings.analysis.unheard_share
    unheard = [one for one in contributions([record.text, *background], said) if one.is_unheard(threshold)]
    now = parts.clock.now()
    return Taught(
        tuple(_unheard_lesson(session, record, one, now) for one in unheard),
        tuple(_unheard_event(record, one, now) for one in unheard),
    )


def _unheard_lesson(session: OpenSession, record: TaskRecord, one: Contribution, at: datetime) -> LessonRecord:
    # The text is the task's own, not the session's: on this task the role was not heard, which on another it may be.
    lesson = as_read(session.record) | {"role": one.role, "share": one.share, "task_id": record.task_id}
    return LessonRecord(at, "role_unheard", session.session_id, record.text, lesson)


def _unheard_event(record: TaskRecord, one: Contribution, at: datetime) -> NewEvent:
    facts = {"share": round(one.share or 0.0, 4), "words": one.spoken}
    return task_event(record, EventKind.ROLE_UNHEARD, at, facts, role=one.role)
