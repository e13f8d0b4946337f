"""Agents as they speak, over a real Ray: to their end, until nobody listens any more, and where they are lost."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from actors.cluster import NAMESPACE, agent_name
from serve_app.monitor.speakers import AgentSpeakers

pytestmark = [pytest.mark.ray]

WAIT_S = 60.0
ROLE = "ceo"


class Talker:
    """An agent that says of every turn the same, and of an endless one no more after that; it knows who listens."""

    def __init__(self) -> None:
        self.left: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def follow(self, turn_id: str, *, pause_s: float) -> AsyncGenerator[str, None]:
        try:
            if turn_id != "unknown":
                yield f"{turn_id} "
                yield f"{pause_s}"
            if turn_id.startswith("endless"):
                await asyncio.Event().wait()
        finally:
            self.left[turn_id].set()

    async def is_left(self, turn_id: str) -> None:
        await self.left[turn_id].wait()

    async def die(self) -> None:
        os._exit(1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Run a small Ray for this module."""
    import ray

    ray.init(num_cpus=1, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
    yield
    ray.shutdown()


def spawn(role: str) -> Any:
    import ray

    options = {"name": agent_name(role), "namespace": NAMESPACE, "num_cpus": 0}
    actor: Any = ray.remote(Talker).options(**options).remote()
    ray.get(actor.__ray_ready__.remote(), timeout=WAIT_S)
    return actor


@pytest.fixture(scope="module")
def agent(cluster: None) -> Any:
    """The agent of `ROLE`."""
    return spawn(ROLE)


async def heard(turn_id: str, role: str = ROLE) -> list[str]:
    async with asyncio.timeout(WAIT_S), aclosing(AgentSpeakers().follow(role, turn_id)) as pieces:
        return [piece async for piece in pieces]


@pytest.mark.parametrize(("turn_id", "pieces"), [("t:0", ["t:0 ", "0.25"]), ("unknown", [])])
async def test_a_turn_is_heard_to_its_end(agent, turn_id, pieces):
    assert await heard(turn_id) == pieces


async def test_an_agent_has_no_listener_any_more_when_it_is_left(agent):
    async with asyncio.timeout(WAIT_S):
        async with aclosing(AgentSpeakers().follow(ROLE, "endless:1")) as pieces:
            assert [await anext(pieces), await anext(pieces)] == ["endless:1 ", "0.25"]

        await agent.is_left.remote("endless:1")


async def test_who_stops_waiting_for_a_word_leaves_the_agent_too(agent):
    said = asyncio.Event()

    async def listen() -> None:
        async for _ in AgentSpeakers().follow(ROLE, "endless:2"):
            said.set()

    async with asyncio.timeout(WAIT_S):
        listening = asyncio.create_task(listen())
        await said.wait()
        listening.cancel()

        await agent.is_left.remote("endless:2")


async def test_an_agent_that_is_not_there_is_an_error_at_once(agent):
    with pytest.raises(ValueError, match="agent-nobody"):
        await heard("t:0", role="nobody")


async def test_an_agent_that_dies_while_it_speaks_is_an_error(cluster):
    from ray.exceptions import RayError

    mortal = spawn("cto")
    async with asyncio.timeout(WAIT_S), aclosing(AgentSpeakers().follow("cto", "endless")) as pieces:
        await anext(pieces)
        mortal.die.remote()

        with pytest.raises(RayError):
            [piece async for piece in pieces]


async def test_an_agent_that_is_silent_for_too_long_is_left(agent, monkeypatch):
    monkeypatch.setattr("serve_app.monitor.speakers.SILENCE_S", 0.2)

    with pytest.raises(TimeoutError):
        await heard("endless:3")

    async with asyncio.timeout(WAIT_S):
        await agent.is_left.remote("endless:3")
