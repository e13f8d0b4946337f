"""What a plan has promised, and what stands against keeping it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from delegator.residency.forecast import forecast
from delegator.residency.foreseen import Forecast
from delegator.residency.planner import Resident, Snapshot, Wish
from delegator.residency.promise import Promise, broken, remarks
from delegator.settings import GB

SIZES = {"a": 10 * GB, "b": 20 * GB, "other": 5 * GB}
EMPTY = Snapshot(40 * GB)
A = Resident("a", 10 * GB)
THEIRS = Resident("theirs", 15 * GB, frozenset({"other"}))


def team(snapshot: Snapshot) -> Forecast:
    return forecast(snapshot, [Wish(model, SIZES[model], "planned", 100 * GB) for model in ("a", "b")])


PROMISE = Promise.of(team(EMPTY), SIZES)


def test_a_promise_survives_the_database() -> None:
    assert Promise.from_json(json.loads(json.dumps(PROMISE.as_json()))) == PROMISE
    assert PROMISE.sizes == {"a": 10 * GB, "b": 20 * GB}


def test_an_unchanged_world_keeps_it() -> None:
    assert broken(PROMISE, team(EMPTY), SIZES) == []
    assert remarks(PROMISE, team(EMPTY)) == []


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (Snapshot(40 * GB, (THEIRS,)), "theirs would have to leave memory too."),
        (
            Snapshot(30 * GB, (replace(THEIRS, busy=True),)),
            "It would have to wait for memory that theirs takes now.",
        ),
        (Snapshot(25 * GB), "The team's models would have to take turns."),
        (Snapshot(15 * GB), "b needs 20.0 GB and 15.0 GB are there."),
    ],
)
def test_memory_that_is_not_there_any_more_breaks_it(now: Snapshot, reason: str) -> None:
    assert reason in broken(PROMISE, team(now), SIZES)


def test_a_model_that_measures_larger_breaks_it_and_one_that_measures_smaller_does_not() -> None:
    assert broken(PROMISE, team(EMPTY), {**SIZES, "a": 11 * GB}) == ["a takes 11.0 GB and not 10.0 GB."]
    assert broken(PROMISE, team(EMPTY), {**SIZES, "a": 9 * GB}) == []
    assert broken(PROMISE, team(EMPTY), {**SIZES, "other": 9 * GB}) == []


def test_less_than_was_promised_is_merely_told() -> None:
    full = Promise.of(team(Snapshot(40 * GB, (THEIRS,))), SIZES)

    assert full.evicted == ("theirs",)
    assert broken(full, team(EMPTY), SIZES) == []
    assert remarks(full, team(EMPTY)) == ["theirs need not leave memory."]
    warm = Snapshot(40 * GB, (A,))
    assert remarks(PROMISE, team(warm)) == ["a is in memory already and need not be loaded."]
    assert broken(Promise.of(team(warm), SIZES), team(EMPTY), SIZES) == []
    assert remarks(Promise.of(team(warm), SIZES), team(EMPTY)) == ["a is not in memory any more and is loaded."]
