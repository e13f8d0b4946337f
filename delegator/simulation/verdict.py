"""One line that says what a comparison found."""

from __future__ import annotations

from collections.abc import Mapping

from delegator.simulation.meter import Meter, percentile

SAME = 0.03
"""Shares that differ by less are called the same."""


def verdict(meters: Mapping[str, Meter]) -> str:
    """Say how Delegator does beside Ollama as it comes.

    Args:
        meters: {policy: what its run has cost}, of those that could run.
    """
    ours, ollama = meters.get("delegator"), meters.get("ollama")
    if ours is None or ollama is None:
        return "No session of this trace can run on this machine with this catalogue."
    memory = _compared(ours.gb_seconds, ollama.gb_seconds, "of the GB-seconds of Ollama as it comes")
    waiting = _waiting(ours.waited_load_s, ollama.waited_load_s)
    first, other = percentile(ours.ttft_first_s, 0.5), percentile(ollama.ttft_first_s, 0.5)
    answers = f"half of the tasks begin to be answered within {first:.1f} s ({other:.1f} s with Ollama)"
    return f"Delegator takes {memory}, {waiting}; {answers}."


def _compared(ours: float, other: float, what: str) -> str:
    ratio = ours / other if other else 1.0
    if abs(ratio - 1) < SAME:
        return f"about as much {what.removeprefix('of ')}"
    return f"{ratio:.0%} {what}".replace("%", " %")


def _waiting(ours: float, other: float) -> str:
    if other < 1:
        return f"and callers wait {ours:.0f} s for loads in all"
    change = ours / other - 1
    if abs(change) < SAME:
        return "and callers wait as long for loads"
    return f"and callers wait {abs(change) * 100:.0f} % {'less' if change < 0 else 'longer'} for loads"
