"""Alembic's entry: runs on the connection `store.migrate` hands over; `alembic` on a shell uses the home's database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from corpushub.store.migrate import all_metadata, shell_engine

config = context.config


def run(connection: sa.Connection) -> None:
    context.configure(connection=connection, target_metadata=all_metadata(), render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


given = config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with shell_engine().begin() as opened:
        run(opened)
