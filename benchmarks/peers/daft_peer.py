"""Daft: `clean` = NFKC and white space, three regular-expression rules; `exact` = distinct; `near` = its MinHash over characters.

Daft's MinHash counts white-space words, which Chinese has none of, so its text is spaced out by character here: without that its recall on
Chinese is worse still. Pairs are made of its signatures as its documentation shows: bands, estimate, connected rows, the first stays.
"""

from __future__ import annotations

import sys

import daft
import numpy as np
from clock import report
from daft import col


def clean(source: str, target: str) -> None:
    frame = daft.read_parquet(source)
    frame = frame.with_column("text", col("text").normalize(nfd_unicode=True, white_space=True))
    length = col("text").length()
    frame = frame.where((length >= 20) & (length <= 1_000_000))
    frame = frame.where(~col("text").regexp("[|>★☆◆■]{4,}|(?:[|>][^|>]{1,12}){6,}"))
    frame = frame.where(~col("text").regexp("\ufffd|锟斤拷|Ã.{0,3}Â")).where(~col("text").regexp("function *\\(|[{};]{3,}"))
    frame.write_parquet(target, compression="zstd")


def exact(source: str, target: str) -> None:
    daft.read_parquet(source).distinct("text").select("id").write_parquet(target, compression="zstd")


def near(source: str, target: str) -> None:
    frame = daft.read_parquet(source)
    spaced = col("text").normalize(lowercase=True, white_space=True).regexp_replace("\\s", "").regexp_replace("(.)", "$1 ")
    made = frame.select(col("id"), spaced.minhash(num_hashes=128, ngram_size=5, seed=1).alias("signature")).to_arrow()
    signatures = np.stack(made["signature"].to_numpy(zero_copy_only=False)).astype(np.uint32)
    parent = np.arange(len(signatures))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for band in range(16):
        seen: dict[bytes, int] = {}
        for row, part in enumerate(signatures[:, band * 8 : band * 8 + 8]):
            first = seen.setdefault(part.tobytes(), row)
            if first != row and np.mean(signatures[first] == signatures[row]) >= 0.8:
                a, b = root(first), root(row)
                parent[max(a, b)] = min(a, b)
    kept = [made["id"][row].as_py() for row in range(len(signatures)) if root(row) == row]
    daft.from_pydict({"id": kept}).write_parquet(target, compression="zstd")


if __name__ == "__main__":
    report(lambda: {"clean": clean, "exact": exact, "near": near}[sys.argv[1]](sys.argv[2], sys.argv[3]))
