"""The same rules on SQLite and on a real PostgreSQL server: append-only, one winner per version, flows end to end, migrations."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from corpushub.base.errors import Conflict, HubError, Unavailable
from corpushub.domain.flows import flow_named
from corpushub.domain.parties import ANONYMOUS, SYSTEM
from corpushub.domain.readers import may_read
from corpushub.domain.workflow import fold
from corpushub.store.db import Database
from corpushub.store.migrate import all_metadata, bring_up, config, current, guard, head
from corpushub.store.tables import Json
from tests.kit.gov import PEOPLE, RESOURCE, City, a_city, entitled, proposed, registered, released, votes_at_once
from tests.kit.postgres import a_database

BACKENDS = ["sqlite", "postgresql"]


@pytest.fixture(params=BACKENDS)
def city(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[City]:
    url = a_database("city") if request.param == "postgresql" else ""
    city = a_city(tmp_path, url)
    yield city
    city.database.close()


def test_a_release_goes_through_and_folds_the_same(city: City) -> None:
    case = released(city)
    assert case.state == "released"
    with city.database.read() as unit:
        assert fold(unit.events.of(case.id)) == case
        assert unit.events.count() == unit.ledger.size()


def test_what_waits_is_found_with_its_clocks(city: City) -> None:
    cases = [proposed(city, version=f"1.0.{number}") for number in range(3)]
    (first, *_) = tasks = city.cases.tasks(city["reviewer"])
    assert {task.case.id for task in tasks} == {case.id for case in cases}
    assert first.clock in city.cases.clocks_of(city["reviewer"], cases)[first.case.id]
    with city.database.read() as unit:
        found = unit.cases.oldest([("release", "in_review"), ("release", "gated"), ("demand", "open")], 2)
    assert [case.id for case in found] == sorted(case.id for case in cases)[:2]


@pytest.mark.parametrize("statement", ["UPDATE events SET actor='x'", "DELETE FROM events", "DELETE FROM ledger_leaves"])
def test_the_record_only_grows(city: City, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), city.database.begin() as unit:
        unit.connection.exec_driver_sql(statement)


def test_sixteen_writers_lose_nothing(city: City) -> None:
    registered(city)
    case = proposed(city)
    results = votes_at_once(city, case)
    assert len(results) == 16
    assert results.count("approved") <= 1
    with city.database.read() as unit:
        versions = [event.version for event in unit.events.of(case.id)]
        assert unit.events.count() == unit.ledger.size()
    assert versions == list(range(1, len(versions) + 1))


def test_a_reader_cannot_write(city: City) -> None:
    with pytest.raises((HubError, sa.exc.DBAPIError)), city.database.read() as unit:
        unit.documents.put("note", "1", {})


def test_a_failed_unit_leaves_nothing(city: City) -> None:
    with pytest.raises(Conflict), city.database.begin() as unit:
        city.cases.open_in(unit, city["developer"], "demand", {"title": "a title", "text": "and a text"})
        raise Conflict("case.stale", case="x", version=1)
    assert city.cases.list(SYSTEM, flow="demand").items == ()


def engine_of(backend: str, folder: Path) -> sa.Engine:
    return sa.create_engine(a_database("migrate") if backend == "postgresql" else f"sqlite:///{folder / 'm.db'}")


@pytest.mark.parametrize("backend", BACKENDS)
def test_migrating_from_nothing_gives_the_present_schema(backend: str, tmp_path: Path) -> None:
    with engine_of(backend, tmp_path).begin() as connection:
        command.upgrade(config(connection), "head")
        guard(connection)
        assert current(connection) == head()
        context = MigrationContext.configure(connection, opts={"compare_type": same_type})
        assert compare_metadata(context, all_metadata()) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_migrating_an_older_database_keeps_its_rows_and_its_guards(backend: str, tmp_path: Path) -> None:
    engine = engine_of(backend, tmp_path)
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
        connection.exec_driver_sql(
            "INSERT INTO cases (id, flow, state, version, updated_at) VALUES ('rel-1', 'release', 'gated', 1, '2026-03-02T00:00:00Z')"
        )
    with engine.begin() as connection:
        bring_up(connection)
        assert connection.exec_driver_sql("SELECT entered_at FROM cases").scalar() == "2026-03-02T00:00:00Z"
        assert current(connection) == head()
        connection.exec_driver_sql("INSERT INTO events (stream, version, type, at) VALUES ('x', 1, 'release.opened', '2026')")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM events")


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_newer_version_has_migrated_is_refused_and_left_alone(backend: str, tmp_path: Path) -> None:
    engine = engine_of(backend, tmp_path)
    with engine.begin() as connection:
        bring_up(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Conflict) as told, engine.begin() as connection:
        bring_up(connection)
    assert told.value.code == "store.newer"
    with engine.begin() as connection:
        assert current(connection) == "9999"


@pytest.mark.parametrize("backend", BACKENDS)
def test_several_processes_may_start_on_an_empty_database_at_once(backend: str, tmp_path: Path) -> None:
    url = a_database("starting") if backend == "postgresql" else str(tmp_path / "starting.db")
    with ThreadPoolExecutor(4) as pool:
        for database in pool.map(Database, [url] * 4):
            database.close()


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        Database(str(tmp_path / "twice.db")).close()


def same_type(*given: object) -> bool | None:
    """Canonical JSON is text to the database."""
    return False if isinstance(given[4], Json) else None


def test_nobody_waits_for_a_lock_without_end_on_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpushub.store.db._BUSY_SECONDS", 1)
    url = a_database("locked")
    database = Database(url)
    other = sa.create_engine(url)
    with other.begin() as held:
        held.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable, match=r"store\.busy"), database.read() as unit:
            unit.events.count()
    with database.read() as unit:
        assert unit.events.count() == 0
    database.close()
    other.dispose()


def test_what_an_operator_sets_in_the_address_wins_on_postgresql() -> None:
    database = Database(f"{a_database('own')}?options=-c%20lock_timeout%3D7s")
    with database.read() as unit:
        shown = [unit.connection.exec_driver_sql(f"SHOW {name}").scalar() for name in ("lock_timeout", LEFT_OPEN)]
    assert shown == ["7s", "5min"]
    database.close()


LEFT_OPEN = "idle_in_transaction_session_timeout"


def test_cases_that_name_something_are_found_and_no_others(city: City) -> None:
    case = released(city)
    (entry,) = case.data["resources"]
    assert [item.id for item in city.cases.list(SYSTEM, flow="release", naming=entry).items] == [case.id]
    for other in (entry[:-1], entry.replace("/", "_"), "%", '"'):
        assert not city.cases.list(SYSTEM, flow="release", naming=other).items
    assert not city.cases.list(SYSTEM, flow="release", states=[]).items


def test_a_list_holds_exactly_what_its_reader_may_read(city: City) -> None:
    released(city)
    entitled(city)
    city.cases.open(city["developer"], "demand", {"title": "tides", "text": "the tides of every harbour"})
    city.cases.open(ANONYMOUS, "objection", {"about": RESOURCE, "kind": "missing", "text": "a day is missing"})
    with city.database.read() as unit:
        held = unit.cases.list()
    assert len({case.flow for case in held}) > 5
    shown = []
    for actor in (ANONYMOUS, *map(city.__getitem__, PEOPLE)):
        wanted = [case.id for case in held if may_read(flow_named(case.flow), case, actor)]
        assert [case.id for case in city.cases.list(actor, limit=1000).items] == wanted
        for flow in {case.flow for case in held}:
            own = [case.id for case in held if case.flow == flow and case.id in wanted]
            assert [case.id for case in city.cases.list(actor, flow=flow, limit=1000).items] == own
        shown.append(len(wanted))
    assert len(set(shown)) > 3, "people see different things"
