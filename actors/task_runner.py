"""Lets teams work: each task a sequence of turns, each turn in the store before the next begins.

A task survives what happens around it: what a single turn survives is `turn_attempts.py`'s, and after the death of the
`SessionManager` its next life resumes at the first turn that has no answer. Team tasks of one session run one after the
other; messages to single roles do not wait for them.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from actors import acting
from actors.lessons import Taught, what_a_task_taught
from actors.parts import OpenSession, Parts
from actors.running_task import RunningTask, TurnAtHand, task_event
from actors.turn_attempts import TurnAttempts
from delegator.errors import DeadlineExceeded, DelegatorError, TaskFinished, TaskNotFound, Unavailable
from delegator.schemas import EventKind, TaskStatus
from delegator.sessions.ids import new_task_id
from delegator.sessions.turns import plan_message_turn, plan_team_turns
from delegator.store.records import NewEvent, TaskKind, TaskRecord, TurnPlan

log = logging.getLogger(__name__)

CANCEL_S = 15.0
"""Real seconds until a cancelled task's end must be in the store: every call answers within 20 s."""

STORE_PAUSE_S = 0.5
"""Real seconds before an end that the store did not take is offered again; doubles with each try, up to 5."""

BACKGROUND_ANSWERS = 3
"""How many earlier answers of the session a new task is told about."""


class TaskRunner:
    """All unfinished tasks."""

    def __init__(self, parts: Parts, turns: TurnAttempts) -> None:
        """Start with no tasks; `resume` takes up those of a former life. `turns` takes their turns."""
        self._parts = parts
        self._turn_attempts = turns
        self._running: dict[str, RunningTask] = {}

    # ── taking tasks ─────────────────────────────────────────────────────────────────────────────────────────────

    async def delegate(self, session: OpenSession, text: str) -> RunningTask:
        """Give a task to the whole team; return once it is in the store."""

        def turns() -> tuple[TurnPlan, ...]:
            planned = plan_team_turns(session.team, self._parts.catalogue)
            return tuple(TurnPlan(turn.role, turn.purpose) for turn in planned)

        return await self._take(session, "team", text, "user", turns)

    async def message(self, session: OpenSession, from_role: str, to_role: str, text: str) -> RunningTask:
        """Give one role a message to answer; return once it is in the store.

        Raises:
            UnknownRole, AgentNotActive.
        """
        if from_role != "user":
            self._parts.catalogue.role(from_role)
        self._parts.catalogue.role(to_role)

        def turns() -> tuple[TurnPlan, ...]:
            session.ensure_active(to_role)
            planned = plan_message_turn(to_role)
            return (TurnPlan(planned.role, planned.purpose),)

        return await self._take(session, "message", text, from_role, turns)

    async def _take(
        self,
        session: OpenSession,
        kind: TaskKind,
        text: str,
        from_role: str,
        plan_turns: Callable[[], tuple[TurnPlan, ...]],
    ) -> RunningTask:
        """Take a task; its turns are planned under the session's lock, for the team as it is then."""
        async with session.lock:
            session.ensure_at_work()
            turns = plan_turns()
            now = self._parts.clock.now()
            record = TaskRecord(
                task_id=new_task_id(now, secrets.randbelow(100_000)),
                session_id=session.session_id,
                kind=kind,
                text=text,
                from_role=from_role,
                turns=turns,
                status=TaskStatus.QUEUED,
                created_at=now,
            )
            event = self._event(record, EventKind.TASK_QUEUED, kind=kind, turns=len(turns))
            await self._parts.store.create_task(record, [replace(event, by=acting.by())])
            if kind == "team":
                session.record = replace(session.record, tasks_delegated=session.record.tasks_delegated + 1)
            return self._start(session, record)

    def _start(self, session: OpenSession, record: TaskRecord) -> RunningTask:
        running = RunningTask(record, asyncio.Event(), remaining=tuple(t.role for t in record.turns))
        self._running[record.task_id] = running
        session.tasks[record.task_id] = None
        running.work = asyncio.create_task(self._run(session, running))
        return running

    async def resume(self, session: OpenSession) -> None:
        """Take up the unfinished tasks of a recalled session, once."""
        async with session.lock:
            if not session.recalled:
                return
            for record in await self._parts.store.unfinished_tasks():
                if record.session_id == session.session_id and record.task_id not in self._running:
                    self._start(session, record)
            session.recalled = False

    # ── looking and stopping ─────────────────────────────────────────────────────────────────────────────────────

    def get(self, task_id: str) -> RunningTask | None:
        """Return an unfinished task."""
        return self._running.get(task_id)

    async def record_of(self, task_id: str) -> TaskRecord:
        """Return the record of a task, finished or not.

        Raises:
            TaskNotFound.
        """
        running = self._running.get(task_id)
        record = running.record if running else await self._parts.store.task(task_id)
        if record is None:
            raise TaskNotFound(task_id)
        return record

    async def wait(self, task_id: str, wait_s: float) -> None:
        """Wait until a task has ended, at most `wait_s` real seconds."""
        running = self._running.get(task_id)
        if running is not None and wait_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await running.ended.wait()

    async def cancel(self, task_id: str, because: str) -> None:
        """Stop a task; its speech breaks off at Ollama. Returns once its end is in the store.

        Raises:
            TaskNotFound, TaskFinished.
            Unavailable: it is of a former life, and not taken up again yet.
            DeadlineExceeded: it is stopped, but the store does not take its end yet.
        """
        running = self._running.get(task_id)
        if running is None:
            record = await self.record_of(task_id)
            if record.status.is_final:
                raise TaskFinished(task_id, record.status.value)
            raise Unavailable(f"task '{task_id}' is not at work again yet")
        running.cancelled_because, running.cancelled_by = because, acting.by()
        if running.work is not None:
            running.work.cancel()
        try:
            async with asyncio.timeout(CANCEL_S):
                await running.ended.wait()
        except TimeoutError:
            raise DeadlineExceeded(f"writing down the end of {task_id}", CANCEL_S) from None

    async def cancel_all(self, session: OpenSession, because: str) -> None:
        """Stop every unfinished task of a session.

        Raises:
            DeadlineExceeded: they are stopped, but the store does not take their end yet.
        """
        cancelled = [self.cancel(task_id, because) for task_id in session.tasks]
        for outcome in await asyncio.gather(*cancelled, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, TaskFinished | TaskNotFound):
                raise outcome

    def turns_under_way(self) -> frozenset[str]:
        """Return the ids of the turns that hold, or wait for, a slot."""
        return frozenset(
            f"{r.record.task_id}:{index}" for r in self._running.values() for index in range(len(r.record.turns))
        )

    def oldest_of(self, session: OpenSession) -> RunningTask | None:
        """Return the oldest running task of a session; None while it has none."""
        running = (self._running.get(task_id) for task_id in session.tasks)
        return next((task for task in running if task is not None), None)

    def busy_with(self, session: OpenSession, role: str) -> str | None:
        """Return the unfinished task in which the role still has a turn, if there is one."""
        for task_id in session.tasks:
            running = self._running.get(task_id)
            if running is not None and role in running.remaining:
                return task_id
        return None

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self, session: OpenSession, running: RunningTask) -> None:
        """Run one task to its end, whatever that is, and write the end down."""
        status = TaskStatus.FAILED
        answer: str | None = None
        error: dict[str, Any] | None = None
        taught = Taught()
        try:
            if session.opening is not None:
                await asyncio.shield(session.opening)
            if running.record.kind == "team":
                async with session.task_order:
                    answer, taught = await self._turns(session, running)
            else:
                answer, taught = await self._turns(session, running)
            status = TaskStatus.COMPLETED
        except asyncio.CancelledError:
            status = TaskStatus.CANCELLED
            reason = running.cancelled_because or "the system stopped"
            error = {"code": "cancelled", "message": reason, "hint": "", "details": {}}
        except DelegatorError as exc:
            error = {"code": exc.code, "message": exc.message, "hint": exc.advice, "details": exc.details()}
        except Exception as exc:
            log.exception("task %s failed unexpectedly", running.record.task_id)
            error = {"code": "internal_error", "message": str(exc) or type(exc).__name__, "hint": "", "details": {}}
        await asyncio.shield(asyncio.create_task(self._finish(session, running, status, answer, error, taught)))

    async def _finish(
        self,
        session: OpenSession,
        running: RunningTask,
        status: TaskStatus,
        answer: str | None,
        error: dict[str, Any] | None,
        taught: Taught,
    ) -> None:
        now = self._parts.clock.now()
        kind = {
            TaskStatus.COMPLETED: EventKind.TASK_COMPLETED,
            TaskStatus.CANCELLED: EventKind.TASK_CANCELLED,
        }.get(status, EventKind.TASK_FAILED)
        reason: dict[str, Any] = {"reason": error["message"], "code": error["code"]} if error else {}
        by = running.cancelled_by if status is TaskStatus.CANCELLED else None
        ended = replace(self._event(running.record, kind, **reason), by=by)
        events = [*taught.events, ended]
        pause_s = STORE_PAUSE_S
        while True:
            try:
                await self._parts.store.finish_task(
                    running.record.task_id, status, now, answer, error, events, lessons=taught.lessons
                )
                break
            except Unavailable as exc:  # the end must be written: the store comes back, or the next life resumes
                log.warning("the end of %s waits for the store: %s", running.record.task_id, exc)
                await asyncio.sleep(pause_s)
                pause_s = min(5.0, pause_s * 2)
            except DelegatorError as exc:
                log.error("the end of %s cannot be written down: %s", running.record.task_id, exc)
                break
        running.record = replace(running.record, status=status, ended_at=now, answer=answer, error=error)
        session.record = replace(session.record, last_activity_at=now)
        session.tasks.pop(running.record.task_id, None)
        self._running.pop(running.record.task_id, None)
        running.ended.set()

    async def _turns(self, session: OpenSession, running: RunningTask) -> tuple[str, Taught]:
        """Take the turns that are left; return the answer, and what the task has taught."""
        record = running.record
        done = await self._parts.store.messages_of(record.task_id)
        said: list[tuple[str, str]] = [(message.from_role, message.text) for message in done]
        if record.status is TaskStatus.QUEUED:
            now = self._parts.clock.now()
            await self._parts.store.start_task(record.task_id, now, [self._event(record, EventKind.TASK_STARTED)])
            record = running.record = replace(record, status=TaskStatus.RUNNING, started_at=now)
        background = await self._background(session, record)
        for index in range(len(said), len(record.turns)):
            running.remaining = tuple(t.role for t in record.turns[index:])
            message = await self._turn_attempts.take(TurnAtHand(session, running, index, said, background))
            said.append((message.from_role, message.text))
        running.role, running.remaining = None, ()
        return said[-1][1], what_a_task_taught(self._parts, session, record, said, background)

    async def _background(self, session: OpenSession, record: TaskRecord) -> tuple[str, ...]:
        """Return the answers of the session's latest finished team tasks, oldest first."""
        earlier = [
            task
            for task in await self._parts.store.tasks_of(session.session_id)
            if task.answer and task.kind == "team" and task.task_id != record.task_id
        ]
        earlier.sort(key=lambda task: task.created_at)
        return tuple(task.answer or "" for task in earlier[-BACKGROUND_ANSWERS:])

    def _event(self, record: TaskRecord, event_kind: EventKind, /, **data: object) -> NewEvent:
        return task_event(record, event_kind, self._parts.clock.now(), data)
