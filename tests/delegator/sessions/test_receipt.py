"""The receipt: what was held, for how long, against everything resident; whatever the log looks like."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from delegator.schemas import (
    BasisModel,
    Cost,
    Electricity,
    Event,
    EventKind,
    PowerModel,
    PriceList,
    Receipt,
    ReceiptBasis,
    ReceiptMoney,
    RoleUse,
)
from delegator.sessions.receipt import compute_receipt

SESSION = "session_20251112_143022_84329"
START = datetime(2025, 11, 12, 14, 30, 22, tzinfo=UTC)
BASELINE = (
    BasisModel(model="big:33b", bytes=24_000_000_000, measured=True, gpu=0.5, in_baseline=True),
    BasisModel(model="small:7b", bytes=6_000_000_000, measured=True, gpu=0, in_baseline=True),
    BasisModel(model="other:14b", bytes=10_000_000_000, measured=False, gpu=0.25, in_baseline=True),
    BasisModel(model="spare:3b", bytes=2_000_000_000, measured=False, gpu=1, in_baseline=False),
)
PRICES = PriceList(currency="EUR", per_kwh=0.5, per_gb_hour=0.02, per_gpu_hour=3.6)
POWER = PowerModel(watts_per_gb=0.5, watts_computing=36)

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


def basis(*, scale=1.0, now_s=100, final=False, models=BASELINE, **more) -> ReceiptBasis:
    known = {
        "agents_total": 9,
        "models": list(models),
        "prices": PRICES,
        "power": POWER,
        "clock_scale": scale,
        "simulated": False,
        "final": final,
        "until": START + timedelta(seconds=now_s),
        "last_event_id": 10**9,
    }
    return ReceiptBasis.model_validate(known | more)


def receipt(*events, **how) -> Receipt:
    return compute_receipt(SESSION, events, basis(**how))


def figures(*events, **how):
    """Return all of a receipt but what it was computed from."""
    return receipt(*events, **how).model_dump(exclude={"basis"})


CREATED, ENDED = event("session_created", 0), event("session_ended", 100)


def test_a_session_that_waits_for_an_answer_saves_nothing_by_it():
    asked = event("session_asked", 0)
    waiting, dropped = receipt(asked), receipt(asked, event("session_timed_out", 90))

    for result in (waiting, dropped):
        assert (result.duration_seconds, result.gb_seconds, result.all_roles_gb_seconds) == (0, 0, 0)
    assert (waiting.final, dropped.final) == (False, True)


def test_a_session_that_was_answered_counts_from_the_answer():
    result = receipt(
        event("session_asked", 0), event("session_answered", 40), event("session_created", 40), held(50), ENDED
    )

    assert (result.duration_seconds, result.gb_seconds, result.all_roles_gb_seconds) == (60, 300, 2400)


def test_a_receipt_adds_up_a_whole_session():
    result = receipt(
        CREATED,
        event("agent_spawned", 1, role="cto"),
        event("agent_spawned", 1, role="senior_developer"),
        event("model_loaded", 10, model="small:7b", load_s=8.5),
        held(10),
        event("session_ready", 10),
        event("turn_started", 30, role="cto", waited_s=2.5),
        event("model_loaded", 30, model="big:33b", load_s=20),
        held(30, "big:33b", 24_000_000_000),
        event("turn_completed", 40, role="cto", prompt_tokens=700, reply_tokens=150, seconds=9),
        released(50),
        event("turn_started", 50, role="senior_developer", waited_s=0.5),
        event("turn_completed", 60, role="senior_developer", prompt_tokens=900, reply_tokens=250, seconds=10),
        released(80, "big:33b"),
        event("turn_completed", 90, role="cto", prompt_tokens=100, reply_tokens=50, seconds=2.5),
        ENDED,
    )

    # 1440 GB·s at 0.5 W a GB, and 36 W while it spoke (21.5 s) or loaded (28.5 s); all roles: 4000 GB·s and 21.5 s
    used_wh, all_wh = (0.5 * 1440 + 36 * 50) / 3600, (0.5 * 4000 + 36 * 21.5) / 3600
    used = Cost(memory=0.02 * 0.4, gpu=0.025, electricity=0.5 * 0.7 / 1000, total=0.008 + 0.025 + 0.00035)
    everything = Cost(
        memory=0.02 * 4000 / 3600,
        gpu=0.075,
        electricity=0.5 * all_wh / 1000,
        total=0.02 * 4000 / 3600 + 0.075 + 0.5 * all_wh / 1000,
    )
    expected = Receipt(
        session_id=SESSION,
        final=True,
        agents_used=2,
        agents_total=9,
        seconds_to_ready=10.0,
        duration_seconds=100.0,
        speaking_seconds=21.5,
        waiting_seconds=3.0,
        peak_gb=30.0,
        gb_seconds=6 * 40 + 24 * 50,
        gpu_seconds=0.5 * 50,
        all_roles_gb=40.0,
        all_roles_gb_seconds=4000.0,
        all_roles_gpu_seconds=75.0,
        memory_saved_ratio=0.25,
        gb_seconds_saved=4000 - 1440,
        gb_seconds_saved_ratio=1 - 1440 / 4000,
        loads=2,
        load_seconds=28.5,
        swaps=0,
        turns=3,
        prompt_tokens=1700,
        reply_tokens=450,
        roles=[
            RoleUse(role="cto", turns=2, prompt_tokens=800, reply_tokens=200, speaking_seconds=11.5),
            RoleUse(role="senior_developer", turns=1, prompt_tokens=900, reply_tokens=250, speaking_seconds=10),
        ],
        electricity=Electricity(
            source="modelled",
            watt_hours=used_wh,
            all_roles_watt_hours=all_wh,
            saved_watt_hours=all_wh - used_wh,
            saved_ratio=1 - used_wh / all_wh,
            machine_watt_hours=None,
            counters=[],
        ),
        money=ReceiptMoney(
            currency="EUR",
            used=used,
            all_roles=everything,
            saved=everything.total - used.total,
            saved_ratio=1 - used.total / everything.total,
        ),
        sizes="measured",
        baseline="mixed",
        simulated=False,
        basis=basis(),
    )
    assert result.model_dump(mode="json") == expected.model_dump(mode="json")


def test_figures_are_rounded_where_they_are_shown():
    shown = receipt(CREATED, held(0, size=1_234_567_891), ENDED, scale=1.2345).model_dump(mode="json")

    assert (shown["gb_seconds"], shown["duration_seconds"], shown["peak_gb"]) == (152.4, 123.45, 1.2)


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
    ending = figures(CREATED, held(10), now_s=100, final=True)

    assert ending == figures(CREATED, held(10), ENDED, now_s=7_000)


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
    result = receipt(CREATED, held(0), ENDED, models=())

    assert (result.all_roles_gb, result.memory_saved_ratio, result.gb_seconds_saved_ratio) == (0, 0, 0)


def test_holding_more_than_all_roles_is_shown_as_a_loss():
    assert receipt(CREATED, held(0, size=80_000_000_000), ENDED).memory_saved_ratio == -1.0


def test_what_came_into_the_log_after_the_receipt_does_not_count():
    late = held(0, event_id=501)
    end = event("session_ended", 100, event_id=502)

    still_open = receipt(held(0, event_id=500), late, end, last_event_id=500, now_s=50)
    at_its_end = receipt(CREATED, held(0, event_id=500), late, end, last_event_id=500, now_s=100, final=True)

    assert (still_open.final, still_open.gb_seconds) == (False, 300)
    assert (at_its_end.final, at_its_end.gb_seconds) == (True, 600)


def test_a_receipt_of_the_former_form_can_still_be_read():
    former = {
        "session_id": SESSION, "final": True, "agents_used": 1, "agents_total": 9, "seconds_to_ready": 4.2,
        "duration_seconds": 60.0, "peak_gb": 8.0, "gb_seconds": 480.123456789, "all_roles_gb": 70.0,
        "all_roles_gb_seconds": 4200.0, "memory_saved_ratio": 0.8857, "gb_seconds_saved_ratio": 0.8857, "loads": 1,
        "load_seconds": 4.0, "turns": 1, "prompt_tokens": 100, "reply_tokens": 50, "sizes": "measured",
        "baseline": "estimated", "simulated": True,
    }  # fmt: skip

    read = Receipt.model_validate(former)

    assert (read.gb_seconds, read.electricity, read.money, read.basis) == (480.123456789, None, None, None)


def test_a_receipt_survives_its_way_through_the_store():
    written = receipt(CREATED, held(0), event("turn_completed", 5, role="cto", seconds=1 / 3), ENDED, scale=1.7)

    read = Receipt.model_validate_json(written.model_dump_json())

    assert read.basis == written.basis
    assert read.model_dump(mode="json") == written.model_dump(mode="json")


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


def leaves(value, path=""):
    """Return every (path, value) that is no table and no list, not rounded."""
    if isinstance(value, BaseModel):
        return leaves({name: inner for name, inner in value if name != "basis"}, path)
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [leaf for index, inner in enumerate(value) for leaf in leaves(inner, f"{path}.{index}")]
    return [(path, value)]


@given(logs, scales)
def test_memory_over_time_never_exceeds_the_peak_all_the_time(log, scale):
    result = receipt(*log, scale=scale)

    assert result.gb_seconds <= result.peak_gb * result.duration_seconds * (1 + 1e-9)


@given(logs, scales)
def test_nothing_is_ever_negative_but_a_saving(log, scale):
    result = receipt(*log, scale=scale)

    for name, value in leaves(result):
        if isinstance(value, (int, float)) and "saved" not in name:
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


@given(logs)
def test_every_second_counts_by_itself(log):
    """A second way to the same figures: look at each second, and ask what was held in its middle."""
    ends_at = max((at_s(e) for e in log if e.kind in ENDS), default=100)
    result = receipt(*log)

    seconds = [held_in_the_middle_of(second, log) for second in range(max(0, ends_at))]

    assert result.gb_seconds == pytest.approx(sum(seconds), abs=1e-6)
    assert result.peak_gb == pytest.approx(max(seconds, default=0), abs=1e-9)


ENDS = ("session_ended", "session_timed_out")
KNOWN = {model.model: model.bytes for model in BASELINE}


def at_s(one):
    return round((one.at - START).total_seconds())


def held_in_the_middle_of(second, log):
    """Return the GB held half a second after `second`, by playing the log up to there."""
    past = sorted((e for e in log if at_s(e) <= second), key=lambda e: (at_s(e), e.event_id, *tie(e)))
    claims: dict[tuple[str | None, str | None], set[str | None]] = {}
    sizes: dict[tuple[str | None, str | None], int] = {}
    for one in past:
        place = (one.data.get("endpoint"), one.model)
        if one.kind == "model_held":
            told = one.data["bytes"]
            sizes[place] = told if told is not None and told >= 0 else sizes.get(place, KNOWN.get(one.model, 0))
            claims.setdefault(place, set()).add(one.role)
        elif one.kind in ("model_released", "model_lost", "model_unloaded"):
            for here in [p for p in claims if p[1] == one.model and one.data.get("endpoint") in (None, p[0])]:
                whole = one.kind != "model_released" or one.role is None
                claims[here] = set() if whole else claims[here] - {one.role, None}
    return sum(sizes[place] for place, roles_ in claims.items() if roles_) / 1e9


def tie(one):
    """Order what happened at one moment under one id: what goes, goes first; then by kind, model, role and content."""
    goes = one.kind in ("model_released", "model_lost", "model_unloaded")
    return (not goes, one.kind, one.model or "", one.role or "", json.dumps(one.data, sort_keys=True))


@given(logs, st.integers(0, 99))
def test_two_spans_of_time_add_up_to_the_whole(log, cut_s):
    """What is held until a moment, and from it on, is what is held; so it is with electricity and money."""
    still_open = [e for e in log if e.kind not in ENDS and e.kind != "model_loaded" and e.kind != "turn_completed"]
    begun_later = CREATED.model_copy(update={"at": START + timedelta(seconds=cut_s)})

    first = dict(leaves(receipt(*still_open, now_s=cut_s)))
    second = dict(leaves(receipt(begun_later, *(e for e in still_open if e is not CREATED))))

    whole = dict(leaves(receipt(*still_open)))
    for name in ADD_UP:
        assert first[name] + second[name] == pytest.approx(whole[name]), name


ADD_UP = (
    ".duration_seconds",
    ".gb_seconds",
    ".gpu_seconds",
    ".all_roles_gb_seconds",
    ".gb_seconds_saved",
    ".electricity.watt_hours",
    ".electricity.all_roles_watt_hours",
    ".money.used.total",
    ".money.all_roles.total",
    ".money.saved",
)


@given(logs, scales)
def test_roles_add_up_to_their_session(log, scale):
    result = receipt(*log, scale=scale)

    assert sum(role.turns for role in result.roles) == result.turns
    assert sum(role.reply_tokens for role in result.roles) == result.reply_tokens
    assert sum(role.speaking_seconds for role in result.roles) == pytest.approx(result.speaking_seconds)
    found = dict(leaves(result))
    for side in (".money.used", ".money.all_roles"):
        parts = [found[f"{side}.{part}"] for part in ("memory", "gpu", "electricity")]
        assert sum(parts) == pytest.approx(found[f"{side}.total"])


@given(logs, logs)
def test_a_session_is_the_same_whatever_other_sessions_do(log, others_log):
    other = [e.model_copy(update={"session_id": "session_other"}) for e in others_log]

    assert receipt(*log, *other) == receipt(*log)
