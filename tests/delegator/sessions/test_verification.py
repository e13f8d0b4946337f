"""Checking a receipt: agreement with its own log, and every tampered figure or event is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from delegator.schemas import BasisModel, Event, EventKind, PowerModel, PriceList, Receipt, ReceiptBasis
from delegator.sessions.receipt import compute_receipt
from delegator.sessions.verification import NO_BASIS, Difference, differences

START = datetime(2025, 11, 12, 14, 30, tzinfo=UTC)
BASIS = ReceiptBasis(
    agents_total=9,
    models=[BasisModel(model="small:7b", bytes=6_123_456_789, measured=True, gpu=0.3, in_baseline=True)],
    prices=PriceList(),
    power=PowerModel(),
    clock_scale=7.3,
    simulated=False,
    final=True,
    until=START + timedelta(seconds=61.234567),
    last_event_id=5,
)


def event(number: int, kind: str, at_s: float, **more: object) -> Event:
    known = {"event_id": number, "at": START + timedelta(seconds=at_s), "kind": kind, "session_id": "s"}
    return Event.model_validate(known | more)


LOG = [
    event(1, "session_created", 0),
    event(2, "model_loaded", 3.3333, model="small:7b", data={"load_s": 3.1}),
    event(3, "model_held", 0.1111, model="small:7b", data={"bytes": 6_123_456_789, "measured": True}),
    event(4, "turn_started", 4, role="ceo", data={"waited_s": 0.123}),
    event(5, "turn_completed", 9, role="ceo", data={"prompt_tokens": 70, "reply_tokens": 30, "seconds": 4.567}),
    event(
        6,
        "session_ended",
        61.234567,
        data={"energy": {"joules": 1234.567, "machine_joules": 2345.678, "counters": ["package-0"]}},
    ),
]


def received(receipt: Receipt) -> Receipt:
    """Return a receipt as it is after its way over the wire, rounded."""
    return Receipt.model_validate_json(receipt.model_dump_json())


@pytest.fixture
def told() -> Receipt:
    return received(compute_receipt("s", LOG, BASIS))


def test_a_receipt_agrees_with_the_log_it_was_made_from(told: Receipt) -> None:
    assert told.electricity is not None
    assert told.electricity.source == "measured"
    assert differences(told, reversed(LOG)) == []


def test_events_of_others_and_of_later_change_nothing(told: Receipt) -> None:
    later = event(7, "turn_completed", 50, role="cto", data={"prompt_tokens": 9})
    others = event(3, "model_held", 1, model="small:7b").model_copy(update={"session_id": "other"})

    assert differences(told, [*LOG, later, others]) == []


def test_a_figure_that_was_changed_is_named_with_both_values(told: Receipt) -> None:
    changed = told.model_copy(update={"loads": 7})

    assert differences(changed, LOG) == [Difference("loads", 7, 1)]


@pytest.mark.parametrize("missing", [event_.event_id for event_ in LOG[1:]])
def test_an_event_that_is_missing_is_noticed(told: Receipt, missing: int) -> None:
    assert differences(told, [event_ for event_ in LOG if event_.event_id != missing])


def test_an_event_that_was_changed_is_noticed_where_it_counts(told: Receipt) -> None:
    changed = LOG[4].model_copy(update={"data": LOG[4].data | {"reply_tokens": 31}})

    found = differences(told, [*LOG[:4], changed, LOG[5]])

    assert [difference.field for difference in found] == ["reply_tokens", "roles.0.reply_tokens"]


@pytest.mark.parametrize(
    ("part", "value"), [("prices", PriceList(per_kwh=0)), ("clock_scale", 7.0), ("models", []), ("simulated", True)]
)
def test_a_basis_that_was_changed_no_longer_fits_the_figures(told: Receipt, part: str, value: object) -> None:
    assert told.basis is not None
    changed = told.model_copy(update={"basis": told.basis.model_copy(update={part: value})})

    assert differences(changed, LOG)


def test_a_role_that_was_left_out_is_told_figure_by_figure(told: Receipt) -> None:
    found = differences(told.model_copy(update={"roles": []}), LOG)

    assert Difference("roles.0.role", None, "ceo") in found


def test_a_receipt_without_its_basis_cannot_be_checked(told: Receipt) -> None:
    assert differences(told.model_copy(update={"basis": None}), LOG) == [NO_BASIS]


def test_every_kind_of_end_counts_for_a_final_receipt() -> None:
    for kind in (EventKind.SESSION_ENDED, EventKind.SESSION_TIMED_OUT, EventKind.SESSION_FAILED):
        log = [*LOG[:5], LOG[5].model_copy(update={"kind": kind})]

        assert differences(received(compute_receipt("s", log, BASIS)), log) == []
