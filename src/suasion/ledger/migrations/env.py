"""Alembic's way in: runs the revisions on the connection that `Ledger.open` holds."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, render_as_batch=True)
context.run_migrations()
