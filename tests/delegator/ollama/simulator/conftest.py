"""A stage for the simulated host without HTTP, on a clock that only tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from delegator.ollama.dialect.options import read_options
from delegator.ollama.dialect.requests import Inference, Message
from delegator.ollama.simulator.clock import ManualClock
from delegator.ollama.simulator.generation import Accepted, answer
from delegator.ollama.simulator.host import Host
from delegator.ollama.simulator.models import ModelSpec, find
from delegator.ollama.simulator.profiles import PROFILES
from delegator.ollama.simulator.text.plain import script

TEN_WORDS = " ".join(["word"] * 10)


class Call:
    """A client's request under way; its lines so far, and its end."""

    def __init__(self, host: Host, accepted: Accepted) -> None:
        self.lines: list[dict[str, Any]] = []
        self.task = asyncio.create_task(self._run(host, accepted))

    async def _run(self, host: Host, accepted: Accepted) -> None:
        async for line in answer(host, accepted):
            self.lines.append(line)

    @property
    def done(self) -> bool:
        return bool(self.lines) and self.lines[-1]["done"]

    @property
    def failed(self) -> str:
        """The text of the error it ended with; empty if it did not."""
        if not self.task.done() or self.task.cancelled():
            return ""
        return str(self.task.exception() or "")

    def hang_up(self) -> None:
        self.task.cancel()


class Stage:
    """A host and its clients."""

    def __init__(self, host: Host, clock: ManualClock) -> None:
        self.host = host
        self.clock = clock
        self.calls: list[Call] = []

    def chat(self, model: str, text: str = "Hello", *, keep_alive: float | None = None, **options: Any) -> Call:
        """Ask without waiting; every reply has ten words, so some twenty tokens."""
        return self._call(model, (Message("user", text),), keep_alive, options)

    def preload(self, model: str, *, keep_alive: float | None = None, **options: Any) -> Call:
        return self._call(model, (), keep_alive, options)

    def unload(self, model: str) -> None:
        spec = self._find(model)
        assert spec is not None
        self.host.scheduler.expire(spec)

    async def load(self, model: str, *, keep_alive: float | None = None, **options: Any) -> Call:
        """Load and let as much time pass as that takes and no more."""
        call = self.preload(model, keep_alive=keep_alive, **options)
        for _ in range(10_000):
            await self.clock.advance(0.1)
            if call.task.done():
                return call
        raise AssertionError(f"{model} was not loaded")

    async def advance(self, seconds: float = 0.0) -> None:
        await self.clock.advance(seconds)

    @property
    def loaded(self) -> list[str]:
        return [runner.name for runner in self.host.scheduler.loaded.values()]

    def events(self, kind: str) -> list[str]:
        """The models of all events of a kind, in order."""
        return [entry["model"] for entry in self.host.log.after(0) if entry["event"] == kind]

    def _find(self, model: str) -> ModelSpec | None:
        installed = self.host.library.get(model)
        return find(model) if installed is None else installed.spec

    def _call(
        self, model: str, messages: tuple[Message, ...], keep_alive: float | None, options: dict[str, Any]
    ) -> Call:
        spec = self._find(model)
        assert spec is not None
        request = Inference(
            chat=True, name=model, messages=messages, keep_alive_s=keep_alive, stream=True, options=options,
            think=False, tools=(), schema=None, truncate=True, shift=True,
        )  # fmt: skip
        read = read_options(
            options, train_ctx=spec.train_ctx, default_num_ctx=self.host.profile.default_num_ctx, shift=True
        )
        call = Call(self.host, Accepted(request, spec, read, "/api/chat"))
        self.calls.append(call)
        return call


@pytest.fixture
async def stage_of() -> AsyncIterator[Callable[..., Stage]]:
    """Build a stage on a profile with some things changed: `stage_of("laptop64", max_loaded=8)`."""
    stages: list[Stage] = []

    def build(profile: str = "laptop64", **changes: Any) -> Stage:
        clock = ManualClock()
        host = Host(PROFILES[profile].but(**changes), clock, source=script([TEN_WORDS]))
        host.start()
        stages.append(Stage(host, clock))
        return stages[-1]

    yield build
    for stage in stages:
        for call in stage.calls:
            call.hang_up()
        await asyncio.gather(*(call.task for call in stage.calls), return_exceptions=True)
        await stage.host.stop()
