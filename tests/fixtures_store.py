"""A real PostgreSQL for tests: one embedded server a run, a fresh database a test.

The database of a test is cloned from one that was migrated once, which takes milliseconds. Loaded as a plugin.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from delegator.store.embedded import DATABASE, EmbeddedPostgres
from delegator.store.store import Store

TEMPLATE = "delegator_template"


@dataclass
class PostgresServer:
    """The server of this test run."""

    url: str
    """Of the server's own database; `url_of` gives others."""

    names: Iterator[int] = field(default_factory=count)

    def url_of(self, database: str) -> str:
        return self.url.replace(f"/{DATABASE}?", f"/{database}?")

    def create_database(self, *, migrated: bool = True) -> str:
        """Make a database and return its name; without `migrated` it is empty."""
        name = f"test_{next(self.names)}"
        # Not template1: whoever looks at it for a moment would block this.
        template = TEMPLATE if migrated else "template0"
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(libpq(self.url), autocommit=True) as connection:
            connection.execute(statement)


def libpq(url: str) -> str:
    """The URL as psycopg alone takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture(scope="session")
def made_data_dir() -> Iterator[Path]:
    """The data folder of a server that was made and stopped, to be copied: making one takes a second or more."""
    folder = Path(tempfile.mkdtemp(prefix="delegator-test-"))
    embedded = EmbeddedPostgres(folder / "pg")
    try:
        embedded.ensure_running()
        embedded.stop()
        yield embedded.data_dir
    finally:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


def copy_data(made: Path, to: Path) -> None:
    """Copy the data folder of a stopped server, owners and rights included."""
    subprocess.run(["cp", "-Rp", str(made), str(to)], check=True)


@pytest.fixture(scope="session")
def postgres_server(made_data_dir: Path) -> Iterator[PostgresServer]:
    """One embedded server for the whole run, in a short folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="delegator-test-"))
    embedded = EmbeddedPostgres(folder / "pg")
    copy_data(made_data_dir, embedded.data_dir)
    try:
        server = PostgresServer(embedded.ensure_running())
        server.execute(sql.SQL("ALTER SYSTEM SET fsync = off"))  # making and dropping databases is mostly that
        server.execute(sql.SQL("SELECT pg_reload_conf()"))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        asyncio.run(_migrate(server.url_of(TEMPLATE)))
        yield server
    finally:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a migrated, empty database for one test."""
    name = postgres_server.create_database()
    yield postgres_server.url_of(name)
    postgres_server.drop_database(name)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store on a database of the test's own."""
    opened = Store(database_url, pool_size=4)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def empty_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a database without any table, for one test."""
    name = postgres_server.create_database(migrated=False)
    yield postgres_server.url_of(name)
    postgres_server.drop_database(name)


async def _migrate(url: str) -> None:
    store = Store(url, pool_size=1)
    await store.open()
    await store.close()
