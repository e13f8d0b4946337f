"""The dispatcher's promises, whatever happens: generated traces on a made-up host that checks every decision."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delegator.residency.decisions import Foretold
from delegator.residency.demand import Outlook
from delegator.residency.dispatcher import Policy
from delegator.residency.lingering import Prices
from delegator.residency.requests import TurnRequest
from delegator.settings import GB
from tests.delegator.residency.unsteady_host import CALM, UNLOAD_S, Rates, UnsteadyHost

LONGEST_TURN_S = 30.0

SIZES_GB = (2, 4, 5, 8, 12, 20)
MODELS = {f"m{gb}": gb * GB for gb in SIZES_GB}


@dataclass(frozen=True)
class Play:
    """One session: when it opens, its team, its tasks (when, speakers), when it closes."""

    opens_s: float
    team: tuple[str, ...]
    tasks: tuple[tuple[float, tuple[int, ...]], ...]
    lasts_s: float
    limit_gb: int | None
    warm: bool


moments = st.floats(0, 400)
teams = st.lists(st.sampled_from(sorted(MODELS)), min_size=1, max_size=4, unique=True).map(tuple)
plays = st.builds(
    Play,
    moments,
    teams,
    st.lists(st.tuples(moments, st.lists(st.integers(0, 3), min_size=1, max_size=4).map(tuple)), max_size=4).map(tuple),
    st.floats(0, 500),
    st.sampled_from((None, None, 10, 20, 25)),
    st.booleans(),
)
policies = st.builds(
    Policy,
    patience_s=st.sampled_from((0.0, 7.3, 60.0)),
    parallel=st.sampled_from((1, 1, 2)),
    prices=st.builds(Prices, wait=st.sampled_from((0.0, 650.0, 1e9)), load=st.sampled_from((0.0, 140.0, 1e9))),
    prefetch=st.booleans(),
)
unsteady = st.builds(
    Rates,
    load_fails=st.sampled_from((0.0, 0.2)),
    unload_fails=st.sampled_from((0.0, 0.2)),
    gives_up=st.sampled_from((0.0, 0.3)),
    breaks_off=st.sampled_from((0.0, 0.3)),
    larger=st.sampled_from((0.0, 0.3)),
)


def stage(host: UnsteadyHost, number: int, play: Play) -> None:
    session_id = f"s{number}"

    def begin() -> None:
        host.open(session_id, *play.team)
        if play.warm:
            outlook = Outlook(session_id, play.team[0], play.team[1:])
            spare = number % 2 == 1
            host.ask(
                TurnRequest(
                    f"warm:{session_id}", session_id, play.team[0], host.capacity_bytes,
                    needs_slot=False, spare_only=spare, outlook=outlook,
                )
            )  # fmt: skip

    def act(index: int, speakers: tuple[int, ...]) -> None:
        limit = play.limit_gb * GB if play.limit_gb else None
        host.task(session_id, f"{session_id}/{index}", [play.team[i % len(play.team)] for i in speakers], limit)

    host.at(play.opens_s, begin)
    for index, (after_s, speakers) in enumerate(play.tasks):
        host.at(play.opens_s + after_s, partial(act, index, speakers))
    host.at(play.opens_s + play.lasts_s, lambda: host.close(session_id))


def stage_disturbances(host: UnsteadyHost, disturbances: list[tuple[float, str, str]]) -> None:
    for moment, kind, model in disturbances:
        if kind == "foreign":
            host.at(moment, lambda: host.foreign_comes("theirs", 6 * GB))
            host.at(moment + 50, lambda: host.vanishes("theirs"))
        elif kind == "same":
            host.at(moment, partial(host.foreign_comes, model, MODELS[model]))
        elif kind == "lost":
            host.at(moment, partial(host.vanishes, model))
        elif kind == "pin":
            host.at(moment, partial(host.set_pinned, model, True))
            host.at(moment + 90, partial(host.set_pinned, model, False))
        elif kind == "hand":
            host.at(moment, partial(host.ask_by_hand, model, 40.0))
        else:
            host.at(moment, partial(host.touch, model))


def leave_nothing(host: UnsteadyHost) -> None:
    """Once everybody has gone nothing may be left: no turn, no task, no expectation, and no model of ours."""
    host.rates = CALM
    for entry in host.ledger.entries():
        if entry.foreign:
            host.vanishes(entry.model)
    host.pump()
    host.run()

    dispatcher = host.dispatcher
    assert dispatcher.running() == {}
    assert dispatcher.waiting() == []
    assert dispatcher.change is None
    assert [entry.model for entry in host.ledger.entries()] == []
    assert len(dispatcher._tasks) == 0
    assert len(dispatcher._prefetching) == 0
    assert len(dispatcher.demand) == 0
    host.pump()
    assert len(dispatcher._idle) == 0
    counts = dispatcher.prefetches
    assert counts[Foretold.BEGUN] == sum(counts[f] for f in Foretold if f is not Foretold.BEGUN)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(plays, max_size=6),
    st.lists(
        st.tuples(
            moments,
            st.sampled_from(("foreign", "same", "lost", "pin", "hand", "touch")),
            st.sampled_from(sorted(MODELS)),
        ),
        max_size=8,
    ),
    policies,
    unsteady,
    st.sampled_from((10, 16, 24, 40)),
    st.sampled_from((None, None, 2)),
    st.integers(0, 2**32),
)
def test_whatever_happens_every_decision_can_be_carried_out_and_nothing_is_left_behind(
    sessions: list[Play],
    disturbances: list[tuple[float, str, str]],
    policy: Policy,
    rates: Rates,
    capacity_gb: int,
    max_models: int | None,
    seed: int,
) -> None:
    host = UnsteadyHost(MODELS, capacity_gb * GB, policy, rates, random.Random(seed), max_models)
    for number, play in enumerate(sessions):
        stage(host, number, play)
    stage_disturbances(host, disturbances)
    host.run()

    leave_nothing(host)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(0, 150), st.sampled_from(sorted(MODELS)), st.integers(1, 27)), min_size=1, max_size=60
    ),
    st.lists(st.tuples(st.integers(0, 150), st.sampled_from(sorted(MODELS))), max_size=10),
    st.sampled_from((0.0, 20.0, 60.0)),
    st.sampled_from((1, 2)),
)
def test_every_turn_is_granted_within_its_patience_and_the_time_of_those_before_it(
    turns: list[tuple[int, str, int]], by_hand: list[tuple[int, str]], patience_s: float, parallel: int
) -> None:
    """The bound is its patience, and then for itself and each older turn some steps, whatever is loaded by hand.

    Each takes at most:

    - one change that is under way, and its own: an unload of every model and a load, each;
    - on every model, as many more turns as it takes at a time, begun before that model closed;
    - its own time.
    """
    host = UnsteadyHost(MODELS, 20 * GB, Policy(patience_s=patience_s, parallel=parallel))
    longest_load_s = max(host.load_s(model) for model in MODELS)
    change_s = longest_load_s + 5 * UNLOAD_S * len(MODELS)
    each_s = 2 * change_s + (len(MODELS) * parallel + 1) * LONGEST_TURN_S
    for number, (moment, model, writing_s) in enumerate(turns):
        request = TurnRequest(f"t{number}", f"s{number}", model, 20 * GB, task_id=f"task{number}")
        host.at(moment, partial(host.ask, request, writing_s=writing_s))
    for moment, model in by_hand:
        host.at(moment, partial(host.ask_by_hand, model, 40.0))
    host.run()

    assert len(host.past) == len(turns)
    for asked in host.past:
        older = [o for o in host.past if o.asked_at <= asked.asked_at and (o.ended_at or 0.0) > asked.asked_at]
        assert asked.granted_at is not None
        assert asked.granted_at - asked.asked_at <= patience_s + len(older) * each_s
    for number in range(len(turns)):
        host.close(f"s{number}")
    leave_nothing(host)
