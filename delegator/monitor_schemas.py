"""What the monitor shows and does, in the public vocabulary: queues, drift, figures by day, alerts, controls.

A module of its own beside `delegator/schemas.py`, which gives its names on.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from delegator.fields import (
    Amount,
    Count,
    Day,
    Gigabytes,
    GigabyteSeconds,
    Moment,
    Name,
    Ratio,
    Reply,
    Request,
    Seconds,
    ShortText,
    WaitSeconds,
)

ModelName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
"""A model as Ollama names it: printable ASCII without blanks; without a tag `:latest` is meant."""

EndpointName = Name
"""Short name of an Ollama endpoint, as list_models and resource_summary show it."""

# ── what is now ───────────────────────────────────────────────────────────────────────────────────────────────────


class QueuedTurn(Reply):
    """A turn that waits for its model or for a free place on it."""

    session_id: str
    task_id: str | None = Field(None, description="None where a session's first model is being brought in.")
    role: str | None = None
    model: str
    endpoint: str
    position: int = Field(description="Place in its endpoint's queue, from 1.")
    waited_seconds: Seconds
    eta_seconds: Seconds | None = Field(description="Estimated seconds until it may start; None: not known.")


class MachineLoad(Reply):
    """What one machine does, measured; all programs on it together."""

    node: str = Field(description="What the machine is called.")
    processors: int
    processor_ratio: Ratio | None = Field(
        description="Share of all its processors that was busy over the last seconds, 0 to 1; None: not measured yet."
    )
    gpus: int = Field(0, description="Discrete graphics processors whose driver tells of them.")
    gpu_ratio: Ratio | None = Field(None, description="Share of them that is busy, 0 to 1; None: no driver tells.")
    gpu_used_gb: Gigabytes | None = Field(None, description="Memory of them that is in use; None: no driver tells.")
    gpu_memory_gb: Gigabytes = Field(0.0, description="Memory they have together.")


class Drift(Reply):
    """Whether what Delegator believes is what Ollama and Ray say, as of the latest comparison."""

    compared_at: Moment | None = Field(description="None while nothing has been compared since the start.")
    age_seconds: float | None = Field(description="Real seconds since then.")
    differences: list[str] = Field(description="What differed and was mended then, in words; empty: nothing did.")
    failed: list[str] = Field(default_factory=list, description="What could not be compared, and why.")
    trusted_seconds: float = Field(60.0, description="Older than so many real seconds it says nothing of now.")

    @property
    def state(self) -> Literal["equal", "mended", "unknown"]:
        """Say whether what is shown now is so; mended: it is since that comparison."""
        if self.failed or self.age_seconds is None or self.age_seconds > self.trusted_seconds:
            return "unknown"
        return "mended" if self.differences else "equal"


# ── figures over days ─────────────────────────────────────────────────────────────────────────────────────────────


class MoneyFigures(Reply):
    """What the receipts of one currency come to."""

    currency: str
    used: Amount
    saved: Amount


class DayFigures(Reply):
    """One UTC day."""

    day: Day
    sessions: int
    agents: int = Field(description="Agents spawned for them.")
    gb_seconds: GigabyteSeconds
    gb_seconds_saved: GigabyteSeconds
    prompt_tokens: int = Field(0, description="Read in the turns of its sessions.")
    reply_tokens: int = Field(0, description="Written in them.")
    money: list[MoneyFigures] = Field(default_factory=list, description="Of its ended sessions, by currency.")


class DurationShare(Reply):
    """How many ended sessions took how long: longer than the span before, and at most as long as this one."""

    up_to_seconds: Seconds | None = Field(description="Longest duration counted here; None: any longer one.")
    sessions: int


class RoleFigures(Reply):
    """How much one role was used."""

    role: str
    sessions: int = Field(description="Sessions whose team had it.")
    turns: int = Field(description="Turns it has taken for them.")
    reply_tokens: int


# ── models by hand ────────────────────────────────────────────────────────────────────────────────────────────────


class ModelControlRequest(Request):
    """One model to load, unload, pin or unpin by hand."""

    model: ModelName = Field(description="The model as Ollama names it, such as llama3.1:8b.")
    endpoint: EndpointName | None = Field(None, description="Which Ollama; without it the one that fits the call.")
    wait_s: WaitSeconds = Field(15, description="Real seconds to wait for its end; it goes on afterwards.")


class ModelControlReply(Reply):
    """What became of the model."""

    model: str
    endpoint: str
    state: Literal["resident", "loading", "unloading", "absent"] = Field(description="As /api/ps has confirmed it.")
    pinned: bool = Field(description="It stays resident though no session holds it, until it is unpinned.")
    memory_gb: Gigabytes = Field(description="Measured where resident, else estimated.")
    evicted: list[str] = Field(default_factory=list, description="Idle models that had to leave for it.")
    warnings: list[str] = Field(default_factory=list, description="What a pin costs others.")
    simulated: bool


class RestartAgentRequest(Request):
    """An agent whose process is to be replaced."""

    agent_role: Name = Field(description="A role of list_active_agents.")
    reason: ShortText = Field("", description="Why; kept in the event log.")


class RestartAgentReply(Reply):
    """The agent's new process; a turn that was open is taken again."""

    agent_role: str
    pid: int | None
    restarts: int
    sessions: list[str]


# ── alerts ────────────────────────────────────────────────────────────────────────────────────────────────────────

AlertRule = Literal["memory", "queue_wait", "suspect_host", "crash_loop", "drift", "disk"]


class Alert(Reply):
    """Something that wants somebody's attention."""

    rule: AlertRule
    subject: str = Field(description="What it is about: an endpoint, a role, a folder, or 'system'.")
    message: str = Field(description="What is wrong, with its figure.")
    hint: str = Field(description="What would help.")
    value: float | None = Field(None, description="The figure now.")
    limit: float | None = Field(None, description="The figure from which on it is raised.")
    raised_at: Moment
    cleared_at: Moment | None = Field(None, description="None while it is raised.")


class ListAlertsRequest(Request):
    """Which alerts to list."""

    limit: Count = Field(50, ge=1, le=500, description="At most this many of the past ones.")


class ListAlertsReply(Reply):
    """What is raised now, and what was lately."""

    raised: list[Alert]
    past: list[Alert] = Field(description="Cleared ones, the latest first.")
    rules: list[str] = Field(description="The rules that are on, in words with their limits.")
    webhook: str | None = Field(None, description="The host that is told; None: nobody is.")
    webhook_error: str | None = Field(None, description="Why it could not be told lately.")


__all__ = [
    "Alert",
    "AlertRule",
    "DayFigures",
    "Drift",
    "DurationShare",
    "EndpointName",
    "ListAlertsReply",
    "ListAlertsRequest",
    "ModelControlReply",
    "ModelControlRequest",
    "ModelName",
    "MoneyFigures",
    "QueuedTurn",
    "RestartAgentReply",
    "RestartAgentRequest",
    "RoleFigures",
]
