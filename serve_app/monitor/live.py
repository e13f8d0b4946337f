"""From the store's events to the pages they concern: one listener and one reader for all open pages of this replica.

Owns who is told of what. The store announces ids of new events; they are read once, by id (`tail.py`), and wake the
views that they concern, each of which is read once for all pages that show it (`channel.py`). When the announcements
break off, the events are asked for instead, and the pages say so. No NiceGUI here.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from delegator.schemas import ListEventsReply, ListEventsRequest
from serve_app.monitor.channel import DEADLINE_S, RATE_PER_S, RETRY_S, Channel, Timer, Watcher
from serve_app.monitor.tail import RUN, Tail

log = logging.getLogger(__name__)

ViewT = TypeVar("ViewT")

PROBE_S = 10.0
"""Real seconds without an announcement after which the log is looked at: its silence may be that of a lost line."""


class Feed(Protocol):
    """Announces new events."""

    def listen(self) -> AsyncIterator[Sequence[int]]:
        """Yield ids of new events, none where some may have been missed, as at the start; ends or raises if it breaks.

        Yields once before anything is announced, to tell that it listens.
        """


class Live:
    """Everything that open pages show, kept up to date.

    Args:
        list_events: reads the event log.
        feed: announces events; None: they are asked for, as when it breaks.
        timer: measures and waits.
    """

    def __init__(
        self,
        list_events: Callable[[ListEventsRequest], Awaitable[ListEventsReply]],
        feed: Feed | None,
        *,
        timer: Timer | None = None,
    ) -> None:
        self.push = feed is not None
        self._feed = feed
        self._timer = timer or Timer()
        self._tail = Tail(list_events)
        self._channels: dict[object, Channel[Any]] = {}
        self._announced: list[int] = []
        self._missed = False
        self._due = asyncio.Event()
        self._on_push: dict[object, Callable[[], None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def watch(
        self,
        key: object,
        make: Callable[[Timer], Channel[ViewT]],
        watcher: Watcher,
    ) -> Callable[[], None]:
        """Have `watcher` told of every look at `key`, whose channel `make` opens where nobody watches it yet.

        What was seen lately is told at once. Return what ends it.
        """
        self._start()
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = make(self._timer)
        me = object()
        channel.watchers[me] = watcher
        if channel.latest is not None:
            watcher(channel.latest)

        def leave() -> None:
            channel.watchers.pop(me, None)
            if not channel.watchers and self._channels.get(key) is channel:
                del self._channels[key]
                channel.close()

        return leave

    def wake(self, key: object) -> None:
        """Read a view again soon; for whoever has just changed something."""
        if (channel := self._channels.get(key)) is not None:
            channel.wake()

    def on_push(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called when announcements begin or break off. Return what ends it."""
        me = object()
        self._on_push[me] = told
        return lambda: self._on_push.pop(me, None) and None

    def stop(self) -> None:
        """End all of it."""
        for task in self._tasks:
            task.cancel()
        for channel in self._channels.values():
            channel.close()

    def _start(self) -> None:
        if not self._tasks:
            work = [self._read_events(), *([self._listen(self._feed)] if self._feed is not None else [])]
            self._tasks = [asyncio.create_task(each, context=contextvars.Context()) for each in work]

    async def _listen(self, feed: Feed) -> None:
        while True:
            try:
                async for ids in feed.listen():
                    self._announced += ids
                    self._missed = self._missed or not ids
                    self._set_push(True)
                    self._due.set()
            except Exception as exc:
                if self.push:
                    log.warning("new events are not announced any more, the pages ask for them: %s", exc)
            self._set_push(False)
            await self._timer.sleep(RETRY_S)

    def _set_push(self, push: bool) -> None:
        if push != self.push:
            self.push = push
            self._due.set()
            for told in list(self._on_push.values()):
                told()

    async def _read_events(self) -> None:
        while True:
            await self._timer.wait(self._due, PROBE_S if self.push else RETRY_S)
            told = self._due.is_set()
            self._due.clear()
            if not self._channels:
                self._announced.clear()
                self._tail.forget()  # whoever opens a page reads what is then
            elif await self._tell() and self.push and not told:
                # There was something, and nobody has announced it; unless that is just on its way, nobody will.
                await self._timer.sleep(RETRY_S)
                self._set_push(self._due.is_set())
            await self._timer.sleep(1 / RATE_PER_S)

    async def _tell(self) -> bool:
        """Read what is new and wake whom it concerns; return whether there was anything since the last time."""
        announced, self._announced = self._announced, []
        if self._missed:
            self._missed = False
            self._tail.forget()
            self._wake_all()
        goes_on = self._tail.goes_on
        try:
            async with asyncio.timeout(DEADLINE_S):
                events = await self._tail.read(announced)
        except Exception as exc:  # the pages find out themselves, since all of them look now
            log.debug("new events could not be read: %s", exc)
            self._announced = announced[-RUN:] + self._announced
            self._wake_all()
            await self._timer.sleep(RETRY_S)
            self._due.set()
            return False
        for channel in list(self._channels.values()):
            channel.tell(events)
        return goes_on and bool(events)

    def _wake_all(self) -> None:
        for channel in self._channels.values():
            channel.wake()
