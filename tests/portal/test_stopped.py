"""A release that is withheld or about to be: whom it waits for, what a voice did, and what stays to be read of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpushub.base.errors import NotFound
from corpushub.base.messages import catalogue
from corpushub.domain.flows import flow_named
from corpushub.domain.workflow import Case
from corpushub.portal import casework, choices, values
from corpushub.portal.pages import Ask, Words
from corpushub.portal.screens import dataset, notices, reviews
from corpushub.services.release_cases import key_of
from corpushub.services.releases import RELEASES
from tests.kit.gov import released
from tests.kit.hub import REPO, SomeHub, some_hub
from tests.kit.hub import notices as files

EN = Words("en")
WHY = {"reason": "a name was left in the text"}


@pytest.fixture
def here(tmp_path: Path) -> SomeHub:
    hub = some_hub(tmp_path)
    hub.city.made["release"] = released(hub.city, dataset=REPO, title={"en": "Notices of the city", "zh": "通知"})
    commit = hub.publish(REPO, files())
    with hub.database.begin() as unit:
        unit.documents.put(RELEASES, key_of(REPO, "1.0.0"), {"case": hub.city.made["release"].id, "commit": commit})
    hub.repositories.describe_new()
    return hub


def asking(hub: SomeHub, person: str, path: str = "/data/datasets/city/notices", **query: str) -> Ask:
    params = {"owner": "city", "name": "notices"}
    return Ask(hub.hub, hub.parties.actor_of(person), EN, path, params, query)


def waits(hub: SomeHub, person: str) -> set[str]:
    return {task.case.id for task in hub.cases.tasks(hub.parties.actor_of(person))}


def voiced(hub: SomeHub, person: str, command: str) -> str:
    case = release(hub)
    sent = {"case": case.id, "command": command, "version": str(case.version), **WHY}
    return casework.give_command(asking(hub, person), sent).notice


def release(hub: SomeHub) -> Case:
    held: Case = hub.cases.get(hub.parties.actor_of("operator"), hub.city.made["release"].id)
    return held


def test_a_withdrawal_that_one_has_spoken_for_waits_for_the_others(here: SomeHub) -> None:
    case = release(here)
    assert case.id not in waits(here, "implementer"), "a standing power is no task"
    assert "1 more person has" in voiced(here, "reviewer", "withdraw")
    assert release(here).state == "released"
    assert case.id in waits(here, "implementer")
    assert case.id not in waits(here, "reviewer"), "who has spoken waits for the others"
    assert case.id not in waits(here, "developer")
    (told,) = reviews.begun(asking(here, "implementer"), release(here))
    assert EN.name("command", "withdraw") in told
    assert casework.person_name(asking(here, "implementer"), "reviewer") in told
    assert EN("portal.done", command=EN.name("command", "withdraw")) == voiced(here, "implementer", "withdraw")
    assert release(here).state == "withdrawn"


def test_one_voice_that_suffices_is_told_as_done(here: SomeHub) -> None:
    assert voiced(here, "supervisor", "quarantine") == EN("portal.done", command=EN.name("command", "quarantine"))


def test_what_is_withheld_leaves_a_page_that_says_why_and_what_next(here: SomeHub) -> None:
    commit = here.releases.get(here.parties.actor_of("operator"), REPO, "1.0.0").commit
    before = str(dataset.show(asking(here, "developer")).body)
    assert EN("dataset.tombstone") not in before
    here.city.do("supervisor", release(here), "quarantine", **WHY)
    here.repositories.forget()
    assert EN("dataset.quarantined_next") in str(dataset.show(asking(here, "developer")).body)
    successor = f"{REPO}@1.0.1"
    for person in ("reviewer", "implementer"):
        here.city.do(person, release(here), "withdraw", **WHY, successor=successor)
    here.repositories.forget()
    for person, revision in (("developer", "main"), ("developer", "v1.0.0"), ("provider", commit)):
        page = str(dataset.show(asking(here, person, revision=revision)).body)
        assert "Notices of the city" in page
        assert WHY["reason"] in page
        assert EN("dataset.withdrawn_next") in page
        assert "revision=v1.0.1" in page
        assert release(here).data["manifest_digest"][:12] in page
    with pytest.raises(NotFound, match="revision_unknown"):
        dataset.show(asking(here, "developer", revision="v9.9.9"))


def test_notices_call_things_by_their_titles(here: SomeHub) -> None:
    here.entitle()
    voiced(here, "reviewer", "withdraw")
    voiced(here, "implementer", "withdraw")
    ask = asking(here, "developer", "/home/notices")
    told = [notices.words_of(ask, notice) for notice in here.cases.notices(ask.actor)]
    assert any("Notices" in words for words in told)
    assert not any(f"dataset:{REPO}" in words for words in told)
    assert notices.called(ask, "digest", "0123456789abcdef0123") == "0123456789abcdef"


def test_versions_are_chosen_not_typed(tmp_path: Path) -> None:
    """A holder says which versions were used; who ordered work or asked for a correction is offered what was released since."""
    here = some_hub(tmp_path)
    released(here.city, dataset=REPO)
    right = here.entitle()
    ask = asking(here, "developer")
    fields = [field for row in flow_named("entitlement").transitions for field in row.fields]
    offered = choices.all_of(ask, fields, right)
    assert [value for value, _ in offered["versions_used"]] == ["1.0.0"]
    assert "v1.0.0" in dict(offered["versions_used"])["1.0.0"]
    assert "versions_used" not in choices.all_of(ask, fields)


def test_a_use_of_what_is_withdrawn_since_is_reported_and_told_once(here: SomeHub) -> None:
    right = here.entitle()
    for person in ("reviewer", "implementer"):
        voiced(here, person, "withdraw")
    ask = asking(here, "developer")
    fields = [field for row in flow_named("entitlement").rows("report_use") for field in row.fields]
    ((version, words),) = choices.all_of(ask, fields, right)["versions_used"]
    assert EN.name("state", "withdrawn") in words
    used = {"model": "Northstar Legal 2.0", "task": "fine-tuning", "versions_used": [version]}
    right = here.city.do("developer", right, "report_use", **used)
    assert str(values.facts_of(ask, right)).count("Northstar Legal 2.0") == 1


def test_who_decides_reaches_the_page_of_a_version_from_its_dataset(here: SomeHub) -> None:
    way = f"/make/reviews/{release(here).id}"
    assert way in str(dataset.show(asking(here, "reviewer", tab="versions")).body)
    assert way not in str(dataset.show(asking(here, "developer", tab="versions")).body)


def test_what_may_replace_a_version_is_chosen_from_the_others(here: SomeHub) -> None:
    newer = released(here.city, dataset=REPO, version="1.0.1")
    fields = [field for row in flow_named("release").rows("withdraw") for field in row.fields]
    (offered,) = choices.all_of(asking(here, "reviewer"), fields, release(here))["successor"]
    assert offered[0] == f"{REPO}@1.0.1"
    assert choices.all_of(asking(here, "reviewer"), fields, newer)["successor"][0][0] == f"{REPO}@1.0.0"


def test_a_sheet_says_what_follows_for_others_and_for_good(here: SomeHub) -> None:
    for act in casework.commands(asking(here, "reviewer"), release(here)):
        assert bool(act.consequence) == (act.name in {"quarantine", "withdraw"})
    named = [key.removeprefix("consequence.").split(".") for key in catalogue("zh") if key.startswith("consequence.")]
    assert named
    assert all(flow_named(flow).rows(command) for flow, command in named), "of commands that are"
