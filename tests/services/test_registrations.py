from __future__ import annotations

from pathlib import Path

import pytest

from corpushub.base.errors import NotFound
from corpushub.services.registrations import Registrations
from tests.kit.gov import RESOURCE, City, a_city, an_entry, authorized, registered


@pytest.fixture
def city(tmp_path: Path) -> City:
    return a_city(tmp_path)


def wizard(city: City) -> Registrations:
    return Registrations(database=city.database, cases=city.cases, catalog=city.catalog, parties=city.parties)


def apply(city: City, entry: str, **materials: str) -> None:
    start = wizard(city).prepare(city["provider"], entry, "zh")
    said = start["materials"] | materials
    city.cases.open(
        city["provider"], "registration", {**start, "materials": said, "evidence_digest": "a" * 64, "commitment": True}
    )


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", ("通知公告全文", "自身产生", "4 个字段")), ("en", ("Full text of notices", "4 fields"))]
)
def test_what_the_catalog_and_the_organisation_say_is_there_before_anybody_writes(
    city: City, lang: str, words: tuple[str, ...]
) -> None:
    entry = city.catalog.add(city["provider"], an_entry())
    start = wizard(city).prepare(city["provider"], entry.id, lang)  # type: ignore[arg-type]
    said = " ".join(start["materials"].values())
    assert (start["resource"], start["kind"]) == (RESOURCE, "first")
    assert all(word in said for word in words)
    assert city.parties.org("stats-bureau").credit_code in start["materials"]["applicant"]
    name = city.parties.person("provider").name
    assert name in start["materials"]["applicant"]
    assert name in start["materials"]["evidence"]


def test_what_only_people_can_say_is_left_to_them(city: City) -> None:
    """No purpose is made up, no assessment stands for one that was not made, nobody's commitment is ticked for them."""
    entry = city.catalog.add(city["provider"], an_entry())
    start = wizard(city).prepare(city["provider"], entry.id, "zh")
    assert not {"scenarios", "risk_assessment"} & start["materials"].keys()
    assert not {"commitment", "evidence_digest"} & start.keys()


def test_an_organisation_says_once_who_it_is(city: City) -> None:
    first = city.catalog.add(city["provider"], an_entry())
    apply(city, first.id, applicant="统计局数据处，负责全市统计数据", legality="统计法")
    second = city.catalog.add(city["provider"], an_entry(id="990100/stats/prices", title={"zh": "物价"}))
    start = wizard(city).prepare(city["provider"], second.id, "zh")
    assert start["materials"]["applicant"] == "统计局数据处，负责全市统计数据"
    assert start["materials"]["legality"] != "统计法"
    assert "物价" in start["materials"]["situation"]


def test_a_change_starts_from_what_was_registered_and_from_the_entry_of_today(city: City) -> None:
    registered(city)
    authorized(city)
    city.catalog.add(
        city["operator"],
        an_entry(id="990100/op/answers", kind="product", owner="data-group", parents=[RESOURCE], title={"zh": "问答"}),
    )
    city.catalog.revise(city["provider"], RESOURCE, {"summary": {"zh": "改写后的摘要"}})
    start = wizard(city).prepare(city["provider"], RESOURCE, "zh")
    assert start["kind"] == "change"
    assert start["materials"]["legality"] == "stated"
    assert "改写后的摘要" in start["materials"]["situation"]
    assert "问答" in start["materials"]["products"]


def test_entries_are_owed_an_application_until_one_is_under_way(city: City) -> None:
    entry = city.catalog.add(city["provider"], an_entry())
    assert [item.id for item in wizard(city).owed(city["provider"], 10)] == [entry.id]
    assert wizard(city).owed(city["operator"], 10) == ()
    apply(city, entry.id)
    assert wizard(city).owed(city["provider"], 10) == ()


def test_nobody_learns_of_a_secret_entry_by_applying_for_it(city: City) -> None:
    entry = city.catalog.add(city["provider"], an_entry(secrecy=True))
    with pytest.raises(NotFound, match=r"resource\.unknown"):
        wizard(city).prepare(city["operator"], entry.id, "zh")
