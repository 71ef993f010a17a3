"""One transaction at a time: `with database.begin() as unit: unit.cases.get(...)`. Only this module commits.

* `begin()` writes: BEGIN IMMEDIATE under one lock per process on SQLite (fair, never "database is locked"), a plain transaction on PostgreSQL.
* `read()` reads one snapshot and can't write.
* A unit that raises leaves nothing behind.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError

from corpushub.base.errors import Conflict, Invalid, Unavailable
from corpushub.base.identity import Clock, system_clock
from corpushub.store.accounts import AccountRows
from corpushub.store.cases import CaseRows
from corpushub.store.catalog import Resources
from corpushub.store.documents import Documents
from corpushub.store.events import Events
from corpushub.store.jobs import JobRows
from corpushub.store.ledger import Ledger
from corpushub.store.migrate import bring_up
from corpushub.store.outbox import Outbox
from corpushub.store.parties import Parties
from corpushub.store.repos import Repos
from corpushub.store.row_holds import RowHolds
from corpushub.store.tokens import Deliveries, Tokens

_DRIVERS = {"sqlite": "sqlite"} | dict.fromkeys(("postgresql", "postgresql+psycopg"), "postgresql+psycopg")
_BUSY_SECONDS = 30
# Connections kept open, because opening one costs more than a question: for a server's eight threads, its recorder and its worker. Each
# keeps SQLite's own 2 MiB of pages: with 4, 1 or a quarter, what is asked among 10,000 datasets costs the same (benchmarks/hub.md).
_KEPT = 10
_LOCK_TIMEOUT = "55P03"
_RACES = frozenset({"40P01", "40001"})  # deadlock, serialization failure
_SQLITE_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,  # a reader that lost the race for its place in the log a hundred times: the machine has no time
        sqlite3.SQLITE_IOERR,
    }
)
_SQLITE_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})  # the second: no room for the log's index
_SQLITE_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Unit:
    """Everything one transaction may touch; each repository is made when first asked for."""

    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.connection, self.clock)

    @cached_property
    def documents(self) -> Documents:
        return Documents(self.connection, self.clock)

    @cached_property
    def events(self) -> Events:
        return Events(self.connection, self.documents, self.ledger)

    @cached_property
    def cases(self) -> CaseRows:
        return CaseRows(self.connection)

    @cached_property
    def parties(self) -> Parties:
        return Parties(self.connection)

    @cached_property
    def catalog(self) -> Resources:
        return Resources(self.connection)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.connection, self.clock)

    @cached_property
    def jobs(self) -> JobRows:
        return JobRows(self.connection, self.clock)

    @cached_property
    def accounts(self) -> AccountRows:
        return AccountRows(self.connection, self.clock)

    @cached_property
    def repos(self) -> Repos:
        return Repos(self.connection, self.clock)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self.connection, self.clock)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.connection, self.clock)

    @cached_property
    def row_holds(self) -> RowHolds:
        return RowHolds(self.connection, self.clock)


class Database:
    """`url`: a SQLAlchemy URL, or a path for SQLite. Tables are created or migrated by `prepare`, called once here."""

    def __init__(self, url: str, clock: Clock = system_clock) -> None:
        self.clock = clock
        if "://" not in url:
            Path(url).parent.mkdir(parents=True, exist_ok=True)
            url = f"sqlite:///{url}"
        self.url = url_of(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.in_memory = self.is_sqlite and self.url.database in {None, "", ":memory:"}
        self.engine = self._engine()
        self._writer = threading.Lock()
        self._inside = threading.local()
        self.prepare()

    def _engine(self) -> sa.Engine:
        if not self.is_sqlite:
            # As on SQLite nobody waits for another's lock without end, and who died within a transaction does not keep his.
            limits = f"-c lock_timeout={_BUSY_SECONDS}s -c idle_in_transaction_session_timeout={10 * _BUSY_SECONDS}s"
            limits += f" {self.url.query.get('options', '')}"  # an operator's own are read last and win
            return sa.create_engine(self.url, pool_pre_ping=True, pool_size=_KEPT, connect_args={"options": limits})
        options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": _BUSY_SECONDS}}
        if self.in_memory:
            options["poolclass"] = sa.StaticPool
        else:
            options["pool_size"] = _KEPT
        engine = sa.create_engine(self.url, **options)
        sa.event.listen(engine, "connect", _tune)
        sa.event.listen(engine, "begin", _begin)
        return engine

    def prepare(self) -> None:
        """Create or migrate the schema."""
        with _translated(), self.engine.begin() as connection:
            bring_up(connection)

    @contextmanager
    def begin(self) -> Generator[Unit]:
        """A writing transaction: committed when the block ends, rolled back when it raises.

        Raises: Unavailable("store.busy" | "store.full" | "store.damaged" | "store.unopened"), Conflict("store.race") where PostgreSQL broke a deadlock,
        Invalid("store.unfit") for text or numbers it cannot keep.
        """
        assert not getattr(self._inside, "unit", False), "a unit is already open in this thread"
        self._inside.unit = True
        try:
            with self._lock(), _translated(), self.engine.begin() as connection:
                yield Unit(connection, self.clock)
        finally:
            self._inside.unit = False

    @contextmanager
    def read(self) -> Generator[Unit]:
        """A reading transaction over one snapshot; writing through it fails."""
        with _translated(), self._read_lock(), self.engine.connect() as connection:
            options = (
                {"read_only": True} if self.is_sqlite else {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
            )
            reading = connection.execution_options(**options)
            try:
                yield Unit(reading, self.clock)
            finally:
                reading.rollback()
                if self.is_sqlite:
                    _straight(reading, "PRAGMA query_only=OFF")

    @contextmanager
    def _lock(self) -> Generator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._writer.acquire(timeout=_BUSY_SECONDS):
            raise Unavailable("store.busy")
        try:
            yield
        finally:
            self._writer.release()

    @contextmanager
    def _read_lock(self) -> Generator[None]:
        # In memory there is one connection, so a reader is a writer's neighbour and has to wait.
        if not self.in_memory:
            yield
            return
        assert not getattr(self._inside, "unit", False), "a unit is already open in this thread"
        with self._lock():
            yield

    def tidy(self) -> None:
        """Copy committed pages from SQLite's log to the database as far as no reader needs them where they are; upkeep, waits for nobody."""
        if self.is_sqlite and not self.in_memory:
            with _translated(), self.engine.connect() as connection:
                _straight(connection, "PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        self.engine.dispose()


def url_of(stated: str) -> sa.URL:
    """Raises: Invalid("store.url") where it names no database this hub can keep; what stands in it is not told, a password may."""
    with suppress(sa.exc.ArgumentError):
        url = sa.make_url(stated)
        if url.drivername in _DRIVERS:
            return url.set(drivername=_DRIVERS[url.drivername])
    raise Invalid("store.url")


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise Invalid("store.unfit") from error
    except DBAPIError as error:
        if isinstance(error, DataError):  # PostgreSQL alone minds NUL in text, and how long or large a value is
            raise Invalid("store.unfit") from error
        if getattr(error.orig, "sqlstate", "") in _RACES:
            raise Conflict("store.race") from error
        if getattr(error.orig, "sqlite_errorcode", 0) in _SQLITE_FULL:
            raise Unavailable("store.full") from error
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CANTOPEN:
            raise Unavailable("store.unopened") from error
        if error.connection_invalidated or _is_out_of_reach(error.orig):
            raise Unavailable("store.busy") from error
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _SQLITE_DAMAGED:
            raise Unavailable("store.damaged") from error
        raise


def _is_out_of_reach(error: object) -> bool:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE_AWAY
    state = getattr(error, "sqlstate", "")
    return state == _LOCK_TIMEOUT or (
        isinstance(error, Exception)
        and type(error).__name__ == "OperationalError"
        and (state is None or state[:2] in {"08", "53", "57"})
    )


def _tune(connection: Any, _: object) -> None:
    """WAL with FULL sync: what was answered is on disk. `isolation_level=None` leaves BEGIN to us. Pages are copied home from the log by the
    worker (`tidy`), not by the command that happens to fill it; without a worker at ten times SQLite's own length.
    """
    connection.isolation_level = None
    lines = ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_SECONDS * 1000}", "foreign_keys=ON")
    for line in (*lines, "wal_autocheckpoint=10000"):
        connection.execute(f"PRAGMA {line}").close()


def _begin(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("read_only")
    if not reading:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    # Straight to the driver: neither touches the file, and a page of the portal begins to read a dozen times.
    for line in ("BEGIN", "PRAGMA query_only=ON"):
        _straight(connection, line)


def _straight(connection: sa.Connection, line: str) -> None:
    """Execute on SQLite's own connection."""
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(line).close()
