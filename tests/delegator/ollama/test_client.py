"""The guarded client against the simulated host: what it gives when all goes well, and its guards."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest

from delegator.errors import DeadlineExceeded, DelegatorError, ModelNotFound, OllamaUnavailable, PullFailed
from delegator.ollama.client import ChatEnd, ChatMessage, LoadOptions, ModelFacts, OllamaClient, PullProgress
from delegator.ollama.simulator.profiles import PROFILES
from delegator.ollama.simulator.server import SimulatedHost
from delegator.ollama.simulator.text.plain import echo, script

OPTIONS = LoadOptions(num_ctx=4096)
HELLO: list[ChatMessage] = [{"role": "user", "content": "Hello"}]


async def reply_of(client: OllamaClient, model: str = "llama3.2:3b", **more: object) -> tuple[str, ChatEnd]:
    messages = more.pop("messages", HELLO)
    items = [
        item
        async for item in client.chat(model, messages, OPTIONS, keep_alive_s=600, max_tokens=512, **more)  # type: ignore[arg-type]
    ]
    end = items.pop()
    assert isinstance(end, ChatEnd)
    return "".join(item for item in items if isinstance(item, str)), end


async def until(check: object) -> None:
    async with asyncio.timeout(20):
        while not check():  # type: ignore[operator]  # noqa: ASYNC110  # the host's state can only be looked at
            await asyncio.sleep(0.002)


async def test_questions_about_the_host(client: OllamaClient):
    assert await client.version() == "0.33.0"
    assert await client.simulated_scale() == 100
    assert await client.ps() == []
    installed = {model.name: model for model in await client.tags()}
    assert installed["mistral:7b"].size_bytes == 4_370_000_000
    facts = await client.show("Mistral:7B")
    assert facts == ModelFacts("llama", 32768, 32, 8, 128, frozenset({"completion", "tools"}), facts.weights)
    assert len(facts.weights) == 64


async def test_a_load_puts_the_model_into_memory_with_its_window_and_time(client: OllamaClient):
    seconds = await client.load("mistral:7b", OPTIONS, keep_alive_s=600, deadline_s=30)

    (loaded,) = await client.ps()
    assert seconds > 2
    assert (loaded.name, loaded.num_ctx, loaded.gpu_bytes) == ("mistral:7b", 4096, 0)
    assert loaded.size_bytes > 4_370_000_000
    assert 0 < (loaded.expires_at - datetime.now(UTC)).total_seconds() <= 600 / 100


async def test_loading_again_refreshes_the_keep_alive_and_loads_nothing(client: OllamaClient, simulated: SimulatedHost):
    await client.load("mistral:7b", OPTIONS, keep_alive_s=600, deadline_s=30)

    await client.load("mistral:7b", OPTIONS, keep_alive_s=-1, deadline_s=30)

    assert simulated.state["measures"]["loads"] == 1
    assert simulated.state["models"][0]["keep_alive_s"] is None


async def test_an_embedder_is_loaded_by_other_means(client: OllamaClient):
    await client.load("nomic-embed-text", LoadOptions(2048), keep_alive_s=600, deadline_s=30)

    assert [model.name for model in await client.ps()] == ["nomic-embed-text:latest"]


async def test_an_unload_is_asked_and_ps_confirms_it(client: OllamaClient, simulated: SimulatedHost):
    await client.load("mistral:7b", OPTIONS, keep_alive_s=600, deadline_s=30)

    await client.unload("mistral:7b")

    await until(lambda: not simulated.state["models"])
    assert await client.ps() == []


async def test_a_reply_comes_in_pieces_and_ends_with_its_figures(client: OllamaClient, simulated: SimulatedHost):
    simulated.host.source = script(["One two three four."])

    text, end = await reply_of(client)

    assert text == "One two three four."
    assert (end.reply_tokens, end.done_reason) == (4, "stop")
    assert end.load_s > 0
    assert end.total_s >= end.load_s + end.prompt_s + end.reply_s - 0.1


async def test_text_arrives_whole_whatever_signs_it_has(client: OllamaClient, simulated: SimulatedHost):
    """U+0085 and U+2028 end a line for `str.splitlines`, not for us."""
    simulated.host.source = echo
    odd = 'a\x85b\u2028c\u2029d\x1ce 🦙 漢字 \\ " \n end'

    text, _ = await reply_of(client, messages=[{"role": "user", "content": odd}])

    assert text == odd


async def test_a_lone_surrogate_does_not_break_the_request(client: OllamaClient, simulated: SimulatedHost):
    simulated.host.source = echo

    text, _ = await reply_of(client, messages=[{"role": "user", "content": "a\ud800b"}])

    assert text == "a?b"


async def test_a_model_that_can_think_is_told_not_to(client: OllamaClient, simulated: SimulatedHost):
    simulated.host.source = script(["Short."])

    text, end = await reply_of(client, "qwen3:8b")

    assert (text, end.reply_tokens) == ("Short.", 2)


async def test_max_tokens_cuts_the_reply(client: OllamaClient):
    chat = client.chat("llama3.2:3b", HELLO, OPTIONS, keep_alive_s=600, max_tokens=5)
    end = [item async for item in chat][-1]

    assert isinstance(end, ChatEnd)
    assert (end.reply_tokens, end.done_reason) == (5, "length")


async def test_a_schema_shapes_the_reply(client: OllamaClient, simulated: SimulatedHost):
    schema = {"type": "object", "properties": {"kind": {"enum": ["one"]}}, "required": ["kind"]}
    asked: list[Any] = []
    simulated.host.source = script(lambda request: asked.append(request.schema) or "never mind")  # type: ignore[func-returns-value]

    text, _ = await reply_of(client, schema=schema, temperature=0)

    assert asked == [schema]
    assert json.loads(text) == {"kind": "one"}


async def test_a_temperature_is_stated(client: OllamaClient):
    with pytest.raises(DelegatorError):  # a wrong one is noticed
        await reply_of(client, temperature="hot")


@pytest.mark.parametrize("way", ["close", "cancel"])
async def test_leaving_a_reply_stops_the_model(client: OllamaClient, simulated: SimulatedHost, way: str):
    """Promise 3: the token counter stops."""
    simulated.host.source = script(["word " * 100_000])
    spoken = asyncio.Event()

    async def listen(pieces: int) -> None:
        heard = 0
        options = LoadOptions(131072)
        async with aclosing(client.chat("llama3.2:3b", HELLO, options, keep_alive_s=600, max_tokens=-1)) as reply:
            async for _ in reply:
                heard += 1
                spoken.set()
                if heard == pieces:
                    return

    if way == "close":
        await listen(3)
    else:
        listening = asyncio.create_task(listen(-1))
        await spoken.wait()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    await until(lambda: simulated.state["generating"] == 0)
    measures = simulated.state["measures"]
    assert 0 < measures["tokens_out"] < 100_000
    assert measures["tokens_wasted"] == measures["tokens_out"]
    assert [model["refs"] for model in simulated.state["models"]] == [0]


async def test_giving_up_a_load_aborts_it_on_the_host(client: OllamaClient, simulated: SimulatedHost):
    simulated.host.faults.add({"action": "load_stall"})

    with pytest.raises(DeadlineExceeded) as told:
        await client.load("mistral:7b", OPTIONS, keep_alive_s=600, deadline_s=0.05)

    assert (told.value.what, told.value.seconds) == ("loading mistral:7b", 0.05)
    await until(lambda: simulated.state["loading"] is None)
    assert simulated.state["models"] == []


async def test_embedding_gives_one_vector_a_text(client: OllamaClient):
    vectors = await client.embed("nomic-embed-text", ["a plan", "a plan", "tea"], LoadOptions(2048), 60)

    assert len(vectors) == 3
    assert vectors[0] == vectors[1] != vectors[2]


async def test_a_pull_tells_its_progress_and_installs_the_model():
    profile = PROFILES["laptop64"].but(installed=("mistral:7b",), download_gbps=20.0)
    async with SimulatedHost(profile, scale=10) as host, OllamaClient(host.url) as client:
        progress = [line async for line in client.pull("llama3.2:3b")]

        assert progress[0] == PullProgress("pulling manifest", 0, 0)
        assert progress[-1].status == "success"
        weights = [line.completed_bytes for line in progress if line.total_bytes == 2_020_000_000]
        assert weights == sorted(weights)
        assert weights[-1] == 2_020_000_000
        assert len({line.digest for line in progress if line.total_bytes}) == 4
        assert "llama3.2:3b" in {model.name for model in await client.tags()}


async def test_pulling_what_nobody_has_is_a_model_that_is_not_found(client: OllamaClient):
    with pytest.raises(ModelNotFound):
        _ = [line async for line in client.pull("no-such-model")]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"action": "pull_error"}, PullFailed),
        ({"action": "pull_short"}, PullFailed),
        ({"action": "pull_cut"}, OllamaUnavailable),
        ({"action": "pull_cut", "args": {"fin": True}}, OllamaUnavailable),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_pull_that_breaks_off_is_no_success_and_goes_on_when_it_is_pulled_again(
    fault: dict[str, Any], error: type[Exception]
):
    profile = PROFILES["laptop64"].but(installed=("mistral:7b",), download_gbps=20.0)
    async with SimulatedHost(profile, scale=10) as host, OllamaClient(host.url) as client:
        host.host.faults.add({**fault, "times": 1})
        with pytest.raises(error):
            _ = [line async for line in client.pull("llama3.2:3b")]
        assert "llama3.2:3b" not in {model.name for model in await client.tags()}

        again = [line async for line in client.pull("llama3.2:3b")]

        assert again[-1].status == "success"


async def test_a_deleted_model_is_not_on_the_disk_any_more(client: OllamaClient):
    await client.delete("mistral:7b")

    assert "mistral:7b" not in {model.name for model in await client.tags()}
    with pytest.raises(ModelNotFound):
        await client.delete("mistral:7b")


async def test_proxies_and_keys_of_the_environment_are_not_used(simulated: SimulatedHost, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    async with OllamaClient(simulated.url) as client:
        assert await client.version()
        await client.load("llama3.2:3b", OPTIONS, keep_alive_s=60, deadline_s=30)

        events = [entry["event"] for entry in simulated.host.log.after(0)]
        assert "loaded" in events
        assert "authorization_sent" not in events


async def test_many_replies_at_once_do_not_starve_questions(simulated: SimulatedHost):
    simulated.host.faults.add({"action": "hang", "match": {"phase": "queue"}})
    async with OllamaClient(simulated.url, request_s=5) as client:
        talking = [asyncio.create_task(reply_of(client)) for _ in range(120)]

        assert await client.ps() == []

        simulated.host.faults.clear()
        assert len(await asyncio.gather(*talking)) == 120


async def test_nobody_listening_is_an_unavailable_host():
    async with SimulatedHost("laptop64") as host:
        url = host.url
    async with OllamaClient(url) as client:
        for call in (
            client.version(),
            client.load("m", OPTIONS, keep_alive_s=1, deadline_s=5),
            client.unload("m"),
            reply_of(client),
            client.embed("m", ["a"], OPTIONS, 1),
        ):
            with pytest.raises(OllamaUnavailable):
                await call


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://[::bad", "nonsense"])
async def test_an_address_that_is_none_is_an_unavailable_host(url: str):
    with pytest.raises(OllamaUnavailable):
        async with OllamaClient(url) as client:
            await client.version()
