"""Row diff of two sets of Parquet files by key, with the drift of each column. Eager kernels; memory is one digest per row."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpushub.domain.measures import rounded
from corpushub.engine.profile import hub_type

BATCH_ROWS = 32_768
DRIFT_BINS = 10
SEPARATOR = b"\x1f"


@dataclass(frozen=True, slots=True)
class Counts:
    """What `compare_rows` found. `drift`: population stability index by column, for columns both sides have."""

    before: int
    after: int
    added: int = 0
    removed: int = 0
    changed: int = 0
    moved: int = 0
    drift: Mapping[str, float] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def schema_of(files: Mapping[str, Path]) -> tuple[tuple[str, str], ...]:
    """Column names and Hub types of the first file."""
    if not files:
        return ()
    schema = pq.read_schema(files[min(files)])
    return tuple((name, hub_type(schema.field(name).type)) for name in schema.names)


def compare_rows(before: Mapping[str, Path], after: Mapping[str, Path], key: str, *, skip_equal: bool = False) -> Counts:
    """Count rows added, removed, changed and moved between splits; content is compared over the columns both sides have.

    With `skip_equal` only splits are compared: the caller knows that the content is the same.
    """
    old_columns, new_columns = schema_of(before), schema_of(after)
    shared = [name for name, kind in new_columns if (name, kind) in old_columns]
    counts = (count_rows(before), count_rows(after))
    if key not in shared:
        return Counts(*counts)
    content = [] if skip_equal else [name for name in shared if name != key]
    old, new = digests(before, key, content), digests(after, key, content)
    both = old.keys() & new.keys()
    changed = [name for name in both if old[name][1] != new[name][1]]
    moved = [name for name in both if old[name][1] == new[name][1] and old[name][0] != new[name][0]]
    added, removed = new.keys() - both, old.keys() - both
    drift = {} if skip_equal else drift_of(before, after, content)
    lists = {"added": added, "removed": removed, "changed": changed, "moved": moved}
    examples = {name: tuple(sorted(str(row) for row in rows)[:20]) for name, rows in lists.items() if rows}
    return Counts(*counts, len(added), len(removed), len(changed), len(moved), drift, examples)


def count_rows(files: Mapping[str, Path]) -> int:
    return sum(pq.read_metadata(path).num_rows for path in files.values())


def split_of(path: str) -> str:
    """`data/<config>/<split>-00000-of-00001.parquet` -> `<config>/<split>`."""
    parts = path.split("/")
    return "/".join([*parts[1:-1], parts[-1].split("-")[0]])


def digests(files: Mapping[str, Path], key: str, content: Iterable[str]) -> dict[Any, tuple[str, bytes]]:
    """Key -> (split, digest of the row's content)."""
    columns = list(content)
    found: dict[Any, tuple[str, bytes]] = {}
    for path in sorted(files):
        split = split_of(path)
        for batch in pq.ParquetFile(files[path]).iter_batches(BATCH_ROWS, columns=[key, *columns]):
            cells = [[encoded(value) for value in batch.column(name).to_pylist()] for name in columns]
            names = batch.column(key).to_pylist()
            rows = zip(*cells, strict=True) if cells else ((),) * len(names)
            for name, row in zip(names, rows, strict=True):
                found[name] = (split, hashlib.sha256(b"".join(row)).digest()[:16])
    return found


def encoded(value: Any) -> bytes:
    """A cell as length-prefixed text, so that no two rows share an encoding."""
    if value is None:
        return b"-1:"
    words = repr(value).encode() if isinstance(value, (float, list, dict)) else str(value).encode()
    return b"%d:%b" % (len(words), words)


def drift_of(before: Mapping[str, Path], after: Mapping[str, Path], columns: Iterable[str]) -> dict[str, float]:
    """Population stability index of each column that has a distribution to compare; identical ones are left out."""
    found = {}
    for name in columns:
        old, new = values(before, name), values(after, name)
        if old is None or new is None or not len(old) or not len(new):
            continue
        if (index := stability(old, new)) > 0:
            found[name] = rounded(index, 4)
    return found


def values(files: Mapping[str, Path], name: str) -> Any:
    """A column as numbers: its values, or the lengths of its text; None for other types."""
    parts = []
    for path in sorted(files):
        column = pq.ParquetFile(files[path]).read([name]).column(0)
        kind = column.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            column = pc.utf8_length(column)
        elif pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
            column = pc.cast(column.cast(pa.timestamp("s")) if pa.types.is_date(kind) else column, pa.int64())
        elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            return None
        parts.append(column.drop_null().to_numpy().astype(np.float64))
    return np.concatenate(parts) if parts else None


def stability(old: Any, new: Any) -> float:
    """PSI over the old side's deciles; 0.1 is worth a look, 0.25 is another population."""
    edges = np.unique(np.quantile(old, np.linspace(0, 1, DRIFT_BINS + 1)[1:-1]))
    shares = []
    for side in (old, new):
        counts = np.bincount(np.searchsorted(edges, side, side="right"), minlength=len(edges) + 1)
        shares.append((counts + 0.5) / (len(side) + 0.5 * len(counts)))
    return float(math.fsum((b - a) * math.log(b / a) for a, b in zip(*shares, strict=True)))
