"""Brings the running system about on a Ray that is connected: the `SessionManager`, which brings the rest."""

from __future__ import annotations

import asyncio
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from actors.cluster import NAMESPACE, SESSION_MANAGER
from actors.session_manager import SessionManager
from delegator.errors import DelegatorError, StartFailed
from delegator.settings import Settings


async def ensure_system(settings: Settings) -> None:
    """Find or create the `SessionManager` and wait until it answers. `settings` are resolved: URLs, memory, models.

    Raises:
        StartFailed: it does not come up, and why.
        DelegatorError: a part said why it could not be had.
    """
    await asyncio.to_thread(_ensure_manager, settings)


def _ensure_manager(settings: Settings) -> None:
    manager: Any = (
        ray.remote(SessionManager)
        .options(
            name=SESSION_MANAGER,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
            max_task_retries=0,
        )
        .remote(settings)
    )
    try:
        ray.get(manager.ping.remote(), timeout=settings.actor_start_deadline_s)
    except RayTaskError as exc:
        cause = getattr(exc, "cause", None)
        if isinstance(cause, DelegatorError):
            raise cause from exc
        raise StartFailed("the session manager", str(cause or exc), "See the log folder of Delegator.") from exc
    except (RayActorError, GetTimeoutError) as exc:
        raise StartFailed("the session manager", _first_line(exc), "See the log folder of Delegator.") from exc


def _first_line(exc: Exception) -> str:
    return (str(exc).strip() or type(exc).__name__).splitlines()[0]
