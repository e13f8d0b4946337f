"""What an agent says, as it is followed: from the beginning, in pieces or many at once, to the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from actors.agent import Agent
from actors.agent_messages import Turn
from delegator.errors import ReplyBroken
from delegator.ollama.simulator.server import SimulatedHost
from delegator.roles.catalogue import load_catalogue
from delegator.settings import Settings
from tests.actors.conftest import until

ROLE = "operations_head"
AFTER = 5
"""Pieces that have come before the model hangs, or breaks off."""

DEADLINE_S = 20.0


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatedHost]:
    async with SimulatedHost("workstation96", scale=500) as host:
        yield host


@pytest.fixture
async def agent(simulator: SimulatedHost) -> AsyncIterator[Agent]:
    made = Agent(load_catalogue("echo").role(ROLE), Settings.load(models="simulated", simulator_scale=500))
    yield made
    await made.close()


def turn(simulator: SimulatedHost) -> Turn:
    return Turn("t:0", "s", "answer", "Rotate the certificates", {}, simulator.url, "mistral:7b", 4096, ())


def hang(simulator: SimulatedHost) -> None:
    simulator.host.faults.add({"action": "hang", "match": {"phase": "stream"}, "args": {"after": AFTER}})


def hangs(simulator: SimulatedHost) -> bool:
    return any(rule.waiting for rule in simulator.host.faults.rules)


async def followed(agent: Agent, pieces: list[str], pause_s: float = 0.0) -> list[str]:
    async for piece in agent.follow("t:0", pause_s=pause_s):
        pieces.append(piece)  # noqa: PERF401 - each as it comes: a test looks meanwhile
    return pieces


async def test_a_speech_is_followed_from_its_beginning_to_its_end(agent, simulator):
    hang(simulator)
    speaking = asyncio.create_task(agent.speak(turn(simulator)))
    await until(lambda: hangs(simulator))
    pieces: list[str] = []
    following = asyncio.create_task(followed(agent, pieces))
    await until(lambda: pieces)
    begun = "".join(pieces)
    assert not speaking.done()
    simulator.host.faults.clear()

    async with asyncio.timeout(DEADLINE_S):
        spoken = await speaking
        await following

    assert begun
    assert "".join(pieces).startswith(begun)
    assert "".join(pieces).strip() == spoken.text
    assert await followed(agent, []) == ["".join(pieces)]


async def test_who_follows_with_pauses_gets_many_words_in_one(agent, simulator):
    hang(simulator)
    speaking = asyncio.create_task(agent.speak(turn(simulator)))
    await until(lambda: hangs(simulator))
    pieces: list[str] = []
    following = asyncio.create_task(followed(agent, pieces, pause_s=DEADLINE_S * 2))
    await until(lambda: pieces)
    simulator.host.faults.clear()

    async with asyncio.timeout(DEADLINE_S):
        spoken = await speaking

    assert len(pieces) == 1
    assert spoken.text.startswith(pieces[0].strip())
    following.cancel()


async def test_a_turn_that_the_agent_does_not_know_says_nothing(agent):
    assert await followed(agent, []) == []


async def test_a_speech_that_breaks_off_ends_for_who_follows_too(agent, simulator):
    hang(simulator)
    simulator.host.faults.add({"action": "drop_fin", "args": {"after": AFTER + 1}})
    speaking = asyncio.create_task(agent.speak(turn(simulator)))
    await until(lambda: hangs(simulator))
    following = asyncio.create_task(followed(agent, []))
    simulator.host.faults.clear()

    with pytest.raises(ReplyBroken):
        await speaking
    async with asyncio.timeout(DEADLINE_S):
        assert "".join(await following)
