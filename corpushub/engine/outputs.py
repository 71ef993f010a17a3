"""Do rows that were worked out inside carry the rows they were made from? (articles 4 and 9: results leave, raw data does not).

* A text cell of sixteen characters or more that stands in the data in the same words is content, not a result.
* A row whose values, in the columns it shares with the data, fit fewer than `k` rows there points at single rows. Columns are shared by name,
  and, where several were given other names, by what they hold: nearly every row of the output stands in the data under them together.

A copy in disguise (cut up, translated, encoded) is not seen here; that is why a person looks as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

LONG = 16
NEARLY = 0.9  # share of the output's rows that stand in the data where columns were only renamed
_FLAG = "raw"


def raw_rows(output: Path, mounted: Sequence[Path], k: int) -> int:
    """How many rows of one Parquet file carry content of the mounted ones, or point at fewer than `k` of their rows.

    One streaming pass over the mounted files and one group-by each; memory grows with the distinct long texts (8 bytes each).
    """
    rows = pl.read_parquet(output)
    flagged = pl.repeat(value=False, n=rows.height, eager=True)
    for path in mounted:
        data = pl.scan_parquet(path)
        flagged = flagged | _same_texts(rows, data) | _singles(rows, data, k)
    return int(flagged.sum())


def _texts(schema: pl.Schema) -> list[str]:
    return [name for name, dtype in schema.items() if dtype == pl.String]


def _same_texts(rows: pl.DataFrame, data: pl.LazyFrame) -> pl.Series:
    """Which rows hold a long text of the data."""
    held, ours = _texts(data.collect_schema()), _texts(rows.schema)
    if not held or not ours:
        return pl.repeat(value=False, n=rows.height, eager=True)
    cells = pl.concat([data.select(pl.col(name).alias(_FLAG)) for name in held])
    stripped = pl.col(_FLAG).str.strip_chars()
    known = cells.filter(stripped.str.len_chars() >= LONG).select(stripped.hash()).unique().collect(engine="streaming")[_FLAG]
    hits = [rows[name].str.strip_chars().hash().is_in(known.implode()) & (rows[name].str.len_chars() >= LONG) for name in ours]
    return pl.DataFrame([hit.alias(str(at)) for at, hit in enumerate(hits)]).select(pl.any_horizontal(pl.all()).alias(_FLAG))[
        _FLAG
    ]


def _singles(rows: pl.DataFrame, data: pl.LazyFrame, k: int) -> pl.Series:
    """Which rows fit some, but fewer than `k` rows of the data in the columns both have."""
    schema = data.collect_schema()
    rows = rows.rename(_renamed(rows, data, k))
    shared = [name for name, dtype in rows.schema.items() if schema.get(name) == dtype and not dtype.is_nested()]
    if not shared:
        return pl.repeat(value=False, n=rows.height, eager=True)
    counts = data.group_by(shared).agg(pl.len().alias(_FLAG)).collect(engine="streaming")
    found = rows.select(shared).join(counts, on=shared, how="left", nulls_equal=True, maintain_order="left")[_FLAG]
    return (found < k).fill_null(value=False)


def _renamed(rows: pl.DataFrame, data: pl.LazyFrame, k: int) -> dict[str, str]:
    """Output columns that are columns of the data under other names, the most telling first; none where it is fewer than two, for one
    column of counts may well hold what some column of the data holds.
    """
    schema = data.collect_schema()
    kept = [name for name, dtype in rows.schema.items() if schema.get(name) == dtype and not dtype.is_nested()]
    new = [name for name, dtype in rows.schema.items() if name not in schema and not dtype.is_nested()]
    found: dict[str, str] = {}
    if rows.height < k or len(new) < 2:
        return {}
    for name in sorted(new, key=lambda name: -rows[name].n_unique()):
        taken = {*kept, *found.values()}
        shares = {
            held: _standing(rows.rename({**found, name: held}), data, [*kept, *found.values(), held])
            for held, dtype in schema.items()
            if dtype == rows.schema[name] and held not in taken and held not in rows.columns
        }
        best = max(shares, key=lambda held: shares[held], default="")
        if best and shares[best] >= NEARLY:
            found[name] = best
    return found if len(found) > 1 else {}


def _standing(rows: pl.DataFrame, data: pl.LazyFrame, columns: Sequence[str]) -> float:
    """Share of the rows that stand in the data under these columns together."""
    distinct = data.select(columns).unique().collect(engine="streaming")
    return rows.join(distinct, on=list(columns), how="semi", nulls_equal=True).height / rows.height


def whole(files: Sequence[Path], target: Path) -> Path:
    """Several Parquet files of one schema as one, in their order."""
    pl.scan_parquet(list(files)).sink_parquet(target)
    return target
