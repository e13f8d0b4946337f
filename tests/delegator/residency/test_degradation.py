"""What a team that does not fit is told."""

from __future__ import annotations

import pytest

from delegator.residency.degradation import Bounds, told, would_fit
from delegator.residency.forecast import forecast
from delegator.residency.ladder import FULL_LADDER, Misfit, fit_team
from delegator.residency.planner import Resident, Snapshot, Wish
from delegator.residency.rooms import Room
from delegator.residency.team_search import Change, RoleWish
from delegator.schemas import Degradation, Rung
from delegator.settings import GB

SIZES = {"big": 20 * GB, "medium": 12 * GB, "small": 6 * GB, "theirs": 8 * GB}
BOUNDS = Bounds(24 * GB, 24 * GB)


def steps(
    snapshot: Snapshot, *models: str, changes: tuple[Change, ...] = (), bounds: Bounds = BOUNDS
) -> list[Degradation]:
    wishes = [Wish(model, SIZES[model], "planned", bounds.together_bytes) for model in models]
    roles = [f"speaker of {model}" for model in models]
    return told(changes, forecast(snapshot, wishes), roles, SIZES, bounds)


def test_a_team_that_fits_is_told_nothing() -> None:
    assert steps(Snapshot(30 * GB, (Resident("theirs", 8 * GB),)), "medium", "small") == []


def test_taking_turns_is_told_with_what_is_needed_and_when_the_last_model_comes_in() -> None:
    (step,) = steps(Snapshot(24 * GB), "big", "medium", "big")

    assert (step.rung, step.role, step.models) == (Rung.WAIT, None, ["big", "medium"])
    assert "32.0 GB together" in step.why
    assert "24.0 GB may be" in step.why
    assert step.eta_s == pytest.approx(10.5 + 18 + 6.5)  # the first load and turn, and the second load


def test_waiting_for_others_is_told_with_its_end_where_that_is_known() -> None:
    busy = Snapshot(24 * GB, (Resident("theirs", 8 * GB, frozenset({"other"}), busy=True),))
    foreign = Snapshot(24 * GB, (Resident("theirs", 8 * GB, foreign=True),))

    waiting, evicting = steps(busy, "big")
    (endless,) = steps(foreign, "big")

    assert (waiting.rung, waiting.role, waiting.models, waiting.eta_s) == (Rung.WAIT, "speaker of big", ["theirs"], 18)
    assert (evicting.rung, evicting.models) == (Rung.EVICT_IDLE, ["theirs"])
    assert (endless.rung, endless.models, endless.eta_s) == (Rung.WAIT, ["theirs"], None)
    assert "another client" in endless.why


def test_idle_models_that_other_sessions_hold_are_named_when_they_must_leave() -> None:
    held = Snapshot(24 * GB, (Resident("theirs", 8 * GB, frozenset({"other"})),))

    (step,) = steps(held, "big")

    assert (step.rung, step.models, step.eta_s) == (Rung.EVICT_IDLE, ["theirs"], None)


def test_a_role_with_another_model_is_told_what_it_asked_for_what_it_got_and_why() -> None:
    change = Change(Rung.SMALLER, "cto", "big", "medium", 8 * GB)
    merged = Change(Rung.MERGE, "ceo", "medium", "small", 12 * GB)

    alone, together = steps(Snapshot(15 * GB), "medium", changes=(change, merged), bounds=Bounds(15 * GB, 15 * GB))

    assert alone == Degradation(
        rung=Rung.SMALLER,
        role="cto",
        asked="big",
        given="medium",
        why="big needs 20.0 GB and 15.0 GB are there for one model: cto speaks with the smaller medium.",
        saves_gb=8,
    )
    assert (together.rung, together.asked, together.given, together.saves_gb) == (Rung.MERGE, "medium", "small", 12)
    assert "ceo shares small" in together.why


def test_a_refusal_offers_what_would_fit() -> None:
    rooms = [Room("one", Snapshot(15 * GB))]
    wishes = [RoleWish("cto", "big", ("medium",))]

    refused = fit_team(wishes, SIZES, rooms, limit_bytes=99 * GB, rungs=(Rung.WAIT,))
    hopeless = fit_team(wishes, SIZES, [Room("one", Snapshot(GB))], limit_bytes=99 * GB, rungs=FULL_LADDER)

    assert isinstance(refused, Misfit)
    assert would_fit(refused, SIZES) == ("With smaller allowed it fits.", "cto with medium (12.0 GB) instead of big.")
    assert isinstance(hopeless, Misfit)
    assert would_fit(hopeless, SIZES) == ()
