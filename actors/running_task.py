"""A task that is not finished, and the turn of it that is at hand, as the `SessionManager` keeps them in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from actors.parts import OpenSession
from delegator.schemas import EventKind
from delegator.store.records import NewEvent, TaskRecord


@dataclass(slots=True, eq=False)
class RunningTask:
    """A task that is not finished.

    Attributes:
        role: who has the turn; None before the first.
        waiting_for: the model that role waits for; None while it speaks.
        cancelled_by: who cancelled it; None where nobody did.
        ended: set once the task's end is in the store.
        set_aside: bytes of the session's limit kept for the next speaker's model on another endpoint.
    """

    record: TaskRecord
    ended: asyncio.Event
    work: asyncio.Task[None] | None = None
    role: str | None = None
    waiting_for: str | None = None
    cancelled_because: str | None = None
    cancelled_by: str | None = None
    remaining: tuple[str, ...] = ()
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class TurnAtHand:
    """One turn of a running task, with what was said before it."""

    session: OpenSession
    running: RunningTask
    index: int
    said: Sequence[tuple[str, str]]
    background: tuple[str, ...]

    @property
    def record(self) -> TaskRecord:
        """Return the task's record."""
        return self.running.record

    @property
    def role(self) -> str:
        """Return whose turn it is."""
        return self.record.turns[self.index].role

    @property
    def turn_id(self) -> str:
        """Return its id."""
        return f"{self.record.task_id}:{self.index}"


def task_event(
    record: TaskRecord,
    kind: EventKind,
    at: datetime,
    data: Mapping[str, object],
    *,
    role: str | None = None,
    model: str | None = None,
) -> NewEvent:
    """Return an event of a task, whose id stands beside the `data`."""
    facts = {"task_id": record.task_id, **data}
    return NewEvent(kind=kind, at=at, session_id=record.session_id, role=role, model=model, data=facts)


def turn_event(
    at_hand: TurnAtHand, kind: EventKind, at: datetime, /, *, model: str | None = None, **data: object
) -> NewEvent:
    """Return an event of a turn."""
    return task_event(at_hand.record, kind, at, data, role=at_hand.role, model=model)
