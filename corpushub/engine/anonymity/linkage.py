"""Can two releases be joined to point at a person? Checked before a release against every earlier one the same consumer may hold.

A release leaves a class table: for each combination of quasi-identifiers a keyed hash and the number of rows. Two tables over the same
columns join on the hash, so that the check needs neither raw data nor the earlier files. The key belongs to the hub and never leaves it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from corpushub.base.errors import Invalid
from corpushub.engine.anonymity.risk import check_columns, class_keys

SCHEMA = {"class": pl.UInt64, "rows": pl.UInt32}


@dataclass(frozen=True, slots=True)
class Linkage:
    """Two releases against each other. `one_to_one`: classes of one row in both, each an almost certain match."""

    shared: tuple[str, ...]
    common_classes: int
    rows_here: int
    one_to_one: int
    expected_matches: float  # right ones if every row were matched at random within its class

    @property
    def is_risky(self) -> bool:
        return self.one_to_one > 0

    def measures(self) -> dict[str, float]:
        return {"linkage_one_to_one": float(self.one_to_one), "linkage_rows": float(self.rows_here)}


def class_table(frame: pl.DataFrame, quasi: Sequence[str], key: bytes) -> pl.DataFrame:
    """One row per class: a keyed hash of its values (text of each, in the order of sorted column names) and its size. Sorted by hash."""
    check_columns(frame, quasi, ())
    columns = sorted(quasi)
    keys = class_keys(frame, columns)
    counted = pl.DataFrame({"key": keys}).with_row_index("row").group_by("key").agg(pl.col("row").first(), pl.len().alias("rows"))
    values = frame.select(columns)[counted["row"].to_numpy().astype(np.int64)]
    text = values.select(
        pl.concat_str([pl.col(c).cast(pl.String).fill_null("\x00") for c in columns], separator="\x1f")
    ).to_series()
    salt = hashlib.blake2b(b"\x1f".join([key, *(column.encode() for column in columns)]), digest_size=32).digest()
    return pl.DataFrame({"class": hashed(text, salt), "rows": counted["rows"].cast(pl.UInt32)}, schema=SCHEMA).sort("class")


def hashed(texts: pl.Series, key: bytes) -> np.ndarray:
    """64 bits of keyed BLAKE2b per text."""
    made = [hashlib.blake2b(text.encode(), digest_size=8, key=key).digest() for text in texts.to_list()]
    return np.frombuffer(b"".join(made), dtype="<u8")


def link(here: pl.DataFrame, there: pl.DataFrame, shared: Sequence[str] = ()) -> Linkage:
    """Join two class tables made with the same columns and key."""
    both = here.join(there, on="class", how="inner", suffix="_there")
    matches = (
        float((both["rows"].cast(pl.Float64) / both["rows_there"].cast(pl.Float64).clip(lower_bound=1)).sum())
        if both.height
        else 0.0
    )
    return Linkage(
        shared=tuple(shared),
        common_classes=both.height,
        rows_here=int(both["rows"].sum()),
        one_to_one=both.filter((pl.col("rows") == 1) & (pl.col("rows_there") == 1)).height,
        expected_matches=round(matches, 6),
    )


def tables(
    frame: pl.DataFrame, quasi: Sequence[str], key: bytes, combinations: Sequence[Sequence[str]] = ()
) -> dict[str, pl.DataFrame]:
    """The class tables a release keeps: over all its quasi-identifiers and over each combination asked for, by sorted column names."""
    wanted = {tuple(sorted(quasi)), *(tuple(sorted(names)) for names in combinations)}
    return {" + ".join(names): class_table(frame, names, key) for names in sorted(wanted)}


def check(
    frame: pl.DataFrame, quasi: Sequence[str], key: bytes, earlier: Mapping[str, Mapping[str, pl.DataFrame]]
) -> dict[str, Linkage]:
    """Linkage with each earlier release the same consumer may hold, over the widest set of quasi-identifiers both have.

    `earlier`: release -> its `tables`. Raises: Invalid("anonymity.no_columns").
    """
    if not quasi:
        raise Invalid("anonymity.no_columns")
    found: dict[str, Linkage] = {}
    for release, held in earlier.items():
        usable = [name for name in held if set(name.split(" + ")) <= set(quasi)]
        if not usable:
            continue
        widest = max(usable, key=lambda name: (name.count(" + "), name))
        names = widest.split(" + ")
        found[release] = link(class_table(frame, names, key), held[widest], names)
    return found
