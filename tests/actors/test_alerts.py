"""Alerts are durable before they are told, outlive a restart, and reach a webhook that nobody waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from actors.alert_figures import AlertFigures
from actors.alerts import Alerts
from actors.webhook import MOST_WAITING, Webhook
from delegator.alerts.figures import DriftFigures, EndpointFigures, LongestWait
from delegator.errors import StoreUnavailable
from delegator.schemas import (
    Alert,
    Drift,
    EndpointInfo,
    EventKind,
    ListAlertsReply,
    ListAlertsRequest,
    NoInput,
    QueuedTurn,
    ResourceSummaryReply,
)
from delegator.store.records import NewEvent
from delegator.store.store import Store
from serve_app.version import VERSION
from tests.actors.manager_on_fakes import ManagerOnFakes
from tests.serve_app.samples import REPLIES

AT_ONCE = {"raise_after_s": 0, "clear_after_s": 0}
RAISED, CLEARED = EventKind.ALERT_RAISED, EventKind.ALERT_CLEARED


def manager_with(database: Store | None = None, **limits: object) -> ManagerOnFakes:
    """Return a manager whose only rules are those of suspect hosts and drift, unless `limits` say otherwise."""
    alerts = {"memory_share": 0, "queue_wait_s": 0, "crash_loop": 0, "disk_free_gb": 0, **AT_ONCE, **limits}
    return ManagerOnFakes(database=database, alerts=alerts)


async def look(manager: ManagerOnFakes) -> None:
    await manager._alerts.look()


async def listed(manager: ManagerOnFakes, limit: int = 50) -> ListAlertsReply:
    return await manager.list_alerts(ListAlertsRequest(limit=limit))


async def shown(manager: ManagerOnFakes) -> list[tuple[str, str]]:
    return [(alert.rule, alert.subject) for alert in (await listed(manager)).raised]


async def told(store: Store) -> list[tuple[EventKind, str]]:
    found = await store.events_after(0, None, 1_000)
    return [(event.kind, event.data["rule"]) for event in found if event.kind in (RAISED, CLEARED)]


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_alert_is_an_event_and_is_listed_until_it_is_cleared(store: Store) -> None:
    manager = manager_with(store)
    await look(manager)
    assert (await listed(manager)).raised == []
    manager.host.suspect = "it is stuck"
    await look(manager)
    await look(manager)

    (alert,) = (await listed(manager)).raised
    assert (alert.rule, alert.subject, alert.message) == ("suspect_host", "fake", "fake is suspect: it is stuck.")
    assert (await manager.resource_summary(NoInput())).alerts == 1
    assert await told(store) == [(RAISED, "suspect_host")]

    manager.host.suspect = None
    await look(manager)

    reply = await listed(manager)
    (past,) = reply.past
    assert reply.raised == []
    assert past.model_copy(update={"cleared_at": None}) == alert
    assert past.cleared_at is not None
    assert past.cleared_at >= past.raised_at
    assert await told(store) == [(RAISED, "suspect_host"), (CLEARED, "suspect_host")]
    assert (await manager.resource_summary(NoInput())).alerts == 0


async def test_the_rules_that_are_on_are_listed(store: Store) -> None:
    reply = await listed(manager_with(store, memory_share=0.8))

    assert [rule.partition(":")[0] for rule in reply.rules] == ["memory", "suspect_host", "drift"]
    assert (reply.webhook, reply.webhook_error) == (None, None)


async def test_the_past_is_listed_latest_first_and_no_longer_than_asked(store: Store) -> None:
    manager = manager_with(store)
    for problem in ("first", "second", "third"):
        for suspect in (problem, None):
            manager.host.suspect = suspect
            await look(manager)

    assert [alert.message for alert in (await listed(manager, limit=2)).past] == [
        "fake is suspect: third.",
        "fake is suspect: second.",
    ]


async def test_crashes_are_counted_from_the_event_log_but_not_restarts_by_hand(store: Store) -> None:
    manager = manager_with(store, crash_loop=3, crash_loop_s=600)
    now = datetime.now(UTC)

    def restarts(role: str, *ago_s: float, by: str | None = None) -> list[NewEvent]:
        moments = (now - timedelta(seconds=ago) for ago in ago_s)
        return [NewEvent(EventKind.AGENT_RESTARTED, at, "session_1", role, by=by) for at in moments]

    await store.append_events(
        [
            *restarts("cto", 700, 650, 20, 10),
            *restarts("ceo", 90, 60, 30, by="somebody"),
            *restarts("chro", 30, 20),
            *restarts("test_lead", 90, 60, 60),  # two of them found at one look
        ]
    )
    await look(manager)

    (alert,) = (await listed(manager)).raised
    assert (alert.rule, alert.subject, alert.value, alert.limit) == ("crash_loop", "test_lead", 3, 3)


async def test_a_full_disk_is_told_of_where_the_record_is_kept_or_will_be(store: Store, tmp_path: Any) -> None:
    alerts = {"memory_share": 0, "queue_wait_s": 0, "crash_loop": 0, "disk_free_gb": 1e9, **AT_ONCE}
    manager = ManagerOnFakes(database=store, alerts=alerts, home=str(tmp_path / "not" / "there"))
    await look(manager)

    (alert,) = (await listed(manager)).raised
    assert (alert.rule, alert.subject, alert.limit) == ("disk", str(tmp_path / "not" / "there"), 1e9)
    assert alert.value is not None
    assert alert.value > 0


def summary(**changes: Any) -> ResourceSummaryReply:
    shown = REPLIES["resource_summary"].model_copy(update=changes)
    assert isinstance(shown, ResourceSummaryReply)
    return shown


async def test_the_figures_are_those_that_everybody_is_shown() -> None:
    endpoint = EndpointInfo(
        endpoint="ollama",
        url="http://ollama",
        capacity_gb=64,
        memory_gb=62.5,
        models=1,
        turns_running=1,
        turns_waiting=2,
        suspect=None,
        advice="",
    )
    turn = QueuedTurn(
        session_id="session_1",
        role="ceo",
        model="llama3.1:8b",
        endpoint="ollama",
        position=1,
        waited_seconds=5,
        eta_seconds=None,
    )
    queue = [turn, turn.model_copy(update={"waited_seconds": 301, "role": "cto"})]
    queue.append(turn.model_copy(update={"waited_seconds": 999, "endpoint": "another"}))
    compared = Drift(compared_at=datetime.now(UTC), age_seconds=4.5, differences=[], failed=["x: it is down"])

    async def resources() -> ResourceSummaryReply:
        return summary(endpoints=[endpoint], queue=queue, drift=compared)

    figures = await AlertFigures(manager_with()._parts, resources).take()

    wait = LongestWait("session_1", "cto", "llama3.1:8b", 301)
    assert figures.endpoints == (EndpointFigures("ollama", 64, 62.5, wait, None),)
    assert figures.drift == DriftFigures(4.5, ("x: it is down",))
    assert figures.restarts == {}
    assert figures.disk is not None
    assert figures.unmeasured == frozenset()


async def test_what_was_never_compared_grows_older_from_the_first_look_on() -> None:
    never = Drift(compared_at=None, age_seconds=None, differences=[])

    async def resources() -> ResourceSummaryReply:
        return summary(drift=never)

    measuring = AlertFigures(manager_with()._parts, resources)
    first, second = [(await measuring.take()).drift.age_s for _ in range(2)]

    assert first is not None
    assert second is not None
    assert 0 < first < second < 60


# ── looks that fail ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_look_that_fails_is_drift_and_says_nothing_of_the_rest(store: Store) -> None:
    manager = manager_with(store)
    manager.host.suspect = "it is stuck"
    await look(manager)
    manager.host.failures["view"] = [StoreUnavailable("nobody knows") for _ in range(3)]
    manager.host.suspect = None
    await look(manager)

    by_rule = {alert.rule: alert for alert in (await listed(manager)).raised}
    assert set(by_rule) == {"suspect_host", "drift"}
    assert "what is in memory: " in by_rule["drift"].message
    assert "nobody knows" in by_rule["drift"].message
    assert by_rule["drift"].subject == "system"

    manager.host.failures.clear()
    await look(manager)

    assert await shown(manager) == []


async def test_a_bug_in_a_look_does_not_end_the_watching(caplog: pytest.LogCaptureFixture) -> None:
    manager = manager_with(every_s=0.01)
    calls: list[int] = []
    looked_again = asyncio.Event()

    async def broken() -> Any:
        calls.append(1)
        if len(calls) == 3:
            looked_again.set()
        raise RuntimeError("a bug with secret=1")

    alerts = Alerts(manager._parts, broken)
    looking = asyncio.create_task(alerts.run_forever())
    async with asyncio.timeout(20):
        await looked_again.wait()
    looking.cancel()

    (alert,) = alerts.raised()
    assert (alert.rule, alert.message) == (
        "drift",
        "What is shown could not be compared with what is: what is in memory: RuntimeError.",
    )
    assert "failed unexpectedly" in caplog.text


# ── durable before told ───────────────────────────────────────────────────────────────────────────────────────────


async def test_nobody_is_told_what_is_not_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = manager_with(drift_s=0)
    manager.host.suspect = "it is stuck"
    heard: list[Any] = []
    monkeypatch.setattr(manager._alerts, "_webhook", type("Ear", (), {"tell": staticmethod(heard.append)}))
    manager.store.down = True
    with pytest.raises(StoreUnavailable):
        await look(manager)

    assert manager._alerts.raised() == heard == []

    manager.store.down = False
    await look(manager)

    appended = [event for (events,) in manager.store.args_of("append_events") for event in events]
    (alert,) = manager._alerts.raised()
    assert [(event.kind, event.data) for event in appended] == [(RAISED, alert.model_dump(mode="json"))]
    assert [(message["event"], message["alert"]) for message in heard] == [("alert_raised", appended[0].data)]


async def test_an_alert_stays_listed_until_its_end_is_durable_and_is_appended_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = manager_with(store, drift_s=0)
    manager.host.suspect = "it is stuck"
    await look(manager)
    before = manager._alerts.raised()
    manager.host.suspect = None
    append = store.append_events

    async def lose_the_answer(events: Any) -> None:
        await append(events)
        raise StoreUnavailable("the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(store, "append_events", lose_the_answer)
        with pytest.raises(StoreUnavailable):
            await look(manager)
    assert manager._alerts.raised() == before

    await look(manager)

    assert manager._alerts.raised() == []
    assert await told(store) == [(RAISED, "suspect_host"), (CLEARED, "suspect_host")]


# ── over restarts ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_life_goes_on_with_what_was_raised(store: Store) -> None:
    former = manager_with(store)
    former.host.suspect = "it is stuck"
    await look(former)
    before = (await listed(former)).raised

    manager = manager_with(store)
    assert await shown(manager) == []
    await manager._alerts.recall()

    assert (await listed(manager)).raised == before
    manager.host.suspect = "it is stuck"
    await look(manager)
    assert await told(store) == [(RAISED, "suspect_host")], "it is not raised again"

    manager.host.suspect = None
    await look(manager)
    later = manager_with(store)
    await later._alerts.recall()
    assert (await listed(later)).raised == []


async def test_what_another_version_has_written_is_passed_over(store: Store) -> None:
    known = Alert(rule="memory", subject="fake", message="m", hint="h", raised_at=datetime.now(UTC))
    data = known.model_dump(mode="json")
    rows = [{**data, "rule": "of_tomorrow"}, data, {"rule": "disk", "subject": "/data"}]
    await store.append_events([NewEvent(RAISED, known.raised_at, data=row) for row in rows])
    manager = manager_with(store)
    await manager._alerts.recall()

    assert (await listed(manager)).raised == [known]


# ── the webhook ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Receiver:
    """A real HTTP server that takes messages and answers as it is told, the last answer for good."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    asked: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    hold: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.reached.set()
        self.headers.append(request.headers.copy())
        if self.hold is not None:
            await self.hold.wait()
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == 200:
            self.taken.append(await request.json())
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 307 else {})


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook/{secret}", receiver.take)
    app.router.add_post("/elsewhere", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://user:passw0rd@127.0.0.1:{runner.addresses[0][1]}/hook/s3cret?token=t0ken"
    try:
        yield receiver
    finally:
        if receiver.hold is not None:
            receiver.hold.set()
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


def webhook_to(receiver: Receiver, deadline_s: float = 5.0, pauses_s: tuple[float, ...] = (0.01, 0.01)) -> Webhook:
    return Webhook(receiver.url, deadline_s=deadline_s, pauses_s=pauses_s)


async def test_the_webhook_is_told_what_is_raised_and_cleared(store: Store, receiver: Receiver) -> None:
    manager = manager_with(store, webhook=receiver.url)
    manager.host.suspect = "it is stuck"
    await look(manager)
    (alert,) = (await listed(manager)).raised
    manager.host.suspect = None
    await look(manager)
    webhook = manager._alerts._webhook
    assert webhook is not None
    await webhook.told()

    (past,) = (await listed(manager)).past
    system = {"name": "delegator", "version": VERSION}
    assert receiver.taken == [
        {"event": "alert_raised", "alert": alert.model_dump(mode="json"), "system": system},
        {"event": "alert_cleared", "alert": past.model_dump(mode="json"), "system": system},
    ]
    assert receiver.headers[0]["Content-Type"] == "application/json"
    reply = await listed(manager)
    assert (reply.webhook, reply.webhook_error) == ("127.0.0.1", None)


async def test_a_webhook_that_hangs_holds_up_nothing(store: Store, receiver: Receiver) -> None:
    receiver.hold = asyncio.Event()
    manager = manager_with(store, webhook=receiver.url)
    for suspect in ("it is stuck", None, "it is stuck again"):
        manager.host.suspect = suspect
        await look(manager)

    assert await told(store) == [(RAISED, "suspect_host"), (CLEARED, "suspect_host"), (RAISED, "suspect_host")]
    assert receiver.taken == []

    receiver.hold.set()
    assert manager._alerts._webhook is not None
    await manager._alerts._webhook.told()
    assert [message["event"] for message in receiver.taken] == ["alert_raised", "alert_cleared", "alert_raised"]


async def test_messages_are_tried_again_and_arrive_in_order(receiver: Receiver) -> None:
    receiver.answers = [503, 429, 200]
    webhook = webhook_to(receiver)
    for number in range(3):
        webhook.tell({"number": number})
    await webhook.told()

    assert [message["number"] for message in receiver.taken] == [0, 1, 2]
    assert receiver.asked == 5
    assert webhook.error is None


@pytest.mark.parametrize(
    ("status", "tries", "error"),
    [
        (500, 3, "127.0.0.1 answered 500"),
        (404, 1, "127.0.0.1 answered 404"),
        (307, 1, "127.0.0.1 answered 307; redirects are not followed"),
    ],
)
async def test_what_cannot_be_told_is_given_up_and_the_next_has_its_own_chance(
    receiver: Receiver, status: int, tries: int, error: str
) -> None:
    receiver.answers = [status]
    webhook = webhook_to(receiver)
    webhook.tell({"number": 0})
    await webhook.told()

    assert (receiver.asked, webhook.error, receiver.taken) == (tries, error, [])

    receiver.answers = [200]
    webhook.tell({"number": 1})
    await webhook.told()

    assert webhook.error is None
    assert receiver.taken == [{"number": 1}]


async def test_a_webhook_that_does_not_answer_in_time_is_told_of(receiver: Receiver) -> None:
    receiver.hold = asyncio.Event()
    webhook = webhook_to(receiver, deadline_s=1)
    webhook.tell({"number": 0})
    await webhook.told()

    assert webhook.error == "127.0.0.1 did not answer within 1 s"
    assert receiver.asked == 3


async def test_of_many_messages_that_nobody_takes_the_newest_are_kept(receiver: Receiver) -> None:
    receiver.hold = asyncio.Event()
    webhook = webhook_to(receiver)
    webhook.tell({"number": -1})
    async with asyncio.timeout(20):
        await receiver.reached.wait()
    for number in range(MOST_WAITING + 5):
        webhook.tell({"number": number})
    receiver.hold.set()
    await webhook.told()

    assert [message["number"] for message in receiver.taken] == [-1, *range(5, MOST_WAITING + 5)]


@pytest.mark.parametrize("answer", [200, 307, 500, None])
async def test_only_the_host_of_the_address_is_ever_told(
    store: Store,
    receiver: Receiver,
    answer: int | None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    url = receiver.url
    if answer is None:
        url = "http://user:passw0rd@127.0.0.1:9/hook/s3cret?token=t0ken"  # nobody listens there
    else:
        receiver.answers = [answer]
    webhook = Webhook(url, deadline_s=5, pauses_s=())
    manager = manager_with(store, webhook=url)
    monkeypatch.setattr(manager._alerts, "_webhook", webhook)
    manager.host.suspect = "it is stuck"
    await look(manager)
    await webhook.told()

    reply = await listed(manager)
    assert (reply.webhook_error is None) is (answer == 200)
    everything = caplog.text + reply.model_dump_json() + repr(manager._parts.settings) + str(webhook.error)
    assert not [secret for secret in ("passw0rd", "s3cret", "t0ken") if secret in everything]
    assert "127.0.0.1" in everything


async def test_an_error_nobody_thought_of_costs_one_message(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = webhook_to(receiver)
    webhook.tell({"number": object()})
    await webhook.told()

    problem = webhook.error
    assert problem == "127.0.0.1 could not be told (TypeError)"
    assert problem in caplog.text

    webhook.tell({"number": 1})
    await webhook.told()

    assert webhook.error is None
    assert receiver.taken == [{"number": 1}]
