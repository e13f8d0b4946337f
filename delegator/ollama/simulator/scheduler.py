"""Decides which models are in memory, exactly as clumsily as Ollama does.

A request for a loaded model with the same options gets it at once (fast path). Every other one joins one queue for the
whole host, served by one worker: it makes room, loads, hands over, and only then looks at the next (items 15, 17).
Loading itself is in `loading.py`, unloading in `unloading.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from delegator.ollama.dialect.options import LoadKey
from delegator.ollama.simulator.clock import Clock
from delegator.ollama.simulator.event_log import EventLog
from delegator.ollama.simulator.faults import Faults
from delegator.ollama.simulator.loading import DIED, Loader, LoadFailed
from delegator.ollama.simulator.memory import Memory, OutOfMemory
from delegator.ollama.simulator.models import ModelSpec
from delegator.ollama.simulator.profiles import HostProfile
from delegator.ollama.simulator.runner import Runner
from delegator.ollama.simulator.unloading import Unloader

SMALL_NUM_CTX = 4096
"""What an automatic window is lowered to when a load runs out of memory."""

QUEUE_FULL = "server busy, please try again.  maximum pending requests exceeded"


class QueueFull(Exception):
    """The queue of loads is full: 503 (item 15)."""


@dataclass(eq=False, slots=True)
class Pending:
    """A request in the queue. Its client has gone when `handed` is cancelled."""

    spec: ModelSpec
    name: str
    key: LoadKey
    keep_alive_s: float | None
    queued_at: float
    handed: asyncio.Future[Runner] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def left(self) -> bool:
        return self.handed.cancelled()


class Scheduler:
    """The models in memory and the queue of those that want in.

    Attributes:
        loaded: runners by weight file; one that is being loaded is not among them (item 25).
        in_hand: the request the worker is busy with.
    """

    def __init__(self, profile: HostProfile, clock: Clock, memory: Memory, log: EventLog, faults: Faults) -> None:
        self._profile = profile
        self._clock = clock
        self._log = log
        self._queue: asyncio.Queue[Pending] = asyncio.Queue(profile.max_queue)
        self.loaded: dict[str, Runner] = {}
        self.in_hand: Pending | None = None
        self.loader = Loader(profile, clock, memory, log, faults)
        self.unloader = Unloader(profile, clock, memory, log, faults, self.loaded)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to serve the queue."""
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self.unloader.work())]

    async def stop(self) -> None:
        """End the worker and forget every runner, as when the host goes down; what waited fails."""
        waiting = [*self.queued, *([self.in_hand] if self.in_hand else [])]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for pending in waiting:
            if not pending.handed.done():
                pending.handed.set_exception(LoadFailed(f"{DIED}signal: terminated"))
        for runner in self.loaded.values():
            runner.stop_timer()
        self.loaded.clear()

    @property
    def queued(self) -> list[Pending]:
        """The requests that wait for the worker, first first."""
        return list(self._queue._queue)  # type: ignore[attr-defined]  # asyncio gives no other way to look inside

    @property
    def shown(self) -> list[Runner]:
        """The runners that ps lists: those loaded, and on the old engine also one being loaded (item 25)."""
        loading = self.loader.loading_runner if self._profile.old_engine else None
        return [*self.loaded.values(), *([loading] if loading else [])]

    # ── for requests ──────────────────────────────────────────────────────────────────────────────────────────────

    async def acquire(self, spec: ModelSpec, name: str, key: LoadKey, keep_alive_s: float | None) -> Runner:
        """Get a runner for the model, loading it if need be. Give it back with `release`.

        Cancelling is what a client that hangs up does: a queued request is skipped when its turn comes, a load under
        way is aborted (item 24).

        Raises:
            QueueFull: at once, when the model would have to be loaded and the queue is full.
            LoadFailed: the load failed.
        """
        runner = self.loaded.get(spec.weights)
        if runner is not None and not runner.closing and self._serves(runner, spec, key):
            return self._use(runner, keep_alive_s)
        pending = Pending(spec, name, key, keep_alive_s, self._clock.now())
        try:
            self._queue.put_nowait(pending)
        except asyncio.QueueFull:
            self._log.add("queue_full", model=name)
            raise QueueFull(QUEUE_FULL) from None
        self._log.add("queued", model=name, waiting=self._queue.qsize())
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
        if runner.refs <= 0 and self.loaded.get(runner.spec.weights) is runner:
            self.unloader.rest(runner)

    def expire(self, spec: ModelSpec) -> None:
        """Unload the model once it is idle: what `keep_alive: 0` without a prompt asks for (items 8, 23)."""
        runner = self.loaded.get(spec.weights)
        if runner is not None:
            self._log.add("unload_asked", model=runner.name, busy=runner.refs > 0)
            runner.expires_at = self._clock.now()
            self.unloader.condemn(runner)

    def expire_all(self) -> None:
        """Send every model out, as Ollama does when memory runs out while one works (item 21)."""
        for runner in list(self.loaded.values()):
            self.unloader.condemn(runner)

    def busy_beside(self, runner: Runner) -> int:
        """Return how many runners work on a device that `runner` uses, itself included."""
        devices = set(runner.placement)
        return sum(1 for other in self.loaded.values() if other.generating and devices & set(other.placement)) or 1

    # ── the worker ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _work(self) -> None:
        while True:
            pending = self.in_hand = await self._queue.get()
            try:
                await self._serve(pending)
            except LoadFailed as failed:
                if not pending.handed.done():
                    pending.handed.set_exception(failed)
            finally:
                self.in_hand = None

    async def _serve(self, pending: Pending) -> None:
        if pending.left:
            self._log.add("skipped", model=pending.name)
            return
        self._log.measures.queue_wait_s.append(self._clock.now() - pending.queued_at)
        while True:
            runner = self.loaded.get(pending.spec.weights)
            if runner is not None and not runner.closing and self._serves(runner, pending.spec, pending.key):
                self._hand_over(pending, self._use(runner, pending.keep_alive_s))
                return
            if runner is not None:
                await self._make_room(runner, "reload")
            elif len(self.loaded) >= self._profile.loaded_limit:
                await self._make_room(self._victim(), "count")
            elif await self._load(pending):
                return
            else:
                await self._make_room(self._victim(), "memory")

    async def _load(self, pending: Pending) -> bool:
        """Load the model; False when another must go first. A load whose client leaves is aborted (item 24)."""
        placement = self.loader.place(pending.spec, pending.key, alone=not self.loaded)
        if placement is None:
            return False
        try:
            runner = await self.loader.load(pending, placement)
        except OutOfMemory:
            runner = await self._load_once_more(pending)
        if runner is not None:
            self.loaded[pending.spec.weights] = runner
            runner.refs = 1
            self._hand_over(pending, runner)
        return True

    async def _load_once_more(self, pending: Pending) -> Runner | None:
        """Try again after running out of memory, once: with a smaller window or all others gone (item 21)."""
        if pending.key.auto_ctx and pending.key.num_ctx > SMALL_NUM_CTX:
            pending.key = replace(pending.key, num_ctx=SMALL_NUM_CTX)
            self._log.add("window_lowered", model=pending.name, num_ctx=SMALL_NUM_CTX)
        else:
            for other in list(self.loaded.values()):
                await self._make_room(other, "retry")
        placement = self.loader.place(pending.spec, pending.key, alone=True)
        try:
            return await self.loader.load(pending, placement or {})
        except OutOfMemory as out:
            raise LoadFailed(self.loader.out_of_memory_text(str(out))) from out

    def _victim(self) -> Runner:
        """Choose who makes room; not the least recently used, not the largest (item 19).

        The smallest keep_alive first, ties by file; of that order the first idle one, else the very first.
        """
        order = sorted(self.loaded.values(), key=lambda runner: (runner.keep_alive_s, runner.spec.digest))
        return next((runner for runner in order if runner.refs <= 0), order[0])

    async def _make_room(self, victim: Runner, reason: str) -> None:
        """Condemn a runner and wait until any is unloaded (items 17, 23).

        A busy victim that is used again with a positive keep_alive does not go, and everything behind waits with us:
        upstream's deadlock 17408.
        """
        gone = self.unloader.next_unload()
        self._log.measures.evictions[reason] += 1
        self._log.add("evicting", model=victim.name, reason=reason, busy=victim.refs > 0)
        started, busy = self._clock.now(), victim.refs > 0
        victim.doomed = not self._profile.bug_17408
        self.unloader.condemn(victim)
        await gone
        if busy:
            self._log.measures.blocked_s += self._clock.now() - started

    def _serves(self, runner: Runner, spec: ModelSpec, key: LoadKey) -> bool:
        """Tell whether the runner can take the request: alive, and loaded with these options and adapter (item 18)."""
        return not runner.dead and key.fits(runner.key) and runner.spec.adapter == spec.adapter

    def _use(self, runner: Runner, keep_alive_s: float | None) -> Runner:
        """Take a reference; a stated keep_alive replaces the current one, none leaves it (item 22)."""
        runner.refs += 1
        runner.stop_timer()
        if keep_alive_s is not None and not runner.doomed:
            runner.keep_alive_s = keep_alive_s
        return runner

    def _hand_over(self, pending: Pending, runner: Runner) -> None:
        if pending.handed.done():
            self.release(runner)
        else:
            pending.handed.set_result(runner)
