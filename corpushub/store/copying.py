"""Every row of one database into another, SQLite or PostgreSQL, as it is stored: what backups, and moves between the two, are made of."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from corpushub.store.migrate import all_metadata
from corpushub.store.tables import Json

_AT_ONCE: Final = 1000


def copy_rows(source: sa.Connection, target: sa.Connection) -> dict[str, int]:
    """Copy all rows of all tables within the two transactions, both of the present schema; gives the rows of each table."""
    return {table.name: _copied(table, source, target) for table in all_metadata().sorted_tables}


def is_empty(connection: sa.Connection) -> bool:
    """Has nothing ever been written there?"""
    return not any(connection.execute(sa.select(table).limit(1)).first() for table in all_metadata().sorted_tables)


def _copied(table: sa.Table, source: sa.Connection, target: sa.Connection) -> int:
    stored = sa.table(table.name, *(sa.column(column.name, _as_stored(column.type)) for column in table.columns))
    rows = source.execute(
        sa.select(stored).order_by(*(column.name for column in table.primary_key)), execution_options={"yield_per": _AT_ONCE}
    )
    count = 0
    for part in rows.mappings().partitions():
        target.execute(sa.insert(stored), [dict(row) for row in part])
        count += len(part)
    if table.autoincrement_column is not None and target.dialect.name == "postgresql":
        _go_on_counting(stored, table.autoincrement_column.name, target)
    return count


def _as_stored(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """Text stays the bytes it is instead of being read and written anew."""
    return sa.Text() if isinstance(kind, Json) else kind


def _go_on_counting(table: sa.TableClause, column: str, connection: sa.Connection) -> None:
    """PostgreSQL gives out numbers by a sequence of its own, which rows that bring their numbers do not move."""
    last = connection.scalar(sa.select(sa.func.max(table.c[column])))
    if last is not None:
        connection.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, column), last)))
