"""The simulator's time: model seconds that pass `scale` times faster than real ones, or only when a test says so.

Every wait and timer of the simulated host goes through here; durations it reports are model seconds.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from delegator.ollama.dialect.answers import date_after

SETTLE_ROUNDS = 50
"""Turns of the event loop that a moved manual clock gives to what it woke before it moves on."""


class Timer(Protocol):
    """Something set for later that can be called off."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """What the host needs of time.

    Attributes:
        scale: model seconds per real second.
        skew_s: real seconds that the dates it shows are wrong by (fault `clock_skew`).
    """

    scale: float
    skew_s: float

    def now(self) -> float:
        """Return model seconds since the clock was made."""

    async def sleep_until(self, at: float) -> None:
        """Wait until `now() >= at`; lets others run in any case."""

    def call_at(self, at: float, action: Callable[[], None]) -> Timer:
        """Run `action` at a moment unless the timer is cancelled."""

    def date_of(self, at: float) -> datetime:
        """Return the date of a moment in local time, as a client that waits for it will see it come."""


async def sleep(clock: Clock, seconds: float) -> None:
    """Wait model seconds."""
    await clock.sleep_until(clock.now() + seconds)


class ScaledClock:
    """Runs by itself, `scale` times faster than life."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self.skew_s = 0.0
        self._start = time.monotonic()

    def now(self) -> float:
        return (time.monotonic() - self._start) * self.scale

    async def sleep_until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, (at - self.now()) / self.scale))

    def call_at(self, at: float, action: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(max(0.0, (at - self.now()) / self.scale), action)

    def date_of(self, at: float) -> datetime:
        return date_after((at - self.now()) / self.scale + self.skew_s)


class ManualClock:
    """Stands still until `advance` moves it, so that a test decides what happens when."""

    def __init__(self) -> None:
        self.scale = 1.0
        self.skew_s = 0.0
        self._now = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, _ManualTimer]] = []

    def now(self) -> float:
        return self._now

    async def sleep_until(self, at: float) -> None:
        if at <= self._now:
            await asyncio.sleep(0)
            return
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.call_at(at, lambda: None if reached.done() else reached.set_result(None))
        try:
            await reached
        finally:
            timer.cancel()

    def call_at(self, at: float, action: Callable[[], None]) -> Timer:
        timer = _ManualTimer(action)
        heapq.heappush(self._due, (at, next(self._order), timer))
        return timer

    def date_of(self, at: float) -> datetime:
        return date_after(at - self._now + self.skew_s)

    async def advance(self, seconds: float) -> None:
        """Move on by model seconds, stopping at every timer on the way so that what it wakes can act at its time."""
        await self.settle()
        end = self._now + seconds
        while self._due and self._due[0][0] <= end:
            at, _, timer = heapq.heappop(self._due)
            self._now = max(self._now, at)
            timer.fire()
            await self.settle()
        self._now = end
        await self.settle()

    async def settle(self) -> None:
        """Let everything that can run without time passing do so."""
        for _ in range(SETTLE_ROUNDS):
            await asyncio.sleep(0)


class _ManualTimer:
    def __init__(self, action: Callable[[], None]) -> None:
        self._action: Callable[[], None] | None = action

    def fire(self) -> None:
        action, self._action = self._action, None
        if action is not None:
            action()

    def cancel(self) -> None:
        self._action = None
