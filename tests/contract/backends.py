"""The Ollama hosts that the contract suite runs against: what each is called, how it is brought up, what it has.

Each is held to the whole suite, except where a field of `Backend` says that it lacks what a test needs.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from delegator.ollama.engine.library import Library
from delegator.ollama.engine.server import EngineHost
from delegator.ollama.engine.tiny_model import write_tiny_model
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
        registry: there is one behind it to pull from.
    """

    url: str
    model: str
    other: str
    embedder: str | None
    old_engine: bool = False
    scale: float = 1.0
    registry: bool = True
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
async def engine() -> AsyncIterator[Backend]:
    async with EngineHost(_tiny_library()) as host:

        @asynccontextmanager
        async def loads_held() -> AsyncIterator[None]:
            host.scheduler.loads_may_end.clear()
            try:
                yield
            finally:
                host.scheduler.loads_may_end.set()

        yield Backend(
            url=host.url,
            model="tiny:latest",
            other="tiny-too:latest",
            embedder="tiny-embed",
            registry=False,
            loads_held=loads_held,
        )


@cache
def _tiny_library() -> Library:
    """Write the tiny models once for all tests."""
    folder = tempfile.TemporaryDirectory(prefix="delegator-models-")
    atexit.register(folder.cleanup)
    for name in ("tiny", "tiny-too", "tiny-embed"):
        write_tiny_model(Path(folder.name, f"{name}.gguf"), embeds=name == "tiny-embed")
    return Library(Path(folder.name))


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
    "engine": engine,
    "ollama": real_ollama,
}
