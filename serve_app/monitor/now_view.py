"""What the view *Now* shows, made from five replies of the backend. Pure: no NiceGUI, no waiting.

The dataclasses are what `components/now.vue` draws, field by field; all of it is text and numbers, ready to be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from delegator.schemas import (
    ActiveSession,
    AgentInfo,
    ListActiveAgentsReply,
    ListActiveSessionsReply,
    ListRolesReply,
    ResidentModel,
    ResourceSummaryReply,
    StatisticsReply,
)
from serve_app.formats import counted, gigabytes, one_line
from serve_app.monitor.wording import SIMULATED, clock, excerpt, initials, moment, role_label, saving, uptime, words


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


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One open session."""

    session_id: str
    category: str
    category_words: str
    status: str
    started: str
    started_on: str
    running: str
    description: str
    team: tuple[Chip, ...]
    question: str
    """What it waits to be told before it starts; empty where it asks nothing."""


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
    restarts: str
    uptime: str
    since: str
    since_on: str


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One model as a part of the bar; `share` of the bar's length, 0 to 1."""

    model: str
    memory: str
    share: float
    tone: int
    """Which colour of the palette; the same model keeps its colour while others come and go."""
    holders: str
    busy: bool
    foreign: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """The models in memory against what there is."""

    parts: tuple[ModelPart, ...]
    used: str
    capacity: str
    free: str
    overfull: bool
    mark: str


@dataclass(frozen=True, slots=True)
class NowView:
    """All of the view *Now*."""

    as_of: str
    simulated: bool
    cards: tuple[Card, ...]
    sessions: tuple[SessionRow, ...]
    agents: tuple[AgentRow, ...]
    memory: Memory


TONES = 9
"""Colours in the palette of `monitor.css`."""


@dataclass(frozen=True, slots=True)
class NowReplies:
    """What the backend said, all asked at the same moment."""

    at: datetime
    sessions: ListActiveSessionsReply
    agents: ListActiveAgentsReply
    resources: ResourceSummaryReply
    roles: ListRolesReply
    today: StatisticsReply


def now_view(replies: NowReplies) -> NowView:
    """Return what is drawn."""
    titles = {role.role: role.title for role in replies.roles.roles}
    resources = replies.resources
    return NowView(
        as_of=clock(replies.at),
        simulated=resources.simulated,
        cards=_cards(replies),
        sessions=tuple(_session_row(session, titles) for session in replies.sessions.sessions),
        agents=tuple(_agent_row(agent, simulated=resources.simulated) for agent in replies.agents.agents),
        memory=_memory(resources, replies.roles),
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
            _origin_of_sizes(simulated=resources.simulated),
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
        Card(
            "CPU load",
            resources.cpu_load,
            "",
            "estimated",
            (f"{counted(resources.turns_running, 'turn')} running, {resources.turns_waiting} waiting",),
        ),
    )


def _origin_of_sizes(*, simulated: bool) -> str:
    return SIMULATED if simulated else "measured"


def _session_row(session: ActiveSession, titles: Mapping[str, str]) -> SessionRow:
    return SessionRow(
        session_id=session.session_id,
        category=session.task_category.value,
        category_words=words(session.task_category.value),
        status=session.status.value,
        started=clock(session.created_at),
        started_on=moment(session.created_at),
        running=uptime(session.uptime_seconds),
        description=excerpt(session.task_description),
        team=tuple(_chip(role, titles.get(role)) for role in session.active_agents),
        question=excerpt(session.question or ""),
    )


def _chip(role: str, title: str | None) -> Chip:
    return Chip(role_label(role, title), title or role)


def _agent_row(agent: AgentInfo, *, simulated: bool) -> AgentRow:
    label = role_label(agent.role, agent.title)
    return AgentRow(
        role=agent.role,
        label=label,
        initials=initials(label),
        model=one_line(agent.model),
        memory=gigabytes(agent.memory_gb),
        memory_mark=_origin_of_sizes(simulated=simulated) if agent.model_resident else "estimated",
        resident=agent.model_resident,
        working=agent.turns_running > 0,
        sessions=counted(len(agent.sessions), "session"),
        restarts=counted(agent.restarts, "restart") if agent.restarts else "",
        uptime=uptime(agent.uptime_seconds),
        since=clock(agent.spawned_at),
        since_on=moment(agent.spawned_at),
    )


def _memory(resources: ResourceSummaryReply, roles: ListRolesReply) -> Memory:
    used = sum(model.memory_gb for model in resources.models)
    whole = max(resources.capacity_gb, used) or 1.0
    tones = {name: tone % TONES for tone, name in enumerate(dict.fromkeys(role.model for role in roles.roles))}
    return Memory(
        parts=tuple(_part(model, whole, tones) for model in resources.models),
        used=gigabytes(used),
        capacity=gigabytes(resources.capacity_gb),
        free=gigabytes(max(0.0, resources.capacity_gb - used)),
        overfull=used > resources.capacity_gb,
        mark=_origin_of_sizes(simulated=resources.simulated),
    )


def _part(model: ResidentModel, whole_gb: float, tones: Mapping[str, int]) -> ModelPart:
    return ModelPart(
        model=one_line(model.model),
        memory=gigabytes(model.memory_gb),
        share=model.memory_gb / whole_gb,
        tone=tones.get(model.model, TONES - 1),
        holders="loaded by another program" if model.foreign else f"held by {counted(len(model.held_by), 'session')}",
        busy=model.busy,
        foreign=model.foreign,
    )
