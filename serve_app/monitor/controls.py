"""What can be done from a page: what is said before it is done, how it is done, and what is said afterwards.

A control names an operation of the table and its request, nothing more: what it does is what that operation does on
every other face. Buttons of operations that the table has not are not shown. No NiceGUI here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from delegator import schemas as s
from delegator.errors import DelegatorError, InvalidInput
from serve_app.backend import Backend
from serve_app.faults import delegator_error, invalid_input
from serve_app.formats import counted, gigabytes, one_line
from serve_app.operations import BY_NAME

CALLER = "monitor"
"""Who it was, in the event that a control leaves."""

ALLOWED = frozenset(
    {
        "end_session",
        "answer_question",
        "cancel_task",
        "add_agent_to_session",
        "remove_agent_from_session",
        "restart_agent",
        "cleanup_orphaned_agents",
        "load_model",
        "unload_model",
        "pin_model",
        "unpin_model",
        "pull_model",
        "cancel_pull",
        "remove_model",
        "hibernate_session",
        "resume_session",
        "run_drill",
    }
)
"""Operations that a page may ask for; those that the table does not have yet have no button. Scopes, once callers have
tokens, narrow it for each of them."""


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a list to choose from; `value` is empty for no wish."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One field of the request that the person fills in; with options a choice, else a line of text."""

    name: str
    label: str
    options: tuple[Option, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """One button: what it asks the system to do, and what the person is told first."""

    operation: str
    label: str
    """On the button."""
    title: str
    """Above the dialog, such as 'End this session?'."""
    says: str
    """What will happen."""
    request: Mapping[str, Any] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    destructive: bool = False
    """True where it takes something away that a repeat does not bring back."""
    about: str = ""
    """What it is about, told to those who cannot see beside what the button stands."""


REASON = Question("reason", "Why (kept in the event log)")
"""The line of text that many operations keep."""


def control(
    operation: str,
    *,
    label: str,
    title: str,
    says: str,
    request: Mapping[str, Any] | None = None,
    questions: tuple[Question, ...] = (),
    about: str = "",
) -> tuple[Control, ...]:
    """Return the control as the only one, or none where the table has no such operation."""
    found = BY_NAME.get(operation)
    if found is None:
        return ()
    return (Control(operation, label, title, says, dict(request or {}), questions, found.destructive, about),)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a control."""

    key: str
    """Of the dialog that asked."""
    done: bool
    message: str
    hint: str = ""
    code: str = ""


async def use(backend: Backend, key: str, asked: Mapping[str, Any]) -> Outcome:
    """Do what a person confirmed; tell how it went. Never raises a DelegatorError.

    Args:
        backend: does it.
        key: of the dialog, given back.
        asked: {operation, request} as the browser sent them; nothing of it is trusted.
    """
    name = asked.get("operation")
    operation = BY_NAME.get(name) if isinstance(name, str) and name in ALLOWED else None
    if operation is None:
        return _failed(key, InvalidInput("operation", "is not one that this page can ask for", "Reload the page."))
    try:
        request = operation.request.model_validate(asked.get("request") or {})
        reply = await operation.run(backend, request)
    except ValidationError as exc:
        return _failed(key, invalid_input(exc))
    except Exception as exc:  # whatever it is: the person who confirmed has to be told
        return _failed(key, delegator_error(exc))
    return Outcome(key, done=True, message=done_in_words(operation.name, reply))


def _failed(key: str, error: DelegatorError) -> Outcome:
    return Outcome(key, done=False, message=error.message, hint=error.advice, code=error.code)


def done_in_words(operation: str, reply: s.Reply) -> str:
    """Say in one sentence what an operation did."""
    words = _DONE.get(operation)
    return words(reply) if words is not None else "Done."


def _cleaned(reply: Any) -> str:
    removed = (
        (reply.agents_removed, "agent"),
        (reply.models_unloaded, "model"),
        (reply.sessions_closed, "session"),
        (reply.placement_groups_removed, "placement group"),
    )
    found = [counted(len(what), word) for what, word in removed if what]
    return f"Removed {', '.join(found)}." if found else "Nothing was without an owner."


def _answered(reply: Any) -> str:
    team = counted(len(reply.active_agents), "agent")
    return f"Understood as {reply.task_type.value.replace('_', ' ')}: {team}, {reply.status.replace('_', ' ')}."


def _model(reply: Any) -> str:
    pinned = ", pinned" if reply.pinned else ""
    left = f"; {', '.join(map(one_line, reply.evicted))} had to leave" if reply.evicted else ""
    return f"{one_line(reply.model)} is {reply.state}{pinned}{left}."


def _pulled(reply: Any) -> str:
    model, endpoint = one_line(reply.model), one_line(reply.endpoint)
    return {
        "running": f"{model} is being pulled to {endpoint}.",
        "completed": f"{model} is on {endpoint}.",
        "cancelled": f"The pull of {model} is cancelled; what has come is kept.",
    }.get(reply.status, f"The pull of {model} has {reply.status}.")


_DONE: Mapping[str, Callable[[Any], str]] = {
    "end_session": lambda reply: f"The session has ended; {gigabytes(reply.resources_freed_gb)} given back.",
    "answer_question": _answered,
    "cancel_task": lambda reply: f"The task is {reply.status.value}.",
    "add_agent_to_session": lambda reply: f"{reply.agent_role} has joined with {one_line(reply.model)}.",
    "remove_agent_from_session": lambda reply: (
        f"{reply.agent_role} has left; {gigabytes(reply.resources_freed_gb)} given back."
    ),
    "restart_agent": lambda reply: f"{reply.agent_role} runs in a new process.",
    "cleanup_orphaned_agents": _cleaned,
    "load_model": _model,
    "unload_model": _model,
    "pin_model": _model,
    "unpin_model": _model,
    "pull_model": _pulled,
    "cancel_pull": _pulled,
    "remove_model": lambda reply: f"{one_line(reply.model)} is removed; {gigabytes(reply.disk_freed_gb)} free again.",
}
