"""What people say about how a session's task was read: recorded as a lesson, for sessions open and ended."""

from __future__ import annotations

from actors import acting
from actors.lessons import as_read
from actors.open_sessions import OpenSessions
from actors.parts import Parts
from delegator.schemas import EventKind, GiveFeedbackReply, GiveFeedbackRequest
from delegator.store.records import LessonRecord, NewEvent


class Feedback:
    """Takes feedback."""

    def __init__(self, parts: Parts, sessions: OpenSessions) -> None:
        """Work with these parts; open sessions are found in `sessions`, ended ones in the store."""
        self._parts = parts
        self._sessions = sessions

    async def give(self, request: GiveFeedbackRequest) -> GiveFeedbackReply:
        """Record what was said; it is durable when this returns.

        Raises:
            SessionNotFound, UnknownRole.
        """
        record = await self._sessions.record_of(request.session_id)
        for role in (*request.missing_roles, *request.needless_roles):
            self._parts.catalogue.role(role)
        now = self._parts.clock.now()
        said = request.model_dump(mode="json", exclude={"session_id"})
        lesson = LessonRecord(now, "feedback", record.session_id, record.task_description, as_read(record) | said)
        data = {"lesson": str(lesson.uid), **said}
        event = NewEvent(EventKind.FEEDBACK_GIVEN, now, record.session_id, data=data, by=acting.by())
        there = await self._parts.store.put_lessons([lesson], [event])
        await self._touch(record.session_id)
        return GiveFeedbackReply(
            session_id=record.session_id,
            rating=request.rating,
            right_type=request.right_type,
            missing_roles=list(request.missing_roles),
            needless_roles=list(request.needless_roles),
            comment=request.comment,
            task_type=record.task_type,
            teaches=bool(request.right_type or request.missing_roles or request.needless_roles),
            lessons=there,
        )

    async def _touch(self, session_id: str) -> None:
        """Somebody called: where the session is open, its time-out begins anew."""
        for session in self._sessions.sessions():
            if session.session_id == session_id:
                await self._sessions.touch(session)
