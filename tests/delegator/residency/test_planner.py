"""The planner's promises, for any snapshot and any wish."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from delegator.residency.planner import (
    Load,
    Refuse,
    Resident,
    Reuse,
    Snapshot,
    Wait,
    Wish,
    plan_residency,
)

SESSIONS = ("s1", "s2", "s3")
MODELS = ("a", "b", "c", "d", "e", "f")


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    names = draw(st.lists(st.sampled_from(MODELS), unique=True, max_size=len(MODELS)))
    residents = tuple(
        Resident(
            name,
            draw(st.integers(1, 40)),
            draw(st.frozensets(st.sampled_from(SESSIONS))) if not foreign else frozenset(),
            busy=draw(st.booleans()),
            last_used=draw(st.floats(0, 100)),
            foreign=foreign,
            pinned=draw(st.booleans()),
            announced=draw(st.booleans()),
            worth=draw(st.floats(0, 1000)),
        )
        for name in names
        for foreign in [draw(st.booleans())]
    )
    used = sum(r.size_bytes for r in residents)
    max_models = draw(st.none() | st.integers(1, 6))
    return Snapshot(draw(st.integers(max(1, used), used + 60)), residents, max_models)


@st.composite
def wishes(draw: st.DrawFn, snapshot: Snapshot) -> Wish:
    model = draw(st.sampled_from(MODELS))
    resident = snapshot.find(model)
    size = resident.size_bytes if resident else draw(st.integers(1, 60))
    return Wish(model, size, draw(st.sampled_from(SESSIONS)), draw(st.integers(1, 100)), draw(st.booleans()))


cases = snapshots().flatmap(lambda s: st.tuples(st.just(s), wishes(s)))


def movable(resident: Resident, wish: Wish) -> bool:
    """Return whether a plan for that wish may unload the model now."""
    return resident.evictable and (wish.pressing or not resident.announced)


def after(snapshot: Snapshot, wish: Wish, plan: Load | Reuse) -> Snapshot:
    """Return the memory once the plan is carried out."""
    residents = []
    for resident in snapshot.residents:
        if resident.model in plan.evict or (isinstance(plan, Load) and resident.model == wish.model):
            continue
        holders = resident.holders - {wish.session_id} if resident.model in plan.release else resident.holders
        if resident.model == wish.model:
            holders |= {wish.session_id}
        residents.append(replace(resident, holders=holders))
    if isinstance(plan, Load):
        residents.append(Resident(wish.model, wish.size_bytes, frozenset({wish.session_id})))
    return replace(snapshot, residents=tuple(residents))


@given(cases)
def test_no_plan_exceeds_the_machine_or_adds_to_a_session_beyond_its_limit(case: tuple[Snapshot, Wish]) -> None:
    snapshot, wish = case
    plan = plan_residency(snapshot, wish)

    if isinstance(plan, Load | Reuse):
        later = after(snapshot, wish, plan)
        assert later.used_bytes <= snapshot.capacity_bytes
        assert sum(r.size_bytes for r in later.residents if wish.session_id in r.holders) <= wish.limit_bytes


@given(cases)
def test_no_plan_touches_what_is_busy_foreign_or_pinned_nor_what_is_announced_for_one_that_does_not_press(
    case: tuple[Snapshot, Wish],
) -> None:
    snapshot, wish = case
    plan = plan_residency(snapshot, wish)

    if isinstance(plan, Load | Reuse):
        for name in plan.evict:
            resident = snapshot.find(name)
            assert resident is not None
            assert movable(resident, wish)
            assert name != wish.model
        for name in plan.release:
            resident = snapshot.find(name)
            assert resident is not None
            assert not resident.busy


@given(cases)
def test_no_eviction_could_be_left_out(case: tuple[Snapshot, Wish]) -> None:
    snapshot, wish = case
    plan = plan_residency(snapshot, wish)

    if isinstance(plan, Load):
        gone = {name: r for name in plan.evict if (r := snapshot.find(name))}
        anew = snapshot.find(wish.model)  # a foreign one gives its room to ours
        room = sum(r.size_bytes for r in gone.values()) + (anew.size_bytes if anew else 0)
        free = snapshot.capacity_bytes - snapshot.used_bytes + room
        kept = len(snapshot.residents) - len(gone) - (anew is not None)
        for name, resident in gone.items():
            released_by_its_only_holder = name in plan.release and resident.holders == {wish.session_id}
            one_too_many = snapshot.max_models is not None and kept + 2 > snapshot.max_models
            assert released_by_its_only_holder or free - resident.size_bytes < wish.size_bytes or one_too_many


@given(cases)
def test_a_load_that_must_make_room_for_the_count_leaves_no_more_models_than_ollama_keeps(
    case: tuple[Snapshot, Wish],
) -> None:
    snapshot, wish = case
    plan = plan_residency(snapshot, wish)

    if isinstance(plan, Load) and snapshot.max_models is not None:
        assert len(after(snapshot, wish, plan).residents) <= snapshot.max_models


@given(cases)
def test_a_wish_waits_only_where_everything_movable_would_not_do(case: tuple[Snapshot, Wish]) -> None:
    snapshot, wish = case
    plan = plan_residency(snapshot, wish)

    if isinstance(plan, Wait):
        fixed = [r for r in snapshot.residents if not movable(r, wish) and r.model != wish.model]
        own_busy = sum(r.size_bytes for r in fixed if r.busy and wish.session_id in r.holders)
        too_many = snapshot.max_models is not None and len(fixed) + 1 > snapshot.max_models
        no_room = sum(r.size_bytes for r in fixed) + wish.size_bytes > snapshot.capacity_bytes
        assert no_room or too_many or own_busy + wish.size_bytes > wish.limit_bytes
        assert plan.on
        assert all(snapshot.find(name) for name in plan.on)


@given(cases)
def test_what_a_wish_gets_it_gets_too_when_it_presses(case: tuple[Snapshot, Wish]) -> None:
    snapshot, wish = case

    if not isinstance(plan_residency(snapshot, replace(wish, pressing=False)), Wait):
        assert not isinstance(plan_residency(snapshot, replace(wish, pressing=True)), Wait)


@given(cases)
def test_only_what_can_never_fit_is_refused(case: tuple[Snapshot, Wish]) -> None:
    snapshot, wish = case
    plan = plan_residency(snapshot, wish)

    assert isinstance(plan, Refuse) == (wish.size_bytes > min(snapshot.capacity_bytes, wish.limit_bytes))


def test_lingering_models_go_before_held_ones_and_older_before_newer() -> None:
    snapshot = Snapshot(
        30,
        (
            Resident("held", 10, frozenset({"s2"}), last_used=1),
            Resident("newer", 10, last_used=3),
            Resident("older", 10, last_used=2),
        ),
    )

    assert plan_residency(snapshot, Wish("new", 10, "s1", 100)) == Load(evict=("older",))
    assert plan_residency(snapshot, Wish("new", 20, "s1", 100)) == Load(evict=("older", "newer"))
    assert plan_residency(snapshot, Wish("new", 25, "s1", 100)) == Load(evict=("older", "newer", "held"))


def test_what_is_worth_least_for_its_room_goes_first() -> None:
    snapshot = Snapshot(
        40,
        (
            Resident("dear", 10, worth=500, last_used=1),
            Resident("large", 20, worth=600, last_used=2),
            Resident("cheap", 10, worth=310, last_used=3),
        ),
    )

    assert plan_residency(snapshot, Wish("new", 20, "s1", 100)) == Load(evict=("large",))
    assert plan_residency(snapshot, Wish("new", 30, "s1", 100)) == Load(evict=("large", "cheap"))


def test_a_small_model_that_a_larger_eviction_made_superfluous_stays() -> None:
    snapshot = Snapshot(30, (Resident("small", 10, worth=1), Resident("large", 20, worth=100)))

    assert plan_residency(snapshot, Wish("new", 20, "s1", 100)) == Load(evict=("large",))


def test_models_with_announced_work_stay_unless_the_wish_presses() -> None:
    wish = Wish("new", 20, "s1", 100)
    snapshot = Snapshot(20, (Resident("idle", 10, worth=9), Resident("announced", 10, announced=True)))

    assert plan_residency(snapshot, wish) == Wait(("announced",), "the machine's memory")
    assert plan_residency(snapshot, replace(wish, pressing=True)) == Load(evict=("announced", "idle"))


def test_a_session_at_its_limit_lets_go_of_what_is_announced_for_others_without_unloading_it() -> None:
    snapshot = Snapshot(100, (Resident("mine", 10, frozenset({"s1"}), announced=True), Resident("wished", 10)))

    assert plan_residency(snapshot, Wish("wished", 10, "s1", 15)) == Reuse(release=("mine",))
    assert plan_residency(snapshot, Wish("wished", 10, "s1", 15, pressing=True)) == Reuse(("mine",), ("mine",))


def test_a_session_at_its_limit_lets_go_of_its_own_model_and_others_keep_theirs() -> None:
    snapshot = Snapshot(
        100, (Resident("mine", 10, frozenset({"s1"})), Resident("shared", 10, frozenset({"s1", "s2"}), last_used=1))
    )

    assert plan_residency(snapshot, Wish("new", 10, "s1", 20)) == Load(release=("mine",), evict=("mine",))
    assert plan_residency(snapshot, Wish("new", 20, "s1", 20)) == Load(release=("mine", "shared"), evict=("mine",))


def test_a_model_that_runs_is_waited_for() -> None:
    snapshot = Snapshot(10, (Resident("busy", 10, frozenset({"s2"}), busy=True),))

    assert plan_residency(snapshot, Wish("new", 5, "s1", 100)) == Wait(("busy",), "the machine's memory")


def test_an_ollama_that_keeps_only_so_many_models_gets_no_more() -> None:
    snapshot = Snapshot(100, (Resident("a", 10, last_used=1), Resident("b", 10, last_used=2)), max_models=2)

    assert plan_residency(snapshot, Wish("new", 10, "s1", 100)) == Load(evict=("a",))


def test_a_foreign_model_that_we_want_too_is_loaded_anew_within_the_machine() -> None:
    snapshot = Snapshot(30, (Resident("shared", 10, foreign=True), Resident("idle", 15)))

    assert plan_residency(snapshot, Wish("shared", 12, "s1", 100)) == Load()
    assert plan_residency(snapshot, Wish("shared", 20, "s1", 100)) == Load(evict=("idle",))


def test_a_wish_that_others_models_leave_no_room_for_waits_for_them_alone() -> None:
    snapshot = Snapshot(30, (Resident("theirs", 15, foreign=True), Resident("ours", 10, busy=True)))

    assert plan_residency(snapshot, Wish("new", 20, "s1", 100)) == Wait(
        ("theirs",), "models that are not ours to unload"
    )
