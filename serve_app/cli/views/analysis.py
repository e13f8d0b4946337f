"""How an analysis and a plan look."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from delegator.schemas import Limits, PlanSessionReply, RoleNeed, TaskAnalysis
from serve_app.cli.views.degradation import degradations
from serve_app.cli.views.layout import SIMULATED, facts, heading, line, names, remarks, table
from serve_app.formats import amount, counted, duration, gigabytes, moment, one_line

_ACTIONS = {"reuse": "in memory already", "load": "load", "load_in_turn": "load when its turn comes"}


def analysis(reply: TaskAnalysis) -> list[RenderableType]:
    """Show what a task is, whom it needs, and why."""
    team = [(role, reply.models.get(role)) for role in reply.recommended_agents]
    return [
        headline(reply),
        line(one_line(reply.reasoning)),
        line(),
        table(("role", "model"), team, whole=("role",)),
        line(),
        facts(
            (
                ("time", reply.estimated_time),
                ("memory", f"{gigabytes(reply.estimated_resources.memory_gb)} (estimated)"),
                ("limits", limits(reply.limits)),
                ("confidence", f"{reply.confidence} ({reply.probability:.0%})"),
                ("question", reply.question),
            )
        ),
        *reasons(reply),
        *needs(reply),
        *alternatives(reply),
        *remarks(reply.notes),
    ]


def needs(reply: TaskAnalysis) -> list[RenderableType]:
    """Return every role, in the team or not, and what would change that."""
    rows = [
        (line((need.role, "bold")) if need.chosen else need.role, "yes" if need.chosen else "no", _why(need), need.flip)
        for need in reply.needs
    ]
    return [line(), table(("role", "in", "because", "what would change it"), rows, whole=("role",))] if rows else []


def _why(need: RoleNeed) -> str:
    return f"{need.because} ({names(need.words)})" if need.words and not need.chosen else need.because


def alternatives(reply: TaskAnalysis) -> list[RenderableType]:
    """Return other teams and what they would cost."""
    rows = [(alternative.change, alternative.because) for alternative in reply.alternatives]
    return [line(), heading("Instead"), facts(rows)] if rows else []


def headline(reply: TaskAnalysis) -> Text:
    """Return what a task is, in one line."""
    parts = (reply.task_type, f"{reply.complexity} complexity", f"category {reply.task_category}")
    return line(("Task: ", "bold"), " · ".join(part.replace("_", " ") for part in parts))


def reasons(reply: TaskAnalysis) -> list[RenderableType]:
    """Return why, one line for each decision."""
    lines = why(reply)
    return [line(), heading("Why"), facts(lines)] if lines else []


def why(reply: TaskAnalysis) -> list[tuple[str, str]]:
    """Return what was decided and because of what; what has one reason shares one line."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for reason in reply.reasons:
        if reason.about != "limits":  # they have their own line, and a note where they bite
            about, words = found.setdefault(reason.because, ([], []))
            about.append(reason.about.replace("_", " "))
            words.extend(reason.words)
    return [
        (names(dict.fromkeys(about)), f"{because} ({names(dict.fromkeys(words))})" if words else because)
        for because, (about, words) in found.items()
    ]


def limits(of: Limits) -> str:
    """Write what a session of this complexity may use."""
    told = f"{counted(of.max_agents, 'agent')}, {gigabytes(of.max_memory_gb)} at one time"
    return f"{told} ({of.complexity.replace('_', ' ')})"


def plan(reply: PlanSessionReply) -> list[RenderableType]:
    """Show what a session would do to the models, before anything happens."""
    rows = [
        (
            model.model,
            names(model.roles),
            gigabytes(model.memory_gb),
            _ACTIONS[model.action],
            duration(model.load_seconds),
        )
        for model in reply.models
    ]
    mark = f" ({SIMULATED})" if reply.simulated else ""
    verdict = line(("possible", "green")) if reply.possible else line(("not possible now", "bold red"))
    return [
        headline(reply.analysis),
        line(one_line(reply.analysis.reasoning)),
        line(),
        table(("model", "roles", ">memory", "what happens", ">load time"), rows, whole=("model",)),
        line(),
        facts(
            (
                ("session", verdict),
                ("memory", f"{gigabytes(reply.peak_gb)} at one time, {gigabytes(reply.needed_gb)} of models in all"),
                ("free", f"{gigabytes(reply.free_gb)} of {gigabytes(reply.capacity_gb)}"),
                ("would evict", names(reply.would_evict)),
                ("ready in", _ready(reply) if reply.possible else None),
                ("a task takes", duration(reply.task_seconds) + mark if reply.task_seconds else None),
                ("a task costs", amount(reply.money.total, reply.money.currency) + mark if reply.money else None),
                ("plan", reply.plan_id),
                ("valid until", f"{moment(reply.expires_at)} UTC" if reply.expires_at else None),
            )
        ),
        *degradations(reply.degradations, title="Because the team does not fit as it is"),
        *remarks(reply.notes),
        *(
            [line(), line((f"Next: delegator session create --plan-id {reply.plan_id}", "dim"))]
            if reply.plan_id
            else []
        ),
    ]


def _ready(reply: PlanSessionReply) -> str:
    mark = f" ({SIMULATED})" if reply.simulated else ""
    if reply.seconds_waiting is None:
        return f"{duration(reply.seconds_to_ready)}{mark} once memory is free; when that is cannot be told"
    waiting = f", {duration(reply.seconds_waiting)} of it waiting" if reply.seconds_waiting else ""
    return duration(reply.seconds_to_ready) + waiting + mark
