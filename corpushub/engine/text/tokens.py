"""Counting tokens: an estimate from character classes, or a real tokenizer whose vocabulary file lies beside the recipe.

Nothing is ever downloaded: `….json` is read with the `tokenizers` library, `….tiktoken` with tiktoken, where they are installed.
"""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from corpushub.base.errors import Invalid, Unavailable
from corpushub.engine.text import stats as ts
from corpushub.engine.text.counts import NAMES

ESTIMATE: Final = "estimate"
CHARACTERS: Final = "characters"
Counter = Callable[[pl.Series], pl.Series]
Encode = Callable[[list[str]], list[int]]
_SPLIT: Final = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"


@cache
def _weights() -> np.ndarray[Any, np.dtype[np.int64]]:
    """Thousandths of a token per character of each class, as integers: sums must not depend on order."""
    table = tomllib.loads(files("corpushub").joinpath("rules", "text-tokens.toml").read_text("utf-8"))["estimate"]
    return np.array([round(1000 * table.get(name, 0)) for name in NAMES[:10]], dtype=np.int64)


def estimate(column: pl.Series) -> pl.Series:
    """Estimated tokens per row, rounded up; nulls are 0."""
    counts = ts.count(column, grams_above=1.0)[:, :10]
    return pl.Series(column.name, -(-(counts @ _weights()) // 1000), dtype=pl.Int64)


def characters(column: pl.Series) -> pl.Series:
    """Characters per row without white space."""
    return column.fill_null("").str.replace_all(r"\s", "").str.len_chars().cast(pl.Int64)


def counter(tokenizer: str, path: Path | None) -> Counter:
    """The counting function for `estimate`, `characters`, or a vocabulary file `path` (`….json` or `….tiktoken`).

    Raises: Unavailable("text.no_tokenizer") where the library that reads the file is not installed, Invalid("text.bad_vocabulary").
    """
    if path is None:
        return estimate if tokenizer == ESTIMATE else characters
    encode = _tiktoken(path) if path.suffix == ".tiktoken" else _tokenizer_json(path)
    return lambda column: pl.Series(column.name, encode(column.fill_null("").to_list()), dtype=pl.Int64)


def _tiktoken(path: Path) -> Encode:
    """A vocabulary of byte sequences and ranks, one pair a line, with the splitting pattern of the 100,000-entry family."""
    library = _library("tiktoken", path)
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except ValueError as error:
            raise Invalid("text.bad_vocabulary", tokenizer=path.name, place=f":{number}") from error
    if not {bytes([byte]) for byte in range(256)} <= ranks.keys() or len({*ranks.values()}) != len(ranks):
        raise Invalid("text.bad_vocabulary", tokenizer=path.name, place="")  # the library would end the process, or miss bytes
    encoding = library.Encoding(path.stem, pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens={})
    return lambda texts: [len(encoding.encode_ordinary(text)) for text in texts]


def _tokenizer_json(path: Path) -> Encode:
    library = _library("tokenizers", path)
    try:
        loaded = library.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no narrower kind
        raise Invalid("text.bad_vocabulary", tokenizer=path.name, place="") from error
    loaded.no_truncation()
    loaded.no_padding()
    return lambda texts: [len(encoded.ids) for encoded in loaded.encode_batch(texts, add_special_tokens=False)]


def _library(name: str, path: Path) -> Any:
    if find_spec(name) is None:
        raise Unavailable("text.no_tokenizer", tokenizer=path.name, library=name)
    return import_module(name)
