"""How work looks: a task with its turns, one contribution, an answer, a message."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import RenderableType

from delegator.schemas import SendMessageReply, TaskView, TurnReply
from serve_app.cli.views.layout import SIMULATED, facts, line, prose, rule, state
from serve_app.formats import at_work, counted, duration, role_name

_PURPOSES = {"frame": "frames the task", "contribute": "contributes", "conclude": "concludes", "answer": "answers"}


def task(reply: TaskView) -> list[RenderableType]:
    """Show a task, what each role has said so far, and the answer."""
    mark = f" ({SIMULATED})" if reply.simulated else ""
    shown: list[RenderableType] = [
        line(("Task ", "bold"), reply.task_id, " is ", state(reply.status)),
        facts(
            (
                ("session", reply.session_id),
                ("task", reply.task),
                ("turns", f"{reply.turns_done} of {reply.turns_total}"),
                ("now", doing(reply, titles={}) if not reply.status.is_final else None),
                ("took" if reply.ended_at else "running for", duration(reply.seconds) + mark),
            )
        ),
    ]
    for turn in spoken(reply):
        shown += contribution(turn, titles={}, simulated=reply.simulated)
    if reply.answer is not None:
        shown += answer(reply, titles={})
    if reply.error is not None:
        shown += [line(), line(("failed: ", "bold red"), reply.error.message)]
    return shown


def spoken(reply: TaskView) -> list[TurnReply]:
    """Return the turns to show as contributions: all but the one that is the answer."""
    turns = reply.replies
    return turns[:-1] if reply.answer is not None and turns and turns[-1].text == reply.answer else turns


def contribution(turn: TurnReply, *, titles: Mapping[str, str], simulated: bool) -> list[RenderableType]:
    """Show what one role said in one turn."""
    seconds = duration(turn.seconds) + (f" {SIMULATED}" if simulated else "")
    waited = f", {duration(turn.load_seconds)} of it loading" if turn.load_seconds >= 0.05 else ""
    tries = f" · {counted(turn.attempts, 'attempt')}" if turn.attempts > 1 else ""
    note = f"{_PURPOSES[turn.purpose]} · {turn.model} · {seconds}{waited}{tries}"
    return [rule(title(turn.role, titles), note=note), prose(turn.text), line()]


def answer(reply: TaskView, *, titles: Mapping[str, str]) -> list[RenderableType]:
    """Show the answer of the team."""
    by = reply.replies[-1] if reply.replies else None
    note = f"{title(by.role, titles)} {_PURPOSES[by.purpose]} · {by.model}" if by else ""
    note += f" · {SIMULATED}" if reply.simulated else ""
    return [rule("Answer", note=note), prose(reply.answer or ""), line()]


def doing(reply: TaskView, *, titles: Mapping[str, str]) -> str:
    """Say in one line what a running task is at."""
    if reply.turns_done >= reply.turns_total:
        return "All have spoken: putting the answer down"
    of = f"turn {min(reply.turns_done + 1, reply.turns_total)} of {reply.turns_total}"
    if reply.current_role is None:
        return f"{of}: waiting to start"
    who = title(reply.current_role, titles)
    return f"{of}: {at_work(who, reply.waiting_for)}"


def title(role: str, titles: Mapping[str, str]) -> str:
    """Return a role's title, or its name where the title is not at hand."""
    return titles.get(role) or role_name(role)


def message(reply: SendMessageReply) -> list[RenderableType]:
    """Show the reply to a message."""
    note = reply.model + (f" · {SIMULATED}" if reply.simulated else "")
    if reply.reply is None:
        later = f"{role_name(reply.to_role)} is still at it; see: delegator task show {reply.task_id}"
        return [line(later)]
    return [rule(role_name(reply.to_role), note=note), prose(reply.reply)]
