"""What the catalog and the repositories offer to matching."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from corpushub.domain.catalog import Egress, Resource
from corpushub.engine.matching.entries import Entry
from corpushub.engine.matching.reading import Reading, read_period
from corpushub.engine.matching.rules import DELIVERIES, FREQUENCIES, GRANULARITIES, lexicon
from corpushub.engine.matching.text import fold
from corpushub.store.repos import Repo

DATASET = "dataset:"
_DELIVERY: Mapping[Egress, tuple[str, ...]] = {
    Egress.FULL: DELIVERIES,
    Egress.SCRUBBED: DELIVERIES,
    Egress.DERIVED: ("api", "zone", "cleanroom"),
    Egress.NONE: ("zone",),
}


def resource_entry(resource: Resource, today: date, acceptance: Mapping[str, float]) -> Entry:
    """A catalog entry as matching sees it."""
    items = tuple(word for item in resource.items for word in (*item.meaning.values(), item.name))
    return Entry(
        id=resource.id,
        title=" ".join(resource.title.values()),
        items=items,
        summary=" ".join(resource.summary.values()),
        owner=resource.owner,
        domain=resource.domain,
        region=region_code(resource.coverage.get("region", "") or resource.region),
        granularity=coded("granularity", resource.coverage.get("granularity", ""), GRANULARITIES),
        frequency=resource.frequency if resource.frequency in FREQUENCIES else "",
        months=months_of(resource.coverage.get("time", ""), today),
        rank=resource.classification.rank,
        secrecy=resource.secrecy,
        published=resource.state == "published",
        openness=resource.attribute_on("open_attribute", today.isoformat()).value,
        delivery=("api",) if resource.kind == "api" else _DELIVERY[resource.egress],
        quality=resource.quality,
        acceptance=acceptance.get(resource.id, -1.0),
    )


def dataset_entry(repo: Repo, release: Mapping[str, Any], parents: Sequence[Entry], acceptance: Mapping[str, float]) -> Entry:
    """A dataset whose release is out, so it can be had now: named by its release, described by the entries it was made from."""
    regions = {parent.region for parent in parents}
    return Entry(
        id=f"{DATASET}{repo.id}",
        title=f"{' '.join(str(word) for word in (release.get('title') or {}).values())} {repo.id.partition('/')[2].replace('-', ' ')}",
        items=tuple(dict.fromkeys(item for parent in parents for item in parent.items)),
        summary=" ".join(parent.summary for parent in parents),
        owner=repo.org,
        domain=" ".join(dict.fromkeys(parent.domain for parent in parents)),
        region=regions.pop() if len(regions) == 1 else "",
        openness="conditional" if repo.gated else "unconditional",
        delivery=("download", "api"),
        acceptance=acceptance.get(f"{DATASET}{repo.id}", -1.0),
    )


def region_code(value: str) -> str:
    return value if value.isdigit() and len(value) >= 6 else ""


def coded(table: str, value: str, order: Iterable[str]) -> str:
    """`value` as a code: it may be one, or one of the words for it."""
    return value if not value or value in order else lexicon(table).get(fold([value])[0], "")


def months_of(text: str, today: date) -> tuple[int, int] | None:
    """Months of a coverage such as `2010-2014` or `2020-03/2024-12`."""
    if not text:
        return None
    chips = read_period(Reading(fold([text.replace("/", "-") if text.count("-") == 0 else text])[0]), today)
    return (chips[0].value[0], chips[0].value[1]) if chips else None
