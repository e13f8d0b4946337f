"""Alembic's environment: runs the migrations on the connection it is handed, and leaves logging alone.

Loaded by Alembic, never imported. The lock around it and the choice of connection are in `__init__.py`.
"""

from __future__ import annotations

from alembic import context

from delegator.store.migrations import VERSION_TABLE

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    version_table=VERSION_TABLE,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
