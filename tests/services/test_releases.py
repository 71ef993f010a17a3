from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.base.signing import SigningKey
from corpushub.domain.build import EntityFact, ProgressEvent
from corpushub.domain.flows.release import effective_gates
from corpushub.domain.parties import SYSTEM
from corpushub.domain.workflow import Case
from corpushub.services.release_cases import Release
from corpushub.services.verify import verify_folder
from tests.kit.cards import Works, a_recipe, a_works, rows


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Works:
    works = a_works(tmp_path_factory.mktemp("works"))
    works.released()
    return works


def test_an_approved_build_becomes_a_tag_with_every_file_of_the_folder(works: Works) -> None:
    release = works.releases.get(works.city["developer"], "yunzhou/notices", "1.0.0")
    manifest = works.releases.manifest(works.city["developer"], "yunzhou/notices", "v1.0.0")
    with works.city.database.read() as unit:
        assert unit.repos.resolve("yunzhou/notices", "v1.0.0") == release.commit == unit.repos.resolve("yunzhou/notices", "main")
        entries = {entry.path: entry for entry in unit.repos.entries(release.commit)}
    assert {item.path for item in manifest.files} | {"SHA256SUMS", "provenance/approvals.json"} == set(entries)
    assert {
        "README.md",
        "croissant.json",
        "dcat.ttl",
        "gates.json",
        "LICENSE",
        "CHANGELOG.md",
        "provenance/build.dsse.json",
    } <= set(entries)
    for item in manifest.files:
        assert entries[item.path].sha256 == item.sha256
        assert works.releases.objects.size(item.sha256) == item.bytes


def test_the_first_release_is_1_0_0_and_every_blocking_gate_is_judged_with_numbers(works: Works) -> None:
    release = works.releases.get(works.city["developer"], "yunzhou/notices", "1.0.0")
    case = works.city.cases.get(works.city["operator"], release.case)
    assert release.state == "released"
    failing = [row["id"] for row in effective_gates(case.data) if row["status"] == "fail" and row["effect"] == "block"]
    assert failing == []
    assert all(row["outcomes"] for row in case.data["gates"] if row["status"] == "pass")


def test_a_residual_identity_number_blocks_the_release(works: Works) -> None:
    build = works.build("b-leak")
    record = works.builds.records[build]
    works.builds.records[build] = replace(
        record, built=replace(record.built, entities=(EntityFact("CN_ID_CARD", 9, 8, 0, 1, "replace"),))
    )
    case = works.releases.propose(works.city["operator"], build, version="9.0.0")
    assert case.state == "blocked"
    with pytest.raises(Conflict):
        works.city.do("operator", case, "submit")


def test_what_was_approved_is_what_is_published(works: Works) -> None:
    case = works.approved(works.build("b-swap", {"train": rows(51), "test": rows(10, 51)}), version="8.0.0")
    with works.city.database.begin() as unit:
        kept = unit.documents.get("manifest", case.data["manifest_digest"])
        path = next(iter(kept["documents"]))
        unit.documents.put("manifest", case.data["manifest_digest"], {**kept, "documents": {**kept["documents"], path: "0" * 64}})
    with pytest.raises(Conflict) as refused:
        works.releases.publish(works.city["operator"], case.id)
    assert refused.value.code == "releases.changed_since_approval"
    with pytest.raises(NotFound):
        works.releases.get(works.city["operator"], "yunzhou/notices", "8.0.0")


def test_only_an_approved_case_can_be_published(works: Works) -> None:
    case = works.releases.propose(works.city["operator"], works.build("b-early"), version="7.0.0")
    with pytest.raises(Conflict):
        works.releases.publish(works.city["operator"], case.id)


def test_the_data_decide_the_version(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    works.released("b-1")
    added = works.releases.propose(works.city["operator"], works.build("b-2", {"train": rows(50), "test": rows(14, 50)}))
    assert (added.data["version"], added.data["change"]["added"]) == ("1.1.0", 4)
    fewer = works.releases.propose(works.city["operator"], works.build("b-3", {"train": rows(49), "test": rows(10, 50)}))
    assert (fewer.data["version"], fewer.data["change"]["removed"]) == ("2.0.0", 1)
    same = works.releases.propose(works.city["operator"], works.build("b-4"))
    assert same.data["version"] == "1.0.1"
    moved = works.releases.propose(
        works.city["operator"], works.build("b-5", {"train": rows(48), "test": rows(12, 48)}), version="2.1.0"
    )
    assert moved.data["change"]["moved"] == 2
    assert moved.data["change"]["examples"] == {}
    card = works.releases.evidence(works.city["operator"], moved.id).card_en
    assert "| rows moved between splits | 2 | `n-00048`, `n-00049` |" in card
    with pytest.raises(Invalid) as refused:
        works.releases.propose(works.city["operator"], works.build("b-6", {"train": rows(40)}), version="1.9.0")
    assert refused.value.code == "releases.version_too_low"
    with pytest.raises(Invalid):
        works.releases.propose(works.city["operator"], works.build("b-7"), version="1.0.0")


def test_withdrawing_takes_two_people_and_leaves_a_tombstone(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    release = works.released()
    works.city.cases.execute(works.city["implementer"], release.case, "quarantine", {"reason": "a complaint"})
    with works.city.database.read() as unit:
        assert unit.repos.ref("yunzhou/notices", "tags", "v1.0.0").state == "quarantined"
    works.releases.withdraw(works.city["implementer"], release.case, "a leak", "1.0.1")
    assert works.releases.get(works.city["developer"], "yunzhou/notices", "1.0.0").state == "quarantined"
    works.releases.withdraw(works.city["reviewer"], release.case, "a leak", "1.0.1")
    gone = works.releases.get(works.city["developer"], "yunzhou/notices", "1.0.0")
    assert gone.state == "withdrawn"
    assert gone.tombstone is not None
    assert gone.tombstone.successor == "1.0.1"
    with works.city.database.read() as unit:
        assert unit.repos.ref("yunzhou/notices", "tags", "v1.0.0").state == "withdrawn"


def test_the_approval_record_judges_every_gate_again(works: Works, tmp_path: Path) -> None:
    release = works.releases.get(works.city["developer"], "yunzhou/notices", "1.0.0")
    with works.city.database.read() as unit:
        for entry in unit.repos.entries(release.commit):
            (tmp_path / entry.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / entry.path).write_bytes(works.releases.objects.read(entry.sha256))
    assert works.releases.key is not None
    assert verify_folder(tmp_path, (works.releases.key.verifier,)) == ()
    record = json.loads((tmp_path / "provenance/approvals.json").read_text("utf-8"))
    verdicts = {row["gate"]: row["status"] for row in record["gates"]["gates"]}
    assert (verdicts["APR-01"], verdicts["G30"], verdicts["SRC-01"]) == ("pass", "pass", "pass")
    record["approvals"] = record["approvals"][:1]
    (tmp_path / "provenance/approvals.json").write_text(json.dumps(record), "utf-8")
    assert [p.code for p in verify_folder(tmp_path, (works.releases.key.verifier,))] == ["verify.approvals"]


def test_an_approver_sees_manifest_gates_and_the_card_in_both_languages(works: Works) -> None:
    release = works.releases.get(works.city["developer"], "yunzhou/notices", "1.0.0")
    seen = works.releases.evidence(works.city["reviewer"], release.case)
    assert seen.manifest.digest == release.manifest_digest
    assert "云州市办事须知语料" in seen.card_zh
    assert "Yunzhou service notices" in seen.card_en
    assert seen.gates


def gates_of(works: Works, release: Release) -> dict[str, Any]:
    with works.city.database.read() as unit:
        entry = next(item for item in unit.repos.entries(release.commit) if item.path == "provenance/approvals.json")
    record = json.loads(works.releases.objects.read(entry.sha256))
    return {row["gate"]: {item["measure"]: item["value"] for item in row["outcomes"]} for row in record["gates"]["gates"]}


def test_the_last_gates_are_measured_when_a_release_is_published(works: Works) -> None:
    found = gates_of(works, works.releases.get(works.city["developer"], "yunzhou/notices", "1.0.0"))
    assert found["G05"] == {"secrecy_reviewed": 1.0}
    assert found["APR-01"] == {"approvals": 2, "approval_orgs": 2}
    assert found["REP-01"] == {"rebuild_data_differs": 0, "rebuild_differs": 0}
    assert (found["SEC-01"], found["G30"]) == ({"signature_invalid": 0}, {"log_included": 1})


def refused(works: Works, case: Case) -> str:
    with pytest.raises(Conflict) as stopped:
        works.releases.publish(works.city["operator"], case.id)
    assert works.city.cases.get(works.city["operator"], case.id).state == "approved"
    return str(stopped.value.facts.get("gates", stopped.value.code))


def test_a_rebuild_that_gives_other_data_stops_publication(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    case = works.approved(works.build())
    works.builds.again = lambda record, scratch, progress: replace(record.built, logical_digest="f" * 64)  # type: ignore[method-assign]  # a rebuild that gives other bytes
    assert refused(works, case) == "REP-01"


def test_an_entry_nobody_checked_for_secrecy_stops_publication(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    case = works.approved(works.build())
    with works.city.database.begin() as unit:
        works.city.cases.amend_in(unit, SYSTEM, "990100/stats/notices", "changed", {"secrecy_checked_by": ""})
    assert refused(works, case) == "G05"


def test_a_price_that_is_not_settled_stops_publication(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    case = works.approved(works.build())
    costs = {"costs": {"collection": 1000}, "subsidy": 0, "profit": 0, "tax": 0}
    form = {
        "product": "yunzhou/notices",
        "operator": "data-group",
        "implementer": "econ-bureau",
        "unit": "product",
        "statement": costs,
        "expected_units": 10,
    }
    works.city.cases.open(works.city["operator"], "price", form)
    assert refused(works, case) == "G22"


def test_a_release_signed_by_another_key_stops_publication(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    case = works.approved(works.build())
    works.releases.key = SigningKey.generate("hub.example")
    assert refused(works, case) == "SEC-01"


def test_important_data_needs_the_chief_data_officer_and_an_assessment(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    case = works.approved(works.build())
    with works.city.database.begin() as unit:
        works.city.cases.amend_in(
            unit,
            SYSTEM,
            "990100/stats/notices",
            "classified",
            {"classification": {"category": "important", "grade": 1, "assessment": ""}},
        )
    assert refused(works, case) == "G26, G28"


def test_a_forged_list_of_gates_in_the_case_does_not_publish_a_blocked_build(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    blocked = works.releases.propose(works.city["operator"], works.build())
    forged = {name: value for name, value in blocked.data.items() if name in FORGED}
    case = works.city.cases.open(
        works.city["operator"], "release", {**forged, "version": "1.0.1", "gates": [{"gate": "PII-01", "status": "pass"}]}
    )
    works.city.do("operator", case, "submit")
    works.city.do("implementer", case, "approve")
    works.city.do("reviewer", case, "approve")
    assert "SAF-01" in refused(works, case)


FORGED = {
    "dataset", "manifest_digest", "recipe_digest", "logical_digest", "built_by", "builder_org", "build", "resources", "grants", "purpose",
}  # fmt: skip


def test_a_blocked_proposal_gives_way_to_the_next_one_of_its_version(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    build = works.build()
    first = works.releases.propose(works.city["operator"], build)
    second = works.proposed(build)
    assert (first.data["version"], second.data["version"], second.state) == ("1.0.0", "1.0.0", "gated")
    assert works.city.cases.get(works.city["operator"], first.id).state == "cancelled"


def test_whoever_delivered_rows_that_could_not_be_read_gets_one_task(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    for _ in range(2):
        works.releases.propose(works.city["operator"], works.build())
    provider = works.city["provider"]
    (task,) = [task for task in works.city.cases.tasks(provider) if task.case.flow == "objection"]
    assert (task.case.data["about"], task.case.data["provider"]) == ("990100/stats/notices", [provider.org])
    assert "too_many_fields 2" in task.case.data["text"]


def test_a_waiver_is_given_from_the_seat_its_gate_names(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    case = works.releases.propose(works.city["operator"], works.reviewed(works.build()))
    with pytest.raises(Forbidden) as stopped:
        works.city.do("authority", case, "waive", gate="SAF-03", reason="in a hurry")
    assert stopped.value.code == "release.gate_waiver_seat"
    after = works.city.do("reviewer", case, "waive", gate="SAF-03", reason="a seed library")
    (signed,) = after.data["waivers"]["SAF-03"]
    assert (signed["role"], signed["by"], after.state) == ("reviewer", "reviewer", "blocked")
    with pytest.raises(Forbidden):
        works.city.do("reviewer", case, "waive", gate="SAF-03", reason="again")


def test_how_rows_were_labelled_is_judged_and_stands_in_the_card(tmp_path: Path) -> None:
    """Article 13: an annotation record with its agreement, in gates and card."""
    works = a_works(tmp_path)
    city, build = works.city, works.build()

    def record(agreement: float, adjudication: str) -> Case:
        facts = {"guideline": "labels v2", "annotators": ["an", "bo"], "agreement": agreement, "adjudication": adjudication}
        form = {"kind": "annotation", "title": "labels", "about": "yunzhou/notices", "facts": facts}
        return city.do("implementer", city.cases.open(city["operator"], "record", form), "confirm")

    def judged(version: str) -> dict[str, str]:
        folder, _ = works.releases.draft(works.builds.records[build], version, "data-group")
        made = json.loads(folder.documents["gates.json"])
        card = folder.documents["README.md"].decode()
        assert ("labels v2" in card) is bool(tasks)
        assert "cai" not in card, "cards name nobody"
        return {row["gate"]: row["status"] for row in made["gates"] if row["gate"].startswith("ANN-")}

    tasks: list[Case] = []
    assert set(judged("1.0.0").values()) == {"not_applicable"}
    tasks.append(record(0.82, "cai"))
    assert judged("1.0.0") == {"ANN-01": "pass", "ANN-02": "pass"}
    tasks.append(record(0.41, "bo"))
    assert judged("1.0.0") == {"ANN-01": "fail", "ANN-02": "fail"}


def test_a_contract_s_thresholds_are_what_its_quality_is_judged_by(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    strict = a_recipe()
    strict = replace(strict, contract=replace(strict.contract, thresholds={"completeness": 0.5, "validity": 0.95}))
    folder, _ = works.releases.draft(works.builds.records[works.build(recipe=strict)], "1.0.0", "data-group")
    rows = {row["gate"]: row for row in json.loads(folder.documents["gates.json"])["gates"]}
    told = {item["measure"]: item["threshold"] for gate in ("QUA-01", "QUA-02") for item in rows[gate]["outcomes"]}
    assert (told["quality_validity"], told["quality_completeness"], told["key_completeness"]) == (0.95, 0.5, 1)


def test_a_proposal_tells_how_far_it_is(tmp_path: Path) -> None:
    works = a_works(tmp_path)
    told: list[ProgressEvent] = []
    works.releases.propose(works.city["operator"], works.build(), progress=told.append)
    assert [(event.stage, event.done) for event in told[:-1]] == [
        ("compare", 0),
        ("compare", 60),
        ("measure", 0),
        ("measure", 60),
    ]
    assert (told[-1].stage, told[-1].done > 5) == ("store", True)
