"""Sections 3 and 4: into memory, out of it, and what ps shows (items 7, 8, 22, 23, 25)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tests.contract.conftest import Wire


async def test_a_request_without_prompt_loads(wire: Wire):
    response = await wire.load(keep_alive=600)

    body = response.json()
    assert (body["response"], body["done"], body["done_reason"]) == ("", True, "load")
    assert list(await wire.loaded()) == [wire.backend.model]


async def test_a_chat_without_messages_loads_too(wire: Wire):
    body = (await wire.post("/api/chat", model=wire.backend.model, messages=[], keep_alive=600)).json()

    assert body["done_reason"] == "load"
    assert body["message"]["content"] == ""


async def test_keep_alive_zero_without_prompt_unloads(wire: Wire, eventually):
    await wire.load(keep_alive=600)

    body = (await wire.load(keep_alive=0)).json()

    assert body["done_reason"] == "unload"
    await eventually(lambda: _none_loaded(wire))


async def test_unloading_what_is_not_loaded_succeeds(wire: Wire):
    response = await wire.load(keep_alive=0)

    assert (response.status_code, response.json()["done_reason"]) == (200, "unload")


async def test_unloading_what_is_not_installed_is_a_404(wire: Wire):
    assert (await wire.load("no-such-model", keep_alive=0)).status_code == 404


async def test_ps_shows_size_window_and_when_the_model_goes(wire: Wire):
    await wire.load(num_ctx=4096, keep_alive=600)

    entry = (await wire.loaded())[wire.backend.model]

    installed = {model["name"]: model for model in (await wire.get("/api/tags"))["models"]}[wire.backend.model]
    assert entry["size"] > installed["size"]
    assert 0 <= entry["size_vram"] <= entry["size"]
    assert entry["digest"] == installed["digest"]
    assert entry["context_length"] == 4096
    left = datetime.fromisoformat(entry["expires_at"]) - datetime.now(UTC)
    assert 0 < left.total_seconds() <= wire.backend.real_s(600)


async def test_a_negative_keep_alive_is_for_ever(wire: Wire):
    await wire.load(keep_alive=-1)

    expires = datetime.fromisoformat((await wire.loaded())[wire.backend.model]["expires_at"])
    assert expires.year > datetime.now(UTC).year + 100


@pytest.mark.parametrize("value", ["10m", "1h30m", "0.5h", 600, 600.5, "-1m"])
async def test_these_keep_alives_are_accepted(wire: Wire, value: object):
    assert (await wire.load(keep_alive=value)).status_code == 200


@pytest.mark.parametrize("value", ["-1", "5 min", "ten", True, [5]])
async def test_these_keep_alives_are_refused(wire: Wire, value: object):
    assert (await wire.load(keep_alive=value)).status_code == 400


async def test_a_model_goes_when_its_keep_alive_is_over(wire: Wire, eventually):
    await wire.load(keep_alive=0.5)

    await eventually(lambda: _none_loaded(wire))


async def test_the_last_stated_keep_alive_wins_and_a_missing_one_changes_nothing(wire: Wire):
    await wire.load(keep_alive=600)
    await wire.load(keep_alive=-1)
    await wire.chat(stream=False)

    expires = datetime.fromisoformat((await wire.loaded())[wire.backend.model]["expires_at"])
    assert expires.year > datetime.now(UTC).year + 100


async def test_ps_lists_the_longest_time_left_first(wire: Wire):
    await wire.load(keep_alive=600)
    await wire.load(wire.backend.other, keep_alive=-1)

    assert list(await wire.loaded()) == [wire.backend.other, wire.backend.model]


async def test_another_window_makes_the_model_load_anew(wire: Wire):
    await wire.load(num_ctx=2048, keep_alive=600)
    small = (await wire.loaded())[wire.backend.model]["size"]

    await wire.load(num_ctx=8192, keep_alive=600)

    entry = (await wire.loaded())[wire.backend.model]
    assert entry["context_length"] == 8192
    assert entry["size"] > small


async def test_a_model_being_loaded_is_not_listed(wire: Wire):
    async with wire.backend.loads_held():
        loading = asyncio.create_task(wire.load(keep_alive=600))
        await wire.get("/api/version")  # by now the load has been asked for
        listed = [list(await wire.loaded()) for _ in range(3)][-1]

    await loading
    assert listed == ([wire.backend.model] if wire.backend.old_engine else [])
    assert list(await wire.loaded()) == [wire.backend.model]


async def _none_loaded(wire: Wire) -> bool:
    return not await wire.loaded()
