"""The controls of sessions, tasks and agents, each with what is said before it is used. Pure.

Each returns one control, or none where the table has no such operation.
"""

from __future__ import annotations

from collections.abc import Sequence

from delegator.schemas import Question as SessionQuestion
from delegator.schemas import TaskType
from serve_app.monitor.controls import REASON, Control, Option, Question, control
from serve_app.monitor.wording import excerpt, words


def end_session(session_id: str, task: str) -> tuple[Control, ...]:
    """Return the way to end a session."""
    return control(
        "end_session",
        label="End session",
        title="End this session?",
        says="Its running task is cancelled, its agents are dismissed unless another session has them too, and the "
        "models that nobody else holds leave memory. It cannot be opened again.",
        request={"session_id": session_id},
        about=excerpt(task),
    )


def answer_question(session_id: str, asked: SessionQuestion) -> tuple[Control, ...]:
    """Return the way to answer what a session asks: the likely answers first, then every other kind of work."""
    likely = {option.answer: f"{words(option.answer.value)}: {option.meaning}" for option in asked.options}
    others = {kind: words(kind.value) for kind in TaskType if kind not in likely}
    options = tuple(Option(kind.value, excerpt(text)) for kind, text in (likely | others).items())
    return control(
        "answer_question",
        label="Answer",
        title="Answer the question?",
        says="The team is chosen by the answer and started, and its models are brought into memory.",
        request={"session_id": session_id, "wait_s": 0},
        questions=(Question("answer", "What is meant", options, required=True),),
        about=excerpt(asked.question),
    )


def cancel_task(task_id: str, task: str) -> tuple[Control, ...]:
    """Return the way to cancel a task."""
    return control(
        "cancel_task",
        label="Cancel task",
        title="Cancel this task?",
        says="The turn that is being written is broken off, no further turn begins. What was said is kept, and the "
        "session stays open.",
        request={"task_id": task_id},
        about=excerpt(task),
    )


def add_agent(session_id: str, roles: Sequence[tuple[str, str]]) -> tuple[Control, ...]:
    """Return the way to take a role into a team. `roles`: (name, label) of those that are not in it."""
    if not roles:
        return ()
    options = tuple(Option(name, label) for name, label in roles)
    return control(
        "add_agent_to_session",
        label="Add agent",
        title="Add an agent to the team?",
        says="Its process is started and its model is brought into memory; where that has no room, other models may "
        "have to leave or the turns have to wait.",
        request={"session_id": session_id},
        questions=(Question("agent_role", "Role", options, required=True), REASON),
    )


def remove_agent(session_id: str, roles: Sequence[tuple[str, str]]) -> tuple[Control, ...]:
    """Return the way to dismiss a role from a team. `roles`: (name, label) of those that are in it."""
    if not roles:
        return ()
    options = tuple(Option(name, label) for name, label in roles)
    return control(
        "remove_agent_from_session",
        label="Remove agent",
        title="Remove an agent from the team?",
        says="It takes no more turns in this session. Its process ends and its model leaves memory unless another "
        "session has them too.",
        request={"session_id": session_id},
        questions=(Question("agent_role", "Role", options, required=True), REASON),
    )


def restart_agent(role: str, label: str) -> tuple[Control, ...]:
    """Return the way to replace the process of an agent."""
    return control(
        "restart_agent",
        label="Restart",
        title=f"Restart {label}?",
        says="Its process is replaced by a new one, for all sessions that have it; a turn that it is speaking is taken "
        "again from the beginning.",
        request={"agent_role": role},
        questions=(REASON,),
    )


def cleanup() -> tuple[Control, ...]:
    """Return the way to remove what has no owner."""
    return control(
        "cleanup_orphaned_agents",
        label="Clean up orphans",
        title="Clean up orphans?",
        says="Agents, models and placement groups that belong to no open session are removed, and sessions that have "
        "nothing left are closed. What an open session holds is not touched.",
    )


def hibernate(session_id: str, task: str) -> tuple[Control, ...]:
    """Return the way to put a session to sleep."""
    return control(
        "hibernate_session",
        label="Hibernate",
        title="Hibernate this session?",
        says="Its models leave memory; it can be taken up again where it stands.",
        request={"session_id": session_id},
        about=excerpt(task),
    )


def drill() -> tuple[Control, ...]:
    """Return the way to practise a failure."""
    return control(
        "run_drill",
        label="Run a drill",
        title="Run a drill?",
        says="A failure is caused on purpose, and how the system recovers is watched and told.",
    )
