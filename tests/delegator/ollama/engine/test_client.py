"""The guarded client, and what Delegator assumes of Ollama, against a real engine."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
from contextlib import aclosing
from pathlib import Path

import gguf
import httpx
import pytest

from delegator.errors import ModelLoadFailed, ModelMissing, OllamaRefused, ReplyBroken
from delegator.ollama.client import ChatEnd, ChatMessage, OllamaClient
from delegator.ollama.engine.library import Library
from delegator.ollama.engine.server import EngineHost
from delegator.ollama.engine.tiny_model import write_tiny_model
from delegator.ollama.records import LoadOptions
from tests.delegator.ollama.engine.conftest import until

pytestmark = pytest.mark.engine

OPTIONS = LoadOptions(2048)
HELLO: list[ChatMessage] = [{"role": "user", "content": "Hello"}]


async def test_a_model_is_loaded_seen_and_unloaded(bring):
    host, client = await bring()

    load_s = await client.load("a", OPTIONS, keep_alive_s=-1, deadline_s=20)
    [loaded] = await client.ps()
    await client.unload("a")
    await until(lambda: not host.scheduler.loaded)

    assert 0 < load_s < 20
    assert (loaded.name, loaded.num_ctx, loaded.gpu_bytes) == ("a:latest", 2048, 0)
    assert await client.ps() == []


async def test_the_memory_of_a_window_is_what_the_formula_says(bring):
    """2 x layers x heads of the cache x their width x tokens x 2 bytes; the ledger's estimates rest on it."""
    _, client = await bring()
    facts = await client.show("a")
    sizes = {}
    for num_ctx in (4096, 16_384):
        await client.load("a", LoadOptions(num_ctx), keep_alive_s=-1, deadline_s=20)
        [loaded] = await client.ps()
        sizes[num_ctx] = loaded.size_bytes

    grown = sizes[16_384] - sizes[4096]

    formula = 2 * facts.block_count * facts.kv_heads * facts.head_dim * (16_384 - 4096) * 2
    assert grown == pytest.approx(formula, rel=0.1)


async def test_a_window_beyond_the_training_is_cut_to_it(bring):
    _, client = await bring()

    await client.load("a", LoadOptions(1_000_000), keep_alive_s=-1, deadline_s=20)

    assert [loaded.num_ctx for loaded in await client.ps()] == [(await client.show("a")).context_length]


async def test_an_embedder_is_loaded_by_embedding_nothing_and_gives_unit_vectors(bring):
    _, client = await bring()

    await client.load("vectors", OPTIONS, keep_alive_s=-1, deadline_s=20)
    same, again, other = await client.embed("vectors", ["the plan", "the plan", "a slow model"], OPTIONS, -1)

    assert math.isclose(math.hypot(*same), 1.0, rel_tol=1e-3)
    assert _likeness(same, again) > _likeness(same, other)
    with pytest.raises(OllamaRefused):
        [item async for item in client.chat("vectors", HELLO, OPTIONS, keep_alive_s=-1, max_tokens=4)]


async def test_a_reply_that_is_left_frees_the_slot(bring):
    host, client = await bring()
    async with aclosing(client.chat("a", HELLO, OPTIONS, keep_alive_s=-1, max_tokens=-1)) as leaving:
        await anext(leaving)

    items = [item async for item in client.chat("a", HELLO, OPTIONS, keep_alive_s=-1, max_tokens=4)]

    assert isinstance(items[-1], ChatEnd)
    await until(lambda: [runner.refs for runner in host.scheduler.loaded.values()] == [0])


async def test_a_runner_that_dies_in_a_reply_breaks_it_and_the_next_request_loads_anew(bring):
    host, client = await bring()
    await client.load("a", OPTIONS, keep_alive_s=-1, deadline_s=20)
    [runner] = host.scheduler.loaded.values()
    os.kill(runner.process.pid, signal.SIGSTOP)  # so that it cannot end before it dies
    reply = asyncio.create_task(anext(client.chat("a", HELLO, OPTIONS, keep_alive_s=-1, max_tokens=4)))
    await until(lambda: runner.refs == 1)

    os.kill(runner.process.pid, signal.SIGKILL)

    with pytest.raises(ReplyBroken, match="unexpectedly stopped"):
        await reply
    assert [loaded.name for loaded in await client.ps()] == ["a:latest"]  # nobody has noticed yet
    items = [item async for item in client.chat("a", HELLO, OPTIONS, keep_alive_s=-1, max_tokens=4)]
    assert isinstance(items[-1], ChatEnd)


async def test_a_runner_that_dies_while_it_speaks_ends_the_stream_with_an_error_line(bring):
    host, _ = await bring()
    many = {"type": "array", "items": {"enum": ["yes", "no"]}, "minItems": 2000}
    body = {"model": "a", "messages": HELLO, "format": many, "options": {"num_ctx": 32_768}}

    async with (
        httpx.AsyncClient(trust_env=False) as http,
        http.stream("POST", f"{host.url}/api/chat", json=body) as response,
    ):
        lines = response.aiter_lines()
        first = json.loads(await anext(lines))
        [runner] = host.scheduler.loaded.values()
        os.kill(runner.process.pid, signal.SIGKILL)
        last = json.loads([line async for line in lines][-1])

    assert (response.status_code, first["done"]) == (200, False)
    assert last == {"error": "an error was encountered while running the model: unexpected EOF"}


async def test_a_model_that_the_engine_does_not_know_fails_to_load_with_its_reason(tmp_path: Path):
    write_tiny_model(tmp_path / "good.gguf")
    writer = gguf.GGUFWriter(tmp_path / "strange.gguf", "strange")
    writer.add_context_length(2048)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    async with EngineHost(Library(tmp_path)) as host, OllamaClient(host.url) as client:
        with pytest.raises(ModelLoadFailed, match="unknown model architecture: 'strange'"):
            await client.load("strange", OPTIONS, keep_alive_s=60, deadline_s=20)

        await client.load("good", OPTIONS, keep_alive_s=60, deadline_s=20)  # the host lives on
        with pytest.raises(ModelMissing):
            await client.load("absent", OPTIONS, keep_alive_s=60, deadline_s=20)


def _likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
