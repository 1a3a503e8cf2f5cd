"""Run by Alembic for `adapters.storage.migrate`, which hands in the connection. All or nothing."""

from alembic import context

from adapters.storage.migrate import METADATA

context.configure(
    connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
