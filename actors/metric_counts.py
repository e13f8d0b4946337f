"""What one event of the log adds to the counters and histograms. Pure; the metrics are those of `metrics.py`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, get_args

from actors import metrics as m
from actors.metrics import Kind, Labels, Metric, Sample
from delegator.errors import InternalError
from delegator.roles.catalogue import Catalogue
from delegator.schemas import AlertRule, Event, EventKind, SessionStatus, TaskCategory, TaskStatus

UNKNOWN = "unknown"
"""Stands where an event of an older version does not say."""

_ENDED = {
    EventKind.SESSION_ENDED: (SessionStatus.COMPLETED, "ended"),
    EventKind.SESSION_TIMED_OUT: (SessionStatus.COMPLETED, "timed_out"),
    EventKind.SESSION_FAILED: (SessionStatus.FAILED, "failed"),
}
_TASKS = {
    EventKind.TASK_COMPLETED: TaskStatus.COMPLETED,
    EventKind.TASK_FAILED: TaskStatus.FAILED,
    EventKind.TASK_CANCELLED: TaskStatus.CANCELLED,
}

TOKEN_KINDS = ("prompt", "reply")
_KNOWN: tuple[tuple[Metric, tuple[str, ...]], ...] = (
    *((m.SESSIONS_ENDED, (status.value, reason)) for status, reason in _ENDED.values()),
    *((m.SESSIONS_CREATED, (category.value,)) for category in TaskCategory),
    *((m.TASKS_ENDED, (status.value,)) for status in _TASKS.values()),
    *((m.ALERTS_RAISED, (rule,)) for rule in get_args(AlertRule)),
    *((m.DRIFT_FOUND, (what,)) for what in ("num_ctx", "keep_alive", "unload_ignored", "model_lost")),
    *((m.ORPHANS, (what,)) for what in ("agent", "model", "reservation")),
    *((m.ERRORS, (InternalError.code, where)) for where in ("call", "turn", "task", "session")),
)
"""Label values that are the same for every Delegator."""


def counts_of(event: Event) -> list[Sample]:
    """Return what an event adds; nothing for most kinds."""
    counting = _COUNTING.get(event.kind)
    found = counting(event) if counting is not None else ()
    return [sample for sample in found if sample.value > 0 or sample.metric.kind is Kind.HISTOGRAM]


def zeros(catalogue: Catalogue, endpoints: Collection[str]) -> Iterator[tuple[Metric, Labels]]:
    """Return the counters with label values that are known beforehand.

    They begin at 0 in sight of Prometheus, which sees no increase in a counter that appears with its first one.
    """
    for metric, values in _KNOWN:
        yield metric, metric.with_labels(*values)
    for role in catalogue.roles:
        for metric in (m.TURNS, m.TURN_RETRIES, m.WAITING, m.SPEAKING, m.AGENT_RESTARTS):
            yield metric, metric.with_labels(role)
        for kind in TOKEN_KINDS:
            yield m.TOKENS, m.TOKENS.with_labels(role, kind)
    for endpoint in endpoints:
        for metric in (m.PREFETCHES, m.PREFETCH_HITS):
            yield metric, metric.with_labels(endpoint)
        for model in catalogue.models:
            for metric in (m.MODEL_LOADS, m.LOAD_SECONDS, m.SWAPS):
                yield metric, metric.with_labels(endpoint, model)


def _one(metric: Metric, *values: str) -> Sample:
    return Sample(metric, 1.0, metric.with_labels(*values))


def _amount(metric: Metric, value: object, *values: str) -> Sample:
    return Sample(metric, float(value) if isinstance(value, int | float) else 0.0, metric.with_labels(*values))


def _word(data: Mapping[str, Any], name: str) -> str:
    return str(data.get(name) or UNKNOWN)


def _session_created(event: Event) -> Iterator[Sample]:
    yield _one(m.SESSIONS_CREATED, _word(event.data, "task_category"))


def _session_ended(event: Event) -> Iterator[Sample]:
    status, reason = _ENDED[event.kind]
    yield _one(m.SESSIONS_ENDED, status.value, reason)
    if status is SessionStatus.FAILED:
        yield _one(m.ERRORS, _word(event.data, "code"), "session")


def _task_ended(event: Event) -> Iterator[Sample]:
    status = _TASKS[event.kind]
    yield _one(m.TASKS_ENDED, status.value)
    if status is TaskStatus.FAILED:
        yield _one(m.ERRORS, _word(event.data, "code"), "task")


def _turn_started(event: Event) -> Iterator[Sample]:
    yield _amount(m.WAITING, event.data.get("waited_s"), event.role or UNKNOWN)


def _turn_completed(event: Event) -> Iterator[Sample]:
    role, model, data = event.role or UNKNOWN, event.model or UNKNOWN, event.data
    yield _one(m.TURNS, role)
    yield _amount(m.SPEAKING, data.get("seconds"), role)
    for kind in TOKEN_KINDS:
        yield _amount(m.TOKENS, data.get(f"{kind}_tokens"), role, kind)
    waited, spoken = data.get("waited_s"), data.get("seconds")
    if isinstance(waited, int | float) and isinstance(spoken, int | float):
        for metric, seconds in ((m.TURN_WAITING, waited), (m.TURN_SPEAKING, spoken), (m.TURN_TOTAL, waited + spoken)):
            yield Sample(metric, seconds, metric.with_labels(model))


def _turn_retried(event: Event) -> Iterator[Sample]:
    yield _one(m.TURN_RETRIES, event.role or UNKNOWN)
    yield _one(m.ERRORS, _word(event.data, "code"), "turn")


def _agent_restarted(event: Event) -> Iterator[Sample]:
    if event.by is None:  # one that somebody asked for is no fault
        yield _one(m.AGENT_RESTARTS, event.role or UNKNOWN)


def _model_loaded(event: Event) -> Iterator[Sample]:
    endpoint = _word(event.data, "endpoint")
    if not event.data.get("was_there"):
        yield _one(m.MODEL_LOADS, endpoint, event.model or UNKNOWN)
        yield _amount(m.LOAD_SECONDS, event.data.get("load_s"), endpoint, event.model or UNKNOWN)
    for left in event.data.get("evicted") or ():
        yield _one(m.SWAPS, endpoint, str(left))


def _model_lost(_event: Event) -> Iterator[Sample]:
    yield _one(m.DRIFT_FOUND, "model_lost")


def _of_an_endpoint(metric: Metric) -> Callable[[Event], Iterator[Sample]]:
    return lambda event: iter((_one(metric, _word(event.data, "endpoint")),))


def _of_data(metric: Metric, name: str) -> Callable[[Event], Iterator[Sample]]:
    return lambda event: iter((_one(metric, _word(event.data, name)),))


_COUNTING: dict[EventKind, Callable[[Event], Iterator[Sample]]] = {
    EventKind.SESSION_CREATED: _session_created,
    EventKind.SESSION_ENDED: _session_ended,
    EventKind.SESSION_TIMED_OUT: _session_ended,
    EventKind.SESSION_FAILED: _session_ended,
    EventKind.TASK_COMPLETED: _task_ended,
    EventKind.TASK_FAILED: _task_ended,
    EventKind.TASK_CANCELLED: _task_ended,
    EventKind.TURN_STARTED: _turn_started,
    EventKind.TURN_COMPLETED: _turn_completed,
    EventKind.TURN_RETRIED: _turn_retried,
    EventKind.AGENT_RESTARTED: _agent_restarted,
    EventKind.MODEL_LOADED: _model_loaded,
    EventKind.MODEL_LOST: _model_lost,
    EventKind.MODEL_PREFETCHED: _of_an_endpoint(m.PREFETCHES),
    EventKind.PREFETCH_USED: _of_an_endpoint(m.PREFETCH_HITS),
    EventKind.DRIFT_FOUND: _of_data(m.DRIFT_FOUND, "what"),
    EventKind.ORPHAN_REMOVED: _of_data(m.ORPHANS, "what"),
    EventKind.ALERT_RAISED: _of_data(m.ALERTS_RAISED, "rule"),
}
