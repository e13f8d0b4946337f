"""The book of sessions: creates them, ends them, brings back those of a former life; each changes under its own lock.

What a caller is told is in the store before it is told. How a session is opened is `session_opening.py`'s, how one is
found `open_sessions.py`'s.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from actors import acting
from actors.host_messages import Released
from actors.open_sessions import OpenSessions
from actors.parts import Ending, OpenSession, Parts
from actors.questions import Questions
from actors.receipts import SessionEnergy, receipt_of
from actors.session_opening import SessionOpening
from actors.team_changes import terminated
from actors.team_leases import TeamLeases
from delegator.errors import DeadlineExceeded, Unavailable
from delegator.roles.catalogue import Model
from delegator.schemas import AnswerQuestionRequest, CreateSessionRequest, EventKind, Receipt, SessionStatus
from delegator.store.records import NewEvent, SessionRecord

log = logging.getLogger(__name__)


class SessionBook(OpenSessions):
    """All open sessions."""

    def __init__(self, parts: Parts) -> None:
        """Start with no sessions; `recall` brings back those of a former life."""
        super().__init__(parts)
        self._energy = SessionEnergy.of(parts.settings)
        self._opening = SessionOpening(parts, self, self._energy)
        self._questions = Questions(parts, self, self._opening)
        self._leases = TeamLeases(parts)

    async def create(self, request: CreateSessionRequest) -> OpenSession:
        """Create a session and begin to open it; wait at most `request.wait_s` for it to be ready.

        Where it is to ask and has something to ask, it waits for `answer` instead.

        Raises:
            TooManySessions, MemoryExceeded, ModelMissing and whatever keeps it from opening within the wait.
        """
        doubt = self._questions.doubt_about(request)
        return await (self._opening.create(request) if doubt is None else self._questions.ask(doubt))

    async def answer(self, request: AnswerQuestionRequest) -> OpenSession:
        """Answer the question of a session and begin to open it; wait at most `request.wait_s` for it to be ready.

        Raises:
            SessionNotFound, SessionEnded, QuestionNotAsked, InvalidInput, and what `create` raises: then it has failed.
        """
        session = await self.require(request.session_id)
        await self.touch(session)
        await self._questions.answer(session, request)
        return session

    async def finish_failing(self) -> None:
        """Write down what could not be written when sessions failed."""
        await self._opening.finish_failing()

    # ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────

    def begin_end(self, session: OpenSession, kind: EventKind, reason: str) -> Ending:
        """Let a session take nothing new from now on. Where its end broke off earlier, that end goes on.

        Raises:
            SessionEnded: it is over.
        """
        self.ensure_not_over(session)
        by = acting.by() if kind is EventKind.SESSION_ENDED else None
        session.ending = session.ending or Ending(kind, reason, by=by)
        return session.ending

    async def end(self, session: OpenSession, ending: Ending) -> tuple[list[str], Released, Receipt, SessionRecord]:
        """End a session: agents and models that nobody else holds are gone, confirmed, before this returns.

        The caller has stopped its tasks. Returns its team, what was given back, its receipt and its last record. What
        breaks off half-way is begun again by the next caller, or by the reconciler.

        Raises:
            SessionEnded: somebody else ended it meanwhile.
        """
        async with session.lock:
            self.ensure_not_over(session)
            await self._stop_opening(session)
            team = list(session.team)
            released = await self._give_back(session)
            record, receipt = await self._close_record(session, ending)
            self.leave(session)
            self._energy.leave(session.session_id)
        self._parts.recorder.forget(session.session_id)
        return team, released, receipt, record

    async def _stop_opening(self, session: OpenSession) -> None:
        if session.opening is not None:
            session.opening.cancel()
            await asyncio.gather(session.opening, return_exceptions=True)

    async def _give_back(self, session: OpenSession) -> Released:
        if not self._parts.settings.auto_cleanup_agents:
            for role in session.team:
                await self._leases.release(session, role)
            return Released((), ())
        _, released = await asyncio.gather(
            self._leases.release_all(session), self._parts.hosts.release(session.session_id)
        )
        return released

    async def _close_record(self, session: OpenSession, ending: Ending) -> tuple[SessionRecord, Receipt]:
        now, reason = self._parts.clock.now(), ending.reason
        events = [terminated(session, role, now, reason, ending.by) for role in session.team]
        data = {"reason": reason, **self._energy.measured(session.session_id)}
        events.append(NewEvent(ending.kind, now, session.session_id, data=data, by=ending.by))
        record = replace(session.record, status=SessionStatus.COMPLETED, ended_at=now, end_reason=reason)
        used = (await receipt_of(self._parts, record, closing=events)).model_dump(mode="json")
        await self._parts.store.end_session(session.session_id, SessionStatus.COMPLETED, now, reason, used, events)
        session.record = replace(record, resources_used=used)
        return session.record, Receipt.model_validate(used)

    async def receipt(self, record: SessionRecord) -> Receipt:
        """Return a session's receipt, open or ended."""
        return await receipt_of(self._parts, record)

    # ── a former life ────────────────────────────────────────────────────────────────────────────────────────────

    async def recall(self) -> None:
        """Bring back the sessions that were open when the process died."""
        agents = await self._parts.store.open_agents()
        for record in await self._parts.store.open_sessions():
            session = self.enter(OpenSession(record, recalled=True))
            team = [agent for agent in agents if agent.session_id == record.session_id]
            session.models = {agent.role: agent.model for agent in team}
            session.endpoints = {agent.role: agent.endpoint for agent in team if agent.endpoint is not None}

    async def reopen(self, session: OpenSession) -> None:
        """Lease the agents of a recalled session again; a session that was still starting is opened anew.

        One that waits for an answer goes on waiting.
        """
        async with session.lock:  # an answer may just be opening it
            if session.record.status is SessionStatus.STARTING:
                if session.opening is None and not session.waits_for_answer:
                    self._opening.begin(session)
                return
        for role in session.team:
            try:
                await self._leases.lease(session, role, since=session.record.created_at)
            except (DeadlineExceeded, Unavailable) as exc:
                log.warning("%s of %s does not answer yet: %s", role, session.session_id, exc)


def baseline_models(parts: Parts) -> list[Model]:
    """Return the models of all roles, each once: what is compared against."""
    names = dict.fromkeys(role.model for role in parts.catalogue.roles.values())
    return [parts.catalogue.models[name] for name in names]
