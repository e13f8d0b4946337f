"""Section 6 as far as a client can see it: slots, one load at a time, disconnects (items 16, 17, 24)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx

from tests.contract.conftest import Wire, lines_of


async def test_several_requests_for_one_model_all_get_their_replies(wire: Wire):
    replies = await asyncio.gather(*(wire.chat(keep_alive=600) for _ in range(5)))

    assert all(lines_of(reply)[-1]["done"] for reply in replies)


async def test_two_models_asked_for_at_once_are_both_loaded(wire: Wire):
    await asyncio.gather(wire.load(keep_alive=600), wire.load(wire.backend.other, keep_alive=600))

    assert set(await wire.loaded()) == {wire.backend.model, wire.backend.other}


async def test_a_client_that_leaves_while_its_model_loads_aborts_the_load(wire: Wire):
    """The next one for the same model starts a load of its own, and gets it."""
    async with wire.backend.loads_held():
        leaving = asyncio.create_task(wire.load(keep_alive=600))
        await wire.get("/api/version")
        await wire.loaded()
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving

    assert (await wire.load(keep_alive=600)).status_code == 200
    assert list(await wire.loaded()) == [wire.backend.model]


async def test_a_reply_whose_client_left_makes_way_for_the_next(wire: Wire):
    await wire.load(keep_alive=600)
    body = {
        "model": wire.backend.model,
        "messages": [{"role": "user", "content": "Write a very long story."}],
        "options": {"num_ctx": 2048, "num_predict": 2000},
    }
    async with wire.http.stream("POST", "/api/chat", json=body) as response:
        await anext(response.aiter_lines())

    async with asyncio.timeout(30):
        assert (await wire.chat(stream=False)).status_code == 200


async def test_the_headers_come_with_the_first_token_and_not_before(wire: Wire):
    """While the model loads nothing arrives; a load that fails therefore still has a status of its own."""
    body = {"model": wire.backend.model, "messages": [{"role": "user", "content": "Hi"}], "options": {"num_ctx": 2048}}
    arrived = asyncio.Event()

    async def ask() -> httpx.Response:
        async with wire.http.stream("POST", "/api/chat", json=body) as response:
            arrived.set()
            await response.aread()
            return response

    async with wire.backend.loads_held():
        asking = asyncio.create_task(ask())
        await wire.get("/api/version")
        await wire.loaded()
        early = arrived.is_set()

    response = await asking
    assert not early
    assert lines_of(response)[-1]["done"]
