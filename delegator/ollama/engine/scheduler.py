"""Decides which models are in memory, by Ollama's rules (items 16 to 19, 22 to 24).

A request for a loaded model with the same options gets it at once. Every other one joins one queue, served by one
worker that makes room, loads, hands over, and only then looks at the next.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import Any

from delegator.ollama.dialect.options import LoadKey
from delegator.ollama.engine.library import ModelFile
from delegator.ollama.engine.process import EngineProcess, LoadFailed
from delegator.ollama.engine.runner import Runner

QUEUE_FULL = "server busy, please try again.  maximum pending requests exceeded"


class QueueFull(Exception):
    """The queue of loads is full: 503 (item 15)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What Ollama reads from its environment.

    Attributes:
        max_loaded: models in memory at once. num_parallel: slots of each.
        keep_alive_s: for a first load that states none.
        max_queue: requests that may wait for a load.
    """

    max_loaded: int = 3
    num_parallel: int = 1
    keep_alive_s: float = 300.0
    max_queue: int = 512


@dataclass(eq=False, slots=True)
class Pending:
    """A request in the queue. Its client has gone when `handed` is cancelled."""

    model: ModelFile
    key: LoadKey
    keep_alive_s: float | None
    handed: asyncio.Future[Runner] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Scheduler:
    """The models in memory and the queue of those that want in.

    Attributes:
        loaded: runners by weight file; one that is being loaded is not among them (item 25).
        loads_may_end: while it is not set, models that are loaded are not yet handed over; for tests.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._queue: asyncio.Queue[Pending] = asyncio.Queue(limits.max_queue)
        self._unloaded = asyncio.Event()
        self._endings: set[asyncio.Task[None]] = set()
        self._worker: asyncio.Task[None] | None = None
        self.loaded: dict[str, Runner] = {}
        self.loads_may_end = asyncio.Event()
        self.loads_may_end.set()

    def start(self) -> None:
        """Begin to serve the queue."""
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End the worker and every engine process."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        for runner in self.loaded.values():
            self._end_soon(runner)
        await asyncio.gather(*self._endings)

    # ── for requests ──────────────────────────────────────────────────────────────────────────────────────────────

    async def acquire(self, model: ModelFile, key: LoadKey, keep_alive_s: float | None) -> Runner:
        """Get a runner for the model, loading it if need be. Give it back with `release`.

        Cancelling is what a client that hangs up does: a queued request is skipped, a load under way is aborted.

        Raises:
            QueueFull: at once, when the model would have to be loaded and the queue is full.
            LoadFailed: the engine could not load it.
        """
        runner = self._fitting(model, key)
        if runner is not None:
            return self._use(runner, keep_alive_s)
        pending = Pending(model, key, keep_alive_s)
        try:
            self._queue.put_nowait(pending)
        except asyncio.QueueFull:
            raise QueueFull(QUEUE_FULL) from None
        try:
            return await pending.handed
        except asyncio.CancelledError:
            handed = pending.handed
            if handed.done() and not handed.cancelled() and handed.exception() is None:
                self.release(handed.result())  # it was handed over in the moment its client left
            raise

    def release(self, runner: Runner) -> None:
        """Give back a runner. The countdown of its keep_alive starts when the last request is done (item 22)."""
        runner.refs -= 1
        self._rest(runner)

    def expire(self, model: ModelFile) -> None:
        """Unload the model once it is idle: what `keep_alive: 0` without a prompt asks for (items 8, 23)."""
        runner = self.loaded.get(model.digest)
        if runner is not None:
            self._condemn(runner)

    # ── the worker ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _work(self) -> None:
        while True:
            pending = await self._queue.get()
            try:
                await self._serve(pending)
            except LoadFailed as failed:
                if not pending.handed.done():
                    pending.handed.set_exception(failed)

    async def _serve(self, pending: Pending) -> None:
        while not pending.handed.cancelled():
            runner = self._fitting(pending.model, pending.key)
            if runner is not None:
                self._hand_over(pending, self._use(runner, pending.keep_alive_s))
                return
            other = self.loaded.get(pending.model.digest)
            if other is not None:
                await self._make_room(other)
            elif len(self.loaded) >= self._limits.max_loaded:
                await self._make_room(self._victim())
            else:
                await self._load(pending)
                return

    async def _load(self, pending: Pending) -> None:
        """Load the model; the load ends with its client (item 24)."""
        loading = asyncio.create_task(self._start(pending))
        try:
            ends: set[asyncio.Future[Any]] = {loading, pending.handed}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not loading.done():
                loading.cancel()
                await asyncio.gather(loading, return_exceptions=True)
        if pending.handed.cancelled():
            if not loading.cancelled() and loading.exception() is None:
                await loading.result().stop()
            return
        keep_alive_s = self._limits.keep_alive_s if pending.keep_alive_s is None else pending.keep_alive_s
        slots = asyncio.Semaphore(self._parallel(pending.model))
        runner = Runner(pending.model, pending.key, await loading, slots, keep_alive_s, refs=1)
        self.loaded[pending.model.digest] = runner
        self._hand_over(pending, runner)

    async def _start(self, pending: Pending) -> EngineProcess:
        process = await EngineProcess.start(pending.model, pending.key, parallel=self._parallel(pending.model))
        try:
            await self.loads_may_end.wait()
        except asyncio.CancelledError:
            await process.stop()
            raise
        return process

    def _parallel(self, model: ModelFile) -> int:
        """Return the slots of a runner: one for embedders, whatever is set (item 30)."""
        return 1 if model.embeds else self._limits.num_parallel

    def _victim(self) -> Runner:
        """Choose who makes room: smallest keep_alive first, ties by file; the first idle, else the first (item 19)."""
        order = sorted(self.loaded.values(), key=lambda runner: (runner.keep_alive_s, runner.model.digest))
        return next((runner for runner in order if runner.refs <= 0), order[0])

    async def _make_room(self, victim: Runner) -> None:
        """Condemn a runner and wait until any has gone.

        A busy one that is used again with a positive keep_alive stays, and we wait on: upstream's deadlock 17408.
        """
        self._condemn(victim)
        unloaded = self._unloaded
        await unloaded.wait()

    # ── runners ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _fitting(self, model: ModelFile, key: LoadKey) -> Runner | None:
        """Return the runner that can take the request: alive, and loaded with these options (item 18)."""
        runner = self.loaded.get(model.digest)
        if runner is None or runner.closing or not runner.process.alive or not key.fits(runner.key):
            return None
        return runner

    def _use(self, runner: Runner, keep_alive_s: float | None) -> Runner:
        """Take a reference; a stated keep_alive replaces the current one, none leaves it (item 22)."""
        runner.refs += 1
        runner.stop_timer()
        if keep_alive_s is not None:
            runner.keep_alive_s = keep_alive_s
        return runner

    def _hand_over(self, pending: Pending, runner: Runner) -> None:
        if pending.handed.done():
            self.release(runner)
        else:
            pending.handed.set_result(runner)

    def _rest(self, runner: Runner) -> None:
        if runner.refs > 0 or runner.closing:
            return
        runner.stop_timer()
        if runner.keep_alive_s <= 0:
            self._end_soon(runner)
            return
        runner.expires_at = time.monotonic() + runner.keep_alive_s
        if math.isfinite(runner.keep_alive_s):
            loop = asyncio.get_running_loop()
            runner.timer = loop.call_later(runner.keep_alive_s, self._end_soon, runner)

    def _condemn(self, runner: Runner) -> None:
        """Let the runner go as soon as it is idle; a busy one can still be kept by a later request (item 23)."""
        runner.keep_alive_s = 0.0
        runner.expires_at = time.monotonic()
        self._rest(runner)

    def _end_soon(self, runner: Runner) -> None:
        if runner.closing:
            return
        runner.closing = True
        runner.stop_timer()
        ending = asyncio.create_task(self._end(runner))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _end(self, runner: Runner) -> None:
        await runner.process.stop()
        del self.loaded[runner.model.digest]
        self._unloaded.set()
        self._unloaded = asyncio.Event()
