"""The goals of the residency benchmark: how many times Ollama's figures ours may be, by machine and rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.residency_report.rows import Row

SLACK = 1.01
"""'No worse' allows for one per cent."""

GB_SECONDS = {24: {2: 0.65, 6: 0.70, 12: 0.85}, 48: {2: 0.50, 6: 0.60, 12: 0.70}, 96: {2: 0.40, 6: 0.45, 12: 0.55}}
WAITED = {24: {2: 0.75, 6: 0.75, 12: 0.80}, 48: dict.fromkeys((2, 6, 12), 0.20), 96: dict.fromkeys((2, 6, 12), 0.30)}
LOADS = {24: dict.fromkeys((2, 6, 12), 1.10), 48: dict.fromkeys((2, 6, 12), 1.25), 96: {2: 2.2, 6: 2.2, 12: 3.0}}
OF_ALL_NINE = {2: 0.06, 6: 0.15, 12: 0.28}
"""GB-seconds as a share of those of all nine resident, on 96 GB."""


def means(rows: Sequence[Row], measures: Sequence[str]) -> dict[str, float]:
    """Return the mean of each measure over the seeds."""
    return {measure: sum(getattr(row, measure) for row in rows) / len(rows) for measure in measures}


def ratios(ours: Mapping[str, float], others: Mapping[str, float]) -> dict[str, float]:
    """Return ours over theirs; where theirs is nothing, 1 for nothing and infinity for more."""
    return {
        measure: value / others[measure] if others[measure] else (float("inf") if value else 1.0)
        for measure, value in ours.items()
    }


def limits(machine_gb: int, rate_per_h: int) -> dict[str, float]:
    """Return the most each ratio to Ollama may be; empty for a machine or rate without goals."""
    if machine_gb not in GB_SECONDS or rate_per_h not in GB_SECONDS[machine_gb]:
        return {}
    return {
        "gb_seconds": GB_SECONDS[machine_gb][rate_per_h],
        "waited_load_seconds": WAITED[machine_gb][rate_per_h],
        "load_seconds": LOADS[machine_gb][rate_per_h],
        "ttft_first_p50_s": SLACK,
        "ttft_all_p50_s": SLACK,
        "ttft_all_p95_s": SLACK,
        "ttft_first_p95_s": 1.05 if rate_per_h == 12 else SLACK,
    }


def missed(
    machine_gb: int, rate_per_h: int, to_ollama: Mapping[str, float], to_all_nine: float | None, ours: Sequence[Row]
) -> list[str]:
    """Return the goals that do not hold, each with its figure and its bound.

    Args:
        machine_gb, rate_per_h: which row of the goals.
        to_ollama: ratios to Ollama by measure.
        to_all_nine: ratio of GB-seconds to all nine resident; None where these do not fit.
        ours: the runs themselves, for what must never happen.
    """
    found = [
        f"{measure} {to_ollama[measure]:.3f} > {bound:g}"
        for measure, bound in limits(machine_gb, rate_per_h).items()
        if to_ollama[measure] > bound
    ]
    if machine_gb == 96 and to_all_nine is not None and to_all_nine > OF_ALL_NINE.get(rate_per_h, 1.0):
        found.append(f"gb_seconds of all_nine {to_all_nine:.3f} > {OF_ALL_NINE[rate_per_h]:g}")
    if any(row.option_reloads for row in ours):
        found.append("option reloads")
    if any(row.capacity_violations for row in ours):
        found.append("capacity violations")
    return found
