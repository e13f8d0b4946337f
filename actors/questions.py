"""Sessions that ask: made durable before anything is started, and opened by the answer just as any other.

A session asks where its caller wants that and the analysis is unsure. Until it is answered it holds a place among the
open sessions and nothing else. The answer settles the kind of work; whatever else the caller wished is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from actors.open_sessions import OpenSessions
from actors.parts import OpenSession, Parts
from actors.plan_drafts import TaskAsked
from actors.planning import Planning, Prepared
from actors.session_opening import SessionOpening
from actors.session_rows import answered_event, answered_record, asked_by, asked_event, asking_record
from delegator.errors import QuestionNotAsked, SessionEnded
from delegator.schemas import AnswerQuestionRequest, CreateSessionRequest, Question, TaskAnalysis, TaskType
from delegator.sessions.questions import question_of, understood
from delegator.store.records import AgentRecord, NewEvent, SessionRecord


@dataclass(frozen=True, slots=True)
class Doubt:
    """A task that can be read in two ways, and what would settle it."""

    task: TaskAsked
    analysis: TaskAnalysis
    question: Question


class Questions:
    """Asks, and takes answers."""

    def __init__(self, parts: Parts, sessions: OpenSessions, opening: SessionOpening) -> None:
        """Ask among these sessions; what is answered is opened by `opening`."""
        self._parts = parts
        self._sessions = sessions
        self._opening = opening
        self._planning = Planning(parts)

    def doubt_about(self, request: CreateSessionRequest) -> Doubt | None:
        """Return what a request should be asked; None where its caller wants no questions, or there is none.

        Raises:
            UnknownRole, InvalidInput: the wishes about roles cannot be kept.
        """
        if not request.ask or request.plan_id is not None:
            return None
        task = TaskAsked.of(request)
        analysis = self._parts.analyzer.analyze(task.for_analysis)
        question = question_of(analysis)
        return None if question is None else Doubt(task, analysis, question)

    async def ask(self, doubt: Doubt) -> OpenSession:
        """Create a session that waits for an answer.

        Raises:
            TooManySessions.
        """
        parts, question = self._parts, doubt.question
        session = self._sessions.take_place(
            lambda session_id, now: asking_record(parts, doubt.task, doubt.analysis, question, session_id, now)
        )
        async with session.lock:  # who finds it meanwhile waits for its row
            try:
                await parts.store.create_session(session.record, [], [asked_event(session.record, question)])
            except BaseException as exc:
                await self._opening.fail(session, None, exc)
                raise
        return session

    async def answer(self, session: OpenSession, request: AnswerQuestionRequest) -> None:
        """Take the answer to a session's question and begin to open it; wait at most `request.wait_s` for that.

        Raises:
            SessionEnded, QuestionNotAsked: it cannot be answered, or was answered by somebody else.
            InvalidInput: the answer means nothing; the session still waits.
            MemoryExceeded, ModelMissing and whatever keeps it from opening: it has failed.
        """
        async with session.lock:  # of two answers the second finds no question
            session.ensure_open()
            asked = asked_by(session.record)
            if asked is None:
                raise QuestionNotAsked(session.session_id)
            question, task = asked
            answer = understood(request.answer, question)
            prepared = await self._planned(session, task, answer)
            await self._open(session, prepared, answer)
        await self._opening.await_opening(session, request.wait_s)

    async def _planned(self, session: OpenSession, task: TaskAsked, answer: TaskType) -> Prepared:
        """Decide everything about a session that has been answered."""
        settled = replace(task, wishes=task.wishes.model_copy(update={"task_type": answer}))
        try:
            prepared = await self._planning.prepare_task(settled)
        except Exception as exc:  # not where the call is cancelled: nothing has been written, the session still waits
            if session.ending is None:  # otherwise whoever ends it does so once the lock is free
                await self._opening.fail(session, None, exc)
            raise
        if session.ending is not None:
            raise SessionEnded(session.session_id, "ending")
        return prepared

    async def _open(self, session: OpenSession, prepared: Prepared, answer: TaskType) -> None:
        now = self._parts.clock.now()
        session.record = answered_record(self._parts, prepared, session.record, now)

        async def write_down(record: SessionRecord, team: Sequence[AgentRecord], events: Sequence[NewEvent]) -> None:
            answered = answered_event(session.session_id, answer, now)
            await self._parts.store.answer_session(record, team, [answered, *events])

        await self._opening.open(session, prepared, now, write_down)
