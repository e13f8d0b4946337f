"""Keeps a session within its memory limit where its team speaks on several endpoints.

On one endpoint the planner keeps the limit. What a session holds elsewhere counts too: before a turn it is let go of,
the idle ones first, as far as the turn needs it.
"""

from __future__ import annotations

import asyncio

from actors.host_messages import Grant
from actors.parts import OpenSession, Parts
from delegator.errors import DeadlineExceeded
from delegator.roles.catalogue import Model


class SessionLimit:
    """Makes room for turns in their sessions' limits."""

    def __init__(self, parts: Parts) -> None:
        """Work with these parts."""
        self._parts = parts
        self._needed: dict[tuple[str, str], int] = {}
        """Bytes that a model turned out to need on an endpoint, beyond what was known when its room was made."""

    async def claim(
        self, session: OpenSession, turn_id: str, endpoint_id: str, model: Model, *, deadline_s: float
    ) -> int:
        """Note that a turn is about to speak there; return what the session may hold on that endpoint, in bytes.

        Waits for turns of the session on other endpoints where their models leave no room. `give_back` ends the claim.

        Raises:
            DeadlineExceeded: no room came within `deadline_s` real seconds.
        """
        try:
            async with asyncio.timeout(deadline_s):
                while (left := await self._room(session, endpoint_id, model)) is None:
                    session.fell_idle.clear()
                    await session.fell_idle.wait()
        except TimeoutError:
            raise DeadlineExceeded(f"waiting for room for {model.name} in the session's limit", deadline_s) from None
        session.speaking[turn_id] = (endpoint_id, model.name)
        return left

    def granted(self, session: OpenSession, endpoint_id: str, grant: Grant) -> None:
        """Note what a turn was given: its host tells of it a little later, and it counts until then, too."""
        session.granted[endpoint_id, grant.model] = grant.size_bytes

    def needs(self, endpoint_id: str, model: Model, size_bytes: int) -> None:
        """Note that a model needs so much on an endpoint: its host has measured since it last told."""
        self._needed[endpoint_id, model.name] = size_bytes

    def give_back(self, session: OpenSession, turn_id: str) -> None:
        """Note that a turn speaks no more."""
        session.speaking.pop(turn_id, None)
        session.fell_idle.set()

    def spare(self, session: OpenSession, endpoint_id: str) -> int:
        """Return what the session may hold on that endpoint while it keeps all it has elsewhere, in bytes."""
        return session.record.limits_max_memory_bytes - sum(self._elsewhere(session, endpoint_id).values())

    async def _room(self, session: OpenSession, endpoint_id: str, model: Model) -> int | None:
        """Let go of what is idle elsewhere, as far as needed; None while what is busy there leaves no room."""
        limit = session.record.limits_max_memory_bytes
        size = max(self._parts.recorder.size_on(endpoint_id, model), self._needed.get((endpoint_id, model.name), 0))
        elsewhere = self._elsewhere(session, endpoint_id)
        busy = set(session.speaking.values())
        for place in [place for place in elsewhere if place not in busy]:
            if sum(elsewhere.values()) + size <= limit:
                break
            await self._parts.hosts.get(place[0]).release_models(session.session_id, [place[1]])
            session.granted.pop(place, None)
            del elsewhere[place]
        in_use = sum(elsewhere.values())
        return limit - in_use if in_use + size <= limit or not elsewhere else None

    def _elsewhere(self, session: OpenSession, endpoint_id: str) -> dict[tuple[str, str], int]:
        """Return what the session holds, or is about to hold, on other endpoints that can be asked."""
        if len(self._parts.hosts) == 1:
            return {}
        held = self._parts.recorder.holdings(session.session_id)
        for place, size in list(session.granted.items()):
            if place in held:
                del session.granted[place]  # its host has told: from now on the record knows what becomes of it
            else:
                held[place] = size
        for where, name in session.speaking.values():
            held.setdefault((where, name), self._parts.recorder.size_on(where, self._parts.catalogue.models[name]))
        doubts = self._parts.hosts.doubts
        return {
            place: size
            for place, size in held.items()
            if place[0] != endpoint_id and place[0] in self._parts.hosts and doubts.why(place[0]) is None
        }
