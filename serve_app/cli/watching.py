"""Watching a task until it ends.

Owns the pace of asking and what counts as the end; what is shown on the way is the caller's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from delegator.schemas import ErrorBody, GetTaskRequest, TaskStatus, TaskView
from serve_app.cli.exits import CommandFailed

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

ASK_EVERY_S = 0.25
"""Real seconds between two looks at what goes on: often enough to feel live, a few milliseconds of work each."""


async def until_done(client: AsyncClient, task_id: str, *, seen: Callable[[TaskView], None]) -> TaskView:
    """Return the task once it has ended; `seen` is called with each look at it, the last one included."""
    while True:
        task = await client.get_task(GetTaskRequest(task_id=task_id))
        seen(task)
        if task.status.is_final:
            return task
        await asyncio.sleep(ASK_EVERY_S)


def raise_if_failed(task: TaskView) -> None:
    """Do nothing for a task that ended well.

    Raises:
        CommandFailed: it failed or was cancelled.
    """
    if task.status is TaskStatus.COMPLETED or not task.status.is_final:
        return
    raise CommandFailed(failure_of(task))


def failure_of(task: TaskView) -> ErrorBody:
    """Return why a task has not come to an answer."""
    if task.error is not None:
        return task.error
    see = f"See what was said: delegator task show {task.task_id}"
    return ErrorBody(
        code=f"task_{task.status.value}", message=f"task '{task.task_id}' was {task.status.value}", hint=see
    )
