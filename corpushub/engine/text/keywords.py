"""Phrase lists that mark a text for a curator: one scan tells which rows hold anything at all, only those are looked at list by list."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

import polars as pl

from corpushub.base.errors import Invalid

Lists = Mapping[str, tuple[str, ...]]


@cache
def builtin() -> Lists:
    """The lists of `rules/text-keywords.toml` by name."""
    table = tomllib.loads(files("corpushub").joinpath("rules", "text-keywords.toml").read_text("utf-8"))
    return MappingProxyType({name: tuple(entry["phrases"]) for name, entry in table.items()})


def read_lists(path: Path) -> Lists:
    """A curator's lists: TOML with one array per list (or the built-in shape), or plain text with one phrase per line named after the file.

    Raises: Invalid("text.keywords_file" | "text.keywords_empty").
    """
    text = path.read_text("utf-8-sig")
    if path.suffix == ".toml":
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Invalid("text.keywords_file", name=path.name, reason=str(error)) from error
        lists = {name: tuple(entry["phrases"] if isinstance(entry, dict) else entry) for name, entry in table.items()}
    else:
        lists = {path.stem: tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))}
    lists = {name: tuple(phrase for phrase in phrases if phrase) for name, phrases in lists.items()}
    if not any(lists.values()):
        raise Invalid("text.keywords_empty", name=path.name)
    return MappingProxyType(lists)


def flags(column: pl.Series, lists: Lists) -> pl.Series:
    """Names of the lists each row holds a phrase of, in the lists' order; ASCII case does not count. Null rows have none."""
    hit = column.str.contains_any([phrase for phrases in lists.values() for phrase in phrases], ascii_case_insensitive=True)
    rows = hit.fill_null(value=False).arg_true()
    found: list[list[str]] = [[] for _ in range(len(rows))]
    if len(rows):
        looked = column.gather(rows)
        for name, phrases in lists.items():
            for place in looked.str.contains_any(list(phrases), ascii_case_insensitive=True).arg_true().to_list():
                found[place].append(name)
    out: list[list[str]] = [[] for _ in range(len(column))]
    for row, names in zip(rows.to_list(), found, strict=True):
        out[row] = names
    return pl.Series("flags", out, dtype=pl.List(pl.String))
