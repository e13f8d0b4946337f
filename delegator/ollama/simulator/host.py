"""The simulated host as one object: machine, models, scheduler and text, without any HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from delegator.ollama.simulator.clock import Clock
from delegator.ollama.simulator.event_log import EventLog
from delegator.ollama.simulator.faults import Faults
from delegator.ollama.simulator.library import Library
from delegator.ollama.simulator.memory import Memory
from delegator.ollama.simulator.profiles import HostProfile
from delegator.ollama.simulator.scheduler import Scheduler
from delegator.ollama.simulator.text.reply import Source
from delegator.ollama.simulator.text.team import team


class Host:
    """Everything behind the routes. `start` and `stop` it inside a running event loop.

    Attributes:
        profile: the machine. clock: its time. log: what happened. faults: what shall go wrong.
        memory: who holds what. library: models on disk. scheduler: models in memory.
        source: what models say; `sources` names other sources by model.
        version: what `/api/version` answers; a fault can change it.
    """

    def __init__(self, profile: HostProfile, clock: Clock, *, source: Source = team, seed: int = 0) -> None:
        self.profile = profile
        self.clock = clock
        self.source = source
        self.sources: dict[str, Source] = {}
        self.version = profile.version
        self.log = EventLog(clock)
        self.faults = Faults(clock, seed=seed)
        self.library = Library(profile, clock)
        self.memory = Memory(profile)
        self.scheduler = Scheduler(profile, clock, self.memory, self.log, self.faults)
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Begin to schedule."""
        self.scheduler.start()
        self.log.add("started", profile=self.profile.name, version=self.version)

    async def stop(self) -> None:
        """End all that runs; everything in memory is lost."""
        self.library.stop()
        tasks = self._tasks - {asyncio.current_task()}  # the one that restarts us is among them
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.scheduler.stop()

    async def restart(self, version: str | None = None) -> None:
        """Lose all loaded models, as when the server is started anew; what is on disk stays."""
        await self.stop()
        self.version = version or self.version
        self.memory = Memory(self.profile)
        self.log.resident(0)
        self.scheduler = Scheduler(self.profile, self.clock, self.memory, self.log, self.faults)
        self.scheduler.start()
        self.log.add("restarted", version=self.version)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something beside the requests until it is done or the host stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def source_of(self, model: str) -> Source:
        """Return what this model speaks with."""
        return self.sources.get(model, self.source)
