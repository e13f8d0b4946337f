"""What one agent has done since it was spawned, and what it is at: measured turn by turn, in memory.

The event log is the record: a new life of the `SessionManager` counts again from there (`recalled`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from delegator.schemas import Event
from delegator.store.store import Store

LATEST_TURNS = 10
"""Turns over which tokens per second are measured."""


@dataclass(slots=True)
class AgentWork:
    """The turns of one agent.

    Attributes:
        turns: turns taken.
        sessions: those it has taken turns for.
    """

    turns: int = 0
    sessions: set[str] = field(default_factory=set)
    _latest: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=LATEST_TURNS))
    """(reply tokens, model seconds) of the latest turns."""
    _open: dict[str, str] = field(default_factory=dict)
    """{turn: session} of those it speaks for now, the longest first."""

    @contextmanager
    def at(self, turn_id: str, session_id: str) -> Iterator[None]:
        """Count a turn as open until this ends."""
        self._open[turn_id] = session_id
        try:
            yield
        finally:
            self._open.pop(turn_id, None)

    def done(self, session_id: str, reply_tokens: int, seconds: float) -> None:
        """Count a turn that is written down. `seconds`: model seconds it spoke, reading its prompt included."""
        self.turns += 1
        self.sessions.add(session_id)
        self._latest.append((reply_tokens, seconds))

    @property
    def speaking_for(self) -> str | None:
        """Return the session it speaks for now; of several the one it has spoken for longest."""
        return next(iter(self._open.values()), None)

    @property
    def tokens_per_second(self) -> float | None:
        """Return the reply tokens per model second of its latest turns; None before the first."""
        seconds = sum(s for _, s in self._latest)
        return sum(tokens for tokens, _ in self._latest) / seconds if seconds > 0 else None


def of_events(turns: Iterable[Event]) -> dict[str, AgentWork]:
    """Return by role what its agent has done, by the `TURN_COMPLETED` events since it was spawned, oldest first."""
    works: dict[str, AgentWork] = {}
    for event in turns:
        if event.role is not None and event.session_id is not None:
            work = works.setdefault(event.role, AgentWork())
            work.done(event.session_id, event.data.get("reply_tokens", 0), event.data.get("seconds", 0.0))
    return works


async def recalled(store: Store) -> dict[str, AgentWork]:
    """Return by role what the agents of a former life have done since the oldest of their open stays began."""
    since: dict[str, datetime] = {}
    for stay in await store.open_agents():
        since[stay.role] = min(stay.spawned_at, since.get(stay.role, stay.spawned_at))
    if not since:
        return {}
    turns = await store.turns_since(min(since.values()))
    return of_events(turn for turn in turns if turn.role in since and turn.at >= since[turn.role])
