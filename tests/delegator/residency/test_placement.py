"""The promises of the choice of an endpoint, for any endpoints and any wish, and its order of preference by example."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.residency.placement import QUEUE_TURNS, Candidate, HostState, Place, Room, place, place_team
from delegator.residency.planner import Load, Refuse, Resident, Reuse, Snapshot, Wait, Wish, plan_residency

MODELS = ("a", "b", "c", "d", "e")
HOSTS = ("h1", "h2", "h3", "h4")
ROOMY = 1_000


@st.composite
def host_states(draw: st.DrawFn, endpoint_id: str, order: int) -> HostState:
    names = draw(st.lists(st.sampled_from(MODELS), unique=True, max_size=len(MODELS)))
    residents = tuple(
        Resident(
            name,
            draw(st.integers(1, 40)),
            draw(st.frozensets(st.sampled_from(("s1", "s2")))) if not foreign else frozenset(),
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
    limit = draw(st.none() | st.integers(max(1, len(residents)), 8))
    snapshot = Snapshot(draw(st.integers(max(1, used), used + 60)), residents, limit)
    queues = draw(st.dictionaries(st.sampled_from(MODELS), st.integers(0, 4), max_size=3))
    return HostState.of(endpoint_id, snapshot, queues=queues, suspect=draw(st.booleans()), order=order)


@st.composite
def systems(draw: st.DrawFn) -> dict[str, HostState]:
    ids = HOSTS[: draw(st.integers(1, len(HOSTS)))]
    return {endpoint_id: draw(host_states(endpoint_id, order)) for order, endpoint_id in enumerate(ids)}


@st.composite
def candidates_on(draw: st.DrawFn, hosts: dict[str, HostState]) -> list[Candidate]:
    """A wanted model and a fallback, each on some of the hosts; what is resident has the size it is measured with."""
    found = []
    for rank, model in enumerate(draw(st.permutations(MODELS))[:2]):
        size = draw(st.integers(1, 70))
        for endpoint_id in draw(st.lists(st.sampled_from(sorted(hosts)), unique=True)):
            resident = hosts[endpoint_id].snapshot.find(model)
            found.append(Candidate(endpoint_id, model, resident.size_bytes if resident else size, rank))
    return found


cases = systems().flatmap(lambda hosts: st.tuples(st.just(hosts), candidates_on(hosts)))


def fits(candidate: Candidate, hosts: dict[str, HostState]) -> bool:
    return candidate.size_bytes <= hosts[candidate.endpoint_id].snapshot.capacity_bytes


def size_of(chosen: Place, candidates: list[Candidate]) -> int:
    return next(c.size_bytes for c in candidates if (c.endpoint_id, c.model) == (chosen.endpoint_id, chosen.model))


# ── promises ──────────────────────────────────────────────────────────────────────────────────────────────────────


@given(cases)
def test_the_choice_can_hold_the_model_and_is_made_wherever_one_can(
    case: tuple[dict[str, HostState], list[Candidate]],
) -> None:
    hosts, candidates = case

    chosen = place(hosts, candidates)

    assert (chosen is not None) == any(fits(c, hosts) for c in candidates)
    if chosen is not None:
        wish = Wish(chosen.model, size_of(chosen, candidates), "s1", ROOMY)
        assert not isinstance(plan_residency(hosts[chosen.endpoint_id].snapshot, wish), Refuse)


@given(cases)
def test_a_suspect_endpoint_is_chosen_only_where_no_healthy_one_can(
    case: tuple[dict[str, HostState], list[Candidate]],
) -> None:
    hosts, candidates = case

    chosen = place(hosts, candidates)

    if chosen is not None and chosen.suspect:
        assert all(hosts[c.endpoint_id].suspect for c in candidates if fits(c, hosts))


@given(cases)
def test_the_room_that_is_told_is_what_the_planner_makes_of_it(
    case: tuple[dict[str, HostState], list[Candidate]],
) -> None:
    hosts, candidates = case

    chosen = place(hosts, candidates)

    if chosen is not None:
        wish = Wish(chosen.model, size_of(chosen, candidates), "new", ROOMY)
        plan = plan_residency(hosts[chosen.endpoint_id].snapshot, wish)
        if chosen.room in (Room.RESIDENT, Room.QUEUED):
            assert plan == Reuse()
        elif chosen.room is Room.FREE:
            assert plan == Load()
        elif chosen.room is Room.EVICTING:
            assert isinstance(plan, Load)
            assert plan.evict
        else:
            assert isinstance(plan, Wait)


@given(cases, st.randoms(use_true_random=False))
def test_the_choice_does_not_depend_on_the_order_of_the_candidates(
    case: tuple[dict[str, HostState], list[Candidate]], chance: object
) -> None:
    hosts, candidates = case
    shuffled = list(candidates)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random

    assert place(hosts, candidates) == place(hosts, shuffled)


@given(cases, st.integers(2, 5))
def test_roles_on_one_model_of_a_session_go_to_one_endpoint(
    case: tuple[dict[str, HostState], list[Candidate]], roles: int
) -> None:
    hosts, candidates = case
    healthy = {endpoint_id: replace(host, suspect=False) for endpoint_id, host in hosts.items()}
    wishes = [(f"role{n}", candidates) for n in range(roles)]

    places = place_team(healthy, wishes, session_id="s1")

    by_model = {(p.model, p.endpoint_id) for p in places.values() if p is not None}
    assert len(by_model) <= 1


# ── preferences ───────────────────────────────────────────────────────────────────────────────────────────────────


def host(
    endpoint_id: str, capacity: int, *residents: Resident, suspect: bool = False, order: int = 0, **queues: int
) -> HostState:
    return HostState.of(endpoint_id, Snapshot(capacity, residents), queues=queues, suspect=suspect, order=order)


def choice(*hosts: HostState, size: int = 10, together: tuple[str, ...] = ()) -> str | None:
    """Return where model `m` of that size goes."""
    candidates = [Candidate(h.endpoint_id, "m", size) for h in hosts]
    chosen = place({h.endpoint_id: h for h in hosts}, candidates, together=together)
    return None if chosen is None else chosen.endpoint_id


M = Resident("m", 10)
CHEAP, DEAR = Resident("x", 10, worth=1.0), Resident("x", 10, worth=50.0)
BUSY, FOREIGN = Resident("y", 10, busy=True), Resident("z", 10, foreign=True)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        pytest.param(host("better", 12, M), host("worse", 50), id="resident before free"),
        pytest.param(host("better", 50), host("worse", 12, M, m=QUEUE_TURNS), id="free before a queue"),
        pytest.param(host("better", 12, M, m=QUEUE_TURNS), host("worse", 12, CHEAP), id="a queue before evicting"),
        pytest.param(host("better", 12, CHEAP), host("worse", 12, DEAR), id="evict what is worth least"),
        pytest.param(host("better", 12, DEAR), host("worse", 12, BUSY), id="evicting before waiting"),
        pytest.param(host("better", 12, BUSY), host("worse", 12, FOREIGN), id="ours before somebody else's"),
        pytest.param(host("better", 50), host("worse", 50, x=1), id="fewer waiting turns"),
        pytest.param(host("better", 12, FOREIGN), host("worse", 12, M, suspect=True), id="healthy before suspect"),
    ],
)
def test_the_better_endpoint_is_chosen_whatever_the_order(better: HostState, worse: HostState) -> None:
    assert choice(replace(better, order=1), replace(worse, order=0)) == "better"


def test_equals_go_where_the_team_is_and_then_by_the_order_of_the_settings() -> None:
    first, second = host("h1", 50), host("h2", 50, order=1)

    assert choice(first, second) == "h1"
    assert choice(first, second, together=("h2",)) == "h2"


def test_the_wanted_model_goes_before_a_fallback_but_not_to_a_suspect_endpoint() -> None:
    wanted, fallback = Candidate("h1", "m", 10), Candidate("h2", "f", 5, rank=1)
    hosts = {"h1": host("h1", 12, BUSY), "h2": host("h2", 50)}
    assert place(hosts, [wanted, fallback]) == Place("h1", "m", Room.WAITING)

    hosts["h1"] = replace(hosts["h1"], suspect=True)
    assert place(hosts, [wanted, fallback]) == Place("h2", "f", Room.FREE)


def test_a_model_too_large_for_every_endpoint_has_no_place() -> None:
    assert choice(host("h1", 9), host("h2", 8)) is None


def test_a_team_spreads_only_where_it_would_not_fit_together() -> None:
    hosts = {"h1": host("h1", 25), "h2": host("h2", 25, order=1)}

    def wish(model: str, size: int) -> list[Candidate]:
        return [Candidate(endpoint_id, model, size) for endpoint_id in hosts]

    places = place_team(
        hosts, [("lead", wish("a", 10)), ("dev", wish("b", 10)), ("test", wish("c", 10))], session_id="s1"
    )

    assert {role: p and p.endpoint_id for role, p in places.items()} == {"lead": "h1", "dev": "h1", "test": "h2"}


def test_what_the_session_has_already_draws_a_new_role_to_it() -> None:
    hosts = {"h1": host("h1", 50), "h2": host("h2", 50, order=1)}
    candidates = [Candidate("h1", "m", 10), Candidate("h2", "m", 10)]

    places = place_team(hosts, [("dev", candidates)], session_id="s1", placed={"m": "h2"})

    assert places == {"dev": Place("h2", "m", Room.FREE)}
