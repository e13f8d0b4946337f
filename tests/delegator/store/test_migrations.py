from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import IntegrityError

from delegator.errors import StoreUnavailable
from delegator.schemas import EventKind
from delegator.store.migrations import FOLDER, HEAD, VERSION_TABLE
from delegator.store.store import Store
from delegator.store.tables import metadata
from tests.delegator.store.make import an_event
from tests.fixtures_store import libpq

RULES = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 'delegator_schema_version'::regclass ORDER BY 1, 2
"""
INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'delegator_schema_version' ORDER BY 1
"""
TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"


@pytest.fixture
def migrated(database_url: str) -> Iterator[Connection]:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


async def open_and_close(url: str) -> None:
    store = Store(url, pool_size=1)
    await store.open()
    await store.close()


def rows(connection: Connection, query: str) -> list[Any]:
    return [tuple(row) for row in connection.execute(text(query))]


def test_the_migrations_make_exactly_the_tables_of_the_metadata(migrated: Connection) -> None:
    options = {"compare_type": True, "compare_server_default": True, "version_table": VERSION_TABLE}
    context = MigrationContext.configure(migrated, opts=options)

    assert compare_metadata(context, metadata) == []


def test_the_migrations_make_every_constraint_and_index_of_the_metadata(
    migrated: Connection, empty_database_url: str
) -> None:
    """Alembic's own comparison does not look at CHECK constraints, nor into partial indexes."""
    engine = create_engine(empty_database_url)
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(text(f"CREATE TABLE {VERSION_TABLE} ()"))
        wanted = [rows(connection, query) for query in (RULES, INDEXES)]
    engine.dispose()

    assert [rows(migrated, query) for query in (RULES, INDEXES)] == wanted


def test_head_is_the_newest_version_there_is() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_every_time_in_the_database_has_a_zone(migrated: Connection) -> None:
    query = "SELECT column_name FROM information_schema.columns WHERE data_type = 'timestamp without time zone'"

    assert rows(migrated, f"{query} AND table_schema = 'public'") == []


async def test_going_back_leaves_nothing_and_forth_makes_it_again(database_url: str) -> None:
    engine = create_engine(database_url)
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert rows(connection, TABLES) == [(VERSION_TABLE,)]
        assert rows(connection, "SELECT proname FROM pg_proc WHERE proname LIKE 'delegator%'") == []
    engine.dispose()

    await open_and_close(database_url)


FORMER_ROWS = """
    INSERT INTO delegator_sessions (id, session_id, task_description, task_type, task_category, complexity, status,
        limits_max_agents, limits_max_memory_bytes, limits_complexity, simulated)
    VALUES (gen_random_uuid(), 'session_1', 'Fix it', 'bug_fix', 'quick_fix', 'low', 'starting', 2, 10, 'low', true);
    INSERT INTO delegator_agents (session_id, role, model, spawned_at) VALUES ('session_1', 'ceo', 'm', now());
    INSERT INTO delegator_events (uid, kind, at, session_id)
    VALUES (gen_random_uuid(), 'session_created', now(), 'session_1');
    INSERT INTO delegator_residents VALUES ('local', 'mistral:7b', 8192, 5, now());
"""


def alembic_config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER))
    return config


async def test_a_database_of_the_first_version_keeps_its_rows_and_takes_what_is_new(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url)
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        connection.execute(text(FORMER_ROWS))
    engine.dispose()
    store = Store(empty_database_url, pool_size=1)

    await store.open()
    try:
        await store.set_agent_model("session_1", "ceo", "n", [an_event(EventKind.ROLE_MOVED)], endpoint="second")

        assert [(a.model, a.endpoint) for a in await store.open_agents()] == [("n", "second")]
        kinds = [event.kind for event in await store.session_events("session_1")]
        assert kinds == [EventKind.SESSION_CREATED, EventKind.ROLE_MOVED]
        assert [r.model for r in await store.residents()] == ["mistral:7b"]
    finally:
        await store.close()


async def test_going_back_to_the_first_version_drops_only_what_it_cannot_say(database_url: str) -> None:
    store = Store(database_url, pool_size=1)
    await store.open()
    await store.append_events([an_event(EventKind.MODEL_PINNED), an_event(EventKind.MODEL_LOADED)])
    await store.close()
    engine = create_engine(database_url)

    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "0001")

        assert rows(connection, "SELECT kind FROM delegator_events") == [("model_loaded",)]
    with engine.connect() as connection, pytest.raises(IntegrityError, match="append-only"):
        connection.execute(text("DELETE FROM delegator_events"))
    engine.dispose()


async def test_several_may_open_an_empty_database_at_once(empty_database_url: str) -> None:
    await asyncio.gather(*(open_and_close(empty_database_url) for _ in range(4)))

    with psycopg.connect(libpq(empty_database_url)) as connection:
        assert connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall() == [(HEAD,)]


def test_several_processes_may_open_an_empty_database_at_once(empty_database_url: str) -> None:
    program = (
        "import asyncio, sys; from delegator.store.store import Store\n"
        "async def main():\n"
        "    store = Store(sys.argv[1])\n"
        "    await store.open(); print(await store.count_open_sessions()); await store.close()\n"
        "asyncio.run(main())"
    )
    command = [sys.executable, "-c", program, empty_database_url]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]

    ended = [process.communicate(timeout=60) for process in started]

    assert ended == [("0\n", "")] * 3


def test_opening_an_up_to_date_database_does_not_load_alembic(database_url: str) -> None:
    program = (
        "import asyncio, sys; from delegator.store.store import Store\n"
        "async def main():\n"
        "    store = Store(sys.argv[1]); await store.open(); await store.close()\n"
        "asyncio.run(main()); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, database_url], capture_output=True, text=True, timeout=60)

    assert (done.stdout, done.stderr) == ("False\n", "")


async def test_migrating_leaves_logging_alone(empty_database_url: str) -> None:
    root, other = logging.getLogger(), logging.getLogger("some.other.program")
    before = (root.level, list(root.handlers), other.disabled, logging.getLogger("alembic").level)

    await open_and_close(empty_database_url)

    assert (root.level, list(root.handlers), other.disabled, logging.getLogger("alembic").level) == before


async def test_a_schema_of_a_newer_delegator_is_refused(database_url: str) -> None:
    with psycopg.connect(libpq(database_url), autocommit=True) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")

    with pytest.raises(StoreUnavailable, match="version 9999, made by a newer Delegator"):
        await open_and_close(database_url)


async def test_other_programs_of_the_database_are_left_alone(empty_database_url: str) -> None:
    with psycopg.connect(libpq(empty_database_url), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('abc')"
        )
        connection.execute("CREATE TABLE messages (id int)")

        await open_and_close(empty_database_url)

        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [("abc",)]
        tables = {name for (name,) in connection.execute(TABLES)}
    assert {name for name in tables if not name.startswith("delegator_")} == {"alembic_version", "messages"}
