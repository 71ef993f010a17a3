"""The record that joins a release when it is published: who approved, what was waived, and the gates of the last stages.

It stands beside the frozen folder, not in it: approvals are given to a digest, so they cannot be part of it (INV-07). Nothing in it is
taken on trust: each number is counted from the catalogue, the events, the signature, the rebuild or the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from corpushub.base.errors import HubError
from corpushub.base.merkle import leaf_hash, proves_inclusion
from corpushub.base.signing import SigningKey, unseal
from corpushub.domain.flows.objection import is_blocking
from corpushub.domain.gates import Context, Waiver, gates_document, judge, registry
from corpushub.domain.parties import Role
from corpushub.domain.release import Manifest
from corpushub.domain.workflow import Case
from corpushub.services.rights import OPEN_OBJECTIONS, sign_offs_asked
from corpushub.store.db import Unit

PRICED, UNSETTLED = ("capped", "listed"), ("proposed", "cost_checked", "returned")


def approval_measures(unit: Unit, case: Case, day: date) -> dict[str, float]:
    """What the catalogue and the events say about the case now: G05, G22, G24, G26 to G28 and APR-01."""
    approvals, dataset = case.data.get("approvals", ()), str(case.data["dataset"])
    agreements = [str(grant.get("authorization", "")) for grant in case.data.get("grants", ())]
    return {
        **sign_offs_asked(unit, case.data.get("resources", ()), agreements, str(case.data.get("purpose", ""))),
        "assessment_valid": int(assessed(unit, dataset, ("security", "risk"), day)),
        "plan_reviewed": int(assessed(unit, dataset, ("application_plan",), day)),
        "cdo_signed": int(any(holds_seat(unit, vote["person"], Role.CDO, day) for vote in approvals)),
        "approvals": len({vote["person"] for vote in approvals}),
        "approval_orgs": len({vote["org"] for vote in approvals}),
        "secrecy_reviewed": secrecy_reviewed(unit, case),
        "blocking_objections": blocking_objections(unit, case),
        "priced_or_free": priced_or_free(unit, dataset),
    }


def assessed(unit: Unit, dataset: str, kinds: Sequence[str], day: date) -> bool:
    """Is there an accepted assessment of one of these kinds that did not fail and is still in date?"""
    cases = unit.cases.list(flow="assessment", subject=dataset, states=("accepted",))
    return any(
        case.data["kind"] in kinds and case.data["result"] != "fail" and day.isoformat() <= case.data["valid_to"]
        for case in cases
    )


def holds_seat(unit: Unit, person: str, role: Role, day: date) -> bool:
    return any(binding.role is role and binding.holds_on(day) for binding in unit.parties.bindings(person=person))


def secrecy_reviewed(unit: Unit, case: Case) -> float:
    """Share of the source entries whose owner named who checked them for secrecy, and that are none (G05)."""
    entries = [unit.catalog.get(name) for name in case.data.get("resources", ())]
    checked = [entry for entry in entries if entry is not None and entry.secrecy_checked_by and not entry.secrecy]
    return len(checked) / len(entries) if entries else 0.0


def blocking_objections(unit: Unit, case: Case) -> int:
    """Open objections of blocking severity about the dataset or one of its sources (G24)."""
    subjects = {str(case.data["dataset"]), *case.data.get("resources", ())}
    return sum(
        1
        for subject in sorted(subjects)
        for item in unit.cases.list(flow="objection", subject=subject, states=OPEN_OBJECTIONS)
        if is_blocking(item)
    )


def priced_or_free(unit: Unit, dataset: str) -> int:
    """Is there a price under its cap, or none at all, so that nothing can be charged? A price still being settled is neither (G22)."""
    settled = unit.cases.list(flow="price", subject=dataset, states=PRICED)
    return 1 if settled or not unit.cases.list(flow="price", subject=dataset, states=UNSETTLED) else 0


def signature_fits(envelope: bytes, manifest: Manifest, key: SigningKey | None) -> bool:
    """Does the attestation verify under the hub's own public key, and name the data files as the manifest has them (SEC-01)?"""
    if key is None:
        return False
    try:
        subjects = json.loads(unseal(json.loads(envelope), (key.verifier,)))["subject"]
    except (HubError, ValueError, KeyError):
        return False
    named = {item["name"]: item["digest"]["sha256"] for item in subjects}
    return named == {item.path: item.sha256 for item in manifest.files if item.path in named or item.path.startswith("data/")}


def logged(unit: Unit, case: Case) -> dict[str, float]:
    """Does an inclusion proof lead from the leaf of the case's newest event to the root of the ledger (G30)?"""
    index, size = unit.ledger.find(case.id, case.version), unit.ledger.size()
    tree = unit.ledger.tree(size)
    leaf = leaf_hash(unit.ledger.entry(index))
    return {"log_included": int(proves_inclusion(leaf, index, size, tree.inclusion(index), tree.root()))}


def approval_record(
    case: Case, manifest: Manifest, frozen: Mapping[str, Any], measures: Mapping[str, float], day: date
) -> dict[str, Any]:
    """Approvals, waivers and the verdicts at publication: the measures and thresholds of the `frozen` gates.json with `measures`."""
    context = Context({**frozen["measures"], **measures}, day, frozen["stated"], waivers_of(case), "publish")
    return {
        "dataset": manifest.dataset,
        "version": manifest.version,
        "manifest": manifest.digest,
        "head": {name: value for name, value in manifest.to_json().items() if name != "files"},
        "case": case.id,
        "approvals": [{"person": vote["person"], "org": vote["org"]} for vote in case.data.get("approvals", ())],
        "waivers": [dict(waiver) for signed in case.data.get("waivers", {}).values() for waiver in signed],
        "gates": gates_document(judge(registry().values(), context), context),
    }


def failing(record: Mapping[str, Any]) -> list[str]:
    """Gates of an approval record that stop publication."""
    return [row["gate"] for row in record["gates"]["gates"] if row["status"] == "fail" and row["effect"] == "block"]


def waivers_of(case: Case) -> tuple[Waiver, ...]:
    return tuple(
        Waiver(row["gate"], row["by"], row["role"], row["reason"], date.fromisoformat(row["expires"]), case.id)
        for signed in case.data.get("waivers", {}).values()
        for row in signed
    )
