"""How what use has taught moves the need for a role."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.analysis.complexity import ComplexityTable
from delegator.analysis.needs import FAR, NEEDED, USUAL_MARGIN, Need, log_odds, needs_of, shifted
from delegator.analysis.words import split_words
from delegator.words import TaskType

SHARES = st.floats(0, 1)
SHIFTS = st.floats(-20, 20)


@given(SHARES, SHIFTS)
def test_a_moved_need_is_a_share_and_moves_the_way_it_was_taught(need: float, by: float) -> None:
    moved = shifted(need, by)

    assert 0 <= moved <= 1
    assert moved >= need - 1e-9 if by >= 0 else moved <= need + 1e-9


@given(SHARES)
def test_to_be_taught_next_to_nothing_changes_next_to_nothing(need: float) -> None:
    assert shifted(need, 0.0) == pytest.approx(need)
    for by in (-1e-6, 1e-6):
        assert shifted(need, by) == pytest.approx(need, abs=1e-5)


@pytest.mark.parametrize("need", [0.0, FAR / 10, FAR])
def test_what_looked_out_of_the_question_is_as_far_as_any_need_that_small(need: float) -> None:
    enough = log_odds(NEEDED) - log_odds(FAR)

    assert shifted(need, enough + 0.01) >= NEEDED > shifted(need, enough - 0.01)


def test_what_is_merely_usual_stays_out_once_its_margin_is_taught_away() -> None:
    assert Need("cto", 0.0, 1.0, -USUAL_MARGIN + 0.01).is_needed
    assert not Need("cto", 0.0, 1.0, -USUAL_MARGIN - 0.01).is_needed


def test_without_anything_taught_a_need_is_text_and_tables() -> None:
    assert Need("cto", 0.5, 0.25).total == Need("cto", 0.5, 0.25).untaught


def test_a_role_that_only_use_calls_for_is_among_the_needs() -> None:
    assessment = ComplexityTable().assess(split_words("Fix it"), {}, TaskType.BUG_FIX)

    needs = needs_of({TaskType.BUG_FIX: 1.0}, {}, assessment, {"chro": 5.0})

    assert {need.role: need.is_needed for need in needs}["chro"]
    assert "chro" not in {need.role for need in needs_of({TaskType.BUG_FIX: 1.0}, {}, assessment)}
