"""Brings the running system about on a Ray that is connected: the `SessionManager`, which brings the rest."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from actors.cluster import NAMESPACE, SESSION_MANAGER
from actors.session_manager import SessionManager
from delegator.errors import DelegatorError, StartFailed
from delegator.settings import Settings

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


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
        raise StartFailed("the session manager", _last_words(exc), "See the log folder of Delegator.") from exc


def _last_words(exc: Exception) -> str:
    """Return what an actor that did not come up said last: the error of its creation, without the way there."""
    lines = [line for line in _ANSI.sub("", str(exc)).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(exc).__name__
