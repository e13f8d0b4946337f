from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest

from delegator.errors import StoreUnavailable
from delegator.schemas import EventKind
from delegator.store.records import ModelFactsRecord
from delegator.store.store import Store
from tests.delegator.store.make import NOON, a_resident, an_event, later

FACTS = ModelFactsRecord("local", "sha256-6a07", 8_192, 1, "llama3.1:8b", 6_500_000_000, 6_000_000_000, 3.5, NOON)


async def test_a_newer_load_replaces_the_figures_and_adds_to_the_number(store: Store) -> None:
    await store.put_model_facts(FACTS)
    newer = replace(FACTS, model="alias:8b", size_bytes=7_000_000_000, gpu_bytes=0, load_s=4.5, measured_at=later(60))
    await store.put_model_facts(newer)

    assert await store.model_facts() == [replace(newer, loads=2)]


async def test_a_load_told_again_or_late_changes_nothing(store: Store) -> None:
    await store.put_model_facts(FACTS)
    await store.put_model_facts(FACTS)
    await store.put_model_facts(replace(FACTS, load_s=99.0, measured_at=later(-60)))

    assert await store.model_facts() == [FACTS]


async def test_a_load_that_was_not_measured_leaves_the_size_of_earlier_ones(store: Store) -> None:
    await store.put_model_facts(FACTS)
    await store.put_model_facts(replace(FACTS, size_bytes=0, gpu_bytes=0, load_s=4.5, measured_at=later(60)))

    assert await store.model_facts() == [replace(FACTS, load_s=4.5, measured_at=later(60), loads=2)]


async def test_other_options_weights_and_endpoints_are_facts_of_their_own(store: Store) -> None:
    several = [
        FACTS,
        replace(FACTS, num_ctx=4_096, measured_at=later(1)),
        replace(FACTS, parallel=2, measured_at=later(2)),
        replace(FACTS, weights="sha256-ffff", measured_at=later(3)),
        replace(FACTS, endpoint="other", measured_at=later(4)),
    ]
    for facts in several:
        await store.put_model_facts(facts)

    assert await store.model_facts() == several
    assert await store.model_facts("other") == several[-1:]


async def test_a_load_its_facts_and_its_event_are_stored_together(store: Store) -> None:
    event = an_event(EventKind.MODEL_LOADED, None)
    for _ in range(2):
        await store.put_resident(a_resident(), [event], facts=FACTS)

    assert await store.model_facts() == [FACTS]
    assert await store.residents() == [a_resident()]
    assert [kept.kind for kept in await store.events_after(0, None, 10)] == [EventKind.MODEL_LOADED]


async def test_facts_that_cannot_be_stored_take_the_event_back_with_them(store: Store) -> None:
    impossible = replace(FACTS, num_ctx=0)

    with pytest.raises(StoreUnavailable):
        await store.put_resident(a_resident(), [replace(an_event(), uid=uuid4())], facts=impossible)

    assert await store.residents() == []
    assert await store.events_after(0, None, 10) == []


@pytest.mark.parametrize("values", ["0, 1, 'm', 1, 1, 1, 1", "8, 0, 'm', 1, 1, 1, 1", "8, 1, 'm', -1, 1, 1, 1"])
def test_figures_that_mean_nothing_are_refused(sql: psycopg.Connection, values: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        sql.execute(f"INSERT INTO delegator_model_facts VALUES ('e', 'w', {values}, now())".encode())
