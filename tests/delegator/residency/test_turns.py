"""Which waiting turns go first, and that none waits for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from delegator.residency.turns import WaitingTurn, first_in_line, grantable, models_to_close


def test_turns_on_resident_models_start_oldest_first_and_no_more_than_there_are_slots() -> None:
    waiting = [WaitingTurn("young", "a", 1), WaitingTurn("old", "a", 5), WaitingTurn("absent", "b", 9)]

    assert grantable(waiting, free_slots={"a": 1}, closed=()) == ["old"]
    assert grantable(waiting, free_slots={"a": 2}, closed=()) == ["old", "young"]
    assert grantable(waiting, free_slots={"a": 2}, closed=("a",)) == []


def test_the_longest_waiting_turn_without_its_model_is_first_in_line() -> None:
    waiting = [WaitingTurn("t1", "a", 9), WaitingTurn("t2", "b", 3), WaitingTurn("t3", "c", 5)]

    assert first_in_line(waiting, resident={"a"}) == waiting[2]
    assert first_in_line(waiting, resident={"a", "b", "c"}) is None


def test_models_close_only_for_a_turn_that_has_waited_beyond_patience() -> None:
    patient, impatient = WaitingTurn("t", "b", 59), WaitingTurn("t", "b", 60)

    assert models_to_close(patient, ["a"], patience_s=60) == frozenset()
    assert models_to_close(impatient, ["a"], patience_s=60) == {"a"}
    assert models_to_close(None, ["a"], patience_s=60) == frozenset()


@given(st.integers(1, 5), st.lists(st.integers(0, 30), min_size=1, max_size=40), st.integers(0, 20))
def test_however_many_turns_come_for_a_resident_model_one_for_another_model_starts(
    turn_s: int, arrivals: list[int], patience_s: int
) -> None:
    """One slot, memory for one model: `b` waits while turns on `a` keep coming; it starts once patience is over."""
    now, free_at = 0, 0
    ends_by = patience_s + turn_s + 1
    while now <= ends_by:
        waiting = [WaitingTurn(f"a{i}", "a", now - at) for i, at in enumerate(arrivals) if at <= now]
        waiting.append(WaitingTurn("b", "b", now))
        first = first_in_line(waiting, resident={"a"})
        closed = models_to_close(first, ["a"], patience_s=patience_s)
        if now >= free_at:
            if not grantable(waiting, free_slots={"a": 1}, closed=closed) and closed:
                return  # `a` is idle and takes nothing: the change to `b` begins
            free_at = now + turn_s
        now += 1
    raise AssertionError("b never starts")
