"""Which reader a file asks for: what the recipe states, else the file's first bytes, else its name, else what its text looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from corpushub.base.errors import Invalid
from corpushub.engine.sources.batches import Bad, Batch
from corpushub.engine.sources.files import Blob, Limits

Reader = Callable[[Blob, Mapping[str, Any], Limits], Iterator[Batch]]

SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".psv": "csv", ".data": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
    ".geojson": "json", ".txt": "text", ".md": "text", ".markdown": "text", ".html": "html", ".htm": "html", ".xhtml": "html", ".xlsx": "sheet",
    ".xls": "sheet", ".xlsm": "sheet", ".ods": "sheet", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
FORMATS = ("csv", "jsonl", "json", "text", "html", "sheet", "parquet")
# Pictures, programs and archives that are not opened here, whatever they are called.
BINARY = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF-", b"\x7fELF", b"MZ\x90\x00", b"Rar!", b"7z\xbc\xaf", b"\x00\x00\x01\x00")
ALIASES = {"tsv": "csv", "xlsx": "sheet", "xls": "sheet", "markdown": "text", "ndjson": "jsonl"}


def batches(blob: Blob, options: Mapping[str, Any], limits: Limits) -> Iterator[Batch]:
    """The rows of one file through the reader its content or name asks for."""
    name = reader_name(blob, options)
    if name == "unknown":
        yield Batch(blob.name, pl.DataFrame({"_row": pl.Series([], dtype=pl.UInt32)}), (Bad(blob.name, 0, "unknown_format"),))
        return
    yield from reader(name)(blob, options, limits)


def reader(name: str) -> Reader:
    from corpushub.engine.sources import delimited, documents, json_records, parquet, sheets

    readers: dict[str, Reader] = {
        "csv": delimited.read_csv,
        "jsonl": json_records.read_jsonl,
        "json": json_records.read_json,
        "text": documents.read_text,
        "html": documents.read_html,
        "sheet": sheets.read_sheets,
        "parquet": parquet.read_parquet,
    }
    return readers[name]


def reader_name(blob: Blob, options: Mapping[str, Any]) -> str:
    """`format` if stated; binary formats by their first bytes whatever the name says; else by suffix, else by looking at the text."""
    stated = str(options.get("format") or "")
    if stated:
        word = ALIASES.get(stated, stated)
        if word not in FORMATS:
            raise Invalid("source.format", format=stated, known=", ".join(FORMATS))
        return word
    head = blob.head(2048)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"\xd0\xcf\x11\xe0", b"PK\x03\x04")):
        return "sheet"
    if head.startswith(BINARY):
        return "unknown"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "html"
    name = SUFFIXES.get(PurePosixPath(blob.name.lower()).suffix, "")
    if name in {"sheet", "parquet"} or (not name and b"\x00" in head):
        return "sheet" if name == "sheet" else "parquet" if name == "parquet" else "unknown"
    if name == "json" and start.startswith(b"{") and is_lines(blob):
        return "jsonl"
    if name in {"csv", "text"} and start.startswith((b'{"', b"[{")):
        return "jsonl" if start.startswith(b'{"') and is_lines(blob) else name
    return name or "unknown"


def is_lines(blob: Blob) -> bool:
    """Does the first line alone hold a JSON object, with more lines after it?"""
    import json

    head = blob.head(1 << 20).lstrip(b"\xef\xbb\xbf \t\r\n")
    first, _, rest = head.partition(b"\n")
    try:
        return isinstance(json.loads(first), dict) and bool(rest.strip())
    except ValueError:
        return False
