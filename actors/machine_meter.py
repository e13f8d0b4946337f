"""Measures the load of the machine that this process runs on: its processors, and graphics processors that tell."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from actors.gpus import Gpu, gpus

SPAN_S = 1.0
"""Real seconds between two looks at the least: over less, a processor is either busy or idle."""

GPU_EVERY_S = 5.0
"""Real seconds between two questions to the drivers, whose programs are no light work."""


@dataclass(frozen=True, slots=True)
class MachineView:
    """The load of one machine.

    Attributes:
        node: its name, as agents say theirs.
        processors: how many it has.
        busy_ratio: share of all its processors that was busy between the latest two looks; None after only one.
        gpus: its graphics processors; empty where no driver tells of any.
    """

    node: str
    processors: int
    busy_ratio: float | None
    gpus: tuple[Gpu, ...] = ()


class MachineMeter:
    """Looks when it is asked; never waits."""

    def __init__(
        self,
        *,
        times: Callable[[], tuple[float, float]] | None = None,
        gpus_of: Callable[[], Sequence[Gpu]] = gpus,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to measure.

        Args:
            times: gives (busy, all) seconds of all processors since some moment; default those of this machine.
            gpus_of: asks the drivers; called in a thread.
            now: real seconds of a clock that is never set back.
        """
        self._times = times or processor_times
        self._gpus_of = gpus_of
        self._now = now
        self._at, self._before = now(), self._times()
        self._busy_ratio: float | None = None
        self._gpus: tuple[Gpu, ...] = ()
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    def look(self) -> MachineView:
        """Return the latest figures; those of the graphics processors are some seconds old."""
        at = self._now()
        if at - self._at >= SPAN_S:
            before, self._before, self._at = self._before, self._times(), at
            busy, total = (new - old for new, old in zip(self._before, before, strict=True))
            self._busy_ratio = min(1.0, max(0.0, busy / total)) if total > 0 else self._busy_ratio
        if self._asking is None and (self._asked_at is None or at - self._asked_at >= GPU_EVERY_S):
            self._asking = asyncio.create_task(self._ask_drivers())
        return MachineView(os.uname().nodename, psutil.cpu_count() or 1, self._busy_ratio, self._gpus)

    async def _ask_drivers(self) -> None:
        try:
            self._gpus = tuple(await asyncio.to_thread(self._gpus_of))
        finally:
            self._asked_at, self._asking = self._now(), None


def processor_times() -> tuple[float, float]:
    """Return the (busy, all) seconds of this machine's processors since it was started."""
    times = psutil.cpu_times()
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted as user and nice already
    total = sum(times) - guests
    return total - times.idle - getattr(times, "iowait", 0.0), total
