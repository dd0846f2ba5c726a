"""Alembic's entry: migrations run on the connection that `infrastructure.database.roles` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table="schema_version", version_table_schema="log")
with context.begin_transaction():
    context.run_migrations()
