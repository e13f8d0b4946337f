"""What the client makes of every way in which a host can fail it: each fault of the simulator, one error of ours."""

from __future__ import annotations

from typing import Any

import pytest

from delegator.errors import (
    DeadlineExceeded,
    DelegatorError,
    ModelLoadFailed,
    OllamaBusy,
    OllamaRefused,
    OllamaUnavailable,
    ReplyBroken,
)
from delegator.ollama.client import ChatMessage, LoadOptions, OllamaClient
from delegator.ollama.simulator.server import SimulatedHost

OPTIONS = LoadOptions(num_ctx=4096)
HELLO: list[ChatMessage] = [{"role": "user", "content": "Hello"}]


async def chat(client: OllamaClient) -> list[Any]:
    return [item async for item in client.chat("mistral:7b", HELLO, OPTIONS, keep_alive_s=600, max_tokens=64)]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"action": "reset"}, OllamaUnavailable),
        ({"action": "status", "args": {"code": 503}}, OllamaBusy),
        ({"action": "status", "args": {"code": 429}}, OllamaBusy),
        ({"action": "status", "args": {"code": 400}}, OllamaRefused),
        ({"action": "status", "args": {"code": 500}}, ReplyBroken),
        (
            {"action": "status", "args": {"code": 502, "body": "<html/>", "content_type": "text/html"}},
            OllamaUnavailable,
        ),
        ({"action": "status", "args": {"code": 500, "body": "[1, 2]"}}, ReplyBroken),
        ({"action": "status", "args": {"code": 200, "body": "[1, 2]"}}, ReplyBroken),
        ({"action": "wrong_content_type"}, ReplyBroken),
        ({"action": "oom_load", "args": {"kind": "killed"}}, ModelLoadFailed),
        ({"action": "oom_load"}, ModelLoadFailed),
        ({"action": "load_fail"}, ModelLoadFailed),
        ({"action": "load_stall"}, ModelLoadFailed),
        ({"action": "drop_rst"}, ReplyBroken),
        ({"action": "drop_fin"}, ReplyBroken),
        ({"action": "drop_rst", "args": {"after": 0}}, OllamaUnavailable),
        ({"action": "half_line"}, ReplyBroken),
        ({"action": "no_done"}, ReplyBroken),
        ({"action": "no_done", "args": {"after": 10_000}}, ReplyBroken),
        ({"action": "garbage_line"}, ReplyBroken),
        ({"action": "error_line"}, ReplyBroken),
        ({"action": "runner_crash"}, ReplyBroken),
        ({"action": "runner_crash", "args": {"as": "drop_rst"}}, ReplyBroken),
        ({"action": "oom_runtime"}, ReplyBroken),
    ],
    ids=lambda value: value["action"] if isinstance(value, dict) else value.__name__,
)
async def test_a_fault_in_a_chat_becomes_one_error_of_ours_and_the_next_chat_succeeds(
    client: OllamaClient, simulated: SimulatedHost, fault: dict[str, Any], error: type[DelegatorError]
):
    simulated.host.faults.add(fault)

    with pytest.raises(error) as told:
        await chat(client)
    simulated.host.faults.clear()

    assert type(told.value) is error
    assert len(await chat(client)) > 1


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ({"action": "hang", "match": {"phase": "accept"}}, "the first token of mistral:7b"),
        ({"action": "hang", "match": {"phase": "queue"}}, "the first token of mistral:7b"),
        ({"action": "hang", "match": {"phase": "load"}}, "the first token of mistral:7b"),
        ({"action": "hang", "match": {"phase": "first_token"}}, "the first token of mistral:7b"),
        ({"action": "hang", "match": {"phase": "stream"}}, "the next token of mistral:7b"),
    ],
    ids=lambda value: value["match"]["phase"] if isinstance(value, dict) else value.split()[1],
)
async def test_a_host_that_falls_silent_is_given_up_at_the_deadline_of_its_phase(
    simulated: SimulatedHost, fault: dict[str, Any], what: str
):
    async with OllamaClient(simulated.url, first_token_s=0.3, token_s=0.3) as client:
        if fault["match"]["phase"] != "load":
            await client.load("mistral:7b", OPTIONS, keep_alive_s=600, deadline_s=30)
        simulated.host.faults.add(fault)

        with pytest.raises(DeadlineExceeded) as told:
            await chat(client)

        assert told.value.what == what


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"action": "reset"}, OllamaUnavailable),
        ({"action": "status", "args": {"code": 503}}, OllamaBusy),
        ({"action": "status", "args": {"code": 500}}, OllamaUnavailable),
        ({"action": "wrong_content_type"}, OllamaUnavailable),
        ({"action": "status", "args": {"code": 200, "body": "{}"}}, OllamaUnavailable),
    ],
    ids=lambda value: value["action"] if isinstance(value, dict) else value.__name__,
)
async def test_a_fault_in_a_question_becomes_one_error_of_ours(
    client: OllamaClient, simulated: SimulatedHost, fault: dict[str, Any], error: type[DelegatorError]
):
    simulated.host.faults.add(fault)

    with pytest.raises(error):
        await client.version()


async def test_a_question_that_hangs_is_given_up(simulated: SimulatedHost):
    simulated.host.faults.add({"action": "hang", "match": {"phase": "accept", "path": "/api/ps"}})
    async with OllamaClient(simulated.url, request_s=0.1) as client:
        with pytest.raises(DeadlineExceeded):
            await client.ps()


@pytest.mark.parametrize("fault", [{"action": "reset"}, {"action": "status", "args": {"code": 503}}])
async def test_a_fault_in_a_load_is_not_a_failed_load(
    client: OllamaClient, simulated: SimulatedHost, fault: dict[str, Any]
):
    simulated.host.faults.add(fault)

    with pytest.raises((OllamaUnavailable, OllamaBusy)):
        await client.load("mistral:7b", OPTIONS, keep_alive_s=600, deadline_s=30)


async def test_a_crashed_runner_stays_listed_until_it_is_wanted_again(client: OllamaClient, simulated: SimulatedHost):
    simulated.host.faults.add({"action": "runner_crash", "times": 1})
    with pytest.raises(ReplyBroken):
        await chat(client)

    assert [model.name for model in await client.ps()] == ["mistral:7b"]
    await chat(client)
    assert simulated.state["measures"]["evictions"] == {"reload": 1}


async def test_a_restarted_host_has_lost_its_models_and_serves_again(client: OllamaClient, simulated: SimulatedHost):
    await client.load("mistral:7b", OPTIONS, keep_alive_s=600, deadline_s=30)

    await simulated.restart(down_s=0.0, version="0.34.0")

    assert await client.version() == "0.34.0"
    assert await client.ps() == []
    await chat(client)
