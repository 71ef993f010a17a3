"""Which files of a dataset belong to which configuration and split, as the Hub's clients find it out themselves.

The card's `configs` rule; without them, `data/<split>-00000-of-00001.parquet`; without those, every Parquet file is `train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

_SHARD = re.compile(r"(?:.*/)?([A-Za-z][A-Za-z0-9_.]*)-\d{5}-of-\d{5}[^/]*\.parquet")
Splits = dict[str, dict[str, list[str]]]


def splits_of(card: Mapping[str, Any], paths: Iterable[str]) -> Splits:
    """Configuration -> split -> Parquet paths, sorted. Configurations that match nothing are left out."""
    tables = sorted(path for path in paths if path.endswith(".parquet"))
    stated = card.get("configs")
    found: Splits = {}
    for config in stated if isinstance(stated, list) else []:
        if isinstance(config, dict) and (splits := stated_splits(config.get("data_files"), tables)):
            found[str(config.get("config_name", "default"))] = splits
    return found or guessed(tables)


def stated_splits(data_files: Any, tables: list[str]) -> dict[str, list[str]]:
    rows = data_files if isinstance(data_files, list) else [data_files]
    splits: dict[str, list[str]] = {}
    for row in rows:
        split, path = (row.get("split", "train"), row.get("path")) if isinstance(row, dict) else ("train", row)
        patterns = [str(item) for item in (path if isinstance(path, list) else [path]) if item]
        held = [name for name in tables if any(matches(name, pattern) for pattern in patterns)]
        if held:
            splits[str(split)] = [*splits.get(str(split), []), *held]
    return splits


def matches(path: str, pattern: str) -> bool:
    """Glob in which `**` crosses folders and `*` does not."""
    if "**" in pattern:
        return fnmatchcase(path, pattern.replace("**/", "*").replace("**", "*"))
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def guessed(tables: list[str]) -> Splits:
    if not tables:
        return {}
    splits: dict[str, list[str]] = {}
    for path in tables:
        found = _SHARD.fullmatch(path)
        splits.setdefault(found.group(1) if found else "train", []).append(path)
    return {"default": splits}
