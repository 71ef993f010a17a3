"""What the library that reads workbooks does not tell of an XLSX: how far its cells reach, and which formulas nobody has computed."""

from __future__ import annotations

import io
import re
import zipfile
from posixpath import join, normpath

from corpushub.base.errors import Invalid
from corpushub.engine.sources.files import Limits

MOST_CELLS = 32_000_000  # of a sheet, between its first cell and its furthest
UNPACKED = 8  # times the bound for a document may a workbook hold once it is unpacked
CELL_ROWS = re.compile(rb'<row [^>]*?\br="([0-9]{1,9})"')
CELL_COLUMNS = re.compile(rb'<c [^>]*?\br="([A-Z]{1,3})[0-9]')
# A formula's cell without a value. One that says its value is text (`t="str"`) may well be empty.
UNCOMPUTED = re.compile(rb"<c ([^>]*)>(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>")
CELL_ROW = re.compile(rb'\br="[A-Z]{1,3}([0-9]{1,9})"')
SHEET = re.compile(rb'<sheet [^>]*?\br:id="([^"]+)"')
RELATION = re.compile(rb"<Relationship [^>]*>")
ATTRIBUTE = re.compile(rb'\b(Id|Target)="([^"]+)"')


def check_extent(data: bytes, name: str, limits: Limits) -> None:
    """Refuse an XLSX that would not fit in memory: the library lays out every cell between the first and the furthest one, also empty ones.

    Raises: Invalid("source.too_large" | "source.sheet_extent").
    """
    if not data.startswith(b"PK"):
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > limits.max_document_bytes * UNPACKED:
            raise Invalid("source.too_large", name=name, limit=limits.max_document_bytes)
        for member in members:
            if not member.filename.startswith("xl/worksheets/sheet"):
                continue
            xml = archive.read(member)
            row = max((int(number) for number in CELL_ROWS.findall(xml)), default=0)
            width = max((column_number(letters) for letters in set(CELL_COLUMNS.findall(xml))), default=0)
            if row * width > MOST_CELLS:
                raise Invalid("source.sheet_extent", name=name, rows=row, columns=width, limit=MOST_CELLS)


def column_number(letters: bytes) -> int:
    """`A` is 1, `XFD` 16,384."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def uncomputed_rows(data: bytes, at: int) -> frozenset[int]:
    """The rows of the sheet at this place in the workbook that hold a formula without its value, as programs write it that cannot compute."""
    if not data.startswith(b"PK"):
        return frozenset()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = set(archive.namelist())
        if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= members:
            return frozenset()  # an ODS, which has no such cells
        relations = (dict(ATTRIBUTE.findall(found)) for found in RELATION.findall(archive.read("xl/_rels/workbook.xml.rels")))
        targets = {relation.get(b"Id"): relation.get(b"Target", b"").decode() for relation in relations}
        sheets = SHEET.findall(archive.read("xl/workbook.xml"))
        path = normpath(join("/xl", targets.get(sheets[at], ""))).lstrip("/") if at < len(sheets) else ""
        cells = UNCOMPUTED.findall(archive.read(path)) if path in members else []
    rows = (CELL_ROW.search(cell) for cell in cells if b't="str"' not in cell)
    return frozenset(int(row[1]) for row in rows if row)
