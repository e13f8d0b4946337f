"""Fixtures of the contract suite: the host under test, a plain HTTP client to it, and a bounded wait."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.contract.backends import BACKENDS, Backend

DEADLINE_S = 30.0


@pytest.fixture(
    params=[
        pytest.param(name, marks=getattr(pytest.mark, name)) if name in ("engine", "ollama") else name  # may be missing
        for name in BACKENDS
    ]
)
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """The host under test, with nothing in memory."""
    async with BACKENDS[request.param]() as host:
        yield host


class Wire:
    """Ollama's HTTP interface without anything in between."""

    def __init__(self, http: httpx.AsyncClient, backend: Backend) -> None:
        self.http = http
        self.backend = backend

    async def get(self, path: str) -> Any:
        response = await self.http.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(path, json=body)

    async def chat(self, model: str | None = None, text: str = "Say three words.", **more: Any) -> httpx.Response:
        options = {"num_ctx": 2048, "num_predict": 16, **more.pop("options", {})}
        body = {"model": model or self.backend.model, "messages": [{"role": "user", "content": text}]}
        return await self.post("/api/chat", **body, options=options, **more)

    async def load(self, model: str | None = None, *, num_ctx: int = 2048, **more: Any) -> httpx.Response:
        model = model or self.backend.model
        return await self.post("/api/generate", model=model, options={"num_ctx": num_ctx}, stream=False, **more)

    async def loaded(self) -> dict[str, dict[str, Any]]:
        return {entry["name"]: entry for entry in (await self.get("/api/ps"))["models"]}


@pytest.fixture
async def wire(backend: Backend) -> AsyncIterator[Wire]:
    """A client of the host; afterwards nothing of the suite's models is in memory."""
    async with httpx.AsyncClient(base_url=backend.url, timeout=120, trust_env=False) as http:
        client = Wire(http, backend)
        yield client
        for name in await client.loaded():
            await client.post("/api/generate", model=name, keep_alive=0)


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Wait until a check of the host holds; fail after `DEADLINE_S`."""

    async def wait(check: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not await check():  # noqa: ASYNC110  # the host can only be asked again
                await asyncio.sleep(0.005)

    return wait


def lines_of(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the objects of a streamed answer."""
    return [json.loads(line) for line in response.text.split("\n") if line]
