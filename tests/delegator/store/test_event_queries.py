from __future__ import annotations

from typing import Any

import pytest

from delegator.errors import EventNotFound
from delegator.schemas import EventKind
from delegator.store.records import EventQuery
from delegator.store.store import Store
from tests.delegator.store.make import an_event

HELD, LOADED, TURN = EventKind.MODEL_HELD, EventKind.MODEL_LOADED, EventKind.TURN_STARTED


@pytest.fixture
async def log(store: Store) -> Store:
    """Six events, with ids from 1."""
    await store.append_events(
        [
            an_event(LOADED, "s1", model="a:latest"),
            an_event(HELD, "s1", model="a:latest"),
            an_event(TURN, "s1", role="ceo", model="a"),
            an_event(LOADED, "s2", model="b:7b"),
            an_event(TURN, "s2", role="cto", model="b:7b"),
            an_event(TURN, "s2", role="ceo", model="b:7b"),
        ]
    )
    return store


WANTED: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 3, 4, 5, 6]),
    ({"kinds": (LOADED,)}, [1, 4]),
    ({"kinds": (TURN, HELD)}, [2, 3, 5, 6]),
    ({"kinds": (EventKind.ALERT_RAISED,)}, []),
    ({"role": "ceo"}, [3, 6]),
    ({"models": ("a:latest", "a")}, [1, 2, 3]),
    ({"session_id": "s2", "kinds": (TURN,), "role": "cto", "models": ("b:7b",)}, [5]),
    ({"session_id": "s1", "role": "cto"}, []),
    ({"after": 2, "before": 5}, [3, 4]),
    ({"after": 4, "before": 3}, []),
    ({"limit": 2}, [1, 2]),
    ({"limit": 2, "latest": True}, [5, 6]),
    ({"limit": 2, "latest": True, "before": 5}, [3, 4]),
    ({"limit": 2, "latest": True, "after": 5}, [6]),
    ({"limit": 1, "latest": True, "kinds": (LOADED, HELD)}, [4]),
]


@pytest.mark.parametrize(("wanted", "ids"), WANTED)
async def test_only_the_events_that_are_wanted_come_oldest_first(
    log: Store, wanted: dict[str, Any], ids: list[int]
) -> None:
    assert [event.event_id for event in await log.events(EventQuery(**wanted))] == ids


async def test_that_nothing_fits_is_no_error_while_the_id_was_given_out(log: Store) -> None:
    assert await log.events(EventQuery(after=6)) == []
    assert await log.events(EventQuery(after=5, role="nobody")) == []
    with pytest.raises(EventNotFound):
        await log.events(EventQuery(after=7, role="nobody"))


async def test_the_last_id_is_where_whoever_comes_now_begins(store: Store) -> None:
    assert await store.last_event_id() == 0

    await store.append_events([an_event(), an_event()])

    assert await store.last_event_id() == 2
