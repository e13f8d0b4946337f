"""Where memory goes: estimates, placements on GPUs, the ceiling (items 20, 21, 29)."""

from __future__ import annotations

import pytest

from delegator.ollama.simulator.memory import RAM, Memory, allocated_bytes, cache_bytes, predicted_bytes
from delegator.ollama.simulator.models import MODELS
from delegator.ollama.simulator.profiles import GB, GIB, PROFILES, Gpu


@pytest.mark.parametrize(
    ("model", "kib_per_token"),
    [
        ("qwen2.5:14b", 192), ("deepseek-coder:33b", 248), ("llama3.1:8b", 128), ("mistral:7b", 128),
        ("llama3.2-vision:11b", 160), ("deepseek-coder:6.7b", 512), ("codellama:13b", 800), ("qwen3:8b", 144),
        ("llama3.2:3b", 112), ("qwen2.5-coder:7b", 56), ("qwen3-coder:30b", 96), ("gpt-oss:20b", 48),
    ],
)  # fmt: skip
def test_the_cache_per_token_is_that_of_the_published_shape(model: str, kib_per_token: int):
    assert cache_bytes(MODELS[model], 1, 1) == kib_per_token * 1024


@pytest.mark.parametrize(
    ("model", "gb_at_8k"),
    [("qwen2.5:14b", 11.1), ("deepseek-coder:33b", 21.4), ("codellama:13b", 14.6), ("llama3.1:8b", 6.5)],
)
def test_what_is_allocated_is_near_the_estimate_and_not_equal_to_it(model: str, gb_at_8k: float):
    allocated = allocated_bytes(MODELS[model], 8192, 1)

    assert allocated / GB == pytest.approx(gb_at_8k, rel=0.05)
    assert allocated != predicted_bytes(MODELS[model], 8192, 1)


@pytest.mark.parametrize(("num_ctx", "surcharge"), [(4096, 0), (4097, 0.75 * GIB), (32769, 2 * GIB)])
def test_the_prediction_grows_with_larger_batches(num_ctx: int, surcharge: float):
    spec = MODELS["llama3.1:8b"]

    assert predicted_bytes(spec, num_ctx, 1) == spec.file_bytes + cache_bytes(spec, num_ctx, 1) + surcharge


@pytest.mark.parametrize(
    ("gpus", "num_ctx"),
    [
        ((), 4096),
        ((Gpu(16),), 4096),
        ((Gpu(24),), 4096),
        ((Gpu(26),), 32768),
        ((Gpu(24), Gpu(24)), 32768),
        ((Gpu(80),), 262144),
    ],
)
def test_the_default_window_goes_by_the_memory_of_all_gpus(gpus: tuple[Gpu, ...], num_ctx: int):
    """Item 29."""
    assert PROFILES["laptop64"].but(gpus=gpus).default_num_ctx == num_ctx


def test_a_model_that_fits_one_gpu_goes_to_the_freest():
    memory = Memory(PROFILES["workstation96"])
    memory.allocate("other", {"gpu0": 10 * GB})

    assert memory.place(6 * GB, 6 * GB, layers_on_gpu=-1, main_gpu=None, alone=False) == {"gpu1": 6 * GB}


def test_a_model_too_large_for_one_gpu_is_spread():
    memory = Memory(PROFILES["workstation96"])

    placement = memory.place(60 * GB, 60 * GB, layers_on_gpu=-1, main_gpu=None, alone=False)

    assert placement == {"gpu0": 30 * GB, "gpu1": 30 * GB}


def test_only_a_model_on_its_own_is_split_between_gpu_and_ram():
    """Item 20."""
    memory = Memory(PROFILES["server48"])

    beside = memory.place(60 * GB, 60 * GB, layers_on_gpu=-1, main_gpu=None, alone=False)
    split = memory.place(60 * GB, 60 * GB, layers_on_gpu=-1, main_gpu=None, alone=True)

    assert beside is None
    assert split is not None
    assert split[RAM] > 0
    assert sum(split.values()) == 60 * GB


def test_no_layers_on_gpu_means_ram():
    memory = Memory(PROFILES["workstation96"])

    assert memory.place(GB, GB, layers_on_gpu=0, main_gpu=None, alone=False) == {RAM: GB}


async def test_a_gpu_host_evicts_until_the_model_fits(stage_of):
    """Item 20."""
    stage = stage_of("server48", max_loaded=9)
    for model in ("deepseek-coder:33b", "qwen2.5:14b", "codellama:13b"):
        await stage.load(model, keep_alive=600, num_ctx=4096)

    await stage.load("qwen3-coder:30b", keep_alive=600, num_ctx=4096)

    assert stage.events("evicting")
    assert stage.loaded[-1] == "qwen3-coder:30b"
    assert stage.host.memory.free_bytes("gpu0") >= 0


async def test_a_host_without_gpu_checks_nothing_and_swaps(stage_of):
    """Item 20: keeping the account there is the client's business."""
    stage = stage_of("laptop24", max_loaded=9)
    await stage.load("codellama:13b", keep_alive=600, num_ctx=4096)
    fast = stage.chat("codellama:13b", num_ctx=4096)
    await stage.advance(60)

    await stage.load("qwen2.5:14b", keep_alive=600, num_ctx=8192)
    slow = stage.chat("codellama:13b", num_ctx=4096)
    await stage.advance(60)

    assert stage.events("evicting") == []
    assert stage.host.memory.swapped_ratio > 0
    assert slow.lines[-1]["eval_duration"] > 1.2 * fast.lines[-1]["eval_duration"]


async def test_beyond_swap_the_runner_is_killed_and_the_others_stay(stage_of):
    """Item 21."""
    stage = stage_of("laptop16", max_loaded=9)
    await stage.load("codellama:13b", keep_alive=600, num_ctx=4096)

    call = await stage.load("deepseek-coder:33b", num_ctx=4096)

    assert call.failed == "llama-server process has terminated: signal: killed"
    assert stage.loaded == ["codellama:13b"]


async def test_a_failed_allocation_sends_all_others_out_and_tries_once_more(stage_of):
    """Item 21."""
    stage = stage_of("laptop16", max_loaded=9, out_of_memory="alloc")
    await stage.load("codellama:13b", keep_alive=600, num_ctx=4096)

    call = await stage.load("deepseek-coder:33b", num_ctx=4096)

    assert not call.failed
    assert stage.loaded == ["deepseek-coder:33b"]


async def test_what_fits_in_no_way_fails_after_the_second_try(stage_of):
    """Item 21."""
    stage = stage_of("laptop16", out_of_memory="alloc")

    call = await stage.load("deepseek-coder:33b", num_ctx=16384, num_batch=1024)

    assert "failed to allocate" in call.failed
    assert stage.events("load_failed") == ["deepseek-coder:33b"] * 2
    assert stage.host.memory.held_bytes() == 0


async def test_an_automatic_window_is_lowered_before_others_must_go(stage_of):
    """Item 21."""
    stage = stage_of("laptop24", out_of_memory="alloc", context_length=32768, swap_gb=0)
    await stage.load("llama3.2:3b", keep_alive=600, num_ctx=4096)

    await stage.load("codellama:13b", keep_alive=600)

    assert stage.loaded == ["llama3.2:3b", "codellama:13b"]
    assert stage.host.scheduler.loaded["codellama:13b"].key.num_ctx == 4096


async def test_the_old_engine_refuses_what_exceeds_ram(stage_of):
    stage = stage_of("laptop16", version="0.24.0")

    call = await stage.load("deepseek-coder:33b", num_ctx=4096)

    assert call.failed.startswith("model requires more system memory (")


async def test_the_dead_architecture_does_not_load_on_the_new_engine(stage_of):
    new, old = stage_of(), stage_of(version="0.24.0")

    failed = await new.load("llama3.2-vision:11b")
    await old.load("llama3.2-vision:11b")

    assert "unknown model architecture: 'mllama'" in failed.failed
    assert old.loaded == ["llama3.2-vision:11b"]


async def test_freed_gpu_memory_counts_as_used_a_little_longer(stage_of):
    """Section 3: ps is clean before the memory is free."""
    stage = stage_of("workstation96", vram_recovery_s=3.0)
    await stage.load("llama3.2:3b", keep_alive=600)

    stage.unload("llama3.2:3b")
    await stage.advance(1)

    assert stage.loaded == []
    assert stage.host.memory.held_bytes() > 0
    await stage.advance(3)
    assert stage.host.memory.held_bytes() == 0
