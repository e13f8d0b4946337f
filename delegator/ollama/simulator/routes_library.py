"""The routes about the host and its models: version, tags, ps, show, pull, delete (items 1, 3, 4, 14, 25, 28)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from aiohttp import web

from delegator.ollama.dialect.answers import dump
from delegator.ollama.dialect.requests import ApiError, field, read_json
from delegator.ollama.simulator import wire
from delegator.ollama.simulator.faults import FaultRule
from delegator.ollama.simulator.generation import Interrupted
from delegator.ollama.simulator.host import Host
from delegator.ollama.simulator.library import Installed, PullFailed
from delegator.ollama.simulator.routes_inference import drop

NO_SPACE = "write /models/blobs/sha256-0-partial-0: no space left on device"
"""What Ollama says when the disk is full in the middle of a pull."""


class LibraryRoutes:
    """The routes that start nothing."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.alive),
            web.get("/api/version", self.version),
            web.get("/api/tags", self.tags),
            web.get("/api/ps", self.ps),
            web.post("/api/show", self.show),
            web.post("/api/pull", self.pull),
            web.delete("/api/delete", self.delete),
        ]

    async def alive(self, _http: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def version(self, _http: web.Request) -> web.Response:
        return _json({"version": self._host.version})

    async def tags(self, _http: web.Request) -> web.Response:
        return _json({"models": [wire.tags_entry(model) for model in self._host.library.all()]})

    async def ps(self, _http: web.Request) -> web.Response:
        """List what is in memory, longest time left first: dead runners too, nothing that still loads (item 25)."""
        rules = self._host.faults.take("ps")
        await self._host.faults.hang(rules)
        factor = 1.0
        for rule in rules:
            factor *= float(rule.args.get("factor", 1.2)) if rule.action == "ps_lies" else 1.0
        runners = sorted(self._host.scheduler.shown, key=lambda runner: runner.expires_at, reverse=True)
        return _json({"models": [wire.ps_entry(runner, self._host.clock, factor=factor) for runner in runners]})

    async def show(self, http: web.Request) -> web.Response:
        return _json(wire.show(self._find(_name(read_json(await http.read())))))

    async def delete(self, http: web.Request) -> web.Response:
        name = _name(read_json(await http.read()))
        self._find(name)
        self._host.library.delete(name)
        return web.Response()

    async def pull(self, http: web.Request) -> web.StreamResponse:
        """Tell of a download; an unknown model is an error line under status 200, or 500 unstreamed (item 14)."""
        body = read_json(await http.read())
        name = _name(body)
        if not field(body, "stream", bool, True):
            return await self._pull_silently(name)
        lines = self._with_faults(name, self._host.faults.take("pull", path=http.path, model=name))
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(http)
        try:
            async with aclosing(lines):
                async for line in lines:
                    await response.write(dump(line) + b"\n")
        except PullFailed as failed:
            await response.write(dump({"error": str(failed)}) + b"\n")
        except Interrupted as fault:
            return drop(http, reset=fault.action == "drop_rst")
        await response.write_eof()
        return response

    async def _with_faults(self, name: str, rules: list[FaultRule]) -> AsyncGenerator[dict[str, Any], None]:
        """Give the lines of a pull until one of the rules, `after` lines, has its way with them."""
        number = 0
        async with aclosing(cast(AsyncGenerator[dict[str, Any], None], self._host.library.pull(name))) as lines:
            async for line in lines:
                for rule in [rule for rule in rules if number == int(rule.args.get("after", 2))]:
                    self._host.log.add("fault", action=rule.action, model=name)
                    await self._host.faults.hang([rule])
                    if rule.action == "pull_cut":
                        raise Interrupted("drop_fin" if rule.args.get("fin") else "drop_rst")
                    if rule.action == "pull_error":
                        raise PullFailed(str(rule.args.get("text", NO_SPACE)))
                    if rule.action == "pull_short":
                        return
                yield line
                number += 1

    async def _pull_silently(self, name: str) -> web.Response:
        line: dict[str, Any] = {}
        try:
            async for line in self._host.library.pull(name):  # noqa: B007  # only the last line is told
                pass
        except PullFailed as failed:
            raise ApiError(500, str(failed)) from None
        return _json(line)

    def _find(self, name: str) -> Installed:
        model = self._host.library.get(name)
        if model is None:
            raise ApiError(404, f"model '{name}' not found")
        return model


def _name(body: dict[str, Any]) -> str:
    name: str = field(body, "model", str, "") or field(body, "name", str, "")
    if not name:
        raise ApiError(400, "model is required")
    return name


def _json(value: Any) -> web.Response:
    return web.Response(body=dump(value), content_type="application/json", charset="utf-8")
