"""Delimited text: encoding, delimiter, header and quoting are found or stated; broken rows are quarantined with their line.

All values are read as text; empty fields are empty text unless `nulls` names them. `_row` is the 1-based line the record starts on.
A piece whose every record is regular is parsed by the frame library; any other by `csv`, record by record. Both give the same rows.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from corpushub.base.errors import Invalid
from corpushub.engine.sources.batches import Bad, Batch, Rows, column_labels, with_nulls
from corpushub.engine.sources.encoding import MARK, is_utf8
from corpushub.engine.sources.files import Blob, Limits
from corpushub.engine.sources.pieces import Form, OpenEnd, decoded, encoded, plain

DELIMITERS = (",", "\t", ";", "|")
SAMPLE_BYTES = 262_144
_NUMBER = re.compile(r"[-+]?[0-9][0-9,.%:/-]*")
_SEPARATOR = re.compile(
    r"sep=([^\r\n])\r?\n"
)  # a first line that tells spreadsheets, and no one else, what stands between fields
NEWLINE, RETURN = 10, 13


def read_csv(blob: Blob, options: Mapping[str, Any], limits: Limits) -> Iterator[Batch]:
    """Batches of a file that fits in memory. Raises: Invalid("source.empty" | "source.header" | "source.too_large")."""
    if blob.bytes() > limits.max_document_bytes:
        raise Invalid("source.too_large", name=blob.name, limit=limits.max_document_bytes)
    form = form_of(blob, options)
    with plain(blob, form) as raw:
        yield from read_piece(blob.name, raw.read(), form, limits, first=True)


def form_of(blob: Blob, options: Mapping[str, Any]) -> Form:
    """Encoding, dialect and column names. Raises: Invalid("source.empty" | "source.header")."""
    form = encoded(blob, options)
    with plain(blob, form) as raw:
        data = raw.read(SAMPLE_BYTES)
    is_part = len(data) == SAMPLE_BYTES
    if is_part and b"\n" in data:
        data = data[: data.rindex(b"\n") + 1]
    sample, marked = decoded(data, form.codec)
    if not sample.strip():
        raise Invalid("source.empty", name=blob.name)
    quote = str(options.get("quote") or '"')
    stated = str(options.get("delimiter") or "")
    told = _SEPARATOR.match(sample)
    delimiter = {"tab": "\t", "\\t": "\t"}.get(stated, stated) or (told[1] if told else find_delimiter(sample, quote))
    form = replace(form, delimiter=delimiter, quote=quote, nulls=tuple(options.get("nulls") or ()))
    above = int(options.get("skip_rows") or (told is not None))
    records = [(line, record) for line, record, reason in islice(parsed(Lines(sample), form), 50 + above) if not reason][above:]
    header = options.get("header")
    has_header = looks_like_header([record for _, record in records]) if header is None else bool(header)
    line, first = records[0] if records else (1, [])
    if has_header and marked and fault(first, len(first), marked=True):
        raise Invalid("source.header", name=blob.name, line=line)
    names = list(options.get("columns") or ()) or (
        column_labels(first) if has_header else [f"column_{at}" for at in range(1, len(first) + 1)]
    )
    return replace(form, names=tuple(names), skip=above + has_header)


def find_delimiter(sample: str, quote: str) -> str:
    """The delimiter that gives the same, largest number of fields most often."""

    def score(delimiter: str) -> tuple[float, int]:
        form = Form("", "", delimiter, quote)
        widths = [len(record) for _, record, reason in islice(parsed(Lines(sample), form), 100) if not reason]
        if not widths:
            return 0.0, 0
        width, hits = Counter(widths).most_common(1)[0]
        return (hits / len(widths) if width > 1 else 0.0), width

    return max(DELIMITERS, key=score)


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Names are distinct, filled and no numbers; a first row as numeric as those below is data. Names that repeat stand above numbers."""
    if not rows:
        return True
    first = [cell.strip().lstrip("\ufeff") for cell in rows[0]]
    filled = [cell for cell in first if cell]
    if not filled or any(len(cell) > 200 for cell in filled):
        return False
    if not all(
        any(character.isalnum() for character in cell) for cell in filled
    ):  # `*` or `-` stands for a value, never for a name
        return False
    numeric = [bool(_NUMBER.fullmatch(cell)) for cell in first]
    below = [[bool(_NUMBER.fullmatch(cell.strip())) for cell in row] for row in rows[1:20] if len(row) == len(first)]
    if len(set(filled)) < len(filled):
        return bool(below) and not any(numeric) and any(map(all, zip(*below, strict=True)))
    if not any(numeric):
        return True
    like_data = sum(all(row[at] for row in below) for at, is_number in enumerate(numeric) if is_number) if below else 0
    return like_data < sum(numeric) / 2 and sum(numeric) < len(first) / 2


def read_piece(file: str, data: bytes, form: Form, limits: Limits, *, first: bool, last: bool = True) -> Iterator[Batch]:
    """The rows of a piece; `_row` counts from its first line. Raises: OpenEnd where a record goes on behind a piece that is not the `last`."""
    skip = form.skip if first else 0
    plain_utf8 = as_utf8(data, form.codec) if len(data) <= limits.max_line_bytes else None
    frame = regular(plain_utf8, form, skip) if plain_utf8 else None
    if frame is not None:
        yield Batch(file, with_nulls(frame, form.nulls), (), "csv", form.encoding)
        return
    text, marked = decoded(data, form.codec)
    rows = Rows(file, format="csv", encoding=form.encoding, nulls=form.nulls)
    csv.field_size_limit(limits.max_line_bytes)
    for line, record, broken in parsed(Lines(text), form, last=last):
        if not broken and skip:
            skip -= 1
            continue
        if reason := broken or fault(record, len(form.names), marked=marked):
            rows.refuse(Bad(file, line, reason))
        else:
            rows.add(line, record)
        if rows.is_full():
            yield rows.batch(form.names)
    yield rows.batch(form.names)


def as_utf8(data: bytes, codec: str) -> bytes | None:
    """The same text in UTF-8; None where some of it is no text."""
    if codec == "utf-8":
        return data if is_utf8(data) else None
    text, marked = decoded(data, codec)
    return None if marked else text.encode()


class Lines:
    """A text's lines, from which a record that went wrong can be taken back, so that one stray quote costs one line and not the rest."""

    def __init__(self, text: str) -> None:
        self.text = io.StringIO(text, newline="")
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


def parsed(lines: Lines, form: Form, *, last: bool = True) -> Iterator[tuple[int, list[str], str]]:
    """(line, fields, why there are none) of every record that is not blank."""
    reader = csv.reader(lines, delimiter=form.delimiter, quotechar=form.quote)
    while True:
        line, reason = lines.number + 1, ""
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            record, reason = [], "endless_field"
        if reason or lines.exhausted:  # a record that asks for more than the file has is inside a quote nobody closed
            if not reason and not last:
                raise OpenEnd
            yield line, [], reason or "unclosed_quote"
            lines.give_back()
            reader = csv.reader(lines, delimiter=form.delimiter, quotechar=form.quote)
            continue
        lines.taken.clear()
        if record:
            yield line, record, ""


def fault(record: Sequence[str], width: int, *, marked: bool) -> str:
    """Why a record can't be a row; empty when it can."""
    if len(record) != width:
        return "too_few_fields" if len(record) < width else "too_many_fields"
    if marked and any(MARK.search(cell) for cell in record if not cell.isascii()):
        return "undecodable"
    return ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the records of a text lie: the offset behind each one's line end, the line each begins on, how many fields each has."""

    ends: Any
    lines: Any
    widths: Any


def regular(data: bytes, form: Form, skip: int) -> pl.DataFrame | None:
    """The rows of UTF-8 text in which no record needs a second look; None for any other."""
    if len(form.delimiter) != 1 or len(form.quote) != 1 or not (form.delimiter + form.quote).isascii():
        return None
    layout = layout_of(data, ord(form.delimiter), ord(form.quote))
    if layout is None or len(layout.ends) <= skip or (layout.widths[skip:] != len(form.names)).any():
        return None
    start = int(layout.ends[skip - 1]) if skip else 0
    frame = pl.read_csv(
        data[start:] if start else data, has_header=False, separator=form.delimiter, quote_char=form.quote, infer_schema=False,
        schema=dict.fromkeys(form.names, pl.String()), empty_string_is_null=False, missing_columns="raise", extra_columns="raise",
    )  # fmt: skip
    assert frame.height == len(layout.ends) - skip, "a regular record is one row"
    return frame.insert_column(0, pl.Series("_row", layout.lines[skip:], dtype=pl.UInt32))


def layout_of(data: bytes, delimiter: int, quote: int) -> Layout | None:
    """The layout of a text whose quotes all open or close a field or are doubled inside one, without blank lines or lone returns."""
    letters = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(letters == NEWLINE)
    if b"\r" in data and data.count(b"\r") != int((letters[breaks - 1] == RETURN).sum()):
        return None
    marks = np.flatnonzero(letters == delimiter)
    quotes = np.flatnonzero(letters == quote)
    ends = breaks
    if len(quotes):
        if len(quotes) % 2 or not are_regular(letters, quotes, delimiter):
            return None
        ends = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
        marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
    ends = ends + 1
    if not len(ends) or ends[-1] < len(data):
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1]])
    if (letters[starts] == NEWLINE).any() or (letters[starts] == RETURN).any():  # a blank line
        return None
    widths = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
    return Layout(ends, np.searchsorted(breaks, starts) + 1, widths)


def are_regular(letters: Any, quotes: Any, delimiter: int) -> bool:
    """Does every quote that opens stand at the start of a field or behind one that closes, and every one that closes before a field's end?"""
    opens, closes = quotes[0::2], quotes[1::2]
    before = letters[opens - 1]
    fine = (before == delimiter) | (before == NEWLINE) | (opens == 0)
    fine[1:] |= opens[1:] - 1 == closes[:-1]
    if not fine.all():
        return False
    behind = np.minimum(closes + 1, len(letters) - 1)
    after = letters[behind]
    fine = (after == delimiter) | (after == NEWLINE) | (after == RETURN) | (closes + 1 == len(letters))
    fine[:-1] |= closes[:-1] + 1 == opens[1:]
    return bool(fine.all())
