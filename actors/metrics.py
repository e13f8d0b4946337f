"""The figures that Prometheus is given: their names, kinds, labels and help texts, each once.

Owns the vocabulary. What an event adds to them is `metric_counts.py`, how things stand is `metric_levels.py`, and how
they reach Ray is `metering.py`. Ray writes `ray_` before every name and labels of its own beside ours.

Labels take few values each: roles, models, endpoints, categories, states and codes, never an id or a text. Seconds
are the models' own: with simulated models `delegator_model_seconds_per_second` is not 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

PREFIX = "ray_"
"""What Ray writes before the name of every metric."""


class Kind(Enum):
    """What a metric does."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `buckets`: upper bounds, for a histogram."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: Kind = Kind.COUNTER
    buckets: tuple[float, ...] = ()

    def with_labels(self, *values: str) -> tuple[tuple[str, str], ...]:
        """Return labels with their values, in the order of `labels`."""
        return tuple(zip(self.labels, values, strict=True))


Labels = tuple[tuple[str, str], ...]
"""((label, value), ...): hashable."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A value for one metric: what is added to a counter, observed by a histogram, or stands on a gauge."""

    metric: Metric
    value: float
    labels: Labels = ()


TURN_BUCKETS = (0.25, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 1800.0)
"""Seconds. An answer of 512 tokens takes a 7B model on a graphics card 5 to 10, a 33B on processors alone 200 to 500; a
wait is nothing where the model is resident and a load of 20 GB from a slow disk otherwise; a turn may take 1800."""


def _gauge(name: str, help_: str, *labels: str) -> Metric:
    return Metric(f"delegator_{name}", help_, labels, Kind.GAUGE)


def _counter(name: str, help_: str, *labels: str) -> Metric:
    return Metric(f"delegator_{name}_total", help_, labels)


def _of_a_turn(name: str, help_: str) -> Metric:
    return Metric(f"delegator_turn_{name}_duration_seconds", help_, ("model",), Kind.HISTOGRAM, TURN_BUCKETS)


# ── how things stand ──────────────────────────────────────────────────────────────────────────────────────────────

INFO = _gauge(
    "info", "1; the labels say which version runs, and whether models are simulated or real.", "version", "models"
)
TIME_SCALE = _gauge(
    "model_seconds_per_second",
    "Seconds of the models' world in one real second: 1 with real models. All other seconds here are the models'.",
)
SESSIONS_OPEN = _gauge("sessions_open", "Sessions that are open.", "status", "category")
AGENTS_RUNNING = _gauge("agents_running", "Running agents.", "role")
AGENT_LEASES = _gauge("agent_leases", "Sessions that hold an agent.", "role")
MODEL_RESIDENT = _gauge("model_resident_bytes", "Memory a resident model takes, measured.", "endpoint", "model")
PLANNED = _gauge(
    "planned_bytes", "Memory reserved for models, those that are just coming or going included.", "endpoint"
)
CAPACITY = _gauge("capacity_bytes", "Memory an endpoint has for models.", "endpoint")
ALL_ROLES = _gauge("all_roles_bytes", "Memory the models of all roles would take, each once.")
TURNS_RUNNING = _gauge("turns_running", "Turns that speak now.", "endpoint")
QUEUE_TURNS = _gauge("queue_turns", "Turns that wait for their model or for a place on it.", "endpoint")
QUEUE_OLDEST = _gauge("queue_oldest_wait_seconds", "Model seconds the turn that waits longest has waited.", "endpoint")
SUSPECT = _gauge(
    "endpoint_suspect", "1 while an Ollama is passed over because it may be stuck, otherwise 0.", "endpoint"
)
DRIFT_AGE = _gauge("drift_age_seconds", "Real seconds since what is shown was compared with Ollama and Ray.")
ALERTS_ACTIVE = _gauge("alerts_active", "Alerts that are raised now.")
DISK_FREE = _gauge("disk_free_bytes", "Room left on the disk of the home folder.")

# ── what has happened ─────────────────────────────────────────────────────────────────────────────────────────────

SESSIONS_CREATED = _counter("sessions_created", "Sessions that were given a team.", "category")
SESSIONS_ENDED = _counter(
    "sessions_ended", "Sessions that ended, by their last status and how that came: ended, timed_out, failed.",
    "status", "reason",
)  # fmt: skip
TASKS_ENDED = _counter("tasks_ended", "Tasks and messages that ended.", "status")
TURNS = _counter("turns", "Turns that were taken to their end.", "role")
TURN_RETRIES = _counter("turn_retries", "Attempts at a turn that failed and were made again.", "role")
WAITING = _counter(
    "turn_waiting_seconds", "Model seconds lost: turns waiting for their models, loads included.", "role"
)
SPEAKING = _counter("turn_speaking_seconds", "Model seconds turns took once they could begin.", "role")
TOKENS = _counter("tokens", "Tokens of finished turns: prompt (read) and reply (written).", "role", "kind")
AGENT_RESTARTS = _counter("agent_restarts", "Times an agent was lost and started again.", "role")
MODEL_LOADS = _counter("model_loads", "Loads of a model into memory.", "endpoint", "model")
LOAD_SECONDS = _counter("model_load_seconds", "Model seconds loads took.", "endpoint", "model")
SWAPS = _counter("model_swaps", "Models that had to leave memory to make room for another.", "endpoint", "model")
PREFETCHES = _counter("prefetches", "Models of next speakers that were brought in ahead of their turn.", "endpoint")
PREFETCH_HITS = _counter("prefetch_hits", "Those of them that were there when the turn came.", "endpoint")
DRIFT_FOUND = _counter("drift_found", "Times reality differed from what was believed, by what differed.", "what")
ORPHANS = _counter("orphans_removed", "Agents, models and reservations without an owner that were removed.", "what")
ALERTS_RAISED = _counter("alerts_raised", "Alerts that were raised.", "rule")
ERRORS = _counter(
    "errors", "Errors by code, and by what they ended: a call, an attempt at a turn, a task, a session.",
    "code", "where",
)  # fmt: skip

TURN_WAITING = _of_a_turn("waiting", "Model seconds from asking for the model to the turn's beginning.")
TURN_SPEAKING = _of_a_turn("speaking", "Model seconds from a turn's beginning to its last word.")
TURN_TOTAL = _of_a_turn("total", "Model seconds from asking for the model to a turn's last word.")

METRICS = {value.name: value for value in list(globals().values()) if isinstance(value, Metric)}
"""Every metric by its name."""


def exposed_names(metric: Metric) -> tuple[str, ...]:
    """Return the names under which Prometheus finds a metric."""
    name = PREFIX + metric.name
    return tuple(f"{name}_{part}" for part in ("bucket", "count", "sum")) if metric.kind is Kind.HISTOGRAM else (name,)
