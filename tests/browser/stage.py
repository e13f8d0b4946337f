"""The backend, the feed, the speakers and the time of the one monitor that all browser tests look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from delegator.schemas import Reply
from delegator.schemas import Request as OperationRequest
from serve_app.calls import AsyncCaller, Calls
from serve_app.monitor.channel import Timer
from serve_app.operations import Operation
from tests.browser.scene import Scene

QUICK = 0.1
"""Part of the usual time after which pages look again where no event has told of a change."""

NEVER = 1_000.0
"""In place of it: nothing is shown but what an event tells of."""


class Stage(Calls, AsyncCaller):
    """Hands every call on to the scene of the running test, and announces that scene's events."""

    def __init__(self) -> None:
        self.haste = Haste()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._announced: asyncio.Queue[Sequence[int]] | None = None
        self.mended = asyncio.Event()
        self.mended.set()
        self.set(Scene())

    def set(self, scene: Scene) -> None:
        """Begin anew with another scene."""
        self.scene = scene
        self.haste.ticks = QUICK
        scene.on_event = self.announce
        self.announce(())

    async def call(self, operation: Operation, request: OperationRequest) -> Reply:
        return await self.scene.call(operation, request)

    def announce(self, ids: Sequence[int]) -> None:
        """Tell of new events, or that some may have been missed; from any thread."""
        if self._loop is not None and self._announced is not None:
            self._loop.call_soon_threadsafe(self._announced.put_nowait, ids)

    def break_feed(self) -> None:
        """Let the announcements break off."""
        self.mended.clear()
        self.announce(BROKEN)

    def open_feed(self) -> None:
        """Let them begin again."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.mended.set)

    def follow(self, role: str, turn_id: str) -> AsyncGenerator[str, None]:
        return self.scene.voices.follow(role, turn_id)

    async def listen(self) -> AsyncIterator[Sequence[int]]:
        self._loop, self._announced = asyncio.get_running_loop(), asyncio.Queue()
        await self.mended.wait()
        yield ()
        while (ids := await self._announced.get()) is not BROKEN:
            yield ids
        raise ConnectionError("the feed broke")


BROKEN: Sequence[int] = (-1,)


class Haste(Timer):
    """Real time, in which everything happens sooner."""

    def __init__(self) -> None:
        self.ticks = QUICK
        self.sleeps = QUICK

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds * self.sleeps)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        await super().wait(event, None if seconds is None else seconds * self.ticks)
