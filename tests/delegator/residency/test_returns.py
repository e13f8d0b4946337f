"""When people come back: that the rate is a true one, what is learned and forgotten, and what is remembered."""

from __future__ import annotations

import json
import math
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegator.residency.returns import CLASSES, EDGES_S, ReturnRates


def learned(*, share: float, gap_s: float, gaps: int = 400, tasks_done: int = 2, seed: int = 1) -> ReturnRates:
    dice, rates = random.Random(seed), ReturnRates()
    for _ in range(gaps):
        rates.learn(tasks_done, dice.expovariate(1 / gap_s), arrived=dice.random() < share)
    return rates


def share_that_returns(rates: ReturnRates, tasks_done: int, closes_by: list[float]) -> float:
    """Follow gaps that end, unless a task comes first, when `closes_by` says: the chance that a task comes."""
    return 1.0 - sum(math.exp(-rates.cumulative(tasks_done, moment)) for moment in closes_by) / len(closes_by)


gaps = st.lists(st.tuples(st.integers(0, 8), st.floats(0, 10_000), st.booleans()), max_size=40)


@settings(max_examples=50, deadline=None)
@given(gaps)
def test_the_cumulative_rate_starts_at_nothing_never_falls_and_stays_finite(
    seen: list[tuple[int, float, bool]],
) -> None:
    rates = ReturnRates()
    for tasks_done, gap_s, arrived in seen:
        rates.learn(tasks_done, gap_s, arrived=arrived)

    for tasks_done in range(CLASSES + 2):
        told = [rates.cumulative(tasks_done, moment) for moment in (*range(0, 7200, 60), 10**6)]
        assert told[0] == 0.0
        assert all(earlier <= later for earlier, later in pairwise(told))
        assert math.isfinite(told[-1])


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_rate_among_open_sessions_adds_up_to_the_share_that_returns(share: float) -> None:
    """Returns and closes alike last `gap_s`: then the rate is `share` of the rate at which gaps end."""
    rates = learned(share=share, gap_s=100.0, gaps=2000)
    dice = random.Random(2)
    # of exponential gaps with rate 1/100, those by returns have rate share/100 and those by closes the rest
    closes_by = [min(3600.0, dice.expovariate((1 - share) / 100.0)) for _ in range(4000)]

    assert share_that_returns(rates, 2, closes_by) == pytest.approx(share, abs=0.06)


def test_the_likelier_nobody_comes_the_smaller_the_rate() -> None:
    rates = ReturnRates()
    for _ in range(200):
        rates.learn(1, 90.0, arrived=True)
        rates.learn(1, 1000.0, arrived=False)

    soon = rates.cumulative(1, 130.0) - rates.cumulative(1, 0.0)
    late = rates.cumulative(1, 630.0) - rates.cumulative(1, 500.0)
    assert soon > 0.5
    assert late < 0.05


def test_the_first_gap_is_learned_apart_from_later_ones() -> None:
    rates = ReturnRates()
    before = rates.cumulative(0, 30.0)
    for _ in range(100):
        rates.learn(3, 900.0, arrived=True)

    assert rates.cumulative(0, 30.0) == pytest.approx(before)
    assert rates.cumulative(3, 30.0) < 0.1


def test_old_habits_fade() -> None:
    rates = learned(share=1.0, gap_s=20.0, gaps=400)
    for _ in range(1000):
        rates.learn(2, 1500.0, arrived=False)

    assert rates.cumulative(2, 600.0) < 0.1


def test_what_was_learned_survives_a_restart() -> None:
    rates, again = learned(share=0.6, gap_s=150.0), ReturnRates()

    assert again.restore(json.loads(json.dumps(rates.to_json())))
    for tasks_done in range(CLASSES):
        for moment in (1.0, 50.0, 700.0, 9000.0):
            assert again.cumulative(tasks_done, moment) == rates.cumulative(tasks_done, moment)
    assert again.to_json() == rates.to_json()


def test_learning_goes_on_after_a_restart_without_touching_what_was_read() -> None:
    told = learned(share=0.6, gap_s=150.0).to_json()
    copy = json.loads(json.dumps(told))
    again = ReturnRates()
    again.restore(told)
    again.learn(2, 10.0, arrived=True)

    assert told == copy
    assert again.version == 1


def changed(**parts: Any) -> dict[str, Any]:
    return {**learned(share=0.5, gap_s=60.0, gaps=5).to_json(), **parts}


RUBBISH: list[dict[str, Any]] = [
    {},
    changed(edges_s=list(EDGES_S[1:])),
    changed(lengths=[]),
    changed(lengths={}),
    changed(lengths={"first": [0.0] * 22, "task": [0.0] * 22}),
    changed(lengths={kind: ["x"] * len(EDGES_S) for kind in ("first", "task", "close")}),
    changed(lengths={kind: [-1.0] * len(EDGES_S) for kind in ("first", "task", "close")}),
    changed(lengths={kind: [math.nan] * len(EDGES_S) for kind in ("first", "task", "close")}),
    changed(lengths={kind: [1e308] * len(EDGES_S) for kind in ("first", "task", "close")}),
    changed(ends=[[10**400, 1]] * CLASSES),
    changed(ends=[[math.inf, 1.0]] * CLASSES),
    changed(ends=[[1.0, 1.0]] * (CLASSES - 1)),
    changed(ends=[[1.0]] * CLASSES),
    changed(ends=None),
]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_what_does_not_fit_is_refused_and_changes_nothing(rubbish: dict[str, Any]) -> None:
    rates = learned(share=0.5, gap_s=60.0, gaps=5)
    before = rates.to_json()

    assert not rates.restore(rubbish)
    assert rates.to_json() == before
