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
        )
        for name in names
        for foreign in [draw(st.booleans())]
    )
    used = sum(r.size_bytes for r in residents)
    return Snapshot(draw(st.integers(max(1, used), used + 60)), residents)


@st.composite
def wishes(draw: st.DrawFn, snapshot: Snapshot) -> Wish:
    model = draw(st.sampled_from(MODELS))
    resident = snapshot.find(model)
    size = resident.size_bytes if resident else draw(st.integers(1, 60))
    return Wish(model, size, draw(st.sampled_from(SESSIONS)), draw(st.integers(1, 100)))


cases = snapshots().flatmap(lambda s: st.tuples(st.just(s), wishes(s)))


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
def test_no_plan_touches_what_is_busy_foreign_or_pinned(case: tuple[Snapshot, Wish]) -> None:
    snapshot, wish = case
    plan = plan_residency(snapshot, wish)

    if isinstance(plan, Load | Reuse):
        for name in plan.evict:
            resident = snapshot.find(name)
            assert resident is not None
            assert resident.evictable
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
        free = snapshot.capacity_bytes - snapshot.used_bytes + sum(r.size_bytes for r in gone.values())
        for name, resident in gone.items():
            released_by_its_only_holder = name in plan.release and resident.holders == {wish.session_id}
            assert released_by_its_only_holder or free - resident.size_bytes < wish.size_bytes


@given(cases)
def test_a_wish_waits_only_where_everything_movable_would_not_do(case: tuple[Snapshot, Wish]) -> None:
    snapshot, wish = case
    plan = plan_residency(snapshot, wish)

    if isinstance(plan, Wait):
        fixed = sum(r.size_bytes for r in snapshot.residents if not r.evictable and r.model != wish.model)
        own_busy = sum(
            r.size_bytes
            for r in snapshot.residents
            if r.busy and wish.session_id in r.holders and r.model != wish.model
        )
        assert fixed + wish.size_bytes > snapshot.capacity_bytes or own_busy + wish.size_bytes > wish.limit_bytes
        assert plan.on


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
