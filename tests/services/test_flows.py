# ruff: noqa: RUF043 - codes hold a dot, and any character there will do
"""Every transition of every flow, walked on a fictional city; the last test fails when a row of a table has not been walked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid
from corpushub.domain.flows import flows
from corpushub.domain.flows.revenue import ceiling
from corpushub.domain.parties import ANONYMOUS, SYSTEM, Actor, Role
from corpushub.domain.workflow import Case
from tests.kit.gov import (
    MATERIALS,
    RESOURCE,
    City,
    a_city,
    a_released_city,
    an_entry,
    draft,
    proposed,
    registered,
    released,
    terms,
)

WALKED: set[str] = set()
WHY = {"reason": "because it has to be"}
DIGEST = "f" * 64


def remember(city: City) -> None:
    with city.database.read() as unit:
        WALKED.update(event.type for _, event in unit.events.since(limit=5000))
    city.database.close()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    city = a_city(tmp_path)
    yield city
    remember(city)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[City]:
    """A city with a registered entry, an active authorization and a release."""
    city = a_released_city(tmp_path)
    yield city
    remember(city)


def walk(city: City, case: Case, *steps: tuple[str, str] | tuple[str, str, dict[str, Any]]) -> Case:
    for person, command, *data in steps:
        case = city.do(person, case, command, **(data[0] if data else {}))
    return case


def refused(city: City, person: str, case: Case, command: str, **data: Any) -> str:
    with pytest.raises(HubError) as error:
        city.do(person, case, command, **data)
    return error.value.code


# Catalog attributes and classes


def change(**over: Any) -> dict[str, Any]:
    base = {
        "resource": RESOURCE,
        "name": "open_attribute",
        "value": "unconditional",
        "effective_from": "2026-06-01",
        "basis": "plan 2026",
        **WHY,
    }
    return base | {"checks": {"secrecy": "provider", "personal": "provider", "trade_secret": "provider"}} | over


def test_an_attribute_changes_on_its_day_after_a_second_person_and_the_past_stays_known(live: City) -> None:
    case = live.cases.open(live["provider"], "attribute", change())
    assert refused(live, "provider", case, "approve") == "case.own_act"
    walk(live, case, ("authority", "approve"))
    live.clock.forward(days=100)
    live.tick()
    assert live.catalog.as_of(ANONYMOUS, RESOURCE, "2026-05-31")["open_attribute"] == "conditional"
    assert live.catalog.as_of(ANONYMOUS, RESOURCE, "2026-06-01")["open_attribute"] == "unconditional"


def test_closing_an_entry_suspends_grants_and_quarantines_releases_at_once(live: City) -> None:
    right = entitled(live)
    case = live.cases.open(live["provider"], "attribute", change(value="none", effective_from=live.clock().date().isoformat()))
    walk(live, case, ("authority", "approve"))
    live.tick()
    assert live.cases.get(SYSTEM, right.id).state == "suspended"
    assert live.cases.get(SYSTEM, live.made["release"].id).state == "quarantined"


def test_opening_needs_named_checks_and_no_past_day(live: City) -> None:
    with pytest.raises(Invalid, match="attribute.checks"):
        live.cases.open(live["provider"], "attribute", change(checks={"secrecy": "provider"}))
    with pytest.raises(Invalid, match="attribute.checker"):
        live.cases.open(
            live["provider"], "attribute", change(checks=dict.fromkeys(("secrecy", "personal", "trade_secret"), "nobody"))
        )
    with pytest.raises(Invalid, match="attribute.past"):
        live.cases.open(live["provider"], "attribute", change(effective_from="2026-01-01"))
    walk(live, live.cases.open(live["provider"], "attribute", change()), ("authority", "reject", WHY))
    walk(live, live.cases.open(live["provider"], "attribute", change()), ("provider", "withdraw", WHY))


def grade(**over: Any) -> dict[str, Any]:
    return {"resource": RESOURCE, "category": "important", "grade": "1", "secrecy": False, "basis": "GB/T 43697", **WHY} | over


def test_raising_takes_one_signature_and_lowering_two_with_the_cdo(live: City) -> None:
    walk(live, live.cases.open(live["provider"], "classification", grade()), ("authority", "approve"))
    assert live.cases.get(SYSTEM, live.made["release"].id).state == "quarantined"
    live.parties.add_person(live["keeper"], id="sector2", org="stats-bureau", name="x", roles=["sector"])
    down = live.cases.open(live["provider"], "classification", grade(category="general"))
    assert walk(live, down, ("sector2", "approve")).state == "proposed"
    assert walk(live, down, ("authority", "approve")).state == "effective"
    assert live.catalog.get(SYSTEM, RESOURCE).classification.rank == 1
    walk(live, live.cases.open(live["provider"], "classification", grade()), ("authority", "reject", WHY))
    walk(live, live.cases.open(live["provider"], "classification", grade()), ("provider", "withdraw"))


# Registration


def apply(city: City, **over: Any) -> Case:
    data = {"resource": RESOURCE, "kind": "first", "materials": MATERIALS, "evidence_digest": "a" * 64, "commitment": True}
    return city.cases.open(city["provider"], "registration", data | over)


def test_registration_is_sent_back_once_with_all_points_and_objections_need_a_second_registrar(city: City) -> None:
    city.catalog.add(city["provider"], an_entry())
    case = apply(city, materials={})
    assert refused(city, "provider", case, "submit") == "registration.materials"
    case = walk(city, case, ("provider", "edit", {"materials": MATERIALS}), ("provider", "submit"))
    case = walk(city, case, ("registrar", "request_fix", {"points": ["contact", "coverage"]}), ("provider", "resubmit"))
    case = walk(city, case, ("registrar", "accept"), ("registrar", "pass_formal"))
    city.clock.forward(days=4)
    case = city.cases.execute(ANONYMOUS, case.id, "object", WHY | {"evidence": "a letter of the owner"})
    assert refused(city, "registrar", case, "dismiss", **WHY) == "case.second_person"
    city.clock.forward(days=30)
    assert city.tick() == 0, "the notice rests while the objection is judged"
    walk(city, case, ("registrar2", "dismiss", WHY))
    city.clock.forward(days=5)
    assert city.tick() == 0
    city.clock.forward(days=6)
    city.tick()
    assert city.catalog.get(ANONYMOUS, RESOURCE).registration_code


def test_registration_can_be_refused_withdrawn_and_upheld_against(city: City) -> None:
    city.catalog.add(city["provider"], an_entry())
    walk(city, apply(city), ("provider", "withdraw"))
    walk(city, apply(city), ("provider", "submit"), ("registrar", "refuse", WHY))
    walk(city, apply(city), ("provider", "submit"), ("registrar", "accept"), ("registrar", "reject", WHY))
    disputed = [
        ("provider", "submit"),
        ("registrar", "accept"),
        ("registrar", "pass_formal"),
        ("developer", "object", WHY | {"evidence": "mine"}),
    ]
    walk(city, apply(city), *disputed, ("registrar2", "refuse_upheld", WHY))
    case = walk(city, apply(city), *disputed, ("registrar2", "uphold", WHY | {"points": ["owner"]}))
    assert case.state == "fix"


def test_a_change_keeps_its_code_a_renewal_its_term_and_the_end_suspends_authorizations(live: City) -> None:
    code = live.catalog.get(SYSTEM, RESOURCE).registration_code
    with pytest.raises(Conflict, match="registration.has_code"):
        apply(live)
    case = walk(live, apply(live, kind="change"), ("provider", "submit"), ("registrar", "accept"), ("registrar", "pass_formal"))
    live.clock.forward(days=20)
    live.tick()
    assert live.catalog.get(SYSTEM, RESOURCE).registration_code == code
    assert [item.state for item in live.cases.list(SYSTEM, flow="registration").items] == ["coded", "replaced"]
    live.clock.forward(days=3 * 365 - 30)
    live.tick()
    case = live.cases.get(SYSTEM, case.id)
    assert case.state == "expiring"
    case = walk(live, case, ("provider", "renew"))
    assert walk(live, case, ("registrar", "cancel", WHY)).state == "cancelled"


def test_cancelling_a_registration_suspends_what_rests_on_it(live: City) -> None:
    (case,) = live.cases.list(SYSTEM, flow="registration").items
    walk(live, case, ("provider", "cancel", WHY))
    assert live.cases.get(SYSTEM, live.made["authorization"].id).state == "suspended"
    assert refused(live, "authority", live.made["authorization"], "resume") == "authorization.unregistered"


def test_a_registration_nobody_renews_expires(live: City) -> None:
    (case,) = live.cases.list(SYSTEM, flow="registration").items
    live.clock.forward(days=3 * 366)
    live.tick()
    assert live.cases.get(SYSTEM, case.id).state == "expired"


# Authorization, zones, delegation


def test_an_authorization_needs_five_sections_a_cap_and_two_sides(city: City) -> None:
    registered(city)
    for over, code in (
        ({"sections": {"exit": "x"}}, "authorization.sections"),
        ({"valid_to": "2031-01-01"}, "authorization.too_long"),
        ({"operator": "econ-bureau"}, "authorization.one_org"),
        ({"operator": "assess"}, "authorization.roles_mixed"),
        ({"mode": "scenario"}, "form.missing"),
        ({"valid_from": "2028-01-01", "valid_to": "2027-01-01"}, "form.period"),
    ):
        with pytest.raises(HubError, match=code):
            city.cases.open(city["implementer"], "authorization", terms(**over))
    case = city.cases.open(city["implementer"], "authorization", terms())
    assert refused(city, "authority", case, "approve") == "case.wrong_state", (
        "no approval without a collective decision on record"
    )
    decision = {"minutes": "7", "decided_on": "2026-03-01", "participants": 9, "minutes_digest": DIGEST}
    ahead = decision | {"decided_on": "2027-03-01"}
    assert refused(city, "implementer", case, "record_decision", **ahead) == "authorization.not_decided_yet"
    walk(city, case, ("implementer", "record_decision", decision), ("authority", "refuse", WHY))
    walk(city, city.cases.open(city["implementer"], "authorization", terms()), ("implementer", "void", WHY))


def test_an_amendment_is_confirmed_or_dropped_and_expiry_begins_the_exit(live: City) -> None:
    case = live.made["authorization"]
    wider = {"proposed": {"purposes": ["model-training", "research", "contest"]}, **WHY}
    assert refused(live, "operator", case, "propose_amendment", proposed={"operator": "beichen"}, **WHY) == "form.unknown"
    case = walk(live, case, ("operator", "propose_amendment", wider), ("authority", "confirm_amendment"))
    assert "contest" in case.data["purposes"]
    walk(live, case, ("operator", "propose_amendment", wider), ("implementer", "drop_amendment", WHY))
    live.clock.forward(days=1040)
    live.tick()
    assert live.cases.get(SYSTEM, case.id).state == "exiting"


def test_an_exit_ends_only_when_everything_is_attested_and_no_right_is_alive(live: City) -> None:
    right = entitled(live)
    case = walk(live, live.made["authorization"], ("implementer", "begin_exit", WHY))
    assert live.cases.get(SYSTEM, right.id).state == "revoked"
    assert refused(live, "authority", case, "finish") == "authorization.exit_open"
    for step in ("holders_notified", "data_deleted", "products_handed_over", "keys_revoked", "final_disclosure"):
        case = walk(live, case, ("operator", "attest", {"step": step, "evidence": "protocol 1"}))
    assert refused(live, "authority", case, "finish") == "authorization.unattested"
    (duty,) = live.cases.list(SYSTEM, flow="attestation").items
    walk(live, duty, ("developer", "attest", {"treatment": "deleted", "statement": "all copies are gone"}))
    assert walk(live, case, ("authority", "finish")).state == "ended"


def test_an_exit_does_not_wait_for_ever_for_a_holder_who_stays_silent(live: City) -> None:
    entitled(live)
    case = walk(live, live.made["authorization"], ("implementer", "begin_exit", WHY))
    for step in ("holders_notified", "data_deleted", "products_handed_over", "keys_revoked", "final_disclosure"):
        case = walk(live, case, ("operator", "attest", {"step": step, "evidence": "protocol 1"}))
    ended = walk(live, case, ("authority", "finish", {"unattested": "the holder was asked twice; the supervisor sees to it"}))
    assert ended.state == "ended"
    assert ended.data["unattested"]


def test_what_an_authorization_suspends_it_also_resumes(live: City) -> None:
    right = entitled(live)
    case = walk(live, live.made["authorization"], ("supervisor", "suspend", WHY))
    assert live.cases.get(SYSTEM, right.id).state == "suspended"
    walk(live, case, ("authority", "resume"))
    assert live.cases.get(SYSTEM, right.id).state == "active"


def test_a_zone_opens_only_over_authorized_entries(live: City) -> None:
    zone = {
        "name": "Statistics",
        "domain": "statistics",
        "implementer": "econ-bureau",
        "operator": "data-group",
        "members": ["beichen"],
        "resources": [RESOURCE],
        "rules": "house rules",
    }
    case = live.cases.open(live["implementer"], "zone", zone)
    case = walk(live, case, ("authority", "approve"), ("implementer", "launch"))
    case = walk(live, case, ("implementer", "change_members", {"members": ["beichen", "assess"]}))
    case = walk(live, case, ("implementer", "change_resources", {"resources": [RESOURCE]}), ("authority", "close", WHY))
    live.catalog.add(live["provider"], an_entry(id="990100/stats/other"))
    other = walk(
        live, live.cases.open(live["implementer"], "zone", zone | {"resources": ["990100/stats/other"]}), ("authority", "approve")
    )
    assert refused(live, "implementer", other, "launch") == "zone.unauthorized"
    walk(live, live.cases.open(live["implementer"], "zone", zone), ("authority", "refuse", WHY))


def part(parent: str, holder: str, **over: Any) -> dict[str, Any]:
    base = {
        "parent": parent,
        "holder": holder,
        "resources": [RESOURCE],
        "fields": {RESOURCE: ["id", "title"]},
        "regions": ["990101"],
    }
    base |= {"purposes": ["research"], "channels": ["query"], "valid_from": "2026-03-02", "valid_to": "2027-03-01"}
    return base | over


def test_a_delegation_never_exceeds_its_parent_and_ends_with_it(live: City) -> None:
    root = live.made["authorization"].id
    for over, limit in (
        ({"purposes": ["contest"]}, "purposes"),
        ({"valid_to": "2029-01-01"}, "valid_to"),
        ({"fields": {RESOURCE: ["phone"]}}, "fields"),
        ({"channels": ["compute"]}, "channels"),
    ):
        with pytest.raises(Forbidden, match="delegation.exceeds") as error:
            live.cases.open(live["implementer"], "delegation", part(root, "district", **over))
        assert limit in str(error.value.facts["limits"])
    first = walk(live, live.cases.open(live["implementer"], "delegation", part(root, "district")), ("district", "accept"))
    with pytest.raises(Forbidden, match="delegation.not_holder"):
        live.cases.open(live["operator"], "delegation", part(first.id, "beichen"))
    with pytest.raises(Conflict, match="delegation.cycle"):
        live.cases.open(live["district"], "delegation", part(first.id, "econ-bureau"))
    second = walk(live, live.cases.open(live["district"], "delegation", part(first.id, "beichen")), ("developer", "accept"))
    walk(live, first, ("implementer", "shrink", {"regions": ["990101001"]}))
    walk(live, first, ("implementer", "suspend", WHY))
    assert live.cases.get(SYSTEM, second.id).state == "suspended"
    walk(live, first, ("implementer", "resume"))
    assert live.cases.get(SYSTEM, second.id).state == "active"
    walk(live, first, ("implementer", "revoke", WHY))
    assert live.cases.get(SYSTEM, second.id).state == "revoked"


def test_a_delegation_can_be_declined_given_up_and_expires(live: City) -> None:
    root = live.made["authorization"].id
    walk(live, live.cases.open(live["implementer"], "delegation", part(root, "district")), ("district", "decline", WHY))
    walk(
        live,
        live.cases.open(live["implementer"], "delegation", part(root, "district")),
        ("district", "accept"),
        ("district", "give_up", WHY),
    )
    case = walk(live, live.cases.open(live["implementer"], "delegation", part(root, "district")), ("district", "accept"))
    live.clock.forward(days=400)
    live.tick()
    assert live.cases.get(SYSTEM, case.id).state == "expired"


# Access and entitlement


def ask(city: City, **over: Any) -> Case:
    data = {"dataset": "city/notices", "purpose": "model-training", "plan": "train a small model", "terms_accepted": True}
    return walk(city, city.cases.open(city["developer"], "access", data | over), ("developer", "submit"))


def entitled(city: City) -> Case:
    walk(
        city,
        ask(city),
        ("operator", "triage"),
        ("implementer", "propose"),
        ("implementer", "approve"),
        ("developer", "countersign"),
    )
    return city.cases.list(SYSTEM, flow="entitlement").items[0]


def test_an_access_request_returns_forwards_extends_lapses_and_is_deleted(live: City) -> None:
    case = walk(live, ask(live), ("operator", "forward", {"to": "econ-bureau", **WHY}), ("operator", "return", WHY))
    case = walk(live, case, ("developer", "resubmit", {"plan": "train a small model well"}), ("operator", "triage"))
    case = walk(live, case, ("reviewer", "add_review", {"opinion": "for"}), ("operator", "extend", {"more_days": 5, **WHY}))
    walk(live, case, ("implementer", "propose"), ("implementer", "approve"))
    live.clock.forward(days=31)
    live.tick()
    assert live.cases.get(SYSTEM, case.id).state == "closed"
    walk(live, ask(live), ("developer", "withdraw"))
    data = {"dataset": "city/notices", "purpose": "research", "plan": "look at it once", "terms_accepted": True}
    walk(live, live.cases.open(live["developer"], "access", data), ("developer", "delete"))


def test_a_rejection_is_appealed_once_to_other_people(live: City) -> None:
    no = {"reason_code": "cost", **WHY}
    case = walk(
        live,
        ask(live),
        ("operator", "triage"),
        ("implementer", "propose"),
        ("implementer", "reject", no),
        ("developer", "appeal", WHY),
    )
    case = walk(live, case, ("authority", "overturn"))
    assert refused(live, "implementer", case, "approve") == "access.first_panel"
    case = walk(live, case, ("reviewer", "reject", no))
    assert refused(live, "developer", case, "appeal", **WHY) == "access.appealed_once"
    case = walk(
        live,
        ask(live),
        ("operator", "triage"),
        ("implementer", "propose"),
        ("reviewer", "reject", no),
        ("developer", "appeal", WHY),
    )
    assert walk(live, case, ("authority", "uphold", no)).state == "rejected"


def test_a_bot_approves_only_what_is_open_without_condition_and_names_a_human(live: City) -> None:
    bot = type(SYSTEM)("system", "system", SYSTEM.roles, on_behalf_of="implementer")
    case = ask(live)
    with pytest.raises(Forbidden, match="access.bot_without_owner"):
        live.cases.execute(SYSTEM, case.id, "auto_approve")
    with pytest.raises(Forbidden, match="access.not_automatic"):
        live.cases.execute(bot, case.id, "auto_approve")
    walk(
        live,
        live.cases.open(live["provider"], "attribute", change(effective_from=live.clock().date().isoformat())),
        ("authority", "approve"),
    )
    live.tick()
    assert live.cases.execute(bot, case.id, "auto_approve").state == "approved"


def test_an_entitlement_lives_and_ends_by_the_clock(live: City) -> None:
    right = entitled(live)
    walk(live, right, ("developer", "report_use", {"model": "m1", "task": "summaries", "versions_used": ["1.0.0"]}))
    live.clock.forward(days=340)
    live.tick()
    assert live.cases.get(SYSTEM, right.id).state == "expiring"
    walk(live, right, ("implementer", "renew"))
    live.cases.execute(SYSTEM, right.id, "exhaust", {"rows": 10})
    walk(live, right, ("implementer", "revoke", WHY))
    (duty,) = live.cases.list(live["developer"], flow="attestation").items
    duty = walk(live, duty, ("developer", "attest", {"treatment": "deleted", "statement": "all copies gone"}))
    duty = walk(
        live,
        duty,
        ("implementer", "question", WHY),
        ("developer", "attest", {"treatment": "deleted", "statement": "and backups"}),
    )
    assert walk(live, duty, ("implementer", "accept")).state == "closed"


def test_an_entitlement_expires_or_is_given_up(live: City) -> None:
    walk(live, entitled(live), ("developer", "give_up", WHY))
    live.clock.forward(days=1)
    right = entitled(live)
    live.clock.forward(days=400)
    live.tick()
    assert live.cases.get(SYSTEM, right.id).state == "expired"
    assert refused(live, "implementer", right, "resume") == "case.wrong_state"


# Demand, work order


def demand(city: City) -> Case:
    data = {"title": "notices by street", "text": "we need all notices with their street", "purpose": "model-training"}
    return walk(
        city, city.cases.open(city["developer"], "demand", data), ("developer", "edit", {"budget": 1000}), ("developer", "submit")
    )


def test_a_demand_becomes_an_offer_and_is_rated(live: City) -> None:
    case = walk(
        live,
        demand(live),
        ("operator", "forward", {"to": "stats-bureau", **WHY}),
        ("operator", "acknowledge"),
        ("operator", "match"),
    )
    case = walk(live, case, ("operator", "offer", {"offers": ["city/notices"]}), ("developer", "refuse_offer", WHY))
    case = walk(live, case, ("operator", "pool", {"pool": "streets"}), ("operator", "offer", {"offers": ["city/notices"]}))
    case = walk(
        live,
        case,
        ("developer", "accept", {"chosen": "city/notices"}),
        ("operator", "fulfil"),
        ("developer", "close", {"rating": "5"}),
    )
    case = walk(live, case, ("developer", "reopen", WHY), ("operator", "acknowledge"))
    no = {"reason_code": "have_public", **WHY}
    assert refused(live, "operator", case, "decline", **no) == "demand.refer_to"
    case = walk(live, case, ("operator", "decline", no | {"refer_to": "city/notices"}))
    assert refused(live, "developer", case, "reopen", **WHY) == "demand.reopened_once"
    walk(live, demand(live), ("developer", "withdraw"))


def test_an_unmet_demand_becomes_a_work_order_and_a_release(live: City) -> None:
    case = walk(live, demand(live), ("operator", "acknowledge"), ("operator", "find_unmet"))
    case = walk(live, case, ("operator", "evaluate", {"feasible": True, "findings": "can be built"}))
    walk(live, case, ("operator", "make_order", {"operator": "data-group", "scope": "notices with streets"}))
    (order,) = live.cases.list(live["developer"], flow="work_order").items
    quote = {"price": 0, "price_basis": "free", "due": "2026-12-01", "acceptance_tests": ["rows > 10"]}
    order = walk(live, order, ("operator", "quote", quote), ("developer", "agree"), ("operator", "build"))
    release = live.cases.open(live["operator"], "release", draft(live, version="2.0.0"))
    order = walk(live, order, ("operator", "propose_release", {"release": release.id}))
    assert refused(live, "operator", order, "deliver", release=release.id) == "work_order.not_released"
    walk(live, release, ("operator", "submit"), ("implementer", "approve"), ("reviewer", "approve"), ("operator", "publish"))
    order = walk(
        live, order, ("operator", "deliver", {"release": release.id}), ("developer", "rework", WHY), ("operator", "build")
    )
    order = walk(live, order, ("operator", "deliver", {"release": release.id}), ("developer", "accept"))
    assert live.cases.get(SYSTEM, case.id).state == "fulfilled"
    walk(
        live,
        order,
        ("developer", "close", {"rating": "4"}),
        ("developer", "iterate", {"scope": "monthly"}),
        ("operator", "cancel", WHY),
    )


# Release


def test_a_release_can_be_rejected_cancelled_unapproved(live: City) -> None:
    walk(live, proposed(live, version="3.0.0"), ("reviewer", "reject", WHY))
    walk(live, live.cases.open(live["operator"], "release", draft(live, version="3.0.1")), ("operator", "cancel", WHY))
    case = walk(
        live, proposed(live, version="3.0.2"), ("implementer", "approve"), ("reviewer", "approve"), ("reviewer", "unapprove", WHY)
    )
    assert case.state == "in_review"
    walk(live, case, ("reviewer", "return", WHY), ("operator", "resubmit"))
    failed = [{"gate": "SRC-03", "status": "fail", "effect": "block", "waivable_by": ["reviewer"]}]
    case = live.cases.open(live["operator"], "release", draft(live, version="3.0.3", gates=failed))
    walk(live, case, ("reviewer", "waive", {"gate": "SRC-03", **WHY}))


def test_a_recall_names_the_models_their_makers_reported(live: City) -> None:
    right = entitled(live)
    told = {"model": "m1", "task": "summaries", "versions_used": ["1.0.0"]}
    assert refused(live, "developer", right, "report_use", **told | {"versions_used": ["1.0.1"]}) == "entitlement.unknown_version"
    walk(live, right, ("developer", "report_use", told))
    right = walk(live, right, ("developer", "report_use", told | {"model": "m2", "versions_used": "city/notices@1.0.0、v1.0.0"}))
    assert [(use["model"], set(use["versions_used"])) for use in right.data["uses"]] == [
        ("m1", {"city/notices@1.0.0"}),
        ("m2", {"city/notices@1.0.0"}),
    ]
    walk(live, live.made["release"], ("reviewer", "withdraw", WHY), ("implementer", "withdraw", WHY))
    (notice,) = [item for item in live.cases.notices(live["developer"]) if item.topic == "notice.release_used_withdrawn"]
    assert notice.payload["models"] == "m1, m2"


def test_what_is_sent_on_goes_to_somebody(live: City) -> None:
    asked = live.cases.open(live["developer"], "demand", {"title": "tides", "text": "the tides of ten years"})
    asked = walk(live, asked, ("developer", "submit"))
    assert refused(live, "operator", asked, "forward", to="econ-burea", **WHY) == "party.unknown_org"
    asked = walk(live, asked, ("operator", "acknowledge"))
    assert refused(live, "operator", asked, "offer", offers=["city/notices", "city/notice"]) == "form.unknown_data"
    asked = walk(live, asked, ("operator", "offer", {"offers": ["city/notices"]}))
    assert refused(live, "developer", asked, "accept", chosen="city/notice") == "demand.not_offered"
    walk(live, asked, ("developer", "accept", {"chosen": "city/notices"}))
    assert refused(live, "operator", ask(live), "forward", to="econ-burea", **WHY) == "party.unknown_org"
    order = {"customer": "beichen", "operator": "econ-bureau", "title": "tides", "scope": "ten years"}
    with pytest.raises(Invalid, match=r"party\.no_operator"):
        live.cases.open(live["operator"], "work_order", order)


def test_an_order_is_delivered_with_what_was_made_for_it(live: City) -> None:
    words = {"customer": "beichen", "operator": "data-group", "title": "tides", "scope": "ten years"}
    quote = {"price": 0, "price_basis": "free", "due": "2026-12-31", "acceptance_tests": ["readable"]}
    live.clock.forward(minutes=1)
    order = live.cases.open(live["operator"], "work_order", words)
    order = walk(live, order, ("operator", "quote", quote), ("developer", "agree"), ("operator", "build"))
    older = live.made["release"].id
    for command in ("propose_release", "deliver"):
        assert refused(live, "operator", order, command, release=older) == "work_order.made_elsewhere"
        assert refused(live, "operator", order, command, release=order.id) == "work_order.unknown_release"
    assert {row.command: row.refusal for row in live.cases.allowed(live["operator"], order.id)}["deliver"] is None


def test_an_objection_is_about_what_there_is(live: City) -> None:
    words = {"kind": "wrong_value", "text": "the number is wrong"}
    for about in ("city/notice", "无此数据集", ""):
        with pytest.raises(Invalid):
            live.cases.open(ANONYMOUS, "objection", {"about": about, **words})
        with pytest.raises(Invalid):
            live.cases.open(live["developer"], "question", {"about": about, "text": "what does it mean?"})
    with pytest.raises(Invalid, match=r"objection\.unknown_version"):
        live.cases.open(ANONYMOUS, "objection", {"about": "city/notices", "version": "1.0.9", **words})
    case = live.cases.open(live["developer"], "objection", {"about": RESOURCE, **words})
    assert refused(live, "provider", case, "accept", quarantine=True) == "objection.nothing_out"
    walk(live, case, ("provider", "accept"))
    case = live.cases.open(live["developer"], "objection", {"about": "city/notices", "version": "1.0.0", **words})
    walk(live, case, ("operator", "accept", {"quarantine": True}))
    assert live.cases.get(SYSTEM, live.made["release"].id).state == "quarantined"


def test_a_recall_flags_descendants_and_tells_holders(live: City) -> None:
    entitled(live)
    product = {"name": "street model", "kind": "model", "parents": ["city/notices@1.0.0"], "description": "a model"}
    made = walk(live, live.cases.open(live["developer"], "derived", product), ("registrar", "register"))
    with pytest.raises(Forbidden, match="derived.own_delivery"):
        live.cases.open(live["operator"], "derived", product)
    case = live.made["release"]
    walk(live, case, ("supervisor", "quarantine", WHY), ("reviewer", "lift"), ("implementer", "lift"))
    walk(live, case, ("reviewer", "withdraw", WHY), ("implementer", "withdraw", WHY))
    assert live.cases.get(SYSTEM, made.id).state == "flagged"
    assert "notice.release_withdrawn" in {notice.topic for notice in live.cases.notices(live["developer"])}
    walk(
        live,
        made,
        ("developer", "state_treatment", {"treatment": "will_retire", "statement": "retired next week"}),
        ("developer", "retire", WHY),
    )
    second = {**product, "parents": ["city/notices"]}
    walk(live, live.cases.open(live["developer"], "derived", second), ("registrar", "refuse", WHY))


# Objection and question


def objection(city: City, **over: Any) -> Case:
    data = {"about": "city/notices", "version": "1.0.0", "kind": "wrong_value", "text": "row 7 names the wrong street"}
    return city.cases.open(city["developer"], "objection", data | over)


def test_an_objection_is_answered_with_the_corrected_version(live: City) -> None:
    case = walk(live, objection(live, severity="blocking"), ("operator", "accept", {"quarantine": True}))
    assert live.cases.get(SYSTEM, live.made["release"].id).state == "quarantined"
    case = walk(
        live, case, ("provider", "ask_filer", {"question": "which street?"}), ("developer", "reply", {"reply": "the first"})
    )
    case = walk(live, case, ("provider", "extend", {"more_days": 5, **WHY}), ("provider", "confirm", {"findings": "it is wrong"}))
    assert refused(live, "operator", case, "fix", corrected_in="1.0.1", answer="corrected") == "objection.no_version"
    fixed = walk(live, proposed(live, version="1.0.1"), ("implementer", "approve"), ("reviewer", "approve"))
    assert refused(live, "operator", fixed, "publish") == "release.objection_open", "a blocking objection shuts the gate"


def test_a_corrected_objection_points_to_the_new_version(live: City) -> None:
    case = walk(live, objection(live), ("operator", "accept"), ("provider", "confirm", {"findings": "it is wrong"}))
    live.clock.forward(minutes=5)
    released(live, version="1.0.1")
    case = walk(live, case, ("operator", "fix", {"corrected_in": "1.0.1", "answer": "corrected in 1.0.1"}))
    assert case.data["outcome"] == "corrected"
    assert walk(live, case, ("developer", "close", {"rating": "5"})).state == "closed"


def test_an_objection_has_a_deadline_in_every_state_in_which_somebody_owes_something(live: City) -> None:
    def running(case: Case) -> set[str]:
        return {reading.clock for reading in live.cases.clocks(live["authority"], case.id) if reading.state == "running"}

    case = objection(live)
    assert running(case) == {"acknowledge", "check"}
    case = walk(live, case, ("operator", "accept"), ("provider", "confirm", {"findings": "it is wrong"}))
    assert running(case) == {"correct"}
    case = walk(live, case, ("operator", "extend", {"more_days": 10, **WHY}))
    live.clock.forward(days=70)
    live.tick()
    late = live.cases.get(live["authority"], case.id)
    assert late.data["escalated"]["correct"] >= 1, "who does not correct in time is reported a level up"
    other = walk(
        live, objection(live), ("operator", "decline", {"reason_code": "no_evidence", **WHY}), ("developer", "appeal", WHY)
    )
    assert running(other) == {"appeal"}
    assert running(walk(live, other, ("authority", "recheck", WHY))) == {"check"}


def test_an_objection_is_declined_appealed_rechecked_and_closed_by_time(live: City) -> None:
    case = walk(
        live, objection(live), ("operator", "decline", {"reason_code": "no_evidence", **WHY}), ("developer", "appeal", WHY)
    )
    case = walk(live, case, ("authority", "recheck", WHY), ("provider", "find_unfounded", WHY), ("developer", "appeal", WHY))
    assert walk(live, case, ("authority", "uphold", WHY)).state == "closed"
    case = live.cases.open(ANONYMOUS, "objection", {"about": RESOURCE, "kind": "missing", "text": "a column is missing"})
    case = walk(live, case, ("provider", "decline", {"reason_code": "out_of_scope", **WHY}))
    live.clock.forward(days=40)
    live.tick()
    assert live.cases.get(SYSTEM, case.id).state == "closed"
    walk(live, objection(live), ("developer", "withdraw"))


def test_a_question_goes_to_its_interpreter(live: City) -> None:
    case = live.cases.open(live["developer"], "question", {"about": RESOURCE, "text": "what does id mean?"})
    assert case.data["interpreter"] == "provider"
    case = walk(
        live, case, ("provider", "answer", {"answer": "the running number"}), ("developer", "ask_again", {"text": "per year?"})
    )
    walk(live, case, ("provider", "answer", {"answer": "yes, per year"}), ("developer", "close"))


# Prices and disclosure


def price(city: City) -> Case:
    statement = {"costs": {"labour": 800_000, "storage": 200_000}, "subsidy": 100_000, "profit": 50_000, "tax": 50_000}
    data = {"product": "city/notices", "operator": "data-group", "implementer": "econ-bureau", "unit": "call"}
    return city.cases.open(city["operator"], "price", data | {"statement": statement, "expected_units": 1000})


def test_a_price_never_exceeds_its_cap_nor_the_cap_the_permitted_revenue(live: City) -> None:
    case = price(live)
    assert case.data["permitted_revenue"] == 1_000_000
    assert refused(live, "operator", case, "check_cost") == "case.wrong_seat"
    case = walk(live, case, ("implementer", "return", WHY))
    case = walk(live, case, ("operator", "resubmit", {"statement": {"costs": {"labour": 900_000}}, "expected_units": 1000}))
    case = walk(live, case, ("implementer", "check_cost"))
    cap = {"kind": "trial", "valid_from": "2026-01-01", "valid_to": "2027-12-31"}
    assert refused(live, "implementer", case, "cap", cap_fen=901, **cap) == "price.cap_too_high"
    case = walk(live, case, ("implementer", "cap", {"cap_fen": 900, **cap}))
    assert refused(live, "operator", case, "list", tiers=[{"from_units": 0, "unit_price_fen": 901}]) == "price.above_cap"
    case = walk(
        live,
        case,
        ("operator", "list", {"tiers": [{"from_units": 0, "unit_price_fen": 900}, {"from_units": 100, "unit_price_fen": 700}]}),
    )
    period = {"operator": "data-group", "implementer": "econ-bureau", "valid_from": "2026-01-01", "valid_to": "2026-12-31"}
    book = live.cases.open(live["implementer"], "revenue", period | {"permitted_fen": 5_000})
    sale = {"price": case.id, "customer": "beichen", "units": 10, "purpose": "model-training"}
    assert refused(live, "operator", book, "record_sale", amount_fen=9_001, **sale) == "price.above_cap"
    assert (
        refused(live, "operator", book, "record_sale", **(sale | {"amount_fen": 1, "purpose": "public-welfare"}))
        == "price.free_use"
    )
    book = walk(live, book, ("operator", "record_sale", sale | {"amount_fen": 9_000}), ("authority", "close"))
    assert book.data["carried_excess"] == 4_000
    case = walk(
        live, case, ("implementer", "adjust", WHY), ("implementer", "cap", {"cap_fen": 800, **cap}), ("operator", "retire", WHY)
    )
    other = walk(live, price(live), ("implementer", "check_cost"), ("implementer", "cap", {"cap_fen": 1, **cap}))
    live.clock.forward(days=700)
    live.tick()
    assert live.cases.get(SYSTEM, other.id).state == "retired"


ITEM = {
    "product": "city/notices",
    "operator": "data-group",
    "implementer": "econ-bureau",
    "unit": "call",
    "statement": {"costs": {"labour": 9_000}},
    "expected_units": 10,
}
PERIOD = {"operator": "data-group", "implementer": "econ-bureau", "valid_from": "2026-01-01", "valid_to": "2026-12-31"}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"product": "no/such"}, "price.unknown_product"),
        ({"operator": "econ-bureau"}, "price.not_own"),
        ({"implementer": "data-group"}, "price.same_party"),
        ({"implementer": "nobody"}, "party.unknown_org"),
        ({"statement": {"costs": ["labour"]}}, "price.statement"),
        ({"expected_units": 0}, "case.form"),
        ({"shares": {"data-group": True, "beichen": 99}}, "price.shares"),
    ],
)
def test_a_price_item_names_what_is_and_who_is_its_own(live: City, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(HubError) as refusal:
        live.cases.open(live["operator"], "price", ITEM | wrong)
    assert refusal.value.code == code


def sold(city: City, cap_fen: int = 900) -> tuple[Case, Case]:
    """A listed price and a period in which twice what is permitted was earned."""
    case = walk(city, city.cases.open(city["operator"], "price", ITEM), ("implementer", "check_cost"))
    cap = {"cap_fen": cap_fen, "kind": "trial", "valid_from": "2026-01-01", "valid_to": "2027-12-31"}
    case = walk(city, case, ("implementer", "cap", cap))
    case = walk(city, case, ("operator", "list", {"tiers": [{"from_units": 0, "unit_price_fen": cap_fen}]}))
    book = city.cases.open(city["implementer"], "revenue", PERIOD | {"permitted_fen": 4_500})
    return case, walk(
        city, book, ("operator", "record_sale", {"price": case.id, "customer": "beichen", "units": 10, "purpose": "research"})
    )


def test_what_a_period_earned_too_much_lowers_the_next_ceiling_and_the_next_cap(live: City) -> None:
    """Article 7: the excess is carried, whichever is opened or closed first."""
    case, book = sold(live)
    following = PERIOD | {"valid_from": "2027-01-01", "valid_to": "2027-12-31", "permitted_fen": 10_000}
    after = live.cases.open(live["implementer"], "revenue", following)
    assert ceiling(after) == 10_000
    book = walk(live, book, ("authority", "close"))
    assert (book.data["carried_excess"], book.data["carried_by"]) == (4_500, {"city/notices": 4_500})
    after = live.cases.get(SYSTEM, after.id)
    assert ceiling(after) == 5_500
    case = walk(live, case, ("implementer", "adjust", WHY))
    cap = {"kind": "trial", "valid_from": "2026-01-01", "valid_to": "2027-12-31"}
    assert refused(live, "implementer", case, "cap", cap_fen=451, **cap) == "price.cap_too_high"
    walk(live, case, ("implementer", "cap", cap | {"cap_fen": 450}))
    later = following | {"valid_from": "2028-01-01", "valid_to": "2028-12-31"}
    assert ceiling(live.cases.open(live["implementer"], "revenue", later)) == 10_000  # the one between is still open
    after = walk(live, after, ("authority", "close"))
    assert after.data["carried_excess"] == 0


def test_periods_of_one_operator_never_overlap_and_sales_name_who_and_what_for(live: City) -> None:
    case, book = sold(live)
    for wrong, code in (
        ({}, "price.period_taken"),
        ({"operator": "nobody"}, "party.unknown_org"),
        ({"permitted_fen": -1}, "case.form"),
    ):
        with pytest.raises(HubError) as refusal:
            live.cases.open(live["implementer"], "revenue", PERIOD | {"permitted_fen": 1} | wrong)
        assert refusal.value.code == code
    sale = {"price": case.id, "customer": "beichen", "units": 1, "purpose": "research"}
    assert refused(live, "operator", book, "record_sale", **(sale | {"purpose": "public_welfare"})) == "case.form"
    assert refused(live, "operator", book, "record_sale", **(sale | {"customer": "nobody"})) == "party.unknown_org"
    assert refused(live, "operator", book, "record_sale", **(sale | {"units": 0})) == "case.form"


def test_a_cap_that_is_over_is_not_set(live: City) -> None:
    case = walk(live, price(live), ("implementer", "check_cost"))
    over = {"cap_fen": 1, "kind": "trial", "valid_from": "2024-01-01", "valid_to": "2025-01-01"}
    assert refused(live, "implementer", case, "cap", **over) == "price.cap_over"


def test_a_disclosure_is_reviewed_by_somebody_else_and_corrected_by_a_new_one(live: City) -> None:
    pack = {"year": 2025, "kind": "city", "pack": {"authorizations": 1}, "pack_digest": DIGEST, "upto": 10}
    case = live.cases.open(live["implementer"], "disclosure", pack)
    assert refused(live, "implementer", case, "review") == "case.own_act"
    case = walk(live, case, ("authority", "review"), ("implementer", "publish"))
    newer = live.cases.open(live["implementer"], "disclosure", pack | {"replaces": case.id})
    walk(live, newer, ("authority", "review"), ("implementer", "publish"))
    assert live.cases.get(ANONYMOUS, case.id).state == "corrected"
    walk(live, live.cases.open(live["implementer"], "disclosure", pack), ("authority", "return", WHY))


# Sharing list, opening plan, probes, inspections, assessments, incidents, records


def share(city: City, **over: Any) -> Case:
    data = {
        "scenario": "one thing",
        "demander": "econ-bureau",
        "supplier": "stats-bureau",
        "resources": [RESOURCE],
        "mode": "api",
    }
    return city.cases.open(
        city["authority"], "share_item", data | {"frequency": "daily", "basis": "list 2026", "valid_to": "2026-12-31"} | over
    )


def test_a_sharing_duty_is_in_force_with_both_confirmations_only(live: City) -> None:
    case = walk(live, share(live), ("implementer", "confirm_demand"))
    assert case.state == "demand_confirmed"
    case = walk(live, case, ("provider", "confirm_supply"))
    assert case.state == "effective"
    case = walk(live, case, ("implementer", "report_breach", WHY), ("provider", "remedy"), ("implementer", "end", WHY))
    case = walk(live, case, ("implementer", "renew", {"valid_to": "2027-12-31"}), ("provider", "confirm_supply"))
    assert walk(live, case, ("implementer", "confirm_demand")).state == "effective"
    walk(live, share(live), ("provider", "withdraw", WHY))
    live.clock.forward(days=700)
    live.tick()
    assert live.cases.get(SYSTEM, case.id).state == "ended"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"resources": ["990100/stats/nothing"]}, "resource.unknown"),
        ({"supplier": "econ-bureau"}, "sharing.one_party"),
        ({"valid_to": "2020-01-01"}, "sharing.over"),
    ],
)
def test_a_sharing_duty_is_between_two_over_what_there_is(live: City, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(HubError) as refusal:
        share(live, **wrong)
    assert refusal.value.code == code


def test_what_is_shared_no_more_ends_the_duties_to_share_it(live: City) -> None:
    case = walk(live, share(live), ("implementer", "confirm_demand"), ("provider", "confirm_supply"))
    closing = change(name="share_attribute", value="none", effective_from=live.clock().date().isoformat(), checks=None)
    told = live.cases.open(live["provider"], "attribute", {key: value for key, value in closing.items() if value is not None})
    walk(live, told, ("authority", "approve"))
    live.tick()
    ended = live.cases.get(live["implementer"], case.id)
    assert (ended.state, ended.history[-1].data["reason"]) == ("ended", told.id)


def plan(city: City, **over: Any) -> Case:
    data = {"year": 2026, "quarter": "2", "resource": RESOURCE, "owner": "stats-bureau", "action": "dataset", "due": "2026-06-30"}
    return city.cases.open(city["authority"], "plan_item", data | over)


def test_a_plan_item_is_done_when_it_can_be_seen(live: City) -> None:
    assert (
        walk(live, plan(live), ("provider", "start"), ("provider", "complete", {"proof": live.made["release"].id})).state
        == "done"
    )
    live.catalog.add(live["provider"], an_entry(id="990100/stats/other"))
    late = plan(live, resource="990100/stats/other")
    assert refused(live, "provider", late, "complete", proof="trust me") == "plan.not_released"
    for action, code in (("sample", "plan.not_released"), ("update", "plan.not_updated")):
        item = plan(live, resource="990100/stats/other", action=action)
        assert refused(live, "provider", item, "complete", proof="trust me") == code
    live.catalog.revise(live["provider"], "990100/stats/other", {"summary": {"zh": "新", "en": "new"}})
    done = walk(live, item, ("provider", "complete", {"proof": "revised"}))
    assert done.data["evidence"] == ["resource:990100/stats/other@2"]
    walk(live, plan(live), ("provider", "slip", {"due": "2026-07-31", **WHY}))
    live.clock.forward(days=150)
    live.tick()
    assert live.cases.get(SYSTEM, late.id).state == "slipped"
    live.parties.add_person(live["keeper"], id="authority2", org="data-bureau", name="x", roles=["authority"])
    walk(live, late, ("authority2", "drop", WHY))


@pytest.mark.parametrize(
    ("kind", "facts", "code"),
    [
        ("settlement", {"parties": ["a", "b"], "basis": "use", "shares": ["a", "b"]}, "price.shares"),
        ("settlement", {"parties": ["a", "b", "c"], "basis": "use", "shares": {"a": 60, "b": 40}}, "record.parties_differ"),
        ("revenue_share", {"product": "no/such", "basis": "use", "shares": {"a": 100}}, "price.unknown_product"),
        ("contest", {"name": "cup", "datasets": ["no/such"], "ends": "2026-12-31", "scoring": "jury"}, "price.unknown_product"),
        ("survey", {"questionnaire": ["stats-bureau"], "answered": ["stats-bureau"]}, "record.odd_fact"),
        ("survey", {"questionnaire": ["stats-bureau"], "answered": {"stats-bureau": "many"}}, "record.odd_fact"),
        ("research_cost", {"product": "x", "year": 2026, "amount": "a hundred"}, "record.odd_fact"),
        ("foreign_basis", {"authorizer": "m", "document_digest": "none", "scope": "s"}, "record.odd_fact"),
        ("cdo_statement", {"quarter": "第三季度", "statement": "done"}, "record.odd_fact"),
        ("annotation", {"guideline": "1", "annotators": ["a", "b"], "agreement": 5, "adjudication": "c"}, "record.odd_fact"),
        ("annotation", {"guideline": "1", "annotators": ["a"], "agreement": 0.9, "adjudication": "c"}, "record.lone_annotator"),
    ],
)
def test_a_record_s_facts_are_what_registers_count_with(live: City, kind: str, facts: dict[str, Any], code: str) -> None:
    with pytest.raises(HubError) as refusal:
        live.cases.open(live["authority"], "record", {"kind": kind, "title": "t", "facts": facts})
    assert refusal.value.code == code


def test_a_probe_sees_drift_without_content_and_opens_a_task(live: City) -> None:
    case = live.cases.open(live["provider"], "probe", {"resource": RESOURCE, "address": "notices.csv"})
    seen = {"schema_digest": "1" * 64, "rows": 1000, "null_rates": {"title": 0.01}}
    assert refused(live, "provider", case, "observe", **(seen | {"null_rates": {"title": "Zhang San"}})) == "probe.content"
    case = walk(live, case, ("provider", "observe", seen))
    assert case.state == "watching"
    case = walk(live, case, ("provider", "observe", seen | {"rows": 500, "null_rates": {"title": 0.5}}))
    assert case.state == "drifted"
    assert case.data["drift"] == ["rows", "nulls:title"]
    assert [item.data["about"] for item in live.cases.list(live["provider"], flow="objection").items] == [RESOURCE]
    walk(live, case, ("provider", "accept_drift"))
    live.clock.forward(days=8)
    live.tick()
    case = live.cases.get(SYSTEM, case.id)
    assert case.state == "overdue"
    walk(live, case, ("provider", "retire", WHY))


def test_an_inspection_draws_a_sample_anybody_can_repeat(live: City) -> None:
    names = [f"entry-{number}" for number in range(50)]
    order = {"title": "spring", "inspected": "stats-bureau", "seed": "2026", "population": names, "sample_size": 5}
    case = live.cases.open(live["supervisor"], "inspection", order)
    again = live.cases.open(live["supervisor"], "inspection", order | {"population": names[::-1]})
    assert case.data["sample"] == again.data["sample"]
    case = walk(
        live,
        case,
        ("supervisor", "order", {"findings": [{"entry": names[0]}], **WHY}),
        ("provider", "rectify", {"evidence": "done so"}),
    )
    assert refused(live, "provider", case, "close") == "case.wrong_seat"
    walk(live, case, ("authority", "close"))
    walk(live, again, ("supervisor", "clear"))
    with pytest.raises(Invalid, match="inspection.sample"):
        live.cases.open(live["supervisor"], "inspection", {"title": "x", "inspected": "stats-bureau", "population": names})


def test_nobody_decides_on_the_inspection_of_their_own_organisation(live: City) -> None:
    about = {"title": "spring", "inspected": live["implementer"].org}
    case = live.cases.open(live["supervisor"], "inspection", about)
    finding = {"findings": [{"entry": RESOURCE}], **WHY}
    assert refused(live, "implementer", case, "clear") == "case.own_org"
    assert refused(live, "implementer", case, "order", **finding) == "case.own_org"
    case = walk(live, case, ("supervisor", "order", finding), ("implementer", "rectify", {"evidence": "done so"}))
    assert refused(live, "implementer", case, "close") in {"case.own_act", "case.own_org"}


def test_a_second_person_of_the_inspecting_office_closes(live: City) -> None:
    case = live.cases.open(live["supervisor"], "inspection", {"title": "spring", "inspected": "stats-bureau"})
    finding = {"findings": [{"entry": RESOURCE}], **WHY}
    case = walk(live, case, ("supervisor", "order", finding), ("provider", "rectify", {"evidence": "done so"}))
    assert refused(live, "supervisor", case, "close") == "case.own_act"
    colleague = Actor("colleague", live["supervisor"].org, frozenset({Role.SUPERVISOR}))
    assert live.cases.execute(colleague, case.id, "close", {}).state == "closed"


def test_an_assessment_is_reported_and_accepted_for_a_time(live: City) -> None:
    order = {"about": "city/notices", "kind": "risk", "assessor": "assess", "scope": "all of it"}
    report = {"report_digest": DIGEST, "result": "pass", "valid_to": "2026-12-31"}
    case = walk(
        live, live.cases.open(live["operator"], "assessment", order), ("reviewer", "take"), ("reviewer", "report", report)
    )
    case = walk(live, case, ("implementer", "return", WHY), ("reviewer", "report", report), ("implementer", "accept"))
    walk(live, case, ("operator", "close_finding", {"finding": "1", "evidence": "fixed it"}))
    live.clock.forward(days=310)
    live.tick()
    assert live.cases.get(SYSTEM, case.id).state == "expired"
    walk(live, live.cases.open(live["operator"], "assessment", order), ("reviewer", "decline", WHY))
    walk(live, live.cases.open(live["operator"], "assessment", order), ("operator", "withdraw"))


def test_an_incident_freezes_what_it_names_and_closes_only_after_notification(live: City) -> None:
    right = entitled(live)
    report = {
        "title": "bulk download",
        "kind": "bulk_download",
        "text": "one holder took everything",
        "datasets": ["city/notices"],
    }
    case = live.cases.open(live["operator"], "incident", report)
    case = walk(live, case, ("operator", "triage", {"level": "2"}), ("operator", "freeze", {"entitlements": [right.id]}))
    assert live.cases.get(SYSTEM, right.id).state == "suspended"
    assert live.cases.get(SYSTEM, live.made["release"].id).state == "quarantined"
    case = walk(live, case, ("operator", "contain"), ("operator", "notify", {"whom": "authorities", "how": "by phone"}))
    case = walk(
        live,
        case,
        ("operator", "recover", {"measures": "keys changed"}),
        ("reviewer", "review", {"cause": "a leaked token", "lessons": "shorter"}),
    )
    assert refused(live, "supervisor", case, "close") == "incident.not_notified"
    case = walk(live, case, ("operator", "notify", {"whom": "holders", "how": "by notice"}), ("supervisor", "close"))
    assert case.state == "closed", "who was forgotten before the review is told after it"
    case = live.cases.open(live["operator"], "incident", report)
    walk(live, case, ("authority", "dismiss"))
    case = live.cases.open(live["operator"], "incident", report)
    case = walk(live, case, ("operator", "contain"), ("operator", "notify", {"whom": "authorities", "how": "by phone"}))
    case = walk(
        live,
        case,
        ("operator", "notify", {"whom": "holders", "how": "by notice"}),
        ("operator", "recover", {"measures": "keys changed"}),
    )
    case = walk(
        live, case, ("reviewer", "review", {"cause": "a leaked token", "lessons": "shorter terms"}), ("supervisor", "close")
    )
    assert case.state == "closed"


def test_the_clocks_of_an_incident_stop_when_each_was_told_and_not_when_it_moves_on(live: City) -> None:
    report = {"title": "a leak", "kind": "leak", "text": "rows were seen outside", "datasets": ["city/notices"]}
    case = live.cases.open(live["operator"], "incident", report)

    def states() -> dict[str, str]:
        return {reading.clock: reading.state for reading in live.cases.clocks(SYSTEM, case.id)}

    walk(live, case, ("operator", "notify", {"whom": "authorities", "how": "by phone"}), ("operator", "triage", {"level": "2"}))
    assert states() == {"notify_authority": "met", "notify_holders": "running"}
    steps = (("operator", "contain"), ("operator", "recover", {"measures": "keys changed"}))
    walk(live, case, *steps, ("reviewer", "review", {"cause": "a leaked token", "lessons": "shorter"}))
    assert states()["notify_holders"] == "running", "nobody told them"
    live.clock.forward(days=10)
    live.do("operator", case, "notify", whom="holders", how="by notice")
    assert states() == {"notify_authority": "met", "notify_holders": "missed"}


def test_a_freeze_that_would_freeze_nothing_is_refused_and_what_it_names_belongs_to_the_incident(live: City) -> None:
    right = entitled(live)
    blank = {"title": "an account", "kind": "account", "text": "a key was left on a bus"}
    case = live.cases.open(live["operator"], "incident", blank)
    for nothing in ({}, {"datasets": ""}, {"datasets": " , ，"}, {"entitlements": [""]}):
        assert refused(live, "operator", case, "freeze", **nothing) == "incident.nothing_to_freeze"
    assert refused(live, "operator", case, "freeze", datasets="city/notice") == "incident.unknown_dataset"
    assert refused(live, "operator", case, "freeze", datasets="city/notices，city/notice") == "incident.unknown_dataset"
    for other in ("ent-nothing", case.id):
        assert refused(live, "operator", case, "freeze", entitlements=[other]) == "incident.unknown_entitlement"
    with pytest.raises(Invalid, match="incident.unknown_dataset"):
        live.cases.open(live["operator"], "incident", blank | {"datasets": ["city/notice"]})
    with pytest.raises(Invalid, match=r"party\.unknown_org"):
        live.cases.open(live["operator"], "incident", blank | {"orgs": ["beichan"]})
    assert live.cases.get(SYSTEM, right.id).state == "active"
    allowed = {row.command: row.refusal for row in live.cases.allowed(live["operator"], case.id)}
    assert allowed["freeze"] is None, "what to freeze is still to be filled in"
    case = walk(live, case, ("operator", "freeze", {"entitlements": [right.id]}))
    case = walk(live, case, ("operator", "freeze", {"datasets": "city/notices、"}))
    assert live.cases.get(SYSTEM, live.made["release"].id).state == "quarantined"
    assert (case.data["datasets"], case.data["entitlements"]) == (["city/notices"], [right.id])
    assert refused(live, "operator", case, "freeze") == "incident.nothing_to_freeze"


def test_a_record_is_complete_and_confirmed_by_a_second_person(live: City) -> None:
    shares = {
        "kind": "settlement",
        "title": "with the neighbours",
        "facts": {"parties": ["a", "b"], "basis": "use", "shares": {"a": 60, "b": 30}},
    }
    with pytest.raises(Invalid, match="price.shares"):
        live.cases.open(live["authority"], "record", shares)
    with pytest.raises(Invalid, match="record.missing"):
        live.cases.open(live["authority"], "record", shares | {"kind": "scenario"})
    facts = {"goal": "g", "data": "d", "products": "p", "metrics": "m"}
    case = live.cases.open(live["implementer"], "record", {"kind": "scenario", "title": "t", "facts": facts})
    assert refused(live, "implementer", case, "confirm") == "case.own_act"
    case = walk(
        live, case, ("authority", "return", WHY), ("implementer", "correct", {"facts": facts, **WHY}), ("authority", "confirm")
    )
    walk(live, case, ("implementer", "retire", WHY))


def test_a_delayed_case_escalates(live: City) -> None:
    case = demand(live)
    live.clock.forward(days=10)
    live.tick()
    assert live.cases.get(SYSTEM, case.id).data["escalated"]


def test_an_output_is_let_out_or_kept_by_another_organisation(live: City) -> None:
    facts = {
        "holder": "beichen",
        "booking": live.made["release"].id,
        "job": "job-1",
        "datasets": ["yunzhou/traffic"],
        "rows": 6,
        "bytes": 120,
    }

    def held() -> Case:
        with live.database.begin() as unit:
            return live.cases.open_in(unit, SYSTEM, "output", {**facts, "output_digest": DIGEST})

    with pytest.raises(Forbidden):
        live.do("developer", held(), "let_out")
    assert walk(live, held(), ("implementer", "let_out")).state == "cleared"
    assert walk(live, held(), ("implementer", "retain", WHY)).state == "retained"


def test_zz_every_transition_has_been_walked() -> None:
    rows = {
        f"{flow.name}.{row.event}"
        for flow in flows().values()
        for row in (flow.opening, *flow.transitions)
        if row.event != "escalated"
    }
    assert sorted(rows - WALKED) == []
