"""What the directory finds is what its transaction would find by looking at every row, whatever changed before and by whom."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpushub.base.errors import Conflict
from corpushub.base.identity import system_clock
from corpushub.domain.tree import entry_for
from corpushub.services.directory import Directory
from corpushub.store.db import Database, Unit
from corpushub.store.repos import Query, Repo
from tests.kit.postgres import a_database

NAMES = ("city/alpha", "City/beta", "town/gamma", "town/delta")
FIELD = {"lastModified": "changed_at", "createdAt": "created_at", "downloads": "downloads", "id": "id"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Database]:
    url = a_database("directory") if request.param == "postgresql" else str(tmp_path_factory.mktemp("db") / "hub.db")
    made = Database(url)
    yield made
    made.close()


def release(unit: Unit, name: str, text: str = "1") -> None:
    commit = unit.repos.commit(name, [entry_for("a.txt", text.encode())], text, "p", system_clock())
    unit.repos.set_tag(name, f"v{text}", commit)
    unit.repos.set_branch(name, "main", commit)


def looked_at(unit: Unit, query: Query) -> list[Repo]:
    """The question answered the slow way."""
    rows = unit.repos.touched()
    wanted = [*query.words, *(f"|{facet}|" for facet in query.facets)]
    found = [
        repo
        for repo, words in rows
        if ((repo.head and (not repo.private or repo.org == query.org)) or (query.curates and repo.org == query.org))
        and all(word.lower() in words for word in wanted)
        and (not query.owner or repo.id.lower().startswith(f"{query.owner.lower()}/"))
        and (query.gated is None or bool(repo.gated) is query.gated)
    ]
    ordered = sorted(found, key=lambda repo: repo.id)
    ordered = sorted(ordered, key=lambda repo: getattr(repo, FIELD[query.sort]), reverse=query.sort != "id")
    return ordered[query.offset : query.offset + query.limit]


def create(unit: Unit, name: str, number: int) -> None:
    unit.repos.create(name, org=f"o{number % 2}", by="p", private=number == 3)


def change(unit: Unit, name: str, number: int) -> None:
    if unit.repos.get(name) is None:
        return
    match number:
        case 0:
            release(unit, name, "1")
        case 1:
            unit.repos.describe(name, "x", {"tags": ["language:zh"]}, "notices 公告 |language:zh|")
        case 2:
            unit.repos.update(name, private=True, gated="")
        case 3:
            unit.repos.count_downloads({name: 2})
        case 4:
            unit.repos.delete(name)
        case 5:
            unit.repos.move(name, f"{name.partition('/')[0]}/moved")
        case _:
            if unit.repos.ref(name, "tags", "v1"):
                unit.repos.stop(name, "v1", state="withdrawn", reason="a fault")


STEPS = st.lists(
    st.tuples(st.sampled_from((create, change, change)), st.sampled_from((*NAMES, "town/moved")), st.integers(0, 6)), max_size=12
)
QUERIES = st.builds(
    Query,
    words=st.sampled_from(((), ("alpha",), ("公告",), ("ta", "town"))),
    facets=st.sampled_from(((), ("language:zh",))),
    owner=st.sampled_from(("", "city", "Town")),
    gated=st.sampled_from((None, True, False)),
    sort=st.sampled_from(tuple(FIELD)),
    org=st.sampled_from(("o0", "o1", "-")),
    curates=st.booleans(),
    offset=st.integers(0, 1),
    limit=st.integers(1, 5),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(st.tuples(STEPS, QUERIES), min_size=1, max_size=5))
def test_a_kept_listing_answers_as_the_rows_do(database: Database, rounds: list[Any]) -> None:
    directory = Directory()
    for steps, query in rounds:
        for act, name, number in steps:
            with suppress(Conflict), database.begin() as unit:
                act(unit, name, number)
        with database.read() as unit:
            assert directory.current(unit).page(query) == looked_at(unit, query)


def test_what_another_process_writes_is_found_at_once_and_what_is_rolled_back_never(database: Database) -> None:
    directory, other = Directory(), Database(database.url.render_as_string(hide_password=False))
    query = Query(words=("late",))
    with database.read() as unit:
        assert directory.current(unit).page(query) == []
    with suppress(ZeroDivisionError), database.begin() as unit:
        unit.repos.create("late/never", org="o", by="p")
        release(unit, "late/never")
        raise ZeroDivisionError
    with other.begin() as unit:
        unit.repos.create("late/comer", org="o", by="p")
        release(unit, "late/comer")
    with database.read() as unit:
        assert [repo.id for repo in directory.current(unit).page(query)] == ["late/comer"]
    with other.begin() as unit:
        unit.repos.stop("late/comer", "v1", state="withdrawn", reason="a fault")
    with database.read() as unit:
        assert directory.current(unit).page(query) == []
    other.close()


def test_what_ends_after_others_that_began_later_is_found() -> None:
    """On PostgreSQL: a number given early and seen late must not be passed over. The first transaction ends last."""
    database = Database(a_database("late"))
    with database.begin() as unit:
        for name in ("a/first", "a/second"):
            unit.repos.create(name, org="o", by="p")
            release(unit, name)
    directory, ready, go = Directory(), threading.Event(), threading.Event()

    def slowly() -> None:
        with database.begin() as unit:
            unit.repos.describe("a/first", "x", {}, "slow")
            ready.set()
            go.wait(10)

    thread = threading.Thread(target=slowly)
    thread.start()
    assert ready.wait(10)
    with database.begin() as unit:
        unit.repos.describe("a/second", "x", {}, "quick")
    with database.read() as unit:
        assert [repo.id for repo in directory.current(unit).page(Query(words=("quick",)))] == ["a/second"]
    go.set()
    thread.join()
    with database.read() as unit:
        assert [repo.id for repo in directory.current(unit).page(Query(words=("slow",)))] == ["a/first"]
    database.close()


def test_names_of_deleted_repositories_taken_again_are_told_apart(database: Database) -> None:
    directory, query = Directory(), Query(org="twice", owner="twice", curates=True, sort="id")
    with database.begin() as unit:
        for name in ("twice/a", "twice/b"):
            unit.repos.create(name, org="twice", by="p")
    with database.read() as unit:
        assert len(directory.current(unit).page(query)) == 2
    with database.begin() as unit:
        for name in ("twice/a", "twice/b"):
            unit.repos.delete(name)
        for name in ("twice/c", "twice/d"):
            unit.repos.create(name, org="twice", by="p")
    with database.read() as unit:
        assert [repo.id for repo in directory.current(unit).page(query)] == ["twice/c", "twice/d"]
