"""The receipt: what was held, for how long, against everything resident; whatever the log looks like."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.schemas import Event, EventKind, Receipt
from delegator.sessions.receipt import compute_receipt

SESSION = "session_20251112_143022_84329"
START = datetime(2025, 11, 12, 14, 30, 22, tzinfo=UTC)
BASELINE = {"big:33b": (24_000_000_000, True), "small:7b": (6_000_000_000, True), "other:14b": (10_000_000_000, False)}

_ids = count(1)


def event(kind, at_s, *, session_id=SESSION, role=None, model=None, event_id=None, **data):
    """Make an event, `at_s` seconds after the start."""
    return Event(
        event_id=next(_ids) if event_id is None else event_id,
        at=START + timedelta(seconds=at_s),
        kind=EventKind(kind),
        session_id=session_id,
        role=role,
        model=model,
        data=data,
    )


def held(at_s, model="small:7b", size=6_000_000_000, measured=True, endpoint="local", **more):
    return event("model_held", at_s, model=model, bytes=size, measured=measured, endpoint=endpoint, **more)


def released(at_s, model="small:7b", endpoint="local", **more):
    return event("model_released", at_s, model=model, endpoint=endpoint, **more)


def receipt(*events, scale=1.0, now_s=100, final=False, baseline=BASELINE) -> Receipt:
    return compute_receipt(
        SESSION,
        events,
        baseline=baseline,
        agents_total=9,
        clock_scale=scale,
        now=START + timedelta(seconds=now_s),
        final=final,
        simulated=False,
    )


CREATED, ENDED = event("session_created", 0), event("session_ended", 100)


def test_a_receipt_adds_up_a_whole_session():
    result = receipt(
        CREATED,
        event("agent_spawned", 1, role="cto"),
        event("agent_spawned", 1, role="senior_developer"),
        event("model_loaded", 10, model="small:7b", load_s=8.5),
        held(10),
        event("session_ready", 10),
        event("model_loaded", 30, model="big:33b", load_s=20),
        held(30, "big:33b", 24_000_000_000),
        event("turn_completed", 40, role="cto", prompt_tokens=700, reply_tokens=150),
        released(50),
        event("turn_completed", 60, role="senior_developer", prompt_tokens=900, reply_tokens=250),
        released(80, "big:33b"),
        ENDED,
    )

    assert result == Receipt(
        session_id=SESSION,
        final=True,
        agents_used=2,
        agents_total=9,
        seconds_to_ready=10.0,
        duration_seconds=100.0,
        peak_gb=30.0,
        gb_seconds=6 * 40 + 24 * 50,
        all_roles_gb=40.0,
        all_roles_gb_seconds=4000.0,
        memory_saved_ratio=0.25,
        gb_seconds_saved_ratio=1 - 1440 / 4000,
        loads=2,
        load_seconds=28.5,
        turns=2,
        prompt_tokens=1600,
        reply_tokens=400,
        sizes="measured",
        baseline="mixed",
        simulated=False,
    )


def test_with_a_fast_clock_every_second_is_a_model_second():
    slow, fast = receipt(CREATED, held(0), ENDED), receipt(CREATED, held(0), ENDED, scale=10)

    assert (fast.duration_seconds, fast.gb_seconds) == (slow.duration_seconds * 10, slow.gb_seconds * 10)
    assert (fast.peak_gb, fast.gb_seconds_saved_ratio) == (slow.peak_gb, slow.gb_seconds_saved_ratio)


def test_a_model_held_twice_counts_once():
    assert receipt(CREATED, held(0), held(0), held(20), ENDED).gb_seconds == 600


def test_a_model_held_for_two_roles_stays_until_both_let_go():
    shared = [held(0, role="cto"), held(10, role="senior_architect"), released(30, role="cto")]

    assert receipt(CREATED, *shared, ENDED).gb_seconds == 600
    assert receipt(CREATED, *shared, released(60, role="senior_architect"), ENDED).gb_seconds == 360
    assert receipt(CREATED, *shared, released(60), ENDED).gb_seconds == 360


def test_the_same_model_on_two_hosts_is_in_memory_twice():
    result = receipt(CREATED, held(0, endpoint="a"), held(0, endpoint="b"), released(50, endpoint="b"), ENDED)

    assert (result.peak_gb, result.gb_seconds) == (12.0, 900)


def test_models_taking_turns_are_never_in_memory_together():
    result = receipt(CREATED, held(0), released(50), held(50, "big:33b", 24_000_000_000), ENDED)

    assert (result.peak_gb, result.gb_seconds) == (24.0, 6 * 50 + 24 * 50)


@pytest.mark.parametrize("kind", ["model_lost", "model_unloaded"])
def test_a_model_that_left_memory_is_held_no_longer(kind):
    gone = event(kind, 20, model="small:7b", role="cto", endpoint="local")

    assert receipt(CREATED, held(0), held(0, role="cto"), gone, ENDED).gb_seconds == 120


def test_a_forgotten_release_lasts_until_the_session_ends():
    assert receipt(CREATED, held(90), ENDED, now_s=5_000).gb_seconds == 60


def test_an_open_session_is_counted_until_now():
    result = receipt(CREATED, held(10), now_s=40)

    assert (result.final, result.duration_seconds, result.gb_seconds) == (False, 40.0, 180)


def test_a_caller_may_know_of_the_end_before_the_log_does():
    ending = receipt(CREATED, held(10), now_s=100, final=True)

    assert ending == receipt(CREATED, held(10), ENDED, now_s=7_000)


@pytest.mark.parametrize("kind", ["session_ended", "session_failed", "session_timed_out"])
def test_every_way_to_end_is_an_end(kind):
    result = receipt(CREATED, held(0), event(kind, 30))

    assert (result.final, result.duration_seconds, result.gb_seconds) == (True, 30.0, 180)


def test_what_happened_outside_the_session_does_not_count():
    result = receipt(held(-50), CREATED, ENDED, released(150), held(160, "big:33b"))

    assert (result.peak_gb, result.gb_seconds) == (6.0, 600)


def test_other_sessions_do_not_count():
    other = [held(0, "big:33b", session_id="session_other"), held(0, "big:33b", session_id=None)]

    assert receipt(CREATED, *other, ENDED).gb_seconds == 0


def test_a_size_that_is_measured_later_counts_from_then_on():
    result = receipt(CREATED, held(0, size=5_000_000_000, measured=False), held(50, size=6_000_000_000), ENDED)

    assert (result.gb_seconds, result.peak_gb, result.sizes) == (550, 6.0, "mixed")


@pytest.mark.parametrize("size", [None, "big", -1, True, 1.5])
def test_a_hold_without_a_size_takes_the_one_that_is_known(size):
    known, unknown = held(0, size=size), held(0, "unknown:1b", size=size)

    assert (receipt(CREATED, known, ENDED).gb_seconds, receipt(CREATED, known, ENDED).sizes) == (600, "measured")
    assert (receipt(CREATED, unknown, ENDED).gb_seconds, receipt(CREATED, unknown, ENDED).sizes) == (0, "estimated")


def test_the_log_may_tell_the_seconds_to_ready_itself():
    ready = event("session_ready", 10, seconds_to_ready=7.25)

    assert receipt(CREATED, ready, ENDED).seconds_to_ready == 7.25
    assert receipt(CREATED, ENDED).seconds_to_ready is None


def test_figures_that_are_no_numbers_are_not_added():
    broken = event("turn_completed", 5, prompt_tokens="many", reply_tokens=-5)
    lost = event("model_loaded", 5, model="small:7b", load_s=float("nan"))

    result = receipt(CREATED, broken, event("turn_completed", 6), lost, ENDED)

    assert (result.turns, result.prompt_tokens, result.reply_tokens) == (2, 0, 0)
    assert (result.loads, result.load_seconds) == (1, 0)


def test_a_session_without_any_event_has_an_empty_receipt():
    result = receipt()

    assert (result.final, result.duration_seconds, result.gb_seconds, result.peak_gb) == (False, 0, 0, 0)
    assert (result.memory_saved_ratio, result.gb_seconds_saved_ratio, result.sizes) == (1.0, 0.0, "estimated")


def test_without_a_baseline_nothing_is_claimed_to_be_saved():
    result = receipt(CREATED, held(0), ENDED, baseline={})

    assert (result.all_roles_gb, result.memory_saved_ratio, result.gb_seconds_saved_ratio) == (0, 0, 0)


def test_holding_more_than_all_roles_is_shown_as_a_loss():
    assert receipt(CREATED, held(0, size=80_000_000_000), ENDED).memory_saved_ratio == -1.0


# ── whatever the log looks like ───────────────────────────────────────────────────────────────────────────────────

moments = st.integers(-20, 120)
sizes = st.sampled_from([0, 1, 6_000_000_000, 24_000_000_000, 7_123_456_789, None, -1])
models = st.sampled_from(["small:7b", "big:33b", "stranger:1b"])
roles = st.sampled_from([None, "cto", "ceo"])
hosts = st.sampled_from(["a", "b"])

holds = st.builds(
    lambda at, model, size, host, role, measured, number: held(
        at, model, size, measured, host, role=role, event_id=number
    ),
    moments,
    models,
    sizes,
    hosts,
    roles,
    st.booleans(),
    st.integers(0, 3),
)
releases = st.builds(
    lambda kind, at, model, host, role, number: event(
        kind, at, model=model, role=role, event_id=number, **({} if host is None else {"endpoint": host})
    ),
    st.sampled_from(["model_released", "model_lost", "model_unloaded"]),
    moments,
    models,
    hosts | st.none(),
    roles,
    st.integers(0, 3),
)
others = st.builds(
    lambda kind, at, role, number: event(kind, at, role=role, event_id=0, load_s=number, reply_tokens=number),
    st.sampled_from(["session_ready", "agent_spawned", "model_loaded", "turn_completed", "task_failed", "drift_found"]),
    moments,
    roles,
    st.integers(0, 50),
)
ends = st.lists(st.builds(event, st.sampled_from(["session_ended", "session_timed_out"]), moments), max_size=2)
logs = st.builds(lambda end, rest: [CREATED, *end, *rest], ends, st.lists(holds | releases | others, max_size=14))
scales = st.sampled_from([0.5, 1.0, 10.0, 1000.0])


@given(logs, scales)
def test_memory_over_time_never_exceeds_the_peak_all_the_time(log, scale):
    result = receipt(*log, scale=scale)

    assert result.gb_seconds <= result.peak_gb * result.duration_seconds * (1 + 1e-9)


@given(logs, scales)
def test_nothing_is_ever_negative_but_a_saving(log, scale):
    result = receipt(*log, scale=scale)

    for name, value in result.model_dump().items():
        if isinstance(value, (int, float)) and not name.endswith("saved_ratio"):
            assert value >= 0, name


@given(logs.flatmap(lambda log: st.tuples(st.just(log), st.permutations(log))))
def test_the_order_in_which_events_come_never_matters(log_and_shuffled):
    log, shuffled = log_and_shuffled

    assert receipt(*log) == receipt(*shuffled)


@given(logs, releases)
def test_a_further_release_never_raises_what_was_held(log, release):
    before, after = receipt(*log), receipt(*log, release)

    assert after.gb_seconds <= before.gb_seconds
    assert after.peak_gb <= before.peak_gb


@given(logs, holds)
def test_a_further_hold_of_another_model_never_lowers_what_was_held(log, hold):
    before = receipt(*log)
    after = receipt(*log, hold.model_copy(update={"model": "new:1b"}))

    assert after.gb_seconds >= before.gb_seconds
    assert after.peak_gb >= before.peak_gb
