"""Many entries in one text, as a spreadsheet (CSV) or a program (JSON, JSON lines) hands them over: each row as the entry it describes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from corpushub.base.errors import Invalid


def read_rows(text: str) -> list[dict[str, Any]]:
    """Rows of `text`, whose first letter tells its form.

    Raises: Invalid("intake.row") naming the row.
    """
    text = text.removeprefix("\ufeff").strip()
    if text[:1] not in {"{", "["}:
        return [entry_of(row) for row in csv.DictReader(io.StringIO(text))]
    if text[:1] == "[":
        return [row if isinstance(row, dict) else {} for row in parsed(text, 1)]
    found = [parsed(line, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    return [row if isinstance(row, dict) else {} for row in found]


def parsed(text: str, row: int) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("intake.row", row=row) from None


def entry_of(row: Mapping[str | Any, Any]) -> dict[str, Any]:
    """A row of a table: `title.zh` is the part `zh` of `title`; mappings and lists may stand in a cell as JSON; empty cells say nothing."""
    entry: dict[str, Any] = {}
    for column, cell in row.items():
        if not isinstance(column, str) or not cell:
            continue
        whole, dot, part = column.strip().partition(".")
        if dot:
            held = entry.setdefault(whole, {})
            if isinstance(held, dict):
                held[part] = cell
        else:
            entry[whole] = cell_of(cell)
    return entry


def cell_of(cell: str) -> Any:
    if cell.lstrip()[:1] not in {"{", "["}:
        return cell
    try:
        return json.loads(cell)
    except ValueError:
        return cell
