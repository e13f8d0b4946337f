"""What the view *Session* shows: one session, open or past, made from what is stored of it. Pure: no NiceGUI.

The analysis and the receipt are drawn by `session_account.py`, the timeline by `session_timeline.py`,
the turns of a task by `session_turns.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from delegator.schemas import Event, ListRolesReply, Receipt, SessionView, TaskSummary, TaskView
from delegator.words import EventKind
from serve_app.formats import at_work, counted, duration, moment, one_line
from serve_app.monitor import actions
from serve_app.monitor.controls import Control
from serve_app.monitor.session_account import AccountBlock, AnalysisBlock, account_of, analysis_of
from serve_app.monitor.session_timeline import Timeline, timeline_of
from serve_app.monitor.session_turns import Turn, turn_under_way, turns_of
from serve_app.monitor.speech import UnderWay
from serve_app.monitor.wording import clock, excerpt, role_label, words


@dataclass(frozen=True, slots=True)
class Member:
    """One role of the team."""

    label: str
    title: str
    model: str
    state: str
    """speaking, waiting (for its model), or empty."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task and its conversation."""

    task_id: str
    text: str
    status: str
    started: str
    figures: str
    done: int
    total: int
    turns: tuple[Turn, ...]
    """The one that is being spoken last."""
    speaking: str
    """Who speaks or waits now, such as 'Test Lead speaks'; empty where nobody does."""
    answer: str
    """What came out, where no turn says just that."""
    error: str
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the team, or of what it works with."""

    key: int
    at: str
    on: str
    what: str
    why: str
    by: str


@dataclass(frozen=True, slots=True)
class SessionPage:
    """All of the view *Session*."""

    session_id: str
    category: str
    category_words: str
    status: str
    is_open: bool
    simulated: bool
    rate: float
    """Seconds that the clock of the page counts in a real second."""
    text: str
    started_on: str
    ended_on: str
    end_reason: str
    running_s: float
    facts: tuple[tuple[str, str], ...]
    """(what, how much)"""
    team: tuple[Member, ...]
    question: str
    options: tuple[tuple[str, str], ...]
    """(answer, what it means)"""
    notes: tuple[str, ...]
    tasks: tuple[Task, ...]
    """The latest first."""
    earlier: int
    """Tasks that are not shown."""
    under_way: tuple[UnderWay, ...]
    """The turns that are being spoken."""
    timeline: Timeline
    changes: tuple[Change, ...]
    analysis: AnalysisBlock
    account: AccountBlock | None
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True)
class SessionReplies:
    """What the backend said."""

    at: datetime
    session: SessionView
    tasks: Sequence[TaskView]
    """Its latest tasks, oldest first."""
    events: Sequence[Event]
    receipt: Receipt | None
    roles: ListRolesReply


CHANGES = frozenset(
    {
        EventKind.AGENT_SPAWNED,
        EventKind.AGENT_RESTARTED,
        EventKind.AGENT_TERMINATED,
        EventKind.MODEL_FALLBACK,
        EventKind.TEAM_DEGRADED,
        EventKind.ROLE_MOVED,
        EventKind.ROLE_UNHEARD,
    }
)
"""Kinds of events that tell how the team changed."""


def session_page(replies: SessionReplies, *, scale: float = 1.0) -> SessionPage:
    """Return what is drawn. `scale`: model seconds per real second where models are simulated."""
    session = replies.session
    titles = {role.role: role.title for role in replies.roles.roles}
    labels = {role: role_label(role, title) for role, title in titles.items()}
    question = session.question
    under_way = {task.task_id: turn for task in replies.tasks if (turn := turn_under_way(task, replies.events))}
    return SessionPage(
        session_id=session.session_id,
        category=session.task_category.value,
        category_words=words(session.task_category.value),
        status=session.status.value,
        is_open=session.status.is_open,
        simulated=session.simulated,
        rate=scale if session.simulated else 1.0,
        text=session.task_description,
        started_on=moment(session.created_at),
        ended_on=moment(session.ended_at) if session.ended_at else "",
        end_reason=excerpt(session.end_reason or ""),
        running_s=round(session.duration_seconds, 1),
        facts=_facts(session),
        team=_team(session, replies.tasks, titles),
        question=excerpt(question.question) if question else "",
        options=tuple((words(o.answer.value), excerpt(o.meaning)) for o in question.options) if question else (),
        notes=tuple(excerpt(note) for note in session.notes),
        tasks=tuple(_task(task, under_way.get(task.task_id), labels) for task in reversed(replies.tasks)),
        earlier=max(0, len(session.tasks) - len(replies.tasks)),
        under_way=tuple(under_way.values()),
        timeline=timeline_of(session, replies.events, labels, now=replies.at),
        changes=tuple(_change(event, labels) for event in reversed(replies.events) if event.kind in CHANGES),
        analysis=analysis_of(session.analysis, labels),
        account=None if replies.receipt is None else account_of(replies.receipt, labels),
        controls=_controls(session, titles),
    )


def _facts(session: SessionView) -> tuple[tuple[str, str], ...]:
    ready = "–" if session.seconds_to_ready is None else duration(session.seconds_to_ready)
    return (
        ("Type", words(session.task_type.value)),
        ("Complexity", words(session.complexity.value)),
        ("Ready after", ready),
        ("Agents spawned", str(session.total_agents_spawned)),
        ("Tasks", str(session.tasks_delegated)),
    )


def _team(session: SessionView, tasks: Sequence[TaskView], titles: Mapping[str, str]) -> tuple[Member, ...]:
    states: dict[str, str] = {}
    for task in tasks:
        if not task.status.is_final and task.current_role is not None:
            states[task.current_role] = "waiting" if task.waiting_for else "speaking"
    return tuple(
        Member(
            label=role_label(role, titles.get(role)),
            title=titles.get(role) or role,
            model=one_line(session.models.get(role, "")),
            state=states.get(role, ""),
        )
        for role in session.active_agents
    )


def _task(task: TaskView, under_way: UnderWay | None, labels: Mapping[str, str]) -> Task:
    said_last = task.replies[-1].text if task.replies else None
    return Task(
        task_id=task.task_id,
        text=task.task,
        status=task.status.value,
        started=moment(task.created_at),
        figures=f"{task.turns_done} of {counted(task.turns_total, 'turn')}, {duration(task.seconds)}",
        done=task.turns_done,
        total=task.turns_total,
        turns=turns_of(task, under_way, labels),
        speaking=_speaking(task, labels),
        answer=task.answer if task.answer and task.answer != said_last else "",
        error="" if task.error is None else f"{task.error.message} {task.error.hint}".strip(),
        controls=() if task.status.is_final else actions.cancel_task(task.task_id, task.task),
    )


def _speaking(task: TaskView, labels: Mapping[str, str]) -> str:
    if task.status.is_final or task.current_role is None:
        return ""
    return at_work(labels.get(task.current_role, task.current_role), task.waiting_for)


def _change(event: Event, labels: Mapping[str, str]) -> Change:
    who = labels.get(event.role, event.role) if event.role else "The team"
    model = one_line(event.model or "")
    what = {
        EventKind.AGENT_SPAWNED: f"{who} joined" + (f" with {model}" if model else ""),
        EventKind.AGENT_RESTARTED: f"{who} was restarted",
        EventKind.AGENT_TERMINATED: f"{who} left",
        EventKind.MODEL_FALLBACK: f"{who} speaks with {model or 'another model'}",
        EventKind.TEAM_DEGRADED: f"{who} makes do with less",
        EventKind.ROLE_MOVED: f"{who} moved to another host",
        EventKind.ROLE_UNHEARD: f"Nobody listened to {who}",
    }[event.kind]
    why = next((event.data[name] for name in ("reason", "why", "because") if event.data.get(name)), "")
    return Change(event.event_id, clock(event.at), moment(event.at), what, excerpt(str(why)), one_line(event.by or ""))


def _controls(session: SessionView, titles: Mapping[str, str]) -> tuple[Control, ...]:
    if not session.status.is_open:
        return ()
    team = [(role, role_label(role, titles.get(role))) for role in session.active_agents]
    others = [(role, role_label(role, title)) for role, title in titles.items() if role not in session.active_agents]
    changes = (
        actions.answer_question(session.session_id, session.question)
        if session.question
        else (
            *actions.add_agent(session.session_id, others),
            *actions.remove_agent(session.session_id, team),
        )
    )
    return (
        *changes,
        *actions.hibernate(session.session_id, session.task_description),
        *actions.end_session(session.session_id, session.task_description),
    )


SHOWN_TASKS = 20
"""Tasks whose conversation is shown; of a session with more, the latest."""


def shown_tasks(tasks: Sequence[TaskSummary]) -> Sequence[TaskSummary]:
    """Return the tasks whose conversation is shown, oldest first."""
    return sorted(tasks, key=lambda task: task.created_at)[-SHOWN_TASKS:]
