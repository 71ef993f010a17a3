"""By what right a release uses its sources: origins for the card and the catalogue's measures for the gates. Reads, never decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from corpushub.domain.card import Origin, Publisher
from corpushub.domain.catalog import Attribute, Category, Classification, Resource
from corpushub.domain.flows.objection import is_blocking
from corpushub.domain.policy import FREE_PURPOSES, SourceGrant
from corpushub.domain.recipe import Recipe
from corpushub.store.db import Unit

GENERAL_GRADE = 3  # general data up to this grade goes out without a third party's assessment
PERSONAL = frozenset({"personal", "sensitive"})
OPEN_OBJECTIONS = ("filed", "accepted", "checking", "confirmed", "correcting", "escalated")


def origins_of(unit: Unit, grants: Iterable[SourceGrant]) -> tuple[Origin, ...]:
    """One origin per granted source, with names where the hub knows them."""
    return tuple(origin_of(unit, grant) for grant in grants)


def origin_of(unit: Unit, grant: SourceGrant) -> Origin:
    resource = unit.catalog.get(grant.resource)
    names = {"grantor": names_of(unit, grant.grantor), "operator": names_of(unit, grant.operator)}
    if resource and resource.origin != "own" and resource.collector:
        names["contributor"] = names_of(unit, resource.collector)
    return Origin(
        source=grant.source,
        resource=grant.resource,
        title=resource.title if resource else {},
        registration_code=grant.registration_code,
        authorization=grant.authorization,
        grantor=names["grantor"].get("zh") or grant.grantor,
        operator=names["operator"].get("zh") or grant.operator,
        purposes=tuple(sorted(grant.purposes)),
        valid_from=grant.valid_from,
        valid_to=grant.valid_to,
        terms_digest=grant.terms_digest,
        licence=resource.licence if resource else "",
        came=resource.origin if resource else "",
        names=names,
    )


def names_of(unit: Unit, org_id: str) -> dict[str, str]:
    """An organisation's names by language; its id where the hub does not know it."""
    org = unit.parties.org(org_id)
    return dict(org.name) if org and org.name else {"zh": org_id}


def publisher_of(unit: Unit, org_id: str) -> Publisher:
    """The organisation under its names; under its id where the hub does not know it."""
    org = unit.parties.org(org_id)
    return Publisher(dict(org.name) if org else {"zh": org_id, "en": org_id})


def catalog_measures(unit: Unit, recipe: Recipe, grants: Iterable[SourceGrant], day: date) -> dict[str, float]:
    """Measures whose origin is the catalogue; an entry that is missing counts as everything that is wrong with it."""
    grants = tuple(grants)
    granted = {grant.source for grant in grants}
    entries = {source.name: unit.catalog.get(source.resource) for source in recipe.sources}
    total = len(entries) or 1
    known = [entry for entry in entries.values() if entry is not None]
    return {
        "registered_sources": sum(1 for entry in known if entry.is_registered_on(day.isoformat())) / total,
        "authorized_columns": min((scope_share(recipe, name, entry) for name, entry in entries.items()), default=0.0),
        "delegation_broken": 0 if granted >= set(entries) else len(set(entries) - granted),
        "forbidden_class_sources": sum(1 for entry in entries.values() if entry is None or is_forbidden(entry)),
        "open_attribute_conflicts": sum(
            1 for entry in known if entry.attribute_on("open_attribute", day.isoformat()) is Attribute.NONE
        ),
        "pii_basis_missing": sum(1 for name, entry in entries.items() if entry and holds_personal(entry) and name not in granted),
        "interpreter_missing": sum(1 for entry in entries.values() if entry is None or not entry.interpreter),
        "licensed_sources": sum(1 for entry in known if entry.licence) / total,
        **objections(unit, recipe),
        **sign_offs_asked(
            unit, [source.resource for source in recipe.sources], [grant.authorization for grant in grants], recipe.purpose
        ),
    }


def sign_offs_asked(unit: Unit, resources: Iterable[str], authorizations: Iterable[str], purpose: str) -> dict[str, float]:
    """Which human gates apply: an assessment above general grade 3, a plan review under a scenario agreement, the chief data officer for
    important data and for free use in the public interest (Article 15, G26 to G28).
    """
    ranks = [entry.classification.rank for name in resources if (entry := unit.catalog.get(name)) is not None]
    modes = {case.data.get("mode") for name in authorizations if (case := unit.cases.get(name)) is not None}
    highest = max(ranks, default=0)
    return {
        "assessment_required": int(highest > GENERAL_GRADE),
        "plan_required": int("scenario" in modes),
        "cdo_required": int(highest >= Classification(Category.IMPORTANT).rank or purpose in FREE_PURPOSES),
    }


def scope_share(recipe: Recipe, name: str, entry: Resource | None) -> float:
    """Share of the columns a recipe selects that the entry lists; an entry without a field list covers all of them."""
    selected = next((source.select for source in recipe.sources if source.name == name), ())
    if entry is None:
        return 0.0
    listed = entry.field_names()
    if not selected or not listed:
        return 1.0
    return sum(1 for column in selected if column in listed) / len(selected)


def is_forbidden(entry: Resource) -> bool:
    """Core data and state secrets never enter a release (Article 15); important data may only be computed on."""
    return entry.secrecy or entry.classification.category is not Category.GENERAL


def holds_personal(entry: Resource) -> bool:
    return any(item.sensitivity in PERSONAL for item in entry.items)


def objections(unit: Unit, recipe: Recipe) -> Mapping[str, float]:
    """Open objections about the dataset or one of its sources, by what they concern."""
    subjects = {recipe.dataset, *(source.resource for source in recipe.sources)}
    cases = [
        case
        for subject in sorted(subjects)
        for case in unit.cases.list(flow="objection", subject=subject, states=OPEN_OBJECTIONS)
    ]
    kinds = [str(case.data.get("kind", "")) for case in cases]
    return {
        "open_objections": sum(1 for kind in kinds if kind in {"personal_information", "intellectual_property"}),
        "ip_unresolved": kinds.count("intellectual_property"),
        "blocking_objections": sum(1 for case in cases if is_blocking(case)),
    }
