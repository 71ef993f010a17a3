"""The yearly disclosure pack (article 8): compiled from folded cases as they stood at the end of a year, the same again from the same record.

Implementing agencies disclose themselves, what they authorised and the caps; operators the resources used, products and prices charged.
Every row names the event it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Any

from corpushub.base.rulebook import Rulebook
from corpushub.domain.parties import Org
from corpushub.domain.workflow import Case

FLOWS = ("authorization", "price", "release", "zone", "entitlement", "revenue")
_AGREED = ("active", "amending", "suspended", "exiting", "ended")


def pack(
    cases: Iterable[Case], orgs: Mapping[str, Org], *, year: int, org: str = "", secret: AbstractSet[str] = frozenset()
) -> dict[str, Any]:
    """The pack of `year` for `org` (empty: the whole city); `cases` are folds of events up to the end of that year.

    Entries that are `secret`, and what is made from them, are not in it (article 15).
    """
    kept = sorted((case for case in cases if case.flow in FLOWS), key=lambda case: case.id)
    agreed = [
        case
        for case in kept
        if case.flow == "authorization" and case.state in _AGREED and _concerns(case, org, "implementer", "operator")
    ]
    prices = [
        case
        for case in kept
        if case.flow == "price"
        and case.state in {"capped", "listed", "retired"}
        and _concerns(case, org, "implementer", "operator")
    ]
    operators = {str(case.data["operator"]) for case in agreed}
    releases = [
        case
        for case in kept
        if case.flow == "release"
        and case.state in {"released", "superseded", "quarantined", "withdrawn"}
        and (not org or case.opened_org in operators | {org})
        and secret.isdisjoint(case.data.get("resources", ()))
    ]
    named = sorted({str(case.data[key]) for case in agreed for key in ("implementer", "operator")} | ({org} if org else set()))
    return {
        "schema": "corpushub/disclosure/v1",
        "year": year,
        "org": org,
        "organisations": [_org(orgs[name]) for name in named if name in orgs],
        "authorizations": [_authorization(case, secret) for case in agreed],
        "resources": sorted({name for case in agreed for name in case.data["resources"]} - secret),
        "caps": [_cap(case) for case in prices],
        "products": [_product(case, kept) for case in releases],
        "revenue": [
            _revenue(case) for case in kept if case.flow == "revenue" and _concerns(case, org, "implementer", "operator")
        ],
        "totals": {"authorizations": len(agreed), "caps": len(prices), "products": len(releases)},
    }


def _concerns(case: Case, org: str, *keys: str) -> bool:
    return not org or org in {str(case.data.get(key, "")) for key in keys}


def _ref(case: Case) -> str:
    return f"{case.id}@{case.version}"


def _org(org: Org) -> dict[str, Any]:
    return {"id": org.id, "credit_code": org.credit_code, "kind": org.kind.value, "region": org.region, "name": dict(org.name)}


def _authorization(case: Case, secret: AbstractSet[str]) -> dict[str, Any]:
    keys = ("mode", "implementer", "operator", "purposes", "channels", "valid_from", "valid_to")
    told = [name for name in case.data["resources"] if name not in secret]
    return {"id": case.id, "event": _ref(case), "state": case.state, "resources": told, **{key: case.data[key] for key in keys}}


def _cap(case: Case) -> dict[str, Any]:
    keys = ("product", "operator", "unit", "kind", "cap_fen", "valid_from", "valid_to", "tiers")
    return {"id": case.id, "event": _ref(case), "state": case.state, **{key: case.data[key] for key in keys if key in case.data}}


def _product(case: Case, kept: Iterable[Case]) -> dict[str, Any]:
    dataset = case.data["dataset"]
    holders = {str(item.data["holder"]) for item in kept if item.flow == "entitlement" and item.data["dataset"] == dataset}
    facts = {key: case.data[key] for key in ("version", "rows", "resources", "licence") if key in case.data}
    return {
        "dataset": dataset,
        "event": _ref(case),
        "state": case.state,
        "digest": case.data["manifest_digest"],
        "holders": len(holders),
        **facts,
    }


def _revenue(case: Case) -> dict[str, Any]:
    keys = ("operator", "valid_from", "valid_to", "permitted_fen", "excess_before", "earned_fen", "carried_excess")
    return {"id": case.id, "event": _ref(case), "state": case.state, **{key: case.data[key] for key in keys if key in case.data}}


def due_day(year: int, rules: Rulebook) -> date:
    """The last day on which the pack of `year` may be published."""
    return date(year + 1, rules.number("disclosure.yearly_month"), rules.number("disclosure.yearly_day"))
