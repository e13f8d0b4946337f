"""`delegator receipt --verify`: the log is fetched by public operations, and decides whether the receipt is right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from delegator import errors
from delegator import schemas as s
from delegator.sessions.receipt import compute_receipt
from serve_app.cli.receipt import PAGE
from tests.serve_app.cli.conftest import Ended
from tests.serve_app.samples import NOW, SESSION, CannedBackend

BASIS = s.ReceiptBasis(
    agents_total=9,
    models=[s.BasisModel(model="small:7b", bytes=6_000_000_000, measured=True, gpu=0, in_baseline=True)],
    prices=s.PriceList(),
    power=s.PowerModel(),
    clock_scale=1,
    simulated=False,
    final=False,
    until=NOW + timedelta(seconds=5_000),
    last_event_id=10**6,
)


def turn(number: int) -> s.Event:
    return s.Event(
        event_id=number * 10,
        at=NOW + timedelta(seconds=number),
        kind=s.EventKind.TURN_COMPLETED,
        session_id=SESSION,
        role="ceo",
        data={"prompt_tokens": 3, "reply_tokens": 2, "seconds": 0.5},
    )


def serve(backend: CannedBackend, events: list[s.Event]) -> None:
    """Let the backend give these events page by page, as the system does."""

    def page(request: s.ListEventsRequest) -> s.ListEventsReply:
        assert request.session_id == SESSION
        found = [event for event in events if event.event_id > request.after][: request.limit]
        return s.ListEventsReply(events=found, next_after=found[-1].event_id if found else request.after)

    backend.answers["list_events"] = page
    backend.answers["get_receipt"] = compute_receipt(SESSION, events, BASIS)


def pages_read(backend: CannedBackend) -> int:
    return sum(name == "list_events" for name, _ in backend.asked)


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (3, 1), (PAGE, 2), (2 * PAGE + 1, 3)])
def test_a_right_receipt_agrees_however_long_the_log_is(
    online: Callable[..., Ended], backend: CannedBackend, count: int, pages: int
) -> None:
    serve(backend, [turn(number) for number in range(1, count + 1)])

    ended = online("receipt", SESSION, "--verify", "--json")

    assert ended.code == 0
    assert pages_read(backend) == pages
    receipt = backend.answers["get_receipt"].model_dump(mode="json")
    assert ended.json == {
        "session_id": SESSION, "agrees": True, "events": count, "differences": [], "receipt": receipt
    }  # fmt: skip


def test_agreement_is_told_to_people_below_the_receipt(online: Callable[..., Ended], backend: CannedBackend) -> None:
    serve(backend, [turn(1), turn(2)])

    ended = online("receipt", SESSION, "--verify")

    assert ended.code == 0
    assert ended.out.startswith(f"Receipt of {SESSION}")
    assert ended.out.rstrip().endswith("agrees: recomputed from 2 events of the log, every figure is the same")


def test_a_receipt_that_differs_names_the_figures_and_exits_1(
    online: Callable[..., Ended], backend: CannedBackend
) -> None:
    serve(backend, [turn(1), turn(2)])
    right = backend.answers["get_receipt"]
    backend.answers["get_receipt"] = right.model_copy(update={"prompt_tokens": 5})

    told, as_json = online("receipt", SESSION, "--verify"), online("receipt", SESSION, "--verify", "--json")

    assert told.code == as_json.code == 1
    assert "differs: recomputed from 2 events of the log, 1 figure not the same" in told.out
    assert told.out.split()[-3:] == ["prompt_tokens", "5", "6"]
    assert as_json.json["differences"] == [{"field": "prompt_tokens", "told": 5, "found": 6}]
    assert as_json.json["agrees"] is False


def test_without_verify_the_log_is_not_read(online: Callable[..., Ended], backend: CannedBackend) -> None:
    serve(backend, [turn(1)])

    assert online("receipt", SESSION).code == 0
    assert pages_read(backend) == 0


def test_a_session_that_is_not_there_is_an_error_as_ever(online: Callable[..., Ended], backend: CannedBackend) -> None:
    backend.answers["get_receipt"] = errors.SessionNotFound(SESSION)

    assert online("receipt", SESSION, "--verify").code == 3
