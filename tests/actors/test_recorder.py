"""What the recorder writes down of loads, and knows again in its next life; on a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from actors.doubts import Doubts
from actors.recorder import Recorder
from delegator.roles.catalogue import Model
from delegator.schemas import EventKind
from delegator.settings import GB
from delegator.store.records import ModelFactsRecord, NewEvent, ResidentRecord
from delegator.store.store import Store
from tests.delegator.store.make import NOON, later

MISTRAL = Model("mistral:7b", 8192, 9 * GB, (), 0)
FACTS = ModelFactsRecord("local", "sha", 8192, 1, MISTRAL.name, 6 * GB, 2 * GB, 3.25, NOON)


def loaded(**data: Any) -> NewEvent:
    told = {
        "endpoint": "local", "bytes": 6 * GB, "measured": True, "num_ctx": 8192, "load_s": 3.25,
        "was_there": False, "gpu_bytes": 2 * GB, "weights": "sha", "parallel": 1,
    }  # fmt: skip
    return NewEvent(EventKind.MODEL_LOADED, NOON, "session_1", None, MISTRAL.name, {**told, **data})


def gone(kind: EventKind = EventKind.MODEL_UNLOADED) -> NewEvent:
    return NewEvent(kind, later(60), None, None, MISTRAL.name, {"endpoint": "local", "bytes": 6 * GB})


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = Store(database_url)
    await store.open()
    yield store
    await store.close()


async def test_a_load_is_recorded_with_what_it_has_shown(store: Store) -> None:
    recorder = Recorder(store, Doubts())
    batch = [loaded()]

    for _ in range(2):
        await recorder.record(batch)

    assert await store.model_facts() == [FACTS]
    assert await store.residents() == [ResidentRecord("local", MISTRAL.name, 8192, 6 * GB, NOON)]
    assert [event.kind for event in await store.events_after(0, None, 10)] == [EventKind.MODEL_LOADED]


async def test_a_load_that_could_not_be_measured_keeps_the_size_that_was(store: Store) -> None:
    recorder = Recorder(store, Doubts())
    await recorder.record([loaded()])

    await recorder.record([replace(loaded(measured=False, bytes=9 * GB, load_s=5.0), at=later(60))])

    assert await store.model_facts() == [replace(FACTS, load_s=5.0, measured_at=later(60), loads=2)]
    assert recorder.size_on("local", MISTRAL) == 6 * GB


async def test_a_model_that_was_found_loaded_keeps_the_load_time_that_was(store: Store) -> None:
    recorder = Recorder(store, Doubts())
    await recorder.record([loaded()])

    await recorder.record([replace(loaded(was_there=True, load_s=0.01, bytes=7 * GB), at=later(60))])

    assert await store.model_facts() == [replace(FACTS, size_bytes=7 * GB, measured_at=later(60))]
    assert recorder.load_seconds_on("local") == {MISTRAL.name: 3.25}


async def test_the_next_life_knows_what_loads_have_shown_also_of_models_that_have_left(store: Store) -> None:
    await Recorder(store, Doubts()).record([loaded(), gone()])
    recorder = Recorder(store, Doubts())

    await recorder.recall([])

    assert recorder.loaded_on("local") == frozenset()
    assert recorder.size_on("local", MISTRAL) == 6 * GB
    assert recorder.size_on("local", replace(MISTRAL, num_ctx=4096)) == MISTRAL.memory_bytes
    assert recorder.load_seconds_on("local") == {MISTRAL.name: 3.25}


async def test_a_load_told_by_a_host_of_the_former_version_is_recorded_under_its_name(store: Store) -> None:
    """A host actor outlives an upgrade of the manager."""
    event = loaded()
    for fact in ("was_there", "gpu_bytes", "weights", "parallel"):
        del event.data[fact]

    await Recorder(store, Doubts()).record([event])

    assert await store.model_facts() == [replace(FACTS, weights=MISTRAL.name, gpu_bytes=0)]


async def test_of_two_loads_the_later_one_is_remembered_whatever_their_order(store: Store) -> None:
    recorder = Recorder(store, Doubts())
    late = replace(loaded(load_s=9.0), at=NOON + timedelta(seconds=1))

    await recorder.record([late, loaded()])

    assert [facts.load_s for facts in await store.model_facts()] == [9.0]
