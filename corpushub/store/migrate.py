"""Brings a database to the present schema: an empty one is created whole, an older one migrated step by step (Alembic), in one transaction.

Whatever the way, the database's own guards (append-only events and ledger) are in place afterwards.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from corpushub.base.settings import load_settings
from corpushub.store import account_tables, hub_tables, ledger_tables
from corpushub.store.tables import guard_events, metadata

_FOLDER = Path(__file__).parent / "migrations"
_AREAS = (account_tables, hub_tables, ledger_tables)


def all_metadata() -> sa.MetaData:
    """Every table of every area: the other modules add theirs when imported."""
    assert all(_AREAS)
    return metadata


def shell_engine() -> sa.Engine:
    """The home's database, for `alembic` on a shell."""
    settings = load_settings()
    return sa.create_engine(settings.database_url or f"sqlite:///{settings.home / 'hub.db'}")


def config(connection: sa.Connection | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", str(_FOLDER))
    if connection is not None:
        made.attributes["connection"] = connection
    return made


def head() -> str:
    """The present schema's name."""
    return ScriptDirectory(str(_FOLDER)).get_current_head() or ""


def current(connection: sa.Connection) -> str:
    """The schema a database has, empty where it has none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def bring_up(connection: sa.Connection) -> None:
    """Create or migrate, inside the transaction of `connection`."""
    have, want = current(connection), head()
    if have and have != want:
        command.upgrade(config(connection), "head")
    all_metadata().create_all(connection)  # whole where it was empty; tables an area added since the last revision otherwise
    if not have:
        MigrationContext.configure(connection).stamp(ScriptDirectory(str(_FOLDER)), want)
    if have != want:
        guard(connection)


def guard(connection: sa.Connection) -> None:
    """Make the database refuse to change what only grows."""
    guard_events(metadata.tables["events"], connection)
    for table in ledger_tables.APPEND_ONLY:
        ledger_tables.guard(table, connection)
