from __future__ import annotations

import asyncio
from dataclasses import replace

from delegator.store.records import LearnedRecord
from delegator.store.store import Store
from tests.delegator.store.make import NOON, later

GAPS = LearnedRecord("local", "gap_s:qwen3:8b", {"mean": 180.5, "seen": [1, 2]}, NOON)
HITS = LearnedRecord("", "prefetch_hit_ratio", 0.75, NOON)


async def test_what_was_learned_is_found_again(store: Store) -> None:
    await store.put_learned([GAPS, HITS])

    assert await store.learned("gap_s:qwen3:8b", "local") == GAPS
    assert await store.learned("prefetch_hit_ratio") == HITS
    assert await store.learned("prefetch_hit_ratio", "local") is None
    assert await store.all_learned() == [HITS, GAPS]
    assert await store.all_learned("local") == [GAPS]
    assert await store.all_learned("") == [HITS]


async def test_the_newer_value_stands(store: Store) -> None:
    newer = replace(HITS, value=None, at=later(1))
    for record in (HITS, newer, HITS):
        await store.put_learned([record])

    assert await store.learned(HITS.name) == newer


async def test_two_writers_of_the_same_names_do_not_block_each_other(store: Store) -> None:
    several = [replace(HITS, name=f"n{i}") for i in range(20)]

    await asyncio.gather(*(store.put_learned(order) for order in (several, several[::-1]) for _ in range(4)))

    assert len(await store.all_learned()) == 20
