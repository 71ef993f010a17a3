"""Rows that stand in two splits: exact copies of the text, and near-duplicates proved by their shingle sets.

Computed on the released text, after scrubbing: replacing names can make two texts alike that were not before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from corpushub.domain.build import BuiltFile
from corpushub.engine.dedup import duplicates, minhash

MAX_CHARS = 2_000_000_000
"""More text than this is compared exactly only: verifying near pairs needs the texts at hand."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Rows of a later split whose text also stands in an earlier one; `near` is None where it was not looked for."""

    exact: int
    near: int | None


def across_splits(folder: Path, files: Iterable[BuiltFile], column: str, jaccard: float = 0.8) -> Leak:
    """Compare one text column between splits; empty texts are not compared."""
    parts, owners, names = [], [], []
    for file in files:
        if file.split not in names:
            names.append(file.split)
        text = (
            pl.Series(pl.from_arrow(pq.read_table(folder / file.path, columns=[column]).column(0))).cast(pl.String).fill_null("")
        )
        parts.append(text)
        owners.append(np.full(len(text), names.index(file.split)))
    if len(names) < 2:
        return Leak(0, 0)
    texts, split = pl.concat(parts), np.concatenate(owners)
    sketch = minhash.sketch(texts)
    digests = sketch.select("digest_0", "digest_1").to_numpy()
    lengths = sketch.get_column("shingles").cast(pl.Int64).to_numpy()
    leader = duplicates.leaders(digests)
    filled = texts.str.len_chars().to_numpy() > 0
    exact = int(((split[leader] != split) & filled).sum())
    if int(texts.str.len_bytes().sum() or 0) > MAX_CHARS:
        return Leak(exact, None)
    rows = np.flatnonzero((leader == np.arange(leader.size)) & (lengths > 0))
    bands = (sketch.get_column(minhash.band_name(place)).to_numpy()[rows] for place in range(minhash.BANDS))
    found = duplicates.candidates(bands, rows)
    found = found.where(split[found.first] != split[found.second])
    if not found.count:
        return Leak(exact, 0)
    wanted = found.rows()
    checks = np.frombuffer(b"".join(sketch.get_column("check").gather(wanted).to_list()), dtype=np.uint8).reshape(len(wanted), -1)
    pairs = duplicates.likely(found, wanted, checks, jaccard)
    alike = duplicates.similarities(pairs, lengths, texts.gather)
    return Leak(exact, int(np.unique(np.maximum(pairs.first, pairs.second)[alike >= jaccard]).size))
