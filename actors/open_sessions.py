"""The open sessions, and those that failed to open and whose rows do not say so yet: who they are, by id."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from actors.parts import OpenSession, Parts
from delegator.errors import NoActiveSession, SessionAmbiguous, SessionEnded, SessionNotFound, TooManySessions
from delegator.schemas import SessionStatus
from delegator.sessions.ids import new_session_id
from delegator.store.records import SessionRecord


class OpenSessions:
    """Finds sessions, and keeps the places for open ones."""

    def __init__(self, parts: Parts) -> None:
        """Start with no sessions."""
        self._parts = parts
        self._open: dict[str, OpenSession] = {}
        self.failing: dict[str, OpenSession] = {}
        """Sessions that could not be opened and whose row does not say so yet."""

    def sessions(self) -> list[OpenSession]:
        """Return the open sessions, newest first."""
        return sorted(self._open.values(), key=lambda s: s.record.created_at, reverse=True)

    def teams(self) -> dict[str, tuple[str, ...]]:
        """Return the team of each open session."""
        return {session_id: session.team for session_id, session in self._open.items()}

    async def require(self, session_id: str) -> OpenSession:
        """Return an open session.

        Raises:
            SessionEnded: it is over.
            SessionNotFound: it never was.
        """
        session = self._open.get(session_id)
        if session is not None:
            return session
        if session_id in self.failing:
            raise SessionEnded(session_id, SessionStatus.FAILED.value)
        record = await self._parts.store.session(session_id)
        if record is None:
            raise SessionNotFound(session_id)
        raise SessionEnded(session_id, record.status.value)

    async def record_of(self, session_id: str) -> SessionRecord:
        """Return the record of a session, open or ended."""
        if session_id in self._open:
            return self._open[session_id].record
        record = await self._parts.store.session(session_id)
        if record is None:
            raise SessionNotFound(session_id)
        return record

    def only_open(self) -> str:
        """Return the id of the only open session.

        Raises:
            NoActiveSession, SessionAmbiguous: none, or several, are open.
        """
        if not self._open:
            raise NoActiveSession
        if len(self._open) > 1:
            raise SessionAmbiguous(tuple(s.session_id for s in self.sessions()))
        return next(iter(self._open))

    async def touch(self, session: OpenSession) -> None:
        """Note that somebody called: the session's time-out begins anew."""
        now = self._parts.clock.now()
        session.record = replace(session.record, last_activity_at=now)
        await self._parts.store.touch_session(session.session_id, now)

    def take_place(self, record_of: Callable[[str, datetime], SessionRecord]) -> OpenSession:
        """Take one of the places for open sessions. No await: two callers never get the last one.

        Args:
            record_of: makes the record for an id and a time of creation.

        Raises:
            TooManySessions: there is none left.
        """
        self.ensure_place()
        now = self._parts.clock.now()
        return self.enter(OpenSession(record_of(self._free_id(now), now)))

    def ensure_place(self) -> None:
        """Raise TooManySessions when no place is left now."""
        limit = self._parts.settings.max_concurrent_sessions
        if len(self._open) >= limit:
            raise TooManySessions(limit)

    def _free_id(self, now: datetime) -> str:
        while (session_id := new_session_id(now, secrets.randbelow(100_000))) in self._open:
            pass
        return session_id

    def enter(self, session: OpenSession) -> OpenSession:
        """Count a session as open."""
        self._open[session.session_id] = session
        return session

    def leave(self, session: OpenSession) -> None:
        """Count a session as open no more."""
        self._open.pop(session.session_id, None)

    def ensure_not_over(self, session: OpenSession) -> None:
        """Raise SessionEnded when a session is not open any more."""
        if session.session_id not in self._open:
            status = session.record.status
            raise SessionEnded(session.session_id, SessionStatus.FAILED.value if status.is_open else status.value)
