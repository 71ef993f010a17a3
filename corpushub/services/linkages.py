"""Gate G12: can rows of a new release be matched one to one with rows of an earlier one?

A release with quasi-identifiers leaves hashed class tables in `provenance/classes.parquet`: the combination of columns, a keyed hash of each
class and its size. Tables of two releases join on the hash, so the check reads no earlier data, and whoever holds both files can repeat it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

CLASSES = "provenance/classes.parquet"
MOST_COLUMNS = 5  # up to here every combination of two columns or more gets a table; beyond it only all columns together


@dataclass(frozen=True, slots=True)
class Linked:
    """The class tables as a file, and what the join with each earlier release shows; empty without quasi-identifiers."""

    table: bytes = b""
    measures: Mapping[str, float] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)


def linked(paths: Iterable[Path], quasi: tuple[str, ...], key: bytes, earlier: Mapping[str, bytes]) -> Linked:
    """Class tables of the rows in `paths` and their linkage with `earlier` releases (name -> their class file).

    A release over the very same columns adds nothing to join with: how rare its rows are is what k-anonymity judges (PII-03).
    """
    import polars as pl

    from corpushub.engine.anonymity.linkage import check, tables

    if not quasi:
        return Linked()
    frame = pl.concat([pl.read_parquet(path, columns=list(quasi)) for path in paths])
    wanted = [names for size in range(2, len(quasi)) for names in combinations(quasi, size)] if len(quasi) <= MOST_COLUMNS else []
    held = {name: unpacked(content) for name, content in earlier.items()}
    others = {name: kept for name, kept in held.items() if widest(kept) != set(quasi)}
    found = check(frame, quasi, key, others)
    return Linked(
        packed(tables(frame, quasi, key, wanted)),
        {"linkage_one_to_one": max((item.one_to_one for item in found.values()), default=0)},
        {name: {"columns": list(item.shared), "common_classes": item.common_classes, "rows": item.rows_here,
                "one_to_one": item.one_to_one, "expected_matches": item.expected_matches} for name, item in sorted(found.items())},
    )  # fmt: skip


def widest(held: Mapping[str, pl.DataFrame]) -> set[str]:
    """All the quasi-identifiers of a release, from the names of its tables."""
    return {name for names in held for name in names.split(" + ")}


def packed(held: Mapping[str, pl.DataFrame]) -> bytes:
    import polars as pl

    columns = [table.select(pl.lit(names).alias("columns"), "class", "rows") for names, table in sorted(held.items())]
    stream = io.BytesIO()
    pl.concat(columns).write_parquet(stream, compression="zstd", compression_level=3)
    return stream.getvalue()


def unpacked(content: bytes) -> dict[str, pl.DataFrame]:
    import polars as pl

    frame = pl.read_parquet(io.BytesIO(content))
    return {str(names): part.drop("columns") for (names,), part in frame.partition_by("columns", as_dict=True).items()}
