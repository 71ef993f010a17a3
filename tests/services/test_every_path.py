"""A rule that holds where something begins holds where it is changed, too (articles 2 to 6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.errors import HubError
from corpushub.domain.parties import SYSTEM
from corpushub.domain.workflow import Case
from tests.kit.gov import RESOURCE, City, a_released_city, an_entry, draft, registered

WHY = {"reason": "because it has to be"}
OTHER = "990100/stats/weather"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[City]:
    city = a_released_city(tmp_path)
    yield city
    city.database.close()


def refused(city: City, person: str, case: Case, command: str, **data: Any) -> str:
    with pytest.raises(HubError) as error:
        city.do(person, case, command, **data)
    return error.value.code


def not_opened(city: City, person: str, flow: str, data: dict[str, Any]) -> str:
    with pytest.raises(HubError) as error:
        city.cases.open(city[person], flow, data)
    return error.value.code


def registration_of(city: City, resource: str) -> Case:
    return next(case for case in city.cases.list(SYSTEM, flow="registration").items if case.data["resource"] == resource)


def test_an_amendment_brings_in_nothing_a_new_agreement_could_not(live: City) -> None:
    """Article 3: what is worked on is registered; article 6: purposes and channels are those there are."""
    agreement = live.made["authorization"]
    live.catalog.add(live["provider"], an_entry(id=OTHER))
    for proposed, code in (
        ({"resources": [RESOURCE, OTHER]}, "authorization.unregistered"),
        ({"purposes": ["whatever"]}, "case.form"),
        ({"channels": []}, "case.form"),
        ({"valid_to": "2026-01-02"}, "authorization.over"),
    ):
        assert refused(live, "operator", agreement, "propose_amendment", proposed=proposed, **WHY) == code
    assert live.cases.get(SYSTEM, agreement.id).state == "active"


def test_an_amendment_is_judged_again_when_it_is_confirmed(live: City) -> None:
    other = registered(live, id=OTHER)
    agreement = live.do(
        "implementer", live.made["authorization"], "propose_amendment", proposed={"resources": f"{RESOURCE}, {other}"}, **WHY
    )
    live.do("provider", registration_of(live, other), "cancel", **WHY)
    assert refused(live, "authority", agreement, "confirm_amendment") == "authorization.unregistered"
    agreement = live.do("implementer", agreement, "drop_amendment", **WHY)
    agreement = live.do("implementer", agreement, "propose_amendment", proposed={"resources": RESOURCE, "regions": []}, **WHY)
    agreement = live.do("authority", agreement, "confirm_amendment")
    assert (agreement.data["resources"], agreement.data["regions"]) == ([RESOURCE], [])


def test_an_ended_registration_stops_an_agreement_under_amendment_too(live: City) -> None:
    agreement = live.do("implementer", live.made["authorization"], "propose_amendment", proposed={"regions": ["990101"]}, **WHY)
    live.do("provider", registration_of(live, RESOURCE), "cancel", **WHY)
    assert live.cases.get(SYSTEM, agreement.id).state == "suspended"


def test_a_zone_grows_only_over_authorized_entries_and_known_members(live: City) -> None:
    zone = {"name": "z", "domain": "statistics", "implementer": "econ-bureau", "operator": "data-group", "rules": "as agreed"}
    zone |= {"members": ["beichen"], "resources": [RESOURCE]}  # type: ignore[dict-item]  # forms hold lists, too
    assert not_opened(live, "implementer", "zone", zone | {"members": ["beichen", "nobody"]}) == "party.unknown_org"
    case = live.do("authority", live.cases.open(live["implementer"], "zone", zone), "approve")
    case = live.do("implementer", case, "launch")
    live.catalog.add(live["provider"], an_entry(id=OTHER))
    assert refused(live, "implementer", case, "change_resources", resources=[RESOURCE, OTHER]) == "zone.unauthorized"
    assert refused(live, "implementer", case, "change_members", members=["nobody"]) == "party.unknown_org"
    live.do("authority", live.made["authorization"], "suspend", **WHY)
    assert "change_resources" in {
        item.command for item in live.cases.allowed(live["implementer"], case.id) if item.refusal is None
    }


def test_nobody_of_an_operating_organisation_re_develops_what_it_delivered(live: City) -> None:
    """INV-17 speaks of the organisation: a colleague without the operator's seat is of it, too."""
    live.parties.add_person(live["keeper"], id="colleague", org="data-group", name="x", roles=[])
    product = {"name": "n", "kind": "model", "parents": ["city/notices@1.0.0"], "description": "made from it"}
    assert not_opened(live, "colleague", "derived", product) == "derived.own_delivery"
    live.cases.open(live["operator"], "release", draft(live, version="7.0.0"))
    never_out = product | {"parents": ["city/notices@7.0.0"]}
    assert not_opened(live, "developer", "derived", never_out) == "derived.unknown_parent"


def test_a_corrected_record_is_as_complete_as_a_new_one(live: City) -> None:
    """Article 4: the register of channels counts on the last day of each."""
    facts = {"system": "old exchange", "reason": "until it is moved", "sunset": "2026-12-31"}
    data = {"kind": "external_channel", "title": "old exchange", "facts": facts}
    case = live.do("authority", live.cases.open(live["implementer"], "record", data), "confirm")
    assert refused(live, "implementer", case, "correct", facts={"system": "old exchange"}, **WHY) == "record.missing"
    assert refused(live, "implementer", case, "correct", facts=facts | {"sunset": "soon"}, **WHY) == "record.odd_fact"
    high = {"kind": "high_value", "title": "t", "facts": {"resource": RESOURCE, "criterion": "asked for daily"}}
    case = live.cases.open(live["implementer"], "record", high)
    wrong = {"resource": "990100/stats/none", "criterion": "asked for daily"}
    assert (
        refused(live, "authority", live.do("authority", case, "return", **WHY), "correct", facts=wrong, **WHY)
        == "case.wrong_seat"
    )
    assert refused(live, "implementer", live.cases.get(SYSTEM, case.id), "correct", facts=wrong, **WHY) == "resource.unknown"


def states(city: City, case: Case) -> dict[str, str]:
    return {reading.clock: reading.state for reading in city.cases.clocks(SYSTEM, case.id)}


def test_a_reopened_demand_is_owed_an_answer_in_time_again(live: City) -> None:
    """Article 5, 接诉即办."""
    data = {"title": "notices by street", "text": "we need all notices with their street"}
    case = live.do("developer", live.cases.open(live["developer"], "demand", data), "submit")
    case = live.do("operator", case, "decline", reason_code="not_held", **WHY)
    assert set(states(live, case).values()) == {"met"}
    live.clock.forward(days=30)
    case = live.do("developer", case, "reopen", **WHY)
    assert states(live, case) == dict.fromkeys(("acknowledge", "first_reply", "fulfil"), "running")
    case = live.do("operator", case, "acknowledge")
    assert states(live, case) == {"acknowledge": "met", "first_reply": "running", "fulfil": "running"}


def test_a_recheck_has_its_own_time(live: City) -> None:
    """Article 2, 异议处理: sent back to be checked again, an objection is no longer done."""
    data = {"about": RESOURCE, "kind": "missing", "text": "a column is missing"}
    case = live.do("provider", live.cases.open(live["developer"], "objection", data), "decline", reason_code="duplicate", **WHY)
    assert states(live, case) == {"acknowledge": "met", "check": "met"}
    case = live.do("developer", case, "appeal", **WHY)
    case = live.do("authority", case, "recheck", **WHY)
    assert states(live, case) == {"acknowledge": "met", "check": "running", "appeal": "met"}
    live.clock.forward(days=60)
    live.tick()
    assert live.cases.get(SYSTEM, case.id).data["escalated"]["check"] >= 1


def test_a_closed_entry_stops_what_was_handed_down_of_it_too(live: City) -> None:
    """Article 1: every consumer is looked at again in the same transaction, on each step down from the city."""
    part = {"resources": [RESOURCE], "purposes": ["research"], "channels": ["query"], "regions": ["990101"]}
    part |= {"fields": {RESOURCE: ["id"]}, "valid_from": "2026-03-02", "valid_to": "2027-03-01"}  # type: ignore[dict-item]  # forms hold all kinds
    root = live.made["authorization"].id
    upper = live.cases.open(live["implementer"], "delegation", part | {"parent": root, "holder": "district"})
    live.do("district", upper, "accept")
    lower = live.cases.open(live["district"], "delegation", part | {"parent": upper.id, "holder": "beichen"})
    live.do("developer", lower, "accept")
    today = live.clock().date().isoformat()
    closing = {"resource": RESOURCE, "name": "open_attribute", "value": "none", "effective_from": today, "basis": "plan", **WHY}
    live.do("authority", live.cases.open(live["provider"], "attribute", closing), "approve")
    live.tick()
    assert {live.cases.get(SYSTEM, case.id).state for case in (upper, lower)} == {"suspended"}
