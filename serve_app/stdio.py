"""MCP over stdio, for hosts that start their servers as child processes (Claude Desktop, Claude Code, VS Code).

Owns the life of that process: it answers what needs no system at once, has the system started in the background,
holds back calls until it is there, and ends with its host. Tools and answers are `mcp.py`'s, over `AsyncClient`. This
process joins no Ray and imports none: it starts in half a second and needs no cluster token.

stdout is the wire: everything that is logged or printed here must go to stderr.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable

from mcp.server.stdio import stdio_server

from delegator.errors import DelegatorError, StartFailed, SystemNotRunning
from serve_app.client import AsyncClient
from serve_app.following import LOOK_S, Report
from serve_app.mcp import build_mcp

logger = logging.getLogger(__name__)

START_S = 45.0
"""Real seconds a call waits for the system to start: hosts give up after 60."""

TRUST_S = 5.0
"""Real seconds for which a system that answered is taken to be still there."""

PARENT_LOOK_S = 0.25
"""Real seconds between two looks whether the host still lives."""


def run_stdio(make_backend: Callable[[], AsyncClient], *, ensure_running: Callable[[], None] | None = None) -> None:
    """Serve until stdin ends or the parent dies, then leave the process.

    Args:
        make_backend: makes the client of the running system; called inside the event loop.
        ensure_running: returns once the system is up, starting it if need be; blocking, run on a thread. Must not
            print to stdout and must leave the system running when this process goes. Raises a `DelegatorError` when
            it cannot. None: the system is started by somebody else.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="delegator mcp: %(message)s")
    logger.setLevel(logging.INFO)
    try:
        asyncio.run(_serve(make_backend, ensure_running or (lambda: None)))
    except KeyboardInterrupt:
        logger.info("interrupted")
    _leave()


async def _serve(make_backend: Callable[[], AsyncClient], ensure_running: Callable[[], None]) -> None:
    system = System(make_backend(), ensure_running)
    server = build_mcp(system.provide)
    async with stdio_server() as (incoming, outgoing):
        serving = asyncio.create_task(server.run(incoming, outgoing, server.create_initialization_options()))
        watching = asyncio.create_task(_parent_is_gone(os.getppid()))
        system.start()
        await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
        logger.info("the host has gone")
        _leave()  # nothing is awaited any more: calls in flight have nobody to answer to


async def _parent_is_gone(parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells a process on all systems that its parent died
        await asyncio.sleep(PARENT_LOOK_S)


def _leave() -> None:
    """End the process now, whatever threads still wait for stdin or for the system to start."""
    logging.shutdown()
    os._exit(0)


class System:
    """The running system as this process sees it: perhaps not there yet, perhaps gone again."""

    def __init__(self, client: AsyncClient, ensure_running: Callable[[], None]) -> None:
        self._client = client
        self._ensure_running = ensure_running
        self._starting: asyncio.Task[None] | None = None
        self._seen = 0.0

    def start(self) -> None:
        """Have the system started in the background, unless that is under way or done; a failed start is repeated."""
        task = self._starting
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            self._starting = asyncio.create_task(self._start())

    async def provide(self, report: Report) -> AsyncClient:
        """Return the client once the system answers, with a sign of life every second until then.

        Raises:
            StartFailed, SystemNotRunning: it could not be started, or not within `START_S`.
        """
        await self._look_again()
        self.start()
        began = time.monotonic()
        while self._starting is not None and not self._starting.done():
            waited = time.monotonic() - began
            if waited > START_S:
                raise StartFailed("the system", f"not up after {START_S:g} s", "It is still starting: try again.")
            await report(waited, None, "starting Delegator")
            await asyncio.wait({self._starting}, timeout=LOOK_S)
        if self._starting is not None:
            self._starting.result()
        return self._client

    async def _look_again(self) -> None:
        """Forget the start if the system was up once and has been taken down since."""
        if self._starting is None or not self._starting.done() or time.monotonic() - self._seen < TRUST_S:
            return
        if await self._client.alive():
            self._seen = time.monotonic()
        else:
            self._starting = None

    async def _start(self) -> None:
        try:
            await asyncio.to_thread(self._ensure_running)
        except DelegatorError as exc:
            logger.error("%s %s", exc.message, exc.advice)
            raise
        if not await self._client.alive():
            raise SystemNotRunning(self._client.address)
        self._seen = time.monotonic()
        logger.info("using Delegator at %s", self._client.address)
