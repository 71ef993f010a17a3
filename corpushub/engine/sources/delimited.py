"""Delimited text: encoding, delimiter, header and quoting are found or stated; broken rows are quarantined with their line.

All values are read as text; empty fields are empty text unless `nulls` names them. `_row` is the 1-based line the record starts on.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from corpushub.base.errors import Invalid
from corpushub.engine.sources.batches import Bad, Batch, Rows, column_labels
from corpushub.engine.sources.encoding import MARK, detect
from corpushub.engine.sources.files import Blob, Limits

DELIMITERS = (",", "\t", ";", "|")
SAMPLE_CHARS = 262_144
_NUMBER = re.compile(r"[-+]?[0-9][0-9,.%:/-]*")


@dataclass(frozen=True, slots=True)
class Dialect:
    delimiter: str
    quote: str
    header: bool


def read_csv(blob: Blob, options: Mapping[str, Any], limits: Limits) -> Iterator[Batch]:
    """Batches of one file. Raises: Invalid("source.empty" | "source.header")."""
    with blob.open() as raw:
        encoding = detect(raw, str(options.get("encoding") or ""))
        raw.seek(0)
        text = io.TextIOWrapper(raw, encoding.codec, encoding.errors, newline="")
        sample = text.read(SAMPLE_CHARS)
        text.detach()  # else the wrapper closes the stream when it goes
        if not sample.strip():
            raise Invalid("source.empty", name=blob.name)
        dialect = find_dialect(sample, options)
        raw.seek(0)
        text = io.TextIOWrapper(raw, encoding.codec, encoding.errors, newline="")
        rows = Rows(blob.name, format="csv", encoding=encoding.codec, nulls=tuple(options.get("nulls") or ()))
        csv.field_size_limit(limits.max_line_bytes)
        yield from records(text, rows, dialect, options, marked=not encoding.clean)


def find_dialect(sample: str, options: Mapping[str, Any]) -> Dialect:
    quote = str(options.get("quote") or '"')
    stated = str(options.get("delimiter") or "")
    delimiter = {"tab": "\t", "\\t": "\t"}.get(stated, stated) or find_delimiter(sample, quote)
    header = options.get("header")
    rows = list(islice(parse(sample, delimiter, quote), 50))[int(options.get("skip_rows") or 0) :]
    return Dialect(delimiter, quote, looks_like_header(rows) if header is None else bool(header))


def parse(sample: str, delimiter: str, quote: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, quotechar=quote)
    try:
        yield from reader
    except csv.Error:
        return


def find_delimiter(sample: str, quote: str) -> str:
    """The delimiter that gives the same, largest number of fields most often."""

    def score(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in islice(parse(sample, delimiter, quote), 100) if row]
        if len(widths) > 1 and len(sample) >= SAMPLE_CHARS:
            widths.pop()
        if not widths:
            return 0.0, 0
        width, hits = Counter(widths).most_common(1)[0]
        return (hits / len(widths) if width > 1 else 0.0), width

    return max(DELIMITERS, key=score)


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Names are distinct, filled and no numbers; a first row as numeric as those below is data."""
    if not rows:
        return True
    first = [cell.strip().lstrip("\ufeff") for cell in rows[0]]
    filled = [cell for cell in first if cell]
    if not filled or len(set(filled)) < len(filled) or any(len(cell) > 200 for cell in filled):
        return False
    if not all(
        any(character.isalnum() for character in cell) for cell in filled
    ):  # `*` or `-` stands for a value, never for a name
        return False
    numeric = [bool(_NUMBER.fullmatch(cell)) for cell in first]
    if not any(numeric):
        return True
    below = [[bool(_NUMBER.fullmatch(cell.strip())) for cell in row] for row in rows[1:20] if len(row) == len(first)]
    like_data = sum(all(row[at] for row in below) for at, is_number in enumerate(numeric) if is_number) if below else 0
    return like_data < sum(numeric) / 2 and sum(numeric) < len(first) / 2


class Lines:
    """A text's lines, from which a record that went wrong can be taken back, so that one stray quote costs one line and not the rest."""

    def __init__(self, text: IO[str]) -> None:
        self.text = text
        self.pending: deque[str] = deque()
        self.taken: list[str] = []  # lines of the record being read
        self.number = 0
        self.exhausted = False

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        try:
            line = self.pending.popleft() if self.pending else next(self.text)
        except StopIteration:
            self.exhausted = True
            raise
        self.taken.append(line)
        self.number += 1
        return line

    def give_back(self) -> None:
        """Keep the first line of the record as read, and read the others again."""
        again = self.taken[1:]
        self.pending.extendleft(reversed(again))
        self.number -= len(again)
        self.taken.clear()
        self.exhausted = False


def records(text: IO[str], rows: Rows, dialect: Dialect, options: Mapping[str, Any], *, marked: bool) -> Iterator[Batch]:
    lines = Lines(text)
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote)
    names: list[str] | None = list(options["columns"]) if options.get("columns") else None
    skip, header_due = int(options.get("skip_rows") or 0), dialect.header
    while True:
        line, reason = lines.number + 1, ""
        try:
            record = next(reader)
        except StopIteration:
            break
        except csv.Error:
            record, reason = [], "endless_field"
        if reason or lines.exhausted:  # a record that asks for more than the file has is inside a quote nobody closed
            rows.refuse(Bad(rows.file, line, reason or "unclosed_quote"))
            lines.give_back()
            reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote)
            continue
        lines.taken.clear()
        if not record:
            continue
        if skip:
            skip -= 1
            continue
        if header_due:
            header_due = False
            if marked and fault(record, len(record), marked=True):
                raise Invalid("source.header", name=rows.file, line=line)
            names = names or column_labels(record)
            continue
        if names is None:
            names = [f"column_{at}" for at in range(1, len(record) + 1)]
        if reason := fault(record, len(names), marked=marked):
            rows.refuse(Bad(rows.file, line, reason))
        else:
            rows.add(line, record)
        if rows.is_full():
            yield rows.batch(names)
    yield rows.batch(names or ())


def fault(record: Sequence[str], width: int, *, marked: bool) -> str:
    """Why a record can't be a row; empty when it can."""
    if len(record) != width:
        return "too_few_fields" if len(record) < width else "too_many_fields"
    if marked and any(MARK.search(cell) for cell in record if not cell.isascii()):
        return "undecodable"
    return ""
