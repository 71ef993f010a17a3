"""Read the files of a source into shards, in parts that are kept in the cache one by one under the digest of their bytes.

A part is a run of small files, a piece of a large file of lines, or any other large file. Runs begin with files that their names choose, pieces at
lines that their content chooses: so a file or a row that is added, changed or removed is read again with its part, and the shards of all others
stay as they were, also for what later steps made of them. A part's columns have the types its own rows need; the source's are the widest of all.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate, chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zlib import crc32

import polars as pl

from corpushub.base.errors import Conflict, Invalid
from corpushub.base.identity import digest_of, sha256
from corpushub.domain.recipe import SourceRef
from corpushub.engine.cache import Cache, read_json, write_json
from corpushub.engine.digests import file_state
from corpushub.engine.shards import EDGE_BYTES, SHARD_BYTES, Shard, ShardWriter
from corpushub.engine.sources import delimited, documents, json_records, pieces
from corpushub.engine.sources.batches import Bad, Batch
from corpushub.engine.sources.files import Blob, Limits, Unpacker, archive_kind
from corpushub.engine.sources.formats import batches, reader_name

READER_VERSION = 8
KEPT_BAD = 10_000
LARGE = pieces.MOST
EDGE_FILES, MOST_FILES = 500, 4_000  # of a run: many tiny files are not all read again for one


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source's files are read. `rows`: only about so many, for a preview. `alone`: the source is one file."""

    ref: SourceRef
    limits: Limits
    cache: Cache
    rows: int = 0
    alone: bool = True

    def key(self, *about: object) -> str:
        """The name of a result that depends on `about` and on how the source is read."""
        how = [self.ref.select, dict(self.ref.options), asdict(self.limits), self.rows, self.alone]
        return digest_of(["part", READER_VERSION, pl.__version__, how, *about])


@dataclass(frozen=True, slots=True)
class Part:
    """What was read in one go. Shards' paths are below the part's folder in the cache; `open` parts end inside a record and are not used."""

    key: str
    shards: tuple[Shard, ...] = ()
    schema: Mapping[str, pl.DataType] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    rows: int = 0
    bytes: int = 0
    formats: Mapping[str, int] = field(default_factory=dict)
    encodings: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    bad: tuple[Bad, ...] = ()
    lines: int = 0
    open: bool = False


def parts(reading: Reading, blobs: Iterable[Blob]) -> Iterator[Part]:
    """All parts of a source (or of one archive), in order; those that are known are not read."""
    for run in runs(blobs):
        size = sum(blob.bytes() for blob in run)
        if size >= LARGE:
            yield from large(reading, run[0])
        else:
            yield replace(some(reading, run), bytes=size)
        for blob in run:
            if blob.temporary and blob.path is not None:
                blob.path.unlink()


def runs(blobs: Iterable[Blob]) -> Iterator[list[Blob]]:
    """Neighbouring small files together, each large one alone."""
    held: list[Blob] = []
    sizes: list[int] = []
    whole = 0
    for blob in blobs:
        size = blob.bytes()
        if size >= LARGE:
            if held:
                yield held
            yield [blob]
            held, sizes, whole = [], [], 0
            continue
        held.append(blob)
        sizes.append(size)
        whole += size
        while whole > SHARD_BYTES or len(held) > MOST_FILES:
            end = run_end(held, sizes)
            yield held[:end]
            held, sizes, whole = held[end:], sizes[end:], whole - sum(sizes[:end])
    if held:
        yield held


def run_end(held: Sequence[Blob], sizes: Sequence[int]) -> int:
    """How many of these files are the first run: the next begins with the one whose name has the smallest checksum, once there is enough."""
    enough = (at for at, size in enumerate(accumulate(sizes), 1) if size >= EDGE_BYTES or at >= EDGE_FILES)
    first = min(next(enough), len(held) - 1)
    return min(range(max(1, first), len(held)), key=lambda at: crc32(held[at].name.encode()), default=len(held))


def some(reading: Reading, run: list[Blob]) -> Part:
    """A run of files as one part."""
    key = reading.key("files", [(blob.name, blob.sha256()) for blob in run])
    return known(reading, key) or made(reading, key, rows_of(reading, run))


@dataclass(frozen=True, slots=True)
class Begin:
    """A file begins, in a stream of batches."""

    file: str


def rows_of(reading: Reading, run: Iterable[Blob]) -> Iterator[Begin | Batch]:
    """What the readers give for each file, and for those in archives."""
    for blob in run:
        if blob.path is not None and blob.bytes() < LARGE:
            blob = replace(blob, data=blob.path.read_bytes())
        with unpacked(reading, blob) as unpacker:
            for file in unpacker.files(blob):
                yield Begin(file.name)
                try:
                    yield from batches(file, reading.ref.options, reading.limits)
                except Invalid as refused:
                    if refused.code != "source.empty" or (reading.alone and file is blob):
                        raise
                    unpacker.skipped.append((file.name, "empty"))
            yield nothing(blob.name, unpacker)
        check_unchanged(blob)


@contextmanager
def unpacked(reading: Reading, blob: Blob) -> Generator[Unpacker]:
    """An unpacker for this file, with a folder for large members that goes at the end."""
    members = str(reading.ref.options.get("members") or "")
    if not archive_kind(blob):
        yield Unpacker(reading.limits, Path(), members)
        return
    with TemporaryDirectory(prefix=f"tmp-{os.getpid()}-", dir=reading.cache.root) as folder:
        yield Unpacker(reading.limits, Path(folder), members, reading.alone)


def nothing(name: str, unpacker: Unpacker) -> Batch:
    """The files that were not read, as a batch without rows."""
    return Batch(name, pl.DataFrame({"_row": []}, {"_row": pl.UInt32}), tuple(Bad(one, 0, why) for one, why in unpacker.skipped))


def check_unchanged(blob: Blob) -> None:
    """Raises: Conflict("source.changed") where the file is another one than the one whose digest was taken."""
    if blob.state and blob.path is not None and blob.state != file_state(blob.path.stat()):
        raise Conflict("source.changed", name=blob.name)


def large(reading: Reading, blob: Blob) -> Iterator[Part]:
    """The parts of a large file: known by the digest of its whole, else found piece by piece, most of which may be known again."""
    key = reading.key("large", blob.name, blob.sha256())
    folder = reading.cache.get(key)
    kept = [known(reading, name) for name in read_json(folder / "parts.json")] if folder else [None]
    if all(kept):
        yield from (part for part in kept if part is not None)
        return
    if folder:  # some of them went with a sweep
        shutil.rmtree(folder)
    names = []
    for part in fresh(reading, blob):
        names.append(part.key)
        yield part
    check_unchanged(blob)
    with reading.cache.make(key) as temporary:
        write_json(temporary / "parts.json", names)


def fresh(reading: Reading, blob: Blob) -> Iterator[Part]:
    if archive_kind(blob):
        with unpacked(reading, blob) as unpacker:
            yield from parts(reading, unpacker.files(blob))
            left = nothing(blob.name, unpacker)
        yield made(reading, reading.key("skipped", [asdict(bad) for bad in left.bad]), [left])
    elif name := LINES.get(line_reader(blob, reading.ref.options)):
        yield from pieces_of(reading, blob, *name)
    else:
        key = reading.key("file", blob.name, blob.sha256())
        yield replace(known(reading, key) or made(reading, key, rows_of(reading, [blob])), bytes=blob.bytes())


LINES = {
    "csv": (delimited.form_of, delimited.read_piece),
    "jsonl": (pieces.encoded, json_records.read_piece),
    "text": (pieces.encoded, documents.read_piece),
}


def line_reader(blob: Blob, options: Mapping[str, Any]) -> str:
    """The reader of a file whose lines can be read in pieces; empty for any other."""
    name = reader_name(blob, options)
    return "" if (name == "text" and options.get("records") != "lines") or b"\n" not in blob.head(LARGE) else name


def pieces_of(reading: Reading, blob: Blob, form_of: Any, read: Any) -> Iterator[Part]:
    """A large file of lines, piece by piece; two pieces with a record across their edge are one."""
    form = form_of(blob, reading.ref.options)
    limits, held, base, marks = reading.limits, b"", 0, Counter[str]()
    with pieces.plain(blob, form) as raw:
        for data, last in pieces.cut(raw, limits.max_line_bytes):
            held += data
            about = ("piece", blob.name, asdict(form), base == 0, sha256(held))
            for closed in (False, True) if last else (False,):
                key = reading.key(*about, closed)
                rows = read(blob.name, held, form, limits, first=base == 0, last=closed)
                part = known(reading, key) or made(reading, key, chain([Begin(blob.name)], rows), pieces.lines_of(held))
                if not part.open:
                    break
            if part.open:
                continue
            mark = sha256(held[: held.find(b"\n") + 1])[:16]
            marks[mark] += 1
            yield replace(placed(part, base, f"{mark}.{marks[mark]}"), bytes=len(held))
            base += part.lines
            held = b""


def placed(part: Part, base: int, mark: str) -> Part:
    """A piece's part with its rows' true numbers, named by the line it begins with: both stay outside of what the shards' digests are of."""
    shards = tuple(
        replace(shard, base=base, place=f"{mark}.{at}", digest=digest_of([shard.digest, mark]))
        for at, shard in enumerate(part.shards)
    )
    return replace(part, shards=shards, bad=tuple(replace(bad, line=bad.line + base) for bad in part.bad))


def made(reading: Reading, key: str, rows: Iterable[Begin | Batch], lines: int = 0) -> Part:
    """Read a part and keep it; of a piece `lines` are known."""
    with reading.cache.make(key) as folder:
        writer = ShardWriter(folder)
        formats, encodings, reasons = Counter[str](), Counter[str](), Counter[str]()
        bad: list[Bad] = []
        try:
            for item in rows:
                if isinstance(item, Begin):
                    writer.origin(item.file)
                    continue
                formats[item.format] += item.frame.height
                encodings[item.encoding] += item.frame.height
                reasons.update(one.reason for one in item.bad)
                bad += item.bad[: KEPT_BAD - len(bad)]
                writer.add(shaped(item.frame, reading.ref))
                if reading.rows and writer.rows >= reading.rows:
                    break
            schema = writer.finish()
            part = Part(
                key,
                tuple(writer.shards),
                schema,
                tuple(writer.origins),
                writer.rows,
                0,
                formats,
                encodings,
                reasons,
                tuple(bad),
                lines,
            )
        except pieces.OpenEnd:
            part = Part(key, open=True)
        pl.DataFrame(schema=dict(part.schema)).write_ipc(folder / "schema.arrow")
        write_json(folder / "part.json", to_json(part))
    return part


def to_json(part: Part) -> dict[str, Any]:
    return {
        "shards": [shard.to_json() for shard in part.shards],
        "bad": [asdict(bad) for bad in part.bad],
        **{name: getattr(part, name) for name in ("files", "rows", "formats", "encodings", "reasons", "lines", "open")},
    }


def known(reading: Reading, key: str) -> Part | None:
    """A part that was read before."""
    folder = reading.cache.get(key)
    if folder is None:
        return None
    value = read_json(folder / "part.json")
    shards = tuple(Shard.from_json(item) for item in value.pop("shards"))
    bad = tuple(Bad(**item) for item in value.pop("bad"))
    value["files"] = tuple(value["files"])
    return Part(key, shards, dict(pl.read_ipc_schema(folder / "schema.arrow")), bad=bad, **value)


def shaped(frame: pl.DataFrame, ref: SourceRef) -> pl.DataFrame:
    """The selected columns under the recipe's names, with what `add` states."""
    rename = ref.options.get("rename") or {}
    if ref.select:
        frame = frame.select("_row", *(column for column in ref.select if column in frame.columns))
    if rename:
        frame = frame.rename({theirs: ours for theirs, ours in rename.items() if theirs in frame.columns})
    added = ref.options.get("add") or {}
    return frame.with_columns(**{name: pl.lit(value) for name, value in added.items()}) if added else frame
