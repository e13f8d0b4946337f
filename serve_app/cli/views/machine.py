"""How the system as processes on a machine looks: started, running, ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType

from delegator.schemas import ActiveSession, AgentInfo, ListActiveSessionsReply, ResourceSummaryReply
from delegator.settings import GB
from serve_app.cli.views import sessions, system
from serve_app.cli.views.layout import SIMULATED, facts, heading, line, names, remarks, state, table
from serve_app.formats import gigabytes, moment

if TYPE_CHECKING:
    from serve_app.lifecycle.doctor import Check
    from serve_app.lifecycle.down import DownReport
    from serve_app.lifecycle.instance import Instance
    from serve_app.lifecycle.status import StatusReport


def started(instance: Instance, *, answering: Sequence[str]) -> list[RenderableType]:
    """Show what `up` has brought, or found: where things are and what to do next.

    Args:
        instance: the running system.
        answering: the models of its catalogue.
    """
    found = "Delegator was up already" if instance.already else "Delegator is up"
    return [
        line((found, "bold green")),
        where(instance, answering=answering),
        *remarks(instance.notices),
        line(),
        line("Next:  ", ('delegator run "Add user authentication feature"', "bold")),
    ]


def where(instance: Instance, *, answering: Sequence[str]) -> RenderableType:
    """Return the addresses and the nature of a system as facts."""
    return facts(
        (
            ("API", f"{instance.api_url}  (described at {instance.api_url}/docs)"),
            ("MCP", f"{instance.mcp_url}  (or: delegator mcp)"),
            ("monitor", instance.monitor_url or "not part of this system"),
            ("Ray dashboard", instance.dashboard_url or "switched off"),
            ("metrics", instance.metrics_url or "with those of the Ray that was joined"),
            ("models", model_source(instance)),
            ("catalogue", f"{instance.catalogue}: {names(answering)}" if answering else instance.catalogue),
            ("memory", f"{gigabytes(instance.memory_bytes / GB)} for models"),
            ("database", instance.database),
            ("logs", str(instance.logs)),
        )
    )


def model_source(instance: Instance) -> str:
    """Say which models answer, and where."""
    where = names(list(instance.endpoint_urls.values()))
    if not instance.simulated:
        return f"Ollama at {where}"
    times = f", {instance.simulator_scale:g} times faster than life" if instance.simulator_scale else ""
    return f"{SIMULATED}: texts, sizes and seconds are simulated{times} ({where})"


def status(
    report: StatusReport,
    open_sessions: Sequence[ActiveSession],
    agents: Sequence[AgentInfo],
    resources: ResourceSummaryReply | None,
) -> list[RenderableType]:
    """Show whether the system runs, where, and what is active in it."""
    if report.instance is None:
        return [line("Delegator is not running."), line(("Start it with: delegator up", "dim"))]
    shown: list[RenderableType] = [headline(report), where(report.instance, answering=())]
    if resources is not None:
        listed = ListActiveSessionsReply(sessions=list(open_sessions), total_sessions=len(open_sessions))
        shown += [line(), heading("Sessions"), *sessions.active(listed)]
        if agents:
            shown += [line(), heading("Agents"), system.agent_table(agents)]
        shown += [line(), heading("Memory"), *system.resources(resources)]
    return shown


def headline(report: StatusReport) -> RenderableType:
    """Return whether it runs, and what of it does not."""
    since = f" since {moment(report.instance.started_at)} UTC" if report.instance is not None else ""
    if report.healthy:
        return line(("Delegator is running", "bold green"), since)
    word = "Delegator is running, but not well" if report.running else "Delegator has died"
    return line((word, "bold red"), f": {'; '.join(report.degraded)}")


def ended(report: DownReport) -> list[RenderableType]:
    """Show what `down` has ended."""
    if not report.was_running:
        return [line("Nothing was running."), *remarks(report.problems)]
    return [
        line(("Delegator is down", "bold")),
        facts(
            (
                ("sessions ended", names(report.sessions_ended)),
                ("models unloaded", names(report.models_unloaded)),
                ("taken from Ray", names(report.removed)),
                ("processes ended", len(report.processes_ended)),
            )
        ),
        *remarks(report.problems),
    ]


def examined(checks: Sequence[Check]) -> list[RenderableType]:
    """Show what `doctor` has found, worst news last in sight: the verdict."""
    rows = [(state(check.state), check.name, check.found, check.advice or None) for check in checks]
    failed = [check.name for check in checks if check.state == "fail"]
    if failed:
        verdict = line(("Not fit yet: ", "bold red"), names(failed))
    else:
        verdict = line(("This machine is fit for Delegator.", "bold green"), " Start it with: delegator up")
    return [table(("", "what", "found", "what would help"), rows, whole=("what",)), line(), verdict]
