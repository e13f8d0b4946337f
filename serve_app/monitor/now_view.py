"""What the view *Now* shows, made from five replies of the backend. Pure: no NiceGUI, no waiting.

The dataclasses are what `components/monitor_now.vue` draws, field by field, as text and numbers ready to be shown; what
concerns the machine is in `now_machine.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from delegator.schemas import (
    ActiveSession,
    ActiveTask,
    AgentInfo,
    ListActiveAgentsReply,
    ListActiveSessionsReply,
    ListRolesReply,
    ResourceSummaryReply,
    StatisticsReply,
)
from serve_app import machine_words
from serve_app.formats import at_work, counted, gigabytes, moment, one_line
from serve_app.monitor.actions import cancel_task, cleanup, drill, end_session, hibernate, restart_agent
from serve_app.monitor.controls import Control
from serve_app.monitor.now_machine import (
    DriftBadge,
    HostMemory,
    QueueRow,
    drift_badge,
    hosts_of,
    origin_of_sizes,
    queue_row,
)
from serve_app.monitor.wording import clock, excerpt, initials, role_label, saving, words


@dataclass(frozen=True, slots=True)
class Card:
    """One figure that is seen first."""

    title: str
    value: str
    unit: str
    mark: str
    """Where the figure comes from, such as 'measured'; may be empty."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chip:
    """One role of a team."""

    label: str
    title: str
    state: str
    """speaking, waiting (for its model), or empty."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the task is that a session works at."""

    done: int
    total: int
    words: str
    """Who speaks or waits, such as 'Test Lead waits for codellama:13b'."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One open session."""

    session_id: str
    category: str
    category_words: str
    status: str
    started: str
    started_on: str
    running_s: float
    """When it was read; the browser's clock goes on from there."""
    description: str
    team: tuple[Chip, ...]
    question: str
    """What it waits to be told before it starts; empty where it asks nothing."""
    task: Progress | None
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One running agent."""

    role: str
    label: str
    initials: str
    model: str
    memory: str
    memory_mark: str
    resident: bool
    working: bool
    sessions: str
    served: str
    speed: str
    node: str
    restarts: str
    uptime_s: float
    since: str
    since_on: str
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True)
class NowView:
    """All of the view *Now*."""

    simulated: bool
    rate: float
    """Seconds that the clocks of the page count in a real second."""
    cards: tuple[Card, ...]
    sessions: tuple[SessionRow, ...]
    agents: tuple[AgentRow, ...]
    hosts: tuple[HostMemory, ...]
    memory_mark: str
    queue: tuple[QueueRow, ...]
    drift: DriftBadge
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True)
class NowReplies:
    """What the backend said, all asked at the same moment."""

    sessions: ListActiveSessionsReply
    agents: ListActiveAgentsReply
    resources: ResourceSummaryReply
    roles: ListRolesReply
    today: StatisticsReply


def now_view(replies: NowReplies, *, scale: float = 1.0) -> NowView:
    """Return what is drawn. `scale`: model seconds per real second where models are simulated."""
    titles = {role.role: role.title for role in replies.roles.roles}
    resources = replies.resources
    return NowView(
        simulated=resources.simulated,
        rate=scale if resources.simulated else 1.0,
        cards=_cards(replies),
        sessions=tuple(_session_row(session, titles) for session in replies.sessions.sessions),
        agents=tuple(_agent_row(agent, simulated=resources.simulated) for agent in replies.agents.agents),
        hosts=hosts_of(resources, replies.roles),
        memory_mark=origin_of_sizes(simulated=resources.simulated),
        queue=tuple(queue_row(turn, titles) for turn in resources.queue),
        drift=drift_badge(resources.drift),
        controls=(*cleanup(), *drill()),
    )


def _cards(replies: NowReplies) -> tuple[Card, ...]:
    resources = replies.resources
    used, capacity, everyone = resources.total_memory_gb, resources.capacity_gb, resources.all_roles_memory_gb
    resident = len({agent.model for agent in replies.agents.agents if agent.model_resident})
    return (
        Card(
            "Active agents",
            str(resources.active_agents),
            f"of {len(replies.roles.roles)} roles",
            "",
            (f"on {counted(resident, 'resident model')}",),
        ),
        Card(
            "Memory of models",
            f"{used:.1f}",
            "GB",
            origin_of_sizes(simulated=resources.simulated),
            (
                saving(used_gb=used, baseline_gb=everyone, roles=len(replies.roles.roles)),
                f"{gigabytes(capacity)} capacity",
            ),
        ),
        Card(
            "Active sessions",
            str(resources.active_sessions),
            "",
            "",
            (f"{replies.today.total_sessions} in total today",),
        ),
        _load(resources),
    )


def _load(resources: ResourceSummaryReply) -> Card:
    """Return what was measured, with the word that goes by the number of agents beside it."""
    machines, on_gpu = resources.machines, machine_words.graphics(resources)
    share = machine_words.busiest(machines)
    return Card(
        "CPU load",
        "–" if share is None else f"{share * 100:.0f}",
        "" if share is None else "%" if len(machines) > 1 else f"% of {counted(machines[0].processors, 'processor')}",
        machine_words.NOT_MEASURED if share is None else "measured",
        (
            *((f"the busiest: {machine_words.processors(machines)}",) if len(machines) > 1 else ()),
            *((f"GPU: {on_gpu}",) if on_gpu else ()),
            f"{counted(resources.turns_running, 'turn')} running, {resources.turns_waiting} waiting",
            f"{resources.cpu_load}, by the number of agents",
        ),
    )


def _session_row(session: ActiveSession, titles: Mapping[str, str]) -> SessionRow:
    return SessionRow(
        session_id=session.session_id,
        category=session.task_category.value,
        category_words=words(session.task_category.value),
        status=session.status.value,
        started=clock(session.created_at),
        started_on=moment(session.created_at),
        running_s=round(session.uptime_seconds, 1),
        description=excerpt(session.task_description),
        team=tuple(chip(role, titles, session.task) for role in session.active_agents),
        question=excerpt(session.question or ""),
        task=None if session.task is None else progress(session.task, titles),
        controls=(
            *(() if session.task is None else cancel_task(session.task.task_id, session.task_description)),
            *hibernate(session.session_id, session.task_description),
            *end_session(session.session_id, session.task_description),
        ),
    )


def chip(role: str, titles: Mapping[str, str], task: ActiveTask | None) -> Chip:
    """Return a role of a team, and what it does in the running task."""
    state = ""
    if task is not None and task.current_role == role:
        state = "waiting" if task.waiting_for else "speaking"
    title = titles.get(role)
    return Chip(role_label(role, title), title or role, state)


def progress(task: ActiveTask, titles: Mapping[str, str]) -> Progress:
    """Return how far a running task is."""
    said = "waits for its first turn"
    if task.current_role is not None:
        said = at_work(role_label(task.current_role, titles.get(task.current_role)), task.waiting_for)
    return Progress(task.turns_done, task.turns_total, said)


def _agent_row(agent: AgentInfo, *, simulated: bool) -> AgentRow:
    label = role_label(agent.role, agent.title)
    return AgentRow(
        role=agent.role,
        label=label,
        initials=initials(label),
        model=one_line(agent.model),
        memory=gigabytes(agent.memory_gb),
        memory_mark=origin_of_sizes(simulated=simulated) if agent.model_resident else "estimated",
        resident=agent.model_resident,
        working=agent.turns_running > 0,
        sessions=counted(len(agent.sessions), "session"),
        served=f"{counted(agent.sessions_served, 'session')}, {counted(agent.turns_done, 'turn')}"
        if agent.turns_done
        else "",
        speed="–" if agent.tokens_per_second is None else f"{agent.tokens_per_second:.1f}",
        node=one_line(agent.node or "–"),
        restarts=counted(agent.restarts, "restart") if agent.restarts else "",
        uptime_s=round(agent.uptime_seconds, 1),
        since=clock(agent.spawned_at),
        since_on=moment(agent.spawned_at),
        controls=restart_agent(agent.role, label),
    )
