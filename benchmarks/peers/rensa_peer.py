"""rensa: `near` = its R-MinHash over sets of five-character shingles, its LSH with 16 bands, estimate at least 0.8, the first stays."""

from __future__ import annotations

import sys

import polars as pl
from clock import report
from rensa import RMinHash, RMinHashDeduplicator


def near(source: str, target: str) -> None:
    frame = pl.read_parquet(source)
    texts = ["".join(text.split()).lower() for text in frame["text"].to_list()]
    tokens = [list({text[at : at + 5] for at in range(max(1, len(text) - 4))}) for text in texts]
    hashes = RMinHash.from_token_sets(tokens, 128, 42)
    found = RMinHashDeduplicator(threshold=0.8, num_perm=128, use_lsh=True, num_bands=16)
    kept = [row for row, one in enumerate(hashes) if not found.is_duplicate(str(row), one) and (found.add(str(row), one) or True)]
    frame[kept].select("id").write_parquet(target)


if __name__ == "__main__":
    report(lambda: {"near": near}[sys.argv[1]](sys.argv[2], sys.argv[3]))
