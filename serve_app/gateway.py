"""The backend inside the cluster: operations become calls on the SessionManager actor.

Owns how long a call may take, what is done when the actor is restarting, and that a change once begun is not broken
off because its caller left. What needs no actor is answered by `local.py`; while there is none, analysis too.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Mapping
from typing import Any

import ray

from actors.calls import ACTOR_LOST, ask
from actors.cluster import NAMESPACE, SESSION_MANAGER
from actors.metering import CallErrors
from delegator.errors import CallInterrupted, SystemNotRunning, Unavailable
from delegator.schemas import Reply, Request
from serve_app import caller
from serve_app.calls import AsyncCaller, Calls
from serve_app.local import LocalAnswers
from serve_app.operations import Operation

CALL_S = 55.0
"""Real seconds any call may take: MCP clients give up after 60."""

RESTART_S = 20.0
"""Real seconds the actor may be away before callers are told."""

RETRY_S = 0.2
"""Real seconds between two tries to reach an actor that is restarting."""


class Gateway(Calls, AsyncCaller):
    """Answers operations from inside the cluster; needs a Ray connection, which its process has."""

    def __init__(self, local: LocalAnswers, *, calls_as: str = caller.HTTP) -> None:
        """Open nothing yet. `calls_as`: who calls where no face says it."""
        self._calls_as = calls_as
        self._local: Mapping[str, Callable[[Any], Reply]] = {"list_roles": local.list_roles}
        self._without_system: Mapping[str, Callable[[Any], Reply]] = {"analyze_task": local.analyze_task}
        """Asked of the system, which may have learned from use; where there is none, the shipped weights answer."""
        self._handle: Any = None
        self._errors = CallErrors()

    async def call(self, operation: Operation, request: Request) -> Reply:
        """Do one operation of the table.

        Raises:
            DelegatorError: what the actor raised; or DeadlineExceeded, Unavailable, CallInterrupted.
        """
        try:
            return await self._answer(operation, request)
        except Exception as exc:
            self._errors.count(exc)
            raise

    async def _answer(self, operation: Operation, request: Request) -> Reply:
        if operation.name in self._local:
            return self._local[operation.name](request)
        if operation.name in self._without_system:
            try:
                return await self._ask(operation, request)
            except SystemNotRunning:
                return self._without_system[operation.name](request)
        if operation.read_only:
            return await self._ask(operation, request)
        # A change runs in a task and a context of its own: when the caller leaves, Serve cancels the caller's task, and
        # Ray would cancel every actor call made in its context.
        by = caller.current() or self._calls_as
        change = asyncio.create_task(self._ask(operation, request, by=by), context=contextvars.Context())
        change.add_done_callback(_retrieve)
        return await asyncio.shield(change)

    async def ping(self) -> None:
        """Return when the SessionManager answers and its store does.

        Raises:
            Unavailable: one of them does not.
        """
        try:
            await ask((await self._manager()).ping.remote(), deadline_s=CALL_S, what="ping")
        except ACTOR_LOST:
            self._handle = None
            raise Unavailable("the session manager is restarting") from None

    async def _ask(self, operation: Operation, request: Request, *, by: str | None = None) -> Reply:
        """Ask the actor; `by`: who changes something, None for what only reads."""
        deadline = time.monotonic() + CALL_S
        if not operation.idempotent:
            await self._until_there()  # what may not be repeated is not sent to an actor that is just restarting
        lost_at: float | None = None
        while True:
            try:
                asked = _send(await self._manager(), operation, request, by)
                left = max(0.0, deadline - time.monotonic())
                reply: Reply = await ask(asked, deadline_s=left, what=operation.name)
                return reply
            except ACTOR_LOST:
                self._handle = None
                if not operation.idempotent:
                    raise CallInterrupted(operation.name) from None
                lost_at = lost_at or time.monotonic()
                await _pause(lost_at)

    async def _until_there(self) -> None:
        lost_at: float | None = None
        while True:
            try:
                alive = (await self._manager()).__ray_ready__.remote()
                await ask(alive, deadline_s=RESTART_S, what="reaching the session manager")
                return
            except ACTOR_LOST:
                self._handle = None
                lost_at = lost_at or time.monotonic()
                await _pause(lost_at)

    async def _manager(self) -> Any:
        """Return the handle of the SessionManager.

        Raises:
            SystemNotRunning: there is no such actor.
        """
        if self._handle is None:
            try:
                self._handle = await asyncio.to_thread(ray.get_actor, SESSION_MANAGER, NAMESPACE)
            except ValueError:
                raise SystemNotRunning(f"actor {SESSION_MANAGER}") from None
        return self._handle


def _send(manager: Any, operation: Operation, request: Request, by: str | None) -> Any:
    """Send a call to the actor: what reads goes straight to its method, a change says who makes it."""
    if by is None:
        return getattr(manager, operation.name).remote(request)
    door = manager.control if operation.control else manager.change
    return door.remote(operation.name, request, by)


async def _pause(lost_at: float) -> None:
    """Wait a little for a restarting actor; after `RESTART_S` tell the caller."""
    if time.monotonic() - lost_at > RESTART_S:
        raise Unavailable("the session manager does not come back")
    await asyncio.sleep(RETRY_S)


def _retrieve(change: asyncio.Task[Reply]) -> None:
    """Look at the outcome of a change whose caller may have left, so that asyncio does not complain of it."""
    if not change.cancelled():
        change.exception()
