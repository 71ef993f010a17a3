"""People and seats, contributions, bulk intake, clean rooms, ids and days, as people reach them in the portal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid, NotFound
from corpushub.domain.flows import flows
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.portal import casework
from corpushub.portal.areas import area_of
from corpushub.portal.pages import Ask, Outcome, Screen, Words
from corpushub.portal.parts import refusal
from corpushub.portal.screens import all_screens, tasks
from corpushub.services.contributions import Push
from tests.kit.gov import an_entry, credit_code
from tests.kit.hub import CARD, SomeHub, some_hub

PEOPLE, INTAKE = "/home/people", "/govern/intake"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    return some_hub(tmp_path_factory.mktemp("keeping"))


def asking(hub: SomeHub, person: str, path: str, **query: str) -> tuple[Screen, Ask]:
    """The screen that answers `path`, and the request for it."""
    screen, params = next((one, found) for one in all_screens() if (found := one.matches(path)) is not None)
    return screen, Ask(hub.hub, hub.parties.actor_of(person), Words("en"), path, params, query)


def shown(hub: SomeHub, person: str, path: str, **query: str) -> str:
    screen, ask = asking(hub, person, path, **query)
    return str(screen.show(ask).body)


def done(hub: SomeHub, person: str, path: str, act: str, form: Mapping[str, Any]) -> Outcome:
    screen, ask = asking(hub, person, path)
    return screen.acts[act](ask, form)


def org_of(hub: SomeHub, person: str) -> str:
    return str(hub.parties.actor_of(person).org)


def test_an_authority_adds_an_organisation_and_a_person_with_seats(here: SomeHub) -> None:
    form = {"id": "new-uni", "name_zh": "新大学", "credit_code": "no code", "kind": "research", "region": "990100"}
    with pytest.raises(Invalid, match=r"party\.credit_code"):
        done(here, "authority", PEOPLE, "add_org", form)
    done(here, "authority", PEOPLE, "add_org", {**form, "credit_code": credit_code(998)})
    made = done(
        here, "authority", PEOPLE, "add_person", {"login": "mei.li", "name": "梅丽", "org": "new-uni", "roles": "developer"}
    )
    assert made.goto == "/en/home/people/new-uni/mei.li"
    assert here.parties.actor_of("mei.li").roles == {Role.DEVELOPER}
    assert "梅丽" in shown(here, "authority", "/home/people/new-uni")


def test_seats_are_given_and_ended_but_never_to_oneself(here: SomeHub) -> None:
    path = f"/home/people/{org_of(here, 'reviewer')}/reviewer"
    done(here, "authority", path, "seat", {"role": "assessor", "valid_to": "2099-12-31"})
    assert Role.ASSESSOR in here.parties.actor_of("reviewer").roles
    assert "2099-12-31" in shown(here, "authority", path)
    done(here, "authority", path, "unseat", {"role": "assessor"})
    assert Role.ASSESSOR not in here.parties.actor_of("reviewer").roles
    own = f"/home/people/{org_of(here, 'authority')}/authority"
    assert 'data-sheet="sheet-seat"' not in shown(here, "authority", own)
    with pytest.raises(Forbidden, match=r"party\.own_role"):
        done(here, "authority", own, "seat", {"role": "auditor"})


def test_managing_and_operating_do_not_meet_in_one_organisation(here: SomeHub) -> None:
    path = f"/home/people/{org_of(here, 'operator')}/operator"
    with pytest.raises(Conflict, match=r"party\.roles_exclusive"):
        done(here, "authority", path, "seat", {"role": "reviewer"})


def test_others_see_their_own_people_and_change_nobody(here: SomeHub) -> None:
    assert "sheet-add_person" not in shown(here, "developer", PEOPLE)
    assert "developer" in shown(here, "developer", f"/home/people/{org_of(here, 'developer')}")
    assert "empty" in shown(here, "developer", f"/home/people/{org_of(here, 'operator')}")
    with pytest.raises(NotFound, match=r"party\.unknown_person"):
        shown(here, "developer", f"/home/people/{org_of(here, 'operator')}/operator")
    with pytest.raises(Forbidden, match=r"party\.keepers_only"):
        done(here, "developer", f"/home/people/{org_of(here, 'operator')}/operator", "depart", {})


def test_who_left_has_no_seat_and_can_be_forgotten(here: SomeHub) -> None:
    here.parties.add_person(SYSTEM, id="old.hand", org=org_of(here, "provider"), name="老手", roles=["provider"])
    path = f"/home/people/{org_of(here, 'provider')}/old.hand"
    done(here, "authority", path, "depart", {})
    assert "sheet-forget" in shown(here, "authority", path)
    done(here, "authority", path, "forget", {})
    assert "老手" not in shown(here, "authority", path)


def test_an_administrator_alone_gives_passwords(here: SomeHub) -> None:
    here.parties.add_person(SYSTEM, id="admin.one", org=org_of(here, "authority"), name="管理员", roles=["admin"])
    path = f"/home/people/{org_of(here, 'developer')}/developer"
    assert 'name="password"' not in shown(here, "authority", path)
    with pytest.raises(Forbidden, match=r"account\.not_yours"):
        done(here, "authority", path, "password", {"password": "long enough to be one"})
    assert 'name="password"' in shown(here, "admin.one", path)
    done(here, "admin.one", path, "password", {"password": "long enough to be one"})
    assert here.accounts.sign_in("developer", "long enough to be one")


def test_a_table_is_entered_and_its_wrong_rows_are_named(here: SomeHub) -> None:
    owner = org_of(here, "provider")
    rows = (
        f"id,owner,title.zh,title.en,origin,frequency\n990100/tab/a,{owner},甲,A,own,daily\n990100/tab/b,nobody,乙,B,own,daily\n"
    )
    outcome = done(here, "provider", INTAKE, "enter", {"rows": rows})
    assert "1 entry entered" in outcome.extra["html"]
    assert "1 wrong row" in outcome.extra["html"]
    assert here.hub.catalog.get(SYSTEM, "990100/tab/a").title == {"zh": "甲", "en": "A"}
    with pytest.raises(Invalid, match=r"intake\.nothing"):
        done(here, "provider", INTAKE, "enter", {"rows": " "})


def test_another_catalog_is_harvested_from_its_file_and_no_host_is_asked_unless_allowed(here: SomeHub) -> None:
    owner = org_of(here, "provider")
    package = {"name": "bus-stops", "title": "Bus stops", "notes": "All stops.", "groups": [{"name": "transport"}]}
    form = {"owner": owner, "region": "990100", "folder": "ckan", "document": json.dumps({"result": {"results": [package]}})}
    assert "990100/ckan/bus-stops" in done(here, "provider", INTAKE, "harvest", form).extra["html"]
    with pytest.raises(Forbidden, match=r"federation\.host"):
        done(here, "provider", INTAKE, "harvest", {**form, "document": "", "address": "https://elsewhere.example/catalog"})
    with pytest.raises(Invalid, match=r"harvest\.unknown_form"):
        done(here, "provider", INTAKE, "harvest", {**form, "document": "<html>"})


def test_what_the_catalog_lacks_is_shown_to_who_oversees(here: SomeHub) -> None:
    here.hub.catalog.add(here.parties.actor_of("provider"), an_entry(id="990100/tab/gap", system="metro") | {"interpreter": {}})
    page = shown(here, "authority", INTAKE, systems="metro，water")
    assert "990100/tab/gap" in page
    assert ">water<" in page
    assert ">metro<" not in page
    assert "What the catalog lacks" not in shown(here, "provider", INTAKE)


def test_a_push_is_listed_with_what_became_of_it(here: SomeHub) -> None:
    assert "Nothing has been pushed yet" in shown(here, "operator", "/make/contributions")
    operator = here.parties.actor_of("operator")
    hub = here.hub
    repo = f"{operator.org}/pushed"
    hub.repositories.create(operator, repo)
    entry = hub.contributions.keep_small("a.txt", b"a")
    pushed = hub.contributions.push(operator, repo, Push("main", "first", files=[entry]))
    page = shown(here, "operator", "/make/contributions")
    assert pushed.commit[:10] in page
    assert "1 file" in page
    assert repo in page
    its_page = shown(here, "operator", f"/data/datasets/{repo}")
    assert "Not released yet" in its_page
    assert "a.txt" in its_page
    assert "Request access" not in its_page
    with pytest.raises(NotFound):
        shown(here, "developer", f"/data/datasets/{repo}")
    screen, _ = asking(here, "operator", "/make/contributions")
    assert not screen.admits(here.parties.actor_of("reviewer"))


def test_a_dataset_shows_its_curators_what_is_out_not_what_was_pushed_since(here: SomeHub) -> None:
    operator, hub = here.parties.actor_of("operator"), here.hub
    here.publish("city/notices", {"README.md": CARD.encode()})
    entry = hub.contributions.keep_small("later.txt", b"later")
    pushed = hub.contributions.push(operator, "city/notices", Push("main", "later", files=[entry]))
    assert "later.txt" not in shown(here, "operator", "/data/datasets/city/notices", tab="files")
    assert "later.txt" in shown(here, "operator", "/data/datasets/city/notices", tab="files", revision=pushed.commit)


def test_an_id_of_the_network_leads_to_what_it_stands_for(here: SomeHub) -> None:
    here.hub.catalog.add(here.parties.actor_of("provider"), an_entry(id="990100/tab/named"))
    assert "990100/tab/named stands for" in shown(here, "developer", "/data/catalog", q="990100/tab/named")
    assert "stands for" not in shown(here, "developer", "/data/catalog", q="990100/tab/unheard-of")


def test_attributes_are_shown_as_they_stood_on_a_day(here: SomeHub) -> None:
    here.hub.catalog.add(here.parties.actor_of("provider"), an_entry(id="990100/tab/then"))
    page = shown(here, "developer", "/data/catalog/990100/tab/then", on="2020-01-01")
    assert page.split('data-part="as-of"')[1].split("</dl>")[0].count("<dd>") == 2


@pytest.mark.parametrize(
    ("kind", "word"), [(NotFound, "Not found."), (Conflict, "Not possible now."), (Forbidden, "Not allowed.")], ids=str
)
def test_a_denial_says_of_what_kind_it_is(kind: type[HubError], word: str) -> None:
    assert word in refusal(Words("en"), kind("portal.no_screen"))


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEM])
def test_every_case_has_an_address_that_its_reader_s_seat_opens(here: SomeHub, role: Role) -> None:
    ask = Ask(here.hub, Actor("reader", "somewhere", frozenset({role})), Words("en"), "/home/tasks")
    for name, flow in flows().items():
        address = casework.case_href(ask, name, f"{flow.prefix}-{'0' * 26}")
        area = area_of(address)
        assert area is not None, name
        assert area.admits(ask.actor), name
        screen = next(one for one in all_screens() if one.matches(address.removeprefix("/en")) is not None)
        assert screen.pattern.endswith("/{case}"), (name, screen.pattern)
        assert screen.admits(ask.actor), name


def test_a_new_hub_tells_its_keeper_the_first_steps_and_leads_only_where_the_keeper_may_go(here: SomeHub) -> None:
    told = shown(here, "keeper", "/home/tasks")
    assert 'href="/en/home/people"' in told
    assert "Conclude an operating agreement" in told
    assert 'href="/en/govern/authorizations"' not in told
    assert 'href="/en/govern/authorizations"' in shown(here, "authority", "/home/tasks")
    assert "First steps" not in shown(here, "developer", "/home/tasks")


def test_of_many_tasks_of_a_kind_a_few_are_shown_until_somebody_asks_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = some_hub(tmp_path)
    monkeypatch.setattr(tasks, "SHOWN", 2)
    asker = hub.parties.actor_of("developer")
    for number in range(5):
        case = hub.hub.cases.open(asker, "demand", {"title": f"Tides {number}", "text": "the tides of ten years"})
        hub.hub.cases.execute(asker, case.id, "submit")
    told = shown(hub, "operator", "/home/tasks")
    assert told.count("Tides ") == 2
    assert "3 more" in told
    assert 'href="/en/home/tasks?flow=demand"' in told
    told = shown(hub, "operator", "/home/tasks", flow="demand")
    assert told.count("Tides ") == 5
    assert "more →" not in told
