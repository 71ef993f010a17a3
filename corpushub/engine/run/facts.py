"""What a finished build knows about itself: profile, quality, privacy and personal-information figures, from measured shards and step tallies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpushub.domain.build import Built, EntityFact
from corpushub.engine import quality
from corpushub.engine.cache import write_json
from corpushub.engine.plan import Plan
from corpushub.engine.run.release import Measured


def with_facts(plan: Plan, built: Built, folder: Path, measures: Mapping[int, Mapping[str, float]], measured: Measured) -> Built:
    """`built` with column profiles, measures by id, quality and privacy details.

    `measures` are what each step summed up, by its number; `measured` what is known of all rows.
    """
    columns = tuple(replace(column, profile=measured.columns[column.name].result()) for column in built.columns)
    coarse = any(step.step.name in {"generalise", "k_anonymise"} for step in plan.steps)
    figures = quality.measures(measured.tallies, plan.recipe.contract, unique_content=not coarse)
    told = quality.details(measured.tallies)
    entities = entity_facts(plan, measures)
    numbers, privacy = disclosure(plan, built, folder)
    figures |= {"lineage_coverage": 1.0, **summed(measures), **numbers}
    write_json(folder / "reports" / "quality.json", told)
    return replace(
        built, columns=columns, entities=entities, measures=dict(sorted(figures.items())), quality=told, privacy=privacy
    )


def summed(measures: Mapping[int, Mapping[str, float]]) -> dict[str, float]:
    """Measures of steps whose name is a measure's id (no `:` or step-only name in it); counts add up, of others the last step's wins."""
    from corpushub.domain.measures import MEASURES

    found: dict[str, float] = {}
    for step in sorted(measures):
        for name, value in measures[step].items():
            if name in MEASURES:
                found[name] = value + (found.get(name, 0) if MEASURES[name].unit == "count" else 0)
    return found


def entity_facts(plan: Plan, measures: Mapping[int, Mapping[str, float]]) -> tuple[EntityFact, ...]:
    """Personal information by kind, from the last scrub step of each kind of column."""
    scrubs = [step for step in plan.steps if step.step.name == "scrub"]
    if not scrubs:
        return ()
    from corpushub.engine.pii.steps import entity_facts as facts_of

    found: dict[str, EntityFact] = {}
    for step in scrubs:
        for fact in facts_of(measures.get(step.index, {}), step.params.model_dump(mode="json")):
            seen = found.get(fact.entity)
            found[fact.entity] = fact if seen is None else added(seen, fact)
    return tuple(found[name] for name in sorted(found))


def added(one: EntityFact, two: EntityFact) -> EntityFact:
    return replace(
        two,
        found=one.found + two.found,
        replaced=one.replaced + two.replaced,
        kept=one.kept + two.kept,
        residual=one.residual + two.residual,
    )


def disclosure(plan: Plan, built: Built, folder: Path) -> tuple[dict[str, float], dict[str, Any]]:
    """Disclosure risk over the contract's quasi-identifiers, where it names any."""
    quasi = [name for name in plan.recipe.contract.roles("quasi") if any(column.name == name for column in built.columns)]
    if not quasi:
        return {}, {}
    import polars as pl

    from corpushub.engine.anonymity.risk import risk

    sensitive = [name for name in plan.recipe.contract.roles("sensitive") if any(column.name == name for column in built.columns)]
    wanted = list(dict.fromkeys([*quasi, *sensitive]))
    tables = [pq.ParquetFile(folder / file.path).read(wanted) for file in built.files]
    frame = pl.concat([pl.DataFrame(pl.from_arrow(table)) for table in tables])
    found = risk(frame, quasi, sensitive)
    return {name: float(value) for name, value in found.measures().items()}, {
        "quasi": quasi,
        "sensitive": sensitive,
        **plain(asdict(found)),
    }


def plain(value: Any) -> Any:
    """Keys as text and tuples as lists, as JSON has them, so that a record reads back equal."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def nonzero(measures: Mapping[str, float]) -> Iterable[tuple[str, float]]:
    """Step measures worth keeping in the funnel: all but empty counts of personal information."""
    return ((name, float(value)) for name, value in sorted(measures.items()) if value or not name.startswith("pii:"))
