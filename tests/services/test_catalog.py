# ruff: noqa: RUF043 - codes hold a dot, and any character there will do
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.base.messages import LANGS
from corpushub.domain.parties import ANONYMOUS
from tests.kit.gov import RESOURCE, City, a_city, an_entry, authorized, registered


@dataclass(frozen=True)
class Source:
    name: str = "notices"
    resource: str = RESOURCE
    select: tuple[str, ...] = ("id", "text")


@dataclass(frozen=True)
class Recipe:
    purpose: str = "model-training"
    sources: tuple[Source, ...] = (Source(),)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return a_city(tmp_path)


@pytest.fixture
def ready(city: City) -> City:
    registered(city)
    city.made["authorization"] = authorized(city)
    return city


def test_an_entry_is_secret_or_not_and_nothing_between(city: City) -> None:
    with pytest.raises(Invalid) as refused:
        city.catalog.add(city["provider"], an_entry(secrecy="no"))
    assert [problem.path for problem in refused.value.problems] == ["secrecy"]


def test_what_an_entry_lacks_is_told_as_missing(city: City) -> None:
    with pytest.raises(Invalid) as refused:
        city.catalog.add(city["provider"], {"owner": "stats-bureau", "title": {}})
    assert [(problem.code, problem.path) for problem in refused.value.problems] == [
        ("form.missing", "id"),
        ("form.missing", "title"),
    ]


def test_a_build_inside_its_authorization_gets_its_grants(ready: City) -> None:
    (grant,) = ready.catalog.authorize_build(ready["operator"], Recipe())
    assert grant.authorization == ready.made["authorization"].id
    assert (grant.grantor, grant.operator) == ("econ-bureau", "data-group")
    assert grant.registration_code


@pytest.mark.parametrize(
    ("recipe", "code"),
    [
        (Recipe(purpose="product-development"), "authorization.purpose"),
        (Recipe(sources=(Source(select=("id", "phone")),)), "authorization.fields"),
        (Recipe(sources=(Source(select=()),)), "authorization.fields"),
    ],
)
def test_a_build_outside_its_authorization_is_refused_naming_the_clause(ready: City, recipe: Recipe, code: str) -> None:
    with pytest.raises(Forbidden, match=code) as refused:
        ready.catalog.authorize_build(ready["operator"], recipe)
    assert ready.made["authorization"].id in refused.value.explain("en")
    assert refused.value.facts["article"]


def test_a_column_the_entry_does_not_list_is_read_neither_by_name_nor_by_leaving_select_out(ready: City) -> None:
    with pytest.raises(Forbidden, match="authorization.unlisted") as refused:
        ready.catalog.authorize_build(ready["operator"], Recipe(sources=(Source(select=("id", "salary")),)))
    assert refused.value.facts["asked"] == "salary"
    everything = Source(select=())
    ready.catalog.check_columns([(everything, ("id", "text"))])
    with pytest.raises(Forbidden, match="authorization.unlisted") as refused:
        ready.catalog.check_columns([(everything, ("id", "text", "salary"))])
    assert "salary" in refused.value.explain("zh")
    assert "select" in refused.value.explain("en")


def test_an_organisation_without_authorization_builds_nothing(ready: City) -> None:
    with pytest.raises(Forbidden, match="authorization.missing"):
        ready.catalog.authorize_build(ready["developer"], Recipe())


def test_an_uncatalogued_source_is_unknown(ready: City) -> None:
    with pytest.raises(NotFound, match="resource.unknown") as refused:
        ready.catalog.authorize_build(ready["operator"], Recipe(sources=(Source(resource="990100/x/y"),)))
    assert all("CAT-404" in refused.value.explain(lang) for lang in LANGS)


def test_suspension_and_expiry_stop_builds(ready: City) -> None:
    ready.do("authority", ready.made["authorization"], "suspend", reason="inspection")
    with pytest.raises(Forbidden, match="authorization.inactive"):
        ready.catalog.authorize_build(ready["operator"], Recipe())
    ready.do("authority", ready.made["authorization"], "resume")
    ready.clock.forward(days=1100)
    with pytest.raises(Forbidden, match="authorization.expired|authorization.unregistered"):
        ready.catalog.authorize_build(ready["operator"], Recipe())


def test_an_authorization_is_not_activated_on_unregistered_entries(city: City) -> None:
    city.catalog.add(city["provider"], an_entry())
    with pytest.raises(Conflict, match="authorization.unregistered") as refused:
        authorized(city)
    assert all("REG-REQ" in refused.value.explain(lang) for lang in LANGS)


def test_overlapping_authorizations_are_refused(ready: City) -> None:
    with pytest.raises(Conflict, match="authorization.overlap"):
        authorized(ready)


def test_only_a_registry_may_bring_a_code(city: City) -> None:
    with pytest.raises(Forbidden, match="resource.code_not_yours"):
        city.catalog.add(city["provider"], an_entry(registration_code="X-1"))
    assert city.catalog.add(city["registrar"], an_entry(registration_code="X-1")).registration_code == "X-1"
    with pytest.raises(Conflict, match="resource.code_taken"):
        city.catalog.add(city["registrar"], an_entry(id="990100/stats/other", registration_code="X-1"))


def test_an_invalid_entry_names_all_its_problems(city: City) -> None:
    with pytest.raises(Invalid, match="resource.invalid") as refused:
        city.catalog.add(city["provider"], an_entry(id="Bad Id", origin="commissioned", colour="red", frequency="often"))
    assert {problem.path for problem in refused.value.problems} == {"id", "contract", "colour", "frequency"}


def test_a_second_source_for_one_element_is_refused(city: City) -> None:
    city.catalog.add(city["provider"], an_entry(elements={"DE-001": "GB/T 1"}))
    with pytest.raises(Conflict, match="resource.element_taken"):
        city.catalog.add(city["provider"], an_entry(id="990100/stats/copy", elements={"DE-001": "GB/T 1"}))


def test_secret_entries_are_unknown_to_outsiders(city: City) -> None:
    city.catalog.add(city["authority"], an_entry(secrecy=True))
    with pytest.raises(NotFound, match="resource.unknown"):
        city.catalog.get(ANONYMOUS, RESOURCE)
    assert city.catalog.search(ANONYMOUS).items == ()
    assert city.catalog.get(city["auditor"], RESOURCE).secrecy


def test_search_finds_every_word_in_both_languages(city: City) -> None:
    city.catalog.add(city["provider"], an_entry())
    for query in ("notices", "公告", "full body", "statistics 正文"):
        assert [entry.id for entry in city.catalog.search(ANONYMOUS, query).items] == [RESOURCE]
    assert city.catalog.search(ANONYMOUS, "notices absent").items == ()


def test_attributes_are_not_edited_but_changed_through_their_flow(city: City) -> None:
    city.catalog.add(city["provider"], an_entry())
    with pytest.raises(Invalid, match="resource.own_flow"):
        city.catalog.revise(city["provider"], RESOURCE, {"open_attribute": "unconditional"})
    assert city.catalog.revise(city["provider"], RESOURCE, {"system": "records"}).system == "records"
    with pytest.raises(Forbidden, match="resource.not_owner"):
        city.catalog.revise(city["operator"], RESOURCE, {"system": "mine"})


def test_an_import_adds_what_is_right_and_names_every_row_that_is_not(city: City) -> None:
    rows = [an_entry(id=f"990100/stats/e{number}") for number in range(30)]
    rows[3]["frequency"] = "often"
    rows[7]["owner"] = "atlantis"
    rows[9] = {"colour": "red"}
    rows[20]["id"] = rows[19]["id"]
    found = city.catalog.import_entries(city["authority"], rows)
    assert len(found.added) == 26
    assert [(problem.line, problem.path or problem.code) for problem in found.problems] == [
        (4, "frequency"),
        (8, "party.unknown_org"),
        (10, "id"),
        (10, "owner"),
        (10, "title"),
        (10, "colour"),
        (21, "resource.exists"),
    ]
    assert len(city.catalog.search(ANONYMOUS, limit=100).items) == 26
