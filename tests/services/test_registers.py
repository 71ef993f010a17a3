"""The tables the policy names say what the record says, to the fen and to the entry."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.base.identity import iso
from corpushub.domain.findings import Finding
from corpushub.domain.parties import ANONYMOUS, SYSTEM
from corpushub.domain.pricing import parts_of
from corpushub.domain.registers import to_csv
from corpushub.domain.workflow import Case
from corpushub.services.oversight import Oversight
from corpushub.services.registers import NAMES, OVERSEEN, Registers, listing_schema
from corpushub.store.tokens import Delivery
from tests.kit.gov import ASK, RESOURCE, City, a_released_city, an_entry, draft, entitled

CAP = {"cap_fen": 900, "kind": "trial", "valid_from": "2026-01-01", "valid_to": "2027-12-31"}
TIERS = [{"from_units": 0, "unit_price_fen": 900}, {"from_units": 100, "unit_price_fen": 700}]


@pytest.fixture
def city(tmp_path: Path) -> City:
    return a_released_city(tmp_path)


def register(city: City, name: str, person: str = "auditor") -> list[dict[str, Any]]:
    return Registers(database=city.database, cases=city.cases, clock=city.clock).rows(city[person], name)


def record(city: City, kind: str, opener: str = "implementer", about: str = "", **facts: Any) -> Case:
    """A confirmed record."""
    data = {"kind": kind, "title": f"the {kind}", "facts": facts} | ({"about": about} if about else {})
    case = city.cases.open(city[opener], "record", data)
    return city.do("authority", case, "confirm")


def listed(city: City, product: str = "city/notices") -> Case:
    statement = {"costs": {"labour": 900_000}}
    data = {"product": product, "operator": "data-group", "implementer": "econ-bureau", "unit": "call"}
    case = city.cases.open(city["operator"], "price", data | {"statement": statement, "expected_units": 1000})
    case = city.do("implementer", case, "check_cost")
    case = city.do("implementer", case, "cap", **CAP)
    return city.do("operator", case, "list", tiers=TIERS)


def book(city: City) -> Case:
    period = {"operator": "data-group", "implementer": "econ-bureau", "valid_from": "2026-01-01", "valid_to": "2026-12-31"}
    return city.cases.open(city["implementer"], "revenue", period | {"permitted_fen": 900_000})


def sale(city: City, held: Case, price: Case, customer: str = "beichen", **over: Any) -> Case:
    data = {"price": price.id, "customer": customer, "units": 10, "purpose": "model-training"}
    return city.do("operator", held, "record_sale", **(data | over))


def found_in(city: City) -> tuple[Finding, ...]:
    return Oversight(database=city.database, cases=city.cases, clock=city.clock).unusual(city["supervisor"])


def findings(city: City) -> dict[str, tuple[str, ...]]:
    return {item.kind: item.orgs for item in found_in(city)}


def product(city: City, name: str = "report", **over: Any) -> str:
    entry = an_entry(**({"id": f"990100/group/{name}", "kind": "product", "owner": "data-group", "parents": [RESOURCE]} | over))
    return str(city.catalog.add(city["operator"], entry).id)


# Articles 7 and 8: prices


def test_a_sale_costs_what_is_listed_and_public_purposes_nothing(city: City) -> None:
    price = listed(city)
    held = sale(city, book(city), price, units=110)
    assert held.data["amount_fen"] == 100 * 900 + 10 * 700
    held = sale(city, held, price, purpose="public-welfare")
    assert held.data["amount_fen"] == 0
    assert held.data["earned_fen"] == 97_000


def test_seeded_price_violations_are_all_found(city: City) -> None:
    """Article 8: no visible price, not the listed price, above the cap, like customers billed differently."""
    assert not {"no_price", "not_as_listed", "price_differs", "above_cap"} & set(findings(city))
    hidden = product(city)
    with city.database.begin() as unit:
        city.cases.amend_in(unit, SYSTEM, hidden, "registered", {"registration_code": "R-9", "state": "published"})
    price = listed(city)
    held = sale(city, book(city), price, amount_fen=8_000)
    sale(city, held, price, "district", amount_fen=9_000)
    found = findings(city)
    assert found["no_price"] == ("data-group",)
    assert found["not_as_listed"] == ("data-group",)
    assert found["price_differs"] == ("beichen", "district")
    city.do("implementer", price, "adjust", reason="costs fell")
    city.do("implementer", price, "cap", **(CAP | {"cap_fen": 500}))
    assert findings(city)["above_cap"] == ("data-group",)


@pytest.mark.parametrize("kind", ["service", "api", "index", "model"])
def test_a_service_without_a_visible_price_is_found_like_a_product(city: City, kind: str) -> None:
    hidden = product(city, kind=kind)
    with city.database.begin() as unit:
        city.cases.amend_in(unit, SYSTEM, hidden, "registered", {"registration_code": "R-9", "state": "published"})
    assert findings(city)["no_price"] == ("data-group",)


def test_the_permitted_revenue_warns_at_eighty_and_at_a_hundred_percent(city: City) -> None:
    oversight = Oversight(database=city.database, cases=city.cases, clock=city.clock)
    price, held = listed(city), book(city)
    lights = []
    for units in (799, 1, 199, 1):
        held = sale(city, held, price, units=units, amount_fen=units * 900)
        lights.append(oversight.revenue_meters(city["auditor"])[0]["light"])
    assert lights == ["green", "amber", "amber", "red"]


def test_revenue_is_shared_to_the_fen_and_contributors_are_credited(city: City) -> None:
    """Articles 7 and 9: shares of a product sum to a hundred, and whoever gave the corpus stands in the table."""
    sale(city, book(city), listed(city), units=1, amount_fen=100)
    record(
        city,
        "revenue_share",
        product="city/notices",
        basis="contract",
        shares={"data-group": 33.3, "stats-bureau": 33.3, "beichen": 33.4},
    )
    rows = register(city, "revenue")
    assert {row["party"] for row in rows} == {"data-group", "stats-bureau", "beichen"}
    assert sum(row["amount_fen"] for row in rows) == 100
    with pytest.raises(Invalid, match=r"price\.shares"):
        record(city, "revenue_share", product="x", basis="contract", shares={"a": 50, "b": 49})


@given(st.integers(0, 10**12), st.lists(st.integers(1, 97), min_size=1, max_size=6))
def test_parts_always_sum_to_the_whole(amount: int, weights: list[int]) -> None:
    total = sum(weights)
    shares = {f"p{number}": 100 * weight / total for number, weight in enumerate(weights)}
    shares["p0"] += 100 - sum(shares.values())
    assert sum(parts_of(amount, shares).values()) == amount


# Articles 1, 2, 19: the catalog


def test_the_product_list_is_the_query_and_shows_orphans(city: City) -> None:
    """Article 1: 授权运营产品和服务清单."""
    report = product(city)
    listed(city, report)
    city.catalog.add(city["provider"], an_entry(id="990100/stats/other"))
    rows = register(city, "products", "developer")
    assert [row["id"] for row in rows] == [entry.id for entry in city.catalog.search(ANONYMOUS, kind="product").items] == [report]
    assert (rows[0]["orphan"], rows[0]["priced"]) == (False, True)
    with pytest.raises(Invalid, match=r"resource\.parent_unknown"):
        product(city, "orphan", title={"zh": "x", "en": "x"}) and city.catalog.add(
            city["operator"], an_entry(id="990100/group/lost", kind="product", owner="data-group", parents=["990100/x/y"])
        )


def test_a_product_is_no_lower_in_class_than_what_it_is_made_from(city: City) -> None:
    """Article 15: a derived level below its source needs a record."""
    strict = an_entry(id="990100/stats/strict", classification={"category": "general", "grade": 3})
    city.catalog.add(city["provider"], strict)
    entry = an_entry(id="990100/group/low", kind="product", owner="data-group", parents=["990100/stats/strict"])
    with pytest.raises(Conflict, match=r"resource\.below_parents"):
        city.catalog.add(city["operator"], entry)
    city.catalog.add(city["operator"], entry | {"classification": {"category": "general", "grade": 3, "assessment": ""}})


def test_elements_show_their_one_source_and_every_copy(city: City) -> None:
    """Article 2: 一数一源一标准, duplicate elements."""
    city.catalog.add(
        city["provider"], an_entry(id="990100/stats/people", elements={"name": "GB-1"}, items=[{"name": "n", "element": "name"}])
    )
    copy = an_entry(
        id="990100/stats/copy",
        items=[{"name": "who", "element": "name", "meaning": {"zh": "名", "en": "n"}}, {"name": "x", "element": "lost"}],
    )
    city.catalog.add(city["provider"], copy)
    rows = {row["element"]: row for row in register(city, "elements")}
    assert rows["name"] == {
        "element": "name",
        "source": "990100/stats/people",
        "standard": "GB-1",
        "copies": ["990100/stats/copy#who"],
        "duplicated": False,
    }
    assert rows["lost"]["source"] == ""


def test_standards_are_counted_by_the_fields_that_cite_them(city: City) -> None:
    record(city, "standard", number="GB-1", name="names", scope="people")
    items = [
        {"name": "a", "standard": "GB-1"},
        {"name": "b", "standard": "DB-9"},
        {"name": "c"},
        {"name": "d", "standard": "GB-1"},
    ]
    city.catalog.add(city["provider"], an_entry(id="990100/stats/std", items=items))
    rows = {row["number"] or row["name"]: row for row in register(city, "standards")}
    assert (rows["GB-1"]["fields"], rows["not in the register"]["fields"]) == (2, 1)
    assert sum(row["fields"] for row in rows.values()) == 4 + 4
    assert rows["GB-1"]["percent"] == 25.0


def test_a_survey_shows_who_answered_and_where_the_catalog_differs(city: City) -> None:
    record(city, "survey", questionnaire=["stats-bureau", "econ-bureau"], answered={"stats-bureau": 3})
    rows = {row["org"]: row for row in register(city, "surveys")}
    assert rows["stats-bureau"]["gap"] == 2
    assert rows["econ-bureau"]["stated"] is None
    assert {row["response_percent"] for row in rows.values()} == {50.0}


# Articles 4, 11, 14


def test_every_channel_is_on_the_register_with_its_last_day(city: City) -> None:
    """Article 4: 不得单独建设共享通道."""
    record(city, "external_channel", system="old exchange", reason="until migrated", sunset="2026-01-31")
    row = Delivery(
        "d-1",
        iso(city.clock()),
        "city/notices",
        "0" * 40,
        "",
        1,
        10,
        1,
        "developer",
        "beichen",
        "",
        "e",
        "research",
        "query",
        "r",
    )
    with city.database.begin() as unit:
        unit.deliveries.add([row])
    rows = {row["channel"]: row for row in register(city, "channels", "developer")}
    assert rows["query"]["deliveries"] == 1
    assert rows["the external_channel"]["overdue"] is True
    assert {"file", "stream", "query", "compute", "model"} <= set(rows)
    with pytest.raises(Invalid, match=r"record\.odd_fact"):
        record(city, "external_channel", system="x", reason="y", sunset="soon")


def test_a_settlement_sums_to_the_whole_and_is_exported(city: City) -> None:
    """Article 11: 区域合作和利益调节."""
    record(city, "settlement", parties=["a", "b", "c"], basis="use", shares={"a": 50, "b": 30, "c": 20}, amount_fen=1001)
    rows = register(city, "settlements")
    assert (sum(row["percent"] for row in rows), sum(row["amount_fen"] for row in rows)) == (100, 1001)
    told = Registers(database=city.database, cases=city.cases, clock=city.clock).csv(city["auditor"], "settlements")
    assert [int(row["amount_fen"]) for row in csv.DictReader(io.StringIO(told))] == [row["amount_fen"] for row in rows]


def test_a_breach_of_a_sharing_duty_is_counted_by_item(city: City) -> None:
    data = {
        "scenario": "one thing",
        "demander": "econ-bureau",
        "supplier": "stats-bureau",
        "resources": [RESOURCE],
        "mode": "api",
    }
    case = city.cases.open(city["authority"], "share_item", data | {"frequency": "daily", "basis": "list 2026"})
    for person, command, more in (
        ("implementer", "confirm_demand", {}),
        ("provider", "confirm_supply", {}),
        ("implementer", "report_breach", {"reason": "three days late"}),
        ("provider", "remedy", {}),
    ):
        case = city.do(person, case, command, **more)
    (row,) = register(city, "sharing")
    assert (row["breaches"], row["remedied"], row["state"]) == (1, 1, "effective")


def test_a_district_sees_what_it_gives_and_holds(city: City) -> None:
    """Article 14: 各区示范; article 4: data handed down and given back."""
    city.catalog.add(city["district"], an_entry(id="990101/district/upward", owner="district", parents=[RESOURCE]))
    content = {"parent": city.made["authorization"].id, "holder": "district", "resources": [RESOURCE], "purposes": ["research"]}
    content |= {
        "fields": {RESOURCE: ["id"]},
        "channels": ["query"],
        "valid_from": "2026-03-02",
        "valid_to": "2027-03-01",
        "regions": ["990101"],
    }
    city.do("district", city.cases.open(city["implementer"], "delegation", content), "accept")
    (row,) = register(city, "districts", "developer")
    assert (row["district"], row["entries"], row["rights_held"]) == ("district", 1, 1)


def test_an_operator_s_numbers_are_those_of_its_cases(city: City) -> None:
    (row,) = register(city, "operators")
    assert (row["operator"], row["authorizations"], row["versions"], row["kind"]) == ("data-group", 1, 1, "operator")


def test_the_word_behind_an_agreement_leads_to_the_ministry(city: City) -> None:
    """Article 11: 部委授权地方."""
    record(
        city,
        "foreign_basis",
        about=city.made["authorization"].id,
        authorizer="ministry",
        document_digest="a" * 64,
        scope="statistics",
    )
    (row,) = register(city, "bases", "developer")
    assert row["chain"] == ["ministry", "econ-bureau", "data-group"]
    assert row["document_digest"] == "a" * 64


# Articles 5, 10, 12, 13, 18, 20


def test_costs_and_research_are_exported(city: City) -> None:
    record(city, "research_cost", product="city/notices", year=2026, amount=500)
    record(city, "research_cost", product="city/notices", year=2026, amount=250)
    record(city, "budget", line="2080199", amount=1000, procurement="open tender")
    zone = {
        "name": "z",
        "domain": "d",
        "implementer": "econ-bureau",
        "operator": "data-group",
        "members": ["beichen"],
        "resources": [RESOURCE],
    }
    city.cases.open(city["implementer"], "zone", zone | {"rules": "as agreed", "costs": {"build": 7}, "benefits": {"fees": 9}})
    assert register(city, "research") == [{"product": "city/notices", "year": "2026", "amount": 750}]
    rows = {(row["kind"], row["line"]): row["amount"] for row in register(city, "costs")}
    assert (rows["budget", "2080199"], rows["zone_costs", "build"], rows["zone_benefits", "fees"]) == (1000, 7, 9)


def test_a_project_of_government_and_business_names_its_review(city: City) -> None:
    """Article 8: 政企合作项目评审管理."""
    zone = {
        "name": "z",
        "domain": "d",
        "implementer": "econ-bureau",
        "operator": "data-group",
        "members": ["beichen"],
        "resources": [RESOURCE],
    }
    zone |= {"rules": "as agreed", "cooperation": True}
    with pytest.raises(Invalid, match=r"form\.missing"):
        city.cases.open(city["implementer"], "zone", zone)
    city.cases.open(city["implementer"], "zone", zone | {"review_number": "2026-12"})


def test_a_scenario_shows_its_data_s_versions_and_becomes_a_case(city: City) -> None:
    """Articles 10 and 20."""
    scenario = record(
        city, "scenario", goal="better answers", data=["city/notices"], products="a hotline", metrics="first answers right"
    )
    record(city, "good_case", title="hotline", scenario=scenario.id, result="92 % right")
    (row,) = register(city, "scenarios", "developer")
    assert row["versions"] == {"city/notices": "1.0.0 released"}
    assert row["good_case"] == "92 % right"


def test_a_high_value_s_criterion_stands_in_the_entry(city: City) -> None:
    """Article 5: 高价值数据."""
    with pytest.raises(Invalid, match=r"record\.missing"):
        record(city, "high_value", resource=RESOURCE)
    record(city, "high_value", resource=RESOURCE, criterion="asked for by many")
    assert city.catalog.get(ANONYMOUS, RESOURCE).high_value == "asked for by many"


def test_a_listing_pack_fits_its_schema_and_a_deal_comes_back_to_the_version(city: City) -> None:
    """Article 12: 交易所入场."""
    price = listed(city)
    pack = Registers(database=city.database, cases=city.cases, clock=city.clock).listing_pack(ANONYMOUS, "city/notices", "1.0.0")
    jsonschema.validate(pack, listing_schema())
    assert pack["price"][0]["case"] == price.id
    assert pack["compliance"]["registrations"][RESOURCE]
    facts = {
        "product": "city/notices",
        "exchange": "BIDEX",
        "listing_number": "L-1",
        "registration_code": "R-1",
        "version": "1.0.0",
    }
    with pytest.raises(Conflict, match=r"record\.not_released"):
        record(city, "listing", "operator", **(facts | {"version": "9.9.9"}))
    listing = record(city, "listing", "operator", **facts)
    other = record(city, "listing", "operator", **(facts | {"exchange": "TJDEX", "listing_number": "L-2"}))
    deal = {"listing": listing.id, "version": "1.0.0", "buyer": "beichen", "amount_fen": 100, "day": "2026-03-20"}
    with pytest.raises(Conflict, match=r"record\.no_listing"):
        record(city, "deal", "operator", **(deal | {"version": "2.0.0"}))
    record(city, "deal", "operator", **deal)
    record(city, "deal", "operator", **(deal | {"listing": other.id}))
    assert {(row["exchange"], row["product"], row["version"]) for row in register(city, "deals")} == {
        ("BIDEX", "city/notices", "1.0.0"),
        ("TJDEX", "city/notices", "1.0.0"),
    }


def test_what_is_not_out_is_not_packed(city: City) -> None:
    registers = Registers(database=city.database, cases=city.cases, clock=city.clock)
    city.cases.open(city["operator"], "release", draft(city, version="2.0.0"))
    with pytest.raises(Conflict, match=r"record\.not_released"):
        registers.listing_pack(ANONYMOUS, "city/notices", "2.0.0")
    with pytest.raises(NotFound):
        registers.listing_pack(ANONYMOUS, "city/notices", "7.0.0")


@pytest.mark.parametrize("name", NAMES)
def test_registers_are_the_same_again_and_closed_to_those_outside(city: City, name: str) -> None:
    assert register(city, name) == register(city, name)
    if name in OVERSEEN:
        with pytest.raises(Forbidden, match=r"oversight\.only"):
            register(city, name, "developer")
    else:
        register(city, name, "developer")


def test_an_unknown_register_is_told_with_those_there_are(city: City) -> None:
    with pytest.raises(NotFound) as caught:
        register(city, "nothing")
    assert "settlements" in caught.value.explain("en")


def test_no_register_tells_of_a_secret_entry(city: City) -> None:
    secret = an_entry(id="990100/stats/secret", secrecy=True, elements={"plan": "GB-9"}, kind="resource")
    city.catalog.add(city["provider"], secret)
    told = "".join(to_csv(register(city, name)) for name in NAMES)
    assert "990100/stats/secret" not in told
    assert "plan" not in {row["element"] for row in register(city, "elements")}


def test_cells_are_no_formulas() -> None:
    assert to_csv([{"a": "=1+1", "b": ["x"]}]) == 'a,b\n\'=1+1,"[""x""]"\n'
    assert to_csv([]) == "\n"
    for sneaky in ("\t=1+1", "\r\n@SUM(A1)", " +1", "＝1+1", "－1"):
        assert to_csv([{"a": sneaky}]).split("\n", 1)[1].strip('"').startswith("'")


def test_a_record_from_before_its_rules_leaves_its_register_readable(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was confirmed when facts were not looked at stays on record; one such survey never takes the table from everybody."""
    with monkeypatch.context() as patch:
        patch.setattr("corpushub.domain.flows.record._is_wrong", lambda *_: False)
        record(city, "survey", questionnaire=["stats-bureau"], answered=["stats-bureau"])
        record(city, "research_cost", product="city/notices", year=2026, amount="a hundred")
    record(city, "survey", questionnaire=["stats-bureau"], answered={"stats-bureau": 3})
    assert [row["stated"] for row in register(city, "surveys")] == [3]
    assert register(city, "research") == []


def test_a_listing_pack_names_its_zone_and_what_resolves_it(city: City) -> None:
    """Article 12: 与协作网络、专区联动."""
    zone = {
        "name": "notices",
        "domain": "government",
        "implementer": "econ-bureau",
        "operator": "data-group",
        "members": ["beichen"],
        "resources": [RESOURCE],
        "rules": "as agreed",
    }
    case = city.do("authority", city.cases.open(city["implementer"], "zone", zone), "approve")
    registers = Registers(database=city.database, cases=city.cases, clock=city.clock)
    assert registers.listing_pack(ANONYMOUS, "city/notices", "1.0.0")["network"]["zones"] == []
    city.do("implementer", case, "launch")
    pack = registers.listing_pack(ANONYMOUS, "city/notices", "1.0.0")
    jsonschema.validate(pack, listing_schema())
    assert pack["network"] == {"resolver": "/v1/id/city/notices@1.0.0", "zones": [case.id]}
    oversight = Oversight(database=city.database, cases=city.cases, clock=city.clock)
    assert oversight.resolve(ANONYMOUS, pack["network"]["resolver"].removeprefix("/v1/id/")).state == "released"


def test_what_nobody_did_in_time_is_on_the_register_until_it_is_done(city: City) -> None:
    wrong = {"about": RESOURCE, "kind": "missing", "text": "a day is missing"}
    case = city.cases.open(city["developer"], "objection", wrong)
    assert register(city, "overdue") == []
    city.clock.forward(days=60)
    late = register(city, "overdue")
    assert {row["clock"] for row in late if row["case"] == case.id} == {"acknowledge", "check"}
    assert {(row["flow"], row["org"], row["about"]) for row in late if row["case"] == case.id} == {
        ("objection", "beichen", RESOURCE)
    }
    assert [row["days_late"] for row in late] == sorted((row["days_late"] for row in late), reverse=True)
    assert min(row["days_late"] for row in late) > 0
    city.cases.execute(city["provider"], case.id, "decline", {"reason_code": "not_ours", "reason": "another bureau has it"})
    assert not [row for row in register(city, "overdue") if row["case"] == case.id]
    with pytest.raises(Forbidden, match=r"oversight\.only"):
        register(city, "overdue", "developer")


def test_scored_submissions_of_a_contest_are_ranked_team_by_team(city: City) -> None:
    contest = record(
        city, "contest", "operator", name="cup", datasets=["city/notices"], ends="2026-04-01", scoring="F1 on a hidden month"
    )
    with pytest.raises(Conflict, match=r"record\.no_contest"):
        record(city, "contest_result", "operator", contest="rec-none", team="beichen", digest="a" * 64, score=0.5)
    with pytest.raises(Invalid, match=r"record\.odd_fact"):
        record(city, "contest_result", "operator", contest=contest.id, team="beichen", digest="a" * 64, score="good")
    for team, score in (("beichen", 0.81), ("beichen", 0.9), ("qingyun", 0.9), ("west", 0.4)):
        record(
            city,
            "contest_result",
            "operator",
            contest=contest.id,
            team=team,
            digest=f"{score:.2f}".replace(".", "a") * 16,
            score=score,
        )
    standings = [(row["rank"], row["team"], row["score"], row["submissions"]) for row in register(city, "contests", "developer")]
    assert standings == [(1, "beichen", 0.9, 2), (1, "qingyun", 0.9, 1), (3, "west", 0.4, 1)]


def test_products_never_sold_apart_are_found(city: City) -> None:
    """Article 8, tying: one bought on its own by anybody clears both directions it stood in."""
    report, index = listed(city, product(city)), listed(city, product(city, "index", kind="index"))
    held = book(city)
    for customer in ("beichen", "district", "stats-bureau"):
        assert "tied" not in findings(city)
        for price in (report, index):
            held = sale(city, held, price, customer)
    assert findings(city)["tied"] == ("data-group",)
    city.clock.forward(days=1)
    held = sale(city, held, index, "district")
    (finding,) = [item for item in found_in(city) if item.kind == "tied"]
    assert finding.facts == {"product": "990100/group/report", "tied_to": "990100/group/index", "count": 3}
    sale(city, held, report, "beichen")
    city.clock.forward(days=1)
    assert "tied" not in findings(city)


def test_data_that_one_holds_and_others_were_refused_is_found(city: City) -> None:
    entitled(city)
    assert "exclusive" not in findings(city)
    case = city.cases.open(city["provider"], "access", ASK)
    for person, command in (("provider", "submit"), ("operator", "triage"), ("reviewer", "propose")):
        case = city.do(person, case, command)
    city.do("implementer", case, "reject", reason_code="cost", reason="too costly to serve")
    assert findings(city)["exclusive"] == ("beichen", "stats-bureau")
