"""Who is in memory: eviction order, slots, busy models, clients that leave (items 15, 16, 19, 22 to 24)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import psutil
import pytest

from delegator.errors import OllamaBusy
from delegator.ollama.client import ChatEnd, ChatMessage, OllamaClient
from delegator.ollama.records import LoadOptions
from tests.delegator.ollama.engine.conftest import until

pytestmark = pytest.mark.engine

OPTIONS = LoadOptions(2048)


async def load(client: OllamaClient, model: str, keep_alive_s: float = -1, num_ctx: int = 2048) -> None:
    await client.load(model, LoadOptions(num_ctx), keep_alive_s=keep_alive_s, deadline_s=20)


async def loaded(client: OllamaClient) -> set[str]:
    return {model.name.removesuffix(":latest") for model in await client.ps()}


async def test_the_shortest_keep_alive_makes_room_whoever_was_used_last(bring):
    _, client = await bring(max_loaded=2)
    await load(client, "a", keep_alive_s=600)
    await load(client, "b", keep_alive_s=60)

    await load(client, "c", keep_alive_s=600)

    assert await loaded(client) == {"a", "c"}


async def test_for_ever_is_evicted_too(bring):
    _, client = await bring(max_loaded=1)
    await load(client, "a", keep_alive_s=-1)

    await load(client, "b", keep_alive_s=-1)

    assert await loaded(client) == {"b"}


async def test_a_busy_model_is_finished_before_it_makes_room(bring):
    host, client = await bring(max_loaded=1)
    await load(client, "a")
    [runner] = host.scheduler.loaded.values()
    await runner.slots.acquire()  # a reply that takes as long as the test wants
    reply = asyncio.create_task(_count(client, "a"))
    await until(lambda: runner.refs == 1)

    waiting = asyncio.create_task(load(client, "b"))
    await until(lambda: runner.keep_alive_s == 0)
    assert await loaded(client) == {"a"}
    runner.slots.release()

    assert await reply == 4
    await waiting
    assert await loaded(client) == {"b"}


async def test_as_many_replies_run_side_by_side_as_there_are_slots(bring):
    host, client = await bring(num_parallel=2)
    await load(client, "a")
    [runner] = host.scheduler.loaded.values()
    await runner.slots.acquire()

    assert await _count(client, "a") == 4
    await runner.slots.acquire()
    third = asyncio.create_task(_count(client, "a"))
    await until(lambda: runner.refs == 1)
    assert not third.done()
    runner.slots.release()
    assert await third == 4


async def test_only_requests_that_need_a_load_can_find_the_queue_full(bring):
    host, client = await bring(max_queue=1)
    await load(client, "a")
    host.scheduler.loads_may_end.clear()
    loads = [asyncio.create_task(load(client, name)) for name in ("b", "c")]
    await until(host.scheduler._queue.full)

    with pytest.raises(OllamaBusy):
        await load(client, "a", num_ctx=4096)
    assert await _count(client, "a") == 4

    host.scheduler.loads_may_end.set()
    await asyncio.gather(*loads)
    assert await loaded(client) == {"a", "b", "c"}


async def test_no_process_is_left_of_a_load_whose_client_has_gone(bring):
    host, client = await bring()
    host.scheduler.loads_may_end.clear()
    leaving = asyncio.create_task(load(client, "a"))
    await until(lambda: bool(_engines()))
    [engine] = _engines()

    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving

    await until(lambda: not engine.is_running())
    assert await loaded(client) == set()


async def test_a_host_that_stops_takes_all_its_engines_along(bring):
    host, client = await bring()
    await load(client, "a")
    await load(client, "b")
    assert len(_engines()) == 2

    await host.__aexit__(None, None, None)

    assert _engines() == []


def _engines() -> list[psutil.Process]:
    return [
        child for child in psutil.Process().children() if any("runner_process" in word for word in _words_of(child))
    ]


def _words_of(process: psutil.Process) -> list[str]:
    """Return a process's command; none of one that has ended, be it that nobody has taken note yet."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie too
        return []


async def _count(client: OllamaClient, model: str) -> int:
    """Ask for a reply of four tokens and return how many came."""
    messages: list[ChatMessage] = [{"role": "user", "content": "Hello"}]
    items = [item async for item in client.chat(model, messages, OPTIONS, keep_alive_s=-1, max_tokens=4)]
    assert isinstance(items[-1], ChatEnd)
    return items[-1].reply_tokens
