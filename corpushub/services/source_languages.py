"""Of how many sources is each language of a release made (SRC-03, GB/T 45654-2025 5.1b)? The smallest number counts."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from corpushub.domain.build import Built
from corpushub.domain.recipe import Recipe

LANGUAGE, UNDETERMINED = "language", "und"


def fewest_sources(recipe: Recipe, built: Built, folder: Path | None) -> int:
    """Sources behind the language that has the fewest: row by row where the rows say their language (`detect_language`) and the release its
    lineage, else all sources that gave rows, since each may hold every language stated.
    """
    tables = {source.name for source in recipe.sources if source.options.get("role") == "table"}
    giving = {source.name for source in built.sources if source.rows and source.name not in tables}
    if folder is None or LANGUAGE not in {column.name for column in recipe.contract.columns} or not recipe.contract.key:
        return len(giving)
    lineage = sorted((folder / "provenance").glob("lineage*.parquet"))
    if not lineage or not built.files:
        return len(giving)
    said = pl.scan_parquet([folder / file.path for file in built.files]).select(
        pl.col(recipe.contract.key).cast(pl.String).alias("id"), LANGUAGE
    )
    came = pl.scan_parquet(lineage).select(pl.col("id").cast(pl.String), "source")
    counted = (
        said.filter(pl.col(LANGUAGE).is_not_null() & (pl.col(LANGUAGE) != UNDETERMINED))
        .join(came, on="id")
        .group_by(LANGUAGE)
        .agg(pl.col("source").n_unique())
        .collect(engine="streaming")
    )
    return min(counted["source"].to_list(), default=len(giving))
