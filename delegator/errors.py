"""Every error Delegator answers with, as one tree.

    DelegatorError
    ├── InvalidInput            the request itself is wrong: change it
    │   ├── UnknownRole
    │   ├── CatalogueInvalid
    │   ├── SettingsInvalid
    │   ├── RequestTooLarge
    │   ├── UnsupportedMediaType
    │   ├── MethodNotAllowed
    │   ├── HostRefused
    │   └── OriginRefused
    ├── NotFound                nothing of that name exists
    │   ├── SessionNotFound
    │   ├── TaskNotFound
    │   ├── EventNotFound
    │   ├── PlanNotFound
    │   ├── AnalysisVersionNotFound
    │   ├── ModelNotFound
    │   ├── PullNotFound
    │   └── UnknownTool
    ├── WrongState              it exists, but not in a state that allows this
    │   ├── SessionEnded
    │   ├── SessionWaitsForAnswer
    │   ├── QuestionNotAsked
    │   ├── SessionAmbiguous
    │   ├── NoActiveSession
    │   ├── AgentAlreadyActive
    │   ├── AgentNotActive
    │   ├── AgentNotRunning
    │   ├── AgentBusy
    │   ├── AgentLimitReached
    │   ├── ModelInUse
    │   ├── TaskFinished
    │   ├── PlanExpired
    │   └── PlanChanged
    ├── NoCapacity              the machine or a limit is full: retry later, or ask for less
    │   ├── TooManySessions
    │   └── MemoryExceeded
    └── Unavailable             something behind Delegator failed
        ├── SystemNotRunning
        ├── StartFailed
        ├── StoreUnavailable
        ├── OllamaUnavailable
        ├── OllamaRefused
        ├── OllamaBusy
        ├── ModelMissing
        ├── ModelLoadFailed
        ├── PullFailed
        ├── HostSuspect
        ├── ReplyBroken
        ├── AgentLost
        ├── DeadlineExceeded
        ├── CallInterrupted
        ├── InternalError
        └── RemoteError

Bugs stay ordinary Python errors. Every class hands all its arguments, positionally, to `Exception`, so that an error
survives the pickling between actors, and builds its text in `message`. The faces translate by `code`: see
`serve_app/http.py` and `serve_app/mcp.py`. What belongs to no class here is not for a caller to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class DelegatorError(Exception):
    """Base of every error a caller is meant to read.

    `code` is stable and part of the public interface; the wording of `message` and `hint` is not.
    """

    code: ClassVar[str] = "delegator_error"
    hint: ClassVar[str] = ""
    fields: ClassVar[tuple[str, ...]] = ()
    """Names of the positional arguments, in order; each becomes an attribute and a key of `details()`."""

    def __init__(self, *args: Any) -> None:
        """Take the values of `fields`, in that order."""
        super().__init__(*args)
        if len(args) != len(self.fields):
            raise TypeError(f"{type(self).__name__} takes {self.fields}, got {len(args)} arguments")
        for name, value in zip(self.fields, args, strict=True):
            setattr(self, name, value)

    @property
    def message(self) -> str:
        """One sentence: what is wrong."""
        return "; ".join(str(arg) for arg in self.args) or self.code

    @property
    def advice(self) -> str:
        """One sentence: what would be right. Empty when there is nothing to advise."""
        return self.hint

    def details(self) -> dict[str, Any]:
        """Return the facts behind the message, as JSON-ready values."""
        return {name: _plain(value) for name, value in zip(self.fields, self.args, strict=True)}

    def __str__(self) -> str:
        return self.message


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    return str(value)


# ── the request is wrong ──────────────────────────────────────────────────────────────────────────────────────────


class InvalidInput(DelegatorError):
    """A field has the wrong type, is missing, empty, too long, or not allowed."""

    code = "invalid_input"
    fields: ClassVar[tuple[str, ...]] = ("field", "problem", "expected")
    field: str
    problem: str
    expected: str

    @property
    def message(self) -> str:
        return f"{self.field}: {self.problem}" if self.field else self.problem

    @property
    def advice(self) -> str:
        return self.expected


class UnknownRole(InvalidInput):
    """A role that the running catalogue does not have."""

    code = "unknown_role"
    fields = ("role", "known")
    role: str
    known: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"there is no role '{self.role}'"

    @property
    def advice(self) -> str:
        return f"The roles are: {', '.join(self.known)}."


class CatalogueInvalid(InvalidInput):
    """A catalogue file that cannot be used; names the file, the key and the reason."""

    code = "catalogue_invalid"
    fields = ("file", "key", "reason")
    file: str
    key: str
    reason: str

    @property
    def message(self) -> str:
        return f"{self.file}: {self.key}: {self.reason}" if self.key else f"{self.file}: {self.reason}"

    @property
    def advice(self) -> str:
        mend = "Mend that key" if self.key else "Give a catalogue that can be read"
        return f"{mend}, or choose one of the shipped catalogues: echo, compact, single."


class SettingsInvalid(InvalidInput):
    """A setting, from the environment, `delegator.toml` or an option, that cannot be used."""

    code = "settings_invalid"
    fields = ("key", "value", "problem", "expected")
    key: str
    value: str
    problem: str
    expected: str

    @property
    def message(self) -> str:
        shown = f" = {self.value!r}" if self.value else ""
        return f"setting {self.key}{shown}: {self.problem}"

    @property
    def advice(self) -> str:
        return self.expected


class RequestTooLarge(InvalidInput):
    """The body of a request has more bytes than any operation needs."""

    code = "payload_too_large"
    fields = ("limit_bytes",)
    limit_bytes: int

    @property
    def message(self) -> str:
        return f"the body is larger than {self.limit_bytes} bytes"

    @property
    def advice(self) -> str:
        return "Send less; a task or a message has at most 20,000 characters."


class UnsupportedMediaType(InvalidInput):
    """The body of a request is not declared as JSON."""

    code = "unsupported_media_type"
    hint = "Send the header Content-Type: application/json."
    fields = ("content_type",)
    content_type: str

    @property
    def message(self) -> str:
        return f"a body of type '{self.content_type}' is not taken" if self.content_type else "the body has no type"

    @property
    def advice(self) -> str:
        return self.hint


class MethodNotAllowed(InvalidInput):
    """The path exists, but not with this HTTP method."""

    code = "method_not_allowed"
    fields = ("method", "path", "allowed")
    method: str
    path: str
    allowed: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"{self.path} does not take {self.method}"

    @property
    def advice(self) -> str:
        return f"It takes: {', '.join(self.allowed)}."


class HostRefused(InvalidInput):
    """The Host header names somebody this server is not, as in a DNS rebinding attack."""

    code = "host_refused"
    hint = "Use the address that delegator up printed."
    fields = ("host",)
    host: str

    @property
    def message(self) -> str:
        return f"this server is not '{self.host}'"

    @property
    def advice(self) -> str:
        return self.hint


class OriginRefused(InvalidInput):
    """A page of another origin sent the request."""

    code = "origin_refused"
    hint = "Only pages of this server itself may call it."
    fields = ("origin",)
    origin: str

    @property
    def message(self) -> str:
        return f"a page of '{self.origin}' may not call this server"

    @property
    def advice(self) -> str:
        return self.hint


# ── nothing of that name ──────────────────────────────────────────────────────────────────────────────────────────


class NotFound(DelegatorError):
    """Something asked for by name that does not exist."""

    code = "not_found"
    fields: ClassVar[tuple[str, ...]] = ("what",)
    what: str

    @property
    def message(self) -> str:
        return f"there is no {self.what}"


class SessionNotFound(NotFound):
    """No session, open or ended, has this id."""

    code = "session_not_found"
    hint = "list_active_sessions shows the open sessions, session_history the ended ones."
    fields = ("session_id",)
    session_id: str

    @property
    def message(self) -> str:
        return f"there is no session '{self.session_id}'"


class TaskNotFound(NotFound):
    """No task has this id."""

    code = "task_not_found"
    hint = "get_session lists the tasks of a session."
    fields = ("task_id",)
    task_id: str

    @property
    def message(self) -> str:
        return f"there is no task '{self.task_id}'"


class EventNotFound(NotFound):
    """A caller wants to go on after an event id that the log never gave out."""

    code = "event_not_found"
    hint = "Start again without `after`."
    fields = ("event_id",)
    event_id: int

    @property
    def message(self) -> str:
        return f"there is no event {self.event_id}"


class ModelNotFound(NotFound):
    """No model of this name is where it was looked for: in Ollama's registry, or on the disk of an endpoint."""

    code = "model_not_found"
    hint = "Check the name and its tag; list_models shows what is installed and what the roles use."
    fields = ("model", "where")
    model: str
    where: str

    @property
    def message(self) -> str:
        return f"there is no model '{self.model}' {self.where}"


class PullNotFound(NotFound):
    """Nobody has pulled this model lately, so there is no download to look at or to cancel."""

    code = "pull_not_found"
    hint = "pull_model starts one; list_models shows those under way."
    fields = ("model",)
    model: str

    @property
    def message(self) -> str:
        return f"there is no download of '{self.model}'"


class PlanNotFound(NotFound):
    """No plan has this id; plans are forgotten some time after they have expired."""

    code = "plan_not_found"
    hint = "Make a plan with plan_session, or create the session from the task itself."
    fields = ("plan_id",)
    plan_id: str

    @property
    def message(self) -> str:
        return f"there is no plan '{self.plan_id}'"


class AnalysisVersionNotFound(NotFound):
    """No learned version of the analysis has this number."""

    code = "analysis_version_not_found"
    hint = "list_analysis_versions shows the versions there are."
    fields = ("version",)
    version: int

    @property
    def message(self) -> str:
        return f"there is no version {self.version} of the analysis"


class UnknownTool(NotFound):
    """No MCP tool has this name."""

    code = "unknown_tool"
    fields = ("tool", "near")
    tool: str
    near: str
    """The tool that was probably meant; empty when none is near."""

    @property
    def message(self) -> str:
        return f"there is no tool '{self.tool}'"

    @property
    def advice(self) -> str:
        return f"Did you mean {self.near}?" if self.near else "tools/list shows what there is."


# ── wrong state ───────────────────────────────────────────────────────────────────────────────────────────────────


class WrongState(DelegatorError):
    """The thing exists, but what was asked does not go with its present state."""

    code = "wrong_state"
    fields: ClassVar[tuple[str, ...]] = ("problem",)
    problem: str


class SessionEnded(WrongState):
    """The session is completed or failed; it takes no more work."""

    code = "session_ended"
    hint = "Create a new session; get_session and get_receipt still answer for the old one."
    fields = ("session_id", "status")
    session_id: str
    status: str

    @property
    def message(self) -> str:
        return f"session '{self.session_id}' is {self.status}"


class SessionWaitsForAnswer(WrongState):
    """The session has asked a question; until it is answered there is no team that could work."""

    code = "session_waits_for_answer"
    hint = "Answer it with answer_question; get_session shows its options."
    fields = ("session_id", "question")
    session_id: str
    question: str

    @property
    def message(self) -> str:
        return f"session '{self.session_id}' waits for an answer: {self.question}"


class QuestionNotAsked(WrongState):
    """The session asks nothing, or its question has just been answered."""

    code = "question_not_asked"
    hint = "get_session shows how it stands; it takes work with delegate_task."
    fields = ("session_id",)
    session_id: str

    @property
    def message(self) -> str:
        return f"session '{self.session_id}' asks nothing"


class SessionAmbiguous(WrongState):
    """No session id was given and several sessions are open."""

    code = "session_ambiguous"
    fields = ("session_ids",)
    session_ids: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"{len(self.session_ids)} sessions are open and no session_id was given"

    @property
    def advice(self) -> str:
        return f"Give the session_id of one of: {', '.join(self.session_ids)}."


class NoActiveSession(WrongState):
    """No session id was given and no session is open."""

    code = "no_active_session"
    hint = "Create one with create_session."
    fields = ()

    @property
    def message(self) -> str:
        return "no session is open"


class AgentAlreadyActive(WrongState):
    """The role is in the session's team already."""

    code = "agent_already_active"
    hint = "Send it a message, or add another role."
    fields = ("session_id", "role")
    session_id: str
    role: str

    @property
    def message(self) -> str:
        return f"{self.role} is already active in session '{self.session_id}'"


class AgentNotActive(WrongState):
    """The role exists but is not in the session's team."""

    code = "agent_not_active"
    fields = ("session_id", "role", "suggest_spawn")
    session_id: str
    role: str
    suggest_spawn: str

    @property
    def message(self) -> str:
        return f"{self.role} is not active in session '{self.session_id}'"

    @property
    def advice(self) -> str:
        return f"get_session shows the team; add_agent_to_session with agent_role '{self.suggest_spawn}' takes it in."


class AgentNotRunning(WrongState):
    """The role exists but has no agent: no open session has it in its team."""

    code = "agent_not_running"
    fields = ("role", "running")
    role: str
    running: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"no agent of {self.role} is running"

    @property
    def advice(self) -> str:
        return f"Running are: {', '.join(self.running)}." if self.running else "No agent is running now."


class AgentBusy(WrongState):
    """The role still has a turn to take in a running task."""

    code = "agent_busy"
    hint = "Wait for the task (get_task) or cancel it (cancel_task), then try again."
    fields = ("session_id", "role", "task_id")
    session_id: str
    role: str
    task_id: str

    @property
    def message(self) -> str:
        return f"{self.role} still works on task '{self.task_id}'"


class AgentLimitReached(WrongState):
    """One more agent would exceed the team limit of the session's complexity."""

    code = "agent_limit_reached"
    hint = "Remove a role first, or create the session with context that justifies a larger team, such as a deadline."
    fields = ("session_id", "limit")
    session_id: str
    limit: int

    @property
    def message(self) -> str:
        return f"session '{self.session_id}' already has the {self.limit} agents that its complexity allows"


class ModelInUse(WrongState):
    """A model cannot be removed: somebody holds it, works on it or is just fetching it."""

    code = "model_in_use"
    hint = "End the sessions that use it (end_session), or wait for what goes on, then try again."
    fields = ("endpoint", "model", "problem")
    endpoint: str
    model: str
    problem: str

    @property
    def message(self) -> str:
        return f"the model '{self.model}' on {self.endpoint} stays: {self.problem}"


class TaskFinished(WrongState):
    """The task has come to its end; it can no longer be changed."""

    code = "task_finished"
    hint = "get_task still shows its result."
    fields = ("task_id", "status")
    task_id: str
    status: str

    @property
    def message(self) -> str:
        return f"task '{self.task_id}' is already {self.status}"


class PlanExpired(WrongState):
    """The plan was made too long ago to be applied."""

    code = "plan_expired"
    hint = "Make a new one with plan_session."
    fields = ("plan_id", "expired_at")
    plan_id: str
    expired_at: str

    @property
    def message(self) -> str:
        return f"plan '{self.plan_id}' has expired at {self.expired_at}"


class PlanChanged(WrongState):
    """The world has changed so that the plan cannot be applied as it was told."""

    code = "plan_changed"
    fields = ("plan_id", "differences", "new_plan_id")
    plan_id: str
    differences: tuple[str, ...]
    new_plan_id: str
    """A fresh plan for the same task."""

    @property
    def message(self) -> str:
        return f"plan '{self.plan_id}' cannot be applied any more: {' '.join(self.differences)}"

    @property
    def advice(self) -> str:
        return f"Apply the fresh plan '{self.new_plan_id}', or repeat with accept_changes."


# ── no capacity ───────────────────────────────────────────────────────────────────────────────────────────────────


class NoCapacity(DelegatorError):
    """A limit is reached; the same request may succeed later or in a smaller form."""

    code = "no_capacity"
    fields: ClassVar[tuple[str, ...]] = ("problem",)
    problem: str


class TooManySessions(NoCapacity):
    """As many sessions are open as `max_concurrent_sessions` allows."""

    code = "too_many_sessions"
    fields = ("limit",)
    limit: int

    @property
    def message(self) -> str:
        return f"{self.limit} sessions are open, which is the limit"

    @property
    def advice(self) -> str:
        return "End one (end_session), or raise max_concurrent_sessions."


class MemoryExceeded(NoCapacity):
    """A model, or a team, does not fit the memory that the machine, or the largest session limit, has for models."""

    code = "memory_exceeded"
    fields = ("model", "needed_gb", "capacity_gb", "would_fit")
    model: str
    needed_gb: float
    capacity_gb: float
    would_fit: tuple[str, ...]
    """What could be had instead, a sentence each; empty when it is not known."""

    def __init__(self, model: str, needed_gb: float, capacity_gb: float, would_fit: tuple[str, ...] = ()) -> None:
        super().__init__(model, needed_gb, capacity_gb, would_fit)

    @property
    def message(self) -> str:
        return f"{self.model} needs {self.needed_gb:.1f} GB and {self.capacity_gb:.1f} GB are there for models"

    @property
    def advice(self) -> str:
        general = "Use a smaller catalogue (--catalogue compact or single), or give more memory (--memory)."
        return f"What would fit: {' '.join(self.would_fit)} Or: {general}" if self.would_fit else general


# ── something behind Delegator failed ─────────────────────────────────────────────────────────────────────────────


class Unavailable(DelegatorError):
    """A part that Delegator needs did not do its work."""

    code = "unavailable"
    fields: ClassVar[tuple[str, ...]] = ("problem",)
    problem: str


class SystemNotRunning(Unavailable):
    """A command needs the running system and none answers."""

    code = "system_not_running"
    hint = "Start it with: delegator up"
    fields = ("address",)
    address: str

    @property
    def message(self) -> str:
        return f"Delegator does not answer at {self.address}"


class StartFailed(Unavailable):
    """A part of the system could not be started."""

    code = "start_failed"
    fields = ("part", "problem", "expected")
    part: str
    problem: str
    expected: str

    @property
    def message(self) -> str:
        return f"{self.part} did not start: {self.problem}"

    @property
    def advice(self) -> str:
        return self.expected


class StoreUnavailable(Unavailable):
    """PostgreSQL cannot be reached, refused, or its disk is full."""

    code = "store_unavailable"
    hint = "Check that PostgreSQL runs (delegator doctor) and that its disk has room."
    fields = ("problem",)
    problem: str

    @property
    def message(self) -> str:
        return f"the database does not answer: {self.problem}"


class OllamaUnavailable(Unavailable):
    """No Ollama answers at the endpoint, or the connection broke before a reply."""

    code = "ollama_unavailable"
    hint = "Start Ollama (ollama serve), or run on simulated models: delegator up --models simulated"
    fields = ("endpoint", "problem")
    endpoint: str
    problem: str

    @property
    def message(self) -> str:
        return f"Ollama at {self.endpoint} does not answer: {self.problem}"


class OllamaRefused(Unavailable):
    """Ollama understood the request and will never accept it (a 4xx that a retry cannot cure)."""

    code = "ollama_refused"
    fields = ("endpoint", "status", "problem")
    endpoint: str
    status: int
    problem: str

    @property
    def message(self) -> str:
        return f"Ollama at {self.endpoint} refused ({self.status}): {self.problem}"


class OllamaBusy(Unavailable):
    """Ollama's queue is full (503): back off and try again."""

    code = "ollama_busy"
    hint = "Try again in a few seconds."
    fields = ("endpoint", "problem")
    endpoint: str
    problem: str

    @property
    def message(self) -> str:
        return f"Ollama at {self.endpoint} is busy: {self.problem}"


class ModelMissing(Unavailable):
    """The model is not on the endpoint's disk and no fallback is either."""

    code = "model_missing"
    fields = ("endpoint", "model")
    endpoint: str
    model: str

    @property
    def message(self) -> str:
        return f"the model '{self.model}' is not on {self.endpoint}"

    @property
    def advice(self) -> str:
        return f"Fetch it with: delegator models pull {self.model}"


class ModelLoadFailed(Unavailable):
    """Ollama could not bring the model into memory."""

    code = "model_load_failed"
    hint = "Look at Ollama's log; a smaller model or fewer roles may fit."
    fields = ("endpoint", "model", "problem")
    endpoint: str
    model: str
    problem: str

    @property
    def message(self) -> str:
        return f"the model '{self.model}' could not be loaded on {self.endpoint}: {self.problem}"


class PullFailed(Unavailable):
    """A model could not be fetched: the registry or the disk failed, or the download ended before its success."""

    code = "pull_failed"
    hint = "Pull it again: what has come so far is kept, and the download goes on from there."
    fields = ("endpoint", "model", "problem")
    endpoint: str
    model: str
    problem: str

    @property
    def message(self) -> str:
        return f"the model '{self.model}' could not be fetched on {self.endpoint}: {self.problem}"


class HostSuspect(Unavailable):
    """An Ollama answers questions but does not come to an end with its work, and no other endpoint can do it."""

    code = "host_suspect"
    hint = (
        "Restart that Ollama (on Linux: systemctl restart ollama): its scheduler can deadlock while it looks healthy, "
        "see issue 17408 of ollama/ollama. Delegator then uses it again."
    )
    fields = ("endpoint", "problem")
    endpoint: str
    problem: str

    @property
    def message(self) -> str:
        return f"Ollama at {self.endpoint} may be stuck: {self.problem}"


class ReplyBroken(Unavailable):
    """A reply stream broke off: an error line, a cut line, or no closing `done`."""

    code = "reply_broken"
    fields = ("endpoint", "model", "problem")
    endpoint: str
    model: str
    problem: str

    @property
    def message(self) -> str:
        return f"the reply of '{self.model}' on {self.endpoint} broke off: {self.problem}"


class AgentLost(Unavailable):
    """An agent's process died again and again while it took one turn."""

    code = "agent_lost"
    hint = "Try the task again; delegator status shows the agents."
    fields = ("role", "attempts", "problem")
    role: str
    attempts: int
    problem: str

    @property
    def message(self) -> str:
        return f"{self.role} was lost {self.attempts} times in one turn: {self.problem}"


class DeadlineExceeded(Unavailable):
    """A wait came to its deadline."""

    code = "deadline_exceeded"
    fields = ("what", "seconds")
    what: str
    seconds: float

    @property
    def message(self) -> str:
        return f"{self.what} took longer than {self.seconds:g} s"


class CallInterrupted(Unavailable):
    """The part that did a change went down during it; whether it was done is not known."""

    code = "call_interrupted"
    hint = "Look whether it was done (list_active_sessions, get_session) before trying again."
    fields = ("operation",)
    operation: str

    @property
    def message(self) -> str:
        return f"Delegator restarted during {self.operation}"


class InternalError(Unavailable):
    """Delegator itself has a bug; the log has the story under the incident's id."""

    code = "internal_error"
    hint = "Look for the incident in Delegator's log and report it."
    fields = ("incident",)
    incident: str

    @property
    def message(self) -> str:
        return f"something went wrong inside Delegator (incident {self.incident})"


class RemoteError(Unavailable):
    """Something answers at the address, but not as this version of Delegator does."""

    code = "remote_error"
    hint = "Check that the address is that of a Delegator of this version (delegator status)."
    fields = ("address", "status", "problem")
    address: str
    status: int
    problem: str

    @property
    def message(self) -> str:
        return f"{self.address} answered {self.status}: {self.problem}"


def all_error_types() -> list[type[DelegatorError]]:
    """Return every class of the tree, base first, each once; not those that Ray makes of them on their way."""
    found: list[type[DelegatorError]] = [DelegatorError]
    for cls in found:
        found.extend(sub for sub in cls.__subclasses__() if sub not in found and sub.__module__ == __name__)
    return found
