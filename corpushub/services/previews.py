"""What a dataset's page shows of a release: its documents, and a page of rows as the reader's grant allows.

Documents that describe (card, gates, reports, charts) go to whoever may see the dataset; rows ask the same decision as every delivery.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpushub.domain.parties import Actor
from corpushub.services.delivery import QUERY_CHANNELS
from corpushub.services.repositories import Repositories, Snapshot
from corpushub.store.objects import Objects

DESCRIBING = (
    "README.md",
    "CHANGELOG.md",
    "gates.json",
    "reports/",
    "cards/",
    "provenance/recipe.yaml",
    "provenance/sources.json",
)
MAX_DOCUMENT = 4 << 20
MAX_ROWS = 100


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows `offset` to `offset + len(rows)` of one file, as Python values in column order."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int


class Previews:
    """Reads releases for showing; writes nothing."""

    def __init__(self, *, repositories: Repositories, objects: Objects) -> None:
        self.repositories, self.objects = repositories, objects

    def document(self, snapshot: Snapshot, path: str) -> bytes | None:
        """A describing file of the release; None where it has none, or the file is data."""
        entry = snapshot.tree.by_path.get(path)
        if entry is None or not path.startswith(DESCRIBING) or entry.size > MAX_DOCUMENT:
            return None
        return self.objects.read(entry.sha256)

    def report(self, snapshot: Snapshot, path: str) -> Any:
        """A JSON document of the release, {} where it has none or it can't be read."""
        found = self.document(snapshot, path)
        try:
            return json.loads(found) if found else {}
        except ValueError:
            return {}

    def rows(self, actor: Actor, repo: str, revision: str, path: str, offset: int, length: int) -> RowPage:
        """A page of a data file; reads only the row groups it lies in.

        Raises: NotFound, Gated (see `Repositories.locate`).
        """
        located = self.repositories.locate(actor, repo, revision, path, channels=QUERY_CHANNELS)
        entry = located.entry
        local = self.objects.local_path(entry.sha256)
        source: Any = local if local else pa.BufferReader(self.objects.read(entry.sha256))
        return read_page(source, offset, min(length, MAX_ROWS))


def read_page(source: Path | Any, offset: int, length: int) -> RowPage:
    with pq.ParquetFile(source) as file:
        total = file.metadata.num_rows
        names = tuple(file.schema_arrow.names)
        groups, first = groups_of(
            [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)], offset, length
        )
        if not groups:
            return RowPage(names, (), total)
        table = file.read_row_groups(groups).slice(offset - first, length)
    columns = [table.column(name).to_pylist() for name in names]
    return RowPage(names, tuple(zip(*columns, strict=True)), total)


def groups_of(sizes: Sequence[int], offset: int, length: int) -> tuple[list[int], int]:
    """Row groups that hold the rows asked for, and the number of the first row they hold."""
    found: list[int] = []
    first = at = 0
    for index, size in enumerate(sizes):
        if at < offset + length and at + size > offset:
            first = at if not found else first
            found.append(index)
        at += size
    return found, first
