"""Chance that is none: a number in [0, 1) per row from a hash of its key, the same on every machine and in every order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import polars as pl


def chances(frame: pl.DataFrame, columns: Sequence[str], seed: int) -> pl.Series:
    """One number per row (Float64) that depends on `seed` and the row's values in `columns` alone."""
    texts = frame.select(
        pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in columns], separator="\x1f")
    ).to_series()
    return pl.Series("at", [chance(key, seed) for key in texts.to_list()], dtype=pl.Float64)


def chance(key: str, seed: int) -> float:
    return int.from_bytes(hashlib.sha256(f"{seed}\x1f{key}".encode()).digest()[:6]) / 2**48
