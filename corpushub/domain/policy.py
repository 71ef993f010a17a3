"""Who may use what for what: terms, uses, attenuation, and the one function that decides every delivery (INV-05).

* A delivery is allowed only while every link of its chain is in force and permits it: registration, authorization, delegations,
  entitlement, token. One link that says no is a no; there is no other way to bytes.
* A purpose not named is refused (articles 4 and 6: no other purpose, no wider scope).
* A child of a delegation never exceeds its parent, when it is made and whenever it is used (INV-04).
* Secrecy, core data and the attribute "not open" are absorbing (INV-06, article 15).
* A denial names the rule, the article and the next step; it never names data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from corpushub.base.errors import Forbidden, HubError
from corpushub.domain.catalog import Attribute, Category, Egress, Resource, plain
from corpushub.domain.parties import region_prefix

PURPOSES = (
    "model-training",
    "model-evaluation",
    "research",
    "product-development",
    "public-governance",  # 公共治理
    "public-welfare",  # 公益事业
    "contest",
)
FREE_PURPOSES = frozenset({"public-governance", "public-welfare"})
CHANNELS = ("file", "stream", "query", "compute", "model")
RESULTS = frozenset({"compute", "model"})  # channels that hand out what was worked out, never the rows
_VERSION = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}", re.ASCII)
_STATED = re.compile(r"v?(\d+\.){1,2}\*|v?\d+\.\d+\.\d+|(v?\d+\.\d+\.\d+)?\.\.(\d+\.\d+\.\d+)?", re.ASCII)
NOWHERE = ("000000",)  # a code no place has: what is left of regions that share nothing


@dataclass(frozen=True, slots=True)
class Terms:
    """What a link permits. An empty `fields`, `regions`, `max_rows` or `versions` sets no limit there; empty purposes, channels or resources permit nothing.

    `fields` maps a resource to its permitted columns; days are ISO and inclusive.
    """

    resources: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    valid_from: str = ""
    valid_to: str = ""
    max_rows: int = 0
    versions: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Terms:
        known = {item.name for item in fields(cls)}
        read: dict[str, Any] = {
            name: tuple(item) if isinstance(item, list) else item for name, item in value.items() if name in known
        }
        read["fields"] = {name: tuple(columns) for name, columns in (value.get("fields") or {}).items()}
        return cls(**read)

    def to_json(self) -> dict[str, Any]:
        return {item.name: plain(getattr(self, item.name)) for item in fields(self)}


@dataclass(frozen=True, slots=True)
class Use:
    """What somebody wants to do now. `fields` maps each resource to the columns asked for."""

    resources: tuple[str, ...]
    purpose: str
    channel: str
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    rows: int = 0
    versions: tuple[str, ...] | None = None  # of the release the bytes belong to; None where no bytes of a release are asked for


@dataclass(frozen=True, slots=True)
class Verdict:
    """Yes, or no with the rule, the facts, the article and what to do next (keys of the catalogue)."""

    allowed: bool
    code: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    article: int = 0

    def error(self) -> HubError:
        """The refusal to raise where the verdict is no."""
        return Forbidden(self.code, **{**self.facts, "article": self.article})


YES = Verdict(allowed=True)

_ARTICLES = {
    "purpose": 4,
    "channel": 6,
    "resource": 6,
    "fields": 6,
    "unlisted": 6,
    "rows": 6,
    "versions": 6,
    "region": 4,
    "expired": 6,
    "not_yet": 6,
    "inactive": 6,
    "unregistered": 3,
    "secrecy": 15,
    "core": 15,
    "important": 6,
    "closed": 5,
    "egress": 9,
    "withdrawn": 16,
    "quarantined": 16,
    "missing": 6,
    "outside_zone": 6,
}


def refusal(area: str, reason: str, **facts: Any) -> Verdict:
    """A no of `area` (authorization, delivery) for `reason`."""
    return Verdict(allowed=False, code=f"{area}.{reason}", facts=facts, article=_ARTICLES[reason])


def within(use: Use, terms: Terms, day: date, *, area: str = "delivery", link: str = "") -> Verdict:
    """Does `use` lie inside `terms` on `day`? The first limit it breaks, in a fixed order."""
    today = day.isoformat()
    if terms.valid_from and today < terms.valid_from:
        return refusal(area, "not_yet", link=link, day=today, begins=terms.valid_from)
    if terms.valid_to and today > terms.valid_to:
        return refusal(area, "expired", link=link, day=today, ended=terms.valid_to)
    if use.purpose not in terms.purposes:
        return refusal(area, "purpose", link=link, asked=use.purpose, allowed=", ".join(terms.purposes) or "-")
    if use.channel not in terms.channels:
        return refusal(area, "channel", link=link, asked=use.channel, allowed=", ".join(terms.channels) or "-")
    outside = [name for name in use.resources if name not in terms.resources]
    if outside:
        return refusal(area, "resource", link=link, asked=outside[0])
    for name, columns in sorted(use.fields.items()):
        wide = sorted(set(columns) - set(terms.fields[name])) if terms.fields.get(name) else []
        if wide:
            return refusal(area, "fields", link=link, resource=name, asked=", ".join(wide), allowed=", ".join(terms.fields[name]))
    if terms.regions and not covers_regions(terms.regions, use.regions):
        return refusal(area, "region", link=link, asked=", ".join(use.regions) or "*", allowed=", ".join(terms.regions))
    if terms.max_rows and use.rows > terms.max_rows:
        return refusal(area, "rows", link=link, asked=use.rows, allowed=terms.max_rows)
    if use.versions is not None and not covers_version(terms.versions, use.versions):
        return refusal(area, "versions", link=link, asked=", ".join(use.versions) or "-", allowed=terms.versions)
    return YES


def covers_version(stated: str, versions: Iterable[str]) -> bool:
    """Does a statement of versions cover one of `versions`? Words apart by commas or blanks, each `1.2.0`, `1.*`, `1.2.*`, or a range
    `1.0.0..1.4.2` with both ends, either of which may be missing. Nothing stated covers all.
    """
    words = stated.replace(",", " ").split()
    return not words or any(_covers(word, version.removeprefix("v")) for word in words for version in versions)


def _covers(word: str, version: str) -> bool:
    numbers = _numbers(version)
    low, dots, high = word.removeprefix("v").partition("..")
    if dots:
        return bool(numbers) and (not low or _numbers(low) <= numbers) and (not high or numbers <= _numbers(high))
    return version.startswith(low[:-1]) if low.endswith(".*") else version == low


def _numbers(version: str) -> tuple[int, ...]:
    """`1.2.0` as numbers, so that 1.10.0 comes after 1.9.0; nothing for what is no such version."""
    return tuple(map(int, version.split("."))) if _VERSION.fullmatch(version) else ()


def unreadable_version(stated: str) -> str:
    """The first word of a statement of versions that means none, or ""."""
    return next((word for word in stated.replace(",", " ").split() if not _STATED.fullmatch(word)), "")


def covers_regions(parents: tuple[str, ...], children: tuple[str, ...]) -> bool:
    """Does every child region lie inside some parent? No child means everywhere, which only everywhere covers."""
    if not parents:
        return True
    prefixes = tuple(region_prefix(code) for code in parents)
    return children == NOWHERE or (bool(children) and all(child.startswith(prefixes) for child in children))


def excess(child: Terms, parent: Terms) -> tuple[str, ...]:
    """The names of the limits in which `child` goes beyond `parent`; none means it attenuates."""
    found = [
        name for name in ("resources", "purposes", "channels") if not set(getattr(child, name)) <= set(getattr(parent, name))
    ]
    if any(_wider(child.fields.get(name, ()), parent.fields.get(name, ())) for name in child.resources):
        found.append("fields")
    if not covers_regions(parent.regions, child.regions):
        found.append("regions")
    if parent.valid_from and child.valid_from < parent.valid_from:
        found.append("valid_from")
    if parent.valid_to and not (child.valid_to and child.valid_to <= parent.valid_to):
        found.append("valid_to")
    if parent.max_rows and not 0 < child.max_rows <= parent.max_rows:
        found.append("max_rows")
    if parent.versions and child.versions != parent.versions:
        found.append("versions")
    return tuple(found)


def _wider(child: Iterable[str], parent: Iterable[str]) -> bool:
    """An empty list of columns means all."""
    held, asked = set(parent), set(child)
    return bool(held) and not (asked and asked <= held)


def narrowed(child: Terms, parent: Terms) -> Terms:
    """The part of `child` that lies inside `parent`: what is left of a delegation after its parent shrank."""
    resources = tuple(name for name in child.resources if name in parent.resources)
    columns = {name: _common(child.fields.get(name, ()), parent.fields.get(name, ())) for name in resources}
    return Terms(
        resources=tuple(name for name in resources if columns[name] is not None),
        purposes=tuple(name for name in child.purposes if name in parent.purposes),
        channels=tuple(name for name in child.channels if name in parent.channels),
        fields={name: held for name, held in columns.items() if held},
        regions=_inside(child.regions, parent.regions),
        valid_from=max(child.valid_from, parent.valid_from),
        valid_to=min(filter(None, (child.valid_to, parent.valid_to)), default=""),
        max_rows=min(filter(None, (child.max_rows, parent.max_rows)), default=0),
        versions=parent.versions or child.versions,
    )


def _common(child: tuple[str, ...], parent: tuple[str, ...]) -> tuple[str, ...] | None:
    """Columns both permit; None where both name columns and share none."""
    if not parent or not child:
        return child or parent
    return tuple(name for name in child if name in parent) or None


def _inside(child: tuple[str, ...], parent: tuple[str, ...]) -> tuple[str, ...]:
    if not parent:
        return child
    if not child:
        return parent
    kept = tuple(code for code in child if covers_regions(parent, (code,)))
    return kept or NOWHERE


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a chain of rights. `state` is the state of its case; `active` tells whether that state lets deliveries pass."""

    kind: str  # zone | token | entitlement | delegation | authorization
    id: str
    terms: Terms
    state: str
    active: bool


def common_regions(links: Iterable[Link]) -> tuple[str, ...]:
    """The regions every link of a chain permits; empty: everywhere."""
    regions: tuple[str, ...] = ()
    for link in links:
        regions = _inside(regions, link.terms.regions)
    return regions


@dataclass(frozen=True, slots=True)
class Delivered:
    """What is asked for: the release's state and the entries it was made of; `raw` where bytes come from a source and not from a release."""

    release: str
    state: str
    resources: tuple[Resource, ...]
    raw: bool = False


def decide_delivery(use: Use, delivered: Delivered, links: Sequence[Link], day: date) -> Verdict:
    """May these bytes go out now? The one decision for hub, viewer, clean room and command line (INV-05).

    Unconditionally open entries need no entitlement; everything else needs a chain that ends in an active authorization. A token of a
    zone reaches nothing outside it, open or not.
    """
    for verdict in (_state(delivered), _entries(use, delivered, day), _zones(use, delivered, links)):
        if not verdict.allowed:
            return verdict
    if is_public(delivered, day):
        return YES
    if all(link.kind == "zone" for link in links):
        return refusal("delivery", "missing", release=delivered.release)
    for link in links:
        if link.kind == "zone":
            continue
        name = f"{link.kind} {link.id}"
        if not link.active:
            return refusal("delivery", "inactive", link=name, state=link.state)
        verdict = within(use, link.terms, day, link=name)
        if not verdict.allowed:
            return verdict
    return YES


def is_public(delivered: Delivered, day: date) -> bool:
    """Are all entries open without condition on `day`?"""
    today = day.isoformat()
    return bool(delivered.resources) and all(
        entry.attribute_on("open_attribute", today) is Attribute.UNCONDITIONAL for entry in delivered.resources
    )


def _zones(use: Use, delivered: Delivered, links: Sequence[Link]) -> Verdict:
    """What a token's zones say: all entries behind the release lie in an open zone of which the holder is a member."""
    zones = [link for link in links if link.kind == "zone"]
    held = {name for link in zones if link.active for name in link.terms.resources}
    if zones and (not use.resources or not set(use.resources) <= held):
        return refusal("delivery", "outside_zone", link=", ".join(link.id for link in zones), release=delivered.release)
    return YES


def _state(delivered: Delivered) -> Verdict:
    if delivered.state in {"withdrawn", "quarantined"}:
        return refusal("delivery", delivered.state, release=delivered.release)
    return (
        YES
        if delivered.state in {"released", "superseded", "raw"}
        else refusal("delivery", "inactive", link=delivered.release, state=delivered.state)
    )


def _entries(use: Use, delivered: Delivered, day: date) -> Verdict:
    today = day.isoformat()
    for entry in delivered.resources:
        if entry.secrecy:
            return refusal("delivery", "secrecy", resource=entry.id)
        if entry.classification.category is Category.CORE:
            return refusal("delivery", "core", resource=entry.id)
        if entry.classification.category is Category.IMPORTANT and use.channel != "compute":
            return refusal("delivery", "important", resource=entry.id, asked=use.channel)
        if entry.attribute_on("open_attribute", today) is Attribute.NONE and use.purpose not in FREE_PURPOSES:
            return refusal("delivery", "closed", resource=entry.id)
        if not _may_leave(entry.egress, use.channel, raw=delivered.raw):
            return refusal("delivery", "egress", resource=entry.id, egress=entry.egress.value)
    return YES


def _may_leave(egress: Egress, channel: str, *, raw: bool) -> bool:
    """Raw rows leave only under `full`; scrubbed rows unless results alone may leave; under `none` not even a model (article 9)."""
    if raw:
        return egress is Egress.FULL
    if egress is Egress.NONE:
        return channel == "compute"
    return egress is not Egress.DERIVED or channel in RESULTS


@dataclass(frozen=True, slots=True)
class SourceGrant:
    """What lets a build open one source: the authorization, its parties and period; goes into the manifest as evidence."""

    source: str
    resource: str
    registration_code: str
    authorization: str
    grantor: str
    operator: str
    purposes: tuple[str, ...]
    valid_from: str
    valid_to: str
    terms_digest: str
