"""`/_sim/...`: what tests and people see and order behind Ollama's interface. A real Ollama answers 404 here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from delegator.ollama.dialect.requests import ApiError, read_json
from delegator.ollama.simulator.clock import ManualClock
from delegator.ollama.simulator.faults import FaultInvalid
from delegator.ollama.simulator.host import Host
from delegator.ollama.simulator.interventions import Interventions
from delegator.ollama.simulator.state import state_of


class ControlRoutes:
    """The routes behind the scene."""

    def __init__(self, host: Host, interventions: Interventions, reset: Callable[[], Awaitable[None]]) -> None:
        self._host = host
        self._interventions = interventions
        self._reset = reset

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/_sim/about", self.about),
            web.get("/_sim/state", self.state),
            web.get("/_sim/events", self.events),
            web.get("/_sim/faults", self.faults),
            web.post("/_sim/faults", self.add_fault),
            web.delete("/_sim/faults", self.clear_faults),
            web.post("/_sim/reset", self.reset),
            web.post("/_sim/advance", self.advance),
        ]

    async def about(self, _http: web.Request) -> web.Response:
        """Say plainly that this is a simulator, and how fast its time runs."""
        host = self._host
        return web.json_response({"simulated": True, "scale": host.clock.scale, "profile": host.profile.name})

    async def state(self, _http: web.Request) -> web.Response:
        return web.json_response(state_of(self._host))

    async def events(self, http: web.Request) -> web.Response:
        """List the log after entry `?after=N`."""
        after = http.query.get("after", "0")
        if not after.isdecimal():
            raise ApiError(400, f"after must be a whole number, not {after!r}")
        return web.json_response({"events": self._host.log.after(int(after))})

    async def faults(self, _http: web.Request) -> web.Response:
        return web.json_response({"faults": [rule.as_json() for rule in self._host.faults.rules]})

    async def add_fault(self, http: web.Request) -> web.Response:
        """Put a rule in force, or do at once what only happens at once."""
        order = read_json(await http.read())
        try:
            if self._interventions.has(order):
                self._interventions.do(order)
                return web.json_response({"done": order["action"]})
            return web.json_response(self._host.faults.add(order).as_json())
        except (FaultInvalid, TypeError, ValueError) as exc:
            raise ApiError(400, str(exc)) from None

    async def clear_faults(self, _http: web.Request) -> web.Response:
        self._host.faults.clear()
        return web.json_response({"faults": []})

    async def reset(self, _http: web.Request) -> web.Response:
        """Empty the memory, forget faults, log and measures."""
        await self._reset()
        return web.json_response({"reset": True})

    async def advance(self, http: web.Request) -> web.Response:
        """Move a manual clock by `{"seconds": N}`."""
        body: dict[str, Any] = read_json(await http.read())
        clock = self._host.clock
        if not isinstance(clock, ManualClock):
            raise ApiError(400, "this clock runs by itself")
        await clock.advance(float(body.get("seconds", 0)))
        return web.json_response({"now_s": clock.now()})
