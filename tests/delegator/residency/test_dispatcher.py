"""The dispatcher rule by rule: starting, waiting, patience, limits, what is refused, and lingering."""

from __future__ import annotations

from functools import partial

import pytest

from delegator.residency.demand import Outlook
from delegator.residency.dispatcher import Policy
from delegator.residency.ledger import Entry, Phase
from delegator.residency.lingering import Prices
from delegator.residency.planner import Refuse
from delegator.residency.requests import Later, TurnRequest
from delegator.settings import GB
from tests.delegator.residency.unsteady_host import UnsteadyHost

MODELS = {"lead": 10 * GB, "other": 10 * GB, "third": 10 * GB, "large": 20 * GB}


def host(capacity_gb: int = 20, **policy: object) -> UnsteadyHost:
    return UnsteadyHost(MODELS, capacity_gb * GB, Policy(**policy))  # type: ignore[arg-type]


def turn(name: str, model: str, session_id: str = "s", **more: object) -> TurnRequest:
    return TurnRequest(name, session_id, model, **{"limit_bytes": 100 * GB, **more})  # type: ignore[arg-type]


def put(on: UnsteadyHost, model: str, *holders: str, **more: object) -> Entry:
    return on.ledger.put(Entry(model, 0, MODELS.get(model, 10 * GB), Phase.RESIDENT, holders=set(holders), **more))  # type: ignore[arg-type]


def stream(on: UnsteadyHost, model: str, *, every_s: float, lasting_s: float, until_s: float, session_id: str) -> None:
    """Ask for turns on one model so often that one always waits."""
    moment, number = 0.0, 0
    while moment < until_s:
        request = turn(f"{model}{number}", model, session_id)
        on.at(moment, partial(on.ask, request, reading_s=0.5, writing_s=lasting_s - 0.5))
        moment, number = moment + every_s, number + 1


# ── nobody starves ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_large_model_gets_in_although_two_that_must_leave_for_it_never_idle_together() -> None:
    on = host()
    stream(on, "lead", every_s=5, lasting_s=7, until_s=600, session_id="a")
    stream(on, "other", every_s=8, lasting_s=11, until_s=600, session_id="b")
    on.at(30, lambda: on.ask(turn("patient", "large", "c")))
    on.run(600)

    granted_at = next(asked.granted_at for asked in on.past if asked.request.turn_id == "patient")
    assert granted_at is not None
    assert granted_at <= 30 + 60 + 2 * 11 + 10.5 + 2 * 10.5 + 5


def test_a_turn_behind_its_sessions_limit_gets_its_model_although_others_keep_what_it_holds_busy() -> None:
    on = host(40, parallel=2)
    on.dispatcher.lingers = False
    put(on, "lead", "s", "others")
    put(on, "other", "others")
    stream(on, "lead", every_s=3, lasting_s=7, until_s=400, session_id="others")
    on.at(1, lambda: on.ask(turn("limited", "other", "s", limit_bytes=15 * GB)))
    on.run(400)

    granted_at = next(asked.granted_at for asked in on.past if asked.request.turn_id == "limited")
    assert granted_at is not None
    assert granted_at <= 1 + 60 + 7


def test_a_turn_that_its_sessions_limit_holds_back_leaves_the_slot_to_the_next() -> None:
    on = host(40)
    on.dispatcher.lingers = False
    put(on, "lead", "s")
    put(on, "other", "s2")
    on.ask(turn("runs", "lead", "s", limit_bytes=15 * GB))
    on.ask(turn("held_back", "other", "s", limit_bytes=15 * GB))
    on.ask(turn("free", "other", "s2"))

    assert set(on.running) == {"runs", "free"}
    assert set(on.waiting) == {"held_back"}


@pytest.mark.parametrize("stays", ["foreign", "pinned"])
def test_who_waits_in_vain_for_what_is_not_ours_to_unload_holds_nobody_else_up(stays: str) -> None:
    on = host()
    put(on, "theirs", foreign=stays == "foreign", pinned=stays == "pinned")
    on.ask(turn("in_vain", "large", "v"))
    stream(on, "lead", every_s=5, lasting_s=7, until_s=300, session_id="a")
    on.at(70, lambda: on.ask(turn("other", "other", "b")))
    on.run(300)

    assert "in_vain" in on.waiting
    granted_at = next(asked.granted_at for asked in on.past if asked.request.turn_id == "other")
    assert granted_at is not None
    assert granted_at <= 70 + 60 + 2 * 7 + 6


def test_turns_of_one_moment_that_want_each_others_memory_all_get_their_turn() -> None:
    on = host(10, patience_s=0.0)
    for number in range(3):
        for model in ("lead", "other"):
            on.at(1.0, partial(on.ask, turn(f"{model}{number}", model, model)))
    on.run()

    assert len(on.past) == 6
    assert len(on.loads) <= 6


def test_patience_ends_at_the_moment_that_was_asked_for_whatever_its_fractions() -> None:
    for since in (0.1, 0.3, 1.7, 33.3, 1234.5671):
        on = host(10, patience_s=7.3)
        on.now = since
        put(on, "lead", "s")
        on.ask(turn("runs", "lead", "s", task_id="t", later=(Later("lead", 1),), continues=True), writing_s=1.0)
        asked = on.ask(turn("waits", "other", "s2"))
        on.run(since + 20)

        assert asked.granted_at is not None
        assert asked.granted_at < since + 7.3 + 7


# ── starting and refusing ────────────────────────────────────────────────────────────────────────────────────────


def test_a_turn_is_asked_once_and_forgotten_when_withdrawn() -> None:
    on = host(10)
    put(on, "other", foreign=True)
    request = turn("t", "lead")
    on.dispatcher.announce(request, 1.0)
    on.dispatcher.announce(request, 5.0)

    assert on.dispatcher.waited_s("t", 6.0) == 5.0
    assert on.dispatcher.waiting() == [request]
    on.dispatcher.withdraw("t")
    on.dispatcher.withdraw("t")
    assert on.dispatcher.waiting() == []
    assert on.dispatcher.waited_s("t", 6.0) == 0.0


def test_what_can_never_fit_is_refused_with_what_bounds_it() -> None:
    on = host()
    on.dispatcher.announce(turn("t", "large", limit_bytes=15 * GB), 0.0)
    refused = on.dispatcher.decide(0.0).refused

    assert refused == [("t", Refuse(20 * GB, 15 * GB))]


def test_a_wish_for_spare_memory_makes_nothing_leave_and_waits_for_nothing() -> None:
    on = host()
    put(on, "lead", "a")
    put(on, "other", "b", pinned=True)
    on.open("a", "lead")
    on.dispatcher.announce(turn("spare", "third", spare_only=True, needs_slot=False), 0.0)

    assert on.dispatcher.decide(0.0).refused == [("spare", None)]


def test_a_turn_of_a_session_that_is_over_holds_and_expects_nothing() -> None:
    on = host()
    put(on, "lead")
    on.dispatcher.close_session("s", 0.0)
    on.dispatcher.announce(turn("t", "lead", task_id="task", later=(Later("other", 1),), continues=True), 1.0)
    decision = on.dispatcher.decide(1.0)

    assert decision.grants == ["t"]
    assert decision.held == []
    assert on.ledger.require("lead").holders == set()
    on.dispatcher.first_token("t", 2.0)
    assert on.dispatcher.decide(30.0).change is None
    on.dispatcher.finish("t", 31.0)
    assert not on.dispatcher.snapshot(31.0).residents[0].announced


def test_a_new_life_of_the_manager_opens_cut_short_sessions_again() -> None:
    on = host()
    on.dispatcher.close_session("s", 0.0)
    on.dispatcher.open_session(Outlook("s", "lead"), 1.0)
    closed = "s" in on.dispatcher.demand
    on.dispatcher.reopen_sessions()
    on.dispatcher.open_session(Outlook("s", "lead"), 2.0)

    assert not closed
    assert "s" in on.dispatcher.demand


# ── lingering ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_in_a_pause_the_leads_model_lingers_then_goes_and_others_go_at_once() -> None:
    on = host(40)
    on.open("s", "lead", "other")
    on.task("s", "t", ["lead", "other", "lead"])
    on.run(on.now + 120)
    ended_at = on.past[-1].ended_at
    on.run()

    assert ended_at is not None
    gone = {model: moment for moment, model in on.drops}
    assert gone["other"] == on.past[-2].ended_at
    assert ended_at + 60 < gone["lead"] < ended_at + 3600
    assert on.ledger.entries() == []


def test_a_session_that_closes_lets_go_at_once_and_one_that_opens_keeps_longer() -> None:
    on = host(40)
    put(on, "lead", "s")
    on.open("s", "lead")
    first = on.dispatcher.decide(0.0).wake_at
    on.open("s2", "lead")
    both = on.dispatcher.decide(0.0).wake_at
    on.close("s")
    kept_for = on.dispatcher.heirs("lead", on.now)
    on.close("s2")

    assert first is not None
    assert both is not None
    assert both >= first
    assert kept_for == ["s2"]
    on.run(1.1)
    assert "lead" not in on.ledger


def test_before_it_is_known_which_sessions_are_open_nothing_goes_for_idleness() -> None:
    on = host()
    put(on, "lead")
    on.dispatcher.lingers = False
    assert on.dispatcher.decide(0.0).drops == []

    on.dispatcher.lingers = True
    assert on.dispatcher.decide(0.0).drops == ["lead"]


def test_a_model_wished_for_in_spare_memory_awaits_its_turn_but_gives_way_to_any_other() -> None:
    on = host()
    on.ask(turn("warm", "lead", "s", spare_only=True, needs_slot=False))
    on.run(65.0)
    assert "lead" in on.ledger
    assert on.dispatcher.heirs("lead", 65.0) == ["s"]
    on.run(67.0)
    assert "lead" not in on.ledger

    on.ask(turn("warm", "lead", "s", spare_only=True, needs_slot=False))
    on.run(75.0)
    on.ask(turn("t", "large", "s2"))
    on.run(87.0)
    assert set(on.running) == {"t"}
    on.run(200.0)
    on.ask(turn("warm", "lead", "s", spare_only=True, needs_slot=False))
    on.run(210.0)
    on.close("s")
    on.run(211.1)
    assert "lead" not in on.ledger


def test_what_is_pinned_foreign_or_being_refreshed_does_not_go() -> None:
    on = host(100)
    put(on, "lead", pinned=True)
    put(on, "other", foreign=True)
    put(on, "third").touched = True

    assert on.dispatcher.decide(0.0).drops == []


def test_heirs_are_those_who_wait_expect_or_may_return_and_none_whose_session_is_over() -> None:
    on = host(40)
    put(on, "lead")
    put(on, "other")
    on.open("returns", "lead")
    on.dispatcher.announce(turn("t", "lead", "speaks", task_id="t", later=(Later("other", 1),), continues=True), 0.0)
    on.dispatcher.announce(turn("t2", "lead", "waits"), 0.0)
    on.dispatcher.decide(0.0)
    assert on.dispatcher.heirs("lead", 0.0) == ["waits", "returns"]
    assert on.dispatcher.heirs("other", 0.0) == ["speaks"]

    for session_id in ("returns", "speaks"):
        on.dispatcher.close_session(session_id, 1.0)
    assert on.dispatcher.heirs("lead", 1.0) == ["waits"]
    assert on.dispatcher.heirs("other", 1.0) == []
    assert on.dispatcher.heirs("third", 1.0) == []


@pytest.mark.parametrize("price", [0.0, 1e9])
def test_prices_decide_whether_a_pause_keeps_the_model(price: float) -> None:
    on = host(prices=Prices(wait=price, load=price))
    on.open("s", "lead")
    on.task("s", "t", ["lead"])
    on.run(100)

    assert ("lead" in on.ledger) == (price > 0)


# ── tasks that break off ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_task_whose_turn_is_withdrawn_is_over_after_the_grace() -> None:
    on = host(10)
    put(on, "theirs", foreign=True)
    on.open("s", "lead")
    on.dispatcher.announce(turn("t", "lead", task_id="task"), 1.0)
    on.dispatcher.withdraw("t")
    on.dispatcher.decide(2.0)
    before = on.dispatcher.demand.keeping("lead", 10 * GB, 5.5, 2.0)
    on.dispatcher.decide(32.0)

    assert before.for_s == 0.0
    assert on.dispatcher.demand.keeping("lead", 10 * GB, 5.5, 32.0).for_s > 0.0


def test_another_attempt_within_the_grace_goes_on_with_the_task() -> None:
    on = host(40)
    put(on, "lead", "s")
    on.open("s", "lead", "other")
    first = turn("t", "lead", task_id="task", later=(Later("other", 1),), continues=True)
    on.ask(first, writing_s=4.0)
    on.run(8.0)
    on.ask(first, writing_s=40.0)
    on.run(45.0)

    assert on.dispatcher.snapshot(45.0).find("other") is not None


def test_a_task_that_goes_on_elsewhere_only_is_over_here() -> None:
    on = host(40)
    put(on, "lead", "s")
    on.open("s", "lead")
    on.ask(turn("t", "lead", task_id="task", continues=True), writing_s=4.0)
    on.run(8.0)

    assert "lead" in on.ledger
    assert on.dispatcher.heirs("lead", 8.0) == ["s"]
    assert on.dispatcher.demand.returns.version == 1


def test_a_task_that_comes_back_after_others_elsewhere_is_awaited_longer_but_not_for_ever() -> None:
    on = host(40)
    put(on, "lead", "s")
    put(on, "other", "s")
    on.open("s", "lead", "other")
    on.ask(turn("t", "lead", task_id="task", later=(Later("other", 2),), continues=True), writing_s=4.0)
    on.run(60.0)
    awaited = "other" in on.ledger
    on.run(400.0)

    assert awaited
    assert "other" not in on.ledger


# ── room for what is asked in between ─────────────────────────────────────────────────────────────────────────────


def test_there_is_time_unless_a_turn_waits() -> None:
    on = host()
    put(on, "lead", "s")
    assert on.dispatcher.has_time()
    on.ask(turn("runs", "lead"))
    assert on.dispatcher.has_time()

    on.ask(turn("waits", "lead", "s2"))

    assert not on.dispatcher.has_time()
    assert on.dispatcher.has_time(beside={"s2"})


def test_there_is_no_time_while_a_next_speaker_is_to_be_brought_in() -> None:
    on = host(10)
    put(on, "lead", "s")
    on.ask(turn("runs", "lead", task_id="t", later=(Later("other", 1),)), reading_s=1, writing_s=20)
    assert on.dispatcher.has_time()

    on.run(2)

    assert not on.dispatcher.has_time()
    assert (on.dispatcher.is_announced("other"), on.dispatcher.is_announced("lead")) == (True, False)


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────────────


def by_hand(model: str, keep_s: float = 30.0) -> TurnRequest:
    return TurnRequest(f"hand {model}", "by hand", model, 20 * GB, needs_slot=False, by_hand_s=keep_s)


def test_what_is_loaded_by_hand_stays_for_its_time_and_gives_way_to_a_turn_before() -> None:
    on = host()
    on.ask(by_hand("lead"))
    on.run(29)
    assert "lead" in on.ledger
    on.run()
    assert "lead" not in on.ledger

    on.ask(by_hand("lead"))
    on.run(on.now + 10)
    on.ask(turn("t", "large"))
    on.run(on.now + 12)
    assert [entry.model for entry in on.ledger.entries()] == ["large"]


def test_a_wish_by_hand_does_not_wait_for_room_in_which_somebody_works_but_for_what_is_leaving() -> None:
    on = host()
    on.ask(turn("t", "large", "s"), writing_s=60)
    on.run(20)
    decided = on.ask(by_hand("lead"))
    assert decided.request.turn_id not in on.waiting

    on = host()
    put(on, "large").phase = Phase.UNLOADING
    on.ask(by_hand("other"))
    assert "hand other" in on.waiting
    on.ledger.drop("large")
    on.pump()
    on.run(10)
    assert on.ledger.require("other").phase is Phase.RESIDENT


def test_a_wish_by_hand_comes_after_the_turns_that_came_later() -> None:
    on = host()
    on.ask(turn("first", "lead", "a"), writing_s=1)
    on.ask(by_hand("other"))
    on.ask(turn("later", "large", "b"), writing_s=1)
    on.run()

    assert on.loads == ["lead", "large"]
    assert on.waiting == {}


@pytest.mark.parametrize("stays", ["foreign", "pinned"])
def test_a_wish_by_hand_moves_nothing_that_must_stay(stays: str) -> None:
    on = host()
    put(on, "lead", foreign=stays == "foreign", pinned=stays == "pinned")

    on.ask(by_hand("large"))

    assert on.waiting == {}
    assert [entry.model for entry in on.ledger.entries()] == ["lead"]
