"""The next speaker's model: brought in just in time, counted truly, and given up when somebody ready needs the room."""

from __future__ import annotations

import pytest

from delegator.residency.decisions import Foretold
from delegator.residency.dispatcher import Policy
from delegator.residency.ledger import Entry, Phase
from delegator.residency.pace import ENOUGH
from delegator.residency.prefetching import PREFETCH_MARGIN_S, PREFETCH_MARGIN_SHARE
from delegator.residency.requests import Later, TurnRequest
from delegator.settings import GB
from tests.delegator.residency.unsteady_host import UnsteadyHost

MODELS = {"lead": 10 * GB, "next": 8 * GB, "after": 6 * GB, "other": 10 * GB}
LOAD_S = 4.5
"""Of `next`."""


def host(capacity_gb: int = 20, *, writes_s: float | None = None, prefetch: bool = True) -> UnsteadyHost:
    on = UnsteadyHost(MODELS, capacity_gb * GB, Policy(prefetch=prefetch))
    on.ledger.put(Entry("lead", 0, MODELS["lead"], Phase.RESIDENT, holders={"s"}))
    on.open("s", "lead", "next")
    for _ in range(ENOUGH if writes_s is not None else 0):
        on.dispatcher.pace.note_writing("lead", writes_s or 0.0)
    return on


def speak(on: UnsteadyHost, *, reading_s: float = 3.0, writing_s: float = 20.0, then: str | None = "next") -> None:
    """Let the lead speak, and its task go on with `then`; None: it breaks off."""
    following = TurnRequest("t2", "s", then or "", 100 * GB, task_id="t")
    on.ask(
        TurnRequest("t1", "s", "lead", 100 * GB, task_id="t", later=(Later("next", 1),), continues=True),
        reading_s=reading_s,
        writing_s=writing_s,
        then=(lambda: on.ask(following)) if then else (lambda: None),
    )


def loading_since(on: UnsteadyHost, model: str, until: float) -> float | None:
    """Return the moment a load of the model begins."""
    while on.now < until:
        on.run(on.now + 0.05)
        if model in on.ledger:
            return on.now
    return None


def test_before_writing_times_are_known_a_prefetch_begins_with_the_first_token() -> None:
    on = host()
    speak(on, reading_s=3.0)

    assert loading_since(on, "next", 20.0) == pytest.approx(3.0, abs=0.06)


def test_a_prefetch_begins_in_time_for_the_learned_end_with_a_margin() -> None:
    on = host(writes_s=20.0)
    speak(on, reading_s=3.0)

    begins = 3.0 + 20.0 - LOAD_S * (1 + PREFETCH_MARGIN_SHARE) - PREFETCH_MARGIN_S
    assert loading_since(on, "next", 30.0) == pytest.approx(begins, abs=0.06)


def test_a_prefetch_never_begins_before_the_first_token() -> None:
    on = host(writes_s=1.0)
    speak(on, reading_s=12.0)

    assert loading_since(on, "next", 20.0) == pytest.approx(12.0, abs=0.06)


def test_two_that_end_together_are_prefetched_one_after_the_other() -> None:
    on = host(40, writes_s=20.0)
    on.dispatcher.lingers = False
    on.ledger.put(Entry("other", 0, MODELS["other"], Phase.RESIDENT, holders={"s2"}))
    for _ in range(ENOUGH):
        on.dispatcher.pace.note_writing("other", 20.0)
    speak(on)
    on.ask(
        TurnRequest("u1", "s2", "other", 100 * GB, task_id="u", later=(Later("after", 1),), continues=True),
        reading_s=3.0,
        writing_s=20.0,
    )
    on.run(22.9)

    assert sorted(on.loads) == ["after", "next"]
    assert all(on.ledger.require(model).phase is Phase.RESIDENT for model in on.loads)


def test_a_prefetch_that_met_its_turn_was_used_and_one_whose_task_took_another_way_was_wasted() -> None:
    for then, outcome in (("next", Foretold.USED), ("lead", Foretold.WASTED), (None, Foretold.WASTED)):
        on = host()
        speak(on, then=then)
        on.run(60.0)

        assert on.dispatcher.prefetches == {Foretold.BEGUN: 1, outcome: 1}


def test_a_model_prefetched_for_a_task_that_broke_off_goes_after_the_grace() -> None:
    on = host()
    speak(on, writing_s=20.0, then=None)
    on.run(23.0 + 29.9)
    still_there = "next" in on.ledger
    on.run(23.0 + 31.5)

    assert still_there
    assert "next" not in on.ledger


@pytest.mark.parametrize("ended_at", [0.1, 0.3, 0.7, 1.1, 33.3, 1234.567])
def test_the_grace_ends_at_the_moment_that_was_asked_for_whatever_its_fractions(ended_at: float) -> None:
    on = host()
    speak(on, writing_s=0.0, reading_s=ended_at, then=None)
    on.run(ended_at + 30.5)

    assert on.dispatcher.prefetches[Foretold.WASTED] == 1


def test_whoever_is_ready_breaks_a_prefetch_off_that_is_in_the_way_and_that_is_told_once() -> None:
    on = host(writes_s=None)
    speak(on, writing_s=30.0)
    on.run(5.0)
    on.dispatcher.announce(TurnRequest("ready", "s2", "other", 100 * GB), on.now)
    decisions = [on.dispatcher.decide(on.now) for _ in range(3)]
    assert [decision.cancel for decision in decisions] == [True, True, True]
    assert [decision.foretold for decision in decisions] == [[(Foretold.CANCELLED, "next", "s")], [], []]

    on.dispatcher.withdraw("ready")
    on.ask(TurnRequest("ready2", "s2", "other", 100 * GB))
    on.run(12.0)
    assert "ready2" in on.running
    on.run(80.0)
    assert on.dispatcher.prefetches == {Foretold.BEGUN: 1, Foretold.CANCELLED: 1}


def test_a_prefetch_is_not_broken_off_for_who_waits_for_that_very_model_or_has_room_or_wants_spare_memory_only() -> (
    None
):
    on = host(24)
    speak(on, writing_s=30.0)
    on.run(5.0)
    for request in (
        TurnRequest("same", "s2", "next", 100 * GB),
        TurnRequest("fits", "s3", "after", 100 * GB),
        TurnRequest("spare", "s4", "other", 100 * GB, needs_slot=False, spare_only=True),
    ):
        on.dispatcher.announce(request, on.now)

        assert not on.dispatcher.decide(on.now).cancel


def test_nothing_is_prefetched_while_somebody_ready_waits_for_memory_nor_when_that_is_switched_off() -> None:
    on = host()
    on.ledger.put(Entry("theirs", 0, 2 * GB, Phase.RESIDENT, foreign=True))
    speak(on, writing_s=30.0)
    on.ask(TurnRequest("waits", "s2", "other", 100 * GB))
    on.run(20.0)
    off = host(prefetch=False)
    speak(off, writing_s=30.0)
    off.run(20.0)

    assert on.loads == off.loads == []


def test_the_next_speakers_model_stays_for_a_wish_that_does_not_press_and_goes_for_one_that_does() -> None:
    on = host(20)
    on.ledger.put(Entry("next", 0, MODELS["next"], Phase.RESIDENT, holders={"s"}))
    speak(on, writing_s=100.0)
    on.ask(TurnRequest("waits", "s2", "other", 100 * GB))
    on.run(59.0)
    stayed = "next" in on.ledger
    on.run(62.0)

    assert stayed
    assert "next" not in on.ledger


def test_a_closed_session_expects_nothing_any_more() -> None:
    on = host()
    speak(on)
    on.run(5.0)
    assert on.loads == ["next"]
    on.close("s")

    assert on.dispatcher.prefetches == {Foretold.BEGUN: 1, Foretold.WASTED: 1}
    on.run(10.0)
    assert "next" not in on.ledger
