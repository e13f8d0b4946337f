"""How models look: those on the disks, downloads, and how the roles fit a machine."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from delegator.schemas import (
    FitModelsReply,
    ListModelsReply,
    MachineFit,
    ModelControlReply,
    ModelInfo,
    Pull,
    PullsReply,
    RemoveModelReply,
)
from serve_app.cli.views.layout import facts, heading, line, names, remark_on_simulation, remarks, table
from serve_app.formats import counted, duration, gigabytes, percent


def models(reply: ListModelsReply) -> list[RenderableType]:
    """Show what is on the disks and what is missing."""
    rows = [
        (
            model.model,
            _state(model),
            None if model.disk_gb is None else gigabytes(model.disk_gb),
            _memory(model),
            names(model.roles) or (f"instead: {names(model.fallback_of)}" if model.fallback_of else ""),
            names(model.held_by),
            model.endpoint,
            _remark(model),
        )
        for model in reply.models
    ]
    columns = ("model", "state", ">disk", ">memory", "roles", "held by", "endpoint", "remark")
    needed = [model.model for model in reply.models if model.needed]
    shown: list[RenderableType] = [
        heading(f"Models of catalogue {reply.catalogue} and others", note=f"{gigabytes(reply.disk_gb)} on disk"),
        table(columns, rows, whole=("model",)) if rows else line("No models."),
    ]
    if needed:
        shown += [line(), line(("Missing: ", "yellow"), f"{names(needed)}. Fetch them with: delegator models pull")]
    shown += remarks(reply.notes)
    return [*shown, remark_on_simulation()] if reply.simulated else shown


def _state(model: ModelInfo) -> Text:
    styles = {"resident": "green", "available": "", "missing": "yellow" if model.needed else "dim"}
    words = {"resident": "in memory", "available": "on disk", "missing": "missing" if model.needed else "not there"}
    return line((words[model.state], styles[model.state]))


def _memory(model: ModelInfo) -> str | None:
    if model.memory_gb is None:
        return None
    return gigabytes(model.memory_gb) if model.measured else f"~{gigabytes(model.memory_gb)}"


def _remark(model: ModelInfo) -> str:
    pull = model.pull
    if pull is not None and pull.status == "running":
        return f"downloading, {percent(pull.progress_ratio)}"
    return "; ".join(filter(None, ("pinned" if model.pinned else "", model.problem)))


def pulled(reply: Pull) -> list[RenderableType]:
    """Show one download."""
    match reply.status:
        case "running":
            what = line(("downloading ", "cyan"), reply.model)
        case "completed":
            what = line(("fetched ", "green"), reply.model)
        case "cancelled":
            what = line(("cancelled ", "yellow"), reply.model, ": what has come is kept for the next pull")
        case _:
            what = line(("failed ", "red"), reply.model, f": {reply.error.message}" if reply.error else "")
    size = f"{reply.completed_gb:.1f} of {gigabytes(reply.total_gb)}" if reply.total_gb else reply.phase
    simulated = " simulated" if reply.simulated else ""
    return [line(what, f" on {reply.endpoint}  ", (f"{size}, {duration(reply.seconds)}{simulated}", "dim"))]


def several(reply: PullsReply) -> list[RenderableType]:
    """Show several downloads."""
    if not reply.pulls:
        return [line("Nothing is missing: every role has its model.")]
    return [part for pull in reply.pulls for part in pulled(pull)]


def removed(reply: RemoveModelReply) -> list[RenderableType]:
    """Show what removing a model gave back."""
    memory = gigabytes(reply.memory_freed_gb) if reply.memory_freed_gb else None
    shown: list[RenderableType] = [
        line(("removed ", "bold"), f"{reply.model} from {reply.endpoint}"),
        facts((("disk freed", gigabytes(reply.disk_freed_gb)), ("memory freed", memory))),
    ]
    return [*shown, remark_on_simulation()] if reply.simulated else shown


def controlled(reply: ModelControlReply) -> list[RenderableType]:
    """Show what became of a model that was loaded, unloaded, pinned or unpinned."""
    styles = {"resident": "green", "absent": "bold"}
    words = {"resident": "in memory", "loading": "loading", "unloading": "unloading", "absent": "not in memory"}
    pinned = ", pinned" if reply.pinned else ""
    shown: list[RenderableType] = [
        line(
            (f"{words.get(reply.state, reply.state)} ", styles.get(reply.state, "cyan")),
            f"{reply.model} on {reply.endpoint}{pinned}",
        ),
        facts((("memory", gigabytes(reply.memory_gb)), ("left for it", names(reply.evicted) or None))),
        *remarks(reply.warnings),
    ]
    return [*shown, remark_on_simulation()] if reply.simulated else shown


def fit(reply: FitModelsReply) -> list[RenderableType]:
    """Show which roles fit which machine."""
    shown = [part for machine in reply.machines for part in _machine(machine)]
    shown += [line((f"Sizes are {reply.sizes}.", "dim"))]
    return [*shown, remark_on_simulation()] if reply.simulated else shown


_VERDICTS = {
    "fits": ("fits", "green"),
    "alone": ("alone, in turn with others", "yellow"),
    "fallback": ("with another model", "yellow"),
    "too_large": ("does not fit", "red"),
}


def _machine(machine: MachineFit) -> list[RenderableType]:
    where = f" on {machine.endpoint}" if machine.endpoint else ""
    rows = [
        (
            role.role,
            line(_VERDICTS[role.verdict]),
            role.uses or role.model,
            gigabytes(role.memory_gb),
            f"{role.why}; try {role.alternative}" if role.alternative else role.why,
        )
        for role in machine.roles
    ]
    others = [
        (
            each.catalogue,
            counted(each.roles_usable, "role"),
            counted(each.roles_together, "role"),
            f"{each.teams_together} of {each.teams}",
            gigabytes(each.all_roles_gb),
        )
        for each in machine.catalogues
    ]
    together = (
        f"{counted(len(machine.together), 'role')} in {gigabytes(machine.together_gb)}: {names(machine.together)}"
    )
    return [
        heading(f"Catalogue {machine.catalogue}{where}", note=f"{gigabytes(machine.capacity_gb)} for models"),
        table(("role", "verdict", "model", ">memory", "why"), rows, whole=("role", "model")),
        line(),
        facts((("fit in memory at one time", together), ("all roles need", gigabytes(machine.all_roles_gb)))),
        line(),
        table(("catalogue", "usable", "at one time", "usual teams at one time", ">all roles"), others),
        line(),
        _advice(machine),
    ]


def _advice(machine: MachineFit) -> Text:
    if machine.suggested is None:
        return line(("No catalogue fits this memory.", "bold red"))
    if machine.suggested == machine.catalogue:
        return line((f"{machine.catalogue} suits this machine.", "bold green"))
    return line(("Better for this machine: ", "bold"), f"delegator up --catalogue {machine.suggested}")
