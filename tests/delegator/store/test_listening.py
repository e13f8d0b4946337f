from __future__ import annotations

import asyncio

import psycopg
import pytest

from delegator.errors import StoreUnavailable
from delegator.store import listening
from delegator.store.embedded import EmbeddedPostgres
from delegator.store.listening import CATCH_UP, MAX_WAITING, EventNews
from delegator.store.store import Store
from delegator.store.tables import EVENT_CHANNEL
from tests.delegator.store.make import an_event

LISTENERS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'delegator events' AND datname = current_database()"
)


async def told(news: EventNews) -> tuple[int, ...]:
    """The next news; such as never come fail the test instead of holding it up."""
    async with asyncio.timeout(20):
        return await anext(news)


async def all_told(news: EventNews) -> list[tuple[int, ...]]:
    return [run async for run in news]


async def told_of(news: EventNews, number: int) -> list[int]:
    """That many ids, however they come in runs; no catching up in between."""
    ids: list[int] = []
    while len(ids) < number:
        run = await told(news)
        assert run != CATCH_UP
        ids += run
    return ids


async def has_heard(news: EventNews, event_id: int) -> None:
    """Wait until the listener knows of an event, without reading what it tells."""
    async with asyncio.timeout(20):
        while news.heard_id < event_id:  # noqa: ASYNC110 - it wakes nobody but its reader
            await asyncio.sleep(0.005)


def listeners(sql: psycopg.Connection) -> list[int]:
    return [pid for (pid,) in sql.execute(LISTENERS).fetchall()]


def hang_up(sql: psycopg.Connection) -> None:
    """Kill the server's side of the listening connection."""
    (pid,) = listeners(sql)
    sql.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))


async def test_a_reader_catches_up_first_and_is_then_told_of_each_event(store: Store) -> None:
    await store.append_events([an_event()])
    async with store.listen() as news:
        assert await told(news) == CATCH_UP

        await store.append_events([an_event(), an_event()])
        await store.append_events([an_event()])

        assert await told_of(news, 3) == [2, 3, 4]


async def test_what_comes_while_a_reader_is_busy_comes_in_one_run(store: Store) -> None:
    async with store.listen() as news:
        await told(news)
        for _ in range(20):
            await store.append_events([an_event() for _ in range(5)])
        await has_heard(news, 100)

        assert await told(news) == tuple(range(1, 101))


async def test_a_slow_reader_is_told_to_catch_up_and_nothing_piles_up_for_him(store: Store) -> None:
    async with store.listen() as news:
        await told(news)
        for _ in range(5):
            await store.append_events([an_event() for _ in range(1_000)])
            assert news.waiting <= MAX_WAITING
        await has_heard(news, 5_000)

        assert news.waiting == 0
        assert await told(news) == CATCH_UP
        await store.append_events([an_event()])
        assert await told(news) == (5_001,)


async def test_a_killed_connection_is_made_anew_and_the_reader_catches_up(
    store: Store, sql: psycopg.Connection
) -> None:
    async with store.listen() as news:
        await told(news)
        hang_up(sql)

        assert await told(news) == CATCH_UP
        await store.append_events([an_event()])
        assert await told(news) == (1,)


async def test_a_reader_misses_nothing_while_many_write_and_connections_die(
    store: Store, sql: psycopg.Connection
) -> None:
    writers, rounds, a_round = 4, 30, 5
    total = writers * rounds * a_round
    seen: list[int] = []

    async def write() -> None:
        for _ in range(rounds):
            await store.append_events([an_event() for _ in range(a_round)])

    async def kill() -> None:
        for _ in range(5):
            await asyncio.to_thread(sql.execute, f"SELECT pg_terminate_backend(pid) FROM ({LISTENERS}) AS listening")
            await asyncio.sleep(0.05)

    async def read() -> None:
        async with store.listen() as news:
            async for _ in news:
                while found := await store.events_after(seen[-1] if seen else 0, None, 100):
                    seen.extend(event.event_id for event in found)
                if len(seen) == total:
                    return

    async with asyncio.timeout(60):
        await asyncio.gather(read(), kill(), *(write() for _ in range(writers)))

    assert seen == list(range(1, total + 1))


async def test_a_server_that_restarts_is_waited_for(embedded: EmbeddedPostgres) -> None:
    store = Store(embedded.ensure_running())
    await store.open()
    try:
        async with store.listen() as news:
            await told(news)
            await asyncio.to_thread(embedded.stop)
            await asyncio.to_thread(embedded.ensure_running)
            await store.append_events([an_event()])

            assert await told(news) == CATCH_UP
    finally:
        await store.close()


async def test_a_notice_that_never_comes_is_made_up_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Poolers take LISTEN and keep the notices."""
    monkeypatch.setattr(listening, "EVENT_CHANNEL", "another_channel")
    monkeypatch.setattr(listening, "PROBE_S", 0.1)
    async with store.listen() as news:
        await told(news)
        await store.append_events([an_event()])

        assert await told(news) == CATCH_UP


async def test_a_notice_that_is_none_of_ours_means_to_look(store: Store, sql: psycopg.Connection) -> None:
    async with store.listen() as news:
        await told(news)
        sql.execute("SELECT pg_notify(%s, 'anything')", (EVENT_CHANNEL,))

        assert await told(news) == CATCH_UP


async def test_leaving_closes_the_connection_and_ends_the_news(store: Store, sql: psycopg.Connection) -> None:
    async with store.listen() as news:
        await told(news)
        assert len(listeners(sql)) == 1

    with pytest.raises(StopAsyncIteration):
        await told(news)
    async with asyncio.timeout(20):
        while listeners(sql):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.005)


async def test_leaving_lets_go_of_a_reader_who_waits(store: Store) -> None:
    async with store.listen() as news:
        await told(news)
        waiting = asyncio.create_task(all_told(news))
        await asyncio.sleep(0)

    async with asyncio.timeout(20):
        assert await waiting == []


async def test_a_store_that_is_not_open_is_an_error_to_the_reader(database_url: str) -> None:
    async with Store(database_url).listen() as news:
        with pytest.raises(StoreUnavailable, match="not open"):
            await told(news)
