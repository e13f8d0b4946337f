"""THE table of operations: HTTP routes, MCP tools, the client and CLI commands are made from it, so they cannot drift.

Owns each operation's name, words, place, shapes and nature; no rule and no transport. Descriptions are read by
language models choosing a tool as much as by people: what it does, when to use it, what to call next.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from delegator import schemas as s
from serve_app import short_names
from serve_app.backend import Backend

Method = Literal["GET", "POST", "DELETE"]
Face = Literal["http", "mcp", "cli"]
Handler = Callable[[Backend, Any], Awaitable[s.Reply]]

EVERYWHERE: frozenset[Face] = frozenset({"http", "mcp", "cli"})
MCP_ONLY: frozenset[Face] = frozenset({"mcp"})

CURRENT = "current"
"""Stands in a path for an optional field that is not given: DELETE /v1/sessions/current ends the only open session."""

_SESSION = "session_20251112_143022_84329"
_TASK = "task_20251112_143101_10077"
_TASK_REQUEST = {
    "task_description": "Implement user authentication",
    "context": {"priority": "high", "deadline": "2025-12-01", "existing_code": "apps/auth/"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing Delegator can be asked to do.

    Attributes:
        name: the MCP tool, the client method, and by default the method of the backend.
        method, path: its HTTP route. GET and DELETE fill the request from path and query, POST from path and JSON
            body; every `{name}` of the path is a field of the request. None and empty for rows without HTTP.
        scope: what a token must allow to use it.
        read_only: changes nothing.
        destructive: takes something away that a repeat does not bring back.
        idempotent: repeating it changes nothing more, so that a lost answer may be asked for again.
        topic: the heading it stands under in lists and descriptions.
        example: values of a request, as JSON, that show its use.
        handler: answers instead of the backend's method of the same name.
        control: acts by hand on what runs; each use of it is an event that says who used it.
    """

    name: str
    title: str
    description: str
    method: Method | None
    path: str
    request: type[s.Request]
    reply: type[s.Reply]
    scope: Literal["read", "write"] = "read"
    destructive: bool = False
    idempotent: bool = True
    faces: frozenset[Face] = EVERYWHERE
    topic: str
    example: Mapping[str, Any] = field(default_factory=dict)
    handler: Handler | None = None
    control: bool = False

    @property
    def read_only(self) -> bool:
        """True when it changes nothing: exactly what the scope `read` allows."""
        return self.scope == "read"

    @property
    def path_fields(self) -> tuple[str, ...]:
        """The fields of the request that stand in the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def field_names(self) -> list[str]:
        """The fields of the request as callers write them."""
        return [field.alias or name for name, field in self.request.model_fields.items()]

    async def run(self, backend: Backend, request: s.Request) -> s.Reply:
        """Answer `request`, which is of this operation's request model, through `backend`."""
        if self.handler is not None:
            return await self.handler(backend, request)
        reply: s.Reply = await getattr(backend, self.name)(request)
        return reply


OPERATIONS: tuple[Operation, ...] = (
    # Look before you start.
    Operation(
        name="analyze_task",
        title="Analyze a task",
        description=(
            "Read a task in plain words and say what it is: type, category, complexity, the roles it needs and why, "
            "time and memory. Starts nothing. Use create_session when you want the team itself."
        ),
        method="POST",
        path="/v1/analyze",
        request=s.AnalyzeTaskRequest,
        reply=s.TaskAnalysis,
        topic="Analysis",
        example={"task_description": "Fix typo in README"},
    ),
    Operation(
        name="plan_session",
        title="Plan a session",
        description=(
            "Show what create_session would do right now, without doing it: which models would be loaded, reused or "
            "evicted, what is done where the team does not fit, the memory, seconds and money it takes. "
            "create_session with the plan_id applies exactly that."
        ),
        method="POST",
        path="/v1/plan",
        request=s.PlanSessionRequest,
        reply=s.PlanSessionReply,
        topic="Analysis",
        example=_TASK_REQUEST,
    ),
    Operation(
        name="evaluate_analysis",
        title="Evaluate the analysis",
        description=(
            "How the reading of tasks does on what history says (roles added or removed by hand, feedback, roles "
            "nobody listened to), and what retraining from it would change: figures on lessons held out, texts that "
            "would be read otherwise, other texts. Changes nothing; takes some seconds."
        ),
        method="GET",
        path="/v1/analysis/evaluation",
        request=s.NoInput,
        reply=s.AnalysisEvaluation,
        topic="Analysis",
    ),
    Operation(
        name="retrain_analysis",
        title="Retrain the analysis",
        description=(
            "Learn from history how to read tasks. Without apply it only shows what would change. With apply the "
            "correction is stored beside the shipped weights as a new version and used from now on, unless it would "
            "read worse; reset_analysis goes back."
        ),
        method="POST",
        path="/v1/analysis/retrain",
        request=s.RetrainAnalysisRequest,
        reply=s.RetrainAnalysisReply,
        topic="Analysis",
        example={"apply": False},
        scope="write",
    ),
    Operation(
        name="reset_analysis",
        title="Reset the analysis",
        description=(
            "Read tasks by the shipped weights alone again, or by an earlier version of what was learned. Lessons and "
            "versions are kept."
        ),
        method="POST",
        path="/v1/analysis/reset",
        request=s.ResetAnalysisRequest,
        reply=s.ResetAnalysisReply,
        topic="Analysis",
        example={"to": 1},
        scope="write",
        control=True,
    ),
    Operation(
        name="list_analysis_versions",
        title="List what was learned",
        description="The versions of what was learned from history, newest first: which is in use, what each improved.",
        method="GET",
        path="/v1/analysis/versions",
        request=s.NoInput,
        reply=s.ListAnalysisVersionsReply,
        topic="Analysis",
    ),
    # A session's life.
    Operation(
        name="create_session",
        title="Create a session",
        description=(
            "Analyze a task, start only the role agents it needs, and load their models. Returns the session_id that "
            "the other tools take. With status 'starting' poll get_session until it is 'active'. Then use "
            "delegate_task to let the team work, and end_session when done: it frees the memory. With ask an unsure "
            "analysis answers 'needs_input' and a question instead: put it to the user, then answer_question."
        ),
        method="POST",
        path="/v1/sessions",
        request=s.CreateSessionRequest,
        reply=s.CreateSessionReply,
        topic="Sessions",
        example=_TASK_REQUEST,
        scope="write",
        idempotent=False,
    ),
    Operation(
        name="answer_question",
        title="Answer a session's question",
        description=(
            "Tell a session that create_session left with status 'needs_input' what is meant: one of its question's "
            "options, any other task type, or yes for the first option. It then starts its team and answers as "
            "create_session does. Question and options stand in get_session, too."
        ),
        method="POST",
        path="/v1/sessions/{session_id}/answer",
        request=s.AnswerQuestionRequest,
        reply=s.CreateSessionReply,
        topic="Sessions",
        example={"session_id": _SESSION, "answer": "feature_development"},
        scope="write",
        idempotent=False,
        control=True,
    ),
    Operation(
        name="get_session",
        title="Show a session",
        description="Everything about one session, open or ended: status, team, models, tasks, analysis and limits.",
        method="GET",
        path="/v1/sessions/{session_id}",
        request=s.SessionRef,
        reply=s.SessionView,
        topic="Sessions",
        example={"session_id": _SESSION},
    ),
    Operation(
        name="list_active_sessions",
        title="List active sessions",
        description="All open sessions, newest first, each with its id, task, team and uptime.",
        method="GET",
        path="/v1/sessions",
        request=s.NoInput,
        reply=s.ListActiveSessionsReply,
        topic="Sessions",
    ),
    Operation(
        name="end_session",
        title="End a session",
        description=(
            "End a session: stop its agents, unload the models that no other session holds, and return the receipt of "
            "what was used and saved. A running task is cancelled. Without session_id the only open session is meant."
        ),
        method="DELETE",
        path="/v1/sessions/{session_id}",
        request=s.OptionalSessionRef,
        reply=s.EndSessionReply,
        topic="Sessions",
        example={"session_id": _SESSION},
        scope="write",
        destructive=True,
        control=True,
    ),
    Operation(
        name="get_receipt",
        title="Show the receipt",
        description=(
            "What a session has used (peak GB, GB-seconds, tokens, loads, electricity, money) against all roles of the "
            "catalogue kept in memory for as long. Final once the session has ended. With its `basis` and list_events "
            "anybody can recompute it."
        ),
        method="GET",
        path="/v1/sessions/{session_id}/receipt",
        request=s.SessionRef,
        reply=s.Receipt,
        topic="Sessions",
        example={"session_id": _SESSION},
    ),
    Operation(
        name="give_feedback",
        title="Give feedback",
        description=(
            "Say how well a session's task was read: a rating, the type it really was, roles that were missing or "
            "needless, a comment. For open and ended sessions. Recorded as a lesson; retrain_analysis learns from it."
        ),
        method="POST",
        path="/v1/sessions/{session_id}/feedback",
        request=s.GiveFeedbackRequest,
        reply=s.GiveFeedbackReply,
        topic="Sessions",
        example={"session_id": _SESSION, "rating": 2, "right_type": "operations", "missing_roles": ["cto"]},
        scope="write",
        idempotent=False,
    ),
    # Its team.
    Operation(
        name="add_agent_to_session",
        title="Add an agent",
        description=(
            "Take one more role into a running session and load its model. Use it when the work turns out to need "
            "someone who is not in the team; list_roles says who there is."
        ),
        method="POST",
        path="/v1/sessions/{session_id}/agents",
        request=s.AddAgentRequest,
        reply=s.AddAgentReply,
        topic="Agents",
        example={"session_id": _SESSION, "agent_role": "ceo", "reason": "Need strategic approval for approach"},
        scope="write",
        idempotent=False,
        control=True,
    ),
    Operation(
        name="remove_agent_from_session",
        title="Remove an agent",
        description="Dismiss a role from a running session and free its model if nobody else holds it.",
        method="DELETE",
        path="/v1/sessions/{session_id}/agents/{agent_role}",
        request=s.RemoveAgentRequest,
        reply=s.RemoveAgentReply,
        topic="Agents",
        example={"session_id": _SESSION, "agent_role": "test_lead", "reason": "Testing completed"},
        scope="write",
        destructive=True,
        control=True,
    ),
    Operation(
        name="list_active_agents",
        title="List active agents",
        description=(
            "The running agents of a session by rank: model, memory, uptime, sessions they serve. Without session_id "
            "the only open session is meant; all_sessions lists those of every session."
        ),
        method="GET",
        path="/v1/agents",
        request=s.ListAgentsRequest,
        reply=s.ListActiveAgentsReply,
        topic="Agents",
        example={"session_id": _SESSION},
    ),
    Operation(
        name="restart_agent",
        title="Restart an agent",
        description=(
            "Replace the process of a running agent, for instance when it answers no more. Its sessions keep it; a "
            "turn that was open is taken again. list_active_agents shows who runs."
        ),
        method="POST",
        path="/v1/agents/restart",
        request=s.RestartAgentRequest,
        reply=s.RestartAgentReply,
        topic="Agents",
        example={"agent_role": "test_lead", "reason": "It does not answer"},
        scope="write",
        destructive=True,
        idempotent=False,
        control=True,
    ),
    # Work.
    Operation(
        name="delegate_task",
        title="Delegate a task to the team",
        description=(
            "Let the team of a session work: the most senior role frames the task, the others contribute in turn, the "
            "most senior concludes. Answers at once with a task_id; poll get_task with wait_s up to 20 until its "
            "status is completed. Without `task` the session's own task is meant."
        ),
        method="POST",
        path="/v1/sessions/{session_id}/tasks",
        request=s.DelegateTaskRequest,
        reply=s.TaskView,
        topic="Work",
        example={"session_id": _SESSION, "task": "Write the acceptance criteria"},
        scope="write",
        idempotent=False,
    ),
    Operation(
        name="get_task",
        title="Show a task",
        description=(
            "A task's status, what each role has said so far, and the answer once it is completed. wait_s (at most 20) "
            "waits for its end and answers earlier if it comes earlier; call again while it runs."
        ),
        method="GET",
        path="/v1/tasks/{task_id}",
        request=s.GetTaskRequest,
        reply=s.TaskView,
        topic="Work",
        example={"task_id": _TASK, "wait_s": 20},
    ),
    Operation(
        name="cancel_task",
        title="Cancel a task",
        description="Stop a queued or running task; its turns so far stay readable and the session stays open.",
        method="POST",
        path="/v1/tasks/{task_id}/cancel",
        request=s.TaskRef,
        reply=s.TaskView,
        topic="Work",
        example={"task_id": _TASK},
        scope="write",
        destructive=True,
        control=True,
    ),
    Operation(
        name="send_message",
        title="Send a message to an agent",
        description=(
            "Say something to one active role of a session and get its reply. If the status is not completed, the "
            "reply will be under get_task with the returned task_id. A role that is not active is an error "
            "agent_not_active that suggests adding it."
        ),
        method="POST",
        path="/v1/sessions/{session_id}/messages",
        request=s.SendMessageRequest,
        reply=s.SendMessageReply,
        topic="Work",
        example={
            "session_id": _SESSION,
            "from": "user",
            "to": "senior_developer",
            "text": "Which files would you touch first?",
        },
        scope="write",
        idempotent=False,
    ),
    # Models.
    Operation(
        name="list_models",
        title="List the models",
        description=(
            "The models on every Ollama's disk and those of the catalogue that are on none: size, which roles use "
            "them, what is in memory, what cannot be loaded and why, downloads under way. `needed` marks what "
            "pull_model should fetch for the roles."
        ),
        method="GET",
        path="/v1/models",
        request=s.NoInput,
        reply=s.ListModelsReply,
        topic="Models",
    ),
    Operation(
        name="pull_model",
        title="Fetch a model",
        description=(
            "Download a model onto an Ollama's disk, or join its download. Answers after wait_s at most; while the "
            "status is running call get_pull with wait_s up to 20. A download that was cut off goes on where it was. "
            "An unknown model is an error model_not_found."
        ),
        method="POST",
        path="/v1/models/pull",
        request=s.PullModelRequest,
        reply=s.Pull,
        topic="Models",
        example={"model": "qwen3:8b"},
        scope="write",
        control=True,
    ),
    Operation(
        name="get_pull",
        title="Show a download",
        description=(
            "How far the download of a model is, or how the latest ended. wait_s (at most 20) waits for its end and "
            "answers earlier if it comes earlier; call again while it runs."
        ),
        method="GET",
        path="/v1/models/pull",
        request=s.GetPullRequest,
        reply=s.Pull,
        topic="Models",
        example={"model": "qwen3:8b", "wait_s": 20},
    ),
    Operation(
        name="cancel_pull",
        title="Cancel a download",
        description="Stop the download of a model. What has come is kept: pull_model goes on from there.",
        method="POST",
        path="/v1/models/pull/cancel",
        request=s.ModelRef,
        reply=s.Pull,
        topic="Models",
        example={"model": "qwen3:8b"},
        scope="write",
        control=True,
    ),
    Operation(
        name="remove_model",
        title="Remove a model",
        description=(
            "Delete a model from an Ollama's disk, unloading it first. Refused with model_in_use while an open session "
            "uses it, a turn runs on it, or another program has loaded it."
        ),
        method="DELETE",
        path="/v1/models",
        request=s.ModelRef,
        reply=s.RemoveModelReply,
        topic="Models",
        example={"model": "codellama:13b"},
        scope="write",
        destructive=True,
        idempotent=False,
        control=True,
    ),
    Operation(
        name="load_model",
        title="Load a model",
        description=(
            "Bring a model that is on an Ollama's disk into memory. Only idle models that are not pinned leave for it "
            "(`evicted`); no_capacity says what holds the memory. It stays for a while unless a session takes it: pin "
            "it to keep it. While the state is loading, call again."
        ),
        method="POST",
        path="/v1/models/load",
        request=s.ModelControlRequest,
        reply=s.ModelControlReply,
        topic="Models",
        example={"model": "qwen3:8b"},
        scope="write",
        control=True,
    ),
    Operation(
        name="unload_model",
        title="Unload a model",
        description=(
            "Take an idle model out of memory, confirmed by Ollama. Sessions that hold it get it back with their next "
            "turn. Refused with model_in_use while a turn runs on it or waits for it, it is pinned, or another program "
            "has loaded it. While the state is unloading, call again."
        ),
        method="POST",
        path="/v1/models/unload",
        request=s.ModelControlRequest,
        reply=s.ModelControlReply,
        topic="Models",
        example={"model": "qwen3:8b"},
        scope="write",
        control=True,
    ),
    Operation(
        name="pin_model",
        title="Pin a model",
        description=(
            "Keep a model in memory, loading it first, whoever needs room, also over restarts, until unpin_model. "
            "Refused with no_capacity where a model of an open session would find no room beside what is pinned; "
            "`warnings` name roles that would. While the state is loading, call again."
        ),
        method="POST",
        path="/v1/models/pin",
        request=s.ModelControlRequest,
        reply=s.ModelControlReply,
        topic="Models",
        example={"model": "qwen3:8b"},
        scope="write",
        control=True,
    ),
    Operation(
        name="unpin_model",
        title="Unpin a model",
        description=(
            "Give a pinned model back to the usual rules: where no session needs it, it leaves memory at once. A model "
            "that is not pinned is left as it is."
        ),
        method="POST",
        path="/v1/models/unpin",
        request=s.ModelControlRequest,
        reply=s.ModelControlReply,
        topic="Models",
        example={"model": "qwen3:8b"},
        scope="write",
        control=True,
    ),
    Operation(
        name="fit_models",
        title="Fit the roles to the machine",
        description=(
            "Which roles fit the memory of each Ollama: beside the others, alone, only with another model, or not at "
            "all; the largest team that fits at one time; and the catalogue that suits the machine. memory_gb and "
            "catalogue try another machine or catalogue."
        ),
        method="GET",
        path="/v1/models/fit",
        request=s.FitModelsRequest,
        reply=s.FitModelsReply,
        topic="Models",
        example={"memory_gb": 24},
    ),
    # The record, and what is there.
    Operation(
        name="session_history",
        title="Browse past sessions",
        description=(
            "Sessions, open ones too, in pages: of one UTC day, a range or all days, of a category or status, with a "
            "text in their task or id. Sorted by start, duration, agents, category, status, GB-seconds used or saved; "
            "without wishes the newest first, 50 a page. total_sessions counts all that fit."
        ),
        method="GET",
        path="/v1/history",
        request=s.SessionHistoryRequest,
        reply=s.SessionHistoryReply,
        topic="System",
        example={"from": "2025-11-01", "to": "2025-11-12", "category": "hr", "sort": "saved", "page": 1},
    ),
    Operation(
        name="statistics",
        title="Show statistics",
        description=(
            "Figures over the sessions of a range of UTC days, by default today: how many, how many agents each, by "
            "day, category, role and duration, how they ended, turns, tokens, loads and swaps, how often a model was "
            "in memory when its turn came, and GB-seconds and money used and saved."
        ),
        method="GET",
        path="/v1/statistics",
        request=s.StatisticsRequest,
        reply=s.StatisticsReply,
        topic="System",
        example={"from": "2025-11-01", "to": "2025-11-12"},
    ),
    Operation(
        name="resource_summary",
        title="Show resources in use",
        description=(
            "What runs and is in memory now: agents, sessions, each resident model as measured, capacity, load, and "
            "what is saved against all roles resident."
        ),
        method="GET",
        path="/v1/resources",
        request=s.NoInput,
        reply=s.ResourceSummaryReply,
        topic="System",
    ),
    Operation(
        name="list_roles",
        title="List the roles",
        description="The roles of the running catalogue by rank: what each is for, its superior, its model and memory.",
        method="GET",
        path="/v1/roles",
        request=s.NoInput,
        reply=s.ListRolesReply,
        topic="System",
    ),
    Operation(
        name="list_events",
        title="Read the event log",
        description=(
            "What happened, oldest first: sessions, agents, models, turns, faults; all of it, or of some kinds, one "
            "session, role or model. Pass next_after of the reply as `after` to go on. With latest the last ones that "
            "fit; pass the smallest event_id as `before` to go further back."
        ),
        method="GET",
        path="/v1/events",
        request=s.ListEventsRequest,
        reply=s.ListEventsReply,
        topic="System",
        example={"after": 0, "limit": 100, "kinds": ["session_created", "model_loaded"]},
    ),
    Operation(
        name="list_alerts",
        title="List the alerts",
        description=(
            "What wants somebody's attention now, each with its figure and what would help; what did lately; and the "
            "rules that are on with their limits: memory, waiting turns, suspect Ollamas, crashing agents, drift, disk."
        ),
        method="GET",
        path="/v1/alerts",
        request=s.ListAlertsRequest,
        reply=s.ListAlertsReply,
        topic="System",
        example={"limit": 10},
    ),
    Operation(
        name="cleanup_orphaned_agents",
        title="Clean up orphans",
        description=(
            "Look for agents, models and sessions without an owner and remove them. Runs by itself every few seconds; "
            "call it to have it done now and to see what was found."
        ),
        method="POST",
        path="/v1/cleanup",
        request=s.NoInput,
        reply=s.CleanupReply,
        topic="System",
        scope="write",
        destructive=True,
        control=True,
    ),
    # The origin's short names.
    Operation(
        name="start_session",
        title="Start a session (short form)",
        description=(
            "Short form of create_session: you choose the category, which fixes the team. quick_fix: one developer; "
            "development: developer and tester; technical, strategic, product, operations, hr: two or three roles."
        ),
        method=None,
        path="",
        request=s.StartSessionRequest,
        reply=s.CreateSessionReply,
        topic="Short forms",
        example={"task_category": "quick_fix", "description": "Test monitoring"},
        scope="write",
        idempotent=False,
        faces=MCP_ONLY,
        handler=short_names.start_session,
    ),
    Operation(
        name="spawn_agent",
        title="Spawn an agent (short form)",
        description="Short form of add_agent_to_session. Without session_id the only open session is meant.",
        method=None,
        path="",
        request=s.SpawnAgentRequest,
        reply=s.AddAgentReply,
        topic="Short forms",
        example={"role": "ceo"},
        scope="write",
        idempotent=False,
        faces=MCP_ONLY,
        handler=short_names.spawn_agent,
    ),
    Operation(
        name="shutdown_agent",
        title="Shut an agent down (short form)",
        description="Short form of remove_agent_from_session. Without session_id the only open session is meant.",
        method=None,
        path="",
        request=s.ShutdownAgentRequest,
        reply=s.RemoveAgentReply,
        topic="Short forms",
        example={"role": "ceo"},
        scope="write",
        destructive=True,
        faces=MCP_ONLY,
        handler=short_names.shutdown_agent,
    ),
    Operation(
        name="session_status",
        title="Show what is active (short form)",
        description=(
            "The open session with its agents and the resources in use, in one call. With several sessions open give "
            "session_id; without any the lists are empty."
        ),
        method=None,
        path="",
        request=s.OptionalSessionRef,
        reply=s.SessionStatusReply,
        topic="Short forms",
        faces=MCP_ONLY,
        handler=short_names.session_status,
    ),
)

BY_NAME: dict[str, Operation] = {operation.name: operation for operation in OPERATIONS}


def on_face(face: Face) -> tuple[Operation, ...]:
    """Return the operations that a face offers, in the order of the table."""
    return tuple(operation for operation in OPERATIONS if face in operation.faces)
