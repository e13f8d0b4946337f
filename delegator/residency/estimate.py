"""Estimates what a model takes before it was ever loaded, and judges whether a measured size can be true.

Pure arithmetic on what Ollama tells of a model on disk; the measured size of `/api/ps` replaces an estimate as soon as
there is one (`actors/endpoint_memory.py`). How a model divides over GPU and CPU is not estimated, only measured.
"""

from __future__ import annotations

from typing import Protocol

RUNNER_BYTES = 500_000_000
"""What a runner allocates beside weights and cache: compute buffers, its own process."""

BYTES_PER_VALUE = 2
"""Keys and values are kept as 16-bit numbers unless an operator has set OLLAMA_KV_CACHE_TYPE: then it is less."""

UNKNOWN_SHAPE_RATIO = 1.15
"""Memory by file size where the shape is not told; with `RUNNER_BYTES` right for modern models at a window of 8k."""

LEAST_OF_FILE = 0.5
"""Least share of its file that a loaded model can take: some parts, such as a vision projector, may stay unloaded."""

MOST_OF_ESTIMATE = 3.0
"""Most a loaded model can take by its estimate: several parallel slots multiply the cache, nothing the weights."""


class Shape(Protocol):
    """What decides the size of a model's cache, as `/api/show` tells it; 0 where it does not."""

    @property
    def block_count(self) -> int: ...
    @property
    def kv_heads(self) -> int: ...
    @property
    def head_dim(self) -> int: ...
    @property
    def context_length(self) -> int: ...


def estimated_bytes(
    file_bytes: int, shape: Shape | None, *, num_ctx: int, parallel: int = 1, stated_bytes: int = 0
) -> int:
    """Return what a model takes when it is loaded: its file, its cache, its runner.

    For families that do not keep a full cache in every layer (hybrid, sliding window) it is an upper bound.

    Args:
        file_bytes: size of the weights on disk.
        num_ctx: window in tokens; above the window the model was trained with it counts as that.
        parallel: turns at one time, each of which has a window of its own.
        stated_bytes: what somebody states it takes; counts where the shape is not known and this is more.
    """
    if shape is None or not (shape.block_count and shape.kv_heads and shape.head_dim):
        return max(round(file_bytes * UNKNOWN_SHAPE_RATIO) + RUNNER_BYTES, stated_bytes)
    return file_bytes + cache_bytes(shape, num_ctx=num_ctx, parallel=parallel) + RUNNER_BYTES


def cache_bytes(shape: Shape, *, num_ctx: int, parallel: int = 1) -> int:
    """Return what the keys and values of every layer, head and token take."""
    tokens = min(num_ctx, shape.context_length) if shape.context_length else num_ctx
    return 2 * shape.block_count * shape.kv_heads * shape.head_dim * tokens * parallel * BYTES_PER_VALUE


def is_plausible(measured_bytes: int, *, file_bytes: int, estimate_bytes: int) -> bool:
    """Return whether a loaded model can take what was measured; 0 for a file or an estimate that is not known."""
    too_little = measured_bytes <= 0 or measured_bytes < LEAST_OF_FILE * file_bytes
    too_much = 0 < estimate_bytes * MOST_OF_ESTIMATE < measured_bytes
    return not (too_little or too_much)
