"""What is raised is read from the event log: the latest word on each subject counts."""

from __future__ import annotations

from typing import Any

from delegator.schemas import EventKind
from delegator.store.records import NewEvent
from delegator.store.store import Store
from tests.delegator.store.make import NOON, later

RAISED, CLEARED = EventKind.ALERT_RAISED, EventKind.ALERT_CLEARED


def an_alert(kind: EventKind, rule: str, subject: str, **data: Any) -> NewEvent:
    return NewEvent(kind, NOON, data={"rule": rule, "subject": subject, **data})


async def test_raised_is_what_was_not_cleared_since(store: Store) -> None:
    await store.append_events(
        [
            an_alert(RAISED, "memory", "a", value=1),
            an_alert(RAISED, "memory", "b"),
            an_alert(RAISED, "disk", "a"),
            an_alert(CLEARED, "memory", "a"),
            an_alert(CLEARED, "disk", "a"),
            an_alert(RAISED, "memory", "a", value=2),
        ]
    )

    assert await store.raised_alerts() == [
        {"rule": "memory", "subject": "b"},
        {"rule": "memory", "subject": "a", "value": 2},
    ]


async def test_the_cleared_ones_come_latest_first(store: Store) -> None:
    assert await store.cleared_alerts(10) == await store.raised_alerts() == []
    for number in range(3):
        await store.append_events([an_alert(RAISED, "memory", "a"), an_alert(CLEARED, "memory", "a", number=number)])

    assert [data["number"] for data in await store.cleared_alerts(2)] == [2, 1]
    assert await store.raised_alerts() == []


async def test_restarts_are_told_by_role_since_a_moment_without_those_by_hand(store: Store) -> None:
    def a_restart(second: float, role: str | None, by: str | None = None) -> NewEvent:
        return NewEvent(EventKind.AGENT_RESTARTED, later(second), "session_1", role, by=by)

    await store.append_events(
        [
            a_restart(1, "ceo"),
            a_restart(2, "ceo"),
            a_restart(3, "cto", by="me"),
            a_restart(3, None),
            a_restart(4, "cto"),
            NewEvent(EventKind.AGENT_SPAWNED, later(5), "session_1", "cto"),
        ]
    )

    assert await store.agent_restarts(later(2)) == [("ceo", later(2)), ("cto", later(4))]
