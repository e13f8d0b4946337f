"""The figures for Prometheus: how they are named, what events add to them, and how things stand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest

from actors import metering
from actors import metrics as m
from actors.metering import CallErrors, RayMeters
from actors.metric_counts import counts_of, zeros
from actors.metric_levels import Standing, levels_of
from actors.metrics import METRICS, Kind, Sample
from delegator import schemas as s
from delegator.errors import ModelLoadFailed, StoreUnavailable, TaskNotFound, TooManySessions, Unavailable
from delegator.roles.catalogue import load_catalogue
from delegator.settings import GB
from delegator.store.records import NewEvent
from delegator.store.store import Store
from tests.actors.conftest import until
from tests.actors.manager_on_fakes import ManagerOnFakes

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SESSION = "session_20260102_120000_00001"
MODEL = "deepseek-coder:6.7b"


def event(
    kind: s.EventKind, *, role: str | None = None, model: str | None = None, by: str | None = None, **data: Any
) -> s.Event:
    return s.Event(event_id=1, at=NOON, kind=kind, session_id=SESSION, role=role, model=model, data=data, by=by)


def counted(one: s.Event) -> dict[tuple[str, ...], float]:
    """Return what an event adds: `{(metric, label value, ...): value}`."""
    return {(sample.metric.name, *(value for _, value in sample.labels)): sample.value for sample in counts_of(one)}


def levels(standing: Standing) -> dict[tuple[str, ...], float]:
    return {(level.metric.name, *(value for _, value in level.labels)): level.value for level in levels_of(standing)}


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_metric_is_named_by_the_conventions(metric: m.Metric) -> None:
    assert re.fullmatch(r"delegator(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert not re.search(r"_(gb|ms|minutes|ratio|percent)(_|$)", metric.name)  # base units: bytes and seconds
    assert metric.help.endswith(".")
    assert all(re.fullmatch(r"[a-z]+", label) for label in metric.labels)


def test_no_label_takes_ids_or_texts() -> None:
    allowed = {"role", "model", "endpoint", "category", "status", "code", "where", "reason", "rule", "what", "kind"}

    assert {label for metric in METRICS.values() for label in metric.labels} == allowed | {"version", "models"}


def test_no_family_of_openmetrics_is_taken_twice() -> None:
    families = [name.removesuffix("_total") for name in METRICS]

    assert len(families) == len(set(families))


def test_the_buckets_hold_apart_a_small_model_on_a_card_and_a_large_one_on_processors() -> None:
    buckets = m.TURN_BUCKETS

    assert list(buckets) == sorted(set(buckets))
    assert sum(bound < 10 for bound in buckets) >= 4
    assert sum(200 < bound <= 600 for bound in buckets) >= 2
    assert buckets[-1] == 1800


# ── what events add ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_finished_turn_counts_tokens_seconds_and_its_latency() -> None:
    done = event(
        s.EventKind.TURN_COMPLETED, role="cto", model="llama3.1:8b",
        prompt_tokens=300, reply_tokens=40, seconds=8.0, waited_s=2.5,
    )  # fmt: skip

    assert counted(done) == {
        ("delegator_turns_total", "cto"): 1,
        ("delegator_tokens_total", "cto", "prompt"): 300,
        ("delegator_tokens_total", "cto", "reply"): 40,
        ("delegator_turn_speaking_seconds_total", "cto"): 8.0,
        ("delegator_turn_waiting_duration_seconds", "llama3.1:8b"): 2.5,
        ("delegator_turn_speaking_duration_seconds", "llama3.1:8b"): 8.0,
        ("delegator_turn_total_duration_seconds", "llama3.1:8b"): 10.5,
    }


def test_a_turn_that_waits_for_nothing_is_in_the_histogram_and_adds_no_seconds() -> None:
    assert counted(event(s.EventKind.TURN_STARTED, role="cto", waited_s=0.0)) == {}

    done = counted(event(s.EventKind.TURN_COMPLETED, role="cto", model="m", seconds=1.0, waited_s=0.0))

    assert done["delegator_turn_waiting_duration_seconds", "m"] == 0.0


def test_a_load_counts_with_its_seconds_and_with_what_had_to_leave() -> None:
    load = event(
        s.EventKind.MODEL_LOADED, model="a", endpoint="ollama", load_s=4.5, was_there=False, evicted=["b", "c"]
    )

    assert counted(load) == {
        ("delegator_model_loads_total", "ollama", "a"): 1,
        ("delegator_model_load_seconds_total", "ollama", "a"): 4.5,
        ("delegator_model_swaps_total", "ollama", "b"): 1,
        ("delegator_model_swaps_total", "ollama", "c"): 1,
    }


def test_a_model_that_was_there_already_is_no_load() -> None:
    assert counted(event(s.EventKind.MODEL_LOADED, model="a", endpoint="o", load_s=0.0, was_there=True)) == {}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (s.EventKind.SESSION_ENDED, {("delegator_sessions_ended_total", "completed", "ended"): 1}),
        (s.EventKind.SESSION_TIMED_OUT, {("delegator_sessions_ended_total", "completed", "timed_out"): 1}),
        (
            s.EventKind.SESSION_FAILED,
            {
                ("delegator_sessions_ended_total", "failed", "failed"): 1,
                ("delegator_errors_total", "no_capacity", "session"): 1,
            },
        ),
        (s.EventKind.TASK_CANCELLED, {("delegator_tasks_ended_total", "cancelled"): 1}),
        (
            s.EventKind.TASK_FAILED,
            {("delegator_tasks_ended_total", "failed"): 1, ("delegator_errors_total", "no_capacity", "task"): 1},
        ),
    ],
)
def test_ends_count_by_how_they_came(kind: s.EventKind, expected: dict[tuple[str, ...], float]) -> None:
    assert counted(event(kind, code="no_capacity")) == expected


def test_a_failed_attempt_counts_as_a_retry_and_as_an_error() -> None:
    assert counted(event(s.EventKind.TURN_RETRIED, role="cto", code="reply_broken")) == {
        ("delegator_turn_retries_total", "cto"): 1,
        ("delegator_errors_total", "reply_broken", "turn"): 1,
    }


def test_an_agent_that_somebody_restarted_is_not_counted_as_lost() -> None:
    assert counted(event(s.EventKind.AGENT_RESTARTED, role="cto", by="cli")) == {}
    assert counted(event(s.EventKind.AGENT_RESTARTED, role="cto")) == {("delegator_agent_restarts_total", "cto"): 1}


def test_an_event_of_an_older_version_lacks_facts_and_is_counted_all_the_same() -> None:
    assert counted(event(s.EventKind.SESSION_CREATED, team=["cto"])) == {
        ("delegator_sessions_created_total", "unknown"): 1
    }
    assert ("delegator_turns_total", "cto") in counted(event(s.EventKind.TURN_COMPLETED, role="cto"))


@pytest.mark.parametrize("kind", s.EventKind)
def test_every_kind_of_event_can_be_counted(kind: s.EventKind) -> None:
    for sample in counts_of(event(kind)):
        assert [name for name, _ in sample.labels] == list(sample.metric.labels)


def test_what_is_known_beforehand_begins_at_nought() -> None:
    begun = {(metric.name, labels) for metric, labels in zeros(load_catalogue("echo"), ["ollama"])}

    assert ("delegator_agent_restarts_total", (("role", "ceo"),)) in begun
    assert ("delegator_sessions_ended_total", (("status", "failed"), ("reason", "failed"))) in begun
    assert {name for name, _ in begun} == {name for name, metric in METRICS.items() if metric.kind is Kind.COUNTER}


# ── how things stand ──────────────────────────────────────────────────────────────────────────────────────────────


def summary(**changes: Any) -> s.ResourceSummaryReply:
    url = "http://127.0.0.1:11434"
    resident = s.ResidentModel(
        model="llama3.1:8b", endpoint=url, memory_gb=6.123456789, gpu_gb=0, held_by=[SESSION], foreign=False,
        busy=False, loaded_at=NOON,
    )  # fmt: skip
    endpoint = s.EndpointInfo(
        endpoint="ollama", url=url, capacity_gb=60, memory_gb=6.1, planned_gb=14.5, models=1, turns_running=1,
        turns_waiting=2, suspect=None,
    )  # fmt: skip
    waiting = [
        s.QueuedTurn(session_id=SESSION, model="m", endpoint="ollama", position=1, waited_seconds=w, eta_seconds=None)
        for w in (4.0, 31.0)
    ]
    facts: dict[str, Any] = {
        "active_agents": 1, "total_memory_gb": 6.1, "planned_gb": 14.5, "cpu_load": "low", "active_sessions": 1,
        "capacity_gb": 60,
        "all_roles_memory_gb": 110, "memory_saved_ratio": 0.9, "models": [resident], "turns_running": 1,
        "turns_waiting": 2, "simulated": True, "endpoints": [endpoint], "queue": waiting,
        "drift": s.Drift(compared_at=NOON, age_seconds=1.5, differences=[]), "alerts": 2,
    }  # fmt: skip
    return s.ResourceSummaryReply(**{**facts, **changes})


def standing(**changes: Any) -> Standing:
    facts: dict[str, Any] = {
        "version": "1.2.3", "simulated": True, "scale": 10.0, "sessions": [], "leases": {"cto": 2},
        "resources": summary(), "disk_free_bytes": 5 * GB,
    }  # fmt: skip
    return Standing(**{**facts, **changes})


def test_gauges_show_what_the_summary_says_in_bytes_by_the_endpoints_names() -> None:
    shown = levels(standing())

    assert shown["delegator_model_resident_bytes", "ollama", "llama3.1:8b"] == 6_123_456_789
    assert shown["delegator_planned_bytes", "ollama"] == 14.5 * GB
    assert shown["delegator_capacity_bytes", "ollama"] == 60 * GB
    assert shown["delegator_queue_turns", "ollama"] == 2
    assert shown["delegator_queue_oldest_wait_seconds", "ollama"] == 31.0
    assert shown["delegator_agent_leases", "cto"] == 2
    assert shown["delegator_drift_age_seconds",] == 1.5
    assert shown["delegator_alerts_active",] == 2
    assert shown["delegator_endpoint_suspect", "ollama"] == 0


def test_simulated_models_are_called_so() -> None:
    simulated, real = levels(standing()), levels(standing(simulated=False, scale=1.0))

    assert simulated["delegator_info", "1.2.3", "simulated"] == 1
    assert simulated["delegator_model_seconds_per_second",] == 10.0
    assert real["delegator_info", "1.2.3", "ollama"] == 1
    assert real["delegator_model_seconds_per_second",] == 1.0


def test_what_is_not_known_has_no_gauge() -> None:
    shown = levels(standing(resources=None, disk_free_bytes=None))

    assert {name for name, *_ in shown} == {
        "delegator_info", "delegator_model_seconds_per_second", "delegator_agents_running", "delegator_agent_leases",
    }  # fmt: skip
    never_compared = summary(drift=s.Drift(compared_at=None, age_seconds=None, differences=[]))
    assert ("delegator_drift_age_seconds",) not in levels(standing(resources=never_compared))


async def test_open_sessions_are_counted_by_status_and_category() -> None:
    manager = ManagerOnFakes()
    await manager.created()
    await manager.create_session(s.CreateSessionRequest(task_description="Fix another typo", wait_s=5))

    shown = levels(standing(sessions=[session.record for session in manager._book.sessions()]))

    assert shown["delegator_sessions_open", "active", "quick_fix"] == 2


# ── on their way to Ray ───────────────────────────────────────────────────────────────────────────────────────────


class Meter:
    """Keeps what would go to Ray, whose own cannot be read back without its exporter."""

    def __init__(self, name: str, _help: str, *rest: Any) -> None:
        self.labels = rest[-1]
        self.values: dict[tuple[tuple[str, str], ...], list[float]] = {}

    def set(self, value: float, tags: dict[str, str]) -> None:
        assert tuple(tags) == self.labels
        self.values.setdefault(tuple(tags.items()), []).append(value)

    inc = observe = set

    def _record(self, value: float, tags: dict[str, str]) -> None:
        self.set(value, tags)


@pytest.fixture
def meters(monkeypatch: pytest.MonkeyPatch) -> RayMeters:
    kinds = SimpleNamespace(Counter=Meter, Gauge=Meter, Histogram=Meter)
    monkeypatch.setattr(metering, "ray_metrics", kinds)
    return RayMeters()


def given(meters: RayMeters, metric: m.Metric, *labels: str) -> list[float]:
    values: dict[Any, list[float]] = meters._made[metric.name].values
    return values[metric.with_labels(*labels)]


def test_a_model_that_left_goes_to_nought_once_and_is_not_set_again(meters: RayMeters) -> None:
    for models in (("a", "b"), ("a",), ("a",)):
        meters.stand(Sample(m.MODEL_RESIDENT, 5.0, m.MODEL_RESIDENT.with_labels("o", model)) for model in models)

    assert given(meters, m.MODEL_RESIDENT, "o", "a") == [5.0, 5.0, 5.0]
    assert given(meters, m.MODEL_RESIDENT, "o", "b") == [5.0, 0.0]


def test_errors_are_counted_by_code_wherever_they_were_raised(meters: RayMeters) -> None:
    errors = CallErrors()
    crossed = Exception("a traceback from afar")
    crossed.cause = TaskNotFound("task_1")  # type: ignore[attr-defined]
    for exc in (TooManySessions(3), crossed, ValueError("a bug")):
        errors.count(exc)

    codes = {labels[0][1] for labels in errors._meters._made[m.ERRORS.name].values}
    assert codes == {"too_many_sessions", "task_not_found", "internal_error"}


# ── from the event log ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = Store(database_url)
    await store.open()
    yield store
    await store.close()


async def test_what_has_become_durable_is_counted_once_and_not_what_was_there_before(
    meters: RayMeters, store: Store
) -> None:
    before = NewEvent(s.EventKind.TASK_COMPLETED, NOON)
    await store.append_events([before])
    manager = ManagerOnFakes(database=store)
    manager._metering._meters = meters
    await manager._metering.look()

    session = await manager.created()
    await manager.delegate(session)
    await until(lambda: not session.tasks)
    await store.append_events([before])  # delivered twice
    for _ in range(2):
        await manager._metering.look()

    assert given(meters, m.TASKS_ENDED, "completed") == [0.0, 1.0]
    assert given(meters, m.SESSIONS_CREATED, "quick_fix") == [0.0, 1.0]
    assert given(meters, m.TURN_TOTAL, MODEL) == [1.0]
    assert given(meters, m.SESSIONS_OPEN, "active", "quick_fix") == [1.0, 1.0]


async def test_a_session_that_cannot_be_opened_is_counted_by_its_error(meters: RayMeters, store: Store) -> None:
    manager = ManagerOnFakes(database=store)
    manager._metering._meters = meters
    await manager._metering.look()
    manager.host.failures["warm"] = [ModelLoadFailed("http://fake", MODEL, "it is broken")] * 9

    with pytest.raises(ModelLoadFailed):
        await manager.created()
    await manager._metering.look()

    assert given(meters, m.SESSIONS_ENDED, "failed", "failed") == [0.0, 1.0]
    assert given(meters, m.ERRORS, "model_load_failed", "session") == [1.0]


async def test_the_gauges_stand_though_the_store_is_away(meters: RayMeters) -> None:
    manager = ManagerOnFakes()
    manager._metering._meters = meters
    manager.store.down = True

    with pytest.raises(StoreUnavailable):
        await manager._metering.look()

    assert given(meters, m.INFO, version("delegator"), "simulated") == [1.0]


async def test_nothing_is_said_of_memory_while_no_ollama_answers(meters: RayMeters, store: Store) -> None:
    manager = ManagerOnFakes(database=store)
    manager._metering._meters = meters
    await manager._metering.look()
    manager.host.failures["view"] = [Unavailable("it is away")] * 9

    await manager._metering.look()

    assert given(meters, m.CAPACITY, "fake") == [60 * GB, 0.0]
    assert given(meters, m.INFO, version("delegator"), "simulated") == [1.0, 1.0]
