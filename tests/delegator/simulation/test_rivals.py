"""The rivals behave as they do: keep-alive, order of eviction, one queue, reloads where options differ."""

from __future__ import annotations

import pytest

from delegator.settings import GB
from delegator.simulation.meter import Meter
from delegator.simulation.policies import run_policy
from delegator.simulation.rivals import OllamaResidency
from delegator.simulation.workload import Machine, SimulatedSession, Workload
from tests.delegator.simulation.worlds import Watched, models, session, world_of

KNOWN = models(a=2, b=3, c=8)


def watch(capacity_gb: float, *sessions: SimulatedSession, keep_alive_s: float | None = 300.0) -> tuple[Watched, Meter]:
    world = world_of(KNOWN, capacity_gb, *sessions)
    watched = Watched(world, OllamaResidency(world, keep_alive_s))
    return watched, world.run(watched)


def test_a_model_stays_for_its_keep_alive_after_its_last_turn() -> None:
    _, within = watch(10, session("s", 0, (0, "a"), (299, "a")))
    _, beyond = watch(10, session("s", 0, (0, "a"), (301, "a")))

    assert (within.loads, beyond.loads) == (1, 2)
    assert beyond.swaps == 0
    assert beyond.gb_seconds == pytest.approx(2 * ((2 + 10 + 300 + 0.2) + (2 + 10)))


def test_use_within_the_keep_alive_renews_it() -> None:
    _, meter = watch(10, session("s", 0, (0, "a"), (200, "a"), (200, "a")))

    assert meter.loads == 1


def test_without_an_end_of_keep_alive_a_model_stays() -> None:
    _, meter = watch(10, session("s", 0, (0, "a"), (9000, "a")), keep_alive_s=None)

    assert meter.loads == 1


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    watched, meter = watch(10, session("s", 0, (5, "ab")))

    assert watched.waits == {"s/0:0": 2.0, "s/0:1": 3.0}
    assert meter.waited_load_s == meter.load_s == 5.0


def test_the_first_idle_model_by_its_path_makes_room_not_the_one_used_longest_ago() -> None:
    watched, meter = watch(11, session("s", 0, (0, "ba"), (50, "c"), (50, "b")))

    assert meter.swaps == 1  # a, though b was used before it; 3 + 8 fit then
    assert watched.resident[-1][1] == ("b", "c")
    assert meter.loads == 3


def test_whoever_waits_for_room_keeps_all_loads_behind_it_waiting() -> None:
    """`c` needs the room of `b`, which speaks; `a` would fit, but stands behind it in the one queue."""
    watched, _ = watch(10, session("s1", 0, (0, "b")), session("s2", 4, (0, "c")), session("s3", 5, (0, "a")))

    assert watched.waits["s1/0:0"] == 3.0
    assert watched.waits["s2/0:0"] == pytest.approx(13 - 4 + 0.2 + 8)
    assert watched.waits["s3/0:0"] == pytest.approx(13 - 5 + 0.2 + 8 + 2)


def test_where_all_work_the_first_by_path_is_waited_for_even_if_another_falls_idle_before_it() -> None:
    """With b and a at work, a turn for c waits for a, by whose path comes first, though b ends earlier."""
    twice = session("s2", 1, (0, "a")), session("s4", 1, (0, "a"))

    watched, meter = watch(12, session("s1", 0, (0, "b")), *twice, session("s3", 12, (0, "c")))

    # b speaks from 3 to 13, a from 5 to 15 and, with the next turn in line, to 25; then it goes, and 3 + 8 fit
    assert watched.waits["s3/0:0"] == pytest.approx(25 - 12 + 0.2 + 8)
    assert meter.swaps == 1


def test_a_turn_for_a_loaded_model_does_not_stand_in_the_queue() -> None:
    watched, _ = watch(10, session("s1", 0, (0, "b")), session("s2", 4, (0, "c")), session("s3", 5, (0, "b")))

    assert watched.waits["s3/0:0"] == pytest.approx(13 - 5)


def test_other_options_mean_a_reload() -> None:
    small, large = {"s1": 4096}, {"s2": 8192}
    asked = (session("s1", 0, (0, "a"), (60, "a"), num_ctx=small), session("s2", 30, (0, "a"), num_ctx=large))
    workload = Workload(KNOWN, asked)

    ollama, ours = (run_policy(workload, Machine(10 * GB), policy) for policy in ("ollama", "delegator"))

    assert (ollama.loads, ollama.option_reloads, ollama.swaps) == (3, 2, 0)
    assert ours.option_reloads == 0


def test_all_at_once_loads_nothing_and_holds_everything() -> None:
    meter = run_policy(Workload(KNOWN, [session("s", 0, (5, "ab"))]), Machine(13 * GB), "all_nine")

    assert (meter.loads, meter.ttft_all_s) == (0, [1.0, 1.0])
    assert meter.gb_seconds == pytest.approx(13 * 25)


def test_all_at_once_is_told_not_to_fit() -> None:
    with pytest.raises(ValueError, match="all models together need 13"):
        run_policy(Workload(KNOWN, [session("s", 0, (5, "a"))]), Machine(12 * GB), "all_nine")
