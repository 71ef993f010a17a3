# ruff: noqa: RUF043 - codes hold a dot, and any character there will do
from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from corpushub.base.errors import Conflict, Unavailable
from corpushub.domain.workflow import Event
from corpushub.store.db import Database

AT = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "x.db"), lambda: AT)


def an_event(version: int = 1, **over: Any) -> Event:
    return replace(
        Event("case-1", version, "demand.opened", "someone", "org", AT, {"text": "hello"}, "draft", marks=("open",)), **over
    )


@pytest.mark.parametrize("statement", ["UPDATE events SET actor='x'", "DELETE FROM events"])
def test_events_cannot_be_changed_or_deleted(database: Database, statement: str) -> None:
    with database.begin() as unit:
        unit.events.append(an_event())
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.begin() as unit:
        unit.connection.exec_driver_sql(statement)
    with database.read() as unit:
        assert unit.events.of("case-1") == (an_event(),)


def test_a_version_is_taken_once(database: Database) -> None:
    with database.begin() as unit:
        unit.events.append(an_event())
    with pytest.raises(Conflict, match="case.stale"), database.begin() as unit:
        unit.events.append(an_event())


def test_every_event_is_a_leaf_in_the_same_transaction(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.begin() as unit:
        unit.events.append(an_event())
        raise ZeroDivisionError
    with database.read() as unit:
        assert (unit.events.count(), unit.ledger.size()) == (0, 0)
    with database.begin() as unit:
        unit.events.append(an_event())
    with database.read() as unit:
        assert (unit.events.count(), unit.ledger.size()) == (1, 1)


def test_private_answers_are_committed_and_can_be_forgotten(database: Database) -> None:
    with database.begin() as unit:
        unit.events.append(an_event(), private=("text",))
    with database.read() as unit:
        assert unit.events.of("case-1")[0].data == {"text": "hello"}
        assert b"hello" not in unit.ledger.entry(0)
    with database.begin() as unit:
        unit.documents.delete("private", "case-1:1")
        assert unit.ledger.forget("someone") == 1
    with database.read() as unit:
        assert set(unit.events.of("case-1")[0].data["text"]) == {"commitment"}


def test_sixteen_writers_of_one_stream_each_get_their_own_version(database: Database) -> None:
    won: list[int] = []
    lost: list[str] = []

    def write() -> None:
        for version in range(1, 11):
            try:
                with database.begin() as unit:
                    unit.events.append(an_event(version))
                won.append(version)
            except Conflict as error:
                lost.append(error.code)

    threads = [threading.Thread(target=write) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == list(range(1, 11))
    assert len(lost) == 150
    with database.read() as unit:
        assert [event.version for event in unit.events.of("case-1")] == list(range(1, 11))


def test_reading_cannot_write_and_does_not_wait_for_a_writer(database: Database) -> None:
    with database.begin() as unit:
        unit.documents.put("note", "1", {"n": 1})
        seen: list[object] = []

        def look() -> None:
            with database.read() as reader:
                seen.append(reader.documents.get("note", "1"))

        thread = threading.Thread(target=look)
        thread.start()
        thread.join(timeout=5)
        assert seen == [None]
    with pytest.raises((Unavailable, sa.exc.OperationalError)), database.read() as reader:
        reader.documents.put("note", "2", {})


def test_documents_overwrite_list_by_prefix_and_delete(database: Database) -> None:
    with database.begin() as unit:
        for number in ("a/2", "a/1", "b/1"):
            unit.documents.put("kind", number, {"n": number})
        unit.documents.put("kind", "a/1", {"n": "again"})
        assert unit.documents.list("kind", prefix="a/") == [("a/1", {"n": "again"}), ("a/2", {"n": "a/2"})]
        assert unit.documents.delete("kind", "b/1")
        assert not unit.documents.delete("kind", "b/1")


def test_tidying_brings_committed_pages_home(tmp_path: Path) -> None:
    """The database file alone, without its log, then holds what was committed."""
    made = Database(str(tmp_path / "hub.db"))
    for number in range(40):
        with made.begin() as unit:
            unit.documents.put("tidy", str(number), number)
    made.tidy()
    (tmp_path / "copy.db").write_bytes((tmp_path / "hub.db").read_bytes())
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("SELECT count(*) FROM documents WHERE kind = 'tidy'").fetchone() == (40,)
    made.close()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "busy"),
        (sqlite3.SQLITE_PROTOCOL, "busy"),
        (sqlite3.SQLITE_IOERR, "busy"),
        (sqlite3.SQLITE_FULL, "full"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "full"),
    ],
)
def test_a_database_that_can_not_be_had_just_now_is_told_with_the_reason(database: Database, code: int, told: str) -> None:
    cause = sqlite3.OperationalError("not now")
    cause.sqlite_errorcode = code
    with pytest.raises(Unavailable, match=rf"store\.{told}"), database.read():
        raise sa.exc.OperationalError("SELECT 1", {}, cause)
