"""Bringing a database to the present schema: Alembic, run by the program itself.

`env.py` and `versions/` are Alembic's; `bring_up_to_date` runs them on a connection of ours. A new version is a file in
`versions/`, made from `script.py.mako` or by hand; then `HEAD` names it. A version that was released never changes.
"""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.errors import StoreUnavailable

logger = logging.getLogger(__name__)

HEAD = "0004"
"""The newest version in `versions/`; a test compares."""

VERSION_TABLE = "delegator_schema_version"
"""Alembic's own table, named so that the database may be shared with other programs that use Alembic."""

OLDEST_SERVER = 14
"""Major version of PostgreSQL; older ones are no longer maintained."""

LOCK = 0x64656C6567  # "deleg"
"""Key of the advisory lock that lets one process migrate while others wait."""

MIGRATE_S = 600
"""Real seconds a migration may take, waiting for another process's included."""

NO_LIMITS = (
    "SET statement_timeout = 0",
    "SET lock_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
)
"""On this connection: waiting for the other process, and filling a large table anew, may take long."""

FOLDER = Path(__file__).parent


async def bring_up_to_date(connection: AsyncConnection) -> None:
    """Migrate the database to `HEAD`; loads no Alembic, and waits for nobody, when it is there already.

    Raises:
        StoreUnavailable: the database was made by a newer Delegator, or the server is too old.
    """
    version = await connection.scalar(text("SELECT current_setting('server_version_num')::int / 10000"))
    if version < OLDEST_SERVER:
        raise StoreUnavailable(f"it is PostgreSQL {version}; Delegator needs {OLDEST_SERVER} or newer")
    if await connection.run_sync(_version) == HEAD:
        return
    await connection.rollback()
    for statement in NO_LIMITS:
        await connection.execute(text(statement))
    # The lock belongs to the connection, not to a transaction: it covers all versions, and falls with the connection.
    await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
    await connection.commit()
    await connection.run_sync(_upgrade)


def _version(connection: Connection) -> str | None:
    """The version the database has, None when it has none."""
    if connection.execute(text("SELECT to_regclass(:name)"), {"name": VERSION_TABLE}).scalar() is None:
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    return found


def _upgrade(connection: Connection) -> None:
    found = _version(connection)
    connection.rollback()
    if found == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreUnavailable(
            f"its schema has version {found}, made by a newer Delegator than this one, which knows {HEAD}"
        )
    logger.info("migrating the database from version %s to %s", found or "none", HEAD)
    command.upgrade(config, "head")
