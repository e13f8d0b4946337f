"""An event log for tests of what follows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from delegator.errors import EventNotFound
from delegator.schemas import Event, EventKind, ListEventsReply, ListEventsRequest

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)


class Log:
    """An event log, and the feed that announces what is written there."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.asked: list[ListEventsRequest] = []
        self.down: Exception | None = None
        self.news: asyncio.Queue[Sequence[int] | Exception] = asyncio.Queue()
        self.listeners = 0

    def write(self, event_id: int, session_id: str = "a", *, announced: bool = True) -> None:
        self.events.append(Event(event_id=event_id, at=AT, kind=EventKind.TURN_STARTED, session_id=session_id))
        self.events.sort(key=lambda event: event.event_id)
        if announced:
            self.news.put_nowait([event_id])

    async def list_events(self, request: ListEventsRequest) -> ListEventsReply:
        self.asked.append(request)
        if self.down is not None:
            raise self.down
        if request.after > max((event.event_id for event in self.events), default=0):
            raise EventNotFound(request.after)
        found = [event for event in self.events if event.event_id > request.after]
        found = found[-request.limit :] if request.latest else found[: request.limit]
        return ListEventsReply(events=found, next_after=0)

    async def listen(self) -> AsyncIterator[Sequence[int]]:
        self.listeners += 1
        yield ()
        while not isinstance(told := await self.news.get(), Exception):
            yield told
        raise told
