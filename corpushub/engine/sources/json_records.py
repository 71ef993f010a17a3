"""JSON and JSON Lines. Objects are flattened with dots (`name.zh`), lists of plain values stay lists, lists of objects become JSON text.

A JSON document holds records where `records` says (`data.items`), or in the root list (lists of lists count as one list), or in the only
list of objects the root has, or the `data` (`result` …) in it. `_row` is the line (JSON Lines) or the 1-based record number. A record with two values for one column is quarantined.
"""

from __future__ import annotations

import io
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.engine.dtypes import safe_name
from corpushub.engine.sources.batches import BATCH_BYTES, BATCH_ROWS, Bad, Batch, as_text, objects_batch
from corpushub.engine.sources.encoding import MARK, detect
from corpushub.engine.sources.files import Blob, Limits
from corpushub.engine.sources.json_stream import ENVELOPES, Cursor, Twice, deepest, has_twice, only_list, records, the_list, whole
from corpushub.engine.sources.pieces import Form, decoded, encoded, plain

MAX_DEPTH = 4
PLAIN = {str, int, bool, type(None)}
BLANK = " \t\n\r"
SCAN = vars(json.JSONDecoder())["scan_once"]  # value and end, or StopIteration
ENDLESS_NUMBER = re.compile(rf"[0-9]{{{sys.get_int_max_str_digits() + 1},}}")
WHOLE_BYTES = 32_000_000  # larger documents are read piece by piece


def read_jsonl(blob: Blob, options: Mapping[str, Any], limits: Limits) -> Iterator[Batch]:
    """Batches of a file with one JSON object per line that fits in memory; lines that are none are quarantined."""
    if blob.bytes() > limits.max_document_bytes:
        raise Invalid("source.too_large", name=blob.name, limit=limits.max_document_bytes)
    form = encoded(blob, options)
    with plain(blob, form) as raw:
        yield from read_piece(blob.name, raw.read(), form, limits)


def read_piece(file: str, data: bytes, form: Form, limits: Limits, *, first: bool = True, last: bool = True) -> Iterator[Batch]:
    """The records of some lines; `_row` counts from the first of them."""
    _ = first, last  # no record goes on behind its line
    text, marked = decoded(data, form.codec)
    pairs: list[tuple[int, dict[str, Any]]] = []
    bad: list[Bad] = []
    size = 0
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        if len(line) > limits.max_line_bytes:
            bad.append(Bad(file, number, "endless_line"))
            continue
        if line.isspace():
            continue
        record = parse_line(line, marked=marked)
        if isinstance(record, str):
            bad.append(Bad(file, number, record))
            continue
        try:
            item = flat(record)
        except EqualColumns:
            bad.append(Bad(file, number, "equal_keys"))
            continue
        pairs.append((number, item))
        size += len(line)
        if size >= BATCH_BYTES or len(pairs) >= BATCH_ROWS:
            yield objects_batch(file, pairs, bad, "jsonl", form.encoding)
            pairs, bad, size = [], [], 0
    yield objects_batch(file, pairs, bad, "jsonl", form.encoding)


def parse_line(line: str, *, marked: bool) -> dict[str, Any] | str:
    """The object on a line, or why there is none."""
    if marked and MARK.search(line):
        return "undecodable"
    try:
        value, end = SCAN(line, len(line) - len(line.lstrip(BLANK)))  # what `json.loads` does, without its three calls on the way
    except RecursionError:
        return "too_deep"
    except (ValueError, StopIteration):
        return "not_json"
    if end < len(line) and line[end:].strip(BLANK):
        return "not_json"
    if not isinstance(value, dict):
        return "not_an_object"
    value = value if line.count(":") == len(value) else whole(line, value)  # the first is the second's usual answer
    return "lone_surrogate" if "\\u" in line and has_surrogate(value) else value


def has_surrogate(value: Any) -> bool:
    """Half a surrogate pair, written as an escape, is JSON but no text."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def read_json(blob: Blob, options: Mapping[str, Any], limits: Limits) -> Iterator[Batch]:
    """Batches of one JSON document. Raises: Invalid("source.not_json" | "source.too_large" | "source.too_deep" | "source.equal_keys" | "source.no_records")."""
    pairs: list[tuple[int, dict[str, Any]]] = []
    bad: list[Bad] = []
    size = 0
    for number, record in enumerate(records_of(blob, options, limits), 1):
        if not isinstance(record, dict):
            bad.append(Bad(blob.name, number, "not_an_object"))
            continue
        if has_surrogate(record):
            bad.append(Bad(blob.name, number, "lone_surrogate"))
            continue
        try:
            item = flat(record)
        except EqualColumns:
            bad.append(Bad(blob.name, number, "equal_keys"))
            continue
        pairs.append((number, item))
        size += sum(len(part) for part in item.values() if isinstance(part, str))
        if size >= BATCH_BYTES or len(pairs) >= BATCH_ROWS:
            yield objects_batch(blob.name, pairs, bad, "json")
            pairs, bad, size = [], [], 0
    yield objects_batch(blob.name, pairs, bad, "json")


def records_of(blob: Blob, options: Mapping[str, Any], limits: Limits) -> Iterator[Any]:
    """A document's records, read piece by piece where it is large and they are in one list."""
    path = str(options.get("records") or "")
    with blob.open() as raw:
        codec = detect(raw, str(options.get("encoding") or ""))
    if blob.bytes() > WHOLE_BYTES and (streamed := stream(blob, codec, path, limits)) is not None:
        yield from streamed
        return
    if blob.bytes() > limits.max_document_bytes:
        raise Invalid("source.too_large", name=blob.name, limit=limits.max_document_bytes)
    document = text_of(blob, codec)
    try:
        value = whole(document, json.loads(document))
    except json.JSONDecodeError as error:
        raise Invalid("source.not_json", name=blob.name, line=error.lineno, column=error.colno) from None
    except RecursionError:
        at, depth = deepest(document)
        line, column = line_of(document, at)
        raise Invalid("source.too_deep", name=blob.name, line=line, column=column, depth=depth) from None
    except ValueError:  # a number of more digits than Python makes an integer of
        found = ENDLESS_NUMBER.search(document)
        line, column = line_of(document, found.start() if found else 0)
        raise Invalid("source.not_json", name=blob.name, line=line, column=column) from None
    yield from find_records(value, path, blob.name)


def text_of(blob: Blob, codec: str) -> str:
    data = blob.read()
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(codec, "ignore")
        line, column = line_of(before, len(before))
        raise Invalid("source.not_json", name=blob.name, line=line, column=column) from None


def line_of(document: str, at: int) -> tuple[int, int]:
    """1-based line and column."""
    return document.count("\n", 0, at) + 1, at - document.rfind("\n", 0, at)


def stream(blob: Blob, codec: str, path: str, limits: Limits) -> Iterator[Any] | None:
    """The records one after the other; None where only the whole document tells where they are."""
    if not path:
        with blob.open() as raw:
            root = Cursor(raw, codec, blob.name, limits.max_line_bytes)
            path = only_list(root) if root.peek() == "{" else ""
            if not path and root.peek() != "[":
                return None
    return listed(blob, codec, path, limits)


def listed(blob: Blob, codec: str, path: str, limits: Limits) -> Iterator[Any]:
    with blob.open() as raw:
        cursor = Cursor(raw, codec, blob.name, limits.max_line_bytes)
        yield from records(cursor, path)
        if not path and cursor.peek():
            raise cursor.broken()


def find_records(value: Any, path: str, name: str) -> Iterator[Any]:
    """The records of a document; see the module's rules."""
    for part in filter(None, path.split(".")):
        if not isinstance(value, dict) or part not in value:
            raise Invalid("source.no_records", name=name, path=path)
        value = entered(value, name)[part]
    if isinstance(value, dict):
        entered(value, name)
    if isinstance(value, dict) and not path:
        path = list_within(value, name)
        value = value_at(value, path) if path else [value]
    if isinstance(value, dict):
        value = list(value.values()) if all(isinstance(item, dict) for item in value.values()) else [value]
    if not isinstance(value, list):
        raise Invalid("source.no_records", name=name, path=path)
    yield from unnested(value)


def list_within(value: dict[str, Any], name: str, *, is_root: bool = True) -> str:
    """`json_stream.only_list` of a document that was read whole."""
    found = [key for key, item in value.items() if isinstance(item, list) and item and isinstance(item[0], dict)]
    inside = [
        f"{key}.{within}" if (within := list_within(entered(item, name), name, is_root=False)) else ""
        for key, item in value.items()
        if isinstance(item, dict) and key.lower() in ENVELOPES
    ]
    beside = [key for key, item in value.items() if not (isinstance(item, dict) and key.lower() in ENVELOPES)]
    return the_list(found, inside, beside, is_root=is_root)


def value_at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value[part]
    return value


def entered(value: dict[str, Any], name: str) -> dict[str, Any]:
    """An object around the records. Raises: Invalid("source.equal_keys") where records of it are lost."""
    if isinstance(value, Twice):
        raise Invalid("source.equal_keys", name=name, key=value.key)
    return value


def unnested(items: list[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, list):
            yield from unnested(item)
        else:
            yield item


class EqualColumns(Exception):
    """A record gives two values for one column."""


@lru_cache(maxsize=1024)
def names_of(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The columns' names; most records have the keys of the one before. Raises: EqualColumns."""
    names = tuple(safe_name(key.strip()) or "column" for key in keys)
    if len(set(names)) < len(names):
        raise EqualColumns
    return names


def flat(record: dict[str, Any], prefix: str = "", depth: int = 1) -> dict[str, Any]:
    """One level of dotted names; beyond `MAX_DEPTH` objects stay as JSON text. Raises: EqualColumns."""
    if isinstance(record, Twice):
        raise EqualColumns
    keys = tuple(record)
    names = names_of(keys)
    if not prefix and PLAIN.issuperset(map(type, record.values())):
        return record if names == keys else dict(zip(names, record.values(), strict=True))
    found: dict[str, Any] = {}
    for name, value in zip(names, record.values(), strict=True):
        here = cells(f"{prefix}{name}", value, depth)
        if not here.keys().isdisjoint(found):
            raise EqualColumns
        found |= here
    return found


def cells(name: str, value: Any, depth: int) -> dict[str, Any]:
    """What a value is in the table: itself, text, or the columns of an object."""
    if isinstance(value, dict) and value and depth < MAX_DEPTH:
        return flat(value, f"{name}.", depth + 1)
    if isinstance(value, (dict, list)) and has_twice(value):
        raise EqualColumns
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict | list) for item in value)):
        return {name: as_text(value)}
    return {name: None if isinstance(value, float) and math.isnan(value) else value}
