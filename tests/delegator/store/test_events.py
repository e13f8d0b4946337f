from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from delegator.errors import EventNotFound
from delegator.schemas import Event, EventKind
from delegator.store.store import Store
from delegator.store.tables import EVENT_CHANNEL
from tests.delegator.store.make import NOON, a_session, an_event, later
from tests.fixtures_store import libpq


async def test_an_event_comes_back_as_it_was_appended(store: Store) -> None:
    new = an_event(EventKind.MODEL_LOADED, role="ceo", model="qwen2.5:14b", data={"seconds": 4.5, "deep": {"a": [1]}})
    await store.append_events([new])

    assert await store.session_events("session_1") == [
        Event(
            event_id=1,
            at=NOON,
            kind=EventKind.MODEL_LOADED,
            session_id="session_1",
            role="ceo",
            model="qwen2.5:14b",
            data={"seconds": 4.5, "deep": {"a": [1]}},
        )
    ]


async def test_events_without_a_session_are_kept_too(store: Store) -> None:
    await store.append_events([an_event(EventKind.HOST_SUSPECT, None)])

    assert [event.session_id for event in await store.events_after(0, None, 10)] == [None]


async def test_a_repeated_append_is_ignored(store: Store) -> None:
    first, second = an_event(), an_event()
    await store.append_events([first])
    await store.append_events([first, second])

    assert len(await store.events_after(0, None, 10)) == 2


async def test_appending_nothing_is_nothing(store: Store) -> None:
    await store.append_events([])

    assert await store.events_after(0, None, 10) == []


async def test_events_of_some_kinds_only(store: Store) -> None:
    kinds = [EventKind.MODEL_HELD, EventKind.TURN_COMPLETED, EventKind.MODEL_RELEASED]
    await store.append_events([an_event(kind) for kind in kinds])

    wanted = [EventKind.MODEL_RELEASED, EventKind.MODEL_HELD]
    assert [event.kind for event in await store.session_events("session_1", wanted)] == [kinds[0], kinds[2]]
    assert await store.session_events("session_1", []) == []


async def test_a_reader_goes_on_where_he_stopped(store: Store) -> None:
    await store.append_events([an_event(at=later(number), data={"n": number}) for number in range(10)])

    seen: list[int] = []
    after = 0
    while found := await store.events_after(after, None, 3):
        seen += [event.data["n"] for event in found]
        after = found[-1].event_id

    assert seen == list(range(10))


async def test_a_reader_may_follow_one_session(store: Store) -> None:
    await store.append_events([an_event(session_id=f"session_{number % 2}", data={"n": number}) for number in range(6)])

    found = await store.events_after(2, "session_1", 10)

    assert [event.data["n"] for event in found] == [3, 5]


async def test_going_on_after_an_id_never_given_out_is_an_error(store: Store) -> None:
    await store.append_events([an_event()])

    assert await store.events_after(1, None, 10) == []
    with pytest.raises(EventNotFound):
        await store.events_after(2, None, 10)


async def test_a_reader_misses_nothing_while_many_write(store: Store) -> None:
    """Ids become visible in their order, although transactions of very different length append at once."""
    writers, rounds = 6, 12
    seen: list[int] = []

    async def write(writer: int) -> None:
        for number in range(rounds):
            session = a_session(f"session_{writer}_{number}")
            await store.create_session(
                session, [], [an_event(session_id=session.session_id) for _ in range(1 + writer)]
            )

    async def follow() -> None:
        total = sum(1 + writer for writer in range(writers)) * rounds
        while len(seen) < total:
            found = await store.events_after(seen[-1] if seen else 0, None, 50)
            seen.extend(event.event_id for event in found)

    async with asyncio.timeout(60):
        await asyncio.gather(follow(), *(write(writer) for writer in range(writers)))

    assert seen == [event.event_id for event in await store.events_after(0, None, 1_000)]


@pytest.fixture
def listener(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(libpq(database_url), autocommit=True) as connection:
        connection.execute(f"LISTEN {EVENT_CHANNEL}")
        yield connection


def notices(listener: psycopg.Connection, number: int) -> list[str]:
    return [notice.payload for notice in listener.notifies(timeout=10, stop_after=number)]


async def test_new_events_are_announced_by_their_ids_alone(store: Store, listener: psycopg.Connection) -> None:
    known = an_event()
    await store.append_events([known])
    await store.append_events([known, an_event(), an_event()])

    announced = await asyncio.to_thread(notices, listener, 2)

    ids = [str(event.event_id) for event in await store.events_after(0, None, 10)]
    assert ",".join(announced).split(",") == ids
    assert len(ids) == 3


async def test_a_long_run_of_events_is_announced_in_several_notices(store: Store, listener: psycopg.Connection) -> None:
    await store.append_events([an_event() for _ in range(800)])

    announced = await asyncio.to_thread(notices, listener, 3)

    assert ",".join(announced).split(",") == [str(number) for number in range(1, 801)]


async def test_the_log_refuses_change(store: Store, sql: psycopg.Connection) -> None:
    await store.append_events([an_event()])

    for statement in (
        "UPDATE delegator_events SET kind = 'session_failed'",
        "DELETE FROM delegator_events",
        "TRUNCATE delegator_events",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            sql.execute(statement)
    assert len(await store.events_after(0, None, 10)) == 1


async def test_only_a_transaction_of_retention_may_delete(store: Store, sql: psycopg.Connection) -> None:
    await store.append_events([an_event(), an_event()])

    with sql.transaction():
        sql.execute("SET LOCAL delegator.retention = 'on'")
        sql.execute("DELETE FROM delegator_events WHERE event_id = 1")
        with pytest.raises(psycopg.errors.RestrictViolation), sql.transaction():
            sql.execute("UPDATE delegator_events SET at = now()")
    with pytest.raises(psycopg.errors.RestrictViolation):
        sql.execute("DELETE FROM delegator_events")

    assert [event.event_id for event in await store.events_after(0, None, 10)] == [2]
