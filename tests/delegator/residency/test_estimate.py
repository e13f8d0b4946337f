"""Estimates against the published sizes, and what must hold for any model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.residency.estimate import cache_bytes, estimated_bytes, is_plausible

GB = 1_000_000_000
KIB = 1024


@dataclass(frozen=True)
class A:
    """The shape of a model."""

    block_count: int
    kv_heads: int
    head_dim: int
    context_length: int


PUBLISHED = [
    # model, file GB, shape, KiB of cache a token, loaded at 4k, 8k, 16k in GB
    ("qwen2.5:14b", 8.99, A(48, 8, 128, 32768), 192, (10.3, 11.1, 12.7)),
    ("deepseek-coder:33b", 18.8, A(62, 8, 128, 16384), 248, (20.3, 21.4, 23.5)),
    ("llama3.1:8b", 4.92, A(32, 8, 128, 131072), 128, (6.0, 6.5, 7.6)),
    ("mistral:7b", 4.37, A(32, 8, 128, 32768), 128, (5.4, 5.9, 7.0)),
    ("llama3.2-vision:11b", 7.82, A(40, 8, 128, 131072), 160, (9.0, 9.7, 11.0)),
    ("deepseek-coder:6.7b", 3.83, A(32, 32, 128, 16384), 512, (6.5, 8.6, 12.9)),
    ("codellama:13b", 7.37, A(40, 40, 128, 16384), 800, (11.2, 14.6, 21.3)),
    ("qwen3:8b", 5.23, A(36, 8, 128, 40960), 144, (6.3, 6.9, 8.1)),
    ("llama3.2:3b", 2.02, A(28, 8, 128, 131072), 112, (3.0, 3.5, 4.4)),
    ("qwen2.5-coder:7b", 4.68, A(28, 4, 128, 32768), 56, (5.4, 5.7, 6.1)),
    ("qwen2.5-coder:14b", 8.99, A(48, 8, 128, 32768), 192, (10.3, 11.1, 12.7)),
    ("qwen3-coder:30b", 18.56, A(48, 4, 128, 262144), 96, (19.5, 19.9, 20.7)),
    ("gpt-oss:20b", 13.79, A(24, 8, 64, 131072), 48, (14.5, 14.7, 15.1)),
    ("qwen3-vl:8b", 6.14, A(36, 8, 128, 262144), 144, (7.2, 7.8, 9.1)),
]


@pytest.mark.parametrize(
    ("model", "file_gb", "shape", "kib", "loaded_gb"), PUBLISHED, ids=[row[0] for row in PUBLISHED]
)
def test_estimates_are_within_two_percent_of_the_published_sizes(
    model: str, file_gb: float, shape: A, kib: int, loaded_gb: tuple[float, ...]
) -> None:
    file_bytes = round(file_gb * GB)

    sizes = [estimated_bytes(file_bytes, shape, num_ctx=num_ctx) / GB for num_ctx in (4096, 8192, 16384)]

    assert cache_bytes(shape, num_ctx=1) == kib * KIB
    assert sizes == pytest.approx(loaded_gb, rel=0.02)


def test_the_estimate_of_a_hybrid_model_is_an_upper_bound_of_what_was_measured() -> None:
    qwen35 = A(32, 4, 256, 262144)

    assert estimated_bytes(round(6.59 * GB), qwen35, num_ctx=4096) >= 6.2 * GB


@pytest.mark.parametrize(
    "shape", [None, *(replace(A(32, 8, 128, 0), **{part: 0}) for part in ("block_count", "kv_heads", "head_dim"))]
)
def test_a_model_that_does_not_tell_its_shape_counts_by_its_file_or_by_what_is_stated(shape: A | None) -> None:
    by_file = estimated_bytes(4 * GB, shape, num_ctx=8192)

    assert by_file == round(5.1 * GB)
    assert estimated_bytes(4 * GB, shape, num_ctx=8192, stated_bytes=8 * GB) == 8 * GB
    assert estimated_bytes(4 * GB, shape, num_ctx=8192, stated_bytes=2 * GB) == by_file


def test_what_is_stated_does_not_count_where_the_shape_is_told() -> None:
    shape = A(32, 8, 128, 32768)

    assert estimated_bytes(4 * GB, shape, num_ctx=8192, stated_bytes=50 * GB) < 6 * GB


SHAPES = st.builds(A, st.integers(0, 200), st.integers(0, 128), st.integers(0, 512), st.integers(0, 1 << 20))
FILES = st.integers(0, 10**12)
WINDOWS = st.integers(1, 1 << 20)
SLOTS = st.integers(1, 16)


@given(file_bytes=FILES, shape=st.none() | SHAPES, num_ctx=WINDOWS, more=WINDOWS, parallel=SLOTS, stated=FILES)
def test_a_larger_window_and_more_turns_at_one_time_never_take_less(
    file_bytes: int, shape: A | None, num_ctx: int, more: int, parallel: int, stated: int
) -> None:
    def estimate(num_ctx: int, parallel: int) -> int:
        return estimated_bytes(file_bytes, shape, num_ctx=num_ctx, parallel=parallel, stated_bytes=stated)

    assert estimate(num_ctx, parallel) > file_bytes
    assert estimate(num_ctx + more, parallel) >= estimate(num_ctx, parallel)
    assert estimate(num_ctx, parallel + 1) >= estimate(num_ctx, parallel)


@given(shape=SHAPES.filter(lambda shape: shape.context_length > 0), parallel=SLOTS, beyond=WINDOWS)
def test_a_window_beyond_the_one_of_training_takes_no_more(shape: A, parallel: int, beyond: int) -> None:
    most = cache_bytes(shape, num_ctx=shape.context_length, parallel=parallel)

    assert cache_bytes(shape, num_ctx=shape.context_length + beyond, parallel=parallel) == most


@given(shape=SHAPES, num_ctx=WINDOWS, parallel=SLOTS)
def test_every_turn_at_one_time_has_a_window_of_its_own(shape: A, num_ctx: int, parallel: int) -> None:
    one = cache_bytes(shape, num_ctx=num_ctx)

    assert cache_bytes(shape, num_ctx=num_ctx, parallel=parallel) == parallel * one


@pytest.mark.parametrize(
    ("measured_gb", "file_gb", "estimate_gb", "plausible"),
    [
        (6.5, 5.0, 6.4, True),
        (6.4 * 1.2, 5.0, 6.4, True),
        (6.4 * 0.8, 5.0, 6.4, True),
        (2.5, 5.0, 6.4, True),
        (2.4, 5.0, 6.4, False),
        (0.0, 0.0, 0.0, False),
        (19.2, 5.0, 6.4, True),
        (19.3, 5.0, 6.4, False),
        (7.0, 0.0, 0.0, True),
    ],
)
def test_a_measured_size_far_from_file_or_estimate_is_not_believed(
    measured_gb: float, file_gb: float, estimate_gb: float, plausible: bool
) -> None:
    measured, file, estimate = (round(size * GB) for size in (measured_gb, file_gb, estimate_gb))

    assert is_plausible(measured, file_bytes=file, estimate_bytes=estimate) is plausible
