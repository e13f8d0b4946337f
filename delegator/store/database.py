"""The connection to PostgreSQL: a pool, deadlines, one new try after a lost connection, one border for foreign errors.

Owns how a unit of work runs; what the work is stands in the files named after the records. Every unit is repeatable
(see there), so that a connection which died at the moment of commit, with the outcome unknown, may be tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
from sqlalchemy import event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from delegator.errors import DelegatorError, StoreUnavailable
from delegator.store.failures import is_passing, unavailable
from delegator.store.storable import to_json
from delegator.store.url import read_url, shown

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_S = 5
"""Real seconds to reach the server."""

STATEMENT_S = 10
"""Real seconds one statement may take on the server, waiting for locks included."""

CALL_S = 18
"""Real seconds until a call answers, new tries included: every call of Delegator answers within 20 s."""

RETRY_AFTER_S = (0.0, 0.2, 0.8)
"""Waits before the further tries of a call whose connection was lost: a quick restart of the server goes unnoticed."""

SESSION_SETTINGS = (
    "SET timezone = 'UTC'",
    f"SET statement_timeout = '{STATEMENT_S}s'",
    f"SET lock_timeout = '{STATEMENT_S}s'",
    "SET idle_in_transaction_session_timeout = '15s'",  # a stopped process must not hold its locks
)

CONNECT_OPTIONS: dict[str, Any] = {
    "connect_timeout": CONNECT_S,
    "application_name": "delegator",
    "keepalives_idle": 10,  # a host that vanished without a word is noticed within half a minute
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""Options of libpq; where the URL names one itself, the URL's counts."""


class Database:
    """A pool of connections to one database. Build it inside the running event loop."""

    def __init__(self, url: str, *, pool_size: int) -> None:
        self._url = read_url(url)
        self._place = shown(self._url)
        self._engine: AsyncEngine | None = None
        self._pool_size = pool_size

    def open(self) -> None:
        """Make the pool. Connects to nothing yet."""
        if self._engine is not None:
            return
        self._engine = create_async_engine(
            self._url,
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=CONNECT_S,
            pool_use_lifo=True,
            json_serializer=to_json,
            connect_args={key: value for key, value in CONNECT_OPTIONS.items() if key not in self._url.query},
        )
        event.listen(self._engine.sync_engine, "connect", _prepare)

    async def close(self) -> None:
        """Close every connection. May be called twice, or without `open`."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    async def run(
        self, work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do `work` in one transaction: all of it is stored when this returns, nothing when it raises.

        Raises:
            StoreUnavailable: for every foreign error. Errors of Delegator's own tree pass.
        """

        async def once(engine: AsyncEngine) -> T:
            async with engine.begin() as connection:
                return await work(connection, *args, **kwargs)

        return await self._guarded(once)

    async def run_single(
        self, work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do `work` that is one statement, or only reads: without the round trips of a transaction around it."""

        async def once(engine: AsyncEngine) -> T:
            async with engine.connect() as connection:
                single = await connection.execution_options(isolation_level="AUTOCOMMIT")
                return await work(single, *args, **kwargs)

        return await self._guarded(once)

    async def on_own_connection(self, work: Callable[[AsyncConnection], Awaitable[T]], *, deadline_s: float) -> T:
        """Do long `work`, such as a migration, which sets its own transactions and limits."""

        async def once(engine: AsyncEngine) -> T:
            async with engine.connect() as connection:
                try:
                    return await work(connection)
                finally:
                    await connection.invalidate()  # what the work set must not reach the next user

        return await self._guarded(once, deadline_s=deadline_s)

    async def connect_alone(self) -> psycopg.AsyncConnection[Any]:
        """Open a connection outside the pool, in no transaction; whoever asks for it closes it.

        Raises:
            StoreUnavailable: this is not open. Other errors are psycopg's own.
        """
        if self._engine is None:
            raise StoreUnavailable("it is not open")
        _, from_url = self._engine.dialect.create_connect_args(self._url)
        options = {**CONNECT_OPTIONS, "application_name": "delegator events", **from_url}
        return await psycopg.AsyncConnection.connect(autocommit=True, **options)

    async def ping(self) -> None:
        """Ask for an answer. Raises StoreUnavailable when there is none."""
        await self.run_single(_select_one)

    async def _guarded(self, once: Callable[[AsyncEngine], Awaitable[T]], *, deadline_s: float | None = None) -> T:
        if self._engine is None:
            raise StoreUnavailable("it is not open")
        engine = self._engine
        try:
            async with asyncio.timeout(CALL_S if deadline_s is None else deadline_s):
                for wait_s in RETRY_AFTER_S:
                    try:
                        return await once(engine)
                    except (SQLAlchemyError, psycopg.Error, OSError) as exc:
                        if isinstance(exc, TimeoutError) or not is_passing(exc):
                            raise
                        logger.info("the database connection was lost, trying again: %s", unavailable(exc))
                    await asyncio.sleep(wait_s)
                return await once(engine)
        except DelegatorError:
            raise
        except (SQLAlchemyError, psycopg.Error, OSError) as exc:
            raise unavailable(exc, place=self._place) from exc


def _prepare(connection: Any, _record: Any) -> None:
    """Set a new connection's limits; a statement each, because poolers refuse them as start-up options."""
    cursor = connection.cursor()
    cursor.execute("; ".join(SESSION_SETTINGS))
    cursor.close()
    connection.commit()


async def _select_one(connection: AsyncConnection) -> None:
    await connection.execute(text("SELECT 1"))
