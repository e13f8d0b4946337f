"""Time for tests of what waits: it stands still until it is turned."""

from __future__ import annotations

import asyncio
from typing import Any

from serve_app.monitor.channel import Timer

TURNS = 50
"""Rounds of the event loop in which everything that was woken comes to rest."""


class Hands(Timer):
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.at = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await self._until(seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        waiting: set[asyncio.Future[Any]] = {asyncio.ensure_future(event.wait())}
        if seconds is not None:
            waiting.add(self._until(seconds))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    def _until(self, seconds: float) -> asyncio.Future[None]:
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.at + seconds, over))
        return over

    async def turn(self, seconds: float) -> None:
        """Let so many seconds pass, moment by moment."""
        await settle()
        until = self.at + seconds
        while due := [moment for moment, over in self._sleepers if moment <= until and not over.done()]:
            self.at = max(self.at, min(due))
            for moment, over in self._sleepers:
                if moment <= self.at and not over.done():
                    over.set_result(None)
            await settle()
        self.at = until
        self._sleepers = [(moment, over) for moment, over in self._sleepers if not over.done()]


async def settle() -> None:
    """Let everything that can go on do so."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
