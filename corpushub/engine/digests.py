"""Digests of inputs and rows. A row's digest depends on its values and column order only, never on the writer or library version."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from corpushub.base.identity import digest_of, file_sha256, sha256
from corpushub.engine.cache import Cache

NULL = "\x00"


def tree_digest(path: Path, cache: Cache | None = None) -> tuple[str, int, int]:
    """(digest, bytes, files) of a file or of a folder's visible files by relative path."""
    if path.is_file():
        return known_sha256(path, cache), path.stat().st_size, 1
    members = sorted(
        (found.relative_to(path).as_posix(), found) for found in path.rglob("*") if found.is_file() and not found.is_symlink()
    )
    entries = [(name, known_sha256(found, cache)) for name, found in members]
    return digest_of(entries), sum(found.stat().st_size for _, found in members), len(members)


def known_sha256(path: Path, cache: Cache | None) -> str:
    """A file's digest; remembered by device, inode, size and modification time, so unchanged gigabytes are not read again."""
    if cache is None:
        return file_sha256(path)
    stat = path.stat()
    key = f"{stat.st_dev}-{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ctime_ns}"
    note = cache.folder("digests") / sha256(f"{path.resolve()}|{key}".encode())[:40]
    try:
        return note.read_text("ascii")
    except FileNotFoundError:
        digest = file_sha256(path)
    temporary = note.with_name(f"{note.name}.{os.getpid()}")
    temporary.write_text(digest, "ascii")
    temporary.replace(note)
    return digest


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


def logical_digest(rows: pl.Series, schema: dict[str, str]) -> str:
    """SHA-256 over the schema and the sorted row digests (Binary)."""
    running = hashlib.sha256(schema_line(schema))
    for value in rows.sort().to_list():
        running.update(value)
    return running.hexdigest()
