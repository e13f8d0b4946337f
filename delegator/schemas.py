"""The public vocabulary: every request, reply and event, used unchanged by HTTP, MCP, the command line and the client.

Owns names, shapes and bounds of what crosses the border; no rules and no rows. Sizes are GB (10^9 bytes) with one
decimal, durations are seconds (model seconds, see `delegator/clock.py`), times are UTC in RFC 3339. Requests refuse
unknown fields, so that a misspelt one is an error and not a silent default.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from delegator.fields import (
    MAX_CONTEXT_BYTES,
    MAX_CONTEXT_DEPTH,
    MAX_TEXT_CHARS,
    Amount,
    Context,
    Count,
    Day,
    Gigabytes,
    GigabyteSeconds,
    Ladder,
    Moment,
    Name,
    Priority,
    Rate,
    Ratio,
    Reply,
    Request,
    RoleNames,
    Seconds,
    ShortText,
    TaskContext,
    Text,
    TurnPurpose,
    WaitSeconds,
    WattHours,
    ladder_in_order,
    names_in_words,
    no_bool,
    rungs_in_words,
)
from delegator.learning_schemas import (
    AnalysisEvaluation,
    AnalysisVersionInfo,
    CorpusFigures,
    GiveFeedbackReply,
    GiveFeedbackRequest,
    HistoryFigures,
    ListAnalysisVersionsReply,
    Rating,
    ReadingChange,
    ResetAnalysisReply,
    ResetAnalysisRequest,
    RetrainAnalysisReply,
    RetrainAnalysisRequest,
)
from delegator.monitor_schemas import (
    Alert,
    AlertRule,
    DayFigures,
    Drift,
    DurationShare,
    EndpointName,
    ListAlertsReply,
    ListAlertsRequest,
    MachineLoad,
    ModelControlReply,
    ModelControlRequest,
    ModelName,
    MoneyFigures,
    QueuedTurn,
    RestartAgentReply,
    RestartAgentRequest,
    RoleFigures,
)
from delegator.task_analysis import (
    Alternative,
    AnalyzeTaskRequest,
    Limits,
    Reason,
    Resources,
    RoleNeed,
    SecondReading,
    TaskAnalysis,
    TeamWishes,
)
from delegator.words import (
    SESSION_ENDS,
    TASK_ENDS,
    Complexity,
    EventKind,
    Rung,
    SessionStatus,
    TaskCategory,
    TaskStatus,
    TaskType,
)

__all__ = [
    "MAX_CONTEXT_BYTES",
    "MAX_CONTEXT_DEPTH",
    "MAX_TEXT_CHARS",
    "SESSION_ENDS",
    "TASK_ENDS",
    "Alert",
    "AlertRule",
    "Alternative",
    "Amount",
    "AnalysisEvaluation",
    "AnalysisVersionInfo",
    "AnalyzeTaskRequest",
    "Complexity",
    "Context",
    "CorpusFigures",
    "Count",
    "Day",
    "DayFigures",
    "Drift",
    "DurationShare",
    "EndpointName",
    "EventKind",
    "GigabyteSeconds",
    "Gigabytes",
    "GiveFeedbackReply",
    "GiveFeedbackRequest",
    "HistoryFigures",
    "Ladder",
    "Limits",
    "ListAlertsReply",
    "ListAlertsRequest",
    "ListAnalysisVersionsReply",
    "MachineLoad",
    "ModelControlReply",
    "ModelControlRequest",
    "ModelName",
    "Moment",
    "MoneyFigures",
    "Name",
    "Priority",
    "QueuedTurn",
    "Rate",
    "Rating",
    "Ratio",
    "ReadingChange",
    "Reason",
    "Reply",
    "Request",
    "ResetAnalysisReply",
    "ResetAnalysisRequest",
    "Resources",
    "RestartAgentReply",
    "RestartAgentRequest",
    "RetrainAnalysisReply",
    "RetrainAnalysisRequest",
    "RoleFigures",
    "RoleNames",
    "RoleNeed",
    "Rung",
    "SecondReading",
    "Seconds",
    "SessionStatus",
    "ShortText",
    "TaskAnalysis",
    "TaskCategory",
    "TaskContext",
    "TaskStatus",
    "TaskType",
    "TeamWishes",
    "Text",
    "TurnPurpose",
    "WaitSeconds",
    "WattHours",
    "ladder_in_order",
    "names_in_words",
    "no_bool",
    "rungs_in_words",
]
"""What comes from the four modules below this one, so that whoever speaks the vocabulary needs this module alone."""


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


# ── plan ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class PlanSessionRequest(TeamWishes):
    """A task for which a session is to be foretold."""

    task_description: Text = Field(description="What is to be done, in plain words.")
    context: Context = Field(
        default_factory=dict, description="priority, deadline, existing_code and any further facts."
    )
    degradation: Ladder | None = Field(
        None,
        description="What may be done where the team does not fit the memory, in this order: wait, evict_idle, "
        "smaller, merge, refuse. Without it the setting of that name.",
    )
    wait_s: WaitSeconds = Field(0, description="Accepted for compatibility; a plan waits for nothing.")


class Degradation(Reply):
    """One thing that is done, or borne, because the team does not fit the memory as it was asked for."""

    rung: Rung
    role: str | None = Field(None, description="None where it concerns the team as a whole.")
    asked: str | None = Field(None, description="The model the role wants.")
    given: str | None = Field(None, description="The model it gets; the same where it only waits.")
    models: list[str] = Field(
        default_factory=list, description="Models that leave (evict_idle), are waited for, or take turns (wait)."
    )
    why: str
    saves_gb: Gigabytes = Field(0.0, description="How much less memory the team's models need by it.")
    eta_s: Seconds | None = Field(None, description="Estimated seconds until it may go on; None where nothing waits.")


class PlannedModel(Reply):
    """What would happen to one model."""

    model: str
    roles: list[str]
    memory_gb: Gigabytes
    action: Literal["reuse", "load", "load_in_turn"]
    load_seconds: Seconds
    endpoint: str | None = Field(None, description="The Ollama endpoint it would run on.")


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
    plan_id: str | None = Field(None, description="create_session with it applies exactly this. None where impossible.")
    expires_at: Moment | None = Field(None, description="Until when the plan may be applied.")
    degradations: list[Degradation] = Field(
        default_factory=list, description="What is done because the team does not fit as it was asked for."
    )
    seconds_waiting: Seconds | None = Field(
        0.0, description="Seconds of seconds_to_ready spent waiting for others; None: it cannot be told."
    )
    load_seconds: Seconds = Field(0.0, description="All loading during one task of the whole team.")
    task_seconds: Seconds = Field(0.0, description="One task of the whole team: loading, waiting and speaking.")
    gb_seconds: GigabyteSeconds = Field(0.0, description="Memory held during one task of the whole team, at most.")
    money: ExpectedCost | None = Field(None, description="What that task would cost; electricity is modelled.")


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _task_first(schema: dict[str, Any]) -> None:
    """Show the task as the first field and as text to be given: what every caller but one with a plan has to know."""
    properties = schema["properties"]
    task = properties.pop("task_description")
    text = task.pop("anyOf")[0]
    del task["default"]
    schema["properties"] = {"task_description": text | task, **properties}
    schema["required"] = ["task_description"]


class CreateSessionRequest(TeamWishes):
    """A task for which a team is wanted, or a plan to apply."""

    model_config = ConfigDict(json_schema_extra=_task_first)

    plan_id: Name | None = Field(
        None,
        description="Apply exactly this plan of plan_session; task_description may then be left out. Where the world "
        "has changed so that it cannot be, the error plan_changed says what, with a fresh plan.",
    )
    accept_changes: bool = Field(False, description="With plan_id: where the plan cannot be applied, plan anew and go.")
    ask: bool = Field(
        False,
        description="Ask instead of going ahead where the analysis is unsure: the reply is then needs_input with one "
        "question, and answer_question goes on. With plan_id nothing is asked.",
    )
    task_description: Text | None = Field(
        None, validate_default=True, description="What is to be done, in plain words."
    )
    context: Context = Field(
        default_factory=dict, description="priority, deadline, existing_code and any further facts."
    )
    degradation: Ladder | None = Field(
        None,
        description="What may be done where the team does not fit the memory, in this order: wait, evict_idle, "
        "smaller, merge, refuse. Without it the setting of that name.",
    )
    wait_s: WaitSeconds = Field(15, description="Real seconds to wait until ready; 0 answers at once with 'starting'.")

    @field_validator("task_description")
    @classmethod
    def _task_or_plan(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("plan_id", "") is None:  # a wrong plan_id is not in the data: told alone
            raise PydanticKnownError("missing")
        return value


class StartSessionRequest(Request):
    """The short form of create_session."""

    task_category: TaskCategory = Field(description="Fixes the team.")
    description: Text = Field(description="What is to be done, in plain words.")


class AnswerQuestionRequest(Request):
    """The answer to the question of a session that waits for it."""

    session_id: Name = Field(description="Id of the session that asks.")
    answer: ShortText = Field(
        min_length=1,
        description="One of the question's options, or any other task type: the caller's word stands. yes: the first.",
    )
    wait_s: WaitSeconds = Field(15, description="Real seconds to wait until ready; 0 answers at once with 'starting'.")


class QuestionOption(Reply):
    """One answer to a question, and what would follow from it."""

    answer: TaskType
    meaning: str = Field(description="What the answer says about the task, in a sentence.")
    recommended_agents: list[str] = Field(description="The team it leads to.")
    probability: Ratio = Field(description="Calibrated chance that it is meant.")


class Question(Reply):
    """What a session waits to be told before it is opened."""

    question: str
    options: list[QuestionOption] = Field(description="The likeliest first; any other task type is taken, too.")


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
    plan_id: str | None = Field(None, description="The plan that was applied.")
    degradations: list[Degradation] = Field(
        default_factory=list, description="What was done because the team does not fit as it was asked for."
    )
    changed: list[str] = Field(default_factory=list, description="What differs from the plan that was given.")
    question: Question | None = Field(None, description="With status needs_input: what answer_question has to answer.")


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
    endpoints: dict[str, str] = Field(
        default_factory=dict, description="The Ollama endpoint of each active role; empty once it has ended."
    )
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
    question: Question | None = Field(
        None, description="What it waits to be told; until answer_question is called nothing is started."
    )


class ActiveTask(Reply):
    """How far a running task is."""

    task_id: str
    turns_done: int
    turns_total: int
    current_role: str | None = Field(description="Who speaks or waits for a model now.")
    waiting_for: str | None = Field(description="The model the current role waits for, None once it speaks.")


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
    question: str | None = Field(None, description="What it waits to be told: nothing is started until it is answered.")
    task: ActiveTask | None = Field(None, description="Its running task, the oldest; None while it has none.")


class ListActiveSessionsReply(Reply):
    """All open sessions, newest first."""

    sessions: list[ActiveSession]
    total_sessions: int


HistorySort = Literal["started", "duration", "agents", "category", "status", "gb_seconds", "saved"]
"""What past sessions are sorted by; gb_seconds and saved are those of their receipts."""


class SessionHistoryRequest(Request):
    """One page of past sessions."""

    date: Day | None = Field(None, description="A UTC day, YYYY-MM-DD; without it all days.")
    from_date: Day | None = Field(None, alias="from", description="First UTC day of a range, YYYY-MM-DD.")
    to_date: Day | None = Field(None, alias="to", description="Last UTC day of a range; without it today.")
    category: TaskCategory | None = Field(None, description="Only sessions of this category.")
    status: SessionStatus | None = Field(None, description="Only sessions with this status.")
    text: ShortText | None = Field(None, description="Only sessions whose task or id has this in it, in any case.")
    sort: HistorySort = Field("started", description="What they are sorted by.")
    descending: bool = Field(True, description="The largest, or latest, first.")
    page: Count = Field(1, ge=1, le=1_000_000, description="Page, counted from 1.")
    page_size: Count = Field(50, ge=1, le=200, description="Sessions a page.")

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        if self.date is not None and (self.from_date is not None or self.to_date is not None):
            raise ValueError("'date' is one day and 'from' begins a range; give one of them")
        if self.to_date is not None and (self.from_date is None or self.to_date < self.from_date):
            raise ValueError("'to' needs a 'from' that is not later")
        return self


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
    """One page of the sessions that were asked for, in the order that was asked for."""

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
    degradations: list[Degradation] = Field(
        default_factory=list, description="What was done because the role does not fit beside the team as it wants to."
    )


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
    endpoints: list[str] = Field(default_factory=list, description="Where its model runs, for its sessions.")
    sessions_served: int = Field(0, description="Sessions it has worked for since it was spawned.")
    turns_done: int = Field(0, description="Turns it has taken since it was spawned.")
    tokens_per_second: float | None = Field(None, description="Of its latest turns; None before the first.")
    speaking_for: str | None = Field(None, description="The session it speaks for now.")


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


class PriceList(Reply):
    """What the receipt charges. Zero is a price."""

    currency: str = Field(
        "EUR", min_length=1, max_length=20, pattern=r"^[!-~]+$", description="In what money is counted; only a word."
    )
    per_kwh: Rate = Field(
        0.29, description="Of a kilowatt-hour. Households in the EU paid 0.29 EUR on average in 2024 (Eurostat)."
    )
    per_gb_hour: Rate = Field(
        0.0001,
        description="Of a GB of memory for an hour: 4 EUR a GB written off over four years. "
        "On a rented machine its rent; set per_kwh to 0 where that includes electricity.",
    )
    per_gpu_hour: Rate = Field(
        0.05, description="Of a whole GPU for an hour: a card of 1,750 EUR written off over four years."
    )


class PowerModel(Reply):
    """What is assumed to draw power where nothing measures it."""

    watts_per_gb: Rate = Field(
        0.375, description="Watts of a GB in memory: 3 W for 8 GB, as CodeCarbon assumes. Graphics memory takes less."
    )
    watts_computing: Rate = Field(
        42.5,
        description="Watts more while a model speaks or is loaded: half of an 85 W processor, as CodeCarbon assumes "
        "where it knows none. With a GPU, what the card draws at work.",
    )


class BasisModel(Reply):
    """One model of the catalogue, as a receipt counts it."""

    model: str
    bytes: int = Field(description="Exactly as counted.")
    measured: bool = Field(description="False: the catalogue's estimate.")
    gpu: float = Field(description="GPU share the catalogue gives it.")
    in_baseline: bool = Field(description="A role speaks with it: it counts among all roles. False: only a fallback.")


class ReceiptBasis(Reply):
    """Everything beside the event log that a receipt was computed from: with both, anybody can compute it again."""

    agents_total: int
    models: list[BasisModel]
    prices: PriceList
    power: PowerModel
    clock_scale: float = Field(description="Model seconds per real second.")
    simulated: bool
    final: bool
    until: Moment = Field(description="Where the receipt stops while the log has no end of the session.")
    last_event_id: int = Field(description="The log was read up to this event; an end of the session counts anyway.")


class RoleUse(Reply):
    """What one role did in a session."""

    role: str
    turns: int
    prompt_tokens: int
    reply_tokens: int
    speaking_seconds: Seconds


class Electricity(Reply):
    """What a session took, and what all roles resident would have taken; that one is always modelled."""

    source: Literal["measured", "modelled"] = Field(description="Where watt_hours comes from.")
    watt_hours: WattHours
    all_roles_watt_hours: WattHours
    saved_watt_hours: WattHours
    saved_ratio: Ratio
    machine_watt_hours: WattHours | None = Field(
        description="Where measured: all that the machine's counters counted while the session was open."
    )
    counters: list[str] = Field(description="Where measured: the counters that were read.")


class Cost(Reply):
    """One sum of money and what it is made of."""

    memory: Amount
    gpu: Amount
    electricity: Amount
    total: Amount


class ExpectedCost(Cost):
    """What something is expected to cost by the prices of the settings."""

    currency: str


class ReceiptMoney(Reply):
    """What a session cost, and what all roles resident would have cost."""

    currency: str
    used: Cost
    all_roles: Cost
    saved: Amount
    saved_ratio: Ratio


class Receipt(Reply):
    """What a session held, against all roles of the catalogue resident for as long, each model counted once.

    Recomputable from the event log and its `basis`: `delegator/sessions/receipt.py` is the method. Fields that have a
    default are missing in receipts of a former form.
    """

    session_id: str
    final: bool = Field(description="False while the session is open.")
    agents_used: int
    agents_total: int
    seconds_to_ready: Seconds | None
    duration_seconds: Seconds
    speaking_seconds: Seconds = Field(0.0, description="Of all its turns together.")
    waiting_seconds: Seconds = Field(0.0, description="Its turns waited for a model or a free place, loads included.")
    peak_gb: Gigabytes = Field(description="Most memory its models held at one time.")
    gb_seconds: GigabyteSeconds
    gpu_seconds: Seconds = Field(0.0, description="GPU shares its models held, times seconds.")
    all_roles_gb: Gigabytes
    all_roles_gb_seconds: GigabyteSeconds
    all_roles_gpu_seconds: Seconds = 0.0
    memory_saved_ratio: Ratio = Field(description="1 - peak_gb / all_roles_gb")
    gb_seconds_saved: GigabyteSeconds = 0.0
    gb_seconds_saved_ratio: Ratio = Field(description="1 - gb_seconds / all_roles_gb_seconds")
    loads: int
    load_seconds: Seconds
    swaps: int = Field(0, description="Models that had to leave memory for the ones it loaded.")
    turns: int
    prompt_tokens: int
    reply_tokens: int
    roles: list[RoleUse] = Field(default_factory=list, description="By role, the first to speak first.")
    electricity: Electricity | None = None
    money: ReceiptMoney | None = None
    sizes: Literal["measured", "estimated", "mixed"] = Field(
        description="Where the sizes of the held models come from."
    )
    baseline: Literal["measured", "estimated", "mixed"] = Field(
        description="Where the sizes of the baseline come from."
    )
    simulated: bool
    basis: ReceiptBasis | None = Field(None, description="What it was computed from, beside the event log.")


class ResidentModel(Reply):
    """One model in memory now, as /api/ps measured it."""

    model: str
    endpoint: str
    memory_gb: Gigabytes
    gpu_gb: Gigabytes
    held_by: list[str] = Field(description="Sessions that hold it; 'by hand' where somebody has loaded it.")
    foreign: bool = Field(description="Loaded by somebody else; counted, never touched.")
    busy: bool
    loaded_at: Moment | None
    pinned: bool = Field(False, description="It stays though no session holds it, until it is unpinned.")


class EndpointInfo(Reply):
    """One Ollama endpoint now."""

    endpoint: str = Field(description="What it is called.")
    url: str
    capacity_gb: Gigabytes = Field(description="Memory it has for models.")
    memory_gb: Gigabytes = Field(description="Measured memory of what is resident there.")
    planned_gb: Gigabytes = Field(
        0.0, description="Reserved there: what is resident, and what is just coming (estimated) or going."
    )
    models: int = Field(description="How many models are resident.")
    turns_running: int
    turns_waiting: int
    suspect: str | None = Field(description="Why no work is sent there while another can do it; None: it is well.")
    advice: str = Field("", description="How to cure that.")


class ResourceSummaryReply(Reply):
    """What is running and resident now."""

    active_agents: int
    total_memory_gb: Gigabytes = Field(description="Measured memory of resident models, foreign ones included.")
    planned_gb: Gigabytes = Field(
        0.0, description="Reserved: what is resident, and what is just coming (estimated) or going."
    )
    cpu_load: Literal["idle", "low", "medium", "high"] = Field(
        description="A word for how much is going on, by the number of agents; what is measured is in machines."
    )
    active_sessions: int
    capacity_gb: Gigabytes
    all_roles_memory_gb: Gigabytes
    memory_saved_ratio: Ratio
    models: list[ResidentModel]
    turns_running: int
    turns_waiting: int
    simulated: bool
    endpoints: list[EndpointInfo] = Field(default_factory=list, description="Each Ollama endpoint by itself.")
    prefetches: int = Field(0, description="Next speakers' models brought in ahead of their turn, since the start.")
    prefetch_hit_ratio: Ratio | None = Field(None, description="Share of them that were there when the turn came.")
    queue: list[QueuedTurn] = Field(default_factory=list, description="Turns that wait, by endpoint, the next first.")
    drift: Drift | None = Field(None, description="The latest comparison with Ollama and Ray.")
    alerts: int = Field(0, description="Alerts that are raised now; list_alerts shows them.")
    machines: list[MachineLoad] = Field(default_factory=list, description="The load of each machine that hosts models.")


MAX_STATISTICS_DAYS = 3_660
"""Longest range of `statistics`: ten years. Every day of it is a line of the reply."""


class StatisticsRequest(Request):
    """A range of days, both included, at most 3,660; without it today."""

    from_date: Day | None = Field(None, alias="from", description="First UTC day, YYYY-MM-DD.")
    to_date: Day | None = Field(None, alias="to", description="Last UTC day, YYYY-MM-DD; default the first.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_date is not None and (self.from_date is None or self.to_date < self.from_date):
            raise ValueError("'to' needs a 'from' that is not later")
        if self.from_date is not None and self.to_date is not None:
            days = (self.to_date - self.from_date).days + 1
            if days > MAX_STATISTICS_DAYS:
                raise ValueError(f"the range has {days} days; at most {MAX_STATISTICS_DAYS} are summed up")
        return self


class StatisticsReply(Reply):
    """Figures over the sessions started in a range of days.

    What the receipts hold (GB-seconds, money) counts once a session has ended; turns, tokens and loads count at once.
    """

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
    days: list[DayFigures] = Field(default_factory=list, description="Each day of the range, also those without any.")
    durations: list[DurationShare] = Field(default_factory=list, description="Ended sessions by how long they took.")
    roles: list[RoleFigures] = Field(default_factory=list, description="The most used role first.")
    turns: int = 0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    loads: int = Field(0, description="Models that were brought in for the sessions.")
    load_seconds: Seconds = 0.0
    swaps: int = Field(0, description="Models that had to leave memory for them.")
    resident_hit_ratio: Ratio | None = Field(
        None, description="Share of turns that found their model in memory; None without turns."
    )
    prefetch_hit_ratio: Ratio | None = Field(
        None, description="Share of prefetched models that met their turn; None where none was prefetched."
    )
    money: list[MoneyFigures] = Field(default_factory=list, description="By currency; empty where no price was set.")


# ── models on the disks ───────────────────────────────────────────────────────────────────────────────────────────


class ModelRef(Request):
    """Names one model, and the endpoint where several could be meant."""

    model: ModelName = Field(description="The model as Ollama names it, such as qwen3:8b.")
    endpoint: EndpointName | None = Field(None, description="Which Ollama; without it the one that fits the call.")


class PullModelRequest(ModelRef):
    """A model to fetch."""

    endpoint: EndpointName | None = Field(None, description="Which Ollama; without it the first that lacks the model.")
    wait_s: WaitSeconds = Field(5, description="Real seconds to wait for its end; it answers earlier if it comes.")


class GetPullRequest(ModelRef):
    """A download to look at, and how long to wait for its end."""

    endpoint: EndpointName | None = Field(None, description="Which Ollama; without it the first that fetched it.")
    wait_s: WaitSeconds = Field(0, description="Real seconds to wait for its end; it answers earlier if it comes.")


class Pull(Reply):
    """One download: how far it is, or how it ended."""

    model: str
    endpoint: str
    status: Literal["running", "completed", "failed", "cancelled"]
    phase: str = Field(description="What Ollama is at, in its own words.")
    completed_gb: Gigabytes
    total_gb: Gigabytes = Field(description="Of the parts known so far; 0 at the beginning.")
    progress_ratio: Ratio
    seconds: Seconds
    started: bool = Field(False, description="This call has started it; others join it or look at it.")
    error: ErrorBody | None = None
    simulated: bool


class PullsReply(Reply):
    """Several downloads, one after the other."""

    pulls: list[Pull]


class ModelInfo(Reply):
    """One model on one endpoint, or one that the roles use and no endpoint has."""

    model: str
    endpoint: str | None = Field(description="Where it lies; None while no endpoint has it.")
    state: Literal["resident", "available", "missing"] = Field(
        description="resident: in memory; available: on the disk; missing: a role could use it, and it is on no disk."
    )
    disk_gb: Gigabytes | None = Field(description="Size of its files; None where it is missing.")
    memory_gb: Gigabytes | None = Field(description="As measured, else the catalogue's estimate; None: neither.")
    measured: bool
    roles: list[str] = Field(description="Roles whose model it is.")
    fallback_of: list[str] = Field(description="Roles that may use it in place of their own model.")
    needed: bool = Field(description="Missing, and a role would use it on this machine: pull it.")
    problem: str | None = Field(None, description="Why it cannot be loaded, or failed to load earlier.")
    held_by: list[str] = Field(
        default_factory=list, description="Sessions that hold it in memory; 'by hand' where somebody has loaded it."
    )
    pinned: bool = Field(False, description="It stays in memory there until it is unpinned.")
    pull: Pull | None = Field(None, description="Its download, under way or as the latest ended.")


class ListModelsReply(Reply):
    """The models of every endpoint, and those of the catalogue that are on none."""

    catalogue: str
    models: list[ModelInfo]
    disk_gb: Gigabytes = Field(description="All files together.")
    notes: list[str] = Field(default_factory=list, description="Endpoints that did not answer.")
    simulated: bool


class RemoveModelReply(Reply):
    """What removing a model gave back."""

    model: str
    endpoint: str
    disk_freed_gb: Gigabytes
    memory_freed_gb: Gigabytes = Field(description="0 where it was not loaded.")
    simulated: bool


class FitModelsRequest(Request):
    """A machine and a catalogue to hold against each other; without fields those that are running."""

    memory_gb: Annotated[float, BeforeValidator(no_bool), Field(gt=0, le=1_000_000, allow_inf_nan=False)] | None = (
        Field(None, description="Memory for models of a machine to try, in GB; without it the running endpoints.")
    )
    catalogue: Name | None = Field(None, description="echo, compact or single to try; without it the running one.")


class RoleFitInfo(Reply):
    """How one role fits one machine."""

    role: str
    model: str = Field(description="The model the catalogue gives it.")
    uses: str | None = Field(description="The model it can use here; None when none of its models can be used.")
    memory_gb: Gigabytes
    verdict: Literal["fits", "alone", "fallback", "too_large"] = Field(
        description="fits: beside the others of the largest team; alone: not beside them, so they take turns; "
        "fallback: only another of its models can be used; too_large: none can."
    )
    why: str = Field("", description="What is against its own model.")
    alternative: str | None = Field(None, description="Where none can be used: a model of another catalogue that can.")


class CatalogueFitInfo(Reply):
    """How one shipped catalogue would fit."""

    catalogue: str
    roles_usable: int
    roles_together: int
    teams_together: int = Field(description="How many of the usual teams fit in memory at one time.")
    teams: int
    all_roles_gb: Gigabytes


class MachineFit(Reply):
    """How the roles fit one endpoint, or the machine that was asked about."""

    endpoint: str | None = Field(description="None for a machine that is only tried.")
    capacity_gb: Gigabytes = Field(description="What models may take there.")
    catalogue: str
    roles: list[RoleFitInfo]
    together: list[str] = Field(description="The largest team whose models fit in memory at one time.")
    together_gb: Gigabytes
    all_roles_gb: Gigabytes
    catalogues: list[CatalogueFitInfo] = Field(description="The same for this catalogue and the shipped ones.")
    suggested: str | None = Field(description="The catalogue that fits best; None when no role of any fits.")


class FitModelsReply(Reply):
    """Which roles fit which machine, and the catalogue that suits it."""

    machines: list[MachineFit]
    sizes: Literal["measured", "estimated", "mixed"] = Field(description="Where the sizes of the models are from.")
    simulated: bool


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
    by: str | None = Field(None, description="Who caused it from outside; None where it came about by itself.")


EventKinds = Annotated[tuple[EventKind, ...], Field(max_length=len(EventKind)), BeforeValidator(names_in_words)]
"""Kinds of events, as a list or as words with commas between them."""


class ListEventsRequest(Request):
    """Events after a point, oldest first."""

    session_id: Name | None = Field(None, description="Only events of this session.")
    after: Count = Field(0, ge=0, le=2**62, description="Only events with a larger id.")
    limit: Count = Field(100, ge=1, le=1_000, description="At most this many.")
    kinds: EventKinds = Field((), description="Only events of these kinds; empty: of all.")
    role: Name | None = Field(None, description="Only events about this role.")
    model: ModelName | None = Field(None, description="Only events about this model.")
    before: Count | None = Field(None, ge=1, le=2**62, description="Only events with a smaller id.")
    latest: bool = Field(False, description="The last ones that fit instead of the first; still oldest first.")


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
PlanSessionReply.model_rebuild()
