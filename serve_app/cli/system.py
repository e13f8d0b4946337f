"""`delegator up`, `down`, `status`, `doctor`, `version`: the system as something that runs on this machine.

Owns their options and what they print. What they do is `serve_app/lifecycle/`.
"""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from delegator.errors import CatalogueInvalid, DelegatorError
from delegator.schemas import ActiveSession, AgentInfo, ListAgentsRequest, NoInput, ResourceSummaryReply
from delegator.settings import Settings
from serve_app.cli.commands import SYSTEM, AsJson, add_command
from serve_app.cli.exits import FAILED, UNAVAILABLE
from serve_app.cli.progress import Progress
from serve_app.cli.running import run_async
from serve_app.cli.terminal import Terminal
from serve_app.cli.views import machine

if TYPE_CHECKING:
    from serve_app.lifecycle.instance import Instance
    from serve_app.lifecycle.status import StatusReport

Models = Annotated[
    Literal["auto", "ollama", "simulated"] | None,
    typer.Option("--models", help="Ollama, simulated models, or auto: Ollama where it answers. Default: auto."),
]
Catalogue = Annotated[
    str | None,
    typer.Option("--catalogue", metavar="NAME|PATH", help="echo, compact, single, or a path. Default: echo."),
]
Port = Annotated[int | None, typer.Option("--port", help="Port of API, MCP and monitor. Default: 8000.")]
Memory = Annotated[
    str | None,
    typer.Option("--memory", metavar="SIZE", help="Memory for models, such as 64GB. Default: what the machine has."),
]
Endpoints = Annotated[
    int | None,
    typer.Option("--endpoints", metavar="N", help="How many Ollama hosts to simulate, where models are. Default: 1."),
]
RayAddress = Annotated[
    str | None,
    typer.Option("--ray-address", metavar="auto|ADDR", help="Join a Ray that `ray start` began. Default: start one."),
]


def up(
    *,
    models: Models = None,
    catalogue: Catalogue = None,
    port: Port = None,
    memory: Memory = None,
    endpoints: Endpoints = None,
    ray_address: RayAddress = None,
    as_json: AsJson = False,
) -> None:
    """Start the system, or find it running."""
    from serve_app.lifecycle.up import up as start

    terminal = Terminal(as_json=as_json)
    settings = Settings.load(
        models=models,
        catalogue=catalogue,
        port=port,
        memory=memory,
        simulated_endpoints=endpoints,
        ray_address=ray_address,
    )
    with Progress(terminal) as progress, terminal.only_ours():
        instance = start(settings, progress.step)
    if as_json:
        terminal.emit({"running": True, "already": instance.already, **shown(instance)})
    else:
        terminal.show(*machine.started(instance, answering=_models_of(instance.catalogue)))


def down(*, as_json: AsJson = False) -> None:
    """End the system."""
    from serve_app.lifecycle.down import down as end

    terminal = Terminal(as_json=as_json)
    with Progress(terminal) as progress, terminal.only_ours():
        report = end(Settings.load(), progress.step)
    if as_json:
        terminal.emit(asdict(report))
    else:
        terminal.show(*machine.ended(report))
    if report.problems:
        raise typer.Exit(FAILED)


def status(*, as_json: AsJson = False) -> None:
    """Show whether the system runs and what is active in it."""
    from serve_app.lifecycle.status import describe

    terminal = Terminal(as_json=as_json)
    report = describe(Settings.load())
    sessions, agents, resources = _active(report)
    if as_json:
        terminal.emit(_status_object(report, sessions, agents, resources))
    else:
        terminal.show(*machine.status(report, sessions, agents, resources))
    if report.instance is not None and not report.healthy:
        raise typer.Exit(UNAVAILABLE)


def doctor(
    *,
    models: Models = None,
    catalogue: Catalogue = None,
    port: Port = None,
    memory: Memory = None,
    endpoints: Endpoints = None,
    ray_address: RayAddress = None,
    as_json: AsJson = False,
) -> None:
    """Say what of this machine is fit for an `up` with the same options."""
    from serve_app.lifecycle.doctor import doctor as examine

    terminal = Terminal(as_json=as_json)
    settings = Settings.load(
        models=models,
        catalogue=catalogue,
        port=port,
        memory=memory,
        simulated_endpoints=endpoints,
        ray_address=ray_address,
    )
    with Progress(terminal) as progress, terminal.only_ours():
        progress.now("Looking at this machine")
        checks = examine(settings)
    fit = all(check.state != "fail" for check in checks)
    if as_json:
        terminal.emit({"ok": fit, "checks": [asdict(check) for check in checks]})
    else:
        terminal.show(*machine.examined(checks))
    if not fit:
        raise typer.Exit(FAILED)


def version(*, as_json: AsJson = False) -> None:
    """Print the version."""
    from serve_app.version import VERSION

    terminal = Terminal(as_json=as_json)
    if as_json:
        terminal.emit({"version": VERSION, "python": platform.python_version()})
    else:
        terminal.show(f"delegator {VERSION} (Python {platform.python_version()})")


def shown(instance: Instance) -> dict[str, Any]:
    """Return what of an instance is anybody's business: not its processes and environment."""
    facts = instance.model_dump(mode="json", exclude={"processes", "environment", "models"})
    return {**facts, "model_mode": instance.models, "simulated": instance.simulated}


def _active(report: StatusReport) -> tuple[list[ActiveSession], list[AgentInfo], ResourceSummaryReply | None]:
    """Return what is active in the running system; nothing where it does not answer."""
    if report.instance is None or not report.running:
        return [], [], None
    address = report.instance.api_url

    async def ask() -> tuple[list[ActiveSession], list[AgentInfo], ResourceSummaryReply]:
        from serve_app.client import AsyncClient

        async with AsyncClient(address) as client:
            sessions = await client.list_active_sessions(NoInput())
            agents = await client.list_active_agents(ListAgentsRequest(all_sessions=True))
            return sessions.sessions, agents.agents, await client.resource_summary(NoInput())

    try:
        return run_async(ask())
    except DelegatorError:  # the report says already that it is not well
        if report.healthy:
            raise
        return [], [], None


def _status_object(
    report: StatusReport,
    sessions: list[ActiveSession],
    agents: list[AgentInfo],
    resources: ResourceSummaryReply | None,
) -> dict[str, Any]:
    active = {
        "sessions": [session.model_dump(mode="json") for session in sessions],
        "agents": [agent.model_dump(mode="json") for agent in agents],
        "models": [model.model_dump(mode="json") for model in resources.models] if resources else [],
        "resources": resources.model_dump(mode="json") if resources else None,
    }
    known = shown(report.instance) if report.instance is not None else {}
    return {
        "running": report.running,
        "healthy": report.healthy,
        "degraded": list(report.degraded),
        **known,
        **active,
    }


def _models_of(catalogue: str) -> list[str]:
    from delegator.roles import load_catalogue

    try:
        roles = load_catalogue(catalogue).roles.values()
    except CatalogueInvalid:  # the file has changed since the start: the system goes on with what it read
        return []
    return list(dict.fromkeys(role.model for role in roles))


def add_system(program: typer.Typer) -> None:
    """Add these commands to the program."""
    add_command(
        program,
        "up",
        up,
        about="Start the system: Ray, the database, the API, MCP and the monitor. A second up finds it running.",
        examples=(
            "delegator up",
            "delegator up --models simulated --catalogue compact --memory 24GB",
            "delegator up --ray-address auto --json",
        ),
        panel=SYSTEM,
    )
    add_command(
        program,
        "down",
        down,
        about="Stop the system and all it started. Open sessions are ended; also clears what a crash has left.",
        examples=("delegator down", "delegator down --json"),
        panel=SYSTEM,
    )
    add_command(
        program,
        "status",
        status,
        about="Show whether the system runs, where it answers, and what is active in it.",
        examples=("delegator status", "delegator status --json"),
        panel=SYSTEM,
    )
    add_command(
        program,
        "doctor",
        doctor,
        about="Look at this machine: what works, what does not, what would help. Starts and changes nothing.",
        examples=("delegator doctor", "delegator doctor --models ollama --memory 24GB --json"),
        panel=SYSTEM,
    )
    add_command(
        program,
        "version",
        version,
        about="Print the version.",
        examples=("delegator version", "delegator version --json"),
        panel=SYSTEM,
    )
