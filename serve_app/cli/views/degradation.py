"""How it looks that a team does not fit as it was asked for: one row a step, with what was asked, given and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import RenderableType

from delegator.schemas import Degradation, Rung
from serve_app.cli.views.layout import heading, line, names, table
from serve_app.formats import duration, gigabytes

_WORDS: Mapping[Rung, str] = {
    Rung.WAIT: "wait",
    Rung.EVICT_IDLE: "evict idle models",
    Rung.SMALLER: "smaller model",
    Rung.MERGE: "shared model",
    Rung.REFUSE: "refuse",
}


def degradations(steps: Sequence[Degradation], *, title: str) -> list[RenderableType]:
    """Show the steps under a title; nothing where everything is as it was asked for."""
    if not steps:
        return []
    rows = [
        (
            _WORDS[step.rung],
            step.role or "the team",
            step.asked if step.given != step.asked else names(step.models),
            step.given if step.given != step.asked else None,
            gigabytes(step.saves_gb) if step.saves_gb else None,
            None if step.eta_s is None else duration(step.eta_s),
            step.why,
        )
        for step in steps
    ]
    columns = ("what is done", "for", "model", "given instead", ">saves", ">after", "why")
    return [line(), heading(title), table(columns, rows, whole=("what is done", "for"))]
