from __future__ import annotations

from delegator.schemas import EventKind
from delegator.store.records import PinRecord
from delegator.store.store import Store
from tests.delegator.store.make import NOON, an_event, later

PIN = PinRecord("ollama", "mistral:7b", NOON)
OTHER = PinRecord("ollama-2", "mistral:7b", later(5))


async def test_what_is_pinned_is_noted_once_with_its_event(store: Store) -> None:
    assert await store.put_pin(PIN, [an_event(EventKind.MODEL_PINNED, None)])
    assert await store.put_pin(OTHER, [])
    assert not await store.put_pin(PinRecord("ollama", "mistral:7b", later(60)), [an_event(EventKind.MODEL_PINNED)])

    assert await store.pins() == [PIN, OTHER]
    assert len(await store.events_after(0, None, 10)) == 1


async def test_what_is_unpinned_is_noted_no_more(store: Store) -> None:
    await store.put_pin(PIN, [])
    await store.put_pin(OTHER, [])

    assert await store.drop_pin("ollama", "mistral:7b", [an_event(EventKind.MODEL_UNPINNED, None)])
    assert not await store.drop_pin("ollama", "mistral:7b", [an_event(EventKind.MODEL_UNPINNED, None)])

    assert await store.pins() == [OTHER]
    assert [event.kind for event in await store.events_after(0, None, 10)] == [EventKind.MODEL_UNPINNED]
