"""Rows held under a right: counted for everybody, until their hold ends or its process is dead."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from corpushub.store.db import Database
from corpushub.store.row_holds import LAPSE_SECONDS
from tests.kit.gov import Ticker
from tests.kit.postgres import a_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Database]:
    made = Database(a_database("holds") if request.param == "postgresql" else str(tmp_path / "holds.db"), Ticker())
    yield made
    made.close()


def held(database: Database) -> dict[str, int]:
    with database.read() as unit:
        return dict(unit.row_holds.held())


def test_a_hold_counts_until_it_ends_or_is_not_renewed(database: Database) -> None:
    clock = database.clock
    assert isinstance(clock, Ticker)
    with database.begin() as unit:
        for name, right, rows in (("a", "one", 20), ("b", "one", 30), ("c", "other", 7)):
            unit.row_holds.add(name, right, rows)
    assert held(database) == {"one": 50, "other": 7}
    with database.begin() as unit:
        unit.row_holds.end({"a"})
    clock.forward(minutes=LAPSE_SECONDS / 60 * 0.9)
    with database.begin() as unit:
        unit.row_holds.renew(["b", "gone"])
    clock.forward(minutes=LAPSE_SECONDS / 60 * 0.2)
    assert held(database) == {"one": 30}
    with database.begin() as unit:
        unit.row_holds.add("d", "one", 1)
        assert unit.connection.exec_driver_sql("SELECT count(*) FROM row_hold").scalar() == 2  # what lapsed is forgotten


def test_who_waits_for_a_turn_sees_what_the_other_holds(database: Database) -> None:
    seen, waiting = [], threading.Event()

    def second() -> None:
        waiting.set()
        with database.begin() as unit:
            unit.row_holds.take_turns()
            seen.append(dict(unit.row_holds.held()))

    other = threading.Thread(target=second)
    with database.begin() as unit:
        unit.row_holds.take_turns()
        assert not unit.row_holds.held()
        other.start()
        waiting.wait(10)
        time.sleep(0.2)
        unit.row_holds.add("a", "one", 20)
    other.join(20)
    assert seen == [{"one": 20}]
