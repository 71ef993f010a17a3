"""Open a source: find its bytes, read them in whatever form they are, and leave them as shards the engine computes on.

A source is read once: its shards, facts and quarantine are kept in the cache under the digest of its bytes and reading options. Parquet is
not copied; its row groups are the shards. Rows that cannot be read are listed by file, line and reason, and too many of them stop the build.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from corpushub.base.errors import Invalid, Problem
from corpushub.base.identity import digest_of
from corpushub.domain.build import SourceFact
from corpushub.domain.recipe import SourceRef
from corpushub.engine.cache import read_json, write_json
from corpushub.engine.digests import Member, digest_of_members, members_of
from corpushub.engine.dtypes import dtype_name, widest
from corpushub.engine.shards import Shard, ShardWriter, shards_of_parquet
from corpushub.engine.sources.batches import Bad, Batch
from corpushub.engine.sources.files import Blob, Limits, Unpacker
from corpushub.engine.sources.place import Place, local_path

READER_VERSION = 4
QUARANTINE_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Source:
    """An opened source. `schema` has the recipe's names; `quarantine` lists unread rows (at most 10,000 of them)."""

    ref: SourceRef
    schema: Mapping[str, pl.DataType]
    shards: tuple[Shard, ...]
    fact: SourceFact
    quarantine: tuple[Bad, ...] = ()
    files: int = 1
    digests: Mapping[str, str] = field(default_factory=dict)

    def file_digest(self, origin: str) -> str:
        """SHA-256 of the source's file that holds this one; of the whole source where it was an archive."""
        return self.digests.get(origin, self.fact.digest)

    @property
    def name(self) -> str:
        return self.ref.name

    @property
    def digest(self) -> str:
        return digest_of([self.fact.digest, self.ref.select, dict(self.ref.options)])

    @property
    def is_table(self) -> bool:
        """Only a table for lookups, not rows of the dataset."""
        return self.ref.options.get("role") == "table"

    @property
    def frame(self) -> pl.LazyFrame:
        """All rows, lazily, with the engine's columns `_origin`, `_row`, `_part`."""
        return (
            pl.concat([shard.scan() for shard in self.shards], how="vertical")
            if self.shards
            else pl.LazyFrame(schema=self.schema)
        )


def open_source(ref: SourceRef, place: Place) -> Source:
    """The source `ref` names, read or taken from the cache.

    Raises: NotFound("source.missing"), Forbidden("source.outside" | "source.host"), Invalid("source.*") naming file and reason.
    """
    if ref.address.startswith(("sqlite://", "postgresql://")):
        from corpushub.engine.sources.sql import snapshot

        plain = replace(ref, options={key: value for key, value in ref.options.items() if key not in {"table", "query"}})
        source = open_local(plain, place, snapshot(ref, place), ref.name)
        return replace(source, ref=ref, fact=replace(source.fact, format="sql"))
    if ref.address.startswith(("s3://", "http://", "https://")):
        from corpushub.engine.sources.remote import fetch

        return open_local(ref, place, fetch(ref.address, place), PurePosixPath(ref.address.partition("?")[0]).name)
    path = local_path(ref, place)
    return open_local(ref, place, path, path.name)


def open_local(ref: SourceRef, place: Place, path: Path, name: str) -> Source:
    members = members_of(path, place.cache)
    if not members:
        raise Invalid("source.empty", name=name)
    digest, size = digest_of_members(members), sum(member.bytes for member in members)
    key = digest_of(["source", READER_VERSION, pl.__version__, digest, name, ref.select, dict(ref.options), asdict(place.limits)])
    most = 0 if ref.options.get("role") == "table" else place.rows
    key = digest_of([key, "rows", most]) if most else key
    folder = place.cache.get(key)
    if folder is None:
        with place.cache.make(key) as temporary:
            job = Ingest(name, digest, size, temporary, most)
            if parquet := parquet_members(ref, members, name):
                survey(ref, parquet, job)
            else:
                ingest(ref, place, path, job)
        folder = place.cache.place(key)
    source = replace(load(ref, folder, path), digests={member.name: member.digest for member in members})
    check_quarantine(source, place.limits.max_quarantine_ratio)
    return source


@dataclass(frozen=True, slots=True)
class Ingest:
    name: str
    digest: str
    size: int
    folder: Path
    most: int = 0  # rows, for a preview


def ingest(ref: SourceRef, place: Place, path: Path, job: Ingest) -> None:
    """Read every file of the source into shards below `job.folder`."""
    scratch = Path(tempfile.mkdtemp(prefix="unpack-", dir=job.folder))
    unpacker = Unpacker(place.limits, scratch, str(ref.options.get("members") or ""))
    writer = ShardWriter(job.folder)
    bad: list[Bad] = []
    formats: Counter[str] = Counter()
    encodings: Counter[str] = Counter()
    for blob in unpacker.walk(path, job.name):
        writer.origin(blob.name)
        for batch in batches(blob, ref.options, place.limits):
            formats[batch.format] += batch.frame.height
            encodings[batch.encoding] += batch.frame.height
            bad.extend(batch.bad)
            writer.add(shaped(batch.frame, ref))
            if job.most and writer.rows >= job.most:
                break
        if blob.path is not None and blob.path.is_relative_to(scratch):
            blob.path.unlink()
        if job.most and writer.rows >= job.most:
            break
    shutil.rmtree(scratch)
    bad.extend(Bad(name, 0, reason) for name, reason in unpacker.skipped)
    schema = writer.finish()
    if ref.select and (missing := [column for column in ours(ref) if column not in schema]):
        raise Invalid("source.no_such_column", source=ref.name, column=missing[0], known=", ".join(found_columns(writer)))
    fact = SourceFact(
        name=ref.name,
        resource=ref.resource,
        format=most(formats),
        encoding=most(encodings),
        digest=job.digest,
        bytes=job.size,
        rows=writer.rows,
        quarantined=len(bad),
        files=len(writer.origins),
        quarantine_reasons=dict(sorted(Counter(one.reason for one in bad).items())),
    )
    save(job, Opened(fact, tuple(writer.shards), schema, tuple(bad[:10_000])))


@dataclass(frozen=True, slots=True)
class Opened:
    fact: SourceFact
    shards: tuple[Shard, ...]
    schema: Mapping[str, pl.DataType]
    quarantine: tuple[Bad, ...] = ()


def save(job: Ingest, opened: Opened) -> None:
    """What `load` reads back; the schema lies in an empty frame, which knows every type."""
    pl.DataFrame(schema=dict(opened.schema)).write_ipc(job.folder / "schema.arrow")
    value = {
        "fact": asdict(opened.fact),
        "shards": [shard.to_json() for shard in opened.shards],
        "quarantine": [asdict(one) for one in opened.quarantine],
    }
    write_json(job.folder / "source.json", value)


def most(counts: Counter[str]) -> str:
    return counts.most_common(1)[0][0] if counts else ""


def load(ref: SourceRef, folder: Path, path: Path) -> Source:
    """A source as `save` left it; shards of foreign Parquet files lie below `path`."""
    value = read_json(folder / "source.json")
    fact = SourceFact(**{**value["fact"], "name": ref.name, "resource": ref.resource})
    schema = dict(pl.read_ipc_schema(folder / "schema.arrow"))
    words = {name: dtype_name(dtype) for name, dtype in schema.items()} if fact.format != "parquet" else {}
    root = folder if fact.format != "parquet" else path if path.is_dir() else path.parent
    shards = tuple(
        replace(Shard.from_json(item), path=str(root / item["path"]) if item["path"] else str(path), schema=words)
        for item in value["shards"]
    )
    return Source(ref, schema, shards, fact, tuple(Bad(**item) for item in value["quarantine"]), fact.files)


def check_quarantine(source: Source, limit: float) -> None:
    """Raises: Invalid("source.quarantine") listing the first places, where more than `limit` of the rows are unreadable."""
    total = source.fact.rows + source.fact.quarantined
    if source.fact.quarantined and source.fact.quarantined > total * limit:
        problems = [Problem(f"quarantine.{bad.reason}", {}, bad.file, bad.line) for bad in source.quarantine[:QUARANTINE_SHOWN]]
        raise Invalid(
            "source.quarantine", problems=problems, source=source.name, count=source.fact.quarantined, rows=total, limit=limit
        )


def parquet_members(ref: SourceRef, members: Sequence[Member], name: str) -> list[Member]:
    """The files of a source that is nothing but Parquet; empty for any other, or where columns are to be added."""
    if ref.options.get("add") or ref.options.get("format") not in {None, "", "parquet"}:
        return []
    if len(members) == 1 and members[0].path.name == members[0].name:
        return list(members) if reader_name(Blob(name, members[0].path), ref.options) == "parquet" else []
    wanted = Unpacker(Limits(), Path(), str(ref.options.get("members") or ""))
    kept = [member for member in members if wanted.wanted(member.name)]
    return kept if kept and all(member.path.suffix in {".parquet", ".pq"} for member in kept) else []


def survey(ref: SourceRef, members: Sequence[Member], job: Ingest) -> None:
    """Parquet files stay where they lie: note their row-group ranges as shards; types widen over the files."""
    shards: list[Shard] = []
    schema: dict[str, pl.DataType] = {}
    rename = dict(ref.options.get("rename") or {})
    single = len(members) == 1
    for member in members:
        whole = Shard(
            "" if single else member.name,
            0,
            member.digest,
            "parquet",
            0,
            rename,
            ref.select,
            origins=(job.name if single else member.name,),
        )
        found, kinds = shards_of_parquet(member.path, whole)
        shards += found
        for column, dtype in kinds.items():
            schema[column] = widest(schema[column], dtype) if column in schema else dtype
    rows = sum(shard.rows for shard in shards)
    fact = SourceFact(ref.name, ref.resource, "parquet", "", job.digest, job.size, rows, 0, files=len(members))
    save(job, Opened(fact, tuple(shards), schema))


def shaped(frame: pl.DataFrame, ref: SourceRef) -> pl.DataFrame:
    """The selected columns under the recipe's names, with what `add` states."""
    rename = ref.options.get("rename") or {}
    if ref.select:
        frame = frame.select("_row", *(column for column in ref.select if column in frame.columns))
    frame = frame.rename({theirs: ours for theirs, ours in rename.items() if theirs in frame.columns})
    added = ref.options.get("add") or {}
    return frame.with_columns(**{name: pl.lit(value) for name, value in added.items()}) if added else frame


def ours(ref: SourceRef) -> list[str]:
    rename = ref.options.get("rename") or {}
    return [rename.get(column, column) for column in ref.select]


def found_columns(writer: ShardWriter) -> list[str]:
    return [name for name in writer.schema if not name.startswith("_")]


Reader = Callable[[Blob, Mapping[str, Any], Limits], Iterator[Batch]]


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


SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".psv": "csv", ".data": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
    ".geojson": "json", ".txt": "text", ".md": "text", ".markdown": "text", ".html": "html", ".htm": "html", ".xhtml": "html", ".xlsx": "sheet",
    ".xls": "sheet", ".xlsm": "sheet", ".ods": "sheet", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
FORMATS = ("csv", "jsonl", "json", "text", "html", "sheet", "parquet")


def reader_name(blob: Blob, options: Mapping[str, Any]) -> str:
    """`format` if stated; binary formats by their first bytes whatever the name says; else by suffix, else by looking at the text."""
    stated = str(options.get("format") or "")
    if stated:
        aliases = {"tsv": "csv", "xlsx": "sheet", "xls": "sheet", "markdown": "text", "ndjson": "jsonl"}
        word = aliases.get(stated, stated)
        if word not in FORMATS:
            raise Invalid("source.format", format=stated, known=", ".join(FORMATS))
        return word
    head = blob.head(2048)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"\xd0\xcf\x11\xe0", b"PK\x03\x04")):
        return "sheet"
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
