"""What a plan foretells, by the planner's own rule."""

from __future__ import annotations

from delegator.residency.forecast import estimated_load_s, forecast
from delegator.residency.planner import Resident, Snapshot, Wish


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
