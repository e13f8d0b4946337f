"""The Ollama hosts that the contract suite runs against: what each is called, how it is brought up, what it has.

A further one (a server on a real llama.cpp engine, say) is one more function in `BACKENDS`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

import pytest

from delegator.ollama.names import normalise
from delegator.ollama.simulator.profiles import PROFILES
from delegator.ollama.simulator.server import SimulatedHost

SCALE = 100
"""Fast, and still slow enough that a stalled machine does not see a keep_alive of ten minutes pass (6 s)."""


@dataclass(frozen=True)
class Backend:
    """One host under test.

    Attributes:
        model, other: two small installed models that chat, with `completion` and without `thinking`.
        embedder: an installed embedding model; None where there is none.
        old_engine: its version is below 0.30.
        scale: model seconds per real second.
    """

    url: str
    model: str
    other: str
    embedder: str | None
    old_engine: bool = False
    scale: float = 1.0
    loads_held: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """While this is open, loads that begin do not end; where that cannot be had, they just take their time."""

    def real_s(self, model_s: float) -> float:
        return model_s / self.scale


def simulator(version: str) -> Callable[[], AbstractAsyncContextManager[Backend]]:
    @asynccontextmanager
    async def bring_up() -> AsyncIterator[Backend]:
        profile = PROFILES["laptop64"].but(version=version)
        async with SimulatedHost(profile, scale=SCALE) as host:

            @asynccontextmanager
            async def loads_held() -> AsyncIterator[None]:
                host.host.faults.add({"action": "hang", "match": {"phase": "load"}})
                try:
                    yield
                finally:
                    host.host.faults.clear()

            yield Backend(
                url=host.url,
                model="llama3.2:3b",
                other="mistral:7b",
                embedder="nomic-embed-text",
                old_engine=profile.old_engine,
                scale=SCALE,
                loads_held=loads_held,
            )

    return bring_up


@asynccontextmanager
async def real_ollama() -> AsyncIterator[Backend]:
    url = os.environ.get("DELEGATOR_TEST_OLLAMA")
    if not url:
        pytest.skip("DELEGATOR_TEST_OLLAMA is not set: no real Ollama to hold the contract against")
    yield Backend(
        url=url.rstrip("/"),
        model=normalise(os.environ.get("DELEGATOR_TEST_OLLAMA_MODEL", "llama3.2:1b")),
        other=normalise(os.environ.get("DELEGATOR_TEST_OLLAMA_OTHER", "qwen2.5:0.5b")),
        embedder=os.environ.get("DELEGATOR_TEST_OLLAMA_EMBEDDER"),
    )


BACKENDS = {
    "simulator-0.33": simulator("0.33.0"),
    "simulator-0.24": simulator("0.24.0"),
    "ollama": real_ollama,
}
