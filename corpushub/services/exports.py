"""Read a card of the repository or a release folder back into facts, and print it in another register's form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpushub.base.errors import Invalid, NotFound
from corpushub.domain.build import Built, SourceFact
from corpushub.domain.card import Facts, Origin, Publisher
from corpushub.domain.exports import EXPORTS
from corpushub.engine import profile as profiles
from corpushub.services.card_facts import Inputs, make_facts
from corpushub.services.cards import FACTS, read_kept, read_recipe, recipes
from corpushub.services.release_folder import RELEASE_FACTS

ROWS = "tc609"


def export_card(dataset: str, form: str, recipes_dir: Path, cards_dir: Path) -> str:
    """The card of `dataset` (or of the release in the folder of that name) as `form`.

    Raises: Invalid("cards.export_form" | "cards.export_rows"), NotFound("cards.absent" | "cards.unknown_name").
    """
    if form not in EXPORTS and form != ROWS:
        raise Invalid("cards.export_form", given=form, known=", ".join([*EXPORTS, ROWS]))
    folder = Path(dataset)
    release = (folder / RELEASE_FACTS).is_file()
    if form == ROWS:
        if not release:
            raise Invalid("cards.export_rows")
        return "".join(records(folder, release_facts(folder)))
    return EXPORTS[form](release_facts(folder) if release else card_facts(dataset, recipes_dir, cards_dir))


def card_facts(dataset: str, recipes_dir: Path, cards_dir: Path) -> Facts:
    (path,) = recipes(recipes_dir, [dataset])
    recipe = read_recipe(path)
    kept = read_kept(cards_dir / recipe.dataset)
    if kept is None:
        raise NotFound("cards.absent", dataset=dataset, file=FACTS)
    inputs = Inputs(
        recipe, kept.built, None, kept.version, date.fromisoformat(kept.day), history=kept.history, profile=profiles.from_json(kept.profile),
        screened=kept.screened, checked_in=True,
    )  # fmt: skip
    return make_facts(inputs).facts


def release_facts(folder: Path) -> Facts:
    """Facts of a release from its own `provenance/facts.json` and recipe."""
    kept = json.loads((folder / RELEASE_FACTS).read_text("utf-8"))
    recipe = read_recipe(folder / "provenance" / "recipe.yaml")
    origins = tuple(Origin(**{**row, "purposes": tuple(row["purposes"])}) for row in kept["origins"])
    inputs = Inputs(
        recipe, Built.from_json(kept["built"]), None, kept["version"], date.fromisoformat(kept["day"]), origins=origins,
        publisher=Publisher(**kept["publisher"]), measures=kept["measures"], history=tuple(kept["history"]),
        profile=profiles.from_json(kept["profile"]), screened=kept["screened"],
    )  # fmt: skip
    return make_facts(inputs).facts


def records(folder: Path, facts: Facts) -> Iterator[str]:
    """Every row as a TC609-5-2025-02 record, one JSON line each."""
    key = facts.recipe.contract.key
    known = {source.name: source for source in facts.built.sources}
    owners = source_of_rows(folder) if len(known) > 1 else {}
    only = next(iter(known), "")
    for file in facts.built.files:
        for batch in pq.ParquetFile(folder / file.path).iter_batches():
            for at, row in enumerate(batch.to_pylist()):
                source = known.get(owners.get(str(row.get(key)), only))
                yield json.dumps(record(row, str(row.get(key, at)), facts, source), ensure_ascii=False, default=str) + "\n"


def source_of_rows(folder: Path) -> dict[str, str]:
    """Row key -> name of its source, from the lineage the release carries."""
    found: dict[str, str] = {}
    for path in sorted((folder / "provenance").glob("lineage*.parquet")):
        table = pq.ParquetFile(path).read(["id", "source"])
        found |= dict(zip(map(str, table["id"].to_pylist()), map(str, table["source"].to_pylist()), strict=True))
    return found


def record(row: Mapping[str, Any], name: str, facts: Facts, source: SourceFact | None) -> dict[str, Any]:
    """One row of the format: content by field, source, licence, version and the mark of generated content."""
    key = facts.recipe.contract.key
    content = [
        {"media_type": "text", "content": str(value), "field": column}
        for column, value in row.items()
        if column != key and value is not None
    ]
    return {
        "id": name,
        "rid": f"{facts.dataset}@{facts.version}",
        "data_content": content,
        "annotation": {"label": "", "annotation_method": "", "annotator": ""},
        "original_time": first(row, ("original_time", "date", "published", "issued")),
        "last_modified_time": facts.day,
        "version": facts.version,
        "license": facts.recipe.licence.name or facts.recipe.licence.id,
        "source": source.resource if source else "",
        "source_details": source.name if source else "",
        "generated_data_indicator": int(bool(row.get("generated_data_indicator"))),
    }


def first(row: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(row[name]) for name in names if row.get(name) is not None), "")
