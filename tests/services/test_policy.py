"""What a tester of the policy would check and no other file does, one test for each demand (the rows of docs/policy-map.md)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpushub.base.errors import Forbidden, HubError, Invalid
from corpushub.base.identity import business_day
from corpushub.domain.catalog import Resource
from corpushub.domain.clocks import read_clocks
from corpushub.domain.feed import feed_of
from corpushub.domain.flows import flow_named
from corpushub.domain.indicators import indicators
from corpushub.domain.parties import ANONYMOUS, SYSTEM, Actor
from corpushub.domain.policy import CHANNELS, Delivered, Link, Terms, Use, decide_delivery
from corpushub.services.access import Gated
from corpushub.services.oversight import Oversight
from corpushub.services.registrations import Registrations
from corpushub.services.viewer import Asked
from tests.kit.gov import (
    ASK,
    MATERIALS,
    RESOURCE,
    City,
    a_city,
    a_released_city,
    an_entry,
    authorized,
    credit_code,
    draft,
    entitled,
    registered,
    released,
    terms,
)
from tests.kit.hub import REPO, SomeHub, notices, some_hub

DAY = date(2026, 3, 2)
FILE = "data/test-00000-of-00001.parquet"


@pytest.fixture
def city(tmp_path: Path) -> City:
    return a_city(tmp_path)


@pytest.fixture
def live(tmp_path: Path) -> City:
    return a_released_city(tmp_path)


def code_of(work: Any) -> str:
    with pytest.raises(HubError) as caught:
        work()
    assert all(caught.value.explain(lang) for lang in ("zh", "en"))
    return str(caught.value.code)


# Articles 1 to 3: catalog and registration


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(names=st.lists(st.sampled_from("abcde"), min_size=2, max_size=8))
def test_an_id_is_given_once_whatever_the_order_of_entries(city: City, names: list[str]) -> None:
    entered = {entry.id for entry in city.catalog.search(SYSTEM).items}
    for name in names:
        entry = an_entry(id=f"990100/stats/{name}")
        if entry["id"] in entered:
            assert code_of(lambda entry=entry: city.catalog.add(city["provider"], entry)) == "resource.exists"
        else:
            entered.add(city.catalog.add(city["provider"], entry).id)
    found = [entry.id for entry in city.catalog.search(SYSTEM).items]
    assert len(found) == len(set(found)) == len(entered)


def test_a_prefilled_entry_is_applied_for_in_two_steps_and_its_notice_is_seen_by_everybody(city: City) -> None:
    entry = city.catalog.add(city["provider"], an_entry())
    wizard = Registrations(database=city.database, cases=city.cases, catalog=city.catalog, parties=city.parties)
    start = wizard.prepare(city["provider"], entry.id, "zh")
    mended = {"scenarios": "法律问答", "risk_assessment": "自评估：低"} | start["materials"]
    case = city.cases.open(
        city["provider"], "registration", {**start, "materials": mended, "evidence_digest": "a" * 64, "commitment": True}
    )
    case = city.do("provider", case, "submit")
    assert code_of(lambda: city.cases.get(ANONYMOUS, case.id)) == "case.unknown"
    case = city.do("registrar", city.do("registrar", case, "accept"), "pass_formal")
    assert city.cases.get(ANONYMOUS, case.id).state == "notice"


def test_an_outside_organisation_registers_but_does_not_come_to_operate(city: City) -> None:
    """Article 3: voluntary registration; the registry itself and audit offices are never operators."""
    entry = city.catalog.add(city["authority"], an_entry(id="990100/beichen/corpus", owner="beichen"))
    data = {"resource": entry.id, "kind": "first", "materials": MATERIALS, "evidence_digest": "a" * 64, "commitment": True}
    case = city.do("developer", city.cases.open(city["developer"], "registration", data), "submit")
    city.do("registrar", city.do("registrar", case, "accept"), "pass_formal")
    city.clock.forward(days=20)
    city.tick()
    assert city.catalog.get(ANONYMOUS, entry.id).registration_code
    for operator in ("registry", "audit"):
        wrong = terms(resources=[entry.id], fields={}, operator=operator)
        assert code_of(lambda wrong=wrong: city.cases.open(city["implementer"], "authorization", wrong)) in {
            "authorization.operator_kind",
            "authorization.roles_mixed",
        }


def test_an_unanswered_question_turns_red(live: City) -> None:
    case = live.cases.open(live["developer"], "question", {"about": RESOURCE, "text": "what does text mean"})
    live.clock.forward(days=15)
    (reading,) = read_clocks(
        flow_named("question"), live.cases.get(SYSTEM, case.id), live.cases.rules, business_day(live.clock())
    )
    assert (reading.light, reading.state) == ("red", "running")


def test_utilities_are_found_by_their_kind(city: City) -> None:
    city.parties.add_org(
        city["keeper"],
        id="water-works",
        credit_code=credit_code(88),
        kind="utility",
        region="990100",
        name={"zh": "水务", "en": "Water"},
        state_assets=True,
    )
    assert [(org.id, org.state_assets) for org in city.parties.orgs("utility")] == [("water-works", True)]
    assert code_of(lambda: city.parties.orgs("nothing")) == "party.kind"


# Articles 4, 6, 9: what may be used how


@pytest.mark.parametrize("held", CHANNELS)
def test_a_right_to_one_channel_is_none_to_another(held: str) -> None:
    """Article 4: a token for queries can not download files."""
    entry = Resource.from_json(an_entry())
    link = Link("entitlement", "e", Terms((entry.id,), ("research",), (held,)), "active", active=True)
    out = Delivered("d", "released", (entry,))
    assert {name for name in CHANNELS if decide_delivery(Use((entry.id,), "research", name), out, [link], DAY).allowed} == {held}


def test_a_query_s_right_downloads_no_file_and_a_file_s_right_answers_no_compute(tmp_path: Path) -> None:
    hub: SomeHub = some_hub(tmp_path)
    hub.city.made["release"] = released(hub.city)
    hub.publish(REPO, notices())
    hub.entitle(channels=["query"])
    with pytest.raises(Gated) as caught:
        hub.repositories.locate(hub.city["developer"], REPO, "v1.0.0", FILE)
    assert caught.value.why is not None
    assert caught.value.why.code == "delivery.channel"
    table = hub.viewer.table(hub.city["developer"], REPO, "main", "", "train")
    assert hub.viewer.page(hub.city["developer"], table, Asked(length=1)).rows
    with pytest.raises(Gated):
        hub.access.permit(hub.city["developer"], hub.repositories.get(ANONYMOUS, REPO), channels=("compute",))


@pytest.mark.parametrize(
    ("egress", "left"),
    [("none", {"compute"}), ("derived", {"compute", "model"}), ("scrubbed", set(CHANNELS)), ("full", set(CHANNELS))],
)
def test_what_may_leave_is_what_the_entry_s_egress_says(egress: str, left: set[str]) -> None:
    """Article 9: 原始数据不出域，可用不可见."""
    entry = Resource.from_json(an_entry(egress=egress))
    link = Link("entitlement", "e", Terms((entry.id,), ("research",), CHANNELS), "active", active=True)
    allowed = {
        name
        for name in CHANNELS
        if decide_delivery(Use((entry.id,), "research", name), Delivered("d", "released", (entry,)), [link], DAY).allowed
    }
    assert allowed == left
    raw = {
        name
        for name in CHANNELS
        if decide_delivery(Use((entry.id,), "research", name), Delivered("d", "raw", (entry,), raw=True), [link], DAY).allowed
    }
    assert raw == (set(CHANNELS) if egress == "full" else set())


def test_free_use_carries_its_conditions(live: City) -> None:
    """Article 7: 有条件无偿使用 (report the use, no resale)."""
    wider = authorized_for(live, "public-welfare")
    right = entitled(live, purpose="public-welfare", dataset=wider)
    assert right.data["duties"] == ["report_use", "no_resale"]
    assert "duties" not in entitled(live).data


def authorized_for(city: City, purpose: str, dataset: str = "city/welfare") -> str:
    """A dataset whose entries may be used for `purpose`."""
    name = registered(city, id=f"990100/stats/{purpose}")
    held = authorized(city, resources=[name], fields={}, purposes=[purpose, "research"])
    case = city.cases.open(
        city["operator"], "release", draft(city, dataset=dataset, resources=[name], grants=[{"authorization": held.id}])
    )
    for person, command in (("operator", "submit"), ("implementer", "approve"), ("reviewer", "approve"), ("operator", "publish")):
        case = city.do(person, case, command)
    return dataset


def test_a_contest_s_grant_ends_with_the_contest(live: City) -> None:
    """Article 9: 仿真实验平台、大赛."""
    dataset = authorized_for(live, "contest", "city/contest")
    assert (
        code_of(lambda: live.cases.open(live["developer"], "access", ASK | {"purpose": "contest", "dataset": dataset}))
        == "access.no_contest"
    )
    facts = {"name": "cup", "datasets": [dataset], "ends": "2026-06-30", "scoring": "accuracy on a hidden split"}
    contest = live.cases.open(live["implementer"], "record", {"kind": "contest", "title": "cup", "facts": facts})
    assert (
        code_of(
            lambda: live.cases.open(
                live["developer"], "access", ASK | {"purpose": "contest", "dataset": dataset, "contest": contest.id}
            )
        )
        == "access.no_contest"
    )
    live.do("authority", contest, "confirm")
    right = entitled(live, purpose="contest", dataset=dataset, contest=contest.id)
    assert right.data["valid_to"] == "2026-06-30"
    live.do(
        "developer", right, "report_use", model="cup-7b", task="submission: accuracy 0.83", versions_used=[f"{dataset}@1.0.0"]
    )
    live.clock.forward(days=120)
    live.tick()
    assert live.cases.get(SYSTEM, right.id).state == "expired"
    assert (
        code_of(
            lambda: live.cases.open(
                live["developer"], "access", ASK | {"purpose": "contest", "dataset": dataset, "contest": contest.id}
            )
        )
        == "access.contest_over"
    )


# Articles 8, 10: fairness and lead time


def test_concentration_is_the_sum_of_squared_shares(live: City) -> None:
    """Article 8: three grants to one, one to another: 75² + 25² = 6250."""
    for _ in range(3):
        entitled(live)
    case = live.cases.open(live["district"], "access", ASK)
    for person, command in (
        ("district", "submit"),
        ("operator", "triage"),
        ("reviewer", "propose"),
        ("implementer", "approve"),
        ("district", "countersign"),
    ):
        live.do(person, case, command)
    with live.database.read() as unit:
        found = {item.id: item for item in indicators((event for _, event in unit.events.since(limit=10_000)), live.cases.rules)}
    assert found["concentration_index"].value == 6250.0
    assert found["largest_holder_share"].value == 75.0
    assert all(found[name].formula for name in ("concentration_index", "largest_holder_share", "refusal_rate"))


def test_lead_time_runs_from_the_order_to_the_version(live: City) -> None:
    order = live.cases.open(
        live["operator"], "work_order", {"customer": "beichen", "operator": "data-group", "title": "tides", "scope": "ten years"}
    )
    quote = {"price": 1.0, "price_basis": "guided", "due": "2026-12-31", "acceptance_tests": ["rows > 0"]}
    for person, command, more in (("operator", "quote", quote), ("developer", "agree", {}), ("operator", "build", {})):
        order = live.do(person, order, command, **more)
    live.clock.forward(days=7)
    live.do("operator", order, "deliver", release=live.made["release"].id)
    with live.database.read() as unit:
        found = {item.id: item for item in indicators((event for _, event in unit.events.since(limit=10_000)), live.cases.rules)}
    assert (found["days_from_order_to_version"].value, found["days_from_order_to_version"].count) == (5.0, 1)


# Articles 15, 19: secrecy, grades, supervisors


def test_a_secret_entry_is_closed_on_every_path(live: City) -> None:
    right = entitled(live)
    live.clock.forward(minutes=1)
    case = live.cases.open(
        live["provider"],
        "classification",
        {"resource": RESOURCE, "category": "general", "grade": "1", "secrecy": True, "basis": "law", "reason": "became secret"},
    )
    live.do("authority", case, "approve")
    oversight = Oversight(database=live.database, cases=live.cases, clock=live.clock)
    assert code_of(lambda: live.catalog.get(live["developer"], RESOURCE)) == "resource.unknown"
    assert live.catalog.search(live["developer"]).items == ()
    assert RESOURCE not in str(feed_of(live.catalog.public(), "", "2026-03-02"))
    assert code_of(lambda: oversight.resolve(live["developer"], RESOURCE)) == "oversight.unknown_id"
    assert RESOURCE not in {row["resource"] for row in oversight.changes(live["developer"], limit=500)}
    assert live.cases.get(SYSTEM, right.id).state in {"suspended", "revoked"}
    again = live.cases.open(live["operator"], "release", draft(live, version="2.0.0"))
    again = live.do("operator", again, "submit")
    live.do("implementer", again, "approve")
    again = live.do("reviewer", again, "approve")
    assert code_of(lambda: live.do("operator", again, "publish")) in {
        "release.secret",
        "release.unregistered",
        "release.authorization_inactive",
    }
    opening = {
        "resource": RESOURCE,
        "name": "open_attribute",
        "value": "unconditional",
        "effective_from": "2027-01-01",
        "reason": "open it",
        "basis": "plan",
    }
    assert code_of(lambda: live.cases.open(live["provider"], "attribute", opening)) in {
        "attribute.secret",
        "attribute.checks",
        "case.form",
    }


def graded(city: City, category: str, grade: int) -> None:
    with city.database.begin() as unit:
        city.cases.amend_in(
            unit, SYSTEM, RESOURCE, "classified", {"classification": {"category": category, "grade": grade, "assessment": ""}}
        )


def test_a_high_grade_is_granted_only_over_a_valid_assessment(live: City) -> None:
    """Article 15: 第三方评估."""
    graded(live, "general", 4)
    case = live.cases.open(live["developer"], "access", ASK)
    for person, command in (("developer", "submit"), ("operator", "triage"), ("reviewer", "propose")):
        case = live.do(person, case, command)
    assert code_of(lambda: live.do("implementer", case, "approve")) == "access.assessment_missing"


def test_important_data_is_released_only_with_the_chief_data_officer(live: City) -> None:
    """Article 19: 首席数据官."""
    graded(live, "important", 1)
    live.parties.add_person(live["keeper"], id="reviewer9", org="econ-bureau", name="r", roles=["reviewer"])
    case = live.do("operator", live.cases.open(live["operator"], "release", draft(live, version="3.0.0")), "submit")
    for person in ("implementer", "reviewer", "reviewer9"):
        case = live.do(person, case, "approve")
    assert case.state == "in_review", "three voices, but not the chief data officer's"
    assert live.do("authority", case, "approve").state == "approved"


def test_a_supervisor_sees_everything_stops_things_and_decides_nothing(live: City) -> None:
    right = entitled(live)
    supervisor = live["supervisor"]
    for flow in ("authorization", "access", "entitlement", "release"):
        assert live.cases.list(supervisor, flow=flow).items
    for case in (right, live.made["release"], live.made["authorization"]):
        commands = {item.command for item in live.cases.allowed(supervisor, case.id)}
        assert commands <= {"suspend", "revoke", "quarantine", "withdraw", "freeze", "object", "report_breach"}
    assert code_of(lambda: live.cases.execute(supervisor, right.id, "renew")) in {"case.wrong_seat", "case.wrong_state"}
    assert code_of(lambda: live.catalog.add(supervisor, an_entry(id="990100/x/y"))) == "resource.keepers_only"


def test_alerts_reach_whoever_subscribed_to_their_kind(tmp_path: Path) -> None:
    """Article 15: 监测预警."""
    hub = some_hub(tmp_path)
    supervisor = hub.city["supervisor"]
    assert hub.oversight.subscribe(supervisor, ["leak", "over_scope"]) == ("leak", "over_scope")
    for kind in ("leak", "availability"):
        hub.cases.open(hub.city["operator"], "incident", {"title": kind, "kind": kind, "text": "what happened"})
    assert [notice.payload["kind"] for notice in hub.cases.notices(supervisor)] == ["leak"]
    hub.oversight.subscribe(supervisor, [])
    hub.cases.open(hub.city["operator"], "incident", {"title": "again", "kind": "leak", "text": "what happened"})
    assert len(hub.cases.notices(supervisor)) == 1
    with pytest.raises(Forbidden):
        hub.oversight.subscribe(hub.city["developer"], ["leak"])
    with pytest.raises(Invalid):
        hub.oversight.subscribe(supervisor, ["weather"])


@pytest.mark.parametrize("kind", ["dataset", "verification", "index", "model"])
def test_derived_products_are_of_known_kinds_and_never_of_ones_own_delivery(live: City, kind: str) -> None:
    """Articles 6 and 13."""
    data = {"name": "n", "kind": kind, "parents": ["city/notices@1.0.0"], "description": "made from it"}
    assert live.cases.open(live["developer"], "derived", data).data["kind"] == kind
    with pytest.raises(Forbidden, match=r"derived\.own_delivery"):
        live.cases.open(live["operator"], "derived", data)


def test_developers_release_through_the_same_gates(live: City) -> None:
    """Article 9: 社会主体发布; gate parity."""
    failed = [{"gate": "PII-01", "status": "fail", "effect": "block"}]
    mine = {"built_by": "developer", "builder_org": "beichen", "dataset": "beichen/notes"}
    assert live.cases.open(live["developer"], "release", draft(live, gates=failed, **mine)).state == "blocked"
    case = live.do("developer", live.cases.open(live["developer"], "release", draft(live, version="1.0.1", **mine)), "submit")
    assert code_of(lambda: live.do("developer", case, "approve")).startswith("case.")


def test_what_is_secret_is_in_no_public_list_of_cases_plan_pack_or_indicator(live: City) -> None:
    """Cases that were public name it no more, whoever has no part in them; those who have, and who oversees, read on."""
    item = {"year": 2026, "quarter": "4", "resource": RESOURCE, "owner": "stats-bureau", "action": "dataset", "due": "2026-12-01"}
    planned = live.cases.open(live["authority"], "plan_item", item)
    oversight = Oversight(database=live.database, cases=live.cases, clock=live.clock)

    def told(actor: Actor) -> str:
        cases = [dict(case.data) for case in live.cases.list(actor, limit=1000).items]
        pack, plan = oversight.disclosure_pack(actor, 2026), oversight.opening_plan(actor, 2026)
        return str((cases, plan, pack, oversight.indicators(actor), oversight.indicators(actor, first=date(2026, 1, 1))))

    assert told(ANONYMOUS).count(RESOURCE) > 4
    secret = {"category": "general", "grade": "1", "secrecy": True, "basis": "law", "reason": "became secret"}
    case = live.cases.open(live["provider"], "classification", {"resource": RESOURCE, **secret})
    live.do("authority", case, "approve")
    assert RESOURCE not in told(ANONYMOUS)
    assert RESOURCE not in str(oversight.disclosure_pack(live["auditor"], 2026)), "a pack is the same whoever compiles it"
    public, whole = oversight.indicators(ANONYMOUS), oversight.indicators(live["auditor"])
    assert [number.value for number in public] == [number.value for number in whole], "what is secret counts"
    assert RESOURCE in str(whole)
    assert code_of(lambda: live.cases.get(ANONYMOUS, planned.id)) == "case.unknown"
    assert live.cases.get(live["provider"], planned.id).id == live.cases.get(live["auditor"], planned.id).id
