"""The record that joins a release when it is published: who approved, what was waived, and the gates of the last stage.

It stands beside the frozen folder, not in it: approvals are given to a digest, so they cannot be part of it (INV-07).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from corpushub.domain.gates import Context, Waiver, gates_document, judge, registry
from corpushub.domain.release import Manifest
from corpushub.domain.workflow import Case


def approval_record(case: Case, manifest: Manifest, frozen: Mapping[str, Any], day: date) -> dict[str, Any]:
    """Approvals, waivers and the verdicts at publication, judged with the measures and thresholds of the `frozen` gates.json."""
    approvals = [{"person": vote["person"], "org": vote["org"]} for vote in case.data.get("approvals", ())]
    measures = dict(frozen["measures"]) | {
        "approvals": len({vote["person"] for vote in approvals}),
        "approval_orgs": len({vote["org"] for vote in approvals}),
        "secrecy_reviewed": 1,  # the flow's guard refuses secret entries at publication (Article 15)
        "blocking_objections": 0,  # and blocking objections
        "priced_or_free": 1,
        "signature_invalid": 0,
        "log_included": 1,  # the leaf is appended in the transaction that publishes this record
    }
    context = Context(measures, day, frozen["stated"], waivers_of(case), "publish")
    return {
        "dataset": manifest.dataset,
        "version": manifest.version,
        "manifest": manifest.digest,
        "head": {name: value for name, value in manifest.to_json().items() if name != "files"},
        "case": case.id,
        "approvals": approvals,
        "waivers": [dict(waiver) for waiver in case.data.get("waivers", {}).values()],
        "gates": gates_document(judge(registry().values(), context), context),
    }


def waivers_of(case: Case) -> tuple[Waiver, ...]:
    return tuple(waiver_of(row, case.id) for row in case.data.get("waivers", {}).values())


def waiver_of(row: Mapping[str, Any], event: str) -> Waiver:
    gate = registry().get(row["gate"])
    role = row.get("role") or (gate.waivable_by[0] if gate and gate.waivable_by else "")
    return Waiver(row["gate"], row["by"], role, row["reason"], date.fromisoformat(row["expires"]), event)
