"""Until when an idle model is worth its memory: against integration by brute force, and at the edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegator.residency.lingering import GO, GRID_S, MayReturn, WillReturn, best_keeping
from delegator.settings import GB

Rate = tuple[tuple[float, float], ...]
"""(until, rate) of a piecewise constant rate; after the last it is 0."""


def cumulative(rate: Rate) -> Callable[[float], float]:
    def up_to(moment: float) -> float:
        total, begin = 0.0, 0.0
        for until, each in rate:
            total += max(0.0, min(moment, until) - begin) * each
            begin = until
        return total

    return up_to


def by_brute_force(gb: float, may: Sequence[tuple[Rate, float]], will: Sequence[WillReturn], until: float) -> float:
    """Follow the expected gain of keeping for `until` seconds in small steps; the first piece of work ends it."""
    steps = 4000
    width, nobody, worth = until / steps, 1.0, 0.0
    sums = [(cumulative(rate), saves) for rate, saves in may]
    due = sorted(will, key=lambda work: (work.in_s, -work.saves))
    for step in range(steps):
        begin, end = step * width, (step + 1) * width
        while due and due[0].in_s <= begin + width / 2 and nobody > 0:
            worth += nobody * due[0].saves
            nobody = 0.0
        hazards = [up_to(end) - up_to(begin) for up_to, _ in sums]
        hazard = sum(hazards)
        comes = 1 - math.exp(-hazard)
        if hazard:
            worth += nobody * comes * sum(h * saves for h, (_, saves) in zip(hazards, sums, strict=True)) / hazard
        worth -= gb * nobody * width * (1 - comes / 2)
        nobody *= 1 - comes
    if due and nobody > 0 and due[0].in_s <= until:
        worth += nobody * due[0].saves
    return worth


# rates change only where the walk looks, so that both see the same thing
rates = st.lists(st.sampled_from(GRID_S[1:]), unique=True, max_size=3).flatmap(
    lambda ends: st.tuples(*(st.tuples(st.just(float(end)), st.floats(0, 0.05)) for end in sorted(ends)))
)
sources = st.lists(st.tuples(rates, st.floats(0, 20_000)), max_size=3)
announced = st.lists(
    st.builds(WillReturn, st.sampled_from((1.0, 5.0, 40.0, 300.0, 2000.0)), st.floats(0, 20_000)), max_size=2
)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 40), sources, announced)
def test_the_worth_is_what_brute_force_finds_and_no_other_moment_is_worth_more(
    gb: float, may: list[tuple[Rate, float]], will: list[WillReturn]
) -> None:
    found = best_keeping(int(gb * GB), [MayReturn(cumulative(rate), saves) for rate, saves in may], will)

    scale = 1.0 + max([saves for _, saves in may] + [work.saves for work in will], default=0.0)
    if found != GO:
        assert by_brute_force(gb, may, will, found.for_s) == pytest.approx(found.worth, abs=0.02 * scale + 1.0)
    for moment in GRID_S[2::3]:
        assert by_brute_force(gb, may, will, moment) <= found.worth + 0.02 * scale + 1.0


def test_nothing_to_come_is_worth_nothing() -> None:
    assert best_keeping(10 * GB, [], []) == GO
    assert best_keeping(10 * GB, [MayReturn(lambda _: 0.0, 1e9)], []) == GO
    assert best_keeping(10 * GB, [MayReturn(lambda s: 0.01 * s, 0.0)], [WillReturn(5.0, 0.0)]) == GO


def test_announced_work_is_waited_for_as_long_as_that_is_cheaper_than_the_reload() -> None:
    kept = best_keeping(10 * GB, [], [WillReturn(50.0, 600.0)])

    assert kept.for_s == 50.0
    assert kept.worth == pytest.approx(100.0)
    assert best_keeping(10 * GB, [], [WillReturn(50.0, 499.0)]) == GO


def test_of_two_that_are_announced_the_first_decides() -> None:
    assert best_keeping(10 * GB, [], [WillReturn(90.0, 2000.0), WillReturn(10.0, 150.0)]).for_s == 10.0


@pytest.mark.parametrize("in_s", [0.0, -5.0, 3601.0, 1e9])
def test_work_outside_the_time_looked_at_is_not_waited_for(in_s: float) -> None:
    assert best_keeping(1, [], [WillReturn(in_s, 1e12)]) == GO


def test_a_steady_rate_is_worth_keeping_for_exactly_when_it_pays_each_second() -> None:
    steady = MayReturn(lambda s: 0.01 * s, 1001.0)

    assert best_keeping(10 * GB, [steady], []).for_s == pytest.approx(GRID_S[-1], rel=0.9)
    assert best_keeping(10 * GB, [MayReturn(steady.cumulative, 999.0)], []) == GO


def test_a_rate_that_ends_is_waited_for_to_its_end_and_no_longer() -> None:
    hazard = MayReturn(cumulative(((100.0, 0.01),)), 5000.0)

    assert best_keeping(10 * GB, [hazard], []).for_s == 100.0


@given(st.floats(0, 1e15), st.floats(0, 1e15))
def test_any_price_gives_a_finite_answer(saves: float, announced_saves: float) -> None:
    kept = best_keeping(7 * GB, [MayReturn(lambda s: 0.02 * s, saves)], [WillReturn(30.0, announced_saves)])

    assert 0.0 <= kept.for_s <= GRID_S[-1]
    assert math.isfinite(kept.worth)
    assert kept.worth >= 0.0
