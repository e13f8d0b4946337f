"""Being told of new events: LISTEN on a connection of its own, for as long as somebody wants to know.

Owns that connection and what is heard on it. Notices carry ids only, and those that come while nothing listens are
lost: whoever must not miss an event reads on after the last id he saw, whenever he is told anything at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql

from delegator.store.failures import unavailable
from delegator.store.tables import EVENT_CHANNEL

logger = logging.getLogger(__name__)

Connect = Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]

CATCH_UP: tuple[int, ...] = ()
"""Told in place of ids: there may be new events, read on after the last one you saw."""

MAX_WAITING = 1_000
"""Ids kept for a reader who is busy; with more he is told to catch up instead."""

PROBE_S = 15.0
"""Real seconds of silence after which the connection is asked whether it lives, and the log whether it has grown."""

ANSWER_S = 10.0
"""Real seconds the server has to answer such a question."""

RETRY_AFTER_S = (0.1, 0.3, 1.0, 3.0)
"""Waits before a lost connection is made anew; the last one counts for all further tries."""


class EventNews:
    """What one reader is told: runs of ids, oldest first, or CATCH_UP. Iterate over it; `listen` makes it.

    An id may be one that the reader has seen already, since he may have read ahead of the notice.
    """

    def __init__(self, connect: Connect) -> None:
        """Take the way to a new connection; opens nothing."""
        self._connect = connect
        self._ids: list[int] = []
        self._is_behind = False
        self._told = asyncio.Event()
        self._is_over = False
        self._failure: Exception | None = None
        self.heard_id = 0
        """The largest id that was announced or looked up."""

    @property
    def waiting(self) -> int:
        """How many ids wait for the reader."""
        return len(self._ids)

    def __aiter__(self) -> AsyncIterator[tuple[int, ...]]:
        return self

    async def __anext__(self) -> tuple[int, ...]:
        """Wait for news and return all that has come since the last time."""
        await self._told.wait()
        if self._failure is not None:
            raise self._failure
        if self._is_over:
            raise StopAsyncIteration
        self._told.clear()
        ids = CATCH_UP if self._is_behind else tuple(self._ids)
        self._ids.clear()
        self._is_behind = False
        return ids

    async def run(self) -> None:
        """Listen until cancelled; then the news are over."""
        try:
            await self._listen()
        except Exception as exc:  # whoever waits for news must not wait in vain
            self._failure = exc
        finally:
            self._is_over = True
            self._told.set()

    async def _listen(self) -> None:
        """Follow the channel; a lost connection is made anew."""
        tries = 0
        while True:
            try:
                async with await self._connect() as connection:
                    await self._subscribe(connection)
                    tries = 0
                    await self._follow(connection)
            except (psycopg.Error, OSError) as exc:  # OSError: time-outs, too
                wait_s = RETRY_AFTER_S[min(tries, len(RETRY_AFTER_S) - 1)]
                level = logging.INFO if tries == 0 else logging.DEBUG  # one line for each time it is lost
                logger.log(level, "new events are not heard of, trying again: %s", unavailable(exc))
                tries += 1
                await asyncio.sleep(wait_s)

    async def _subscribe(self, connection: psycopg.AsyncConnection[Any]) -> None:
        async with asyncio.timeout(ANSWER_S):
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(EVENT_CHANNEL)))
            await self._look(connection)
        self._fall_behind()

    async def _follow(self, connection: psycopg.AsyncConnection[Any]) -> None:
        while True:
            async for notice in connection.notifies(timeout=PROBE_S):
                self._hear(notice.payload)
            known = self.heard_id
            async with asyncio.timeout(ANSWER_S):
                await self._look(connection)
            if self.heard_id > known:  # a pooler in between may keep notices back
                self._fall_behind()

    async def _look(self, connection: psycopg.AsyncConnection[Any]) -> None:
        cursor = await connection.execute("SELECT coalesce(max(event_id), 0) FROM delegator_events")
        row = await cursor.fetchone()
        self.heard_id = max(self.heard_id, row[0] if row else 0)

    def _hear(self, payload: str) -> None:
        try:
            ids = [int(number) for number in payload.split(",")]
        except ValueError:  # anybody may write to a channel
            self._fall_behind()
            return
        self.heard_id = max(self.heard_id, *ids)
        if self._is_behind or len(self._ids) + len(ids) > MAX_WAITING:
            self._fall_behind()
            return
        self._ids += ids
        self._told.set()

    def _fall_behind(self) -> None:
        self._ids.clear()
        self._is_behind = True
        self._told.set()


@asynccontextmanager
async def listen(connect: Connect) -> AsyncIterator[EventNews]:
    """Listen while the context lasts, and close the connection with it."""
    news = EventNews(connect)
    listening = asyncio.create_task(news.run())
    try:
        yield news
    finally:
        listening.cancel()
        await asyncio.wait([listening])
