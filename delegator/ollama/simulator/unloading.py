"""Takes models out of memory: keep-alive timers, and the one task that ends runners, one after the other."""

from __future__ import annotations

import asyncio

from delegator.ollama.dialect.durations import FOREVER
from delegator.ollama.simulator.clock import Clock, sleep
from delegator.ollama.simulator.event_log import EventLog
from delegator.ollama.simulator.faults import Faults
from delegator.ollama.simulator.memory import Memory
from delegator.ollama.simulator.profiles import HostProfile
from delegator.ollama.simulator.runner import Runner


class Unloader:
    """Ends runners that are idle and whose time has come."""

    def __init__(
        self,
        profile: HostProfile,
        clock: Clock,
        memory: Memory,
        log: EventLog,
        faults: Faults,
        loaded: dict[str, Runner],
    ) -> None:
        self._profile = profile
        self._clock = clock
        self._memory = memory
        self._log = log
        self._faults = faults
        self._loaded = loaded
        self._expired: asyncio.Queue[Runner] = asyncio.Queue()
        self._waiting: list[asyncio.Future[None]] = []

    def rest(self, runner: Runner) -> None:
        """Start the countdown of a runner that has just become idle (item 22)."""
        runner.stop_timer()
        if runner.keep_alive_s <= 0:
            self._expired.put_nowait(runner)
            return
        runner.expires_at = self._clock.now() + runner.keep_alive_s
        if runner.keep_alive_s != FOREVER:
            runner.timer = self._clock.call_at(runner.expires_at, lambda: self._expired.put_nowait(runner))

    def condemn(self, runner: Runner) -> None:
        """Let the runner go as soon as it is idle. A busy one can still be kept by a later request (item 23)."""
        runner.stop_timer()
        runner.keep_alive_s = 0.0
        if runner.refs <= 0 and not runner.closing:
            self._expired.put_nowait(runner)

    def next_unload(self) -> asyncio.Future[None]:
        """Return what is done when the next runner, whichever it is, has gone."""
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(gone)
        return gone

    async def work(self) -> None:
        """End what has expired, for ever."""
        while True:
            runner = await self._expired.get()
            if runner.refs > 0 or self._loaded.get(runner.spec.weights) is not runner:
                continue
            if self._faults.take("unload", model=runner.name):
                self._log.add("unload_ignored", model=runner.name)
                continue
            await self._end(runner)

    async def _end(self, runner: Runner) -> None:
        runner.closing = True
        runner.stop_timer()
        await sleep(self._clock, self._profile.unload_s)
        del self._loaded[runner.spec.weights]
        self._log.measures.unloads += 1
        self._log.add("unloaded", model=runner.name, gb=round(runner.size_bytes / 1e9, 2))
        if runner.gpu_bytes:
            await sleep(self._clock, self._profile.vram_recovery_s)  # ps is clean before the memory is free
        self._memory.free(runner)
        self._log.resident(self._memory.held_bytes())
        waiting, self._waiting = self._waiting, []
        for gone in waiting:
            if not gone.done():
                gone.set_result(None)
