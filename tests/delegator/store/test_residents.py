from __future__ import annotations

from delegator.schemas import EventKind
from delegator.store.store import Store
from tests.delegator.store.make import a_resident, an_event, later

OTHER = "http://127.0.0.1:11435"


async def test_loaded_models_are_noted_by_endpoint(store: Store) -> None:
    await store.put_resident(a_resident(), [an_event(EventKind.MODEL_LOADED, None)])
    await store.put_resident(a_resident("mistral:7b", loaded_at=later(5)), [])
    await store.put_resident(a_resident(endpoint=OTHER), [])

    assert await store.residents(OTHER) == [a_resident(endpoint=OTHER)]
    assert await store.residents() == [
        a_resident(),
        a_resident("mistral:7b", loaded_at=later(5)),
        a_resident(endpoint=OTHER),
    ]
    assert len(await store.events_after(0, None, 10)) == 1


async def test_newer_facts_replace_older(store: Store) -> None:
    await store.put_resident(a_resident(), [])
    newer = a_resident(size_bytes=7_000_000_000, num_ctx=4_096, loaded_at=later(60))
    await store.put_resident(newer, [])

    assert await store.residents() == [newer]


async def test_an_unloaded_model_is_noted_no_more(store: Store) -> None:
    await store.put_resident(a_resident(), [])
    event = an_event(EventKind.MODEL_UNLOADED)
    for _ in range(2):
        await store.drop_resident(a_resident().endpoint, a_resident().model, [event])

    assert await store.residents() == []
    assert len(await store.events_after(0, None, 10)) == 1


async def test_a_loss_is_logged_also_for_a_model_that_was_not_noted(store: Store) -> None:
    await store.drop_resident(OTHER, "mistral:7b", [an_event(EventKind.MODEL_LOST)])

    assert [event.kind for event in await store.events_after(0, None, 10)] == [EventKind.MODEL_LOST]
