"""Delegator in the simulation is the production dispatcher with the production prices, and keeps to session limits."""

from __future__ import annotations

import inspect

import pytest

from delegator.residency.dispatcher import Dispatcher, Later, Policy, TurnRequest
from delegator.residency.lingering import Prices
from delegator.residency.policy import policy_of
from delegator.settings import GB, ResidencySettings, Settings
from delegator.simulation.ours import DelegatorResidency
from delegator.simulation.policies import run_policy
from delegator.simulation.workload import Machine, SimulatedSession, Workload
from tests.delegator.simulation.worlds import Watched, models, session, world_of

KNOWN = models(a=2, b=3, c=5)


def test_prices_and_patience_are_those_of_the_settings() -> None:
    assert policy_of(ResidencySettings()) == Policy()
    assert Prices() == Prices(wait=ResidencySettings().wait_price, load=ResidencySettings().load_price)
    assert Policy().patience_s == Settings().turn_patience_s
    assert policy_of(ResidencySettings(prefetch=False)).prefetch is False


def test_the_simulation_decides_nothing_itself() -> None:
    world = world_of(KNOWN, 10, session("s", 0, (5, "a")))

    assert type(DelegatorResidency(world).dispatcher) is Dispatcher
    assert "plan_residency" not in inspect.getsource(inspect.getmodule(DelegatorResidency))  # type: ignore[arg-type]


def test_the_first_speakers_model_comes_while_somebody_still_types() -> None:
    world = world_of(KNOWN, 10, session("s", 0, (5, "a")))
    watched = Watched(world, DelegatorResidency(world))

    meter = world.run(watched)

    assert watched.waits == {"s/0:0": 0.0}
    assert (meter.load_s, meter.waited_load_s) == (2.0, 0.0)


def test_the_next_speakers_model_comes_while_its_colleague_writes() -> None:
    meter = run_policy(Workload(KNOWN, [session("s", 0, (5, "abcabc"))]), Machine(10 * GB), "delegator")

    assert meter.ttft_all_s == [1.0] * 6  # the second that a turn reads, no more
    assert meter.loads >= 3
    assert meter.waited_load_s == 0.0


def test_a_turn_tells_what_its_task_needs_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, tuple[Later, ...], bool]] = []
    announce = Dispatcher.announce

    def listen(self: Dispatcher, request: TurnRequest, now: float) -> None:
        told.append((request.turn_id, request.later, request.continues))
        announce(self, request, now)

    monkeypatch.setattr(Dispatcher, "announce", listen)
    run_policy(Workload(KNOWN, [session("s", 0, (5, "aba"))]), Machine(10 * GB), "delegator")

    assert told == [
        ("warm:s", (), False),
        ("s/0:0", (Later("b", 1), Later("a", 2)), True),
        ("s/0:1", (Later("a", 1),), True),
        ("s/0:2", (), False),
    ]


def test_a_session_holds_no_more_than_its_limit() -> None:
    def peak(limit_bytes: int | None) -> int:
        asked = session("s", 0, (5, "abc"))
        limited = SimulatedSession(asked.session_id, asked.created_s, asked.team, asked.tasks, limit_bytes=limit_bytes)
        return run_policy(Workload(KNOWN, [limited]), Machine(20 * GB), "delegator").peak_bytes

    assert peak(6 * GB) <= 6 * GB < peak(None)


def test_a_run_is_the_same_every_time() -> None:
    workload = Workload(KNOWN, [session(f"s{n}", 7.0 * n, (5, "abc"), (30, "ca")) for n in range(6)])

    first, second = (run_policy(workload, Machine(8 * GB), "delegator") for _ in range(2))

    assert first == second


def test_a_model_larger_than_the_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="can never run on this machine"):
        run_policy(Workload(KNOWN, [session("s", 0, (5, "c"))]), Machine(4 * GB), "delegator")
