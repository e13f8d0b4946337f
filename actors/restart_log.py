"""Writes down each time that an agent's process was lost and replaced: once, whoever notices it first.

A turn that broke off notices it, and the reconciler's looks, which see agents that nobody speaks with and those that
die before they can answer. What is taken up is kept until it is durable; the same event written twice is one.
"""

from __future__ import annotations

import asyncio

from actors.agent_lives import LiveAgent
from actors.agent_pool import AgentPool
from delegator.clock import Clock
from delegator.schemas import EventKind
from delegator.store.records import NewEvent
from delegator.store.store import Store

LOST = "its process was lost"


class RestartLog:
    """The one who takes up restarts."""

    def __init__(self, pool: AgentPool, store: Store, clock: Clock) -> None:
        """Look at the agents of `pool`, write into `store` at the times of `clock`."""
        self._pool = pool
        self._store = store
        self._clock = clock
        self._unwritten: list[NewEvent] = []

    def take_up(self, agent: LiveAgent, *, last: NewEvent | None = None) -> None:
        """Note an event for each restart that was not taken up yet. `last`: says more about the latest of them."""
        events = [self._event(agent) for _ in range(agent.lives.take_untold())]
        if events and last is not None:
            events[-1] = last
        self._unwritten += events

    def take_up_by_hand(self, event: NewEvent) -> None:
        """Note the event of a restart that somebody asked for."""
        self._unwritten.append(event)

    async def write_down(self) -> None:
        """Return when everything that was taken up is durable.

        Raises:
            StoreUnavailable: it is kept for the next time.
        """
        batch = self._unwritten[:]
        if batch:
            await self._store.append_events(batch)
            self._unwritten = [event for event in self._unwritten if event not in batch]

    async def look(self) -> None:
        """Look at all agents once; return when what was lost among them is durable.

        Raises:
            StoreUnavailable: it is kept for the next time.
        """
        live = self._pool.live()
        await asyncio.gather(*(self._pool.look_at(agent) for agent in live))
        for agent in live:
            self.take_up(agent)
        await self.write_down()

    def _event(self, agent: LiveAgent) -> NewEvent:
        """Return the event of a loss that broke off no turn; it is of a session where only one has the agent."""
        sessions = sorted(agent.sessions)
        return NewEvent(
            EventKind.AGENT_RESTARTED,
            self._clock.now(),
            agent.work.speaking_for or (sessions[0] if len(sessions) == 1 else None),
            agent.role,
            data={"reason": LOST, "sessions": sessions},
        )
