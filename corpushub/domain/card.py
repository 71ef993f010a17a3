"""The data card as a value: `build_card(facts)` renders README.md for people and for the Hub's own reader.

Everything in a card is a function of Facts: recipe prose, the build's numbers, authorizations, verdicts and the difference to the
version before. Facts hold no clock, host or path, so two machines write the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from corpushub.base.messages import LANGS
from corpushub.domain.build import Built
from corpushub.domain.gates import Verdict
from corpushub.domain.licences import hub_licences
from corpushub.domain.recipe import Recipe
from corpushub.domain.release import Change

SIZES = (
    (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"), (10_000_000_000, "1B<n<10B"),
)  # fmt: skip
"""Hub size classes; they count rows."""

WANTED_PROSE = ("summary",)
"""Sections without which no card is released."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The right to use one source: who granted what to whom, for what, until when; and who gave the data, where it is not the grantor's own.

    `names` holds the parties (`grantor`, `operator`, `contributor`) in each language they have a name in; `came` says how the data came.
    """

    source: str
    resource: str
    title: Mapping[str, str] = field(default_factory=dict)
    registration_code: str = ""
    authorization: str = ""
    grantor: str = ""
    operator: str = ""
    purposes: tuple[str, ...] = ()
    valid_from: str = ""
    valid_to: str = ""
    terms_digest: str = ""
    licence: str = ""
    attribution: str = ""
    homepage: str = ""
    came: str = ""
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who stands behind the dataset and where to turn."""

    name: Mapping[str, str]
    contact: str = ""
    url: str = ""
    objections: str = ""  # address of the objection form


@dataclass(frozen=True, slots=True)
class Facts:
    """All a card is made of. `example` is one released row as text per column; `charts` maps a chart's name to its file."""

    recipe: Recipe
    built: Built
    version: str
    day: str  # ISO date of the proposal, the only date in a card
    origins: tuple[Origin, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    publisher: Publisher = field(default_factory=lambda: Publisher({"zh": "corpushub", "en": "corpushub"}))
    change: Change | None = None
    history: tuple[Mapping[str, str], ...] = ()  # version, day, level, summary; newest first
    example: Mapping[str, str] = field(default_factory=dict)
    charts: Mapping[str, str] = field(default_factory=dict)
    reviews: Mapping[str, Any] = field(default_factory=dict)
    checked_in: bool = False  # a card of the repository, before any release

    @property
    def dataset(self) -> str:
        return self.recipe.dataset

    @property
    def tag(self) -> str:
        return f"v{self.version}"

    @property
    def configs(self) -> dict[str, dict[str, list[str]]]:
        """Config -> split -> file paths, in order of appearance."""
        found: dict[str, dict[str, list[str]]] = {}
        for file in self.built.files:
            found.setdefault(file.config or "default", {}).setdefault(file.split, []).append(file.path)
        return found

    @property
    def languages(self) -> tuple[str, ...]:
        return self.recipe.languages or ("zh",)


def size_category(rows: int) -> str:
    return next((name for limit, name in SIZES if rows < limit), "n>1T" if rows >= 10**12 else "10B<n<100B")


def split_rows(built: Built) -> dict[tuple[str, str], tuple[int, int]]:
    """(config, split) -> rows, bytes."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for file in built.files:
        rows, size = found.get((file.config or "default", file.split), (0, 0))
        found[(file.config or "default", file.split)] = (rows + file.rows, size + file.bytes)
    return found


def feature(name: str, dtype: str) -> dict[str, str]:
    """A column as `dataset_info.features` wants it; `list<string>` becomes `list: string`."""
    if dtype.startswith("list<"):
        return {"name": name, "list": dtype[5:-1]}
    return {"name": name, "dtype": dtype.replace("large_string", "string")}


def annotators_of(facts: Facts) -> str:
    """Who labelled the rows, as Hub cards say it."""
    if facts.measures.get("annotated_rows"):
        return "expert-generated"
    return "machine-generated" if facts.measures.get("generated_rows") else "no-annotation"


def front_matter(facts: Facts) -> dict[str, Any]:
    """The YAML block of a Hub dataset card (hub-docs, datasetcard.md)."""
    recipe = facts.recipe
    generated = bool(facts.measures.get("generated_rows"))
    block: dict[str, Any] = {
        "language": list(facts.languages),
        **licence_block(recipe.licence.id, recipe.licence.name, recipe.licence.link),
        "pretty_name": " · ".join(words for lang in LANGS if (words := recipe.title.get(lang))),
        "size_categories": [size_category(facts.built.rows)],
        "annotations_creators": [annotators_of(facts)],
        "language_creators": ["found", "machine-generated"] if generated else ["found"],
        "multilinguality": ["multilingual" if len(facts.languages) > 1 else "monolingual"],
        "source_datasets": ["original"],
    }
    if recipe.tasks:
        block["task_categories"] = list(recipe.tasks)
    block["tags"] = list(dict.fromkeys([*recipe.tags, "authorized-public-data", "corpushub"]))
    block["configs"] = [
        {
            "config_name": config,
            **({"default": True} if index == 0 else {}),
            "data_files": [{"split": split, "path": paths[0] if len(paths) == 1 else paths} for split, paths in splits.items()],
        }
        for index, (config, splits) in enumerate(facts.configs.items())
    ]
    infos = [dataset_info(facts, config) for config in facts.configs]
    block["dataset_info"] = infos[0] if len(infos) == 1 else infos
    return block


def licence_block(identifier: str, name: str, link: str) -> dict[str, str]:
    """Licence keys; an id the Hub does not list becomes `other` with its name and text (no Chinese data licence is on that list)."""
    if identifier in hub_licences() and identifier != "other":
        return {"license": identifier}
    return {"license": "other", "license_name": name or identifier, "license_link": link or "LICENSE"}


def dataset_info(facts: Facts, config: str) -> dict[str, Any]:
    splits = {split: numbers for (owner, split), numbers in split_rows(facts.built).items() if owner == config}
    sizes = facts.built.measures
    size = sum(stored for _, stored in splits.values())
    plain = {split: int(sizes.get(f"plain_bytes:{config}:{split}", stored)) for split, (_, stored) in splits.items()}
    return {
        "config_name": config,
        "features": [feature(column.name, column.dtype) for column in facts.built.columns],
        "splits": [
            {"name": split, "num_bytes": plain[split], "num_examples": rows} for split, (rows, _) in splits.items()
        ],
        "download_size": size,
        "dataset_size": sum(plain.values()),
    }  # fmt: skip


class CardDumper(yaml.SafeDumper):
    """Block style with indented sequences and quotes where YAML 1.1 readers would see a boolean."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  signature of PyYAML
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  signature of PyYAML
        return True


def to_yaml(value: Mapping[str, Any]) -> str:
    return yaml.dump(dict(value), Dumper=CardDumper, allow_unicode=True, sort_keys=False, width=1000, default_flow_style=False)


def prose(facts: Facts, lang: str, section: str) -> str:
    return str(facts.recipe.card.get(lang, {}).get(section, "")).strip()


def missing_prose(recipe: Recipe, wanted: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(language, section) pairs that a curator still has to write."""
    return tuple(
        (lang, section) for lang in LANGS for section in wanted if not str(recipe.card.get(lang, {}).get(section, "")).strip()
    )
