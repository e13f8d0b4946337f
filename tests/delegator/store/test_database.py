from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.errors import StoreUnavailable
from delegator.schemas import SessionStatus
from delegator.store import database
from delegator.store.database import Database
from delegator.store.embedded import EmbeddedPostgres
from delegator.store.store import Store
from delegator.store.url import read_url
from tests.delegator.store.make import a_session, an_event, later, team_of
from tests.fixtures_store import PostgresServer, libpq

END_ALL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def running(statement: str) -> Callable[[AsyncConnection], Awaitable[None]]:
    """A unit of work that executes one statement."""

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(text(statement))

    return work


async def problem_of(url: str) -> str:
    """What a person reads when the store cannot be opened."""
    store = Store(url)
    with pytest.raises(StoreUnavailable) as failed:
        await store.open()
    await store.close()
    return failed.value.problem


async def test_a_ping_is_answered(store: Store) -> None:
    await store.ping()


async def test_a_store_that_is_not_open_says_so(database_url: str) -> None:
    store = Store(database_url)

    with pytest.raises(StoreUnavailable, match="not open"):
        await store.ping()
    await store.close()


async def test_closing_may_be_repeated_and_opening_again_works(database_url: str) -> None:
    store = Store(database_url)
    for _ in range(2):
        await store.open()
        await store.open()
        await store.ping()
        await store.close()
        await store.close()


async def test_lost_connections_are_replaced_without_notice(store: Store, sql: psycopg.Connection) -> None:
    await asyncio.gather(*(store.ping() for _ in range(4)))
    sql.execute(END_ALL)

    session = a_session()
    await store.create_session(session, team_of(session), [an_event()])
    sql.execute(END_ALL)

    assert await store.session("session_1") == session


async def test_a_restart_of_the_server_does_not_break_the_next_call(embedded: EmbeddedPostgres) -> None:
    store = Store(embedded.ensure_running(), pool_size=2)
    await store.open()
    session = a_session()
    await store.create_session(session, team_of(session), [])

    await asyncio.to_thread(embedded.stop)
    with pytest.raises(StoreUnavailable, match="nothing listens at its socket"):
        await store.ping()
    await asyncio.to_thread(embedded.ensure_running)
    await store.end_session("session_1", SessionStatus.COMPLETED, later(5), None, None, [an_event()])

    assert await store.count_open_sessions() == 0
    await store.close()


async def test_a_call_waits_for_a_server_that_is_just_restarting(embedded: EmbeddedPostgres) -> None:
    store = Store(embedded.ensure_running(), pool_size=2)
    await store.open()
    await asyncio.to_thread(embedded.stop)

    await asyncio.gather(store.ping(), asyncio.to_thread(embedded.ensure_running))

    await store.close()


async def test_nothing_listening_is_said_plainly() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]

        problem = await problem_of(f"postgresql://me:s3cret@127.0.0.1:{port}/db")

    assert problem == f"nothing listens at its address (db at 127.0.0.1:{port})"


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "CONNECT_OPTIONS", {"connect_timeout": 2})  # the shortest libpq knows
    with socket.create_server(("127.0.0.1", 0)) as mute:
        problem = await problem_of(f"postgresql://127.0.0.1:{mute.getsockname()[1]}/db")

    assert problem.startswith("it did not answer in time")


async def test_a_missing_database_or_user_is_said_plainly(postgres_server: PostgresServer) -> None:
    url = read_url(postgres_server.url)

    missing = await problem_of(url.set(database="nope").render_as_string(hide_password=False))
    nobody = await problem_of(url.set(username="mallory").render_as_string(hide_password=False))

    assert missing.startswith("there is no database of that name (nope at /")
    assert nobody.startswith("there is no database user of that name")


async def test_a_wrong_password_is_said_without_showing_it(embedded: EmbeddedPostgres) -> None:
    url = embedded.ensure_running()
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute("CREATE ROLE me LOGIN PASSWORD 'right'")
        (embedded.data_dir / "pg_hba.conf").write_text("local all delegator trust\nlocal all me scram-sha-256\n")
        connection.execute("SELECT pg_reload_conf()")
        while not connection.execute("SELECT 1 FROM pg_hba_file_rules WHERE auth_method LIKE 'scram%'").fetchone():
            pass
    of_me = read_url(url).set(username="me")

    async with asyncio.timeout(20):  # until the server has read its new rules
        while (problem := await problem_of(of_me.set(password="s3cret").render_as_string(False))).startswith(
            "it does not let this machine or user in"
        ):
            pass

    assert problem.startswith("the password is wrong")
    assert "s3cret" not in problem
    assert (await problem_of(of_me.render_as_string(False))).startswith("it asks for a password and the URL has none")


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DO $$ BEGIN RAISE 'pg_wal/xlogtemp: No space' USING ERRCODE = 'disk_full'; END $$", "its disk is full"),
        ("DO $$ BEGIN RAISE '' USING ERRCODE = 'out_of_memory'; END $$", "it is out of memory"),
        ("SET statement_timeout = 1; SELECT pg_sleep(30)", "a query took too long and was stopped"),
        ("SET TRANSACTION READ ONLY; CREATE TABLE t ()", "it is read-only (a standby, or set so)"),
        ("SELECT * FROM s3cret_table", "a table is missing: the schema does not fit this version of Delegator"),
        ("SELECT 's3cret'::int", "it refused with 22P02"),
        ("THIS IS NO s3cret SQL", "it refused with 42601"),
        ("UPDATE delegator_sessions SET status = 's3cret'", "a record breaks the rule ck_delegator_sessions_status"),
    ],
)
async def test_every_failure_becomes_a_sentence_without_sql(store: Store, statement: str, problem: str) -> None:
    await store.create_session(a_session(), [], [])

    with pytest.raises(StoreUnavailable) as failed:
        await store._database.run(running(statement))

    assert failed.value.problem.startswith(f"{problem} (test_")
    assert "s3cret" not in str(failed.value)
    await store.ping()


async def test_a_row_that_stays_locked_is_given_up(database_url: str, sql: psycopg.Connection) -> None:
    opened = Database(database_url, pool_size=1)
    opened.open()
    with sql.transaction():
        sql.execute("LOCK TABLE delegator_residents")
        with pytest.raises(StoreUnavailable, match="a row stayed locked for too long"):
            await opened.run(running("SET LOCAL lock_timeout = '50ms'; DELETE FROM delegator_residents"))
    await opened.close()


async def test_a_call_that_finds_no_free_connection_is_given_up(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CONNECT_S", 0.05)
    opened = Database(database_url, pool_size=1)
    opened.open()
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hold(_connection: AsyncConnection) -> None:
        entered.set()
        await leave.wait()

    holder = asyncio.create_task(opened.run(hold))
    await entered.wait()
    with pytest.raises(StoreUnavailable, match="did not answer in time"):
        await opened.ping()
    leave.set()
    await holder
    await opened.close()


async def test_a_call_ends_by_its_deadline_whatever_the_server_does(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CALL_S", 0.2)
    opened = Database(database_url, pool_size=1)
    opened.open()

    async def never(_connection: AsyncConnection) -> None:
        await asyncio.Event().wait()

    with pytest.raises(StoreUnavailable, match="did not answer in time"):
        await opened.run(never)
    await opened.ping()
    await opened.close()


async def test_a_cancelled_call_stores_nothing_and_harms_no_other(store: Store) -> None:
    entered = asyncio.Event()

    async def insert_and_wait(connection: AsyncConnection) -> None:
        await connection.execute(text("INSERT INTO delegator_residents VALUES ('e', 'm', 1, 1, now())"))
        entered.set()
        await asyncio.Event().wait()

    call = asyncio.create_task(store._database.run(insert_and_wait))
    await entered.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert await store.residents() == []


async def test_connections_carry_their_limits(store: Store) -> None:
    async def limits(connection: AsyncConnection) -> list[str]:
        names = (
            "timezone",
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "application_name",
        )
        return [str(await connection.scalar(text(f"SHOW {name}"))) for name in names]

    for way in (store._database.run, store._database.run_single):
        assert await way(limits) == ["UTC", "10s", "10s", "15s", "delegator"]


async def test_an_option_in_the_url_wins(database_url: str) -> None:
    opened = Database(f"{database_url}&application_name=mine", pool_size=1)
    opened.open()

    async def name(connection: AsyncConnection) -> object:
        return await connection.scalar(text("SHOW application_name"))

    assert await opened.run_single(name) == "mine"
    await opened.close()
