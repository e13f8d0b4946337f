"""Which waiting turns go first, and that a closed model falls idle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from delegator.residency.turns import WaitingTurn, grantable


def test_turns_on_resident_models_start_oldest_first_and_no_more_than_there_are_slots() -> None:
    waiting = [WaitingTurn("young", "a", 1), WaitingTurn("old", "a", 5), WaitingTurn("absent", "b", 9)]

    assert grantable(waiting, free_slots={"a": 1}, closed=()) == ["old"]
    assert grantable(waiting, free_slots={"a": 2}, closed=()) == ["old", "young"]
    assert grantable(waiting, free_slots={"a": 2}, closed=("a",)) == []


def test_a_closed_model_still_takes_who_has_waited_as_long_as_the_one_it_is_closed_for() -> None:
    waiting = [WaitingTurn("older", "a", 9), WaitingTurn("as_old", "a", 7), WaitingTurn("younger", "a", 6.9)]

    assert grantable(waiting, free_slots={"a": 3}, closed=("a",), closed_after_s=7) == ["older", "as_old"]
    assert grantable(waiting, free_slots={"a": 3}, closed=("b",), closed_after_s=7) == ["older", "as_old", "younger"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=12),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)),
    st.sets(st.sampled_from("abc")),
    st.integers(0, 9),
)
def test_slots_are_never_overfilled_and_nobody_is_passed_by_a_younger_one_for_the_same_model(
    turns: list[tuple[str, int]], free_slots: dict[str, int], closed: set[str], closed_after_s: int
) -> None:
    waiting = {f"t{i}": WaitingTurn(f"t{i}", model, waited_s) for i, (model, waited_s) in enumerate(turns)}
    granted = grantable(waiting.values(), free_slots=free_slots, closed=closed, closed_after_s=closed_after_s)

    for model in "abc":
        able = [
            t for t in waiting.values() if t.model == model and not (model in closed and t.waited_s < closed_after_s)
        ]
        started = [waiting[turn_id] for turn_id in granted if waiting[turn_id].model == model]
        assert len(started) == min(len(able), free_slots.get(model, 0))
        left = [t.waited_s for t in able if t not in started]
        assert max(left, default=0) <= min((t.waited_s for t in started), default=9)
