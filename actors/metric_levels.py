"""How things stand, as gauges. Pure; the metrics are those of `metrics.py`.

Taken from what `resource_summary` answers, so that Prometheus shows what every other face shows. Where no Ollama
answers, what is in memory there is not known, and has no gauge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from actors import metrics as m
from actors.metrics import Metric, Sample
from delegator.schemas import ResourceSummaryReply
from delegator.settings import GB
from delegator.store.records import SessionRecord


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything at one moment.

    Attributes:
        sessions: the open ones.
        leases: sessions that hold an agent, by the role of every running one.
        resources: None where it could not be asked.
        disk_free_bytes: None where it is not known.
    """

    version: str
    simulated: bool
    scale: float
    sessions: Sequence[SessionRecord]
    leases: Mapping[str, int]
    resources: ResourceSummaryReply | None
    disk_free_bytes: int | None


def levels_of(standing: Standing) -> list[Sample]:
    """Return the gauges."""
    return [*_system(standing), *_sessions(standing), *_agents(standing), *_resources(standing.resources)]


def _level(metric: Metric, value: float, *labels: str) -> Sample:
    return Sample(metric, float(value), metric.with_labels(*labels))


def _system(standing: Standing) -> Iterator[Sample]:
    yield _level(m.INFO, 1, standing.version, "simulated" if standing.simulated else "ollama")
    yield _level(m.TIME_SCALE, standing.scale)
    if standing.disk_free_bytes is not None:
        yield _level(m.DISK_FREE, standing.disk_free_bytes)


def _sessions(standing: Standing) -> Iterator[Sample]:
    counted = Counter((record.status.value, record.task_category.value) for record in standing.sessions)
    for (status, category), count in counted.items():
        yield _level(m.SESSIONS_OPEN, count, status, category)


def _agents(standing: Standing) -> Iterator[Sample]:
    for role, sessions in standing.leases.items():
        yield _level(m.AGENTS_RUNNING, 1, role)
        yield _level(m.AGENT_LEASES, sessions, role)


def _resources(summary: ResourceSummaryReply | None) -> Iterator[Sample]:
    if summary is None:
        return
    yield _level(m.ALL_ROLES, round(summary.all_roles_memory_gb * GB))
    yield _level(m.ALERTS_ACTIVE, summary.alerts)
    if summary.drift is not None and summary.drift.age_seconds is not None:
        yield _level(m.DRIFT_AGE, summary.drift.age_seconds)
    name_of = {endpoint.url: endpoint.endpoint for endpoint in summary.endpoints}
    for model in summary.models:
        yield _level(
            m.MODEL_RESIDENT, round(model.memory_gb * GB), name_of.get(model.endpoint, model.endpoint), model.model
        )
    yield from _endpoints(summary)


def _endpoints(summary: ResourceSummaryReply) -> Iterator[Sample]:
    for endpoint in summary.endpoints:
        name = endpoint.endpoint
        waits = [turn.waited_seconds for turn in summary.queue if turn.endpoint == name]
        yield _level(m.CAPACITY, round(endpoint.capacity_gb * GB), name)
        yield _level(m.PLANNED, round(endpoint.planned_gb * GB), name)
        yield _level(m.TURNS_RUNNING, endpoint.turns_running, name)
        yield _level(m.QUEUE_TURNS, endpoint.turns_waiting, name)
        yield _level(m.QUEUE_OLDEST, max(waits, default=0.0), name)
        yield _level(m.SUSPECT, endpoint.suspect is not None, name)
