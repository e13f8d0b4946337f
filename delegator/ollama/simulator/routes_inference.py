"""`/api/generate`, `/api/chat`, `/api/embed`: checks in Ollama's order, and the answer on the wire (items 2, 5, 8)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from aiohttp import web

from delegator.ollama.dialect.answers import created_at, dump, merged
from delegator.ollama.dialect.options import Options, read_options
from delegator.ollama.dialect.requests import ApiError, Inference, field, keep_alive, read_inference, read_json
from delegator.ollama.simulator.embedding import embed
from delegator.ollama.simulator.generation import Accepted, Interrupted, answer
from delegator.ollama.simulator.host import Host
from delegator.ollama.simulator.library import Installed
from delegator.ollama.simulator.models import COMPLETION, THINKING, TOOLS, ModelSpec

DROPS = ("drop_rst", "drop_fin")


class InferenceRoutes:
    """The routes at which models work."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def table(self) -> list[web.RouteDef]:
        return [
            web.post("/api/generate", self.generate),
            web.post("/api/chat", self.chat),
            web.post("/api/embed", self.embed),
        ]

    async def generate(self, http: web.Request) -> web.StreamResponse:
        return await self._infer(http, read_inference(await http.read(), chat=False))

    async def chat(self, http: web.Request) -> web.StreamResponse:
        return await self._infer(http, read_inference(await http.read(), chat=True))

    async def embed(self, http: web.Request) -> web.StreamResponse:
        body = read_json(await http.read())
        name, keep_alive_s = field(body, "model", str, ""), keep_alive(body)
        model = self._host.library.get(name)
        if model is None:
            raise ApiError(404, f'model "{name}" not found, try pulling it first')
        _refuse_remote(model.spec)
        options = self._options(field(body, "options", dict, {}), model.spec, shift=True)
        texts = body.get("input")
        if texts is not None and not isinstance(texts, (str, list)):
            raise ApiError(400, "invalid input type")
        texts = [texts] if isinstance(texts, str) else list(texts or [])
        if not all(isinstance(text, str) for text in texts):
            raise ApiError(400, "invalid input type")
        await self._host.faults.pass_through("queue", path=http.path, model=name)
        reply = await embed(
            self._host,
            model.spec,
            name,
            [] if texts == [""] else texts,
            options.load,
            keep_alive_s=keep_alive_s,
            truncate=field(body, "truncate", bool, True),
            dimensions=int(field(body, "dimensions", int, 0)),
        )
        return web.Response(body=dump(reply), content_type="application/json", charset="utf-8")

    async def _infer(self, http: web.Request, request: Inference) -> web.StreamResponse:
        model = self._find(request)
        _refuse_remote(model.spec)
        if not request.messages and request.keep_alive_s == 0:
            return self._unload(request, model.spec)
        _check_capabilities(request, model.spec)
        options = self._options(request.options, model.spec, shift=request.shift)
        accepted = Accepted(request, model.spec, options, http.path)
        lines = answer(self._host, accepted)
        if request.stream and request.messages:
            return await _stream(http, lines)
        return await _whole(http, accepted, lines)

    def _find(self, request: Inference) -> Installed:
        if not request.name and request.chat:
            raise ApiError(400, "model is required")
        model = self._host.library.get(request.name)
        if model is None:
            raise ApiError(404, f"model '{request.name}' not found")
        return model

    def _unload(self, request: Inference, spec: ModelSpec) -> web.Response:
        """Answer at once, before anything is freed, and also when the model is not loaded (item 8)."""
        self._host.scheduler.expire(spec)
        accepted = Accepted(request, spec, self._options({}, spec, shift=True), "")
        line = accepted.line(created_at(skew_s=self._host.clock.skew_s), "", done=True, done_reason="unload")
        return web.Response(body=dump(line), content_type="application/json", charset="utf-8")

    def _options(self, values: dict[str, Any], spec: ModelSpec, *, shift: bool) -> Options:
        return read_options(
            values, train_ctx=spec.train_ctx, default_num_ctx=self._host.profile.default_num_ctx, shift=shift
        )


def _check_capabilities(request: Inference, spec: ModelSpec) -> None:
    if not spec.can(COMPLETION):
        raise ApiError(400, f'"{request.name}" does not support {"chat" if request.chat else "generate"}')
    if request.tools and not spec.can(TOOLS):
        raise ApiError(400, f"registry.ollama.ai/library/{spec.name} does not support tools")
    if request.think and not spec.can(THINKING):
        raise ApiError(400, f'"{request.name}" does not support thinking')


def _refuse_remote(spec: ModelSpec) -> None:
    if spec.remote:
        raise ApiError(401, "unauthorized")


async def _stream(http: web.Request, lines: AsyncGenerator[dict[str, Any], None]) -> web.StreamResponse:
    """Send lines as they come. The headers go with the first, so that an error before it has a status (item 5)."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    try:
        async with aclosing(lines):
            async for line in lines:
                if not response.prepared:
                    await response.prepare(http)
                await response.write(dump(line) + b"\n")
    except Interrupted as fault:
        if fault.action in DROPS:
            return drop(http, reset=fault.action == "drop_rst")
        if not response.prepared:
            await response.prepare(http)
        await response.write(_last_words(fault))
    except ApiError as error:
        if not response.prepared:
            raise
        await response.write(dump({"error": error.text}) + b"\n")
    await response.write_eof()
    return response


def _last_words(fault: Interrupted) -> bytes:
    """Return what comes instead of the rest of the answer; nothing for `no_done`, whose body just ends."""
    match fault.action:
        case "half_line":
            return b'{"model":"m","created_at":"2026-01-01T00:00:00Z","mess'
        case "garbage_line":
            return b"<html>upstream went away</html>\n"
        case "error_line":
            return dump({"error": fault.text}) + b"\n"
        case _:
            return b""


async def _whole(
    http: web.Request, accepted: Accepted, lines: AsyncGenerator[dict[str, Any], None]
) -> web.StreamResponse:
    """Send one object with the whole text (item 5)."""
    try:
        async with aclosing(lines):
            whole = await merged(accepted.request, lines)
    except Interrupted as fault:
        if fault.action in DROPS:
            return drop(http, reset=fault.action == "drop_rst")
        raise ApiError(500, fault.text) from None
    if whole is None:
        raise ApiError(500, "no answer")
    return web.Response(body=dump(whole), content_type="application/json", charset="utf-8")


def drop(http: web.Request, *, reset: bool) -> web.Response:
    """Cut the connection: by reset, or in good order but before the body's end. Return what nobody will see."""
    if http.transport is not None:
        http.transport.abort() if reset else http.transport.close()
    return web.Response()
