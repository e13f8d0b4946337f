"""Agents as they speak, for `speech`. Imported on the replica alone.

What is said goes from the agent's actor straight to this replica, past the `SessionManager` and the database. The agent
does not wait for us: it is asked to hand over at most four times a second what has come meanwhile, at most one reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import ray

from actors.cluster import NAMESPACE, agent_name

FIND_S = 5.0
"""Real seconds until an agent must have been found."""

SILENCE_S = 60.0
"""Real seconds without a word after which a turn is left; who still looks follows it anew."""

PAUSE_S = 0.25
"""Real seconds between two pieces: no page is told more often."""


class AgentSpeakers:
    """Follows turns on the actors of their roles; needs a Ray connection, which its process has."""

    async def follow(self, role: str, turn_id: str) -> AsyncGenerator[str, None]:
        """Yield what a role says in a turn, from its beginning, as it comes.

        Raises:
            ValueError: the role has no agent.
            RayError: its process is gone, or just being replaced.
            TimeoutError: it was not found, or says nothing.
        """
        async with asyncio.timeout(FIND_S):
            agent: Any = await asyncio.to_thread(ray.get_actor, agent_name(role), NAMESPACE)
        pieces = agent.follow.remote(turn_id, pause_s=PAUSE_S)
        try:
            while True:
                try:
                    async with asyncio.timeout(SILENCE_S):
                        piece: str = await (await anext(pieces))
                except StopAsyncIteration:
                    return
                yield piece
        finally:
            ray.cancel(pieces)  # nothing where it has ended
