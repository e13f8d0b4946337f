"""One run of the residency benchmark as a row: the fields that `--json` prints, no more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One run. GB are 10^9 bytes, seconds are model seconds."""

    seed: int
    machine_gb: int
    rate_per_h: int
    close_lag_s: int
    policy: str
    gb_seconds: float
    load_seconds: float
    waited_load_seconds: float
    swaps: int
    ttft_first_p50_s: float
    ttft_first_p95_s: float
    ttft_all_p50_s: float
    ttft_all_p95_s: float
    option_reloads: int
    capacity_violations: int


MEASURES = (
    "gb_seconds",
    "load_seconds",
    "waited_load_seconds",
    "ttft_first_p50_s",
    "ttft_first_p95_s",
    "ttft_all_p50_s",
    "ttft_all_p95_s",
)
"""What is compared."""
