"""Whatever is asked of whichever policy: memory is never overrun, everybody is served, nobody waits without bound."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegator.residency.policy import PATIENCE_S, policy_of
from delegator.settings import GB, ResidencySettings
from delegator.simulation.ours import DelegatorResidency
from delegator.simulation.policies import POLICIES
from delegator.simulation.world import World
from tests.delegator.simulation.worlds import Watched, models, session, turn_ids, world_of

SIZES_GB = {"a": 2, "b": 3, "c": 5, "d": 8, "e": 12}
TURN_S, LOAD_S, UNLOAD_S = 10.0, 12.0, 0.2
EPSILON_S = 1e-6

Drawn = tuple[float, list[tuple[float, str]], float]
"""When it is created, its tasks (seconds before, models), how late it is closed."""

tasks = st.tuples(st.floats(0, 120), st.text("abcde", min_size=1, max_size=5))
sessions = st.lists(
    st.tuples(st.floats(0, 200), st.lists(tasks, min_size=1, max_size=3), st.sampled_from([0.0, 30.0])),
    min_size=1,
    max_size=7,
)
capacities = st.sampled_from([12, 14, 17, 20, 30])


def made(drawn: list[Drawn], capacity_gb: float) -> World:
    asked = [session(f"s{number}", at, *them, close_lag_s=lag) for number, (at, them, lag) in enumerate(drawn)]
    return world_of(models(**SIZES_GB), capacity_gb, *asked)


@pytest.mark.parametrize("policy", POLICIES)
@given(drawn=sessions, capacity_gb=capacities)
@settings(max_examples=60, deadline=None)
def test_every_turn_is_served_within_the_memory_there_is(policy: str, drawn: list[Drawn], capacity_gb: int) -> None:
    world = made(drawn, capacity_gb)
    if policy == "all_nine" and capacity_gb < sum(SIZES_GB.values()):
        with pytest.raises(ValueError, match="all models together need"):
            POLICIES[policy](world, None)
        return
    watched = Watched(world, POLICIES[policy](world, None))

    meter = world.run(watched)

    assert set(watched.waits) == turn_ids(world.workload.sessions)
    assert meter.violations == 0
    assert meter.peak_bytes <= capacity_gb * GB
    assert meter.option_reloads == 0
    assert 0 <= meter.waited_load_s <= meter.load_s + EPSILON_S
    assert meter.byte_seconds <= capacity_gb * GB * world.now * (1 + 1e-9)


@given(drawn=sessions, capacity_gb=capacities)
@settings(max_examples=60, deadline=None)
def test_nobody_waits_longer_than_patience_and_the_work_ahead(drawn: list[Drawn], capacity_gb: int) -> None:
    world = made(drawn, capacity_gb)
    watched = Watched(world, DelegatorResidency(world))
    # whom it waits for may each have to be brought in, and then speak; beyond that nobody younger goes first for
    # longer than patience, the turns that run then, and the change under way
    one = TURN_S + 2 * (LOAD_S + UNLOAD_S)

    world.run(watched)

    late = {
        turn_id: (wait, watched.ahead[turn_id])
        for turn_id, wait in watched.waits.items()
        if wait > PATIENCE_S + (watched.ahead[turn_id] + 2) * one
    }
    assert late == {}


@pytest.mark.parametrize(("patience_s", "within"), [(PATIENCE_S, True), (1e9, False)])
def test_patience_is_what_keeps_the_bound(patience_s: float, within: bool) -> None:
    """A steady stream on the small model keeps the large one out; without patience, as long as it lasts."""
    stream = [session(f"s{number}", number * 9.0, (0.0, "b")) for number in range(60)]
    world = world_of(models(**SIZES_GB), 14, *stream, session("large", 30.0, (0.0, "e")))
    watched = Watched(world, DelegatorResidency(world, policy_of(ResidencySettings(), patience_s=patience_s)))

    world.run(watched)

    bound = PATIENCE_S + (watched.ahead["large/0:0"] + 2) * (TURN_S + 2 * (LOAD_S + UNLOAD_S))
    assert (watched.waits["large/0:0"] <= bound) is within
