"""Open a source: find its bytes, read them in whatever form they are, and leave them as shards the engine computes on.

A source is read once: its shards, facts and quarantine are kept in the cache under the digest of its bytes and reading options, and in parts, so
that a change reads only what changed (`ingest`). Parquet is not copied; its row groups are the shards. Rows that cannot be read are listed by file, line and reason, and too many of them stop the build.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice
from pathlib import Path, PurePosixPath

import polars as pl

from corpushub.base.errors import Conflict, Forbidden, Invalid, Problem
from corpushub.base.identity import Stopwatch, digest_of
from corpushub.domain.build import ProgressEvent, SourceFact
from corpushub.domain.recipe import SourceRef
from corpushub.engine.cache import read_json, write_json
from corpushub.engine.digests import Member, digest_of_members, members_of
from corpushub.engine.dtypes import dtype_name, widest
from corpushub.engine.shards import Shard, shards_of_parquet
from corpushub.engine.sources.batches import Bad
from corpushub.engine.sources.files import Blob, is_wanted
from corpushub.engine.sources.formats import reader_name
from corpushub.engine.sources.ingest import KEPT_BAD, Part, Reading, parts
from corpushub.engine.sources.place import Place, local_path

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
        """SHA-256 of the source's file that holds this one, an archive maybe; of the whole source where it is none of several."""
        holders = (origin, *(str(folder) for folder in PurePosixPath(origin).parents))
        return next((self.digests[name] for name in holders if name in self.digests), self.fact.digest)

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

    Raises: NotFound("source.missing"), Forbidden("source.outside" | "source.host" | "source.unreadable"),
    Conflict("source.changed" | "build.cancelled"), Invalid("source.*") naming file and reason.
    """
    if ref.address.startswith(("sqlite://", "postgresql://")):
        from corpushub.engine.sources.sql import snapshot

        plain = replace(ref, options={key: value for key, value in ref.options.items() if key not in {"table", "query"}})
        source = open_local(plain, place, snapshot(ref, place), ref.name)
        return replace(source, ref=ref, fact=replace(source.fact, format="sql"))
    if ref.address.startswith(("s3://", "http://", "https://")):
        from corpushub.engine.sources.remote import fetch

        return open_local(ref, place, fetch(ref.address, place), PurePosixPath(ref.address.partition("?")[0]).name)
    scheme, colon, _ = ref.address.partition("://")
    if colon:
        raise Invalid("source.scheme", source=ref.name, scheme=scheme)
    path = local_path(ref, place)
    try:
        return open_local(ref, place, path, path.name)
    except PermissionError as error:
        raise Forbidden("source.unreadable", name=PurePosixPath(error.filename or path).name) from None


def open_local(ref: SourceRef, place: Place, path: Path, name: str) -> Source:
    members = members_of(path, place.cache)
    if not members:
        raise Invalid("source.empty", name=name)
    digest, size = digest_of_members(members), sum(member.bytes for member in members)
    rows = 0 if ref.options.get("role") == "table" else place.rows
    reading = Reading(ref, place.limits, place.cache, rows, alone=path.is_file())
    key = reading.key("source", digest, name)
    source = load(ref, place, key, path)
    if source is None:
        job = Ingest(name, digest, size, key)
        if parquet := parquet_members(ref, members, name):
            survey(ref, place, parquet, job)
        else:
            ingest(reading, place, members, job)
        source = load(ref, place, key, path)
        assert source is not None
    source = replace(source, digests={member.name: member.digest for member in members})
    check_quarantine(source, place.limits.max_quarantine_ratio)
    return source


@dataclass(frozen=True, slots=True)
class Ingest:
    name: str
    digest: str
    size: int
    key: str


def ingest(reading: Reading, place: Place, members: Sequence[Member], job: Ingest) -> None:
    """Read every file of the source, or take it from the cache, and note what they are together."""
    ref, watch, found, done = reading.ref, Stopwatch(), list[Part](), 0
    for part in parts(reading, blobs_of(reading, members, job.name)):
        if place.cancelled():
            raise Conflict("build.cancelled", dataset=ref.name)
        found.append(part)
        done = min(job.size, done + part.bytes)
        rate = done / max(watch.seconds(), 1e-6)
        place.progress(
            ProgressEvent(f"open {ref.name}", done, job.size, "bytes", rate, (job.size - done) / rate if rate else 0.0)
        )
        if reading.rows and sum(one.rows for one in found) >= reading.rows:
            break
    schema = schema_of(found)
    is_read = bool(schema) or any(part.rows for part in found)  # else what was set aside tells why
    if ref.select and is_read and (missing := [column for column in ours(ref) if column not in schema]):
        raise Invalid("source.no_such_column", source=ref.name, column=missing[0], known=", ".join(schema) or "-")
    reasons = summed(part.reasons for part in found)
    fact = SourceFact(
        name=ref.name,
        resource=ref.resource,
        format=most(summed(part.formats for part in found)),
        encoding=most(summed(part.encodings for part in found)),
        digest=job.digest,
        bytes=job.size,
        rows=sum(part.rows for part in found),
        quarantined=reasons.total(),
        files=len(set(chain.from_iterable(part.files for part in found))),
        quarantine_reasons=dict(sorted(reasons.items())),
    )
    shards = (
        replace(shard, path=place.cache.place(part.key).relative_to(place.cache.root).joinpath(shard.path).as_posix())
        for part in found
        for shard in part.shards
    )
    bad = islice(chain.from_iterable(part.bad for part in found), KEPT_BAD)
    save(place, job, Opened(fact, tuple(shards), schema, tuple(bad), tuple(part.key for part in found)))


def blobs_of(reading: Reading, members: Sequence[Member], name: str) -> Iterator[Blob]:
    pattern = "" if reading.alone else str(reading.ref.options.get("members") or "")
    for member in sorted(members, key=lambda member: PurePosixPath(member.name).parts):
        if reading.alone or is_wanted(member.name, pattern):
            yield Blob(name if reading.alone else member.name, member.path, digest=member.digest, state=member.state)


def schema_of(found: Iterable[Part]) -> dict[str, pl.DataType]:
    """The columns of all parts in the type that holds each."""
    schema: dict[str, pl.DataType] = {}
    for part in found:
        for name, dtype in part.schema.items():
            schema[name] = widest(schema[name], dtype) if name in schema else dtype
    return {name: pl.String() if dtype == pl.Null else dtype for name, dtype in schema.items()}


def summed(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    whole: Counter[str] = Counter()
    for one in counts:
        whole.update(one)
    return whole


@dataclass(frozen=True, slots=True)
class Opened:
    """`parts`: the cache's folders in which the shards lie; of Parquet files, which stay where they are, none."""

    fact: SourceFact
    shards: tuple[Shard, ...]
    schema: Mapping[str, pl.DataType]
    quarantine: tuple[Bad, ...] = ()
    parts: tuple[str, ...] = ()


def save(place: Place, job: Ingest, opened: Opened) -> None:
    """What `load` reads back; the schema lies in an empty frame, which knows every type."""
    value = {
        "fact": asdict(opened.fact),
        "shards": [shard.to_json() for shard in opened.shards],
        "quarantine": [asdict(one) for one in opened.quarantine],
        "parts": opened.parts,
    }
    with place.cache.make(job.key) as folder:
        pl.DataFrame(schema=dict(opened.schema)).write_ipc(folder / "schema.arrow")
        write_json(folder / "source.json", value)


def most(counts: Counter[str]) -> str:
    return counts.most_common(1)[0][0] if counts else ""


def load(ref: SourceRef, place: Place, key: str, path: Path) -> Source | None:
    """A source as `save` left it, None where it or a part of it is not there; shards of foreign Parquet files lie below `path`."""
    folder = place.cache.get(key)
    if folder is None:
        return None
    value = read_json(folder / "source.json")
    if any(place.cache.get(part) is None for part in value["parts"]):
        shutil.rmtree(folder, ignore_errors=True)
        return None
    fact = SourceFact(**{**value["fact"], "name": ref.name, "resource": ref.resource})
    schema = dict(pl.read_ipc_schema(folder / "schema.arrow"))
    words = {name: dtype_name(dtype) for name, dtype in schema.items()} if fact.format != "parquet" else {}
    root = place.cache.root if fact.format != "parquet" else path if path.is_dir() else path.parent
    shards = tuple(
        replace(Shard.from_json(item), path=str(root / item["path"]) if item["path"] else str(path), schema=words)
        for item in value["shards"]
    )
    return Source(ref, schema, shards, fact, tuple(Bad(**item) for item in value["quarantine"]), fact.files)


def check_quarantine(source: Source, limit: float) -> None:
    """Raises: Invalid("source.quarantine") listing the first places, where more than `limit` of the rows are unreadable."""
    total, unreadable = source.fact.rows + source.fact.unreadable, source.fact.unreadable
    if unreadable and unreadable > total * limit:
        problems = [Problem(f"quarantine.{bad.reason}", {}, bad.file, bad.line) for bad in source.quarantine[:QUARANTINE_SHOWN]]
        raise Invalid("source.quarantine", problems=problems, source=source.name, count=unreadable, rows=total, limit=limit)


def parquet_members(ref: SourceRef, members: Sequence[Member], name: str) -> list[Member]:
    """The files of a source that is nothing but Parquet; empty for any other, or where columns are to be added."""
    if ref.options.get("add") or ref.options.get("format") not in {None, "", "parquet"}:
        return []
    if len(members) == 1 and members[0].path.name == members[0].name:
        return list(members) if reader_name(Blob(name, members[0].path), ref.options) == "parquet" else []
    kept = [member for member in members if is_wanted(member.name, str(ref.options.get("members") or ""))]
    return kept if kept and all(member.path.suffix in {".parquet", ".pq"} for member in kept) else []


def survey(ref: SourceRef, place: Place, members: Sequence[Member], job: Ingest) -> None:
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
    save(place, job, Opened(fact, tuple(shards), schema))


def ours(ref: SourceRef) -> list[str]:
    rename = ref.options.get("rename") or {}
    return [rename.get(column, column) for column in ref.select]
