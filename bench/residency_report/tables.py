"""The tables of the residency benchmark in Markdown, and the comparison they and the plot are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.residency_report.goals import limits, means, missed, ratios
from bench.residency_report.rows import MEASURES, Row

OURS, RIVAL = "delegator", "ollama"


@dataclass(frozen=True)
class Comparison:
    """Ours against Ollama at one machine, rate and lag; means over the seeds first, then ratios of those.

    Attributes:
        to_all_nine: GB-seconds as a share of those of all nine resident; None where these do not fit or were not run.
        missed: goals that do not hold; None where there are no goals.
    """

    machine_gb: int
    rate_per_h: int
    close_lag_s: int
    to_ollama: dict[str, float]
    to_all_nine: float | None
    missed: list[str] | None
    seeds: int


def compare(rows: Sequence[Row]) -> list[Comparison]:
    """Return a comparison for every machine, rate and lag of which there are rows of ours and of Ollama's."""
    keys = dict.fromkeys((row.close_lag_s, row.machine_gb, row.rate_per_h) for row in rows)
    found = [_compare(lag, machine, rate, rows) for lag, machine, rate in keys]
    return [comparison for comparison in found if comparison is not None]


def _compare(lag: int, machine: int, rate: int, rows: Sequence[Row]) -> Comparison | None:
    here = [r for r in rows if (r.close_lag_s, r.machine_gb, r.rate_per_h) == (lag, machine, rate)]
    by_policy = {name: [row for row in here if row.policy == name] for name in (OURS, RIVAL, "all_nine")}
    ours, rival, all_nine = by_policy.values()
    if not ours or not rival:
        return None
    mean = means(ours, MEASURES)
    to_ollama = ratios(mean, means(rival, MEASURES))
    share = mean["gb_seconds"] / means(all_nine, MEASURES)["gb_seconds"] if all_nine else None
    judged = missed(machine, rate, to_ollama, share, ours) if limits(machine, rate) else None
    return Comparison(machine, rate, lag, to_ollama, share, judged, len(ours))


def tables(rows: Sequence[Row], comparisons: Sequence[Comparison]) -> str:
    """Return the page: ratios with their goals, then the figures of every policy."""
    return "\n\n".join(part for part in (_ratio_table(comparisons), _figure_table(rows)) if part) + "\n"


def _ratio_table(comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return ""
    head = (
        "Delegator's figures as ratios to Ollama's with its five-minute keep-alive (means over the seeds).\n\n"
        "| closed after | GB | per h | GB-s | load s | waited load s | first p50 / p95 | all p50 / p95 "
        "| GB-s of all_nine | goals |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *(_ratio_row(comparison) for comparison in comparisons)])


def _ratio_row(c: Comparison) -> str:
    r = c.to_ollama
    cells = [
        f"{c.close_lag_s} s",
        f"{c.machine_gb}",
        f"{c.rate_per_h}",
        *(f"{r[measure]:.2f}" for measure in ("gb_seconds", "load_seconds", "waited_load_seconds")),
        f"{r['ttft_first_p50_s']:.2f} / {r['ttft_first_p95_s']:.2f}",
        f"{r['ttft_all_p50_s']:.2f} / {r['ttft_all_p95_s']:.2f}",
        "–" if c.to_all_nine is None else f"{c.to_all_nine:.3f}",
        "none" if c.missed is None else "; ".join(c.missed) or "all hold",
    ]
    return f"| {' | '.join(cells)} |"


def _figure_table(rows: Sequence[Row]) -> str:
    head = (
        "| closed after | GB | per h | policy | GB-s, millions | load s | waited load s | swaps "
        "| first p50 / p95 s | all p50 / p95 s |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    keys = dict.fromkeys((row.close_lag_s, row.machine_gb, row.rate_per_h, row.policy) for row in rows)
    lines = []
    for key in keys:
        lag, machine, rate, policy = key
        m = means([r for r in rows if (r.close_lag_s, r.machine_gb, r.rate_per_h, r.policy) == key], _FIGURES)
        lines.append(
            f"| {lag} s | {machine} | {rate} | {policy} | {m['gb_seconds'] / 1e6:.2f} | {m['load_seconds']:.0f} "
            f"| {m['waited_load_seconds']:.0f} | {m['swaps']:.0f} "
            f"| {m['ttft_first_p50_s']:.1f} / {m['ttft_first_p95_s']:.1f} "
            f"| {m['ttft_all_p50_s']:.1f} / {m['ttft_all_p95_s']:.1f} |"
        )
    return "\n".join([head, *lines])


_FIGURES = (*MEASURES, "swaps")
