"""The degradation ladder: each rung alone, their order, and that it finds what can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegator.residency import team_search
from delegator.residency.ladder import FULL_LADDER, Misfit, fit_team
from delegator.residency.planner import Resident, Snapshot
from delegator.residency.rooms import Room, Terms, seat
from delegator.residency.team_search import Change, RoleWish, TeamFit
from delegator.schemas import Rung

WAIT, EVICT, SMALLER, MERGE, REFUSE = Rung
SIZES = {"big": 20, "medium": 12, "small": 6, "tiny": 3, "theirs": 8, "kept": 5}
MEDIUM_TOO = RoleWish("lead", "medium", ("small",))
BIG = RoleWish("chief", "big", ("medium", "small"))
SMALL = RoleWish("worker", "small")


def room(capacity: int, *residents: Resident) -> list[Room]:
    return [Room("one", Snapshot(capacity, residents))]


def fit(wishes: Sequence[RoleWish], rooms: list[Room], *rungs: Rung, limit: int = 100) -> TeamFit | Misfit:
    return fit_team(wishes, SIZES, rooms, limit_bytes=limit, rungs=rungs)


def given_models(found: TeamFit | Misfit) -> dict[str, str]:
    assert isinstance(found, TeamFit), found
    return dict(found.models)


# ── what each rung does ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rungs", [(), FULL_LADDER, (REFUSE,), (MERGE, SMALLER)])
def test_a_team_that_fits_is_given_what_it_asked_for_whatever_is_allowed(rungs: tuple[Rung, ...]) -> None:
    found = fit([BIG, SMALL], room(30, Resident("lingering", 25)), *rungs)

    assert found == TeamFit({"chief": "big", "worker": "small"}, {"big": "one", "small": "one"}, frozenset(), ())


def test_by_default_a_team_too_large_together_takes_turns_and_keeps_its_models() -> None:
    found = fit([BIG, MEDIUM_TOO], room(24), *FULL_LADDER)

    assert given_models(found) == {"chief": "big", "lead": "medium"}
    assert isinstance(found, TeamFit)
    assert found.used == {WAIT}
    assert found.changes == ()


def test_by_default_only_the_role_whose_model_is_too_large_for_itself_is_changed() -> None:
    found = fit([BIG, MEDIUM_TOO, SMALL], room(15), *FULL_LADDER)

    assert given_models(found) == {"chief": "medium", "lead": "medium", "worker": "small"}
    assert isinstance(found, TeamFit)
    assert found.used == {WAIT, SMALLER}
    assert found.changes == (Change(SMALLER, "chief", "big", "medium", 20),)


def test_with_smaller_first_the_team_is_made_to_fit_at_once_with_as_few_changes_as_can_be() -> None:
    team = [BIG, MEDIUM_TOO, SMALL]

    assert given_models(fit(team, room(25), SMALLER, WAIT)) == {"chief": "medium", "lead": "medium", "worker": "small"}
    # of two that change as little, the one that keeps the larger models
    assert given_models(fit(team, room(30), SMALLER, WAIT)) == {"chief": "big", "lead": "small", "worker": "small"}


def test_where_smaller_alone_does_not_do_the_next_rung_is_allowed_beside_it_and_changes_nothing_needlessly() -> None:
    found = fit([replace(BIG, smaller=()), MEDIUM_TOO], room(20), SMALLER, WAIT)

    assert given_models(found) == {"chief": "big", "lead": "medium"}


def test_roles_merge_onto_a_model_of_the_team() -> None:
    found = fit([BIG, SMALL], room(10), MERGE)

    assert given_models(found) == {"chief": "small", "worker": "small"}
    assert isinstance(found, TeamFit)
    assert found.changes == (Change(MERGE, "chief", "big", "small", 20),)


def test_roles_merge_onto_what_is_in_memory() -> None:
    found = fit([BIG], room(15, Resident("theirs", 8, frozenset({"other"}))), *FULL_LADDER[:2], MERGE)

    assert given_models(found) == {"chief": "theirs"}


def test_nobody_merges_onto_a_foreign_model_or_onto_one_the_catalogue_does_not_know() -> None:
    residents = Resident("theirs", 8, foreign=True), Resident("unknown", 2)

    assert isinstance(fit([BIG], room(19, *residents), *FULL_LADDER[:2], MERGE), Misfit)


def test_roles_that_share_a_model_change_together() -> None:
    wishes = [BIG, replace(BIG, role="second"), SMALL]

    found = fit(wishes, room(19), SMALLER)

    assert given_models(found) == {"chief": "medium", "second": "medium", "worker": "small"}
    assert isinstance(found, TeamFit)
    assert [change.saves_bytes for change in found.changes] == [8, 0]


def test_a_role_that_joins_changes_nothing_for_those_that_speak_already() -> None:
    team = [replace(BIG, settled=True), MEDIUM_TOO]

    assert given_models(fit(team, room(26), SMALLER)) == {"chief": "big", "lead": "small"}
    assert given_models(fit(team, room(22), SMALLER, MERGE)) == {"chief": "big", "lead": "big"}
    assert isinstance(fit(team, room(19), *FULL_LADDER), Misfit)


def test_memory_that_others_hold_is_taken_only_where_it_may_be() -> None:
    held = room(20, Resident("theirs", 8, frozenset({"other"})))

    assert isinstance(fit([BIG], held, WAIT), Misfit)
    found = fit([BIG], held, WAIT, EVICT)
    assert isinstance(found, TeamFit)
    assert found.used == {EVICT}
    assert given_models(fit([BIG], held, SMALLER, EVICT)) == {"chief": "medium"}


@pytest.mark.parametrize("how", ["busy", "announced", "foreign"])
def test_memory_in_use_now_is_waited_for_where_that_is_allowed(how: str) -> None:
    used = room(20, Resident("theirs", 8, busy=how == "busy", announced=how == "announced", foreign=how == "foreign"))

    found = fit([BIG], used, WAIT)

    assert isinstance(found, TeamFit)
    assert found.used == {WAIT}
    assert given_models(fit([BIG], used, SMALLER, WAIT)) == {"chief": "medium"}
    assert isinstance(fit([BIG], used, EVICT), Misfit)


def test_nothing_after_refuse_counts() -> None:
    assert isinstance(fit([BIG], room(15), REFUSE, SMALLER), Misfit)
    assert isinstance(fit([BIG, MEDIUM_TOO], room(24), REFUSE), Misfit)


def test_a_smaller_model_that_no_endpoint_has_is_not_given() -> None:
    rooms = [Room("one", Snapshot(15), frozenset({"big", "small"}))]

    assert given_models(fit([BIG], rooms, SMALLER)) == {"chief": "small"}


# ── refusing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_says_what_is_too_large_and_what_would_fit() -> None:
    found = fit([BIG, SMALL], room(15), WAIT, REFUSE)

    assert isinstance(found, Misfit)
    assert (found.model, found.needed_bytes, found.bound_bytes) == ("big", 20, 15)
    assert found.would_fit is not None
    assert given_models(found.would_fit) == {"chief": "medium", "worker": "small"}


def test_a_refusal_of_a_team_that_may_not_take_turns_names_the_team() -> None:
    found = fit([MEDIUM_TOO, replace(SMALL, model="theirs")], room(40), REFUSE, limit=17)
    assert isinstance(found, Misfit)
    assert (found.model, found.needed_bytes, found.bound_bytes) == (None, 20, 17)


def test_where_nothing_would_fit_nothing_is_offered() -> None:
    assert fit([BIG], room(2), *FULL_LADDER) == Misfit("big", 20, 2, None)


# ── promises ──────────────────────────────────────────────────────────────────────────────────────────────────────

NAMES = ("m1", "m2", "m3", "m4", "m5")

Case = tuple[list[RoleWish], dict[str, int], list[Room], int, tuple[Rung, ...]]
"""Wishes, sizes, rooms, the session's limit and the rungs."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    sizes = {name: draw(st.integers(1, 30)) for name in NAMES}
    smaller = {
        name: tuple(
            other for other in draw(st.lists(st.sampled_from(NAMES), unique=True)) if sizes[other] < sizes[name]
        )
        for name in NAMES
    }
    wanted = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
    wishes = [RoleWish(f"r{number}", model, smaller[model]) for number, model in enumerate(wanted)]
    rooms = []
    for number in range(draw(st.integers(1, 2))):
        residents = tuple(
            Resident(
                name,
                sizes.get(name, 7),
                draw(st.sampled_from((frozenset[str](), frozenset({"other"})))),
                busy=draw(st.booleans()),
                foreign=draw(st.booleans()),
            )
            for name in draw(st.lists(st.sampled_from((*NAMES, "x")), unique=True, max_size=2))
        )
        used = sum(r.size_bytes for r in residents)
        rooms.append(Room(f"room{number}", Snapshot(used + draw(st.integers(0, 40)), residents)))
    rungs = tuple(draw(st.permutations(FULL_LADDER)))[: draw(st.integers(0, 4))]
    return wishes, sizes, rooms, draw(st.integers(1, 70)), rungs


def choices(
    wishes: Sequence[RoleWish], sizes: dict[str, int], rooms: list[Room], allowed: Sequence[Rung]
) -> list[dict[str, str]]:
    """Return every choice of models that the rungs allow, tried without thought."""
    resident = {r.model for one in rooms for r in one.snapshot.residents if not r.foreign and r.model in sizes}
    alternatives = {w.model: (w.model, *(w.smaller if SMALLER in allowed else ())) for w in wishes}
    found = []
    for target in (None, *(NAMES if MERGE in allowed else ())):
        options = [sorted({*alternatives[w], *([target] if target else [])}) for w in alternatives]
        for models in product(*options):
            given_to = dict(zip(alternatives, models, strict=True))
            merged = {w for w in alternatives if given_to[w] not in alternatives[w]}
            if not merged or target in resident or target in {given_to[w] for w in alternatives if w not in merged}:
                found.append({w.role: given_to[w.model] for w in wishes})
    return found


def can_be_had(
    models: dict[str, str], sizes: dict[str, int], rooms: list[Room], limit: int, allowed: Sequence[Rung]
) -> bool:
    terms = Terms(limit, wait=WAIT in allowed, evict_idle=EVICT in allowed)
    return seat({model: sizes[model] for model in models.values()}, rooms, terms) is not None


@settings(max_examples=120, deadline=None)
@given(cases())
def test_what_the_rungs_make_possible_is_found_and_nothing_beyond_limits_is_given(
    case: Case,
) -> None:
    wishes, sizes, rooms, limit, rungs = case

    found = fit_team(wishes, sizes, rooms, limit_bytes=limit, rungs=rungs)

    depths = [
        depth
        for depth in range(len(rungs) + 1)
        if any(can_be_had(m, sizes, rooms, limit, rungs[:depth]) for m in choices(wishes, sizes, rooms, rungs[:depth]))
    ]
    if not depths:
        assert isinstance(found, Misfit)
        return
    assert isinstance(found, TeamFit)
    allowed = rungs[: depths[0]]
    assert dict(found.models) in choices(wishes, sizes, rooms, allowed)
    assert can_be_had(dict(found.models), sizes, rooms, limit, allowed)
    assert found.used <= set(allowed)
    assert set(found.seats) == set(found.models.values())


@settings(max_examples=100, deadline=None)
@given(cases())
def test_the_steps_explain_exactly_the_differences(
    case: Case,
) -> None:
    wishes, sizes, rooms, limit, rungs = case
    found = fit_team(wishes, sizes, rooms, limit_bytes=limit, rungs=rungs)
    if not isinstance(found, TeamFit):
        return

    wanted = {wish.role: wish.model for wish in wishes}
    assert {c.role: (c.asked, c.given) for c in found.changes} == {
        role: (wanted[role], model) for role, model in found.models.items() if model != wanted[role]
    }
    assert {c.rung for c in found.changes} == found.used & {SMALLER, MERGE}
    resident = {r.model for one in rooms for r in one.snapshot.residents if not r.foreign}
    left = {c.asked for c in found.changes}
    there = {model for role, model in found.models.items() if model == wanted[role]} | resident
    newly = set(found.models.values()) - there
    assert sum(c.saves_bytes for c in found.changes) == sum(sizes[m] for m in left) - sum(sizes[m] for m in newly)
    assert all(c.saves_bytes >= 0 for c in found.changes)


@settings(max_examples=80, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_told_changes_nothing(case: Case, random: Random) -> None:
    wishes, sizes, rooms, limit, rungs = case
    shuffled = list(sizes.items())
    random.shuffle(shuffled)
    rooms_again = [
        replace(one, snapshot=replace(one.snapshot, residents=tuple(reversed(one.snapshot.residents)))) for one in rooms
    ]

    first = fit_team(wishes, sizes, rooms, limit_bytes=limit, rungs=rungs)

    assert fit_team(wishes, dict(shuffled), rooms_again, limit_bytes=limit, rungs=rungs) == first


def test_a_large_team_is_decided_in_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine models with four alternatives each, on four endpoints that hold almost but not quite enough."""
    sizes = {f"m{number}.{place}": 20 - 3 * place + number % 3 for number in range(9) for place in range(5)}
    wishes = [RoleWish(f"r{n}", f"m{n}.0", tuple(f"m{n}.{place}" for place in range(1, 5))) for n in range(9)]
    rooms = [Room(f"room{number}", Snapshot(16 + number)) for number in range(4)]
    steps = 0

    def counted(*args: Any) -> Any:
        nonlocal steps
        steps += 1
        return seat(*args)

    monkeypatch.setattr(team_search, "seat", counted)
    found = fit_team(wishes, sizes, rooms, limit_bytes=70, rungs=(SMALLER, MERGE, WAIT))

    assert isinstance(found, TeamFit)
    assert can_be_had(dict(found.models), sizes, rooms, 70, ())
    assert steps < 10 * team_search.LOOKS
