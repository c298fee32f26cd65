"""How Alembic runs here: over the connection, and in the transaction, of `migrate`."""

from alembic import context

from skerry.integrations.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
