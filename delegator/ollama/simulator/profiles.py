"""The machines the simulator can be: memory, disk, processors, and how the Ollama on them is configured.

GB are 10^9 bytes. What an operator sets through `OLLAMA_*` variables has Ollama's own default here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from delegator.ollama.simulator.models import ModelSpec

GB = 1_000_000_000
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics processor.

    Attributes:
        bandwidth_gbps: GB a second its memory is read with; decides how fast models speak.
        library: vendor library; a model spreads only over GPUs of one.
    """

    total_gb: float
    bandwidth_gbps: float = 900.0
    library: str = "cuda"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostProfile:
    """A machine and its Ollama. Times are model seconds.

    Attributes:
        ram_gb, base_used_gb: memory of the machine, and what its system and programs hold of it.
        swap_gb: what may be allocated beyond it; models that reach into it are slow, beyond it they are killed.
        ram_gbps: GB a second the memory is read with.
        disk_gbps, h2d_gbps: reading a model file from disk, and from the page cache.
        page_cache_gb: files of this much stay in the page cache.
        download_gbps: speed of pulls.
        version: what `/api/version` says. 0.24 stands for the old engine: shows loading models, checks RAM.
        num_parallel, max_loaded, max_queue, keep_alive_s, load_timeout_s, context_length: `OLLAMA_NUM_PARALLEL`,
            `OLLAMA_MAX_LOADED_MODELS` (None: three per GPU, three without), `OLLAMA_MAX_QUEUE`, `OLLAMA_KEEP_ALIVE`,
            `OLLAMA_LOAD_TIMEOUT`, `OLLAMA_CONTEXT_LENGTH` (None: by the GPUs' memory).
        load_overhead_s, unload_s: what a load takes beyond reading, what ending a runner takes.
        vram_recovery_s: how long freed GPU memory still counts as used.
        cancel_lag_s: how long a slot stays taken after its client has gone.
        out_of_memory: what allocating too much does: the runner is `killed`, or fails to `alloc`ate and all others go.
        bug_17408: reproduce upstream's deadlock of a victim that is used again.
        installed: names on disk; None: all of the table.
        also: further models on disk, which the table need not have.
    """

    name: str
    ram_gb: float
    base_used_gb: float = 3.0
    swap_gb: float = 8.0
    gpus: tuple[Gpu, ...] = ()
    ram_gbps: float = 100.0
    disk_gbps: float = 2.0
    h2d_gbps: float = 8.0
    page_cache_gb: float = 0.0
    download_gbps: float = 0.1
    version: str = "0.33.0"
    num_parallel: int = 1
    max_loaded: int | None = None
    max_queue: int = 512
    keep_alive_s: float = 300.0
    load_timeout_s: float = 300.0
    context_length: int | None = None
    load_overhead_s: float = 0.5
    unload_s: float = 0.2
    vram_recovery_s: float = 1.0
    cancel_lag_s: float = 0.05
    out_of_memory: Literal["killed", "alloc"] = "killed"
    bug_17408: bool = True
    installed: tuple[str, ...] | None = None
    also: tuple[ModelSpec, ...] = ()

    @property
    def old_engine(self) -> bool:
        """Whether this is the line before every model moved into a process of its own."""
        return tuple(int(part) for part in self.version.split("-")[0].split(".")[:2]) < (0, 30)

    @property
    def loaded_limit(self) -> int:
        """How many models may be in memory at once (item 19)."""
        return self.max_loaded or 3 * max(1, len(self.gpus))

    @property
    def default_num_ctx(self) -> int:
        """The window of a request that names none, by total GPU memory (item 29)."""
        if self.context_length:
            return self.context_length
        vram_gib = sum(gpu.total_gb for gpu in self.gpus) * GB / GIB
        return 4096 if vram_gib < 23 else 32768 if vram_gib < 47 else 262144

    def but(self, **changes: Any) -> HostProfile:
        """Return this machine with some things changed."""
        return replace(self, **changes)


PROFILES = {
    profile.name: profile
    for profile in (
        HostProfile(name="laptop16", ram_gb=16, ram_gbps=60),
        HostProfile(name="laptop24", ram_gb=24),
        HostProfile(name="laptop64", ram_gb=64),
        HostProfile(name="server48", ram_gb=64, gpus=(Gpu(24), Gpu(24))),
        HostProfile(name="workstation96", ram_gb=128, gpus=(Gpu(48), Gpu(48)), swap_gb=16),
    )
}
"""Laptops compute on the processor, with the bandwidth of unified or fast memory; the others on GPUs."""
