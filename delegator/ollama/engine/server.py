"""`EngineHost`: the host on a port, in this process. The entry for tests, and what `__main__` runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Self

import aiohttp
from aiohttp import web

from delegator.ollama.dialect.answers import PLAIN_TEXTS, dump
from delegator.ollama.dialect.door import is_local
from delegator.ollama.dialect.options import OptionInvalid
from delegator.ollama.dialect.requests import ApiError
from delegator.ollama.engine.library import Library
from delegator.ollama.engine.process import LoadFailed
from delegator.ollama.engine.routes import Routes
from delegator.ollama.engine.scheduler import Limits, QueueFull, Scheduler

MAX_BODY_BYTES = 2**30
MAX_LINE_BYTES = 2**25
"""The engine's closing line repeats the prompt."""

SHUTDOWN_S = 0.2
"""Seconds running answers get when the host stops, before they are cut."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class EngineHost:
    """A host that speaks Ollama's interface on real engines; an async context manager.

        async with EngineHost(Library(folder)) as host:
            client = OllamaClient(host.url)

    Attributes:
        library: models on disk. scheduler: models in memory.
    """

    def __init__(
        self, library: Library, *, limits: Limits | None = None, address: str = "127.0.0.1", port: int = 0
    ) -> None:
        """Listen to nothing yet.

        Args:
            library: models on disk.
            limits: what Ollama would read from its environment.
            address: to listen on. port: 0 takes a free one.
        """
        self.library = library
        self.scheduler = Scheduler(limits or Limits())
        self._address = address
        self._port = port
        self._running = AsyncExitStack()

    @property
    def url(self) -> str:
        """Base URL; known once started."""
        return f"http://{self._address}:{self._port}"

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        async with AsyncExitStack() as starting:
            self.scheduler.start()
            starting.push_async_callback(self.scheduler.stop)
            http = await starting.enter_async_context(_to_engines())
            runner = web.AppRunner(
                make_app(Routes(self.library, self.scheduler, http)),
                handler_cancellation=True,  # a client that hangs up cancels its handler: what item 24 is made of
                access_log=None,
                shutdown_timeout=SHUTDOWN_S,
            )
            await runner.setup()
            starting.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, self._address, self._port).start()
            self._port = runner.addresses[0][1]
            self._running = starting.pop_all()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Cut what runs, end every engine."""
        await self._running.aclose()


def make_app(routes: Routes) -> web.Application:
    """Make the application: the routes, and around each what Ollama's server does to every call (items 1, 2)."""
    app = web.Application(middlewares=[_as_ollama], client_max_size=MAX_BODY_BYTES)
    app.add_routes(routes.table())
    return app


@web.middleware
async def _as_ollama(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not is_local(request.host):
        return web.Response(status=403)
    try:
        return await handler(request)
    except web.HTTPException as exc:
        if exc.status in PLAIN_TEXTS:
            return web.Response(status=exc.status, text=PLAIN_TEXTS[exc.status])
        raise
    except ApiError as error:
        return _error(error.status, error.text)
    except QueueFull as error:
        return _error(503, str(error))
    except (LoadFailed, OptionInvalid) as error:
        return _error(500, str(error))


def _error(status: int, text: str) -> web.Response:
    return web.Response(status=status, body=dump({"error": text}), content_type="application/json", charset="utf-8")


def _to_engines() -> aiohttp.ClientSession:
    """Return the client of all engines: no limit of time or number, those are for whoever asks us."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(),
        connector=aiohttp.TCPConnector(limit=0, force_close=True),  # llama-server closes idle connections unasked
        read_bufsize=MAX_LINE_BYTES,
    )
