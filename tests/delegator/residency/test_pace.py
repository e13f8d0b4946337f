"""How long turns last: means, quantiles, and what is told before anything is known."""

from __future__ import annotations

import statistics

from hypothesis import given
from hypothesis import strategies as st

from delegator.residency.pace import ASSUMED_READING_S, ASSUMED_WRITING_S, ENOUGH, REMEMBERED, Durations, Pace


@given(st.lists(st.floats(0, 1e4), max_size=REMEMBERED + 50), st.floats(0, 1))
def test_only_the_latest_durations_count(seconds: list[float], share: float) -> None:
    durations = Durations()
    for each in seconds:
        durations.note(each)

    kept = seconds[-REMEMBERED:]
    assert abs(durations.mean(7.0) - (statistics.fmean(kept) if kept else 7.0)) < 1e-6
    quantile = durations.quantile(share)
    if len(kept) < ENOUGH:
        assert quantile is None
    else:
        assert quantile is not None
        assert sum(each < quantile for each in kept) <= share * len(kept)
        assert sum(each <= quantile for each in kept) >= min(len(kept), int(share * len(kept)) + 1)


def test_a_quantile_leaves_its_share_below_it() -> None:
    durations = Durations()
    for seconds in range(100):
        durations.note(float(seconds))

    assert durations.quantile(0.0) == 0.0
    assert durations.quantile(0.25) == 25.0
    assert durations.quantile(1.0) == 99.0


def test_reading_and_writing_are_learned_apart_and_by_model() -> None:
    pace = Pace()
    for _ in range(ENOUGH):
        pace.note_reading("a", 2.0)
    for _ in range(ENOUGH - 1):
        pace.note_writing("a", 10.0)

    assert pace.turn_s("a") == 12.0
    assert pace.writing_s("a", share=0.5) is None
    pace.note_writing("a", 10.0)
    assert pace.writing_s("a", share=0.5) == 10.0
    assert pace.turn_s("b") == ASSUMED_READING_S + ASSUMED_WRITING_S
    assert pace.writing_s("b", share=0.5) is None


def test_what_is_left_of_a_turn_shrinks_from_grant_to_token_to_end() -> None:
    pace = Pace()
    pace.note_reading("a", 2.0)
    pace.note_writing("a", 10.0)

    assert pace.left_s("a", since_grant_s=0.5, since_token_s=None) == 11.5
    assert pace.left_s("a", since_grant_s=9.0, since_token_s=4.0) == 6.0
    assert pace.left_s("a", since_grant_s=90.0, since_token_s=None) == 0.0
    assert pace.left_s("a", since_grant_s=90.0, since_token_s=80.0) == 0.0
