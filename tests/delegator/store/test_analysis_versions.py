from __future__ import annotations

import asyncio

import psycopg
import pytest

from delegator.errors import AnalysisVersionNotFound
from delegator.schemas import EventKind
from delegator.store.records import AnalysisVersion
from delegator.store.store import Store
from tests.delegator.store.make import NOON, an_event

WEIGHTS = {"keys": "AAAA", "types": ["hr"]}


async def added(store: Store, **measured: object) -> AnalysisVersion:
    event = an_event(EventKind.ANALYSIS_LEARNED, None, data={"lessons": 3})
    return await store.add_analysis_version(NOON, WEIGHTS, measured, event)


async def test_a_new_version_is_the_active_one_and_its_event_names_it(store: Store) -> None:
    assert await store.active_analysis_version() is None

    first, second = await added(store, right=1), await added(store, right=2)

    assert second == AnalysisVersion(first.version + 1, NOON, True, WEIGHTS, {"right": 2})
    assert await store.active_analysis_version() == second
    events = await store.events_after(0, None, 10)
    assert [event.data for event in events] == [{"lessons": 3, "version": v.version} for v in (first, second)]


async def test_an_earlier_version_and_none_can_be_made_active(store: Store) -> None:
    first, second = await added(store), await added(store)

    await store.activate_analysis_version(first.version, [an_event(EventKind.ANALYSIS_RESET, None)])
    assert await store.active_analysis_version() == first
    assert (await store.analysis_version(second.version) or first).active is False

    await store.activate_analysis_version(None, [])
    assert await store.active_analysis_version() is None


async def test_the_list_has_no_weights_and_begins_with_the_newest(store: Store) -> None:
    versions = [await added(store) for _ in range(3)]

    found = await store.analysis_versions()

    assert [(v.version, v.active, v.weights) for v in found] == [
        (v.version, v is versions[-1], {}) for v in versions[::-1]
    ]


async def test_an_unknown_version_changes_nothing(store: Store) -> None:
    version = await added(store)

    with pytest.raises(AnalysisVersionNotFound):
        await store.activate_analysis_version(version.version + 1, [an_event(EventKind.ANALYSIS_RESET, None)])

    assert await store.active_analysis_version() == version
    assert await store.analysis_version(version.version + 1) is None
    assert len(await store.events_after(0, None, 10)) == 1


async def test_however_many_apply_at_once_one_is_active(store: Store, sql: psycopg.Connection) -> None:
    await asyncio.gather(*(added(store) for _ in range(8)))

    found = sql.execute("SELECT count(*), count(*) FILTER (WHERE active) FROM delegator_analysis_versions").fetchone()
    assert found == (8, 1)
