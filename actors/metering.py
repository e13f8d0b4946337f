"""Hands the figures of Delegator to Ray, which gives them to Prometheus.

Every few seconds the events that have become durable since the last look are counted, and the gauges are set anew. So
nothing of it lies in the way of a turn, an event that is delivered twice counts once, and no part that writes events
has to think of counting. Which figures there are is `metrics.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ray.exceptions import RayError
from ray.util import metrics as ray_metrics

from actors import metrics as m
from actors.disk_room import free_bytes
from actors.metric_counts import counts_of, zeros
from actors.metric_levels import Standing, levels_of
from actors.metrics import Kind, Labels, Metric, Sample
from actors.parts import OpenSession, Parts
from delegator.errors import DelegatorError, InternalError
from delegator.schemas import ResourceSummaryReply as Summary

log = logging.getLogger(__name__)

EVERY_S = 5.0
"""Real seconds between two looks; Ray hands its figures on every 10, and drops a gauge that is not set for 20."""

BATCH = 1000
"""Events read at one time."""


class RayMeters:
    """The metrics of this process, as Ray has them."""

    def __init__(self) -> None:
        """Announce nothing yet: a metric is announced with its first value."""
        self._made: dict[str, Any] = {}
        self._standing: set[tuple[str, Labels]] = set()
        """The gauges that were set last."""

    def add(self, sample: Sample) -> None:
        """Add to a counter, or let a histogram observe."""
        meter = self._meter(sample.metric)
        record = meter.observe if sample.metric.kind is Kind.HISTOGRAM else meter.inc
        record(sample.value, dict(sample.labels))

    def begin(self, metric: Metric, labels: Labels) -> None:
        """Show a counter that has counted nothing yet, for which Ray has no public way: its `inc` refuses 0."""
        self._meter(metric)._record(0.0, dict(labels))

    def stand(self, levels: Iterable[Sample]) -> None:
        """Set all gauges; one that stood before and is not among them goes to 0 once, and then vanishes."""
        standing = set()
        for level in levels:
            self._meter(level.metric).set(level.value, dict(level.labels))
            standing.add((level.metric.name, level.labels))
        for name, labels in self._standing - standing:
            self._made[name].set(0.0, dict(labels))
        self._standing = standing

    def _meter(self, metric: Metric) -> Any:
        if metric.name not in self._made:
            self._made[metric.name] = _make(metric)
        return self._made[metric.name]


def _make(metric: Metric) -> Any:
    if metric.kind is Kind.HISTOGRAM:
        return ray_metrics.Histogram(metric.name, metric.help, list(metric.buckets), metric.labels)
    make = ray_metrics.Counter if metric.kind is Kind.COUNTER else ray_metrics.Gauge
    return make(metric.name, metric.help, metric.labels)


class Metering:
    """One loop in the `SessionManager`."""

    def __init__(
        self, parts: Parts, sessions: Callable[[], Iterable[OpenSession]], summary: Callable[[], Awaitable[Summary]]
    ) -> None:
        """Look at these parts, at the open `sessions` and at what `resource_summary` answers; changes nothing."""
        self._parts = parts
        self._sessions = sessions
        self._summary = summary
        self._meters = RayMeters()
        self._counted: int | None = None
        """Id of the last event that is counted; None before the first look."""

    async def run_forever(self) -> None:
        """Look every `EVERY_S`. Figures are missed rather than anything be held up by them."""
        while True:
            try:
                await self.look()
            except (DelegatorError, RayError) as exc:
                log.warning("the metrics were not brought up to date: %s", exc)
            except Exception:
                log.exception("the metrics failed unexpectedly")
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Count what has happened since the last look, and show how things stand.

        Raises:
            StoreUnavailable: what has happened is counted later.
        """
        try:
            await self._count_new()
        finally:
            self._meters.stand(levels_of(await self._stands()))

    async def _count_new(self) -> None:
        if self._counted is None:
            self._counted = await self._parts.store.last_event_id()
            endpoints = [host.endpoint_id for host in self._parts.hosts.all()]
            for metric, labels in zeros(self._parts.catalogue, endpoints):
                self._meters.begin(metric, labels)
        await self._count(self._counted)

    async def _count(self, after: int) -> None:
        """Count the events with larger ids than `after`."""
        while True:
            events = await self._parts.store.events_after(after, None, BATCH)
            for event in events:
                for sample in counts_of(event):
                    self._meters.add(sample)
                after = self._counted = event.event_id
            if len(events) < BATCH:
                return

    async def _stands(self) -> Standing:
        parts = self._parts
        try:
            resources = await self._summary()
        except (DelegatorError, RayError):  # no Ollama answers: that is not known then
            resources = None
        return Standing(
            version=version("delegator"),
            simulated=parts.simulated,
            scale=parts.clock.scale,
            sessions=[session.record for session in self._sessions()],
            leases={agent.role: len(agent.sessions) for agent in parts.pool.live()},
            resources=resources,
            disk_free_bytes=await asyncio.to_thread(_disk_free, parts.settings.home_dir),
        )


def _disk_free(folder: Path) -> int | None:
    try:
        return free_bytes(folder)
    except OSError:
        return None


class CallErrors:
    """Counts the errors that callers were told, in whatever process answers them."""

    def __init__(self) -> None:
        """Count from 0."""
        self._meters = RayMeters()

    def count(self, exc: Exception) -> None:
        """Count one, whether it was raised here or has crossed an actor."""
        told = exc if isinstance(exc, DelegatorError) else getattr(exc, "cause", None)
        code = told.code if isinstance(told, DelegatorError) else InternalError.code
        self._meters.add(Sample(m.ERRORS, 1.0, m.ERRORS.with_labels(code, "call")))
