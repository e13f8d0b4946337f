from __future__ import annotations

import pytest

from delegator.errors import SettingsInvalid
from delegator.store.store import Store
from delegator.store.url import read_url, shown
from tests.fixtures_store import libpq


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
async def test_every_way_to_write_the_url_works(database_url: str, scheme: str) -> None:
    store = Store(libpq(database_url).replace("postgresql", scheme, 1))
    await store.open()

    assert await store.count_open_sessions() == 0
    await store.close()


async def test_the_folder_of_the_socket_may_be_written_as_the_host(database_url: str) -> None:
    given = read_url(database_url)
    folder = str(given.query["host"]).replace("/", "%2F")
    store = Store(f"postgresql://{given.username}@{folder}/{given.database}")
    await store.open()

    assert await store.count_open_sessions() == 0
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:s3cret@host/db",
        "sqlite:///file.db",
        "postgresql+asyncpg://user:s3cret@host/db",
        "no url, s3cret",
        "postgresql://user:s3cret@host:port/db",
        "",
    ],
)
def test_another_database_is_refused_without_repeating_the_password(url: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        read_url(url)

    assert refused.value.key == "database_url"
    assert "s3cret" not in str(refused.value) + refused.value.advice + repr(refused.value.args)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:s3cret@db.example:5433/work", "work at db.example:5433"),
        ("postgresql://me@/work?host=/run/pg", "work at /run/pg"),
        ("postgres://me@h", "me at h"),
        ("postgresql://", "the default database at the local socket"),
    ],
)
def test_where_the_database_is_can_be_shown(url: str, place: str) -> None:
    assert shown(read_url(url)) == place
