"""How `delegator top` looks: one page of what goes on at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from delegator.schemas import (
    ActiveSession,
    AgentInfo,
    EndpointInfo,
    ListActiveSessionsReply,
    QueuedTurn,
    ResidentModel,
    ResourceSummaryReply,
)
from serve_app.cli.views import sessions
from serve_app.cli.views.layout import facts, heading, line, remark_on_simulation, table
from serve_app.cli.views.system import agent_state
from serve_app.formats import counted, duration, gigabytes, one_line, percent, role_name
from serve_app.machine_words import graphics, processors

BAR = 40
"""Cells of a bar of memory."""

TONES = ("blue", "green", "magenta", "yellow", "red", "cyan")


@dataclass(frozen=True, slots=True)
class Moment:
    """What was answered at one moment."""

    sessions: tuple[ActiveSession, ...]
    agents: tuple[AgentInfo, ...]
    resources: ResourceSummaryReply

    def as_json(self) -> dict[str, Any]:
        """Return the one object that `--json` prints."""
        return {
            "sessions": [session.model_dump(mode="json") for session in self.sessions],
            "agents": [agent.model_dump(mode="json") for agent in self.agents],
            "resources": self.resources.model_dump(mode="json"),
        }


def top(now: Moment) -> list[RenderableType]:
    """Return the page: figures, memory of each endpoint, sessions, agents, who waits."""
    shown: list[RenderableType] = [_figures(now.resources), line()]
    shown += [part for endpoint in now.resources.endpoints for part in _memory(endpoint, now.resources.models)]
    if now.resources.simulated:
        shown.append(remark_on_simulation())
    listed = ListActiveSessionsReply(sessions=list(now.sessions), total_sessions=len(now.sessions))
    shown += [line(), heading("Sessions"), *sessions.active(listed)]
    if now.agents:
        shown += [line(), heading("Agents"), _agents(now.agents)]
    if now.resources.queue:
        shown += [line(), heading("Waiting"), _queue(now.resources.queue)]
    return shown


def _figures(resources: ResourceSummaryReply) -> RenderableType:
    turns = f"{resources.turns_running} running, {resources.turns_waiting} waiting"
    saved = f"{percent(resources.memory_saved_ratio)} of {gigabytes(resources.all_roles_memory_gb)} for all roles"
    alerts = line((counted(resources.alerts, "alert"), "bold red")) if resources.alerts else None
    return facts(
        (
            (
                "at work",
                f"{counted(resources.active_sessions, 'session')}, {counted(resources.active_agents, 'agent')}",
            ),
            ("turns", turns),
            ("processor", processors(resources.machines)),
            ("graphics", graphics(resources) or None),
            ("memory saved", saved),
            ("compared", _compared(resources)),
            ("attention", alerts),
        )
    )


def _compared(resources: ResourceSummaryReply) -> str | Text | None:
    drift = resources.drift
    if drift is None or drift.age_seconds is None:
        return None
    ago = f"with Ollama and Ray {duration(drift.age_seconds)} ago"
    said = [*drift.failed, *drift.differences]
    if drift.state == "equal" and not said:
        return f"{ago}: equal"
    return line((f"{ago}: {'; '.join(said) or 'too long to say what is so now'}", "yellow"))


def _memory(endpoint: EndpointInfo, models: Sequence[ResidentModel]) -> list[RenderableType]:
    """Return one endpoint's memory as a bar of its models, with their names below it."""
    here = [model for model in models if model.endpoint in (endpoint.url, endpoint.endpoint)]
    capacity = max(endpoint.capacity_gb, sum(model.memory_gb for model in here), 0.1)
    drawn, named = Text(), Text("  ")
    for number, model in enumerate(here):
        tone = TONES[number % len(TONES)]
        drawn.append("█" * max(1, round(BAR * model.memory_gb / capacity)), style=tone)
        pinned = " pinned" if model.pinned else ""
        named.append_text(line(("■ ", tone), f"{one_line(model.model)} {gigabytes(model.memory_gb)}{pinned}  "))
    drawn.append("░" * max(0, BAR - len(drawn)), style="dim")
    used = f" {gigabytes(endpoint.memory_gb)} of {gigabytes(endpoint.capacity_gb)}"
    suspect = line((f"  {one_line(endpoint.suspect)}", "bold red")) if endpoint.suspect else line()
    return [line(f"{one_line(endpoint.endpoint)}  ", drawn, used, suspect), *([named] if here else [])]


def _agents(running: Sequence[AgentInfo]) -> RenderableType:
    rows = [
        (
            role_name(agent.role),
            agent.model,
            gigabytes(agent.memory_gb),
            agent_state(agent),
            None if agent.tokens_per_second is None else f"{agent.tokens_per_second:.1f}",
            agent.turns_done,
            agent.sessions_served,
            duration(agent.uptime_seconds),
        )
        for agent in running
    ]
    columns = ("role", "model", ">memory", "state", ">tokens/s", ">turns", ">sessions", ">up")
    return table(columns, rows, whole=("role", "model"))


def _queue(waiting: Sequence[QueuedTurn]) -> RenderableType:
    rows = [
        (
            turn.position,
            role_name(turn.role) if turn.role else None,
            turn.model,
            turn.endpoint,
            duration(turn.waited_seconds),
            None if turn.eta_seconds is None else f"in {duration(turn.eta_seconds)}",
            turn.session_id,
        )
        for turn in waiting
    ]
    return table((">place", "role", "model", "endpoint", ">waits", ">starts", "session"), rows, whole=("model",))
