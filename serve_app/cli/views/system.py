"""How the system looks: roles, running agents, resident models, a clean-up."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from delegator.schemas import (
    AgentInfo,
    CleanupReply,
    EndpointInfo,
    ListActiveAgentsReply,
    ListRolesReply,
    ResidentModel,
    ResourceSummaryReply,
)
from serve_app import machine_words
from serve_app.cli.views.layout import SIMULATED, facts, heading, line, names, table
from serve_app.formats import bar, counted, duration, gigabytes, percent


def roles(reply: ListRolesReply) -> list[RenderableType]:
    """Show the catalogue."""
    rows = [
        (item.role, item.title, item.model, gigabytes(item.memory_gb), item.reports_to, item.summary)
        for item in reply.roles
    ]
    total = f"{counted(len(reply.roles), 'role')} on {counted(reply.distinct_models, 'model')}"
    return [
        heading(f"Catalogue {reply.catalogue}"),
        table(("role", "title", "model", ">memory", "reports to", "what for"), rows, whole=("role", "model")),
        line((f"{total}, {gigabytes(reply.all_roles_memory_gb)} with all of them in memory (estimated).", "dim")),
    ]


def agents(reply: ListActiveAgentsReply) -> list[RenderableType]:
    """Show the running agents."""
    return [agent_table(reply.agents)] if reply.agents else [line("No agents are running.")]


def agent_table(running: Sequence[AgentInfo]) -> RenderableType:
    """Return the running agents as a table."""
    rows = [
        (
            agent.title,
            agent.model,
            gigabytes(agent.memory_gb),
            agent_state(agent),
            duration(agent.uptime_seconds),
            agent.pid,
            names(agent.sessions),
        )
        for agent in running
    ]
    columns = ("role", "model", ">memory", "state", ">up", ">pid", "sessions")
    return table(columns, rows, whole=("model", "sessions"))


def agent_state(agent: AgentInfo) -> Text:
    """Return what an agent is at."""
    if agent.turns_running:
        return line(("working", "cyan"))
    return line(("ready", "green")) if agent.model_resident else line(("model not in memory", "dim"))


def resources(reply: ResourceSummaryReply) -> list[RenderableType]:
    """Show what runs and is in memory now."""
    filled = bar(reply.total_memory_gb, of=reply.capacity_gb)
    mark = f" ({SIMULATED})" if reply.simulated else ""
    measured = f"{gigabytes(reply.total_memory_gb)} of {gigabytes(reply.capacity_gb)}{mark}"
    used = line((f"{filled} " if filled else "", "green"), measured)
    against = f"{percent(reply.memory_saved_ratio)} of the {gigabytes(reply.all_roles_memory_gb)} that all roles need"
    shown: list[RenderableType] = [
        facts(
            (
                ("sessions", reply.active_sessions),
                ("agents", reply.active_agents),
                ("memory", used),
                ("saved", against),
                ("processor", machine_words.processors(reply.machines)),
                ("graphics", machine_words.graphics(reply) or None),
                ("agents at work", f"{reply.cpu_load}, by their number"),
                ("turns", f"{reply.turns_running} running, {reply.turns_waiting} waiting"),
            )
        )
    ]
    if len(reply.endpoints) > 1 or any(endpoint.suspect is not None for endpoint in reply.endpoints):
        shown += [line(), endpoint_table(reply.endpoints)]
    if reply.models:
        shown += [line(), model_table(reply.models, simulated=reply.simulated)]
    return shown


def endpoint_table(endpoints: Sequence[EndpointInfo]) -> RenderableType:
    """Return the Ollama endpoints as a table."""
    rows = [
        (
            endpoint.endpoint,
            endpoint.url,
            f"{gigabytes(endpoint.memory_gb)} of {gigabytes(endpoint.capacity_gb)}",
            f"{endpoint.turns_running} running, {endpoint.turns_waiting} waiting",
            line(("well", "green")) if endpoint.suspect is None else line((endpoint.suspect, "red")),
            endpoint.advice or None,
        )
        for endpoint in endpoints
    ]
    return table(("endpoint", "address", ">memory", "turns", "state", "what would help"), rows, whole=("endpoint",))


def _held_by(model: ResidentModel) -> str:
    pinned = ["a pin"] if model.pinned else []
    return names([*model.held_by, *pinned]) or "nobody"


def model_table(resident: Sequence[ResidentModel], *, simulated: bool) -> RenderableType:
    """Return the models in memory as a table."""
    rows = [
        (
            model.model,
            gigabytes(model.memory_gb) + (f" {SIMULATED}" if simulated else ""),
            gigabytes(model.gpu_gb) if model.gpu_gb else None,
            line(("busy", "cyan")) if model.busy else line(("idle", "dim")),
            "somebody else" if model.foreign else _held_by(model),
            model.endpoint,
        )
        for model in resident
    ]
    return table(("model", ">memory", ">of it GPU", "state", "held by", "endpoint"), rows, whole=("model",))


def cleanup(reply: CleanupReply) -> list[RenderableType]:
    """Show what a sweep found without an owner."""
    found = (
        ("agents removed", names(reply.agents_removed)),
        ("models unloaded", names(reply.models_unloaded)),
        ("sessions closed", names(reply.sessions_closed)),
        ("reservations removed", names(reply.placement_groups_removed)),
    )
    checked = line(f"Processes checked: {reply.processes_checked}")
    if not any(value for _, value in found):
        return [line("Nothing was without an owner."), checked]
    return [facts(found), checked]
