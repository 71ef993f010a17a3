"""What one hub tells another of its catalog (articles 1 and 11): a page of entries, each sealed by itself, under one sealed head.

* An entry's envelope stays valid alone, so that the receiving hub keeps it as proof of whose word the entry is.
* The head lists the digests of all envelopes in their order: none can be left out, added, changed or moved unseen.
* `after` and `upto` are numbers of the sender's record. A page continues where the last one ended; a gap is refused, a repetition harmless.
* Secret entries, and entries that came from somewhere else, are never told on.
* A page ends before it outgrows what the other hub reads, however large its entries are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.base.identity import canonical, json_of, sha256
from corpushub.base.signing import SigningKey, VerifierKey, seal, unseal
from corpushub.domain.catalog import Attribute, Resource
from corpushub.domain.parties import Org, region_prefix

FORMAT = "corpushub/catalog-delta/v1"
PAGE_BYTES = 4 << 20  # of entries, before they are sealed, which adds a third
MOST_BYTES = 16 << 20  # of a page that is read: sealed entries, one more than fits, their organisations and duties
MOST_VALUES = 250_000  # in it: sealed entries are few long words, and what holds a million small values is no page
_ORG = frozenset({"id", "credit_code", "kind", "region", "name"})
ENTRY_TYPE, HEAD_TYPE = "application/vnd.corpushub.entry+json", "application/vnd.corpushub.catalog-delta+json"


@dataclass(frozen=True, slots=True)
class Delta:
    """A page as read and checked; `envelopes` by entry id."""

    origin: str
    after: int
    upto: int
    partner: str
    more: bool
    entries: tuple[Resource, ...]
    envelopes: Mapping[str, Mapping[str, Any]]
    orgs: tuple[Mapping[str, Any], ...]
    sharing: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of the sender's record a page covers, and for whom it was filtered."""

    after: int
    upto: int
    more: bool
    partner: str = ""


def make_delta(
    key: SigningKey, span: Span, entries: Iterable[Resource], orgs: Iterable[Org], sharing: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """The page as JSON, signed by `key`; the same facts give the same bytes."""
    envelopes = [seal(entry.to_json(), [key], ENTRY_TYPE) for entry in entries]
    head = {
        "format": FORMAT,
        "origin": key.name,
        "after": span.after,
        "upto": span.upto,
        "more": span.more,
        "partner": span.partner,
        "entries": [sha256(canonical(envelope)) for envelope in envelopes],
        "orgs": [
            {"id": org.id, "credit_code": org.credit_code, "kind": org.kind.value, "region": org.region, "name": dict(org.name)}
            for org in orgs
        ],
        "sharing": [dict(row) for row in sharing],
    }
    return {"head": seal(head, [key], HEAD_TYPE), "entries": envelopes}


def read_delta(value: Any, key: VerifierKey) -> Delta:
    """Check every signature and digest, then read.

    Raises: Invalid("federation.not_a_delta"), Invalid("federation.tampered") naming the place, Invalid("resource.invalid").
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("entries"), list):
        raise Invalid("federation.not_a_delta")
    head = opened(value.get("head"), key, HEAD_TYPE, "head")
    if head.get("format") != FORMAT or head.get("origin") != key.name or not is_head(head):
        raise Invalid("federation.not_a_delta")
    given = [sha256(canonical(envelope)) for envelope in value["entries"]]
    if given != head["entries"]:
        place = next(
            (n for n, (one, other) in enumerate(zip(given, head["entries"], strict=False)) if one != other),
            min(len(given), len(head["entries"])),
        )
        raise Invalid("federation.tampered", place=f"entries[{place}]")
    entries = [
        Resource.from_json(opened(item, key, ENTRY_TYPE, f"entries[{place}]")) for place, item in enumerate(value["entries"])
    ]
    envelopes = {entry.id: item for entry, item in zip(entries, value["entries"], strict=True)}
    orgs, sharing = tuple(head["orgs"]), tuple(head["sharing"])
    return Delta(
        head["origin"], head["after"], head["upto"], head["partner"], head["more"], tuple(entries), envelopes, orgs, sharing
    )


def page_of(data: bytes | bytearray) -> Any:
    """What a page says, not yet checked. It is looked over before it is taken apart, for nothing else runs meanwhile.

    Raises: Invalid("federation.not_a_delta").
    """
    if len(data) > MOST_BYTES or data.count(b",") > MOST_VALUES:
        raise Invalid("federation.not_a_delta")
    try:
        return json_of(data)
    except (ValueError, RecursionError):
        raise Invalid("federation.not_a_delta") from None


def is_head(head: Mapping[str, Any]) -> bool:
    """Has a head everything that is read of it? A peer's signature says whose word it is, not that its program makes no mistakes."""
    kinds = {"after": int, "upto": int, "more": bool, "partner": str, "entries": list, "orgs": list, "sharing": list}
    return (
        all(isinstance(head.get(name), kind) for name, kind in kinds.items())
        and all(isinstance(org, dict) and org.keys() >= _ORG for org in head["orgs"])
        and all(isinstance(org[name], dict if name == "name" else str) for org in head["orgs"] for name in _ORG)
        and all(isinstance(row, dict) for row in head["sharing"])
    )


def opened(envelope: Any, key: VerifierKey, payload_type: str, place: str) -> dict[str, Any]:
    """The payload of an envelope `key` has sealed. Raises: Invalid("federation.tampered")."""
    try:
        if not isinstance(envelope, Mapping) or envelope.get("payloadType") != payload_type:
            raise Invalid("ledger.envelope")
        read = json_of(unseal(envelope, [key]))
    except (Invalid, ValueError):
        raise Invalid("federation.tampered", place=place) from None
    if not isinstance(read, dict):
        raise Invalid("federation.tampered", place=place)
    return read


def told_to(entries: Iterable[Resource], partner: str, shared: Iterable[Mapping[str, Any]], day: str) -> list[Resource]:
    """What a partner is told of: entries on its sharing list that may be shared at all; without a partner (one's own city), all but secret ones."""
    listed = {name for row in shared for name in row["resources"]}
    return [
        entry
        for entry in entries
        if not entry.secrecy
        and (not partner or (entry.id in listed and entry.attribute_on("share_attribute", day) is not Attribute.NONE))
    ]


def outside(entry: Resource, regions: Sequence[str]) -> bool:
    """Does an entry lie outside the places its sender speaks for?"""
    prefixes = tuple(region_prefix(code) for code in regions)
    return not entry.id.startswith(prefixes) or not (entry.region or entry.id).startswith(prefixes)
