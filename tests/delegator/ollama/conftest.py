"""A simulated host that runs fast, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from delegator.ollama.client import OllamaClient
from delegator.ollama.simulator.profiles import PROFILES
from delegator.ollama.simulator.server import SimulatedHost

SCALE = 100


@pytest.fixture
async def simulated() -> AsyncIterator[SimulatedHost]:
    async with SimulatedHost(PROFILES["laptop64"].but(load_timeout_s=20), scale=SCALE) as host:
        yield host


@pytest.fixture
async def client(simulated: SimulatedHost) -> AsyncIterator[OllamaClient]:
    async with OllamaClient(
        simulated.url, connect_s=5, request_s=10, first_token_s=20, token_s=20, scale=SCALE
    ) as made:
        yield made
