"""The Dataspace Protocol's words for what the hub does anyway (article 9, 城市可信数据空间): offers are released datasets under the terms behind
them, a contract negotiation is an access request, an agreement is the entitlement it leads to.

A connector decides nothing here: the same people approve, the same guards refuse, the same ledger records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpushub.base.errors import Invalid, NotFound
from corpushub.domain.feed import CONTEXT, offer_of
from corpushub.domain.parties import Actor
from corpushub.domain.policy import CHANNELS, Terms, narrowed
from corpushub.domain.workflow import Case
from corpushub.services.cases import Cases
from corpushub.store.db import Database, Unit

PID = "dsp"
STATES = {"approved": "AGREED", "granted": "FINALIZED"} | dict.fromkeys(
    ("rejected", "withdrawn", "closed", "deleted"), "TERMINATED"
)


@dataclass(frozen=True, slots=True)
class Negotiation:
    """A request as the other connector sees it; `agreement` once there is one."""

    provider_pid: str
    consumer_pid: str
    state: str
    agreement: Mapping[str, Any] | None = None


class Dataspace:
    def __init__(self, *, database: Database, cases: Cases, base: str) -> None:
        self.database = database
        self.cases = cases
        self.base = base

    def catalog(self) -> dict[str, Any]:
        """Every dataset with a version out, under the terms it may be asked for."""
        with self.database.read() as unit:
            newest: dict[str, Case] = {}
            for case in reversed(unit.cases.list(flow="release", states=("released",))):
                newest[str(case.data["dataset"])] = case
            nodes = [self._node(unit, case) for _, case in sorted(newest.items())]
        return {"@context": CONTEXT, "@id": f"{self.base}/dsp/catalog", "@type": "dcat:Catalog", "dcat:dataset": nodes}

    def dataset(self, name: str) -> dict[str, Any]:
        """One of them. Raises: NotFound("oversight.unknown_id")."""
        with self.database.read() as unit:
            return {"@context": CONTEXT, **self._node(unit, self._released(unit, name))}

    def _released(self, unit: Unit, name: str) -> Case:
        found = unit.cases.list(flow="release", subject=name, states=("released",), limit=1)
        if not found:
            raise NotFound("oversight.unknown_id", id=name)
        return found[0]

    def _node(self, unit: Unit, release: Case) -> dict[str, Any]:
        name = str(release.data["dataset"])
        service = {"@type": "dcat:DataService", "dcat:endpointURL": self.base, "dct:title": "Hugging Face Hub protocol"}
        return {
            "@id": name,
            "@type": "dcat:Dataset",
            "dct:title": release.data.get("title") or {"en": name},
            "dcat:version": release.data["version"],
            "odrl:hasPolicy": [offer_of(name, terms_behind(unit, release))],
            "dcat:distribution": [
                {"@type": "dcat:Distribution", "dct:format": {"@id": "HttpData-PULL"}, "dcat:accessService": service}
            ],
        }

    def request(self, actor: Actor, message: Mapping[str, Any]) -> Negotiation:
        """Ask for what an offer names, and hand the request in.

        Raises: Invalid("dataspace.message"), NotFound("oversight.unknown_id"), Invalid("dataspace.offer") for an offer that is not ours, and
        what an access request is refused with.
        """
        offer, consumer = message.get("offer"), message.get("consumerPid")
        if not isinstance(offer, Mapping) or not isinstance(consumer, str) or not consumer:
            raise Invalid("dataspace.message")
        with self.database.begin() as unit:
            target = offer.get("odrl:target", offer.get("target"))
            name = str(target.get("@id", "")) if isinstance(target, Mapping) else str(target or "")
            ours = offer_of(name, terms_behind(unit, self._released(unit, name)))
            if offer.get("@id") != ours["@id"]:
                raise Invalid("dataspace.offer", offer=str(offer.get("@id"))[:80])
            asked = {"dataset": name, "terms_accepted": True, "plan": f"dataspace negotiation {consumer}"[:500], **wanted(offer)}
            case = self.cases.open_in(unit, actor, "access", asked)
            case = self.cases.execute_in(unit, actor, case.id, "submit")
            unit.documents.put(PID, case.id, consumer)
        return Negotiation(case.id, consumer, "REQUESTED")

    def negotiation(self, actor: Actor, provider_pid: str) -> Negotiation:
        """How a request stands. Raises: NotFound("case.unknown")."""
        case = self.cases.get(actor, provider_pid)
        with self.database.read() as unit:
            consumer = unit.documents.get(PID, case.id)
            right = next(
                (
                    item
                    for item in unit.cases.list(flow="entitlement", subject=case.data["dataset"])
                    if item.data["request"] == case.id
                ),
                None,
            )
        if consumer is None:
            raise NotFound("case.unknown", case=provider_pid)
        return Negotiation(case.id, str(consumer), STATES.get(case.state, "REQUESTED"), agreement_of(right) if right else None)

    def verify(self, actor: Actor, provider_pid: str) -> Negotiation:
        """The consumer verifies the agreement: the request is countersigned and the right begins. Raises: as `Cases.execute`."""
        self.cases.execute(actor, self.negotiation(actor, provider_pid).provider_pid, "countersign")
        return self.negotiation(actor, provider_pid)

    def terminate(self, actor: Actor, provider_pid: str) -> Negotiation:
        """The consumer takes the request back. Raises: as `Cases.execute`."""
        self.cases.execute(actor, self.negotiation(actor, provider_pid).provider_pid, "withdraw")
        return self.negotiation(actor, provider_pid)


def terms_behind(unit: Unit, release: Case) -> Terms:
    """What every authorization behind a release permits together."""
    named = [str(grant.get("authorization", "")) for grant in release.data.get("grants", ())]
    found = [Terms.from_json(case.data) for name in dict.fromkeys(named) if (case := unit.cases.get(name)) is not None]
    resources = tuple(release.data.get("resources", ()))
    together = found[0] if found else Terms(resources, (), CHANNELS)
    for terms in found[1:]:
        together = narrowed(
            together,
            Terms(together.resources, terms.purposes, terms.channels, {}, terms.regions, terms.valid_from, terms.valid_to),
        )
    return Terms(resources, together.purposes, together.channels, {}, together.regions, together.valid_from, together.valid_to)


def wanted(offer: Mapping[str, Any]) -> dict[str, Any]:
    """Purpose, channels and rows the consumer narrowed the offer to. Raises: Invalid("dataspace.message")."""
    found: dict[str, list[Any]] = {}
    for permission in many(offer.get("odrl:permission", offer.get("permission"))):
        for limit in many(permission.get("odrl:constraint", permission.get("constraint"))):
            left = limit.get("odrl:leftOperand", limit.get("leftOperand"))
            name = str(left.get("@id", "") if isinstance(left, Mapping) else left).rpartition(":")[2]
            right = limit.get("odrl:rightOperand", limit.get("rightOperand"))
            found[name] = right if isinstance(right, list) else [right]
    if not found.get("purpose"):
        raise Invalid("dataspace.message")
    rows = {"max_rows": found["count"][0]} if found.get("count") else {}
    return {"purpose": str(found["purpose"][0]), "channels": found.get("deliveryChannel") or ["file"], **rows}


def many(value: Any) -> Sequence[Mapping[str, Any]]:
    listed = value if isinstance(value, list) else [value]
    return [part for part in listed if isinstance(part, Mapping)]


def agreement_of(right: Case) -> dict[str, Any]:
    """An entitlement as an odrl:Agreement."""
    terms = Terms.from_json({**right.data, "purposes": [right.data["purpose"]], "fields": {}})
    told = offer_of(str(right.data["dataset"]), terms)
    return {
        **told,
        "@id": right.id,
        "@type": "odrl:Agreement",
        "odrl:assignee": right.data["holder"],
        "odrl:assigner": "corpushub",
        "state": right.state,
    }
