"""SQL tables as sources: `sqlite://file.db` (a file in the allowed folders, opened read-only) and `postgresql://host/database`.

`table` names a table or view, `query` a single SELECT (checked by its syntax tree, no other statement passes). Rows are read through one
snapshot and copied into shards; their digest stands for the source.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from corpushub.base.errors import Forbidden, Invalid, Unavailable
from corpushub.base.identity import file_sha256, sha256
from corpushub.domain.recipe import SourceRef
from corpushub.engine.sources.batches import BATCH_ROWS, objects_batch
from corpushub.engine.sources.parquet import write_batches
from corpushub.engine.sources.place import Place, local_path

PLAIN = frozenset({"user", "password", "host", "port", "dbname", "sslmode"})


def snapshot(ref: SourceRef, place: Place) -> Path:
    """The rows of a table or query as one Parquet file named by its digest.

    Raises: Forbidden("source.host" | "source.outside"), Invalid("source.query" | "source.sql" | "source.database_options"), Unavailable("source.unreachable").
    """
    query = statement(ref)
    folder = place.cache.folder("sql")
    temporary = folder / f"{sha256(repr((ref.address, query)).encode())[:32]}-{os.getpid()}.part"
    write_batches((batch.frame.drop("_row") for batch in rows(ref, place, query)), temporary, ref.name)
    path = folder / f"{file_sha256(temporary)}.parquet"
    temporary.replace(path)
    return path


def statement(ref: SourceRef) -> str:
    import sqlglot
    from sqlglot import exp

    table, query = str(ref.options.get("table") or ""), str(ref.options.get("query") or "")
    if bool(table) == bool(query):
        raise Invalid("source.table_or_query", source=ref.name)
    dialect = "sqlite" if ref.address.startswith("sqlite") else "postgres"
    if table:
        parts = [exp.to_identifier(part, quoted=True) for part in table.split(".")]
        name = ".".join(part.sql(dialect) for part in parts)
        return f"SELECT * FROM {name}"  # noqa: S608  every part is a quoted identifier
    try:
        trees = sqlglot.parse(query, dialect=dialect)
    except sqlglot.errors.SqlglotError:
        raise Invalid("source.query", source=ref.name) from None
    if (
        len(trees) != 1
        or not isinstance(trees[0], exp.Query)
        or trees[0].find(exp.Into, exp.Insert, exp.Update, exp.Delete, exp.Command)
    ):
        raise Invalid("source.query", source=ref.name)
    return trees[0].sql(dialect)


def rows(ref: SourceRef, place: Place, query: str) -> Iterator[Any]:
    try:
        yield from sqlite_rows(ref, place, query) if ref.address.startswith("sqlite") else postgres_rows(ref, place, query)
    except sqlite3.Error as error:
        raise Invalid("source.sql", source=ref.name, reason=type(error).__name__) from error


def sqlite_rows(ref: SourceRef, place: Place, query: str) -> Iterator[Any]:
    path = local_path(replace(ref, address=ref.address.removeprefix("sqlite:///").removeprefix("sqlite://")), place)
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        connection.set_authorizer(reads_only)
        cursor = connection.execute(query)
        yield from fetched(cursor, [item[0] for item in cursor.description], ref.name)
    finally:
        connection.close()


def reads_only(action: int, *_: object) -> int:
    """SQLite asks before each access; attaching files, pragmas and writes are refused."""
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY


def postgres_rows(ref: SourceRef, place: Place, query: str) -> Iterator[Any]:
    allowed = {host.strip().lower() for host in place.settings.allowed_hosts.split(",") if host.strip()}
    host = (urlsplit(ref.address).hostname or "").lower()
    if host not in allowed:
        raise Forbidden("source.host", host=host)
    try:
        import psycopg
    except ImportError:
        raise Unavailable("source.no_driver", driver="psycopg") from None
    require_plain(psycopg, ref, host)
    try:
        with psycopg.connect(ref.address, options="-c default_transaction_read_only=on", connect_timeout=20) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            with connection.cursor(name="corpushub") as cursor:
                cursor.itersize = BATCH_ROWS
                cursor.execute(query.encode())
                yield from fetched(cursor, [item.name for item in cursor.description or ()], ref.name)
    except psycopg.OperationalError as error:
        raise Unavailable("source.unreachable", host=host, reason=type(error).__name__) from error
    except psycopg.Error as error:
        raise Invalid("source.sql", source=ref.name, reason=type(error).__name__) from error


def require_plain(psycopg: Any, ref: SourceRef, host: str) -> None:
    """The address means the host that was asked for, as the driver reads it: its options can name another, or a file of ours.

    Raises: Invalid("source.database_options").
    """
    try:
        named = psycopg.conninfo.conninfo_to_dict(ref.address)
    except psycopg.Error:
        raise Invalid("source.database_options", source=ref.name) from None
    if str(named.get("host", "")).lower() != host or not named.keys() <= PLAIN:
        raise Invalid("source.database_options", source=ref.name)


def fetched(cursor: Any, names: Sequence[str], source: str) -> Iterator[Any]:
    start = 1
    while found := cursor.fetchmany(BATCH_ROWS // 10):
        pairs = [(start + at, dict(zip(names, map(plain, row), strict=True))) for at, row in enumerate(found)]
        start += len(found)
        yield objects_batch(source, pairs, (), "sql")


def plain(value: Any) -> Any:
    """A database value as text, number, truth value or null."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.hex() if isinstance(value, bytes | memoryview) else str(value)
