"""Brings a database to the present schema: an empty one is created whole, an older one migrated step by step (Alembic), in one transaction.

Whatever the way, the database's own guards (append-only events and ledger) are in place afterwards. Alembic is loaded only where there is
something to migrate: a database that is up to date, the one every command finds, is recognised without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from corpushub import __version__
from corpushub.base.errors import Conflict
from corpushub.base.settings import load_settings
from corpushub.store import account_tables, hub_tables, ledger_tables
from corpushub.store.home import database_of
from corpushub.store.tables import guard_events, metadata

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent / "migrations"
_STARTING = 0x636F72707573  # whoever brings a PostgreSQL database up holds the lock of this number
_AREAS = (account_tables, hub_tables, ledger_tables)


def all_metadata() -> sa.MetaData:
    """Every table of every area: the other modules add theirs when imported."""
    assert all(_AREAS)
    return metadata


def shell_engine() -> sa.Engine:
    """The home's database, for `alembic` on a shell."""
    settings = load_settings()
    return sa.create_engine(settings.database_url or f"sqlite:///{database_of(settings.home)}")


def config(connection: sa.Connection | None = None) -> Config:
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(_FOLDER))
    if connection is not None:
        made.attributes["connection"] = connection
    return made


def head() -> str:
    """The present schema's name: revisions are numbered, and so are their files."""
    return max(path.stem.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*_*.py"))


def alone(connection: sa.Connection) -> None:
    """Keep others that start at the same time waiting until this transaction ends; on SQLite it has begun as the only writer."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_STARTING)))


def current(connection: sa.Connection) -> str:
    """The schema a database has, empty where it has none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(sa.select(sa.column("version_num")).select_from(sa.table("alembic_version"))) or ""


def bring_up(connection: sa.Connection) -> None:
    """Create or migrate, inside the transaction of `connection`. Raises: Conflict("store.newer")."""
    alone(connection)
    have, want = current(connection), head()
    if have > want:
        raise Conflict("store.newer", have=have, want=want, version=__version__)
    if have and have != want:
        from alembic import command

        command.upgrade(config(connection), "head")
    all_metadata().create_all(connection)  # whole where it was empty; tables an area added since the last revision otherwise
    if not have:
        stamp(connection, want)
    if have != want:
        guard(connection)


def stamp(connection: sa.Connection, revision: str) -> None:
    """Write down which schema the database has."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    MigrationContext.configure(connection).stamp(ScriptDirectory(str(_FOLDER)), revision)


def guard(connection: sa.Connection) -> None:
    """Make the database refuse to change what only grows."""
    guard_events(metadata.tables["events"], connection)
    for table in ledger_tables.APPEND_ONLY:
        ledger_tables.guard(table, connection)
