"""One load: where the model goes, how long it takes, and how it fails (items 20, 21, 24, 27)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Protocol

from delegator.ollama.dialect.options import LoadKey
from delegator.ollama.simulator.clock import Clock, sleep
from delegator.ollama.simulator.event_log import EventLog
from delegator.ollama.simulator.faults import FaultRule, Faults, slowness
from delegator.ollama.simulator.memory import RAM, Memory, OutOfMemory, Placement, allocated_bytes, predicted_bytes
from delegator.ollama.simulator.models import ModelSpec
from delegator.ollama.simulator.profiles import GB, GIB, HostProfile
from delegator.ollama.simulator.runner import Runner, Slots

DIED = "llama-server process has terminated: "
STALLED = "timed out waiting for llama-server to start - progress 0.00 - "


class LoadFailed(Exception):
    """The load failed; the text is what Ollama answers with 500."""


class Wanted(Protocol):
    """What a load needs to know of the request behind it."""

    spec: ModelSpec
    name: str
    key: LoadKey
    keep_alive_s: float | None
    handed: asyncio.Future[Runner]


class Loader:
    """Brings models into memory, one call at a time."""

    def __init__(self, profile: HostProfile, clock: Clock, memory: Memory, log: EventLog, faults: Faults) -> None:
        self._profile = profile
        self._clock = clock
        self._memory = memory
        self._log = log
        self._faults = faults
        self._page_cache: OrderedDict[str, int] = OrderedDict()
        self.loading: Wanted | None = None
        self.loading_runner: Runner | None = None

    def parallel(self, spec: ModelSpec) -> int:
        """Return the slots of a runner: one for embedders and some families, whatever is set (item 30)."""
        return 1 if spec.one_slot else self._profile.num_parallel

    def place(self, spec: ModelSpec, key: LoadKey, *, alone: bool) -> Placement | None:
        """Choose where the model would go; None when another must go first (item 20)."""
        parallel = self.parallel(spec)
        size = allocated_bytes(spec, key.num_ctx, parallel)
        if not self._memory.gpu_names and self._profile.old_engine:
            self._refuse_beyond_ram(size, alone=alone)
        return self._memory.place(
            size,
            predicted_bytes(spec, key.num_ctx, parallel),
            layers_on_gpu=key.num_gpu,
            main_gpu=key.main_gpu or None,
            alone=alone,
        )

    async def load(self, wanted: Wanted, placement: Placement) -> Runner | None:
        """Load the model as placed; None when its client left and the load was aborted (item 24).

        Raises:
            LoadFailed: it cannot be loaded.
            OutOfMemory: the machine has not enough memory and another try may help.
        """
        runner = self._new_runner(wanted, placement)
        work = asyncio.create_task(self._bring(wanted, runner))
        self.loading, self.loading_runner = wanted, runner
        started = self._clock.now()
        self._log.add("loading", model=wanted.name, num_ctx=wanted.key.num_ctx, gb=round(runner.size_bytes / 1e9, 2))
        try:
            await asyncio.wait((work, wanted.handed), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self._log.measures.loads_aborted += 1
                self._log.add("load_aborted", model=wanted.name)
                return None
            work.result()
            took = self._clock.now() - started
            runner.loaded_at = self._clock.now()
            self._log.measures.loads += 1
            self._log.measures.load_s += took
            self._log.add("loaded", model=wanted.name, seconds=round(took, 3))
            return runner
        except (LoadFailed, OutOfMemory) as failed:
            self._log.measures.load_failures += 1
            self._log.add("load_failed", model=wanted.name, problem=str(failed))
            raise
        finally:
            self.loading = self.loading_runner = None
            if not (work.done() and not work.cancelled() and work.exception() is None):
                work.cancel()
                self._memory.free(runner)
                self._log.resident(self._memory.held_bytes())

    def load_s(self, spec: ModelSpec) -> float:
        """Return how long reading the model takes: from disk, or from the page cache when it was read lately."""
        rate = self._profile.h2d_gbps if spec.weights in self._page_cache else self._profile.disk_gbps
        return self._profile.load_overhead_s + spec.file_bytes / (rate * GB)

    def out_of_memory_text(self, device: str) -> str:
        """Return the words Ollama has for memory that could not be allocated."""
        if device == RAM:
            return f"{DIED}error loading model: unable to allocate CPU buffer: failed to allocate buffer"
        return f"{DIED}cudaMalloc failed: out of memory: ggml_gallocr_reserve_n: failed to allocate CUDA0 buffer"

    async def _bring(self, wanted: Wanted, runner: Runner) -> None:
        rules = self._faults.take("load", model=wanted.name)
        await self._faults.hang(rules)
        if wanted.spec.family == "mllama" and not self._profile.old_engine:
            await sleep(self._clock, self._profile.load_overhead_s)
            raise LoadFailed(f"{DIED}error loading model: unknown model architecture: 'mllama'")
        self._allocate(runner)
        for rule in rules:
            await self._fail(rule)
        await sleep(self._clock, self.load_s(wanted.spec) * slowness(rules))
        self._remember(wanted.spec)

    def _allocate(self, runner: Runner) -> None:
        """Take the memory; on a machine set to kill, too much ends the runner and no retry follows (item 21)."""
        try:
            self._memory.allocate(runner, runner.placement)
        except OutOfMemory:
            self._log.measures.over_capacity += 1
            if self._profile.out_of_memory == "killed":
                raise LoadFailed(f"{DIED}signal: killed") from None
            raise
        if self._memory.swapped_ratio > 0:
            self._log.measures.over_capacity += 1
            self._log.add("swapping", model=runner.name, ratio=round(self._memory.swapped_ratio, 3))
        self._log.resident(self._memory.held_bytes())

    async def _fail(self, rule: FaultRule) -> None:
        if rule.action == "oom_load":
            if rule.args.get("kind", "alloc") == "killed":
                raise LoadFailed(f"{DIED}signal: killed")
            raise OutOfMemory("gpu0" if self._profile.gpus else RAM)
        if rule.action == "load_fail":
            raise LoadFailed(str(rule.args.get("text", f"{DIED}exit status 1")))
        if rule.action == "load_stall":
            await sleep(self._clock, self._profile.load_timeout_s)
            raise LoadFailed(STALLED)

    def _new_runner(self, wanted: Wanted, placement: Placement) -> Runner:
        keep_alive_s = self._profile.keep_alive_s if wanted.keep_alive_s is None else wanted.keep_alive_s
        return Runner(
            spec=wanted.spec,
            name=wanted.name,
            key=wanted.key,
            placement=placement,
            slots=Slots(self.parallel(wanted.spec)),
            keep_alive_s=keep_alive_s,
            loaded_at=self._clock.now(),
            expires_at=self._clock.now() + keep_alive_s,
        )

    def _remember(self, spec: ModelSpec) -> None:
        self._page_cache[spec.weights] = spec.file_bytes
        self._page_cache.move_to_end(spec.weights)
        while sum(self._page_cache.values()) > self._profile.page_cache_gb * GB:
            self._page_cache.popitem(last=False)

    def _refuse_beyond_ram(self, size: int, *, alone: bool) -> None:
        """Refuse what exceeds RAM, as the old engine did on hosts without GPU."""
        free = self._memory.free_bytes(RAM)
        if size > free and alone:
            needed, available = size / GIB, free / GIB
            raise LoadFailed(
                f"model requires more system memory ({needed:.1f} GiB) than is available ({available:.1f} GiB)"
            )
