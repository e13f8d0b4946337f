"""`SimulatedHost`: the simulated host on a port, in this process. The entry for tests, and what `__main__` runs."""

from __future__ import annotations

from typing import Any, Self

from aiohttp import web

from delegator.ollama.simulator.app import make_app
from delegator.ollama.simulator.clock import Clock, ScaledClock, sleep
from delegator.ollama.simulator.host import Host
from delegator.ollama.simulator.interventions import Interventions
from delegator.ollama.simulator.profiles import PROFILES, HostProfile
from delegator.ollama.simulator.routes_control import ControlRoutes
from delegator.ollama.simulator.routes_inference import InferenceRoutes
from delegator.ollama.simulator.routes_library import LibraryRoutes
from delegator.ollama.simulator.state import state_of
from delegator.ollama.simulator.text.reply import Source
from delegator.ollama.simulator.text.team import team

SHUTDOWN_S = 0.2
"""Real seconds running answers get when the host stops, before they are cut."""


class SimulatedHost:
    """A simulated Ollama host that listens; an async context manager.

        async with SimulatedHost("laptop64", scale=100) as host:
            client = OllamaClient(host.url, ...)

    Attributes:
        host: everything behind the routes: log, faults, scheduler, library.
    """

    def __init__(
        self,
        profile: HostProfile | str = "laptop64",
        *,
        scale: float = 10.0,
        clock: Clock | None = None,
        source: Source = team,
        seed: int = 0,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Listen to nothing yet.

        Args:
            profile: a machine, or the name of one of `PROFILES`.
            scale: model seconds per real second.
            clock: another clock than one of that scale, such as a `ManualClock`.
            source: what models say.
            seed: of faults that come by chance.
            address: to listen on.
            port: 0 takes a free one, and keeps it over restarts.
        """
        profile = PROFILES[profile] if isinstance(profile, str) else profile
        self.host = Host(profile, clock or ScaledClock(scale), source=source, seed=seed)
        self._address = address
        self._port = port
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        """Base URL; known once started."""
        return f"http://{self._address}:{self._port}"

    @property
    def state(self) -> dict[str, Any]:
        """What `/_sim/state` answers."""
        return state_of(self.host)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the host and listen.

        Raises:
            OSError: the port is taken.
        """
        interventions = Interventions(self.host, self._go_deaf)
        control = ControlRoutes(self.host, interventions, self.reset)
        tables = (LibraryRoutes(self.host).table(), InferenceRoutes(self.host).table(), control.table())
        runner = self._runner = web.AppRunner(
            make_app(self.host, tables),
            handler_cancellation=True,  # a client that hangs up cancels its handler: what item 24 is made of
            access_log=None,
            shutdown_timeout=SHUTDOWN_S,
        )
        await runner.setup()
        self.host.start()
        await self._listen(runner)

    async def stop(self) -> None:
        """Listen no more, cut what runs, end everything."""
        if self._runner is not None:
            await self._runner.cleanup()
        await self.host.stop()

    async def reset(self) -> None:
        """Empty the memory; forget faults, log and measures."""
        self.host.faults.clear()
        await self.host.restart()
        self.host.log.clear()

    async def restart(self, *, down_s: float, version: str | None = None) -> None:
        """Break every connection, lose all loaded models, and listen again after model seconds."""
        await self._go_deaf(down_s, lose_all=True, version=version)

    async def _listen(self, runner: web.AppRunner) -> None:
        self._site = web.TCPSite(runner, self._address, self._port)
        await self._site.start()
        self._port = runner.addresses[0][1]

    async def _go_deaf(self, seconds: float, *, lose_all: bool, version: str | None = None) -> None:
        """Listen no more for model seconds; a restart also cuts every connection and empties the memory."""
        if self._site is None or self._runner is None or self._runner.server is None:
            return
        await self._site.stop()
        for connection in list(self._runner.server.connections):
            if connection.transport is not None and lose_all:
                connection.transport.abort()
        if lose_all:
            await self.host.restart(version)
        await sleep(self.host.clock, seconds)
        await self._listen(self._runner)
