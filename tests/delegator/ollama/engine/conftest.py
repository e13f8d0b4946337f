"""Hosts on real engines with tiny models, clients of them, and a bounded wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from delegator.ollama.client import OllamaClient
from delegator.ollama.engine.library import Library
from delegator.ollama.engine.scheduler import Limits
from delegator.ollama.engine.server import EngineHost
from delegator.ollama.engine.tiny_model import write_tiny_model

DEADLINE_S = 30.0
Bring = Callable[..., Awaitable[tuple[EngineHost, OllamaClient]]]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Tiny models `a`, `b`, `c` that speak, and `vectors` that embeds."""
    folder: Path = tmp_path_factory.mktemp("models")
    for name in ("a", "b", "c", "vectors"):
        write_tiny_model(folder / f"{name}.gguf", embeds=name == "vectors")
    return Library(folder)


@pytest.fixture
async def bring(library: Library) -> AsyncIterator[Bring]:
    """Bring up a host with the given limits, and the guarded client of it."""
    async with AsyncExitStack() as running:

        async def bring_up(**limits: float) -> tuple[EngineHost, OllamaClient]:
            host = await running.enter_async_context(EngineHost(library, limits=Limits(**limits)))  # type: ignore[arg-type]
            client = OllamaClient(host.url, request_s=10, first_token_s=20, token_s=20)
            return host, await running.enter_async_context(client)

        yield bring_up


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something that no event tells of holds; fail after `DEADLINE_S`."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
