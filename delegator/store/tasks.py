"""Queries about tasks and the turns said in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.errors import TaskNotFound
from delegator.schemas import TaskStatus
from delegator.store import events, lessons, sessions
from delegator.store.records import LessonRecord, MessageRecord, NewEvent, TaskRecord, TurnPlan
from delegator.store.storable import storable_text
from delegator.store.tables import UNFINISHED_TASK, messages, tasks
from delegator.store.tables import sessions as session_table

_COLUMNS = tuple(tasks.c[field.name] for field in fields(TaskRecord))
_MESSAGE_COLUMNS = tuple(messages.c[field.name] for field in fields(MessageRecord))
_IS_UNFINISHED = text(UNFINISHED_TASK)  # as the partial index has it


async def create(connection: AsyncConnection, task: TaskRecord, new_events: Sequence[NewEvent]) -> None:
    """Store a new task; one for the team counts on its session.

    Raises:
        SessionNotFound: there is no session of that id.
    """
    await sessions.require(connection, task.session_id)
    query = insert(tasks).values(_as_row(task)).on_conflict_do_nothing(index_elements=[tasks.c.task_id])
    if await connection.scalar(query.returning(tasks.c.task_id)) is None:
        return
    if task.kind == "team":
        of_session = update(session_table).where(session_table.c.session_id == task.session_id)
        await connection.execute(of_session.values(tasks_delegated=session_table.c.tasks_delegated + 1))
    await events.append(connection, new_events)


async def start(connection: AsyncConnection, task_id: str, at: datetime, new_events: Sequence[NewEvent]) -> None:
    """Turn a queued task running.

    Raises:
        TaskNotFound: there is no task of that id.
    """
    query = update(tasks).where(tasks.c.task_id == task_id, tasks.c.status == TaskStatus.QUEUED.value)
    if (await connection.execute(query.values(status=TaskStatus.RUNNING.value, started_at=at))).rowcount:
        await events.append(connection, new_events)
    else:
        await require(connection, task_id)


async def add_turn(
    connection: AsyncConnection, message: MessageRecord, new_events: Sequence[NewEvent]
) -> MessageRecord:
    """Store what was said in a turn. Said twice (a retry that raced), the first saying stands and is returned.

    Raises:
        TaskNotFound: there is no task of that id.
    """
    await require(connection, message.task_id)
    row = asdict(message) | {"text": storable_text(message.text)}
    query = insert(messages).values(row).on_conflict_do_nothing(index_elements=[messages.c.task_id, messages.c.turn])
    kept = (await connection.execute(query.returning(*_MESSAGE_COLUMNS))).one_or_none()
    if kept is not None:
        await events.append(connection, new_events)
        return MessageRecord(**kept._mapping)
    same_turn = (messages.c.task_id == message.task_id) & (messages.c.turn == message.turn)
    first = (await connection.execute(select(*_MESSAGE_COLUMNS).where(same_turn))).one()
    return MessageRecord(**first._mapping)


async def finish(
    connection: AsyncConnection,
    task_id: str,
    status: TaskStatus,
    at: datetime,
    answer: str | None,
    error: dict[str, Any] | None,
    new_events: Sequence[NewEvent],
    new_lessons: Sequence[LessonRecord] = (),
) -> bool:
    """Bring a task to its end, with what that teaches.

    Returns:
        False when it had come to an end before; then nothing is changed.

    Raises:
        TaskNotFound: there is no task of that id.
    """
    values = {
        "status": status.value,
        "ended_at": at,
        "answer": None if answer is None else storable_text(answer),
        "error": error,
    }
    query = update(tasks).where(tasks.c.task_id == task_id, tasks.c.ended_at.is_(None)).values(values)
    if not (await connection.execute(query)).rowcount:
        await require(connection, task_id)
        return False
    await lessons.put(connection, new_lessons)
    await events.append(connection, new_events)
    return True


async def require(connection: AsyncConnection, task_id: str) -> None:
    """Raise TaskNotFound unless there is a task of that id."""
    if await connection.scalar(select(tasks.c.task_id).where(tasks.c.task_id == task_id)) is None:
        raise TaskNotFound(task_id)


async def get(connection: AsyncConnection, task_id: str) -> TaskRecord | None:
    """Return one task, or None."""
    row = (await connection.execute(select(*_COLUMNS).where(tasks.c.task_id == task_id))).one_or_none()
    return None if row is None else _record(row)


async def unfinished(connection: AsyncConnection) -> list[TaskRecord]:
    """Return the tasks that have not come to an end, oldest first."""
    query = select(*_COLUMNS).where(_IS_UNFINISHED).order_by(tasks.c.created_at, tasks.c.task_id)
    return [_record(row) for row in await connection.execute(query)]


async def of_session(connection: AsyncConnection, session_id: str) -> list[TaskRecord]:
    """Return the tasks of one session, oldest first."""
    query = select(*_COLUMNS).where(tasks.c.session_id == session_id).order_by(tasks.c.created_at, tasks.c.task_id)
    return [_record(row) for row in await connection.execute(query)]


async def messages_of(connection: AsyncConnection, task_id: str) -> list[MessageRecord]:
    """Return what was said in a task, in the order of its turns."""
    query = select(*_MESSAGE_COLUMNS).where(messages.c.task_id == task_id).order_by(messages.c.turn)
    return [MessageRecord(**row._mapping) for row in await connection.execute(query)]


def _as_row(task: TaskRecord) -> dict[str, Any]:
    row = asdict(task)
    row["turns"] = [asdict(turn) for turn in task.turns]
    row["status"] = task.status.value
    row["text"] = storable_text(task.text)
    row["answer"] = None if task.answer is None else storable_text(task.answer)
    return row


def _record(row: Row[Any]) -> TaskRecord:
    values = dict(row._mapping)
    values["turns"] = tuple(TurnPlan(**turn) for turn in row.turns)
    values["status"] = TaskStatus(row.status)
    return TaskRecord(**values)
