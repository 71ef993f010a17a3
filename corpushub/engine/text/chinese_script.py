"""Traditional and simplified Chinese: phrases first, longest first, then single characters (dictionaries of OpenCC)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final, Literal

import polars as pl

Script = Literal["simplified", "traditional"]
_DICTIONARIES: Final = {"simplified": ("TSPhrases.txt", "TSCharacters.txt"), "traditional": ("STPhrases.txt", "STCharacters.txt")}


@cache
def _table(script: Script) -> tuple[list[str], list[str]]:
    """What to replace and by what, longest first; the first of several readings is the usual one."""
    pairs: dict[str, str] = {}
    for name in _DICTIONARIES[script]:
        for line in files("opencc").joinpath("dictionary", name).read_text("utf-8").splitlines():
            source, _, targets = line.partition("\t")
            if targets:
                pairs.setdefault(source, targets.split(" ")[0])
    ordered = sorted((source for source, target in pairs.items() if len(source) > 1 or source != target), key=len, reverse=True)
    return ordered, [pairs[source] for source in ordered]


@cache
def _gate(script: Script) -> str:
    """A class of the single characters the other script does not use; rows without any need no work."""
    return f"[{''.join(source for source in _table(script)[0] if len(source) == 1)}]"


def to_script(column: pl.Series, script: Script) -> pl.Series:
    """`column` (String, may be null) in `script`; rows already in it come back as they were."""
    rows = column.str.contains(_gate(script)).fill_null(value=False).arg_true()
    if not len(rows):
        return column
    sources, targets = _table(script)
    return column.clone().scatter(rows, column.gather(rows).str.replace_many(sources, targets, leftmost=True))
