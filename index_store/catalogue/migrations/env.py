"""Run by Alembic: migrate over the connection it was given, inside that connection's transaction."""

from alembic import context

from index_store.catalogue.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
