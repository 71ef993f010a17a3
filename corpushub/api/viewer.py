"""The dataset viewer's routes, as `datasets` and the Hub's own pages ask them (`/info`, `/splits`, `/rows`, …), over released Parquet.

They answer below `/viewer`, and at the root for the host name `datasets-server.<ours>`, which is where the client looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from corpushub.base.errors import Invalid
from corpushub.domain.parties import ANONYMOUS, Actor
from corpushub.services.viewer import MAX_LENGTH, Asked, Table, Viewer

if TYPE_CHECKING:
    from corpushub.services.hub import Hub

HOST = b"datasets-server."
ROUTES = frozenset(
    {"is-valid", "splits", "info", "size", "parquet", "first-rows", "rows", "search", "filter", "statistics", "croissant"}
)
Name = Annotated[str, Query(max_length=200)]
Words = Annotated[str, Query(max_length=2000)]
Number = Annotated[int, Query(ge=0, le=10_000_000_000)]
Length = Annotated[int, Query(ge=1, le=MAX_LENGTH)]


class Place:
    """Which table a request is about."""

    def __init__(self, request: Request, dataset: Name, config: Name = "", split: Name = "", revision: Name = "main") -> None:
        self.request = request
        self.dataset, self.config, self.split, self.revision = dataset, config, split, revision

    @property
    def actor(self) -> Actor:
        return getattr(self.request.state, "actor", ANONYMOUS)

    @property
    def request_id(self) -> str:
        return str(getattr(self.request.state, "request_id", ""))

    def table(self, viewer: Viewer) -> Table:
        return viewer.table(self.actor, self.dataset, self.revision, self.config, self.split)


Where = Annotated[Place, Depends()]


def router(hub: Hub) -> APIRouter:
    """The routes, over `hub`'s services."""
    viewer = hub.viewer
    made = APIRouter(prefix="/viewer", tags=["viewer"])
    add_metadata(made, viewer)
    add_files(made, hub, viewer)
    add_rows(made, viewer)
    return made


def add_metadata(made: APIRouter, viewer: Viewer) -> None:
    @made.get("/is-valid")
    def is_valid(at: Where) -> dict[str, bool]:
        """Can rows, search, filter and statistics be shown?"""
        viewer.splits(at.actor, at.dataset, at.revision)
        return dict.fromkeys(("preview", "viewer", "search", "filter", "statistics"), True)

    @made.get("/splits")
    def splits(at: Where) -> dict[str, Any]:
        """Configurations and splits."""
        _, found = viewer.splits(at.actor, at.dataset, at.revision)
        rows = [{"dataset": at.dataset, "config": config, "split": split} for config, names in found.items() for split in names]
        return {"splits": rows, "pending": [], "failed": []}

    @made.get("/info")
    def info(at: Where) -> Response:
        """Columns and sizes per configuration; `datasets` uses it instead of asking the files, if X-Revision is the head."""
        snapshot, found = viewer.splits(at.actor, at.dataset, at.revision)
        told = {config: config_info(viewer, at, config) for config in found}
        value = {"dataset_info": told, "partial": False, "pending": [], "failed": []}
        return JSONResponse(value, headers={"X-Revision": snapshot.commit.id})

    @made.get("/size")
    def size(at: Where) -> dict[str, Any]:
        """Rows and bytes per split."""
        rows = table_sizes(viewer, at)
        total = {
            "num_rows": sum(row["num_rows"] for row in rows),
            "num_bytes_parquet_files": sum(row["num_bytes_parquet_files"] for row in rows),
        }
        return {
            "size": {"dataset": {"dataset": at.dataset, **total}, "splits": rows},
            "pending": [],
            "failed": [],
            "partial": False,
        }


def add_files(made: APIRouter, hub: Hub, viewer: Viewer) -> None:
    @made.get("/parquet")
    def parquet(at: Where) -> Response:
        """Address of every Parquet file, by commit."""
        snapshot, found = viewer.splits(at.actor, at.dataset, at.revision)
        base = f"{hub.settings.endpoint()}/datasets/{at.dataset}/resolve/{snapshot.commit.id}"
        files = [
            {
                "dataset": at.dataset,
                "config": config,
                "split": split,
                "url": f"{base}/{quote(path)}",
                "filename": path.rpartition("/")[2],
                "size": snapshot.tree.by_path[path].size,
            }
            for config, names in found.items()
            for split, paths in names.items()
            for path in paths
        ]
        value = {"parquet_files": files, "pending": [], "failed": [], "partial": False}
        return JSONResponse(value, headers={"X-Revision": snapshot.commit.id})

    @made.get("/croissant")
    def croissant(at: Where) -> Response:
        """The release's Croissant description."""
        located = hub.repositories.locate(at.actor, at.dataset, at.revision, "croissant.json")
        return Response(hub.objects.read(located.entry.sha256), media_type="application/ld+json")


def add_rows(made: APIRouter, viewer: Viewer) -> None:
    @made.get("/first-rows")
    def first_rows(at: Where) -> dict[str, Any]:
        """The first hundred rows."""
        return show(viewer, at, Asked(request=at.request_id))

    @made.get("/rows")
    def rows(at: Where, offset: Number = 0, length: Length = MAX_LENGTH) -> dict[str, Any]:
        """Any hundred rows."""
        return show(viewer, at, Asked(offset=offset, length=length, request=at.request_id))

    @made.get("/search")
    def search(at: Where, query: Words, offset: Number = 0, length: Length = MAX_LENGTH) -> dict[str, Any]:
        """Rows whose text holds every word."""
        if not query.strip():
            raise Invalid("viewer.query_missing")
        return show(viewer, at, Asked(offset=offset, length=length, query=query, request=at.request_id))

    @made.get("/filter")
    def filter_rows(
        at: Where, where: Words, orderby: Name = "", offset: Number = 0, length: Length = MAX_LENGTH
    ) -> dict[str, Any]:
        """Rows for which a condition holds (`id > 3 AND agency = 'x'`), in the order of a column."""
        return show(viewer, at, Asked(offset=offset, length=length, where=where, order=orderby, request=at.request_id))

    @made.get("/statistics")
    def statistics(at: Where) -> dict[str, Any]:
        """Statistics of every column."""
        table = at.table(viewer)
        return {"num_examples": viewer.count(table), "statistics": viewer.statistics(at.actor, table), "partial": False}


def show(viewer: Viewer, at: Place, asked: Asked) -> dict[str, Any]:
    """A page as the Hub's viewer answers it."""
    table = at.table(viewer)
    page = viewer.page(at.actor, table, asked)
    columns = [
        {"feature_idx": number, "name": name, "type": kind} for number, (name, kind) in enumerate(viewer.schema(table).items())
    ]
    cut = page.truncated
    rows = [
        {"row_idx": page.index[number], "row": row, "truncated_cells": list(cut[number])} for number, row in enumerate(page.rows)
    ]
    told = {"features": columns, "rows": rows, "num_rows_total": page.total, "num_rows_per_page": MAX_LENGTH, "partial": False}
    return {"dataset": at.dataset, "config": table.config, "split": table.split, "commit": table.snapshot.commit.id, **told}


def config_info(viewer: Viewer, at: Place, config: str) -> dict[str, Any]:
    snapshot, found = viewer.splits(at.actor, at.dataset, at.revision)
    tables = [viewer.table(at.actor, at.dataset, at.revision, config, split) for split in found[config]]
    sizes = {table.split: sum(snapshot.tree.by_path[path].size for path in table.paths) for table in tables}
    splits = {
        table.split: {
            "name": table.split,
            "num_bytes": sizes[table.split],
            "num_examples": viewer.count(table),
            "dataset_name": None,
        }
        for table in tables
    }
    total = sum(sizes.values())
    card = viewer.repositories.head_of(snapshot).data
    told = {"features": viewer.schema(tables[0]), "splits": splits, "download_size": total, "dataset_size": total}
    return {"description": "", "license": str(card.get("license", "")), "config_name": config, **told}


def table_sizes(viewer: Viewer, at: Place) -> list[dict[str, Any]]:
    snapshot, found = viewer.splits(at.actor, at.dataset, at.revision)
    rows = []
    for config, names in found.items():
        for split, paths in names.items():
            table = Table(snapshot, config, split, tuple(paths))
            size = sum(snapshot.tree.by_path[path].size for path in paths)
            columns = len(viewer.schema(table))
            row = {"config": config, "split": split, "num_rows": viewer.count(table), "num_columns": columns}
            rows.append({"dataset": at.dataset, **row, "num_bytes_parquet_files": size})
    return rows


def path_of(headers: list[tuple[bytes, bytes]], path: str) -> str | None:
    """The viewer's own path of a request to the host `datasets-server.<ours>`."""
    host = next((value for name, value in headers if name == b"host"), b"")
    return f"/viewer{path}" if host.startswith(HOST) and path.strip("/") in ROUTES else None
