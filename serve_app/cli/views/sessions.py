"""How sessions look: created, shown, listed, ended; and roles that join or leave them."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from delegator.schemas import (
    AddAgentReply,
    CreateSessionReply,
    EndSessionReply,
    ListActiveSessionsReply,
    Question,
    RemoveAgentReply,
    RestartAgentReply,
    SessionView,
)
from serve_app.cli.operation_words import in_commands
from serve_app.cli.views.analysis import limits
from serve_app.cli.views.degradation import degradations
from serve_app.cli.views.layout import SIMULATED, facts, heading, line, names, remarks, state, table
from serve_app.cli.views.receipt import receipt
from serve_app.formats import counted, duration, gigabytes, moment, one_line

TASK_CHARS = 60

WAITING = "waits_for_an_answer"
"""The state of a session that has asked something."""


def created(reply: CreateSessionReply) -> list[RenderableType]:
    """Show a new session and what to do with it; where it asks something, that."""
    if reply.question is not None:
        return _asking(reply, reply.question)
    ready = duration(reply.seconds_to_ready) if reply.seconds_to_ready is not None else None
    mark = f" ({SIMULATED})" if reply.simulated else ""
    return [
        line(("Session ", "bold"), reply.session_id, " is ", state(reply.status)),
        table(("role", "model"), [(role, reply.models.get(role)) for role in reply.active_agents], whole=("role",)),
        line(),
        facts(
            (
                ("task", f"{reply.task_type}, {reply.complexity} complexity, category {reply.task_category}"),
                ("memory", f"{gigabytes(reply.estimated_resources.memory_gb)} (estimated)"),
                ("limits", limits(reply.limits)),
                ("ready after", ready + mark if ready else None),
                ("plan", reply.plan_id),
            )
        ),
        *degradations(reply.degradations, title="Because the team does not fit as it was asked for"),
        *remarks([*(f"other than planned: {change}" for change in reply.changed), *_untold(reply)]),
        line(),
        line((f"Next: delegator task start {reply.session_id}", "dim")),
    ]


def _asking(reply: CreateSessionReply, asked: Question) -> list[RenderableType]:
    return [
        line(("Session ", "bold"), reply.session_id, " ", state(WAITING)),
        line(),
        *question(asked),
        *remarks(in_commands(note) for note in reply.notes),
        line(),
        line((f"Next: delegator session answer {reply.session_id} {asked.options[0].answer}", "dim")),
    ]


def question(asked: Question) -> list[RenderableType]:
    """Show a question and its options, numbered."""
    rows = [
        (str(number), option.answer.replace("_", " "), f"{option.probability:.0%}", names(option.recommended_agents))
        for number, option in enumerate(asked.options, 1)
    ]
    told = [line((f"{number}  ", "dim"), option.meaning) for number, option in enumerate(asked.options, 1)]
    return [
        line((one_line(asked.question), "bold")),
        table((">", "answer", ">chance", "team"), rows, whole=("answer",)),
        *told,
    ]


def _untold(reply: CreateSessionReply) -> list[str]:
    """Return the notes that no step has told already."""
    told = {step.why for step in reply.degradations}
    return [note for note in reply.notes if note not in told]


def session(reply: SessionView) -> list[RenderableType]:
    """Show everything about one session."""
    mark = f" ({SIMULATED})" if reply.simulated else ""
    ready = duration(reply.seconds_to_ready) + mark if reply.seconds_to_ready is not None else None
    kind = f"{reply.task_type}, {reply.complexity} complexity, category {reply.task_category}"
    shown: list[RenderableType] = [
        line(("Session ", "bold"), reply.session_id, *_standing(reply)),
        facts(
            (
                ("task", reply.task_description),
                ("kind", kind.replace("_", " ")),
                ("team", names(reply.active_agents)),
                ("models", names(dict.fromkeys(reply.models.values()))),
                ("limits", limits(reply.limits)),
                ("created", moment(reply.created_at)),
                ("ready after", ready),
                ("ended", f"{moment(reply.ended_at)}  {reply.end_reason or ''}" if reply.ended_at else None),
                ("lasted" if reply.ended_at else "open for", duration(reply.duration_seconds) + mark),
                ("agents spawned", reply.total_agents_spawned),
            )
        ),
    ]
    if reply.tasks:
        rows = [(task.task_id, state(task.status), one_line(task.task, at_most=TASK_CHARS)) for task in reply.tasks]
        shown += [line(), heading("Tasks"), table(("task", "status", "text"), rows, whole=("task",))]
    if reply.question is not None:
        shown += [line(), *question(reply.question)]
    return [*shown, *remarks(reply.notes)]


def _standing(reply: SessionView) -> tuple[str | Text, ...]:
    return (" is ", state(reply.status)) if reply.question is None else (" ", state(WAITING))


def active(reply: ListActiveSessionsReply) -> list[RenderableType]:
    """Show the open sessions."""
    if not reply.sessions:
        return [line("No session is open.")]
    rows = [
        (
            item.session_id,
            state(item.status if item.question is None else WAITING),
            names(item.active_agents),
            duration(item.uptime_seconds),
            one_line(item.task_description, at_most=TASK_CHARS),
        )
        for item in reply.sessions
    ]
    return [table(("session", "status", "team", ">open for", "task"), rows, whole=("session",))]


def ended(reply: EndSessionReply) -> list[RenderableType]:
    """Show what ending a session gave back, and its receipt."""
    mark = f" ({SIMULATED})" if reply.simulated else ""
    return [
        line(("Session ", "bold"), reply.session_id, " has ended"),
        facts(
            (
                ("agents ended", names(reply.agents_terminated) or "none"),
                ("memory freed", gigabytes(reply.resources_freed_gb) + mark),
                ("unloaded", names(reply.models_unloaded)),
                ("kept for others", names(reply.models_kept)),
            )
        ),
        line(),
        *receipt(reply.receipt),
    ]


def agent_added(reply: AddAgentReply) -> list[RenderableType]:
    """Show the role that joined."""
    ready = f"ready in about {duration(reply.ready_in_seconds)}" if reply.ready_in_seconds else "ready"
    return [
        line(f"{reply.agent_role} joined {reply.session_id} on {reply.model}, {ready}."),
        _team(reply.active_agents),
        *degradations(reply.degradations, title="Because it does not fit beside the team as it wants to"),
        *remarks(reply.notes),
    ]


def agent_removed(reply: RemoveAgentReply) -> list[RenderableType]:
    """Show the role that left."""
    freed = f"{gigabytes(reply.resources_freed_gb)} freed" if reply.resources_freed_gb else "no memory was freed by it"
    return [line(f"{reply.agent_role} left {reply.session_id}, {freed}."), _team(reply.active_agents)]


def agent_restarted(reply: RestartAgentReply) -> list[RenderableType]:
    """Show the agent's new process."""
    process = f"process {reply.pid}" if reply.pid is not None else "a new process"
    told = f"{reply.agent_role} runs again in {process}, restarted {counted(reply.restarts, 'time')} so far."
    return [
        line(told),
        line(f"It works for {names(reply.sessions)}." if reply.sessions else "It works for no session."),
    ]


def _team(roles: list[str]) -> Text:
    return line(f"The team has {counted(len(roles), 'role')}: {names(roles)}" if roles else "The team is empty.")
