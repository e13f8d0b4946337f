"""The scheduler's clumsiness, item by item, on a clock that only the test moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from delegator.ollama.simulator.models import MODELS

FOR_EVER = float("inf")


async def test_a_load_takes_overhead_and_size_by_disk(stage_of):
    stage = stage_of(disk_gbps=2.0, load_overhead_s=0.5)

    stage.preload("mistral:7b")

    await stage.advance(2.6)
    assert stage.loaded == []
    await stage.advance(0.2)  # 0.5 s and 4.37 GB at 2 GB/s: 2.685 s
    assert stage.loaded == ["mistral:7b"]


async def test_what_is_in_the_page_cache_loads_faster(stage_of):
    stage = stage_of(page_cache_gb=10, h2d_gbps=10.0)
    await stage.load("mistral:7b")
    stage.unload("mistral:7b")
    await stage.advance(5)

    stage.preload("mistral:7b")

    await stage.advance(1.0)
    assert stage.loaded == ["mistral:7b"]


async def test_loads_come_one_at_a_time_in_the_order_asked(stage_of):
    """Item 17."""
    stage = stage_of()
    for model in ("mistral:7b", "llama3.2:3b", "qwen3:8b"):
        stage.preload(model)

    await stage.advance(2.7)
    assert stage.events("loading") == ["mistral:7b", "llama3.2:3b"]
    await stage.advance(60)
    assert stage.events("loaded") == ["mistral:7b", "llama3.2:3b", "qwen3:8b"]


async def test_a_full_queue_refuses_loads_but_never_the_fast_path(stage_of):
    """Item 15: the queue holds as many as it holds, one more is in the worker's hands."""
    stage = stage_of(max_queue=2)
    await stage.load("llama3.2:3b", keep_alive=600)
    for model in ("mistral:7b", "qwen3:8b", "llama3.1:8b"):
        stage.preload(model)
        await stage.advance()

    refused = stage.preload("codellama:13b")
    fast = stage.chat("llama3.2:3b")
    await stage.advance(5)

    assert refused.failed == "server busy, please try again.  maximum pending requests exceeded"
    assert fast.done


async def test_requests_for_a_model_still_loading_stand_in_the_same_queue(stage_of):
    """Item 15."""
    stage = stage_of(max_queue=1)
    stage.preload("mistral:7b")
    await stage.advance(0.1)
    stage.chat("mistral:7b")
    await stage.advance()

    refused = stage.chat("mistral:7b")
    await stage.advance()

    assert "maximum pending requests" in refused.failed


async def test_a_slot_serves_in_the_order_of_arrival(stage_of):
    """Item 16."""
    stage = stage_of()
    await stage.load("llama3.2:3b", keep_alive=600)
    calls = [stage.chat("llama3.2:3b") for _ in range(3)]

    finished: list[int] = []
    for _ in range(100):
        await stage.advance(0.05)
        finished += [i for i, call in enumerate(calls) if call.done and i not in finished]

    assert finished == [0, 1, 2]


async def test_slots_side_by_side_are_faster_together_and_slower_each(stage_of):
    """Item 16, with OLLAMA_NUM_PARALLEL 2."""
    alone, together = stage_of(num_parallel=2), stage_of(num_parallel=2)
    await alone.load("llama3.2:3b", keep_alive=600)
    await together.load("llama3.2:3b", keep_alive=600)

    one = alone.chat("llama3.2:3b")
    two = [together.chat("llama3.2:3b") for _ in range(2)]
    await alone.advance(60)
    await together.advance(60)

    single_s = one.lines[-1]["eval_duration"]
    shared_s = two[0].lines[-1]["eval_duration"]
    assert 1.1 * single_s < shared_s < 1.9 * single_s


@pytest.mark.parametrize(
    ("first", "second", "reloads"),
    [
        ({"num_ctx": 4096}, {"num_ctx": 4096}, False),
        ({"num_ctx": 4096}, {"num_ctx": 8192}, True),
        ({"num_ctx": 8192}, {}, True),
        ({}, {}, False),
        ({}, {"num_batch": 256}, True),
        ({}, {"num_thread": 4}, True),
        ({}, {"use_mmap": False}, True),
        ({}, {"main_gpu": 1}, True),
        ({"num_gpu": 10}, {"num_gpu": -1}, False),
        ({"num_gpu": 10}, {"num_gpu": 12}, True),
        ({}, {"temperature": 0.1, "seed": 5, "num_predict": 9}, False),
        ({"num_ctx": 999_999}, {"num_ctx": 888_888}, False),
    ],
)
async def test_only_options_of_the_load_make_a_model_load_anew(
    stage_of, first: dict[str, Any], second: dict[str, Any], reloads: bool
):
    """Item 18; windows beyond what the model was trained on are all the same one."""
    stage = stage_of()
    await stage.load("mistral:7b", **first)

    await stage.load("mistral:7b", **second)

    assert len(stage.events("loaded")) == (2 if reloads else 1)


async def test_at_the_count_limit_the_smallest_keep_alive_goes_first(stage_of):
    """Item 19: neither the least recently used nor the largest."""
    stage = stage_of()
    await stage.load("mistral:7b", keep_alive=FOR_EVER)
    await stage.load("qwen3:8b", keep_alive=60)
    await stage.load("llama3.2:3b", keep_alive=600)

    await stage.load("llama3.1:8b", keep_alive=600)

    assert stage.events("evicting") == ["qwen3:8b"]
    assert stage.loaded == ["mistral:7b", "llama3.2:3b", "llama3.1:8b"]


async def test_a_busy_model_is_passed_over_for_an_idle_one(stage_of):
    """Item 19."""
    stage = stage_of(max_loaded=2)
    await stage.load("qwen3:8b", keep_alive=60)
    await stage.load("mistral:7b", keep_alive=FOR_EVER)
    stage.chat("qwen3:8b", keep_alive=60)
    await stage.advance()

    await stage.load("llama3.2:3b", keep_alive=600)

    assert stage.events("evicting") == ["mistral:7b"]


async def test_for_ever_is_not_pinned(stage_of):
    """Item 19."""
    stage = stage_of(max_loaded=1)
    await stage.load("mistral:7b", keep_alive=FOR_EVER)

    await stage.load("llama3.2:3b")

    assert stage.loaded == ["llama3.2:3b"]


async def test_an_eviction_that_waits_for_a_busy_model_blocks_every_load_behind_it(stage_of):
    """Item 17: head of line."""
    stage = stage_of(max_loaded=1)
    await stage.load("mistral:7b", keep_alive=600)
    talking = stage.chat("mistral:7b")
    await stage.advance()
    blocked = stage.preload("llama3.2:3b")
    await stage.advance(0.1)

    assert stage.host.scheduler.in_hand is not None
    assert stage.events("loading") == ["mistral:7b"]
    await stage.advance(60)
    assert talking.done
    assert blocked.done
    assert stage.host.log.measures.blocked_s > 0


async def test_a_victim_that_is_used_again_with_a_keep_alive_blocks_for_ever(stage_of):
    """Item 23: upstream's deadlock 17408. Loaded models and questions stay healthy."""
    stage = stage_of(max_loaded=1)
    await stage.load("mistral:7b", keep_alive=600)
    stage.chat("mistral:7b")
    await stage.advance()
    waiting = stage.preload("llama3.2:3b")
    await stage.advance(0.1)

    again = stage.chat("mistral:7b", keep_alive=FOR_EVER)
    await stage.advance(100_000)

    assert again.done
    assert not waiting.task.done()
    assert stage.loaded == ["mistral:7b"]


async def test_without_the_bug_the_victim_goes_all_the_same(stage_of):
    stage = stage_of(max_loaded=1, bug_17408=False)
    await stage.load("mistral:7b", keep_alive=600)
    stage.chat("mistral:7b")
    await stage.advance()
    waiting = stage.preload("llama3.2:3b")
    await stage.advance(0.1)

    stage.chat("mistral:7b", keep_alive=FOR_EVER)
    await stage.advance(60)

    assert waiting.done


async def test_a_queued_request_whose_client_left_is_skipped(stage_of):
    """Item 24."""
    stage = stage_of()
    stage.preload("mistral:7b")
    gone = stage.preload("qwen3:8b")
    await stage.advance(0.1)

    gone.hang_up()
    await stage.advance(60)

    assert stage.events("skipped") == ["qwen3:8b"]
    assert stage.loaded == ["mistral:7b"]


async def test_a_load_whose_client_left_is_aborted_and_the_next_waiter_loads_anew(stage_of):
    """Item 24: all that was read is lost, also for others who wait for the same model."""
    stage = stage_of()
    first = stage.preload("mistral:7b")
    await stage.advance(0.1)
    second = stage.preload("mistral:7b")
    await stage.advance(2.0)

    first.hang_up()
    await stage.advance(2.0)
    assert stage.events("load_aborted") == ["mistral:7b"]
    assert not second.done

    await stage.advance(1.0)
    assert second.done


async def test_an_aborted_load_gives_its_memory_back(stage_of):
    stage = stage_of()
    call = stage.preload("deepseek-coder:33b")
    await stage.advance(1)
    assert stage.host.memory.held_bytes() > 18e9

    call.hang_up()
    await stage.advance()

    assert stage.host.memory.held_bytes() == 0


async def test_a_reply_whose_client_left_stops_and_frees_its_slot_a_little_later(stage_of):
    """Item 24."""
    stage = stage_of(cancel_lag_s=0.5)
    await stage.load("llama3.2:3b", keep_alive=600)
    leaving = stage.chat("llama3.2:3b")
    await stage.advance(0.1)
    waiting = stage.chat("llama3.2:3b")

    leaving.hang_up()
    await stage.advance(0.4)
    assert waiting.lines == []
    await stage.advance(5)

    assert not leaving.done
    assert waiting.done
    assert stage.host.log.measures.tokens_wasted == len(leaving.lines)


async def test_keep_alive_counts_from_the_end_of_the_last_request(stage_of):
    """Item 22."""
    stage = stage_of()
    await stage.load("llama3.2:3b", keep_alive=10)
    await stage.advance(9)
    stage.chat("llama3.2:3b")

    await stage.advance(9)
    assert stage.loaded == ["llama3.2:3b"]
    await stage.advance(5)
    assert stage.loaded == []


async def test_a_reload_forgets_the_old_keep_alive(stage_of):
    """Item 22."""
    stage = stage_of(keep_alive_s=300.0)
    await stage.load("llama3.2:3b", keep_alive=FOR_EVER, num_ctx=4096)

    await stage.load("llama3.2:3b", num_ctx=8192)
    await stage.advance(301)

    assert stage.loaded == []


async def test_an_unload_of_a_busy_model_waits_until_it_is_idle(stage_of):
    """Item 23."""
    stage = stage_of()
    await stage.load("llama3.2:3b", keep_alive=600)
    talking = stage.chat("llama3.2:3b")
    await stage.advance()

    stage.unload("llama3.2:3b")
    await stage.advance(0.1)
    assert stage.loaded == ["llama3.2:3b"]
    await stage.advance(10)

    assert talking.done
    assert stage.loaded == []


async def test_a_request_with_a_keep_alive_cancels_a_waiting_unload(stage_of):
    """Item 23."""
    stage = stage_of()
    await stage.load("llama3.2:3b", keep_alive=600)
    stage.chat("llama3.2:3b")
    await stage.advance()
    stage.unload("llama3.2:3b")

    stage.chat("llama3.2:3b", keep_alive=600)
    await stage.advance(20)

    assert stage.loaded == ["llama3.2:3b"]


async def test_a_request_that_comes_during_the_unload_loads_the_model_anew(stage_of):
    stage = stage_of(unload_s=1.0)
    await stage.load("llama3.2:3b", keep_alive=600)
    stage.unload("llama3.2:3b")
    await stage.advance(0.5)

    call = stage.chat("llama3.2:3b")
    await stage.advance(20)

    assert call.done
    assert stage.events("loaded") == ["llama3.2:3b"] * 2


async def test_load_duration_includes_the_wait_in_the_queue(stage_of):
    """Item 26."""
    stage = stage_of()
    stage.preload("deepseek-coder:33b")

    call = stage.chat("llama3.2:3b")
    await stage.advance(60)

    alone_s, first_s = 0.5 + 2.02 / 2, 0.5 + 18.8 / 2
    assert call.lines[-1]["load_duration"] == pytest.approx((first_s + alone_s) * 1e9)


async def test_an_alias_shares_the_runner_under_the_name_that_loaded_it(stage_of):
    """Item 25."""
    stage = stage_of(installed=("mistral:7b", "mistral:latest"))
    await stage.load("mistral", keep_alive=600)

    call = stage.chat("mistral:7b")
    await stage.advance(5)

    assert call.done
    assert stage.loaded == ["mistral:latest"]
    assert stage.events("loading") == ["mistral:latest"]


async def test_an_adapter_on_the_same_weights_needs_a_runner_of_its_own_in_place_of_the_other(stage_of):
    """Item 18."""
    tuned = replace(MODELS["mistral:7b"], name="tuned:latest", blob="mistral:7b", adapter="tuned")
    stage = stage_of(also=(tuned,))
    await stage.load("mistral:7b", keep_alive=600)

    await stage.load("tuned", keep_alive=600)

    assert stage.loaded == ["tuned:latest"]
    assert stage.events("loading") == ["mistral:7b", "tuned:latest"]


async def test_a_deleted_model_runs_on(stage_of):
    """Item 28."""
    stage = stage_of()
    await stage.load("llama3.2:3b", keep_alive=600)

    assert stage.host.library.delete("llama3.2:3b")

    assert stage.loaded == ["llama3.2:3b"]


async def test_an_embedder_has_one_slot_whatever_is_set(stage_of):
    """Item 30."""
    stage = stage_of(num_parallel=4)
    await stage.load("nomic-embed-text")
    await stage.load("llama3.2:3b")

    assert [runner.slots.count for runner in stage.host.scheduler.loaded.values()] == [1, 4]


async def test_the_prompt_a_slot_has_read_already_is_not_read_again(stage_of):
    stage = stage_of()
    await stage.load("mistral:7b", keep_alive=600)
    shared = "The task is long. " * 200

    first = stage.chat("mistral:7b", shared + "One asks.")
    await stage.advance(60)
    second = stage.chat("mistral:7b", shared + "Another asks.")
    await stage.advance(60)

    assert first.lines[-1]["prompt_eval_count"] == pytest.approx(second.lines[-1]["prompt_eval_count"], abs=2)
    assert second.lines[-1]["prompt_eval_duration"] < first.lines[-1]["prompt_eval_duration"] / 10
