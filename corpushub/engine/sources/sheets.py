"""Workbooks: XLSX, legacy XLS and ODS through calamine. Cells are read as text; whole numbers lose their `.0`, dates are ISO.

Title rows above the table are skipped, a header of two merged rows is joined with `/`, notes below the table are quarantined as `footer`,
rows with a formula that nobody has computed as `uncomputed`. Durations are hours, minutes and seconds, however many hours.
`_row` is the sheet's 1-based row.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.engine.sources.batches import Bad, Batch, Rows, column_labels
from corpushub.engine.sources.files import Blob, Limits
from corpushub.engine.sources.xlsx import check_extent, uncomputed_rows


def read_sheets(blob: Blob, options: Mapping[str, Any], limits: Limits) -> Iterator[Batch]:
    """Batches of one workbook: the sheet named or numbered by `sheet` (`all` for every sheet, which adds the column `sheet`), else the first visible.

    Raises: Invalid("source.workbook" | "source.sheet" | "source.sheet_extent" | "source.too_large").
    """
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    if blob.bytes() > limits.max_document_bytes:
        raise Invalid("source.too_large", name=blob.name, limit=limits.max_document_bytes)
    try:
        data = blob.read()
        check_extent(data, blob.name, limits)
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        wanted = options.get("sheet", shown[0] if shown else None)
        names = list(book.sheet_names) if wanted == "all" else [pick(book.sheet_names, wanted, blob.name)]
        for name in names:
            sheet = book.get_sheet_by_name(name)
            rows = [[cell_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
            uncomputed = uncomputed_rows(data, list(book.sheet_names).index(name))
            yield from table(rows, blob.name, name if wanted == "all" else "", options, uncomputed)
    except (CalamineError, OSError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise Invalid("source.workbook", name=blob.name, kind=type(error).__name__) from error


def pick(names: Sequence[str], wanted: Any, file: str) -> str:
    if wanted is None and names:
        return names[0]
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return names[wanted - 1]
    if wanted in names:
        return str(wanted)
    raise Invalid("source.sheet", name=file, sheet=wanted, known=", ".join(names))


def cell_text(cell: Any) -> str:
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.datetime() | dt.date() | dt.time():
            return cell.isoformat()
        case dt.timedelta():
            return duration(cell)
        case _:
            return str(cell).strip()


def duration(span: dt.timedelta) -> str:
    """`26:03:00`, as the sheet shows it and as a time of day is written."""
    seconds, rest = divmod(abs(span), dt.timedelta(seconds=1))
    fraction = f".{rest.microseconds:06d}" if rest else ""
    return f"{'-' if span < dt.timedelta() else ''}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"


def table(
    rows: list[list[str]], file: str, sheet: str, options: Mapping[str, Any], uncomputed: AbstractSet[int] = frozenset()
) -> Iterator[Batch]:
    """The table of one sheet: header found, footer cut."""
    width = max((len(row) for row in rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    stated = options.get("skip_rows")
    top = int(stated) if stated is not None else header_row(rows)
    depth = 0 if options.get("header") is False else header_depth(rows, top)
    names = header_names(rows[top : top + depth], width)
    if options.get("columns"):
        names = list(options["columns"]) + names[len(options["columns"]) :]
    used = [
        at
        for at in range(width)
        if depth == 0 or not names[at].startswith("column_") or any(row[at] for row in rows[top + depth :])
    ]
    collected = Rows(file, "sheet", nulls=tuple(options.get("nulls") or ()))
    labels = [names[at] for at in used] + (["sheet"] if sheet else [])
    last = footer_start(rows, top + depth, int(options.get("footer_rows") or 0))
    for at in range(top + depth, len(rows)):
        row = [rows[at][column] for column in used]
        if not any(row):
            continue
        if at >= last or at + 1 in uncomputed:
            collected.refuse(Bad(file, at + 1, "footer" if at >= last else "uncomputed"))
            continue
        collected.add(at + 1, [*row, sheet] if sheet else row)
        if collected.is_full():
            yield collected.batch(labels)
    yield collected.batch(labels)


def header_row(rows: Sequence[Sequence[str]]) -> int:
    """The first of the top 20 rows that fills most of what the fullest of them fills: titles above a table fill little."""
    fills = [sum(map(bool, row)) for row in rows[:20]]
    most = max(fills, default=0)
    return next((at for at, fill in enumerate(fills) if fill >= max(1, most * 0.5)), 0)


def header_depth(rows: Sequence[Sequence[str]], top: int) -> int:
    """2 where the header's gaps (cells merged to the right) are named in the row below, which holds no numbers, else 1."""
    if top + 2 >= len(rows):
        return 1
    upper, lower = rows[top], rows[top + 1]
    inner_gaps = [at for at in range(1, len(upper)) if not upper[at] and any(upper[at:])] + trailing_gaps(upper, lower)
    if not inner_gaps or not all(lower[at] for at in inner_gaps):
        return 1
    named_once = [at for at in range(len(upper)) if upper[at] and not lower[at]]
    has_numbers = any(cell.replace(".", "", 1).isdigit() for cell in lower if cell)
    return 2 if named_once and not has_numbers else 1


def trailing_gaps(upper: Sequence[str], lower: Sequence[str]) -> list[int]:
    last = max((at for at, cell in enumerate(upper) if cell), default=-1)
    return [at for at in range(last + 1, len(upper)) if lower[at]]


def header_names(header: Sequence[Sequence[str]], width: int) -> list[str]:
    if not header:
        return [f"column_{at}" for at in range(1, width + 1)]
    if len(header) == 1:
        return column_labels(header[0])
    joined, left = [], ""
    for upper, lower in zip(header[0], header[1], strict=True):
        left = upper or left
        joined.append(f"{left}/{lower}" if lower and left else left if upper else lower)
    return column_labels(joined)


def footer_start(rows: Sequence[Sequence[str]], first: int, stated: int) -> int:
    """Index of the first footer row: what is stated, or trailing rows of a wide table that fill their first cell only."""
    last = len(rows)
    while last > first and not any(rows[last - 1]):
        last -= 1
    if stated:
        return last - stated
    if rows and len(rows[0]) < 3:
        return last
    while last > first and rows[last - 1][0] and not any(rows[last - 1][1:]) and len(rows) - last < 20:
        last -= 1
    return last
