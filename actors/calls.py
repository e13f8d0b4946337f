"""One way to await a call on an actor: with a deadline, and with the error that was really raised."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayActorError, RayTaskError

from delegator.errors import DeadlineExceeded, DelegatorError

ACTOR_LOST = (ActorDiedError, ActorUnavailableError, RayActorError)
"""What a call raises when the actor's process is gone, for good or until Ray has restarted it."""


async def ask(ref: Awaitable[Any], *, deadline_s: float, what: str) -> Any:
    """Await an actor call for at most `deadline_s` real seconds.

    Raises:
        DeadlineExceeded: no answer in time; the call is cancelled.
        DelegatorError: what the actor raised, as it raised it.
        RayActorError: the actor's process is gone.
    """
    try:
        async with asyncio.timeout(deadline_s):
            return await ref
    except TimeoutError:
        _cancel(ref)
        raise DeadlineExceeded(what, deadline_s) from None
    except asyncio.CancelledError:
        _cancel(ref)
        raise
    except RayTaskError as exc:
        cause = getattr(exc, "cause", None)
        if isinstance(cause, DelegatorError):
            raise cause from None
        raise


def _cancel(ref: Awaitable[Any]) -> None:
    if isinstance(ref, ray.ObjectRef):
        ray.cancel(ref)
