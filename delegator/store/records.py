"""What the store takes and returns: frozen records without behaviour.

Owns their fields and meaning; how they lie in tables is `tables.py`. All times are aware UTC, sizes bytes, durations
model seconds (see `delegator/clock.py`). Records are plain data, so that they travel between actors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from delegator.schemas import (
    Complexity,
    DayFigures,
    DurationShare,
    EventKind,
    HistorySort,
    MoneyFigures,
    RoleFigures,
    SessionStatus,
    TaskCategory,
    TaskStatus,
    TaskType,
)

TaskKind = Literal["team", "message"]
"""Work for the whole team, or one message to one role."""

Purpose = Literal["frame", "contribute", "conclude", "answer"]
"""What a turn is for."""

LessonKind = Literal["role_added", "role_removed", "role_unheard", "feedback"]
"""By what use has shown something about the reading of a task."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One task and its team, open or ended."""

    id: UUID
    session_id: str
    task_description: str
    task_type: TaskType
    task_category: TaskCategory
    complexity: Complexity
    active_agents: tuple[str, ...]
    """The team now; once the session has ended, the team at its end."""
    context: dict[str, Any]
    status: SessionStatus
    analysis: dict[str, Any]
    """The `TaskAnalysis` the session was made from, as JSON."""
    notes: tuple[str, ...]
    limits_max_agents: int
    limits_max_memory_bytes: int
    limits_complexity: Complexity
    """The level whose limits apply; may be above `complexity`."""
    simulated: bool
    clock_scale: float
    """Model seconds per real second while it ran; turns its time stamps into durations."""
    created_at: datetime
    started_at: datetime | None
    """When it became ready; None before."""
    ended_at: datetime | None
    last_activity_at: datetime
    end_reason: str | None
    seconds_to_ready: float | None
    total_agents_spawned: int
    tasks_delegated: int
    resources_used: dict[str, Any] | None
    """Written at the end. The statistics read `gb_seconds` and `all_roles_gb_seconds` of it."""
    question: dict[str, Any] | None = None
    """What it waits to be told, with the task as it was asked for; None where it asks nothing, or was answered."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What a session may use, and the level of complexity it comes from."""

    complexity: Complexity
    max_agents: int
    max_memory_bytes: int


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """One stay of a role in a session; open while `ended_at` is None, and then the only open one of that role."""

    session_id: str
    role: str
    model: str
    spawned_at: datetime
    ended_at: datetime | None = None
    reason: str = ""
    endpoint: str | None = None
    """Where its model runs; None in rows older than several endpoints."""


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """Who speaks, and what for."""

    role: str
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """Work given to a team, or one message to one role."""

    task_id: str
    session_id: str
    kind: TaskKind
    text: str
    from_role: str
    turns: tuple[TurnPlan, ...]
    status: TaskStatus
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    answer: str | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """What one role said in one turn of a task. `seconds` and `load_seconds` are model seconds."""

    task_id: str
    session_id: str
    turn: int
    from_role: str
    purpose: Purpose
    text: str
    model: str
    prompt_tokens: int
    reply_tokens: int
    seconds: float
    load_seconds: float
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A line for the event log. Its `uid` makes a repeated append harmless: the second one is ignored.

    `by`: who caused it from outside; None where it came about by itself.
    """

    kind: EventKind
    at: datetime
    session_id: str | None = None
    role: str | None = None
    model: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    uid: UUID = field(default_factory=uuid4)
    by: str | None = None


@dataclass(frozen=True, slots=True)
class ResidentRecord:
    """A model that Delegator itself loaded on an endpoint: what a restarted host may adopt or unload."""

    endpoint: str
    model: str
    num_ctx: int
    size_bytes: int
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class PinRecord:
    """A model that stays in memory on an endpoint until it is unpinned."""

    endpoint: str
    model: str
    pinned_at: datetime


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """What `plan_session` foretold for a request; may be applied until `expires_at`."""

    plan_id: str
    created_at: datetime
    expires_at: datetime
    request: dict[str, Any]
    plan: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModelFactsRecord:
    """What loads of one weight file with the same options have shown on one endpoint."""

    endpoint: str
    weights: str
    """The digest of the weight file where it is known, else the model's digest, else its normalised name."""
    num_ctx: int
    parallel: int
    model: str
    """The name under which it was loaded last."""
    size_bytes: int
    """What it took when it was last measured; 0 when it never was, or never plausibly."""
    gpu_bytes: int
    load_s: float
    """Model seconds the latest load took."""
    measured_at: datetime
    """When the latest load ended."""
    loads: int = 1
    """How many loads there were; to `put_model_facts`, how many more. 0: it was found loaded, `load_s` says nothing."""


@dataclass(frozen=True, slots=True)
class LearnedRecord:
    """One learned statistic: anything JSON can say, under a name; `endpoint` is empty for those of no endpoint."""

    endpoint: str
    name: str
    value: Any
    at: datetime


@dataclass(frozen=True, slots=True)
class LessonRecord:
    """What use has shown about the reading of one text. Its `uid` makes a repeated put harmless."""

    at: datetime
    kind: LessonKind
    session_id: str
    text: str
    """The task that was read."""
    lesson: dict[str, Any]
    """`task_type` as read and `team` as recommended; by kind `role`, or what the feedback said. See `lessons.py`."""
    uid: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class AnalysisVersion:
    """One correction of the shipped weights that was learned and applied; at most one version is active."""

    version: int
    at: datetime
    active: bool
    weights: dict[str, Any]
    """`Learned` as JSON."""
    measured: dict[str, Any]
    """What was measured when it was applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """Which sessions, and in which order; what is None chooses nothing."""

    from_day: date | None = None
    """First UTC day on which they were created."""
    to_day: date | None = None
    """Last one, included."""
    category: TaskCategory | None = None
    status: SessionStatus | None = None
    text: str | None = None
    """Part of the task or of the session's id, in any case; no character in it stands for others."""
    sort: HistorySort = "started"
    descending: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events; what is None or empty chooses nothing."""

    after: int = 0
    """Only larger ids."""
    before: int | None = None
    """Only smaller ids."""
    session_id: str | None = None
    kinds: tuple[EventKind, ...] = ()
    role: str | None = None
    models: tuple[str, ...] = ()
    """About any of these names."""
    limit: int = 100
    latest: bool = False
    """The last ones that fit instead of the first; oldest first all the same."""


@dataclass(frozen=True, slots=True)
class StatisticsRow:
    """Figures over the sessions created in a range of UTC days, both ends included."""

    from_day: date
    to_day: date
    total_sessions: int
    total_agents_spawned: int
    avg_agents_per_session: float
    category_breakdown: dict[str, int]
    """Sessions by category; only categories that occur."""
    tasks_delegated: int
    completed_sessions: int
    failed_sessions: int
    avg_duration_seconds: float
    """Mean model seconds from creation to end over the ended sessions; 0 without any."""
    gb_seconds: float
    gb_seconds_saved: float
    simulated_sessions: int
    """How many of them ran on simulated models; their seconds are simulated ones."""
    days: list[DayFigures]
    """Every day of the range."""
    durations: list[DurationShare]
    """Every span, also those without sessions; the shortest first."""
    roles: list[RoleFigures]
    """The role with the most sessions first."""
    turns: int
    prompt_tokens: int
    reply_tokens: int
    loads: int
    load_seconds: float
    swaps: int
    resident_hit_ratio: float | None
    """Share of the turns that waited for no load of their own; None without turns."""
    prefetch_hit_ratio: float | None
    """Share of the prefetched models that were there when their turn came; None without any."""
    money: list[MoneyFigures]
    """By currency, as the receipts have it."""
