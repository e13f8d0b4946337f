"""The conversation of a task: the turns that are stored, and the one that is being spoken. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delegator.schemas import Event, TaskView, TurnReply
from delegator.words import EventKind
from serve_app.formats import duration, one_line
from serve_app.monitor.speech import UnderWay
from serve_app.monitor.wording import initials, words


@dataclass(frozen=True, slots=True)
class Turn:
    """What one role said, or is saying."""

    key: str
    """The turn's id: it stays the same when a turn that was under way is stored."""
    role: str
    initials: str
    purpose: str
    model: str
    text: str
    """Empty while it is under way: what is said by then comes beside the view, see `speech.py`."""
    figures: str
    under_way: bool


def turn_under_way(task: TaskView, events: Sequence[Event]) -> UnderWay | None:
    """Return the turn of a task that is being spoken; None while nobody speaks.

    Args:
        task: the task.
        events: of its session, oldest first: the last beginning of the turn that comes next is the one.
    """
    if task.status.is_final or task.waiting_for is not None:
        return None
    turn = len(task.replies)
    for event in reversed(events):
        data = event.data
        if event.kind is EventKind.TURN_STARTED and (data.get("task_id"), data.get("turn")) == (task.task_id, turn):
            if event.role is None:
                return None
            attempt = int(data.get("attempt", 1))
            return UnderWay(f"{task.task_id}:{turn}", event.role, event.model or "", attempt, event.event_id)
    return None


def turns_of(task: TaskView, under_way: UnderWay | None, labels: Mapping[str, str]) -> tuple[Turn, ...]:
    """Return the conversation of a task, with its turn under way where there is one."""
    stored = tuple(_stored(f"{task.task_id}:{index}", turn, labels) for index, turn in enumerate(task.replies))
    return stored if under_way is None else (*stored, _under_way(under_way, labels))


def _stored(key: str, turn: TurnReply, labels: Mapping[str, str]) -> Turn:
    label = labels.get(turn.role, one_line(turn.role))
    loaded = f", {duration(turn.load_seconds)} loading" if turn.load_seconds else ""
    return Turn(
        key=key,
        role=label,
        initials=initials(label),
        purpose=words(turn.purpose),
        model=one_line(turn.model),
        text=turn.text,
        figures=f"{turn.reply_tokens:,} tokens, {duration(turn.seconds)}{loaded}{_again(turn.attempts)}",
        under_way=False,
    )


def _under_way(turn: UnderWay, labels: Mapping[str, str]) -> Turn:
    label = labels.get(turn.role, one_line(turn.role))
    return Turn(
        key=turn.turn_id,
        role=label,
        initials=initials(label),
        purpose="",
        model=one_line(turn.model),
        text="",
        figures=f"speaking{_again(turn.attempt)}",
        under_way=True,
    )


def _again(attempt: int) -> str:
    return f", attempt {attempt}" if attempt > 1 else ""
