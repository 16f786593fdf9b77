"""Environment of the migrations, run by Alembic on the connection of `init_tables`."""

from __future__ import annotations

from alembic import context

from skillgap.store.schema import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
