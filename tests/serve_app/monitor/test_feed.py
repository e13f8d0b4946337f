"""The store's announcements, from a real PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from delegator.schemas import EventKind
from delegator.store.records import NewEvent
from delegator.store.store import Store
from serve_app.monitor.feed import StoreFeed

DEADLINE_S = 20.0


async def test_what_is_stored_is_announced_by_its_id(store: Store, database_url: str):
    feed = StoreFeed(database_url).listen()
    async with asyncio.timeout(DEADLINE_S):
        assert tuple(await anext(feed)) == ()
        event = NewEvent(kind=EventKind.DRIFT_FOUND, at=datetime.now(UTC))
        await store.append_events([event])
        announced = await anext(feed)
        await feed.aclose()

    assert list(announced) == [await store.last_event_id()]
