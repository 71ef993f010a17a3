"""Every link of the chain can stop a delivery, at once and by itself (INV-05)."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpushub.base.errors import HubError, Invalid, NotFound
from corpushub.domain.parties import ANONYMOUS, Actor, Role
from corpushub.services.access import Gated
from corpushub.services.viewer import Asked
from tests.kit.gov import authorized, registered, released
from tests.kit.hub import CURATOR, READER, REPO, STRANGER, SomeHub, get, notices, some_hub

FILE = "data/test-00000-of-00001.parquet"


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path)
    made.city.made["release"] = released(made.city)
    made.publish(REPO, notices())
    return made


def takes(hub: SomeHub, token: str = "") -> str:
    """The entitlement the reader's delivery falls under; raises what the client would see."""
    hub.access.forget()
    hub.repositories.forget()
    actor = hub.access.actor_of_token(token) if token else hub.city["developer"]
    return str(hub.repositories.locate(actor, REPO, "v1.0.0", FILE).permission.entitlement)


def refused(hub: SomeHub) -> str:
    with pytest.raises(Gated) as caught:
        takes(hub)
    assert caught.value.why is not None
    assert caught.value.explain("en")
    assert caught.value.explain("zh")
    return caught.value.why.code


def test_nothing_is_delivered_without_an_entitlement(hub: SomeHub) -> None:
    assert refused(hub) == "delivery.missing"
    with pytest.raises(Gated):
        hub.repositories.locate(STRANGER, REPO, "v1.0.0", FILE)


def test_an_entitlement_opens_the_release_to_its_holder_only(hub: SomeHub) -> None:
    entitlement = hub.entitle()
    assert takes(hub) == entitlement.id
    assert (
        hub.repositories.locate(READER, REPO, hub.repositories.at(READER, REPO).commit.id, FILE).permission.purpose
        == "model-training"
    )
    with pytest.raises(Gated):
        hub.repositories.locate(STRANGER, REPO, "v1.0.0", FILE)


def test_revoking_or_suspending_stops_the_next_request(hub: SomeHub) -> None:
    entitlement = hub.entitle()
    hub.city.do("implementer", entitlement, "suspend", reason="under check")
    assert refused(hub) == "delivery.inactive"
    hub.city.do("implementer", hub.cases.get(CURATOR, entitlement.id), "resume")
    assert takes(hub) == entitlement.id
    hub.city.do("authority", hub.cases.get(CURATOR, entitlement.id), "revoke", reason="purpose broken")
    assert refused(hub) == "delivery.inactive"


def test_a_suspended_authorization_stops_what_rests_on_it(hub: SomeHub) -> None:
    hub.entitle()
    hub.city.do("authority", hub.city.made["authorization"], "suspend", reason="inspection")
    assert refused(hub) in {"delivery.inactive", "delivery.missing"}


def test_an_entitlement_to_some_versions_opens_no_other(hub: SomeHub) -> None:
    hub.publish(REPO, notices() | {"more.bin": b"more"}, tag="v2.0.0")
    entitlement = hub.entitle(versions="1.*")
    assert takes(hub) == entitlement.id
    for revision in ("v2.0.0", "main", hub.repositories.at(READER, REPO, "v2.0.0").commit.id):
        with pytest.raises(Gated) as caught:
            hub.repositories.locate(READER, REPO, revision, FILE)
        assert caught.value.why is not None
        assert caught.value.why.code == "delivery.versions"
        assert "1.*" in caught.value.explain("zh")
    table = hub.viewer.table(READER, REPO, "v2.0.0", "", "")
    with pytest.raises(Gated):
        hub.viewer.page(READER, table, Asked())
    with pytest.raises(Invalid, match=r"access\.versions_unreadable"):
        hub.entitle(versions="latest")


def test_an_entitlement_ends_with_its_term(hub: SomeHub) -> None:
    entitlement = hub.entitle(days=10)
    hub.city.clock.forward(days=11)
    assert takes_or(hub) != entitlement.id


def takes_or(hub: SomeHub) -> str:
    try:
        return takes(hub)
    except HubError as error:
        return error.code


def test_a_token_serves_only_the_purpose_it_was_made_for(hub: SomeHub) -> None:
    entitlement = hub.entitle()
    right = hub.access.issue_token(READER, name="right", purpose="model-training")[0]
    wrong = hub.access.issue_token(READER, name="wrong", purpose="research")[0]
    assert takes(hub, right) == entitlement.id
    with pytest.raises(Gated) as caught:
        takes(hub, wrong)
    assert caught.value.why is not None
    assert caught.value.why.code == "delivery.purpose"


@pytest.mark.parametrize("command", ["quarantine", "withdraw"])
def test_a_stopped_release_answers_nobody_by_tag_branch_or_commit(hub: SomeHub, command: str) -> None:
    hub.entitle()
    commit = hub.repositories.at(READER, REPO).commit.id
    stop(hub, command)
    for revision in ("v1.0.0", "main", commit, commit[:10]):
        with pytest.raises(NotFound) as caught:
            hub.repositories.locate(READER, REPO, revision, FILE)
        assert "row 7" in caught.value.explain("en")


@pytest.mark.parametrize("command", ["quarantine", "withdraw"])
def test_its_curators_alone_still_read_a_stopped_release_and_leave_a_record(hub: SomeHub, command: str) -> None:
    commit = hub.repositories.at(READER, REPO).commit.id
    stop(hub, command)
    secret = hub.token(CURATOR)
    for revision in ("v1.0.0", "main", commit):
        answer = get(hub, f"/datasets/{REPO}/resolve/{revision}/{FILE}", secret)
        assert answer.content == notices()[FILE]
    assert "row 7" in get(hub, f"/datasets/{REPO}/resolve/v1.0.0/{FILE}", secret).headers["x-hf-warning"]
    elsewhere = Actor("somebody", "beichen", frozenset({Role.OPERATOR}))
    for actor in (elsewhere, STRANGER, ANONYMOUS):
        with pytest.raises(HubError):
            hub.repositories.locate(actor, REPO, commit, FILE)
    rows = [row for row in hub.access.deliveries(hub.city["auditor"]) if row.repo == REPO]
    assert {row.person for row in rows} == {CURATOR.person}
    assert sum(row.files for row in rows) == 4


def stop(hub: SomeHub, command: str) -> None:
    case = hub.city.do("reviewer", hub.city.made["release"], "quarantine", reason="a name was left in row 7")
    if command == "withdraw":
        for person in ("implementer", "authority", "reviewer"):
            case = hub.cases.get(CURATOR, case.id)
            if case.state != "withdrawn":
                hub.city.do(person, case, "withdraw", reason="a name was left in row 7")
    hub.repositories.forget()


def test_what_is_open_without_condition_needs_nobody_s_leave(tmp_path: Path) -> None:
    hub = some_hub(tmp_path)
    registered(hub.city, open_attribute="unconditional")
    hub.city.made["authorization"] = authorized(hub.city)
    released(hub.city)
    hub.publish(REPO, notices())
    assert hub.repositories.locate(ANONYMOUS, REPO, "v1.0.0", FILE).permission.entitlement == ""
    hub.repositories.describe_new()
    hub.repositories.forget()
    assert not hub.repositories.get(ANONYMOUS, REPO).gated
