"""What a plan foretells, by the planner's own rule."""

from __future__ import annotations

from delegator.residency.forecast import forecast, forecast_on
from delegator.residency.foreseen import Timing, estimated_load_s
from delegator.residency.planner import Refuse, Resident, Snapshot, Wish


def wishes(*models: tuple[str, int], limit: int = 100) -> list[Wish]:
    return [Wish(model, size, "planned", limit) for model, size in models]


def test_a_team_that_fits_is_loaded_together() -> None:
    foreseen = forecast(Snapshot(50), wishes(("a", 10), ("b", 20), ("a", 10)))

    assert (foreseen.loaded, foreseen.reused, foreseen.evicted) == (("a", "b"), (), ())
    assert not foreseen.in_turns
    assert foreseen.peak_bytes == 30


def test_a_team_beyond_the_sessions_limit_takes_turns() -> None:
    foreseen = forecast(Snapshot(50), wishes(("a", 10), ("b", 20), ("a", 10), limit=25))

    assert foreseen.in_turns
    assert foreseen.peak_bytes == 20
    assert foreseen.evicted == ()


def test_resident_models_are_reused_and_lingering_ones_evicted_for_the_rest() -> None:
    snapshot = Snapshot(30, (Resident("a", 10), Resident("idle", 10, last_used=1)))
    foreseen = forecast(snapshot, wishes(("a", 10), ("b", 20)))

    assert foreseen.reused == ("a",)
    assert foreseen.loaded == ("b",)
    assert foreseen.evicted == ("idle",)


def test_busy_models_are_named_and_then_counted_as_gone() -> None:
    snapshot = Snapshot(10, (Resident("busy", 10, frozenset({"s"}), busy=True),))
    foreseen = forecast(snapshot, wishes(("a", 10)))

    assert foreseen.waits_for == ("busy",)
    assert foreseen.evicted == ("busy",)
    assert foreseen.loaded == ("a",)


def test_a_model_that_can_never_fit_makes_the_plan_impossible() -> None:
    foreseen = forecast(Snapshot(10), wishes(("a", 11)))

    assert foreseen.impossible is not None
    assert foreseen.impossible[0] == "a"


def test_load_times_are_learned_where_known() -> None:
    assert estimated_load_s("a", 4_000_000_000, {"a": 7.0}) == 7.0
    assert estimated_load_s("b", 4_000_000_000, {}) == 2.5


# ── seconds ───────────────────────────────────────────────────────────────────────────────────────────────────────

TIMING = Timing({"a": 5.0, "b": 7.0}, {"a": 10.0, "b": 20.0, "busy": 30.0})


def test_a_team_is_ready_when_its_first_model_is_in_and_each_turn_waits_for_its_load() -> None:
    foreseen = forecast(Snapshot(50), wishes(("a", 10), ("b", 20), ("a", 10)), TIMING)

    assert (foreseen.ready_s, foreseen.wait_s) == (5.0, 0.0)
    assert [turn.starts_s for turn in foreseen.turns] == [5.0, 22.0, 42.0]
    assert (foreseen.load_s, foreseen.seconds) == (12.0, 52.0)
    assert foreseen.byte_seconds == 10 * 15 + 30 * 27 + 30 * 10


def test_a_model_that_had_to_leave_in_between_is_loaded_again() -> None:
    foreseen = forecast(Snapshot(50), wishes(("a", 10), ("b", 20), ("a", 10), limit=25), TIMING)

    assert foreseen.loaded == ("a", "b")
    assert foreseen.load_s == 5.0 + 7.0 + 5.0
    assert foreseen.reused == ()


def test_waiting_ends_when_the_turns_that_run_now_do() -> None:
    snapshot = Snapshot(10, (Resident("busy", 10, frozenset({"s"}), busy=True),))
    foreseen = forecast(snapshot, wishes(("a", 10)), TIMING)

    assert (foreseen.wait_s, foreseen.ready_s) == (30.0, 35.0)
    assert foreseen.evicted_held == ("busy",)


def test_models_with_announced_work_are_waited_for_as_busy_ones_are() -> None:
    snapshot = Snapshot(10, (Resident("busy", 10, announced=True),))

    assert forecast(snapshot, wishes(("a", 10)), TIMING).wait_s == 30.0


def test_when_another_client_lets_go_cannot_be_told() -> None:
    snapshot = Snapshot(15, (Resident("theirs", 10, foreign=True),))
    foreseen = forecast(snapshot, wishes(("a", 10)), TIMING)

    assert (foreseen.waits_for, foreseen.wait_s, foreseen.ready_s) == (("theirs",), None, 5.0)
    assert foreseen.loaded == ("a",)


def test_what_is_pinned_is_not_waited_for() -> None:
    foreseen = forecast(Snapshot(15, (Resident("stays", 10, pinned=True),)), wishes(("a", 10)))

    assert foreseen.impossible == ("a", Refuse(10, 5))


def test_models_on_several_endpoints_do_not_take_turns() -> None:
    placed = list(zip(("one", "two", "one"), wishes(("a", 10), ("b", 10), ("a", 10)), strict=True))
    foreseen = forecast_on({"one": Snapshot(10), "two": Snapshot(10, (Resident("idle", 5),))}, placed, {"one": TIMING})

    assert not foreseen.in_turns
    assert [(turn.endpoint_id, turn.evicted, turn.held_bytes) for turn in foreseen.turns] == [
        ("one", (), 10),
        ("two", ("idle",), 20),
        ("one", (), 20),
    ]


def test_a_sessions_limit_counts_what_it_holds_on_all_endpoints() -> None:
    placed = list(zip(("one", "two"), wishes(("a", 10), ("b", 10), limit=15), strict=True))
    foreseen = forecast_on({"one": Snapshot(50), "two": Snapshot(50)}, placed)

    assert foreseen.in_turns
    assert [turn.held for turn in foreseen.turns] == [("a",), ("b",)]
    assert foreseen.peak_bytes == 10
