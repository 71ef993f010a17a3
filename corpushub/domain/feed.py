"""The catalog in the words of others: DCAT in JSON-LD with ODRL terms, and CSV; and catalogs of others (CKAN, DCAT, data.json) as entries.

What goes out is what anybody may know; what comes in is checked like any entry. Dataspace protocol documents are built from the same parts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from corpushub.base.errors import Invalid
from corpushub.base.identity import sha256
from corpushub.domain.catalog import FREQUENCIES, Attribute, Resource
from corpushub.domain.policy import Terms

CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "adms": "http://www.w3.org/ns/adms#",
}
_RIGHTS = {Attribute.UNCONDITIONAL: "PUBLIC", Attribute.CONDITIONAL: "RESTRICTED", Attribute.NONE: "NON_PUBLIC"}
_ACCESS = "http://publications.europa.eu/resource/authority/access-right/"
COLUMNS = (
    "id",
    "kind",
    "owner",
    "domain",
    "region",
    "state",
    "share_attribute",
    "open_attribute",
    "registration_code",
    "frequency",
    "version",
)


def dcat_of(entry: Resource, base: str, day: str) -> dict[str, Any]:
    """An entry as a dcat:Dataset node with the terms its open attribute sets."""
    open_now = entry.attribute_on("open_attribute", day)
    node: dict[str, Any] = {
        "@id": f"{base}/v1/id/{quote(entry.id)}",
        "@type": "dcat:Dataset",
        "dct:identifier": entry.id,
        "dct:title": [{"@language": lang, "@value": words} for lang, words in sorted(entry.title.items())],
        "dct:description": [{"@language": lang, "@value": words} for lang, words in sorted(entry.summary.items())],
        "dct:publisher": {"@type": "foaf:Agent", "dct:identifier": entry.owner},
        "dct:accessRights": {"@id": f"{_ACCESS}{_RIGHTS[open_now]}"},
        "dcat:theme": entry.domain,
        "dct:spatial": entry.region,
        "dct:accrualPeriodicity": entry.frequency,
        "dcat:version": str(entry.version),
        "adms:identifier": entry.registration_code,
    }
    if entry.licence:
        node["dct:license"] = entry.licence
    return node | {"odrl:hasPolicy": offer_of(entry.id, Terms((entry.id,)))} if open_now is not Attribute.NONE else node


def offer_of(target: str, terms: Terms) -> dict[str, Any]:
    """Terms as an odrl:Offer: what is named is permitted, to the purposes, channels, days and rows the terms set; the rest is not."""
    limits = [
        ("odrl:purpose", "odrl:isAnyOf", list(terms.purposes)),
        ("odrl:deliveryChannel", "odrl:isAnyOf", list(terms.channels)),
        ("odrl:spatial", "odrl:isAnyOf", list(terms.regions)),
        ("odrl:dateTime", "odrl:gteq", terms.valid_from),
        ("odrl:dateTime", "odrl:lteq", terms.valid_to),
        ("odrl:count", "odrl:lteq", terms.max_rows),
    ]
    constraints = [
        {"odrl:leftOperand": {"@id": left}, "odrl:operator": {"@id": operator}, "odrl:rightOperand": right}
        for left, operator, right in limits
        if right
    ]
    permission: dict[str, Any] = {"odrl:action": {"@id": "odrl:use"}} | ({"odrl:constraint": constraints} if constraints else {})
    offer = {"@type": "odrl:Offer", "odrl:target": {"@id": target}, "odrl:permission": [permission]}
    return {"@id": f"urn:corpushub:offer:{sha256(repr(offer).encode())[:32]}", **offer}


def feed_of(entries: Iterable[Resource], base: str, day: str) -> dict[str, Any]:
    """Entries as one dcat:Catalog."""
    return {
        "@context": CONTEXT,
        "@id": f"{base}/v1/catalog.jsonld",
        "@type": "dcat:Catalog",
        "dcat:dataset": [dcat_of(entry, base, day) for entry in entries],
    }


def rows_of(entries: Iterable[Resource], day: str) -> list[dict[str, Any]]:
    """Entries as rows, attributes as of `day`."""
    attributes = ("share_attribute", "open_attribute")
    return [
        {name: entry.attribute_on(name, day).value if name in attributes else getattr(entry, name) for name in COLUMNS}
        | {f"title_{lang}": entry.title.get(lang, "") for lang in ("zh", "en")}
        for entry in entries
    ]


# What others call theirs


@dataclass(frozen=True, slots=True)
class Into:
    """Where harvested entries go: their owner here, and the region and folder of their ids."""

    owner: str
    region: str
    folder: str


def document_of(text: str | bytes) -> Any:
    """The JSON another catalog is written in. Raises: Invalid("harvest.unknown_form")."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("harvest.unknown_form") from None


def harvested(document: Any, into: Into) -> list[dict[str, Any]]:
    """Entries of a catalog of CKAN (`package_search`, `current_package_list_with_resources`, one package), DCAT (JSON-LD) or data.json.

    Raises: Invalid("harvest.unknown_form").
    """
    rows = list(_packages(document))
    if not rows:
        raise Invalid("harvest.unknown_form")
    return [_entry(row, into) for row in rows]


def _packages(document: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(document, list):
        yield from (part for part in document if isinstance(part, Mapping))
        return
    if not isinstance(document, Mapping):
        return
    result = document.get("result", document)
    for holder in (result, document):
        if isinstance(holder, list):
            yield from (part for part in holder if isinstance(part, Mapping))
            return
        for name in ("results", "dataset", "dcat:dataset", "@graph") if isinstance(holder, Mapping) else ():
            if isinstance(holder.get(name), list):
                yield from (part for part in holder[name] if isinstance(part, Mapping) and _is_dataset(part))
                return
    if isinstance(result, Mapping) and _words(result, *_NAMES):
        yield result


_NAMES = ("title", "dct:title", "dcterms:title", "http://purl.org/dc/terms/title", "name")
_ABOUT = ("notes", "description", "dct:description", "dcterms:description", "http://purl.org/dc/terms/description")


def _is_dataset(node: Mapping[str, Any]) -> bool:
    kinds = node.get("@type", "dcat:Dataset")
    return any(str(kind).rstrip("/").endswith("Dataset") for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _entry(row: Mapping[str, Any], into: Into) -> dict[str, Any]:
    title = _words(row, *_NAMES)
    name = _text(row.get("name")) or _text(row.get("dct:identifier")) or _text(row.get("identifier")) or _text(row.get("@id"))
    entry: dict[str, Any] = {
        "id": f"{into.region}/{into.folder}/{slug(name or next(iter(title.values()), ''))}",
        "owner": into.owner,
        "region": into.region,
        "title": title,
        "summary": _words(row, *_ABOUT),
        "origin": "own",
        "system": _text(row.get("url")) or _text(row.get("landingPage")),
        "licence": _text(row.get("license_id")) or _text(row.get("license")) or _text(row.get("dct:license")),
        "format": ", ".join(sorted({_text(part.get("format")) for part in _nodes(row.get("resources"))} - {""})),
        "domain": _theme(row),
    }
    period = (
        _text(row.get("frequency") or row.get("dct:accrualPeriodicity") or row.get("accrualPeriodicity"))
        .rsplit("/", 1)[-1]
        .lower()
    )
    entry["frequency"] = {"annual": "yearly", "continuous": "realtime"}.get(period, period)
    if entry["frequency"] not in FREQUENCIES:
        entry["frequency"] = "irregular"
    return {key: value for key, value in entry.items() if value}


def _words(row: Mapping[str, Any], *names: str) -> dict[str, str]:
    """Text by language; text of no stated language stands for both."""
    value = next((row[name] for name in names if row.get(name)), None)
    told = {str(part.get("@language", ""))[:2]: str(part["@value"]) for part in _nodes(value) if "@value" in part}
    told = {lang: words for lang, words in told.items() if lang in {"zh", "en"}}
    plain = next(iter(told.values()), _text(value[0] if isinstance(value, list) and value else value))
    return {lang: told.get(lang, plain) for lang in ("zh", "en")} if plain else {}


def _nodes(value: Any) -> list[Mapping[str, Any]]:
    return [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, Mapping)]


def _theme(row: Mapping[str, Any]) -> str:
    for name in ("groups", "theme", "dcat:theme", "tags", "keyword", "dcat:keyword"):
        held = row.get(name)
        first = held[0] if isinstance(held, list) and held else held
        word = _text(first.get("name") or first.get("@id")) if isinstance(first, Mapping) else _text(first)
        if word:
            return word.rstrip("/").rsplit("/", 1)[-1]
    return ""


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("@value", value.get("@id", ""))
    return value.strip() if isinstance(value, str) else ""


def slug(name: str) -> str:
    """Part of an entry id: letters, digits and hyphens; a name with none of them is known by its digest."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", name.rstrip("/").rsplit("/", 1)[-1].lower()).strip("-._")[:80]
    return plain or f"x{sha256(name.encode())[:12]}"
