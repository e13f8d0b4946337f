"""The routes: checks in Ollama's order, and the answer on the wire (items 1 to 5, 8, 13).

There is no registry behind this host: nothing is pulled, copied or deleted.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import aiohttp
from aiohttp import web

from delegator.ollama.dialect.answers import created_at, dump, line, merged
from delegator.ollama.dialect.options import read_options
from delegator.ollama.dialect.requests import ApiError, Inference, field, keep_alive, read_inference, read_json
from delegator.ollama.engine.descriptions import ps_entry, show, tags_entry
from delegator.ollama.engine.library import COMPLETION, TOOLS, Library, ModelFile
from delegator.ollama.engine.scheduler import Scheduler
from delegator.ollama.engine.turn import answer
from delegator.ollama.engine.vectors import embed

VERSION = "0.33.0-engine"
"""The version whose rules the host follows."""

DEFAULT_NUM_CTX = 4096
"""Window of a request that states none, as on a host without a large GPU (item 29)."""


class Routes:
    """All routes of the host."""

    def __init__(self, library: Library, scheduler: Scheduler, http: aiohttp.ClientSession) -> None:
        self._library = library
        self._scheduler = scheduler
        self._http = http

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.alive),
            web.get("/api/version", self.version),
            web.get("/api/tags", self.tags),
            web.get("/api/ps", self.ps),
            web.post("/api/show", self.show),
            web.post("/api/generate", self.generate),
            web.post("/api/chat", self.chat),
            web.post("/api/embed", self.embed),
        ]

    # ── about the host and its models ─────────────────────────────────────────────────────────────────────────────

    async def alive(self, _http: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def version(self, _http: web.Request) -> web.Response:
        return _json({"version": VERSION})

    async def tags(self, _http: web.Request) -> web.Response:
        return _json({"models": [tags_entry(model) for model in self._library.all()]})

    async def ps(self, _http: web.Request) -> web.Response:
        """List what is in memory, longest time left first: dead runners too, nothing that still loads (item 25)."""
        runners = sorted(self._scheduler.loaded.values(), key=lambda runner: runner.expires_at, reverse=True)
        return _json({"models": [ps_entry(runner) for runner in runners]})

    async def show(self, http: web.Request) -> web.Response:
        body = read_json(await http.read())
        name = field(body, "model", str, "") or field(body, "name", str, "")
        if not name:
            raise ApiError(400, "model is required")
        return _json(show(self._find(name)))

    # ── where models work ─────────────────────────────────────────────────────────────────────────────────────────

    async def generate(self, http: web.Request) -> web.StreamResponse:
        return await self._infer(http, read_inference(await http.read(), chat=False))

    async def chat(self, http: web.Request) -> web.StreamResponse:
        return await self._infer(http, read_inference(await http.read(), chat=True))

    async def embed(self, http: web.Request) -> web.StreamResponse:
        body = read_json(await http.read())
        name, keep_alive_s = field(body, "model", str, ""), keep_alive(body)
        model = self._library.get(name)
        if model is None:
            raise ApiError(404, f'model "{name}" not found, try pulling it first')
        options = field(body, "options", dict, {})
        return _json(
            await embed(
                self._scheduler,
                self._http,
                model,
                name,
                _texts(body.get("input")),
                read_options(options, train_ctx=model.train_ctx, default_num_ctx=DEFAULT_NUM_CTX, shift=True).load,
                keep_alive_s=keep_alive_s,
                truncate=field(body, "truncate", bool, True),
                dimensions=int(field(body, "dimensions", int, 0)),
            )
        )

    async def _infer(self, http: web.Request, request: Inference) -> web.StreamResponse:
        if not request.name and request.chat:
            raise ApiError(400, "model is required")
        model = self._find(request.name)
        if not request.messages and request.keep_alive_s == 0:
            self._scheduler.expire(model)  # answered before anything is freed, and if it is not loaded too (item 8)
            return _json(line(request, created_at(), "", done=True, done_reason="unload"))
        _check_capabilities(request, model)
        options = read_options(
            request.options, train_ctx=model.train_ctx, default_num_ctx=DEFAULT_NUM_CTX, shift=request.shift
        )
        lines = answer(self._scheduler, self._http, model, request, options)
        if request.stream and request.messages:
            return await _stream(http, lines)
        async with aclosing(lines):
            whole = await merged(request, lines)
        return _json(whole)

    def _find(self, name: str) -> ModelFile:
        model = self._library.get(name)
        if model is None:
            raise ApiError(404, f"model '{name}' not found")
        return model


def _check_capabilities(request: Inference, model: ModelFile) -> None:
    if COMPLETION not in model.capabilities:
        raise ApiError(400, f'"{request.name}" does not support {"chat" if request.chat else "generate"}')
    if request.tools and TOOLS not in model.capabilities:
        raise ApiError(400, f"registry.ollama.ai/library/{model.name} does not support tools")
    if request.think:
        raise ApiError(400, f'"{request.name}" does not support thinking')


def _texts(value: Any) -> list[str]:
    """Read `input`: one text or several; one empty text is none."""
    texts = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ApiError(400, "invalid input type")
    return [] if texts == [""] else texts


async def _stream(http: web.Request, lines: AsyncGenerator[dict[str, Any], None]) -> web.StreamResponse:
    """Send lines as they come. The headers go with the first, so that an error before it has a status (item 5)."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    try:
        async with aclosing(lines):
            async for item in lines:
                if not response.prepared:
                    await response.prepare(http)
                await response.write(dump(item) + b"\n")
    except ApiError as error:
        if not response.prepared:
            raise
        await response.write(dump({"error": error.text}) + b"\n")
    await response.write_eof()
    return response


def _json(value: Any) -> web.Response:
    return web.Response(body=dump(value), content_type="application/json", charset="utf-8")
