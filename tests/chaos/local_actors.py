"""Actors in this process: what a Ray handle does for its callers, without Ray."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

from actors.agent import Agent
from actors.agent_messages import Turn
from actors.agent_pool import AgentPool
from delegator.roles.catalogue import Catalogue
from delegator.settings import Settings


class LocalActor:
    """A handle of an object in this process: `handle.method.remote(...)` gives something to await."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._calls: set[asyncio.Future[Any]] = set()

    def __getattr__(self, name: str) -> _LocalMethod:
        return _LocalMethod(getattr(self._actor, name), self._calls)


class _LocalMethod:
    def __init__(self, method: Any, calls: set[asyncio.Future[Any]]) -> None:
        self._method = method
        self._calls = calls

    def remote(self, *args: Any) -> Any:
        call = asyncio.ensure_future(self._call(pickle.dumps(args)))
        self._calls.add(call)  # nobody may await it
        call.add_done_callback(self._calls.discard)
        return call

    async def _call(self, args: bytes) -> Any:
        try:
            return pickle.loads(pickle.dumps(await self._method(*pickle.loads(args))))
        except Exception as exc:
            raise pickle.loads(pickle.dumps(exc)) from exc


class LocalPool(AgentPool):
    """The pool with agents in this process."""

    def __init__(self, catalogue: Catalogue, settings: Settings, hosts: dict[str, LocalActor]) -> None:
        super().__init__(catalogue, settings)
        self._hosts = hosts
        self.running: dict[str, Agent] = {}

    def _own_node(self) -> str:
        return "here"

    def _start_process(self, role: str, node_id: str) -> Any:
        self.running[role] = Agent(self._catalogue.role(role), self._settings, self._tell_first_token)
        return LocalActor(self.running[role])

    def _tell_first_token(self, turn: Turn) -> None:
        self._hosts[turn.endpoint_id].first_token.remote(turn.turn_id)

    async def _terminate(self, role: str, handle: Any) -> None:
        await self.running.pop(role).close()
