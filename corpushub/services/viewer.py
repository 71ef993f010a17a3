"""What is inside a release, for people and agents who look before they take: splits, columns, rows, search, statistics.

Names, sizes and columns are metadata and open to whoever may see the dataset. Rows and statistics are data: the same decision as for a
download is asked, and what was shown is recorded like one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from corpushub.base.errors import Forbidden, Invalid, NotFound
from corpushub.domain.parties import Actor
from corpushub.domain.splits import Splits, splits_of
from corpushub.domain.tree import Entry
from corpushub.engine import rows as engine
from corpushub.services.access import Access, Fresh
from corpushub.services.delivery import QUERY_CHANNELS, Cut, Taken
from corpushub.services.repositories import Located, Repositories, Snapshot
from corpushub.services.row_limits import Hold
from corpushub.store.objects import Objects

MAX_LENGTH = 100
KEPT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A page somebody wants to see."""

    config: str = ""
    split: str = ""
    offset: int = 0
    length: int = MAX_LENGTH
    query: str = ""
    where: str = ""
    order: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One split of one configuration of a snapshot."""

    snapshot: Snapshot
    config: str
    split: str
    paths: tuple[str, ...]


class Viewer:
    def __init__(self, *, objects: Objects, repositories: Repositories, access: Access) -> None:
        self.objects = objects
        self.repositories = repositories
        self.access = access
        self._rows: Fresh[str, int] = Fresh(KEPT_SECONDS)
        self._statistics: Fresh[tuple[str, str, str], list[dict[str, Any]]] = Fresh(KEPT_SECONDS)

    def splits(self, actor: Actor, repo_id: str, revision: str = "main") -> tuple[Snapshot, Splits]:
        """Raises: as `Repositories.at`; NotFound("viewer.no_table")."""
        snapshot = self.repositories.at(actor, repo_id, revision)
        found = splits_of(self.repositories.head_of(snapshot).data, [entry.path for entry in snapshot.tree.entries])
        if not found:
            raise NotFound("viewer.no_table")
        return snapshot, found

    def table(self, actor: Actor, repo_id: str, revision: str, config: str, split: str) -> Table:
        """A split; empty names mean the first. Raises: NotFound("viewer.config_unknown" | "viewer.split_unknown" | …)."""
        snapshot, found = self.splits(actor, repo_id, revision)
        config = config or next(iter(found))
        if config not in found:
            raise NotFound("viewer.config_unknown", config=config[:80], known=", ".join(found))
        split = split or next(iter(found[config]))
        if split not in found[config]:
            raise NotFound("viewer.split_unknown", split=split[:80], config=config, known=", ".join(found[config]))
        return Table(snapshot, config, split, tuple(found[config][split]))

    def schema(self, table: Table) -> dict[str, Any]:
        """Column types as `datasets` writes them; metadata, read from one file's footer."""
        return engine.features(engine.schema_of(self._sources(table)[:1]))

    def columns(self, table: Table) -> tuple[str, ...]:
        """Names of the columns; metadata."""
        return tuple(engine.schema_of(self._sources(table)[:1]))

    def frame(self, table: Table) -> pl.LazyFrame:
        """The rows themselves, for services that answer questions about them inside the hub; the caller has asked for permission."""
        return engine.open_frame(self._sources(table))

    def page(self, actor: Actor, table: Table, asked: Asked) -> engine.Page:
        """Rows of a split, as far as the actor may take them. Raises: Gated; Invalid("viewer.length_invalid" | "viewer.filter_invalid" | …)."""
        if not 1 <= asked.length <= MAX_LENGTH or asked.offset < 0:
            raise Invalid("viewer.length_invalid", limit=MAX_LENGTH)
        repo = table.snapshot.repo
        permission = self.repositories.permit(actor, table.snapshot, channels=QUERY_CHANNELS)
        with self.access.hold(permission, asked.length, 1) as held:
            page = engine.page(
                self._sources(table),
                offset=asked.offset,
                length=held.rows,
                where=asked.where,
                order=asked.order,
                query=asked.query,
                cut=cutting(held.permission.cut),
            )
            size = sum(len(str(value)) for row in page.rows for value in row.values())
            name = f"{table.config}/{table.split}"
            taken = Taken(repo.id, table.snapshot.commit.id, name, size, "query", rows=len(page.rows))
            held.record(actor, taken, request=asked.request)
        return page

    def statistics(self, actor: Actor, table: Table) -> list[dict[str, Any]]:
        """Statistics of each column. Raises: Gated; Forbidden("viewer.part_only") where the right covers a part of the table."""
        if self.repositories.permit(actor, table.snapshot, channels=QUERY_CHANNELS).cut:
            raise Forbidden("viewer.part_only")
        key = (table.snapshot.commit.id, table.config, table.split)
        kept = self._statistics.get(key)
        return kept if kept is not None else self._statistics.put(key, engine.statistics(self._sources(table)))

    def count(self, table: Table) -> int:
        """Rows of a split, from the files' footers."""
        return sum(self.rows_in(table.snapshot.tree.by_path[path]) for path in table.paths)

    def rows_in(self, entry: Entry) -> int:
        """Rows of one Parquet file, from its footer; a remote one is asked once."""
        if local := self.objects.local_path(entry.sha256):
            return engine.rows_in(local)
        if (kept := self._rows.get(entry.sha256)) is not None:
            return kept
        with self.objects.open(entry.sha256) as stream:
            return self._rows.put(entry.sha256, engine.count_rows(stream))

    def hold(self, located: Located, share: float = 1.0) -> Hold:
        """The rows of this `share` of a file, held until they are recorded (`Access.hold`). Reads the file's footer."""
        permission = located.permission
        table = permission.counted and located.entry.path.endswith(".parquet")
        return self.access.hold(permission, math.ceil(self.rows_in(located.entry) * share) if table else 0)

    def part(self, actor: Actor, table: Table, *, request: str = "") -> bytes:
        """The rows and columns of a split the actor's right covers, as one Parquet file (article 4: data handed down by region).

        Raises: Gated.
        """
        repo = table.snapshot.repo
        permission = self.repositories.permit(actor, table.snapshot, channels=("query",))
        data, rows = engine.part(self._sources(table), cutting(permission.cut))
        with self.access.hold(permission, rows, fixed=True) as held:
            taken = Taken(repo.id, table.snapshot.commit.id, f"{table.config}/{table.split}", len(data), "query", rows=rows)
            held.record(actor, taken, request=request)
        return data

    def _sources(self, table: Table) -> Sequence[engine.Source]:
        digests = [table.snapshot.tree.by_path[path].sha256 for path in table.paths]
        return [self.objects.local_path(digest) or self.objects.open(digest) for digest in digests]


def cutting(cut: Cut) -> Callable[[pl.LazyFrame], pl.LazyFrame] | None:
    """What a right leaves of a frame; None where it is all of it."""
    return partial(engine.only, column=cut.column, prefixes=cut.prefixes, fields=cut.fields) if cut else None
