"""Row difference of two builds by their lineage: ids and row digests alone, never the rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True, slots=True)
class Difference:
    """Counts by id. `moved` rows are equal but in another split; examples are at most ten ids each."""

    added: int
    removed: int
    changed: int
    moved: int
    same: int
    examples: dict[str, list[str]]


def compare(older: Path, newer: Path) -> Difference:
    """What changed from one build folder to another. Rows without a key are compared by their content."""
    one, two = rows(older), rows(newer)
    both = one.join(two, on="id", how="full", coalesce=True, suffix="_new", maintain_order="left_right")
    here, there = pl.col("row_sha256").is_not_null(), pl.col("row_sha256_new").is_not_null()
    same = pl.col("row_sha256") == pl.col("row_sha256_new")
    in_split = pl.col("split") == pl.col("split_new")
    kinds = {
        "added": ~here & there,
        "removed": here & ~there,
        "changed": here & there & ~same,
        "moved": here & there & same & ~in_split,
        "same": here & there & same & in_split,
    }
    counts = {name: both.filter(condition) for name, condition in kinds.items()}
    examples = {name: found.get_column("id").head(10).to_list() for name, found in counts.items() if name != "same"}
    return Difference(**{name: found.height for name, found in counts.items()}, examples=examples)


def rows(folder: Path) -> pl.DataFrame:
    frames = [
        pl.read_parquet(path, columns=["id", "split", "row_sha256"])
        for path in sorted((folder / "provenance").glob("lineage*.parquet"))
    ]
    frame = pl.concat(frames)
    named = pl.when(pl.col("id") == "").then(pl.col("row_sha256")).otherwise(pl.col("id"))
    # Rows that share an id are told apart by their order, so that a join never multiplies them.
    return frame.with_columns(id=named).with_columns(
        id=pl.when(pl.int_range(pl.len()).over("id") > 0)
        .then(pl.concat_str("id", pl.lit("#"), pl.int_range(pl.len()).over("id").cast(pl.String)))
        .otherwise("id")
    )
