"""Records, registers, federation, alerts and the training base, as people reach them in the portal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from corpushub.base.errors import Forbidden, Invalid
from corpushub.domain.delta import read_delta
from corpushub.domain.flows.record import KINDS
from corpushub.domain.parties import SYSTEM
from corpushub.portal import board
from corpushub.portal.downloads import PAGE_IN, PAGE_OUT, REPORT
from corpushub.portal.pages import Ask, Outcome, Screen, Words, link
from corpushub.portal.screens import all_screens, ask, desk
from corpushub.services.accounts import COOKIE
from corpushub.services.hub import Hub
from corpushub.web import create_app
from tests.kit.gov import RESOURCE, an_entry, registered
from tests.kit.hub import SomeHub, some_hub


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    return some_hub(tmp_path_factory.mktemp("governing"))


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    return some_hub(tmp_path_factory.mktemp("elsewhere"))


def screen(path: str) -> Screen:
    return next(item for item in all_screens() if item.pattern == path)


def asking(hub: SomeHub, person: str, path: str, **query: str) -> Ask:
    return Ask(hub.hub, hub.parties.actor_of(person), Words("en"), path, {}, query)


def shown(hub: SomeHub, person: str, path: str, **query: str) -> str:
    return str(screen(path).show(asking(hub, person, path, **query)).body)


def done(hub: SomeHub, person: str, path: str, act: str, form: Mapping[str, Any]) -> Outcome:
    return screen(path).acts[act](asking(hub, person, path), form)


def records(hub: Hub, kind: str) -> list[Mapping[str, Any]]:
    return [case.data["facts"] for case in hub.cases.list(SYSTEM, flow="record", subject=kind).items]


def test_a_record_is_filed_with_the_types_its_register_counts_with(here: SomeHub) -> None:
    form = {
        "kind": "survey",
        "title": "2026",
        "questionnaire": "stats-bureau, econ-bureau",
        "answered": "stats-bureau 5\necon-bureau 7",
    }
    done(here, "authority", "/govern/records", "file", form)
    (facts,) = records(here.hub, "survey")
    assert facts == {"questionnaire": ["stats-bureau", "econ-bureau"], "answered": {"stats-bureau": 5, "econ-bureau": 7}}
    page = shown(here, "authority", "/govern/records", kind="survey")
    assert "2026" in page


def test_every_kind_of_record_has_a_form_that_asks_for_all_its_facts(here: SomeHub) -> None:
    for kind, names in KINDS.items():
        page = shown(here, "authority", "/govern/records", kind=kind)
        assert all(f'name="{name}' in page for name in names), kind


def test_a_line_that_is_no_pair_is_named(here: SomeHub) -> None:
    with pytest.raises(Invalid, match=r"records\.pairs"):
        done(
            here,
            "authority",
            "/govern/records",
            "file",
            {"kind": "revenue_share", "title": "t", "product": "p", "basis": "b", "shares": "all of it"},
        )


def test_registers_of_those_who_oversee_are_shown_to_them_alone(here: SomeHub) -> None:
    assert "<table" in shown(here, "auditor", "/oversee/registers", name="channels")
    assert not screen("/oversee/registers").admits(here.parties.actor_of("developer"))
    with pytest.raises(Forbidden, match=r"oversight\.only"):
        shown(here, "developer", "/oversee/registers", name="settlements")


def test_who_oversees_says_which_alerts_to_be_told_of(here: SomeHub) -> None:
    done(here, "supervisor", "/oversee/monitor", "subscribe", {"kinds": ["leak", "bulk_download"]})
    assert here.hub.oversight.subscribed(here.parties.actor_of("supervisor")) == ("leak", "bulk_download")
    assert shown(here, "supervisor", "/oversee/monitor").count("checked") == 2
    assert 'name="kinds"' not in shown(here, "operator", "/oversee/monitor")
    done(here, "supervisor", "/oversee/monitor", "subscribe", {})
    assert here.hub.oversight.subscribed(here.parties.actor_of("supervisor")) == ()


@pytest.fixture(scope="module")
def app(here: SomeHub) -> Any:
    return create_app(here.hub, with_portal=True)


def sent(app: Any, hub: SomeHub, person: str, request: tuple[str, str], **more: Any) -> httpx.Response:
    hub.accounts.set_password(SYSTEM, person, "a password for tests")
    cookies = {COOKIE: hub.accounts.sign_in(person, "a password for tests")}
    endpoint = hub.settings.endpoint()

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=endpoint, cookies=cookies, timeout=60) as client:
            return await client.request(*request, headers={"origin": endpoint}, **more)

    return asyncio.run(send())


def test_a_page_taken_at_one_hub_is_handed_in_at_another(app: Any, here: SomeHub, there: SomeHub) -> None:
    entry = an_entry(id="990101/air/hourly", region="990101")
    there.hub.catalog.add(there.parties.actor_of("provider"), entry)
    own = str(there.hub.federation.key.verifier)
    assert own in shown(there, "authority", "/oversee/partners")
    page = json.dumps(there.hub.federation.delta())
    own_page = sent(app, here, "authority", ("GET", PAGE_OUT))
    assert own_page.headers["content-disposition"].endswith('"catalog.json"')
    assert read_delta(own_page.json(), here.hub.federation.key.verifier).after == 0
    form = {"name": "district-hub", "key": own, "regions": "990101, 990102", "address": "", "partner": ""}
    done(here, "authority", "/oversee/partners", "add", form)
    files = {"page": ("catalog.json", page.encode(), "application/json")}
    told = {"peer": "district-hub", "back": "/en/oversee/partners"}
    assert sent(app, here, "developer", ("POST", PAGE_IN), data=told, files=files).status_code == 403
    answer = sent(app, here, "authority", ("POST", PAGE_IN), data=told, files=files)
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/oversee/partners?took=1&added=1&changed=0")
    (heard,) = here.hub.federation.heard()
    assert heard.entries == 1
    again = sent(app, here, "authority", ("POST", PAGE_IN), data={**told, "back": "//example.org"}, files=files)
    assert (again.status_code, again.headers["location"]) == (303, "/?took=1&added=0&changed=0"), "nobody is led to another site"
    broken = {"page": ("catalog.json", json.dumps({"after": 0}).encode(), "application/json")}
    assert sent(app, here, "authority", ("POST", PAGE_IN), data=told, files=broken).status_code == 422


def test_a_booking_is_filed_where_it_is_used(here: SomeHub) -> None:
    page = shown(here, "developer", "/demand/mine", tab="compute")
    assert 'data-act="file"' in page
    form = {
        "kind": "compute_booking",
        "title": "eval",
        "dataset": "a/b",
        "image": "x",
        "ends": "2099-01-01",
        "quota.seconds": "60",
    }
    with pytest.raises(Invalid, match=r"record\.odd_fact"):
        done(here, "developer", "/demand/mine", "file", form)
    done(here, "developer", "/demand/mine", "file", {**form, "quota.rows": "10", "quota.bytes": "1000"})
    (facts,) = records(here.hub, "compute_booking")
    assert facts["quota"] == {"seconds": 60, "rows": 10, "bytes": 1000}
    assert "eval" in shown(here, "developer", "/demand/mine", tab="compute")


def test_who_oversees_takes_the_report_as_a_document(app: Any, here: SomeHub) -> None:
    assert f'action="{REPORT}"' in shown(here, "auditor", "/oversee/dashboard")
    assert REPORT not in shown(here, "operator", "/oversee/dashboard")
    asked = ("GET", f"{REPORT}?first=2026-01-01&last=2026-12-31&form=docx&lang=en")
    answer = sent(app, here, "auditor", asked)
    assert answer.content.startswith(b"PK")
    assert answer.headers["content-disposition"].endswith('"report-2026-01-01-2026-12-31.docx"')
    assert sent(app, here, "developer", asked).status_code == 403
    assert sent(app, here, "auditor", ("GET", asked[1].replace("docx", "pdf"))).status_code == 422


ENTRY = {
    "id": "990100/stats/bus-lines",
    "title.zh": "公交线路",
    "title.en": "Bus lines",
    "owner": "stats-bureau",
    "frequency": "daily",
    "origin": "own",
    "interpreter.person": "provider",
    "items": "line str public number of the line\nriders int personal who rides, and how often\n",
}


def test_an_entry_is_written_into_the_catalog_by_those_who_answer_for_data(here: SomeHub) -> None:
    assert "sheet-entry" in shown(here, "provider", "/govern/resources")
    assert "sheet-entry" not in shown(here, "implementer", "/govern/resources")
    went = done(here, "provider", "/govern/resources", "enter", ENTRY)
    assert went.goto == "/en/govern/resources/990100/stats/bus-lines"
    entry = here.hub.catalog.get(SYSTEM, ENTRY["id"])
    assert (entry.region, entry.frequency, dict(entry.interpreter)) == ("990100", "daily", {"person": "provider"})
    assert [(item.name, item.dtype, item.sensitivity, item.meaning["en"]) for item in entry.items] == [
        ("line", "str", "public", "number of the line"),
        ("riders", "int", "personal", "who rides, and how often"),
    ]


def test_a_field_that_does_not_read_as_one_is_named_and_nothing_is_written(here: SomeHub) -> None:
    for line in ("line str public", "line str open number of the line"):
        with pytest.raises(Invalid, match=r"resources\.item_line") as refused:
            done(here, "provider", "/govern/resources", "enter", {**ENTRY, "id": "990100/stats/other", "items": line})
        assert refused.value.facts["line"] == line
    assert not here.hub.catalog.search(SYSTEM, "990100/stats/other").items


def test_who_declares_an_interest_stands_aside(here: SomeHub) -> None:
    with pytest.raises(Invalid, match=r"account\.interest_wanted"):
        done(here, "developer", "/home/account", "declare", {"org": "data-group", "kind": " "})
    done(here, "developer", "/home/account", "declare", {"org": "data-group", "kind": "owns a third"})
    (held,) = here.hub.parties.conflicts(here.parties.actor_of("developer"))
    assert held == {"person": "developer", "org": "data-group", "kind": "owns a third", "ended": ""}
    assert "owns a third" in shown(here, "developer", "/home/account")
    assert "owns a third" not in shown(here, "provider", "/home/account"), "one's own alone"


def test_what_is_open_is_listed_however_many_newer_cases_are_closed(here: SomeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "PER_PAGE", 2)
    monkeypatch.setattr(desk, "PER_PAGE", 2)
    monkeypatch.setattr(ask, "PER_PAGE", 2)
    developer = here.parties.actor_of("developer")
    asked = [{"title": f"tide number {number}", "text": "the tides of every harbour, by the hour"} for number in range(5)]
    cases = sorted(here.hub.cases.open(developer, "demand", words).id for words in asked)
    registered(here.city)
    wrong = {"about": RESOURCE, "kind": "missing", "text": "a day is missing"}
    objections = sorted(here.hub.cases.open(developer, "objection", wrong).id for _ in range(5))
    for closed in (*cases[1:], *objections[1:]):
        here.hub.cases.execute(developer, closed, "withdraw", {})
    assert cases[0] in shown(here, "operator", "/demand/desk")
    assert cases[2] in shown(here, "developer", "/demand/ask", after=cases[3])
    assert objections[0] in shown(here, "authority", "/data/objections")
    listed = shown(here, "authority", "/data/objections", show="closed")
    assert objections[0] not in listed
    assert objections[4] in listed
    assert f"after={objections[3]}" in listed
    assert objections[1] in shown(here, "authority", "/data/objections", show="closed", after=objections[3])


def test_an_entry_leads_to_its_application_with_what_is_known_filled_in(here: SomeHub) -> None:
    entry = here.hub.catalog.add(here.parties.actor_of("provider"), an_entry(id="990100/stats/owed", title={"en": "Owed entry"}))
    path = "/govern/registrations"
    assert link("en", path, resource=entry.id) in shown(here, "provider", path)
    form = shown(here, "provider", path, resource=entry.id)
    assert "Full text of notices" in form
    assert "Entries to be registered" not in shown(here, "developer", path)
