"""The tables of the analysis benchmark in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis_report.cost import Cost
from bench.analysis_report.scores import Scores

_SHARES = ("type_accuracy", "macro_f1", "role_in_team", "team_size", "lift")
_DOUBT = ("calibration_error", "sure", "right_when_sure")

_HEAD = (
    "| texts | rows | analyser | type right | macro F1 | role in team | roles | lift | calibration error "
    "| not abstained | right then | ms p50 / p95 |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def score_table(rows: Sequence[tuple[str, str, Scores]]) -> str:
    """Return one line for each (set of texts, analyser, scores)."""
    return "\n".join([_HEAD, *(_line(*row) for row in rows)])


def _line(texts: str, analyser: str, scores: Scores) -> str:
    cells = [
        texts,
        f"{scores.texts:,}",
        analyser,
        *(_told(getattr(scores, name), 2 if name in ("team_size", "lift") else 3) for name in _SHARES),
        *(_told(getattr(scores, name), 3) for name in _DOUBT),
        f"{scores.ms_p50:.2f} / {scores.ms_p95:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def cost_table(cost: Cost) -> str:
    """Return what ours costs, one line each."""
    rows = (
        ("`import delegator.analysis`", f"{cost.import_s:.2f} s"),
        ("the first call, which reads the weights", f"{cost.first_call_s:.2f} s"),
        ("resident memory added, libraries included", f"{cost.added_bytes / 1e6:.0f} MB"),
        ("file of the weights", f"{cost.weights_bytes / 1e6:.2f} MB"),
        ("`delegator analyze --jsonl` until its first answer", f"{cost.start_s:.2f} s"),
        ("its answers a second from then on", f"{cost.lines_per_s:.0f}"),
    )
    return "\n".join(
        ["| ours, in processes of its own | |\n|---|---|", *(f"| {what} | {value} |" for what, value in rows)]
    )


def _told(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
