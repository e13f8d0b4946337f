"""The public vocabulary: every request, reply and event, used unchanged by HTTP, MCP, the command line and the client.

Owns names, shapes and bounds of what crosses the border; no rules and no rows. Sizes are GB (10^9 bytes) with one
decimal, durations are seconds (model seconds, see `delegator/clock.py`), times are UTC in RFC 3339. Requests refuse
unknown fields, so that a misspelt one is an error and not a silent default.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from delegator.wording import first_problem, problem_of

MAX_TEXT_CHARS = 20_000
"""Longest task or message, in characters: about 5,000 tokens, which leaves a window of 8,192 room for the team."""

MAX_CONTEXT_BYTES = 65_536
"""Largest `context` of a session, as JSON."""

MAX_CONTEXT_DEPTH = 20
"""Deepest nesting of a `context`: far below where parsers and serialisers give up."""


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class TaskType(StrEnum):
    """What kind of work a task is."""

    BUG_FIX = "bug_fix"
    FEATURE_DEVELOPMENT = "feature_development"
    REFACTORING = "refactoring"
    TESTING = "testing"
    ARCHITECTURE = "architecture"
    STRATEGIC_PLANNING = "strategic_planning"
    UI_DESIGN = "ui_design"
    DEPLOYMENT = "deployment"
    DOCUMENTATION = "documentation"
    HR = "hr"
    OPERATIONS = "operations"
    GENERAL = "general"


class TaskCategory(StrEnum):
    """The monitor's seven groups; given by a caller, it fixes the team."""

    STRATEGIC = "strategic"
    TECHNICAL = "technical"
    DEVELOPMENT = "development"
    HR = "hr"
    OPERATIONS = "operations"
    PRODUCT = "product"
    QUICK_FIX = "quick_fix"


class Complexity(StrEnum):
    """How much a task asks for; decides the limits of its session."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very_high"


class SessionStatus(StrEnum):
    """Where a session stands in its life."""

    STARTING = "starting"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    HIBERNATED = "hibernated"

    @property
    def is_open(self) -> bool:
        """True while the session holds, or may still hold, agents and models."""
        return self in (SessionStatus.STARTING, SessionStatus.ACTIVE)


class TaskStatus(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    RUNNING = "running"
    NEEDS_INPUT = "needs_input"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True when the task will not change any more."""
        return self in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED)


class EventKind(StrEnum):
    """Every kind of line in the event log."""

    SESSION_CREATED = "session_created"
    SESSION_READY = "session_ready"
    SESSION_FAILED = "session_failed"
    SESSION_ENDED = "session_ended"
    SESSION_TIMED_OUT = "session_timed_out"
    AGENT_SPAWNED = "agent_spawned"
    AGENT_RESTARTED = "agent_restarted"
    AGENT_TERMINATED = "agent_terminated"
    MODEL_LOADED = "model_loaded"
    MODEL_UNLOADED = "model_unloaded"
    MODEL_LOST = "model_lost"
    MODEL_HELD = "model_held"
    MODEL_RELEASED = "model_released"
    MODEL_FALLBACK = "model_fallback"
    TASK_QUEUED = "task_queued"
    TASK_STARTED = "task_started"
    TURN_STARTED = "turn_started"
    TURN_RETRIED = "turn_retried"
    TURN_COMPLETED = "turn_completed"
    TASK_COMPLETED = "task_completed"
    TASK_FAILED = "task_failed"
    TASK_CANCELLED = "task_cancelled"
    ORPHAN_REMOVED = "orphan_removed"
    DRIFT_FOUND = "drift_found"
    HOST_SUSPECT = "host_suspect"
    HOST_RECOVERED = "host_recovered"


# ── building blocks ───────────────────────────────────────────────────────────────────────────────────────────────


def _storable(text: str) -> str:
    """Refuse what a database text or a UTF-8 wire cannot carry."""
    if "\x00" in text:
        raise ValueError("contains a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("contains half of a surrogate pair, which is not text") from None
    return text


def _meaningful(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return _storable(text)


_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL as JSON writes it; an even number of backslashes before it means the six characters themselves."""


def _depth(value: Any, level: int = 1) -> int:
    """Return how deep `value` is nested, looking no further than needed to refuse it."""
    if level > MAX_CONTEXT_DEPTH or not isinstance(value, (dict, list, tuple)):
        return level
    inner = value.values() if isinstance(value, dict) else value
    return max((_depth(item, level + 1) for item in inner), default=level)


def _storable_context(context: dict[str, Any]) -> dict[str, Any]:
    if _depth(context) > MAX_CONTEXT_DEPTH:
        raise ValueError(f"is nested more than {MAX_CONTEXT_DEPTH} levels deep")
    try:
        text = json.dumps(context, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError):
        raise ValueError("holds something that JSON cannot say, such as NaN or an object") from None
    if _ESCAPED_NUL.search(text):
        raise ValueError("contains a NUL character")
    size = len(_storable(text).encode())
    if size > MAX_CONTEXT_BYTES:
        raise ValueError(f"is {size} bytes of JSON; at most {MAX_CONTEXT_BYTES} are taken")
    return context


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def no_bool(value: Any) -> Any:
    """Refuse true and false, which Python and pydantic would take for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _calendar_day(value: Any) -> Any:
    """Take YYYY-MM-DD alone: pydantic would also read a number as seconds since 1970."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("is not a day; write YYYY-MM-DD")


def _in_calendar(value: date) -> date:
    if not 1970 <= value.year < 9999:
        raise ValueError("is not a day between 1970 and 9998")
    return value


Day = Annotated[date, BeforeValidator(_calendar_day), AfterValidator(_in_calendar)]
"""A UTC calendar day, YYYY-MM-DD. Named so that a field may be called `date`."""

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS), AfterValidator(_meaningful)]
"""A task or a message: 1 to 20,000 characters that are not all blank."""

ShortText = Annotated[str, Field(max_length=2_000), AfterValidator(_storable)]
"""A reason or a remark: at most 2,000 characters, may be empty."""

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
"""An identifier: printable ASCII without blanks."""

Count = Annotated[int, BeforeValidator(no_bool)]
"""A whole number of a request."""

Gigabytes = Annotated[
    float, PlainSerializer(lambda v: round(v, 1), return_type=float), Field(ge=0, allow_inf_nan=False)
]
"""10^9 bytes, shown with one decimal."""

Seconds = Annotated[float, PlainSerializer(lambda v: round(v, 2), return_type=float), Field(ge=0, allow_inf_nan=False)]
"""Model seconds, shown with two decimals."""

Ratio = Annotated[float, PlainSerializer(lambda v: round(v, 4), return_type=float), Field(allow_inf_nan=False)]
"""A share: 0 is nothing, 1 is all; a saving below 0 is a loss."""

Moment = Annotated[
    datetime,
    AfterValidator(_utc),
    PlainSerializer(lambda v: v.isoformat().replace("+00:00", "Z"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A UTC time stamp in RFC 3339."""

WaitSeconds = Annotated[float, BeforeValidator(no_bool), Field(ge=0, le=20, allow_inf_nan=False)]
"""How long a call may wait for its result before it answers with a handle; at most 20."""


TurnPurpose = Literal["frame", "contribute", "conclude", "answer"]
"""What a role does in one turn of a task."""


class Request(BaseModel):
    """Base of all requests: unknown fields are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True, hide_input_in_errors=True
    )


class Reply(BaseModel):
    """Base of all replies and their parts."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class NoInput(Request):
    """For operations that need no input."""


class SessionRef(Request):
    """Names one session."""

    session_id: Name = Field(description="Id of the session, as create_session returned it.")


class OptionalSessionRef(Request):
    """Names one session, or means the only open one."""

    session_id: Name | None = Field(
        None,
        description="Id of the session. Without it the only open session is meant; with several open it is an error.",
    )


Priority = Annotated[
    Literal["low", "normal", "medium", "high", "urgent", "critical"],
    BeforeValidator(lambda v: v.strip().lower() if isinstance(v, str) else v),
]
"""How much a task presses; upper and lower case are the same."""


class TaskContext(Request):
    """What a caller knows about a task beside its text. Further keys are kept and shown to the team."""

    model_config = ConfigDict(extra="allow")

    priority: Priority | None = Field(None, description="critical and urgent raise the complexity.")
    deadline: ShortText | None = Field(None, description="A date or a phrase; its presence raises the complexity.")
    existing_code: ShortText | None = Field(None, description="Where the code is that the task is about.")


def _known_keys(context: dict[str, Any]) -> dict[str, Any]:
    """Check the keys that decide something, and keep all others as they are."""
    try:
        known = TaskContext.model_validate(context)
    except ValidationError as exc:
        found = first_problem(exc)
        raise ValueError(f"{found['loc'][0]} {problem_of(found)}") from None
    return context | {key: getattr(known, key) for key in TaskContext.model_fields if key in context}


Context = Annotated[
    dict[str, Any],
    AfterValidator(_storable_context),
    AfterValidator(_known_keys),
    WithJsonSchema(TaskContext.model_json_schema()),
]
"""A `TaskContext` as the object it came as: at most 65,536 bytes of JSON, nested at most 20 levels."""


class Resources(Reply):
    """Memory and processor need. Estimates unless the field's name says measured."""

    memory_gb: Gigabytes
    cpu_cores: float


class Limits(Reply):
    """What a session may use: agents in its team, and GB of models resident at one time."""

    complexity: Complexity = Field(description="The level whose limits apply; may be above the task's own.")
    max_agents: int
    max_memory_gb: Gigabytes


class ErrorBody(Reply):
    """One error, the same on every face."""

    code: str = Field(description="Stable, for programs.")
    message: str = Field(description="What is wrong.")
    hint: str = Field("", description="What would be right.")
    details: dict[str, Any] = Field(default_factory=dict)


class ErrorReply(Reply):
    """The body of every HTTP answer outside 2xx."""

    error: ErrorBody


# ── roles ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class RoleInfo(Reply):
    """One role of the running catalogue."""

    role: str
    title: str
    reports_to: str | None
    model: str
    fallbacks: list[str]
    num_ctx: int
    memory_gb: Gigabytes = Field(description="Estimated memory of the model at num_ctx.")
    cpu: float
    gpu: float
    summary: str


class ListRolesReply(Reply):
    """The running catalogue."""

    catalogue: str
    roles: list[RoleInfo]
    distinct_models: int
    all_roles_memory_gb: Gigabytes = Field(description="All roles resident, each model counted once; estimated.")


# ── analysis and plan ─────────────────────────────────────────────────────────────────────────────────────────────


class AnalyzeTaskRequest(Request):
    """A task to look at without starting anything."""

    task_description: Text = Field(description="What is to be done, in plain words.")
    context: Context = Field(
        default_factory=dict, description="priority, deadline, existing_code and any further facts."
    )
    task_category: TaskCategory | None = Field(None, description="Fixes the team, whatever the text says.")
    analyze_only: bool = Field(True, description="Accepted for compatibility; this operation never starts anything.")


class Reason(Reply):
    """Why one thing was decided."""

    about: str = Field(description="task_type, complexity, team, limits, or a role.")
    because: str
    words: list[str] = Field(default_factory=list, description="The words of the task that decided it.")


class TaskAnalysis(Reply):
    """What a task is and whom it needs."""

    task_type: TaskType
    task_category: TaskCategory
    complexity: Complexity
    recommended_agents: list[str] = Field(description="Roles by rank, the leading one first.")
    reasoning: str
    estimated_time: str
    confidence: Literal["low", "medium", "high"]
    complexity_points: int
    estimated_resources: Resources
    limits: Limits
    models: dict[str, str] = Field(description="Model of each recommended role.")
    reasons: list[Reason]
    notes: list[str] = Field(
        default_factory=list, description="What a caller should know, such as models taking turns."
    )


class PlannedModel(Reply):
    """What would happen to one model."""

    model: str
    roles: list[str]
    memory_gb: Gigabytes
    action: Literal["reuse", "load", "load_in_turn"]
    load_seconds: Seconds


class PlanSessionReply(Reply):
    """What create_session would do now, before anything happens."""

    analysis: TaskAnalysis
    models: list[PlannedModel]
    would_evict: list[str]
    needed_gb: Gigabytes
    peak_gb: Gigabytes = Field(description="Most memory this session would hold at one time.")
    free_gb: Gigabytes
    capacity_gb: Gigabytes
    seconds_to_ready: Seconds
    possible: bool
    notes: list[str]
    simulated: bool


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────


class CreateSessionRequest(Request):
    """A task for which a team is wanted."""

    task_description: Text = Field(description="What is to be done, in plain words.")
    context: Context = Field(
        default_factory=dict, description="priority, deadline, existing_code and any further facts."
    )
    task_category: TaskCategory | None = Field(None, description="Fixes the team, whatever the text says.")
    wait_s: WaitSeconds = Field(15, description="Real seconds to wait until ready; 0 answers at once with 'starting'.")


class StartSessionRequest(Request):
    """The short form of create_session."""

    task_category: TaskCategory = Field(description="Fixes the team.")
    description: Text = Field(description="What is to be done, in plain words.")


class CreateSessionReply(Reply):
    """The new session and its team."""

    session_id: str
    active_agents: list[str]
    estimated_resources: Resources
    status: Literal["ready", "starting", "queued", "needs_input"]
    session_status: SessionStatus
    task_type: TaskType
    task_category: TaskCategory
    complexity: Complexity
    models: dict[str, str]
    limits: Limits
    seconds_to_ready: Seconds | None = Field(description="None while starting.")
    notes: list[str]
    simulated: bool


class TaskSummary(Reply):
    """One task in the list of its session."""

    task_id: str
    status: TaskStatus
    task: str
    created_at: Moment
    ended_at: Moment | None


class SessionView(Reply):
    """Everything about one session, open or ended."""

    session_id: str
    status: SessionStatus
    task_description: str
    task_type: TaskType
    task_category: TaskCategory
    complexity: Complexity
    active_agents: list[str]
    models: dict[str, str]
    context: dict[str, Any]
    limits: Limits
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    end_reason: str | None
    seconds_to_ready: Seconds | None
    duration_seconds: Seconds
    total_agents_spawned: int
    tasks_delegated: int
    tasks: list[TaskSummary]
    resources_used: dict[str, Any] | None
    analysis: TaskAnalysis
    notes: list[str]
    simulated: bool


class ActiveSession(Reply):
    """One open session in a list."""

    session_id: str
    task_description: str
    active_agents: list[str]
    created_at: Moment
    uptime_minutes: float
    status: SessionStatus
    task_category: TaskCategory
    uptime_seconds: Seconds


class ListActiveSessionsReply(Reply):
    """All open sessions, newest first."""

    sessions: list[ActiveSession]
    total_sessions: int


class SessionHistoryRequest(Request):
    """One page of past sessions."""

    date: Day | None = Field(None, description="A UTC day, YYYY-MM-DD; without it all days.")
    page: Count = Field(1, ge=1, le=1_000_000, description="Page of 50, counted from 1.")


class HistorySession(Reply):
    """One session in the history."""

    session_id: str
    task_category: TaskCategory
    task_type: TaskType
    complexity: Complexity
    task_description: str
    active_agents: list[str] = Field(description="The team at its end.")
    total_agents_spawned: int
    tasks_delegated: int
    status: SessionStatus
    started_at: Moment
    ended_at: Moment | None
    duration_seconds: Seconds | None
    resources_used: dict[str, Any] | None
    simulated: bool = Field(False, description="Its models were simulated: its seconds and GB-seconds are, too.")


class SessionHistoryReply(Reply):
    """Sessions newest first, 50 a page."""

    sessions: list[HistorySession]
    total_sessions: int
    page: int
    pages: int


class EndSessionReply(Reply):
    """What ending a session gave back."""

    session_id: str
    agents_terminated: list[str]
    resources_freed_gb: Gigabytes = Field(description="Measured size of the models that left memory.")
    session_duration_minutes: float
    duration_seconds: Seconds
    models_unloaded: list[str]
    models_kept: list[str] = Field(description="Models that stay because another session holds them.")
    receipt: Receipt
    simulated: bool


# ── agents ────────────────────────────────────────────────────────────────────────────────────────────────────────


class AddAgentRequest(Request):
    """A role to take into a running session."""

    session_id: Name = Field(description="Id of an open session.")
    agent_role: Name = Field(description="A role of list_roles that is not in the team yet.")
    reason: ShortText = Field("", description="Why; kept in the event log.")


class SpawnAgentRequest(Request):
    """The short form of add_agent_to_session."""

    role: Name = Field(description="A role of list_roles that is not in the team yet.")
    session_id: Name | None = Field(None, description="Id of an open session; without it the only open one.")
    reason: ShortText = Field("", description="Why; kept in the event log.")


class AddAgentReply(Reply):
    """The role that joined."""

    agent_role: str
    status: Literal["spawned"]
    model: str
    ready_in_seconds: Seconds = Field(description="Estimated seconds until its model is resident; 0 when it is.")
    session_id: str
    active_agents: list[str]
    notes: list[str]


class RemoveAgentRequest(Request):
    """A role to dismiss from a running session."""

    session_id: Name = Field(description="Id of an open session.")
    agent_role: Name = Field(description="A role of the team.")
    reason: ShortText = Field("", description="Why; kept in the event log.")


class ShutdownAgentRequest(Request):
    """The short form of remove_agent_from_session."""

    role: Name = Field(description="A role of the team.")
    session_id: Name | None = Field(None, description="Id of an open session; without it the only open one.")
    reason: ShortText = Field("", description="Why; kept in the event log.")


class RemoveAgentReply(Reply):
    """The role that left."""

    agent_role: str
    status: Literal["terminated"]
    resources_freed_gb: Gigabytes
    session_id: str
    active_agents: list[str]


class AgentInfo(Reply):
    """One running agent."""

    role: str
    title: str
    model: str
    memory_gb: Gigabytes = Field(description="Measured size of its model while resident, else the estimate.")
    model_resident: bool
    sessions: list[str]
    spawned_at: Moment
    uptime_seconds: Seconds
    pid: int | None
    node: str | None
    restarts: int
    turns_running: int


class ListAgentsRequest(OptionalSessionRef):
    """The agents of one session, of the only open one, or of all."""

    all_sessions: bool = Field(False, description="List the agents of every session, whatever session_id says.")


class ListActiveAgentsReply(Reply):
    """Running agents by rank."""

    agents: list[AgentInfo]
    total_agents: int


class CleanupReply(Reply):
    """What a sweep found without an owner, and removed."""

    agents_removed: list[str]
    models_unloaded: list[str]
    sessions_closed: list[str]
    placement_groups_removed: list[str]
    processes_checked: int


# ── work ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class SendMessageRequest(Request):
    """A message from one role (or a person) to an active role."""

    session_id: Name = Field(description="Id of an open session.")
    from_role: Name = Field("user", alias="from", description="Who speaks: 'user' or a role.")
    to_role: Name = Field(alias="to", description="An active role of the session.")
    text: Text = Field(description="What is said.")
    wait_s: WaitSeconds = Field(15, description="Real seconds to wait for the reply; 0 answers with the task_id.")


class SendMessageReply(Reply):
    """The answer, or the handle under which get_task will have it."""

    session_id: str
    from_role: str = Field(alias="from")
    to_role: str = Field(alias="to")
    task_id: str
    status: TaskStatus
    reply: str | None = Field(description="None while it is still being written.")
    model: str
    simulated: bool


class DelegateTaskRequest(Request):
    """Work for the whole team of a session."""

    session_id: Name = Field(description="Id of an open session.")
    task: Text | None = Field(None, description="Without it the session's own task description.")
    wait_s: WaitSeconds = Field(
        0, description="Real seconds to wait for the result; 0 answers with the handle at once."
    )


class TaskRef(Request):
    """Names one task."""

    task_id: Name = Field(description="Id of the task, as delegate_task or send_message returned it.")


class GetTaskRequest(Request):
    """Names one task, and how long to wait for its end."""

    task_id: Name = Field(description="Id of the task, as delegate_task or send_message returned it.")
    wait_s: WaitSeconds = Field(0, description="Real seconds to wait for its end; it answers earlier if it comes.")


class TurnReply(Reply):
    """What one role said in one turn."""

    role: str
    text: str
    purpose: TurnPurpose
    model: str
    prompt_tokens: int
    reply_tokens: int
    seconds: Seconds
    load_seconds: Seconds = 0.0
    attempts: int = 1


class TaskView(Reply):
    """A task, its turns so far, and its answer once it is completed."""

    task_id: str
    session_id: str
    status: TaskStatus
    task: str
    turns_done: int
    turns_total: int
    current_role: str | None = Field(description="Who speaks or waits for a model now.")
    waiting_for: str | None = Field(None, description="The model the current role waits for, None once it speaks.")
    replies: list[TurnReply]
    answer: str | None
    error: ErrorBody | None
    created_at: Moment
    ended_at: Moment | None
    seconds: Seconds
    simulated: bool


# ── receipts and figures ──────────────────────────────────────────────────────────────────────────────────────────


class Receipt(Reply):
    """What a session held, against all roles of the catalogue resident for as long, each model counted once.

    Recomputable from the event log: `delegator/sessions/receipt.py` is the method.
    """

    session_id: str
    final: bool = Field(description="False while the session is open.")
    agents_used: int
    agents_total: int
    seconds_to_ready: Seconds | None
    duration_seconds: Seconds
    peak_gb: Gigabytes = Field(description="Most memory its models held at one time.")
    gb_seconds: float
    all_roles_gb: Gigabytes
    all_roles_gb_seconds: float
    memory_saved_ratio: Ratio = Field(description="1 - peak_gb / all_roles_gb")
    gb_seconds_saved_ratio: Ratio = Field(description="1 - gb_seconds / all_roles_gb_seconds")
    loads: int
    load_seconds: Seconds
    turns: int
    prompt_tokens: int
    reply_tokens: int
    sizes: Literal["measured", "estimated", "mixed"] = Field(
        description="Where the sizes of the held models come from."
    )
    baseline: Literal["measured", "estimated", "mixed"] = Field(
        description="Where the sizes of the baseline come from."
    )
    simulated: bool


class ResidentModel(Reply):
    """One model in memory now, as /api/ps measured it."""

    model: str
    endpoint: str
    memory_gb: Gigabytes
    gpu_gb: Gigabytes
    held_by: list[str] = Field(description="Sessions that hold it.")
    foreign: bool = Field(description="Loaded by somebody else; counted, never touched.")
    busy: bool
    loaded_at: Moment | None


class ResourceSummaryReply(Reply):
    """What is running and resident now."""

    active_agents: int
    total_memory_gb: Gigabytes = Field(description="Measured memory of resident models, foreign ones included.")
    cpu_load: Literal["idle", "low", "medium", "high"]
    active_sessions: int
    capacity_gb: Gigabytes
    all_roles_memory_gb: Gigabytes
    memory_saved_ratio: Ratio
    models: list[ResidentModel]
    turns_running: int
    turns_waiting: int
    simulated: bool


class StatisticsRequest(Request):
    """A range of days, both included; without it today."""

    from_date: Day | None = Field(None, alias="from", description="First UTC day, YYYY-MM-DD.")
    to_date: Day | None = Field(None, alias="to", description="Last UTC day, YYYY-MM-DD; default the first.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_date is not None and (self.from_date is None or self.to_date < self.from_date):
            raise ValueError("'to' needs a 'from' that is not later")
        return self


class StatisticsReply(Reply):
    """Figures over the sessions started in a range of days."""

    from_date: Day = Field(alias="from")
    to_date: Day = Field(alias="to")
    total_sessions: int
    avg_agents_per_session: float
    total_agents_spawned: int
    category_breakdown: dict[str, int]
    tasks_delegated: int
    completed_sessions: int
    failed_sessions: int
    avg_duration_seconds: Seconds
    gb_seconds: float
    gb_seconds_saved: float
    simulated_sessions: int = Field(0, description="How many of the sessions ran on simulated models.")


# ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Event(Reply):
    """One line of the append-only log."""

    event_id: int
    at: Moment
    kind: EventKind
    session_id: str | None
    role: str | None = None
    model: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class ListEventsRequest(Request):
    """Events after a point, oldest first."""

    session_id: Name | None = Field(None, description="Only events of this session.")
    after: Count = Field(0, ge=0, le=2**62, description="Only events with a larger id.")
    limit: Count = Field(100, ge=1, le=1_000, description="At most this many.")


class ListEventsReply(Reply):
    """A run of events, and where to go on."""

    events: list[Event]
    next_after: int


class SessionStatusReply(Reply):
    """Short form: what is open now."""

    sessions: list[ActiveSession]
    agents: list[AgentInfo]
    resources: ResourceSummaryReply


EndSessionReply.model_rebuild()
