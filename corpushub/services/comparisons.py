"""Any two versions of a dataset side by side.

* Counts are metadata: whoever may see the dataset sees them. Two versions never change, so a comparison is kept in memory.
* Keys are values of rows, and rows are data: the viewer decides on them, cuts them to the reader's right and records them like any other look.
"""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpushub.base.errors import HubError, Invalid
from corpushub.domain.parties import Actor
from corpushub.domain.release import Change
from corpushub.engine.rowdiff import compare_rows
from corpushub.services.changes import Rows, change_between
from corpushub.services.delivery import QUERY_CHANNELS
from corpushub.services.releases import DRAFTS, Releases
from corpushub.services.viewer import Asked, Table, Viewer
from corpushub.store.db import Database

KINDS = ("changed", "added", "removed")
MOST_ROWS = 3_000_000
KEPT = 32
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Compared:
    """Counts, the key column, and some keys of rows that differ, by kind."""

    change: Change
    key: str
    examples: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class RowPair:
    """One row that differs. `before` is empty for an added row, `after` for a removed one."""

    kind: str
    key: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Comparisons:
    def __init__(self, *, database: Database, releases: Releases, viewer: Viewer) -> None:
        self.database, self.releases, self.viewer = database, releases, viewer
        self._kept: OrderedDict[tuple[str, str], Compared] = OrderedDict()

    def compare(self, actor: Actor, dataset: str, a: str, b: str) -> Compared:
        """How version `b` differs from `a`; keys of rows that differ only where the actor may see rows.

        Raises: NotFound("releases.not_found"), Invalid("releases.key_missing" | "comparison.too_large").
        """
        found = self._compared(actor, dataset, a, b)
        try:
            self._permit(actor, dataset)
        except HubError:
            return replace(found, change=replace(found.change, examples={}), examples={})
        return found

    def _permit(self, actor: Actor, dataset: str) -> None:
        """Raises: Gated and what a delivery is refused with, where the actor may not see rows."""
        self.viewer.access.permit(actor, self.viewer.repositories.get(actor, dataset), channels=QUERY_CHANNELS)

    def _compared(self, actor: Actor, dataset: str, a: str, b: str) -> Compared:
        """One pass over both versions where they were not compared lately."""
        one, other = self.releases.get(actor, dataset, a), self.releases.get(actor, dataset, b)
        if one.rows + other.rows > MOST_ROWS:
            raise Invalid("comparison.too_large", rows=one.rows + other.rows, most=MOST_ROWS)
        pair = (one.manifest_digest, other.manifest_digest)
        known = self._kept.get(pair)
        if known is None:
            with self.database.read() as unit:
                old, new = (self.releases.manifest_of(unit, digest) for digest in pair)
                key = str((unit.documents.get(DRAFTS, other.case) or {}).get("key", ""))
            with tempfile.TemporaryDirectory() as scratch:
                before = Rows(self.releases.fetch(old, Path(scratch)), old.logical_digest)
                after = Rows(self.releases.fetch(new, Path(scratch)), new.logical_digest)
                change = change_between(one.version, before, after, key)
                counts = compare_rows(before.files, after.files, key, skip_equal=change.same_data)
            known = self._kept[pair] = Compared(change, key, counts.examples)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return known

    def rows(self, actor: Actor, dataset: str, a: str, b: str) -> tuple[RowPair, ...]:
        """Some rows that differ, as far as the actor may take them. Raises: as `compare`; Gated."""
        found = self._compared(actor, dataset, a, b)
        self._permit(actor, dataset)
        wanted = {kind: [str(key) for key in found.examples.get(kind, ())[:SHOWN]] for kind in KINDS}
        old = self._taken(actor, dataset, a, found.key, (*wanted["changed"], *wanted["removed"]))
        new = self._taken(actor, dataset, b, found.key, (*wanted["changed"], *wanted["added"]))
        pairs = [RowPair(kind, key, old.get(key, {}), new.get(key, {})) for kind in KINDS for key in wanted[kind]]
        return tuple(pair for pair in pairs if pair.before or pair.after)

    def _taken(self, actor: Actor, dataset: str, version: str, key: str, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Rows of one version by their key, from every split, through the viewer."""
        if not keys:
            return {}
        revision = f"v{version.removeprefix('v')}"
        _, splits = self.viewer.splits(actor, dataset, revision)
        found: dict[str, Mapping[str, Any]] = {}
        for config, names in splits.items():
            for split in names:
                table = self.viewer.table(actor, dataset, revision, config, split)
                page = self.viewer.page(
                    actor, table, Asked(length=len(keys), where=any_of(key, keys, is_text=self._is_text(table, key)))
                )
                found |= {str(row[key]): row for row in page.rows if key in row}
        return found

    def _is_text(self, table: Table, key: str) -> bool:
        return self.viewer.schema(table).get(key, {}).get("dtype") in {"string", "large_string"}


def any_of(column: str, keys: Sequence[str], *, is_text: bool) -> str:
    """A condition of the viewer's filter language: the column holds one of these keys."""
    quoted = ("'" + key.replace("'", "''") + "'" if is_text else key for key in keys)
    name = column.replace('"', '""')
    return f'"{name}" IN ({", ".join(quoted)})'
