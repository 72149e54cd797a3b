"""What Alembic runs: a migration on the connection, and in the transaction, that ``migrate.py`` opened."""

from __future__ import annotations

from alembic import context

from milepost.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
