"""The timeline of a session: one lane for each role, one bar for each turn, made from its events. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from delegator.schemas import Event, SessionView
from delegator.words import EventKind
from serve_app.formats import counted, duration
from serve_app.monitor.wording import clock

LEAST = 0.004
"""Width of a bar at least, as a part of the timeline: a short turn can still be seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One turn: where it begins and how long it is, as parts of the timeline, 0 to 1."""

    key: str
    begin: float
    width: float
    running: bool
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The turns of one role."""

    label: str
    tone: int
    bars: tuple[Bar, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """All turns of a session between its first and its last moment."""

    first: str
    last: str
    lanes: tuple[Lane, ...]


@dataclass(slots=True)
class _Turn:
    role: str
    begin: datetime
    end: datetime | None


def timeline_of(session: SessionView, events: Sequence[Event], labels: Mapping[str, str], *, now: datetime) -> Timeline:
    """Return the timeline. `events`: those of the session, oldest first; `now`: the end of one that is open."""
    turns = _turns(events)
    begin = min([session.created_at, *(turn.begin for turn in turns.values())])
    end = session.ended_at or max([now, *(event.at for event in events)])
    whole_s = max((end - begin).total_seconds(), 0.001)
    scale = _scale(session, whole_s)
    lanes: dict[str, list[Bar]] = {}
    for key, turn in turns.items():
        stop = turn.end or end
        seconds = max(0.0, (stop - turn.begin).total_seconds())
        at = min(1.0, max(0.0, (turn.begin - begin).total_seconds() / whole_s))
        width = max(LEAST, min(seconds / whole_s, 1.0 - at))
        is_running = turn.end is None and session.status.is_open
        said = f"{clock(turn.begin)}, {duration(seconds * scale)}" + (" so far" if is_running else "")
        lanes.setdefault(turn.role, []).append(Bar(key, min(at, 1.0 - LEAST), width, is_running, said))
    tones = {role: tone % 9 for tone, role in enumerate(labels)}
    return Timeline(
        first=clock(begin),
        last=clock(end),
        lanes=tuple(
            Lane(labels.get(role, role), tones.get(role, 8), tuple(bars), counted(len(bars), "turn"))
            for role, bars in lanes.items()
        ),
    )


def _scale(session: SessionView, whole_s: float) -> float:
    """Return model seconds per real second, as the session's own duration tells."""
    return session.duration_seconds / whole_s if session.simulated and session.duration_seconds else 1.0


def _turns(events: Sequence[Event]) -> dict[str, _Turn]:
    """Return the turns by task and place; one that was taken again begins when it was first taken."""
    turns: dict[str, _Turn] = {}
    ended: dict[object, datetime] = {}
    for event in events:
        task = event.data.get("task_id")
        key = f"{task}:{event.data.get('turn')}"
        if event.kind is EventKind.TURN_STARTED and event.role is not None:
            turns.setdefault(key, _Turn(event.role, event.at, None))
        elif event.kind is EventKind.TURN_COMPLETED and key in turns:
            turns[key].end = event.at
        elif event.kind in (EventKind.TASK_FAILED, EventKind.TASK_CANCELLED):
            ended[task] = event.at
    for key, turn in turns.items():
        turn.end = turn.end or ended.get(key.rpartition(":")[0])
    return turns
