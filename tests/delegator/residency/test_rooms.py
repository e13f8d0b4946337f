"""What finds room where, held against trying every arrangement."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from delegator.residency.planner import Resident, Snapshot
from delegator.residency.rooms import Room, Seats, Terms, seat

MODELS = ("a", "b", "c", "d", "e")
SESSION = "planned"


@st.composite
def rooms(draw: st.DrawFn) -> list[Room]:
    found = []
    for number in range(draw(st.integers(1, 3))):
        names = draw(st.lists(st.sampled_from((*MODELS, "x", "y")), unique=True, max_size=4))
        residents = tuple(
            Resident(
                name,
                draw(st.integers(1, 20)),
                draw(st.frozensets(st.sampled_from((SESSION, "other")))),
                busy=draw(st.booleans()),
                foreign=draw(st.booleans()),
                pinned=draw(st.booleans()),
                announced=draw(st.booleans()),
            )
            for name in names
        )
        used = sum(r.size_bytes for r in residents)
        snapshot = Snapshot(used + draw(st.integers(0, 30)), residents, draw(st.none() | st.integers(1, 5)))
        loadable = draw(st.none() | st.frozensets(st.sampled_from(MODELS)))
        found.append(Room(f"room{number}", snapshot, loadable))
    return found


terms = st.builds(Terms, st.integers(1, 60), st.just(SESSION), wait=st.booleans(), evict_idle=st.booleans())
teams = st.dictionaries(st.sampled_from(MODELS), st.integers(1, 25), min_size=1, max_size=4)


def holds(room: Room, team: dict[str, int], under: Terms) -> bool:
    """Return whether a room can hold these models at one time beside what stays."""
    memory = {r.model: r.size_bytes for r in room.snapshot.residents if under.stays(r)}
    for model, size in team.items():
        resident = room.snapshot.find(model)
        if resident is not None and not resident.foreign:
            memory[model] = resident.size_bytes
        elif room.can_load(model):
            memory[model] = size
        else:
            return False
    fits = sum(memory.values()) <= room.snapshot.capacity_bytes
    return fits and (room.snapshot.max_models is None or len(memory) <= room.snapshot.max_models)


def arrangement_holds(seats: Seats, team: dict[str, int], found: list[Room], under: Terms) -> bool:
    by_room: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for model, where in seats.items():
        by_room[where][model] = team[model]
    return sum(team.values()) <= under.limit_bytes and all(
        holds(room, by_room[room.endpoint_id], under) for room in found if room.endpoint_id in by_room
    )


@settings(max_examples=150)
@given(rooms(), teams, terms)
def test_a_team_is_seated_exactly_where_some_arrangement_holds(
    found: list[Room], team: dict[str, int], under: Terms
) -> None:
    seats = seat(team, found, under)

    teams_at_a_time = [{model: size} for model, size in team.items()] if under.wait else [team]
    possible = all(
        any(
            arrangement_holds(dict(zip(part, places, strict=True)), part, found, under)
            for places in product([room.endpoint_id for room in found], repeat=len(part))
        )
        for part in teams_at_a_time
    )
    assert (seats is not None) == possible
    if seats is not None:
        assert set(seats) == set(team)
        for part in teams_at_a_time:
            assert arrangement_holds({model: seats[model] for model in part}, part, found, under)


def test_a_model_is_seated_where_it_is_in_memory_and_else_where_most_is_free() -> None:
    found = [Room("small", Snapshot(20, (Resident("a", 10),))), Room("large", Snapshot(50))]

    assert seat({"a": 10, "b": 5}, found, Terms(100)) == {"a": "small", "b": "large"}


def test_what_one_endpoint_cannot_hold_together_is_spread() -> None:
    found = [Room("one", Snapshot(12)), Room("two", Snapshot(10))]

    assert seat({"a": 8, "b": 8}, found, Terms(100)) == {"a": "one", "b": "two"}
    assert seat({"a": 8, "b": 8}, found, Terms(15)) is None
    assert seat({"a": 8, "b": 8}, found, Terms(15, wait=True)) is not None


def test_what_lingers_makes_room_and_what_others_hold_only_where_it_may_be_evicted() -> None:
    lingering = [Room("one", Snapshot(10, (Resident("idle", 8),)))]
    held = [Room("one", Snapshot(10, (Resident("idle", 8, frozenset({"other"})),)))]

    assert seat({"a": 10}, lingering, Terms(100)) is not None
    assert seat({"a": 10}, held, Terms(100, wait=True)) is None
    assert seat({"a": 10}, held, Terms(100, evict_idle=True)) is not None
