from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from corpushub.base.errors import Invalid
from corpushub.domain.catalog import Resource
from corpushub.domain.parties import ANONYMOUS, Actor, Org, OrgKind, Role
from corpushub.services.cases import Cases
from corpushub.services.catalog import Catalog
from corpushub.services.finder import Finder, Listing, best
from corpushub.services.shelf import Shelf
from corpushub.store.db import Database

AUTHORITY = Actor("chief", "org-city", frozenset({Role.AUTHORITY}))
OWNER = Actor("owner", "org-a", frozenset({Role.PROVIDER}))
STRANGER = Actor("other", "org-b", frozenset({Role.PROVIDER}))


class City:
    """A catalog with a clock that a test may move."""

    def __init__(self, home: Path) -> None:
        self.now = datetime(2026, 11, 22, 3, tzinfo=UTC)
        self.database = Database(str(home / "hub.db"), self.clock)
        self.catalog = Catalog(database=self.database, cases=Cases(database=self.database, clock=self.clock), clock=self.clock)
        self.finder = Finder(database=self.database, shelf=Shelf(clock=self.clock))
        with self.database.begin() as unit:
            for number, name in enumerate(("org-city", "org-a", "org-b")):
                code = f"9111010{number}MA0000000{number}"[:18]
                unit.parties.save_org(Org(name, code, OrgKind.AGENCY, "110000", {"zh": name, "en": name}))

    def clock(self) -> datetime:
        return self.now

    def add(self, name: str, title: str, **changes: Any) -> None:
        value = {"id": f"110000/x/{name}", "title": {"zh": title}, "owner": "org-a", "state": "published", "domain": "traffic"}
        self.catalog.add(AUTHORITY, value | changes)

    def find(self, words: str = "", actor: Actor = ANONYMOUS, **chosen: str) -> Listing:
        return self.finder.find(actor, words, chosen=chosen)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    yield made
    made.database.close()


def names(found: Listing) -> list[str]:
    return [entry.id.rpartition("/")[2] for entry in found.items]


def test_what_is_entered_or_changed_is_found_at_once(city: City):
    assert city.find().total == 0
    city.add("roads", "道路交通运行指数")
    assert names(city.find("jiaotong")) == ["roads"]
    city.catalog.revise(AUTHORITY, "110000/x/roads", {"title": {"zh": "古树名木"}})
    assert names(city.find("jiaotong")) == []
    assert names(city.find("古樹")) == ["roads"]


def test_counts_are_of_everything_not_of_a_first_page(city: City):
    with city.database.begin() as unit:
        for number in range(1200):
            value = {
                "id": f"110000/x/e{number:04}",
                "title": {"zh": "交通统计" if number % 3 else "环境监测"},
                "owner": f"org-{'ab'[number % 2]}",
                "state": "published",
                "domain": f"d{number % 4}",
            }
            unit.catalog.save(Resource.from_json(value))
    every = city.find()
    assert (every.total, len(every.items)) == (1200, 30)
    assert every.counts["owner"] == {"org-a": 600, "org-b": 600}
    found = city.find("交通", owner="org-a", domain="d0")
    assert found.total == 200
    assert found.counts["owner"] == {"org-a": 200}
    assert sum(found.counts["domain"].values()) == 400
    last = city.finder.find(ANONYMOUS, page=40)
    assert names(last)[-1] == "e1199"


def test_without_words_entries_stand_by_id_also_after_a_change(city: City):
    for name in ("c", "a"):
        city.add(name, name)
    assert names(city.find()) == ["a", "c"]
    city.add("b", "b")
    assert names(city.find()) == ["a", "b", "c"]
    assert city.find().counts["kind"] == {"resource": 3}


def test_a_secret_entry_is_listed_to_its_owner_and_oversight_alone(city: City):
    city.add("open", "道路交通")
    city.add("secret", "道路交通", secrecy=True)
    for actor, seen in ((ANONYMOUS, 1), (STRANGER, 1), (OWNER, 2), (AUTHORITY, 2)):
        found = city.find("交通", actor)
        assert (found.total, found.counts["owner"]) == (seen, {"org-a": seen})


def test_a_change_looks_at_what_changed_alone(city: City):
    for number in range(20):
        city.add(f"e{number}", "交通")
    city.find()
    with city.database.read() as unit:
        before = city.finder.shelf.current(unit)
    city.add("new", "新交通")
    with city.database.read() as unit:
        after = city.finder.shelf.current(unit)
    assert after.matcher.main is before.matcher.main
    assert after.matcher.fresh is not None
    assert after.matcher.fresh.count == 1


def test_a_look_costs_a_few_statements_however_large_the_catalog(city: City):
    for number in range(60):
        city.add(f"e{number}", "交通")
    city.find()
    statements: list[str] = []
    event.listen(city.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    found = city.find("jiaotong", owner="org-a")
    assert (found.total, len(found.items)) == (60, 30)
    assert len([one for one in statements if one.lstrip().upper().startswith("SELECT")]) <= 3


def test_an_attribute_that_takes_effect_later_counts_from_its_day(city: City):
    city.add(
        "roads",
        "道路交通",
        attributes=[{"name": "open_attribute", "value": "none", "effective_from": "2026-11-23", "reason": "r"}],
    )

    def openness() -> str:
        with city.database.read() as unit:
            return city.finder.shelf.current(unit).matcher.table.entries[-1].openness

    before = openness()
    city.now = datetime(2026, 11, 23, 3, tzinfo=UTC)
    assert (before, openness()) == ("conditional", "none")


@given(
    st.lists(st.tuples(st.floats(0, 1e6, width=32), st.integers(0, 10**6)), max_size=30, unique_by=lambda pair: pair[1]),
    st.integers(0, 40),
)
def test_a_page_is_the_head_of_the_whole_order(pairs: list[tuple[float, int]], count: int):
    score, place = np.array([one for one, _ in pairs], np.float32), np.array([two for _, two in pairs], np.int64)
    whole = sorted(range(len(pairs)), key=lambda row: (-score[row], place[row]))
    assert best(np.arange(len(pairs)), score, place, count).tolist() == whole[:count]


def test_an_unknown_facet_is_named(city: City):
    with pytest.raises(Invalid, match=r"form\.unknown"):
        city.find(colour="red")
