"""The view *Session* as a page."""

from __future__ import annotations

import asyncio

from delegator.errors import DelegatorError
from delegator.schemas import (
    Event,
    GetTaskRequest,
    ListEventsRequest,
    Receipt,
    SessionRef,
    TaskView,
)
from serve_app.monitor.choices import SessionChoice, session_choice
from serve_app.monitor.elements import Board
from serve_app.monitor.session_view import SessionPage, SessionReplies, session_page, shown_tasks
from serve_app.monitor.view import Sources, View

EVENTS = 1_000
"""Events of a session that are read at most, the latest."""


class SessionBoard(Board[SessionPage], component="../components/monitor_session.vue"):
    """Shows it."""


async def _task(sources: Sources, task_id: str) -> TaskView:
    """Return a task with all that was said; one that has ended does not change any more and is read once."""
    known = sources.ended_tasks.get(task_id)
    if known is not None:
        return known
    task = await sources.backend.get_task(GetTaskRequest(task_id=task_id))
    if task.status.is_final:
        sources.remember(task)
    return task


async def _read(sources: Sources, choice: SessionChoice) -> SessionPage:
    backend, ref = sources.backend, SessionRef(session_id=choice.session_id)
    session, roles = await asyncio.gather(backend.get_session(ref), sources.roles())
    tasks, log, receipt = await asyncio.gather(
        asyncio.gather(*(_task(sources, task.task_id) for task in shown_tasks(session.tasks))),
        backend.list_events(ListEventsRequest(session_id=choice.session_id, latest=True, limit=EVENTS)),
        _receipt(sources, ref),
    )
    replies = SessionReplies(sources.now(), session, tasks, log.events, receipt, roles)
    return session_page(replies, scale=sources.scale)


async def _receipt(sources: Sources, ref: SessionRef) -> Receipt | None:
    try:
        return await sources.backend.get_receipt(ref)
    except DelegatorError:  # one that has not begun has none; whatever else is wrong shows in the other replies
        return None


def _concerned(choice: SessionChoice, event: Event) -> bool:
    return event.session_id == choice.session_id or (event.session_id is None and event.role is not None)


SESSION = View(
    name="session",
    title="Session",
    path="/session/{session_id}",
    board=SessionBoard,
    choice=session_choice,
    read=_read,
    concerned=_concerned,
    tick_s=3.0,
    listed=False,
    under_way=lambda page: page.under_way,
)
