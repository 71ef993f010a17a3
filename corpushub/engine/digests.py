"""Digests of inputs and rows. A row's digest depends on its values and column order only, never on the writer or library version."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.base.identity import digest_of, file_sha256, sha256
from corpushub.engine.cache import Cache, read_json, write_json

NULL = "\x00"


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a source: its name relative to the source, where it lies, its SHA-256, size and state."""

    name: str
    path: Path
    digest: str
    bytes: int
    state: str = ""


def members_of(path: Path, cache: Cache | None = None) -> tuple[Member, ...]:
    """A file, or a folder's visible files by relative path, with their digests.

    Digests are remembered by device, inode, size and times in one note per source, so unchanged gigabytes are not read again.
    """
    if path.is_file():
        found = [(path.name, path)]
    else:
        inner = (one for one in path.rglob("*") if one.is_file() and not one.is_symlink())
        found = sorted((one.relative_to(path).as_posix(), one) for one in inner)
    note = cache.folder("digests") / f"{sha256(str(path.resolve()).encode())[:40]}.json" if cache else None
    known: dict[str, list[str]] = read_json(note) if note and note.exists() else {}
    fresh: dict[str, list[str]] = {}
    members = []
    for name, file in found:
        stat = file.stat()
        state = file_state(stat)
        held = known.get(name)
        digest = held[1] if held and held[0] == state else file_sha256(file)
        fresh[name] = [state, digest]
        members.append(Member(name, file, digest, stat.st_size, state))
    if note and fresh != known:
        temporary = note.with_name(f"{note.name}.{os.getpid()}")
        write_json(temporary, fresh)
        temporary.replace(note)
    return tuple(members)


def file_state(stat: os.stat_result) -> str:
    """What tells that a file is still the same without reading it."""
    return f"{stat.st_dev}-{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ctime_ns}"


def digest_of_members(members: Sequence[Member]) -> str:
    """One digest for all files by name; a single file keeps its own."""
    return members[0].digest if len(members) == 1 else digest_of([(member.name, member.digest) for member in members])


def spelled(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column as `length:value`, null as one NUL character; the same for the same value whatever wrote it."""
    value = pl.col(name)
    if isinstance(dtype, pl.List):
        item = pl.element().cast(pl.String)
        parts = pl.concat_str(item.str.len_bytes().cast(pl.String), pl.lit(":"), item).fill_null(NULL)
        text = value.list.eval(parts).list.join("")
    elif dtype.is_float():
        text = (value.cast(pl.Float64) + 0.0).cast(pl.String)  # + 0.0 folds the negative zero
    elif isinstance(dtype, pl.Datetime):
        text = value.dt.to_string("%Y-%m-%dT%H:%M:%S%.6f")
    elif isinstance(dtype, pl.Struct):
        text = value.struct.json_encode()
    else:
        text = value.cast(pl.String)
    return pl.concat_str(text.str.len_bytes().cast(pl.String), pl.lit(":"), text).fill_null(NULL)


def row_digests(frame: pl.DataFrame, columns: Sequence[str]) -> list[bytes]:
    """SHA-256 per row over `columns` in this order."""
    schema = frame.schema
    text = frame.select(pl.concat_str([spelled(name, schema[name]) for name in columns]).cast(pl.Binary)).to_series()
    sha = hashlib.sha256
    return [sha(value).digest() for value in text.to_list()]


def schema_line(schema: dict[str, str]) -> bytes:
    """`name:type` of every column, in order."""
    return ",".join(f"{name}:{kind}" for name, kind in schema.items()).encode()


PASS_ROWS = 1 << 20  # rows whose digests are sorted at once: they take 64 MB


def logical_digest(parts: Sequence[Path], rows: int, schema: dict[str, str]) -> str:
    """SHA-256 over the schema and the sorted row digests. `parts` are files of NumPy with 32 bytes a row, `rows` in all.

    They are read once for every `PASS_ROWS` rows and never held together.
    """
    running = hashlib.sha256(schema_line(schema))
    passes = max(1, -(-rows // PASS_ROWS))
    bounds = [(at << 16) // passes for at in range(passes + 1)]
    for low, high in itertools.pairwise(bounds):
        found = [within(np.load(part), low, high) for part in parts]
        chosen = np.concatenate(found) if found else np.zeros((0, 32), np.uint8)
        del found
        order = in_order(chosen)
        for start in range(0, len(order), 65_536):
            running.update(chosen[order[start : start + 65_536]].tobytes())
    return running.hexdigest()


def within(rows: npt.NDArray[np.uint8], low: int, high: int) -> npt.NDArray[np.uint8]:
    """The digests whose first two bytes are from `low` to below `high`."""
    if high - low == 1 << 16:
        return rows
    lead = rows[:, 0].astype(np.uint32) << 8 | rows[:, 1]
    chosen: npt.NDArray[np.uint8] = rows[(lead >= low) & (lead < high)]
    return chosen


def in_order(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """The sorted order of digests, by their first 64 bits where those tell them apart."""
    heads = rows[:, :8].copy().view(">u8").ravel().astype(np.uint64)
    order: npt.NDArray[np.intp] = np.argsort(heads, kind="stable")
    heads = heads[order]
    tied = np.flatnonzero(heads[1:] == heads[:-1])
    if (rows[order[tied]] != rows[order[tied + 1]]).any():  # different digests that begin with the same 64 bits
        order = np.lexsort(rows.T[::-1])
    return order
