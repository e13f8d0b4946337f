"""Writes down every use of a control, what came of it, and who used it, before its caller is told.

A control is an operation that acts by hand on what runs: the table of the faces says which are. Its use is an event
of its own beside those of what it does, so that one that was refused leaves one too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from actors import acting
from delegator.clock import Clock
from delegator.errors import DelegatorError, InternalError
from delegator.schemas import EventKind, Reply, Request
from delegator.store.records import NewEvent
from delegator.store.store import Store

log = logging.getLogger(__name__)

DONE = "done"
INTERRUPTED = "interrupted"
"""The outcome of a control whose call was broken off: what it began may go on."""

FACTS = ("reason", "task_id", "answer", "endpoint", "to")
"""Fields of requests and replies that the event keeps, beside what has a column of its own."""

Act = Callable[[Any], Awaitable[Reply]]


class Controls:
    """Does what a control asks, and leaves the event of it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Write into `store`, at the times of `clock`."""
        self._store = store
        self._clock = clock

    async def use(self, name: str, act: Act, request: Request, by: str) -> Reply:
        """Do the operation of that name by `act`; its event is stored before this returns or raises.

        Raises:
            StoreUnavailable: it was done, but the event of it could not be stored.
            DelegatorError: whatever `act` raises.
        """
        with acting.acting(by):
            try:
                reply = await act(request)
            except asyncio.CancelledError:
                await self._refused(name, request, INTERRUPTED, by)
                raise
            except DelegatorError as exc:
                await self._refused(name, request, exc.code, by)
                raise
            except Exception:
                await self._refused(name, request, InternalError.code, by)
                raise
            await self._write_down(_event(name, DONE, request, reply, self._clock, by))
            return reply

    async def _refused(self, name: str, request: Request, outcome: str, by: str) -> None:
        """Leave the event of a control that was not done; its caller hears why, whether or not that can be stored."""
        try:
            await self._write_down(_event(name, outcome, request, None, self._clock, by))
        except DelegatorError as exc:
            log.warning("that %s used %s (%s) could not be stored: %s", by, name, outcome, exc)

    async def _write_down(self, event: NewEvent) -> None:
        await asyncio.shield(asyncio.create_task(self._store.append_events([event])))


def _event(name: str, outcome: str, request: Request, reply: Reply | None, clock: Clock, by: str) -> NewEvent:
    """Return the event of a control that was used, with what its request, else its reply, says it was about."""

    def told(field: str) -> Any:
        said = getattr(request, field, None)
        return getattr(reply, field, None) if said is None else said

    facts = {field: str(value) for field in FACTS if (value := told(field)) not in (None, "")}
    return NewEvent(
        kind=EventKind.CONTROL_USED,
        at=clock.now(),
        session_id=told("session_id"),
        role=told("agent_role"),
        model=told("model"),
        data={"operation": name, "outcome": outcome, **facts},
        by=by,
    )
