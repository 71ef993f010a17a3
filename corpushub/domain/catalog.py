"""A catalog entry: what a public data resource is, who answers for it, and what may be done with it.

The entry is the fold of its stream `resource:<id>`. Share and open attributes are versions with a day they take effect, a reason and a
basis, so that "as of" a day has one answer (article 1). Secrecy is absorbing: once set, only two signatures lift it (INV-06, article 15).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from corpushub.base.errors import Invalid, Problem


class Attribute(StrEnum):
    """How far a resource is shared among agencies, or opened to society."""

    UNCONDITIONAL = "unconditional"  # 无条件
    CONDITIONAL = "conditional"  # 有条件
    NONE = "none"  # 不予


class Category(StrEnum):
    """GB/T 43697-2024."""

    GENERAL = "general"  # 一般数据
    IMPORTANT = "important"  # 重要数据
    CORE = "core"  # 核心数据


class Egress(StrEnum):
    """What may leave the place where the raw data stands."""

    NONE = "none"
    DERIVED = "derived"
    SCRUBBED = "scrubbed"
    FULL = "full"


ORIGINS = ("own", "commissioned", "shared", "purchased", "donated")  # 自身产生、委托采集、共享获得、购买、捐赠
KINDS = ("resource", "dataset", "product", "service", "api", "index", "model", "zone")
BASE_CLASSES = ("", "person", "enterprise", "city_part")  # 人、企、城市部件
FREQUENCIES = ("realtime", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular", "once")
SENSITIVITIES = ("public", "internal", "personal", "sensitive", "trade_secret", "secret")
_ORDER = {Category.GENERAL: 0, Category.IMPORTANT: 10, Category.CORE: 20}
_ID = re.compile(r"\d{6,12}/[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9._-]{0,94}")


@dataclass(frozen=True, slots=True)
class Classification:
    """Category and grade (1 to 4 within general data); higher is stricter."""

    category: Category = Category.GENERAL
    grade: int = 1
    assessment: str = ""

    @property
    def rank(self) -> int:
        return _ORDER[self.category] + self.grade


@dataclass(frozen=True, slots=True)
class Item:
    """One field of a resource with its meaning: who reads the card must not have to guess (article 2, gate G16)."""

    name: str
    dtype: str = "str"
    meaning: Mapping[str, str] = field(default_factory=dict)
    standard: str = ""
    element: str = ""
    sensitivity: str = "public"


@dataclass(frozen=True, slots=True)
class AttributeVersion:
    """What share or open attribute holds from a day on, and why."""

    name: str  # share_attribute | open_attribute
    value: Attribute
    effective_from: str
    reason: str = ""
    basis: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """One entry of the one catalog. Ids read `<region>/<owner>/<name>`; organisations and people are ids."""

    id: str
    title: Mapping[str, str]
    owner: str
    kind: str = "resource"
    summary: Mapping[str, str] = field(default_factory=dict)
    domain: str = ""
    region: str = ""
    system: str = ""
    origin: str = "own"
    collector: str = ""
    contract: str = ""
    items: tuple[Item, ...] = ()
    format: str = ""
    volume: str = ""
    coverage: Mapping[str, str] = field(default_factory=dict)  # time, region, granularity
    frequency: str = "irregular"
    share_attribute: Attribute = Attribute.CONDITIONAL
    open_attribute: Attribute = Attribute.CONDITIONAL
    attributes: tuple[AttributeVersion, ...] = ()
    classification: Classification = field(default_factory=Classification)
    secrecy: bool = False
    secrecy_checked_by: str = ""
    egress: Egress = Egress.SCRUBBED
    high_value: str = ""  # the criterion met, empty where it is not
    base_class: str = ""
    interpreter: Mapping[str, str] = field(default_factory=dict)  # person, contact
    cdo: str = ""
    retention: str = ""
    licence: str = ""
    elements: Mapping[str, str] = field(default_factory=dict)  # element -> standard, where this entry is the one source
    quality: float = -1.0  # 0..100, -1 unknown
    sample: str = ""
    parents: tuple[str, ...] = ()
    registration_code: str = ""
    registration_to: str = ""
    state: str = "draft"
    version: int = 0

    def field_names(self) -> frozenset[str]:
        return frozenset(item.name for item in self.items)

    def attribute_on(self, name: str, day: str) -> Attribute:
        """Share or open attribute as it stood on `day` (ISO)."""
        held = [entry for entry in self.attributes if entry.name == name and entry.effective_from <= day]
        return held[-1].value if held else getattr(self, name)

    def is_registered_on(self, day: str) -> bool:
        return bool(self.registration_code) and (not self.registration_to or day <= self.registration_to)

    def to_json(self) -> dict[str, Any]:
        return {item.name: plain(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Resource:
        """Parse an entry.

        Raises: Invalid("resource.invalid") with one problem for each thing wrong.
        """
        problems = list(_problems(value, {item.name for item in fields(cls)}))
        if problems:
            raise Invalid("resource.invalid", problems=problems, resource=str(value.get("id") or "-"))
        read = dict(value)
        read["items"] = tuple(Item(**item) for item in value.get("items", ()))
        read["parents"] = tuple(value.get("parents", ()))
        read["attributes"] = tuple(
            AttributeVersion(**{**entry, "value": Attribute(entry["value"])}) for entry in value.get("attributes", ())
        )
        for name, kind in (("share_attribute", Attribute), ("open_attribute", Attribute), ("egress", Egress)):
            if name in read:
                read[name] = kind(read[name])
        if "classification" in read:
            grade = read["classification"]
            read["classification"] = Classification(
                Category(grade["category"]), int(grade["grade"]), str(grade.get("assessment", ""))
            )
        return cls(**read)


def plain(value: Any) -> Any:
    """`value` as JSON types."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    return value


_CODED: tuple[tuple[str, Iterable[str]], ...] = (
    ("kind", KINDS),
    ("origin", ORIGINS),
    ("frequency", FREQUENCIES),
    ("base_class", BASE_CLASSES),
    ("share_attribute", tuple(Attribute)),
    ("open_attribute", tuple(Attribute)),
    ("egress", tuple(Egress)),
)


def _problems(value: Mapping[str, Any], known: set[str]) -> Iterable[Problem]:
    if not value.get("id"):
        yield Problem("form.missing", {"field": "id"}, path="id")
    elif not _ID.fullmatch(str(value["id"])):
        yield Problem("resource.bad_id", {"id": str(value["id"])}, path="id")
    for name in ("owner", "title"):
        if not value.get(name):
            yield Problem("form.missing", {"field": name}, path=name)
    for name in sorted(set(value) - known):
        yield Problem("form.unknown", {"field": name, "known": ", ".join(sorted(known))}, path=name)
    for name, codes in _CODED:
        if name in value and value[name] not in codes:
            yield Problem("form.not_choice", {"field": name, "choices": ", ".join(codes)}, path=name)
    grade = value.get("classification")
    if grade is not None and not (
        isinstance(grade, Mapping)
        and grade.get("category") in tuple(Category)
        and str(grade.get("grade")) in {"1", "2", "3", "4"}
    ):
        yield Problem("resource.bad_classification", path="classification")
    if value.get("origin") == "commissioned" and not value.get("contract"):
        yield Problem("resource.contract_missing", path="contract")
    for place, item in enumerate(value.get("items") or ()):
        yield from _item_problems(place, item)


_ITEM_FIELDS = frozenset(entry.name for entry in fields(Item))


def _item_problems(place: int, item: Any) -> Iterable[Problem]:
    if not isinstance(item, Mapping) or not item.get("name"):
        yield Problem("form.missing", {"field": "name"}, path=f"items[{place}]")
        return
    if unknown := sorted(item.keys() - _ITEM_FIELDS):
        yield Problem("form.unknown", {"field": unknown[0], "known": "name, dtype, meaning, standard"}, path=f"items[{place}]")
    if item.get("sensitivity", "public") not in SENSITIVITIES:
        yield Problem("form.not_choice", {"field": "sensitivity", "choices": ", ".join(SENSITIVITIES)}, path=f"items[{place}]")


def amend(resource: Resource | None, event: str, changes: Mapping[str, Any]) -> Resource:
    """The entry after an event of its stream; `added` carries the whole entry, every other event what it changes."""
    if resource is None or event == "added":
        entry = Resource.from_json(changes)
        first = tuple(AttributeVersion(name, getattr(entry, name), "") for name in ("share_attribute", "open_attribute"))
        return replace(entry, version=1, attributes=entry.attributes or first)
    version = resource.version + 1
    if event == "attribute_changed":
        held = AttributeVersion(**{**changes, "value": Attribute(changes["value"])})
        changed = {**resource.to_json(), held.name: held.value.value, "attributes": plain((*resource.attributes, held))}
        return replace(Resource.from_json(changed), version=version)
    return replace(Resource.from_json({**resource.to_json(), **changes}), version=version)


def incomplete(resource: Resource) -> tuple[str, ...]:
    """Names of what is still missing before an entry may be registered (G16: every field defined, an interpreter named)."""
    missing = [name for name in ("summary", "domain", "region", "items", "interpreter") if not getattr(resource, name)]
    undefined = [f"items.{item.name}.meaning" for item in resource.items if not item.meaning]
    secrecy = [] if resource.secrecy_checked_by else ["secrecy_checked_by"]
    return (*missing, *undefined, *secrecy)
