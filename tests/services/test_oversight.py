# ruff: noqa: RUF043 - codes hold a dot, and any character there will do
from __future__ import annotations

import calendar
import html
import io
import re
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa

from corpushub.base.errors import Forbidden, HubError, Invalid, NotFound
from corpushub.base.identity import business_day, canonical, digest_of, iso
from corpushub.base.messages import Lang
from corpushub.domain.flows import flows
from corpushub.domain.indicators import Indicator, counted_types, indicators, indicators_of
from corpushub.domain.parties import ANONYMOUS, SYSTEM
from corpushub.services import tallies
from corpushub.services.oversight import Oversight
from corpushub.services.reporting import printed
from corpushub.store.hub_tables import repo_ref
from corpushub.store.tokens import Delivery
from tests.kit.gov import MATERIALS, RESOURCE, City, a_released_city, an_entry, entitled, proposed

WHY = {"reason": "because it has to be"}


@pytest.fixture
def city(tmp_path: Path) -> City:
    city = a_released_city(tmp_path)
    city.made["oversight"] = Oversight(database=city.database, cases=city.cases, clock=city.clock)
    return city


def oversight(city: City) -> Oversight:
    made: Oversight = city.made["oversight"]
    return made


def kinds(city: City) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in oversight(city).unusual(city["auditor"]):
        found[item.kind] = found.get(item.kind, 0) + 1
    return found


def test_indicators_count_the_events_they_name(city: City) -> None:
    found = {item.id: item for item in oversight(city).indicators(ANONYMOUS)}
    assert found["versions_released"].value == 1
    assert found["versions_released"].events == (f"{city.made['release'].id}@5",)
    assert found["days_to_register"].value == 14, "working days between submission and code, with Qingming in between"
    assert found["entries_registered"].formula == "count(registration.coded)"
    none = {item.id: item.value for item in oversight(city).indicators(ANONYMOUS, last=date(2025, 12, 31))}
    assert set(none.values()) == {0.0}


def test_the_disclosure_pack_of_a_year_is_the_same_whenever_it_is_made(city: City) -> None:
    city.clock.forward(days=300)
    before = oversight(city).disclosure_pack(ANONYMOUS, 2026)
    city.clock.forward(days=40)
    city.do("authority", city.made["authorization"], "suspend", **WHY)
    after = oversight(city).disclosure_pack(ANONYMOUS, 2026)
    assert canonical(before) == canonical(after)
    assert oversight(city).disclosure_pack(ANONYMOUS, 2027)["authorizations"][0]["state"] == "suspended"
    assert oversight(city).disclosure_pack(ANONYMOUS, 2025)["totals"]["authorizations"] == 0
    with pytest.raises(Invalid, match="oversight.future_year"):
        oversight(city).disclosure_pack(ANONYMOUS, 2031)


def test_a_disclosure_carries_its_pack_and_is_due_in_march(city: City) -> None:
    case = oversight(city).disclose(city["implementer"], 2026, kind="implementer", org="econ-bureau")
    assert case.data["pack"]["authorizations"][0]["operator"] == "data-group"
    assert case.data["pack"]["products"][0]["dataset"] == "city/notices"
    assert oversight(city).disclosure_due(2026) == date(2027, 3, 31)


def test_a_disclosure_says_what_the_record_says_whoever_opens_it(city: City) -> None:
    """Article 8: through REST and the command line, too, the hub compiles the pack; nobody brings numbers of their own."""
    told = oversight(city).disclosure_pack(ANONYMOUS, 2026, org="data-group")
    asked = {"year": 2026, "kind": "operator", "subject_org": "data-group"}
    case = city.cases.open(city["operator"], "disclosure", asked)
    assert (case.data["pack"], case.data["pack_digest"]) == (told, digest_of(told))
    city.cases.open(city["operator"], "disclosure", asked | {"pack": told, "pack_digest": digest_of(told), "upto": 1})
    for wrong, code in (
        ({"pack": {"made": "up"}}, "oversight.not_the_record"),
        ({"pack_digest": "0" * 64}, "oversight.not_the_record"),
        ({"year": 2031}, "oversight.future_year"),
        ({"year": "soon"}, "case.form"),
        ({"subject_org": "econ-bureau"}, "oversight.not_own_pack"),
        ({"subject_org": ""}, "form.missing"),
        ({"replaces": case.id}, "oversight.not_replaced"),
    ):
        with pytest.raises(HubError) as refusal:
            city.cases.open(city["operator"], "disclosure", asked | wrong)
        assert refusal.value.code == code


def test_seeded_patterns_are_found(city: City) -> None:
    """Twenty approvals by one pair, seconds after the proposal, on a Sunday night, one of them for a friend (article 16)."""
    assert "always_yes" not in kinds(city)
    city.clock.now = city.clock.now.replace(month=4, day=5, hour=15)
    for number in range(21):
        case = proposed(city, version=f"9.0.{number}")
        city.clock.forward(minutes=0.2)
        city.do("reviewer", case, "approve")
    city.parties.declare_conflict(city["reviewer"], person="reviewer", org="data-group", kind="shares")
    found = kinds(city)
    assert found["too_fast"] >= 21
    assert found["off_hours"] >= 21
    assert found["same_pair"] == 1
    assert found["always_yes"] == 1
    assert found["related_org"] >= 21


def test_findings_are_of_the_span_asked_for_and_know_what_was_proposed_before_it(city: City) -> None:
    city.clock.now = city.clock.now.replace(month=4, day=3, hour=15)
    case = proposed(city, version="9.0.0")
    city.clock.forward(minutes=0.2)
    city.do("reviewer", case, "approve")
    approved = business_day(city.clock())
    found = [item for item in oversight(city).unusual(city["auditor"], first=approved) if f"{case.id}@" in item.events[0]]
    assert [item.kind for item in found if item.kind == "too_fast"] == ["too_fast"]
    assert oversight(city).unusual(city["auditor"], first=approved + timedelta(days=1)) == ()
    city.clock.forward(days=400)
    assert oversight(city).unusual(city["auditor"]) == (), "older than the rule looks back"


def test_who_decides_from_one_seat_for_longer_than_five_years_is_found(city: City) -> None:
    """Article 16: rotation. A short leave is none, a long one is."""

    def found() -> list[tuple[str, str]]:
        return [
            (item.persons[0], item.facts["role"])
            for item in oversight(city).unusual(city["auditor"])
            if item.kind == "rotation_due"
        ]

    city.clock.forward(days=1700)
    city.parties.unbind(city["keeper"], "reviewer", "reviewer")
    city.clock.forward(days=20)
    city.parties.bind(city["keeper"], "reviewer", "reviewer")
    city.clock.forward(days=120)
    case = proposed(city, version="2.0.0")
    city.do("reviewer", case, "approve")
    assert ("reviewer", "reviewer") in found()
    city.parties.unbind(city["keeper"], "reviewer", "reviewer")
    city.clock.forward(days=40)
    city.parties.bind(city["keeper"], "reviewer", "reviewer")
    assert ("reviewer", "reviewer") not in found()


def test_only_oversight_sees_findings(city: City) -> None:
    for person in ("developer", "operator"):
        with pytest.raises(Forbidden, match="oversight.only"):
            oversight(city).unusual(city[person])


def test_who_holds_a_dataset_in_one_answer(city: City) -> None:
    entitled(city)
    (holder,) = oversight(city).holders(city["auditor"], "city/notices")
    assert (holder.org, holder.state, holder.purpose, holder.deliveries) == ("beichen", "active", "research", 0)


def test_who_has_taken_a_version_in_one_query(city: City) -> None:
    commits = {"v1.0.0": "c" * 40, "v1.0.1": "d" * 40}
    row = Delivery(
        id="d-1", at=iso(city.clock()), repo="city/notices", commit=commits["v1.0.0"], path="x", files=1, bytes=5, rows=1,
        person="developer", org="beichen", token="", entitlement="ent-x", purpose="research", channel="file", request="",
    )  # fmt: skip
    with city.database.begin() as unit:
        unit.repos.ensure("city/notices", org="data-group", by="operator", gated="manual")
        for tag, commit in commits.items():
            unit.connection.execute(
                repo_ref.insert().values(
                    repo="city/notices", kind="tags", name=tag, target=commit, released=commit, at=iso(city.clock())
                )
            )
        unit.deliveries.add(
            [row, replace(row, id="d-2", bytes=7), replace(row, id="d-3", org="district", commit=commits["v1.0.1"])]
        )
    auditor, asked = city["auditor"], list[str]()
    sa.event.listen(city.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    (holder,) = oversight(city).holders(auditor, "city/notices@1.0.0")
    assert (holder.org, holder.deliveries, holder.bytes) == ("beichen", 2, 12)
    assert len([text for text in asked if text.lstrip().startswith("SELECT")]) == 1
    assert oversight(city).holders(city["auditor"], "city/notices@9.9.9") == ()


def test_ids_resolve_for_ever(city: City) -> None:
    code = city.catalog.get(SYSTEM, RESOURCE).registration_code
    assert oversight(city).resolve(ANONYMOUS, code).id == RESOURCE
    case = city.made["release"]
    for person in ("reviewer", "implementer"):
        city.do(person, case, "withdraw", successor="city/notices@1.0.1", **WHY)
    stone = oversight(city).resolve(ANONYMOUS, "city/notices@1.0.0")
    assert (stone.state, stone.successor, stone.reason) == ("withdrawn", "city/notices@1.0.1", WHY["reason"])
    with pytest.raises(NotFound, match="oversight.unknown_id"):
        oversight(city).resolve(ANONYMOUS, "city/other")


def test_an_application_s_number_tells_how_far_it_is(city: City) -> None:
    entry = city.catalog.add(city["provider"], an_entry(id="990100/stats/new"))
    asked = {"resource": entry.id, "kind": "first", "materials": MATERIALS, "evidence_digest": "a" * 64, "commitment": True}
    case = city.cases.open(city["provider"], "registration", asked)
    city.do("provider", case, "submit")
    found = oversight(city).resolve(ANONYMOUS, case.id)
    assert (found.id, found.kind, found.state, found.title["en"]) == (case.id, "registration", "submitted", "Notices")
    for other in (f"{case.id[:-1]}!", "reg-", "acc-01"):
        with pytest.raises(NotFound, match=r"oversight\.unknown_id"):
            oversight(city).resolve(ANONYMOUS, other)


def test_gaps_of_the_catalog(city: City) -> None:
    city.catalog.add(city["provider"], an_entry(id="990100/stats/bare", items=[{"name": "x", "element": "DE-9"}], interpreter={}))
    gaps = oversight(city).catalog_gaps(city["authority"], systems=["ledger"])
    assert gaps["systems_without_entries"] == ["ledger"]
    assert gaps["incomplete"]["990100/stats/bare"] == ["interpreter", "items.x.meaning"]
    assert gaps["elements_without_source"] == ["DE-9"]


def test_the_plan_counts_what_is_done(city: City) -> None:
    plan = {"year": 2026, "quarter": "2", "resource": RESOURCE, "owner": "stats-bureau", "action": "dataset", "due": "2026-06-30"}
    case = city.cases.open(city["authority"], "plan_item", plan)
    city.cases.open(city["authority"], "plan_item", plan | {"quarter": "3"})
    city.do("provider", case, "complete", proof=city.made["release"].id)
    assert oversight(city).opening_plan(ANONYMOUS, 2026)["done_percent"] == 50.0


def test_the_change_feed_follows_the_record(city: City) -> None:
    seen = oversight(city).changes(ANONYMOUS)
    assert [item["type"] for item in seen] == ["resource.added", "resource.registered"]
    city.catalog.revise(city["provider"], RESOURCE, {"system": "records"})
    (new,) = oversight(city).changes(ANONYMOUS, after=int(seen[-1]["seq"]))
    assert new["type"] == "resource.revised"


def test_a_report_names_the_record_it_rests_on(city: City) -> None:
    one = oversight(city).report(city["authority"], first=date(2026, 1, 1), last=date(2026, 12, 31))
    assert one["upto"] == one["ledger_size"]
    assert one == oversight(city).report(city["auditor"], first=date(2026, 1, 1), last=date(2026, 12, 31))


def test_a_report_is_a_document_with_the_numbers_and_the_events_behind_them(city: City) -> None:
    span = (date(2026, 1, 1), date(2026, 12, 31))
    told = oversight(city).report(city["authority"], first=span[0], last=span[1])
    assert printed(oversight(city), city["authority"], span, "docx", "zh") == printed(
        oversight(city), city["auditor"], span, "docx", "zh"
    )
    spoken: dict[Lang, str] = {"zh": "14 个工作日", "en": "14 working days"}
    for form in ("md", "html", "docx"):
        for lang, days in spoken.items():
            data = printed(oversight(city), city["authority"], span, form, lang)
            text = words_of_docx(data) if form == "docx" else data.decode()
            assert all(item["formula"] in html.unescape(text) for item in told["indicators"]), form
            assert f"{city.made['release'].id}@5" in text
            assert told["digest"] in text
            assert days in text
    with pytest.raises(Invalid, match="report.form"):
        printed(oversight(city), city["authority"], span, "pdf", "zh")
    with pytest.raises(Forbidden, match="oversight.only"):
        printed(oversight(city), city["developer"], span, "md", "zh")


def words_of_docx(data: bytes) -> str:
    """Text of a Word document as a reader of the standard finds it: by content type, relationship and paragraph."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.testzip() is None
        types = ET.fromstring(package.read("[Content_Types].xml"))
        (target,) = [item.get("Target", "") for item in ET.fromstring(package.read("_rels/.rels"))]
        assert f"/{target}" in {item.get("PartName") for item in types}
        body = ET.fromstring(package.read(target))
    return "\n".join(
        "".join(part.itertext()) for part in body.iter("{http://schemas.openxmlformats.org/wordprocessingml/2006/main}p")
    )


def test_a_conflict_declared_late_takes_the_voice_back(city: City) -> None:
    approved = proposed(city, version="1.2.0")
    city.do("implementer", approved, "approve")
    city.do("reviewer", approved, "approve")
    assert oversight(city).recheck_conflicts() == 0
    city.parties.declare_conflict(city["reviewer"], person="reviewer", org="beichen", kind="shares")
    assert oversight(city).recheck_conflicts() == 0, "no stake of that organisation here"
    city.parties.declare_conflict(city["reviewer"], person="reviewer", org="data-group", kind="shares")
    assert oversight(city).recheck_conflicts() == 2
    assert city.cases.get(SYSTEM, approved.id).state == "in_review"
    assert city.cases.get(SYSTEM, city.made["release"].id).state == "quarantined"
    assert oversight(city).recheck_conflicts() == 0


def recomputed(city: City) -> tuple[Indicator, ...]:
    with city.database.read() as unit:
        return indicators((event for _, event in unit.events.since(limit=10_000)), city.cases.rules)


def test_reading_only_what_is_counted_changes_no_number(city: City) -> None:
    assert recomputed(city) == oversight(city).indicators(ANONYMOUS)
    source = Path(indicators.__code__.co_filename).read_text("utf-8")
    named = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', source))
    assert named <= counted_types(flows())


def test_what_is_kept_is_what_is_recomputed_however_often_it_is_brought_up_to_date(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = oversight(city).tallies
    monkeypatch.setattr(tallies, "_PAGE", 3)
    with city.database.read() as unit:
        assert indicators_of(kept.current(unit).everything) == recomputed(city), "folded three events at a time"
    upto = kept.keep_up()
    assert upto > 0
    assert kept.keep_up() == upto, "nothing new, nothing folded"
    objection = city.cases.open(
        city["developer"], "objection", {"about": RESOURCE, "kind": "wrong_value", "text": "tide of 3 March"}
    )
    assert oversight(city).indicators(ANONYMOUS) == recomputed(city)
    assert kept.keep_up() > upto, "an objection under way is kept, its answer comes later"
    city.clock.forward(days=3)
    city.do("provider", objection, "decline", reason_code="no_evidence", **WHY)
    assert oversight(city).indicators(ANONYMOUS) == recomputed(city), "what came since is counted before it is kept"
    kept.keep_up()
    found = {item.id: item for item in oversight(city).indicators(ANONYMOUS)}
    assert tuple(found.values()) == recomputed(city)
    assert (found["days_to_answer_objection"].value, found["days_to_answer_objection"].count) == (3.0, 1)


def test_a_month_of_the_trend_is_the_indicators_of_its_days(city: City) -> None:
    trend = oversight(city).trend(ANONYMOUS, 12)
    today = business_day(city.clock())
    assert list(trend)[-1] == f"{today:%Y-%m}"
    for month, items in trend.items():
        year, number = map(int, month.split("-"))
        first, last = date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])
        asked = oversight(city).indicators(ANONYMOUS, first=first, last=last)
        assert [(item.id, item.value, item.count) for item in items] == [(item.id, item.value, item.count) for item in asked], (
            month
        )
    assert any(item.value for items in trend.values() for item in items)


def test_another_rulebook_counts_the_record_anew(city: City) -> None:
    kept = oversight(city).tallies
    kept.keep_up()
    with city.database.begin() as unit:
        held = unit.documents.get("tally", "all") or {}
        unit.documents.put("tally", "all", {**held, "rules": "older", "upto": 10**9})
    assert oversight(city).indicators(ANONYMOUS) == recomputed(city)
