"""Joined with what its consumer holds already, would a dataset single people out (article 15, 汇聚关联风险)? Asked before every grant.

Two releases that are harmless alone can be joined by a common key, or by quasi-identifiers that are unique in both. The recipe of each
release names its key and quasi-identifiers. Whatever an organisation was ever entitled to counts as held: copies do not come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpushub.base.rulebook import Rulebook
from corpushub.domain.document import Document
from corpushub.domain.recipe import TOP_KEYS, Contract, RecipeReader
from corpushub.domain.release import Version
from corpushub.store.db import Unit
from corpushub.store.objects import Objects
from corpushub.store.repos import TAGS, Ref

if TYPE_CHECKING:
    import polars as pl

RECIPE = "provenance/recipe.yaml"
_KEY = b"linkage"  # both tables are made and dropped here, so that the key needs no secret


@dataclass(frozen=True, slots=True)
class Held:
    """What of a version could be joined."""

    commit: str
    files: tuple[str, ...]  # digests
    key: str
    quasi: tuple[str, ...]


class Joins:
    """`risky(unit, dataset, org)`; pairs of versions are compared once per process."""

    def __init__(self, *, objects: Objects, rules: Rulebook) -> None:
        self.objects = objects
        self.least = rules.number("linkage.least_k")
        self._known: dict[tuple[str, str], bool] = {}

    def risky(self, unit: Unit, dataset: str, org: str) -> tuple[str, ...]:
        """`dataset@version` of everything `org` holds that singles people out when joined with the newest version of `dataset`."""
        wanted = self._versions(unit, dataset)[:1]
        others = {str(case.data["dataset"]) for case in unit.cases.list(flow="entitlement") if case.data["holder"] == org} - {
            dataset
        }
        return tuple(
            f"{name}@{version}"
            for name in sorted(others)
            for version, there in self._versions(unit, name)
            if any(self._singles_out(here, there) for _, here in wanted)
        )

    def _versions(self, unit: Unit, dataset: str) -> list[tuple[str, Held]]:
        """Released versions that name quasi-identifiers, newest first."""
        tags = [ref for ref in unit.repos.refs(dataset) if ref.kind == TAGS and ref.released]
        found = []
        for ref in sorted(tags, key=version_of, reverse=True):
            tree = unit.repos.tree(ref.released)
            if RECIPE in tree.by_path:
                contract = contract_in(self.objects.read(tree.by_path[RECIPE].sha256).decode())
                files = tuple(
                    item.sha256 for item in tree.entries if item.path.startswith("data/") and item.path.endswith(".parquet")
                )
                if contract.roles("quasi"):
                    found.append((ref.name.removeprefix("v"), Held(ref.released, files, contract.key, contract.roles("quasi"))))
        return found

    def _singles_out(self, here: Held, there: Held) -> bool:
        pair = (here.commit, there.commit)
        if pair not in self._known:
            self._known[pair] = singles_out(self._rows(here), self._rows(there), here, there, self.least)
        return self._known[pair]

    def _rows(self, held: Held) -> pl.DataFrame:
        from corpushub.engine.rows import open_frame

        frame = open_frame([self.objects.local_path(digest) or self.objects.open(digest) for digest in held.files])
        names = frame.collect_schema().names()
        return frame.select([name for name in dict.fromkeys((held.key, *held.quasi)) if name in names]).collect()


def version_of(ref: Ref) -> Version:
    return Version.parse(ref.name.removeprefix("v"))


def contract_in(text: str) -> Contract:
    """The contract of a recipe, whatever steps it names: they may have come from a plugin that is gone."""
    document = Document(text, RECIPE)
    parts = document.entries(document.root, TOP_KEYS, "recipe")
    return RecipeReader(document, {}).contract(parts["contract"][1] if "contract" in parts else None)


def singles_out(one: pl.DataFrame, other: pl.DataFrame, here: Held, there: Held, least: int) -> bool:
    """By a common key: are classes over both sets of quasi-identifiers smaller than `least`, and smaller than they were apart? Else: are rows
    unique in both over the quasi-identifiers they share?
    """
    from corpushub.engine.anonymity.linkage import class_table, link

    quasi_one, quasi_other = present(one, here.quasi), present(other, there.quasi)
    shared = tuple(name for name in quasi_one if name in quasi_other)
    if here.key and here.key == there.key and here.key in one.columns and here.key in other.columns:
        added = [name for name in quasi_other if name not in quasi_one]
        if not added or len(shared) == len(quasi_other):
            return False
        joined = one.join(other.select([here.key, *added]), on=here.key, how="inner")
        apart = min(smallest(joined, quasi_one), smallest(joined, quasi_other))
        return smallest(joined, (*quasi_one, *added)) < min(apart, least)
    if not shared or set(quasi_one) == set(quasi_other):
        return False
    return link(class_table(one, shared, _KEY), class_table(other, shared, _KEY), shared).is_risky


def present(frame: pl.DataFrame, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in frame.columns)


def smallest(frame: pl.DataFrame, names: Sequence[str]) -> int:
    """Rows of the smallest class; many where there is nothing to join or tell apart."""
    held = present(frame, names)
    return int(frame.group_by(held).len().select("len").min().item()) if held and frame.height else 2**31
