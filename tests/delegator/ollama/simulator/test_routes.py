"""What only the simulator can be asked: thinking, tools, pulls to order, remote models, control routes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from delegator.ollama.simulator.clock import ManualClock
from delegator.ollama.simulator.interventions import Interventions
from delegator.ollama.simulator.models import ModelSpec
from delegator.ollama.simulator.profiles import PROFILES
from delegator.ollama.simulator.server import SimulatedHost
from delegator.ollama.simulator.text.plain import script
from delegator.ollama.simulator.text.reply import Reply

WEATHER = {"type": "function", "function": {"name": "weather", "description": "", "parameters": {"type": "object"}}}


@pytest.fixture
async def http(simulated: SimulatedHost) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulated.url, timeout=30, trust_env=False) as client:
        yield client


async def chat_lines(http: httpx.AsyncClient, model: str, text: str = "Hello", **more: Any) -> list[dict[str, Any]]:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    response = await http.post("/api/chat", json=body)
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


async def test_a_model_that_can_think_does_so_unless_told_not_to(http: httpx.AsyncClient):
    """Item 9."""
    thinking = await chat_lines(http, "qwen3:8b")
    silent = await chat_lines(http, "qwen3:8b", think=False)

    assert "".join(line["message"].get("thinking", "") for line in thinking)
    assert not any("thinking" in line["message"] for line in silent)


@pytest.mark.parametrize(("model", "in_last"), [("llama3.1:8b", True), ("qwen2.5:14b", False)])
async def test_tools_are_called_with_objects_in_the_last_line_or_before(
    http: httpx.AsyncClient, simulated: SimulatedHost, model: str, in_last: bool
):
    """Item 10."""
    simulated.host.source = script([Reply("", tool_calls=(("weather", {"city": "Ulm"}),))])

    lines = await chat_lines(http, model, tools=[WEATHER])

    (at,) = [index for index, line in enumerate(lines) if "tool_calls" in line["message"]]
    assert (at == len(lines) - 1) is in_last
    assert lines[at]["message"]["tool_calls"][0]["function"] == {
        "index": 0, "name": "weather", "arguments": {"city": "Ulm"},
    }  # fmt: skip


async def test_tools_for_a_model_without_them_are_a_400(http: httpx.AsyncClient):
    """Item 10."""
    response = await http.post(
        "/api/chat", json={"model": "codellama:13b", "messages": [{"role": "user", "content": "x"}], "tools": [WEATHER]}
    )

    assert (response.status_code, response.json()["error"][-22:]) == (400, "does not support tools")


async def test_stop_strings_end_the_reply(http: httpx.AsyncClient, simulated: SimulatedHost):
    """Item 6."""
    simulated.host.source = script(["one two STOP three"])

    lines = await chat_lines(http, "mistral:7b", options={"stop": ["STOP"]})

    assert "".join(line["message"]["content"] for line in lines) == "one two "


async def test_a_remote_model_takes_no_memory_and_wants_an_account(http: httpx.AsyncClient, simulated: SimulatedHost):
    spec = ModelSpec(
        name="big:cloud",
        file_bytes=1,
        params="1000B",
        family="x",
        layers=1,
        heads=1,
        kv_heads=1,
        train_ctx=4096,
        remote=True,
    )
    simulated.host.library.add(spec)

    response = await http.post("/api/chat", json={"model": "big:cloud", "messages": []})

    assert response.status_code == 401
    assert (await http.get("/api/tags")).json()["models"][0]["remote_host"]


async def test_two_who_pull_one_model_share_its_download_and_it_resumes():
    """Item 14."""
    profile = PROFILES["laptop64"].but(installed=("mistral:7b",), download_gbps=1.0)
    async with (
        SimulatedHost(profile, scale=1) as host,
        httpx.AsyncClient(base_url=host.url, timeout=30, trust_env=False) as http,
    ):

        async def completed(at_least: int) -> int:
            async with http.stream("POST", "/api/pull", json={"model": "llama3.2:3b"}) as response:
                async for line in response.aiter_lines():
                    done: int = json.loads(line).get("completed", 0)
                    if done >= at_least:
                        return done
            raise AssertionError("the pull ended")

        first, second = await asyncio.gather(completed(100_000_000), completed(100_000_000))
        again = await completed(1)

        assert abs(first - second) < 100_000_000
        assert again >= min(first, second)


async def test_the_simulator_says_that_it_is_one(http: httpx.AsyncClient):
    assert (await http.get("/_sim/about")).json() == {"simulated": True, "scale": 100, "profile": "laptop64"}


async def test_state_and_events_tell_what_happened(http: httpx.AsyncClient):
    await chat_lines(http, "mistral:7b", keep_alive=600, options={"num_ctx": 4096})

    state = (await http.get("/_sim/state")).json()
    events = (await http.get("/_sim/events")).json()["events"]
    later = (await http.get("/_sim/events", params={"after": events[-1]["n"]})).json()["events"]
    (model,) = state["models"]
    assert (model["name"], model["num_ctx"], model["keep_alive_s"], model["refs"]) == ("mistral:7b", 4096, 600.0, 0)
    assert [event["event"] for event in events] == ["started", "queued", "loading", "loaded", "replied"]
    assert later == []
    assert state["measures"]["tokens_out"] > 0
    assert state["memory"]["ram"]["models_bytes"] > 4_370_000_000


async def test_reset_empties_memory_faults_and_log(http: httpx.AsyncClient):
    await chat_lines(http, "mistral:7b")
    await http.post("/_sim/faults", json={"action": "no_done"})

    await http.post("/_sim/reset")

    state = (await http.get("/_sim/state")).json()
    assert (state["models"], state["faults"], state["measures"]["tokens_out"]) == ([], [], 0)
    assert state["memory"]["ram"]["models_bytes"] == 0


@pytest.mark.parametrize(
    "order",
    [
        {}, {"action": "nonsense"}, {"action": "hang"}, {"action": "reset", "match": {"who": "me"}},
        {"action": "evict_now"}, {"action": "foreign_client"}, {"action": "leak_gb", "args": {"gb": "much"}},
    ],
)  # fmt: skip
async def test_a_fault_that_makes_no_sense_is_refused(http: httpx.AsyncClient, order: dict[str, Any]):
    assert (await http.post("/_sim/faults", json=order)).status_code == 400


async def test_a_rule_fires_on_the_nth_call_and_as_often_as_told(http: httpx.AsyncClient):
    match = {"path": "/api/version", "nth": 2}
    await http.post("/_sim/faults", json={"action": "status", "match": match, "args": {"code": 503}})

    assert [(await http.get("/api/version")).status_code for _ in range(3)] == [200, 503, 200]


async def test_a_rule_may_be_for_one_model_alone(http: httpx.AsyncClient):
    order = {"action": "status", "match": {"model": "mistral:7b"}, "args": {"code": 500}, "times": 1}
    await http.post("/_sim/faults", json=order)

    assert (await http.post("/api/show", json={"model": "qwen3:8b"})).status_code == 200
    assert (await http.post("/api/show", json={"model": "Mistral:7B"})).status_code == 500
    assert (await http.post("/api/show", json={"model": "mistral:7b"})).status_code == 200


async def test_ps_can_lie(http: httpx.AsyncClient):
    await chat_lines(http, "mistral:7b", keep_alive=600)
    honest = (await http.get("/api/ps")).json()["models"][0]["size"]

    await http.post("/_sim/faults", json={"action": "ps_lies", "args": {"factor": 1.2}})

    assert (await http.get("/api/ps")).json()["models"][0]["size"] == round(honest * 1.2)


async def test_an_unload_can_be_ignored(http: httpx.AsyncClient):
    await chat_lines(http, "mistral:7b", keep_alive=600)
    await http.post("/_sim/faults", json={"action": "unload_ignored"})

    response = await http.post("/api/generate", json={"model": "mistral:7b", "keep_alive": 0})
    await http.get("/api/version")

    assert response.json()["done_reason"] == "unload"
    assert len((await http.get("/api/ps")).json()["models"]) == 1


async def test_a_foreign_client_can_change_window_and_keep_alive(stage_of):
    stage = stage_of()
    await stage.load("mistral:7b", keep_alive=600, num_ctx=4096)
    calls = [{"model": "mistral:7b", "num_ctx": 8192, "keep_alive": 5, "after_s": 2}]

    async def deaf(*_args: Any, **_more: Any) -> None: ...

    Interventions(stage.host, deaf).do({"action": "foreign_client", "args": {"script": calls}})
    await stage.advance(6)

    (runner,) = stage.host.scheduler.loaded.values()
    assert (runner.key.num_ctx, runner.keep_alive_s) == (8192, 5)


async def test_a_leak_takes_memory_that_no_list_shows(http: httpx.AsyncClient):
    before = (await http.get("/_sim/state")).json()["memory"]["ram"]["free_bytes"]

    await http.post("/_sim/faults", json={"action": "leak_gb", "args": {"gb": 8}})

    assert before - (await http.get("/_sim/state")).json()["memory"]["ram"]["free_bytes"] == 8_000_000_000
    assert (await http.get("/api/ps")).json() == {"models": []}


async def test_a_host_that_refuses_comes_back_with_its_models(simulated: SimulatedHost, http: httpx.AsyncClient):
    await chat_lines(http, "mistral:7b", keep_alive=600_000)
    await http.post("/_sim/faults", json={"action": "refuse", "args": {"seconds": 40}})

    async def listed() -> list[str] | None:
        """What a new connection is told; None while there is none."""
        async with httpx.AsyncClient(base_url=simulated.url, trust_env=False) as stranger:
            try:
                return [model["name"] for model in (await stranger.get("/api/ps")).json()["models"]]
            except httpx.ConnectError:
                return None

    async with asyncio.timeout(20):
        while await listed() is not None:
            pass
        while (names := await listed()) is None:
            pass

    assert names == ["mistral:7b"]


async def test_a_manual_clock_moves_when_told_to():
    clock = ManualClock()
    async with (
        SimulatedHost("laptop64", clock=clock) as host,
        httpx.AsyncClient(base_url=host.url, timeout=30, trust_env=False) as http,
    ):
        loading = asyncio.create_task(http.post("/api/generate", json={"model": "mistral:7b"}))
        while not host.state["loading"]:  # noqa: ASYNC110  # the state can only be looked at
            await asyncio.sleep(0)  # the request is on its way

        moved = await http.post("/_sim/advance", json={"seconds": 2.6})

        assert moved.json() == {"now_s": 2.6}
        assert host.state["loading"] == "mistral:7b"
        await http.post("/_sim/advance", json={"seconds": 0.1})
        assert (await loading).json()["done_reason"] == "load"
