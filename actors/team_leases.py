"""Leases the agents of a session's team, next to their models, and gives them back."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from actors.parts import OpenSession, Parts

log = logging.getLogger(__name__)


class TeamLeases:
    """A session's claims on agents."""

    def __init__(self, parts: Parts) -> None:
        """Work with these parts."""
        self._parts = parts

    async def lease(self, session: OpenSession, role: str, since: datetime | None = None) -> None:
        """Lease the agent of one role; given back at once where the role was dismissed while its process started."""
        node_id = self._parts.host_of(session, role).node_id
        await self._parts.pool.lease(role, session.session_id, since=since, node_id=node_id)
        if role not in session.team or session.ending is not None:
            await self.release(session, role)

    async def release(self, session: OpenSession, role: str) -> None:
        """End the lease of one role; its agent goes with the last one, unless the settings let agents stay."""
        terminate = self._parts.settings.auto_cleanup_agents
        await self._parts.pool.release(role, session.session_id, terminate=terminate)

    async def release_all(self, session: OpenSession) -> None:
        """End the leases of the team, and terminate every agent that was leased by nobody else."""
        releases = [self._parts.pool.release(role, session.session_id) for role in session.team]
        for outcome in await asyncio.gather(*releases, return_exceptions=True):
            if isinstance(outcome, BaseException):
                log.warning("an agent of %s is left to the reconciler: %s", session.session_id, outcome)
