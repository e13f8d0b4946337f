"""A store on the database of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from delegator.store.store import Store
from tests.fixtures_store import libpq


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = Store(database_url, pool_size=4)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def sql(database_url: str) -> Iterator[psycopg.Connection]:
    """A plain connection to the same database, to look behind the store's back."""
    with psycopg.connect(libpq(database_url), autocommit=True) as connection:
        yield connection
