"""Measures what the rules of `delegator/alerts` look at: one look, each figure by itself.

A figure that cannot be had is missing in the look, and the look then says that what is shown may not be what is.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from ray.exceptions import RayError

from actors.disk_room import free_bytes
from actors.parts import Parts
from delegator.alerts.figures import DiskFigures, DriftFigures, EndpointFigures, Figures, LongestWait
from delegator.errors import DelegatorError
from delegator.schemas import EndpointInfo, QueuedTurn, ResourceSummaryReply
from delegator.settings import GB

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_S = 20.0
"""Real seconds within which a figure must be there: by then a caller of resource_summary has no answer either."""


class AlertFigures:
    """Takes looks."""

    def __init__(self, parts: Parts, resources: Callable[[], Awaitable[ResourceSummaryReply]]) -> None:
        """Look at these parts; `resources` gives what anybody is shown, so that alerts speak of the same figures."""
        self._parts = parts
        self._resources = resources
        self._begun = parts.clock.mark()

    async def take(self) -> Figures:
        """Look once. Never raises but for its caller's end."""
        failed: list[str] = []
        summary, restarts, disk = await asyncio.gather(
            _had(failed, "what is in memory", self._resources()),
            _had(failed, "the event log", self._restarts()),
            _had(failed, "the disk", self._disk()),
        )
        return Figures(
            endpoints=None if summary is None else tuple(_endpoint(one, summary.queue) for one in summary.endpoints),
            restarts=restarts,
            drift=self._drift(summary, failed),
            disk=disk,
        )

    async def _restarts(self) -> dict[str, int]:
        since = self._parts.clock.now() - timedelta(seconds=self._parts.settings.alerts.crash_loop_s)
        return Counter(role for role, _ in await self._parts.store.agent_restarts(since))

    async def _disk(self) -> DiskFigures:
        home = self._parts.settings.home_dir
        return DiskFigures(str(home), await asyncio.to_thread(free_bytes, home) / GB)

    def _drift(self, summary: ResourceSummaryReply | None, failed: Sequence[str]) -> DriftFigures:
        shown = summary.drift if summary is not None else None
        if shown is None:
            return DriftFigures(None, tuple(failed))
        age_s = shown.age_seconds
        if age_s is None:  # nothing was compared yet: as long as we have been looking
            age_s = self._parts.clock.real_s(self._parts.clock.elapsed_s(self._begun))
        return DriftFigures(age_s, (*failed, *shown.failed))


def _endpoint(info: EndpointInfo, queue: Sequence[QueuedTurn]) -> EndpointFigures:
    waiting = [turn for turn in queue if turn.endpoint == info.endpoint]
    longest = max(waiting, key=lambda turn: turn.waited_seconds, default=None)
    wait = None
    if longest is not None:
        wait = LongestWait(longest.session_id, longest.role, longest.model, longest.waited_seconds)
    return EndpointFigures(info.endpoint, info.capacity_gb, info.memory_gb, wait, info.suspect)


async def _had(failed: list[str], what: str, figure: Awaitable[T]) -> T | None:
    """Return a figure; None, with a line in `failed`, where it cannot be had."""
    try:
        async with asyncio.timeout(LOOK_S):
            return await figure
    except TimeoutError:
        failed.append(f"{what}: no answer within {LOOK_S:.0f} s")
    except (DelegatorError, RayError, OSError) as exc:
        log.warning("%s could not be looked at: %s", what, exc)
        failed.append(f"{what}: {_first_line(exc)}")
    except Exception as exc:  # a bug must not end the watching
        log.exception("looking at %s failed unexpectedly", what)
        failed.append(f"{what}: {type(exc).__name__}")
    return None


def _first_line(exc: Exception) -> str:
    return (str(exc).strip() or type(exc).__name__).splitlines()[0][:200].rstrip(".")
