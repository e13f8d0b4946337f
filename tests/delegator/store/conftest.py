"""A store on the database of the test, and a server of one's own for tests that stop it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from delegator.store.embedded import EmbeddedPostgres
from tests.fixtures_store import copy_data, libpq


@pytest.fixture
def sql(database_url: str) -> Iterator[psycopg.Connection]:
    """A plain connection to the same database, to look behind the store's back."""
    with psycopg.connect(libpq(database_url), autocommit=True) as connection:
        yield connection


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short, private folder. Not pytest's own: that one is long, and closed to the user who runs root's server."""
    path = Path(tempfile.mkdtemp(prefix="delegator-test-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def embedded(folder: Path, made_data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, made but not yet started: to be stopped, killed and damaged."""
    server = EmbeddedPostgres(folder / "pg")
    copy_data(made_data_dir, server.data_dir)
    yield server
    server.stop()
