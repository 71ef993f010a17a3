"""Workbooks: what lies in them unseen, or far off, and what only looks like an archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from corpushub.base.errors import Invalid
from tests.engine.sources.test_opening import opened, rows, write


def spreadsheet(rows_: list[list[str]]) -> bytes:
    """An ODS of one sheet."""
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    cells = "".join(f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>" for row in rows_)
    names = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    body = (
        f'<office:body><office:spreadsheet><table:table table:name="s">{cells}</table:table></office:spreadsheet></office:body>'
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("content.xml", f"<office:document-content {names}>{body}</office:document-content>")
        entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
        archive.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{space}">{entry}</manifest:manifest>')
    return buffer.getvalue()


def test_an_open_document_is_a_workbook_and_no_archive(tmp_path: Path) -> None:
    table = [["地区", "人口"], ["东城", "12"], ["西城", "20"]]
    assert rows(opened(tmp_path, write(tmp_path, "a.ods", spreadsheet(table)))) == [
        {"地区": "东城", "人口": "12"},
        {"地区": "西城", "人口": "20"},
    ]


def test_a_cell_far_off_the_table_is_refused_before_the_memory_between_is_taken(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["a", "b"])
    sheet.write(1_048_575, 16_383, "x")
    book.close()
    with pytest.raises(Invalid, match=r"source\.sheet_extent") as caught:
        opened(tmp_path, write(tmp_path, "a.xlsx", buffer.getvalue()))
    assert caught.value.facts["rows"] == 1_048_576
    assert caught.value.facts["columns"] == 16_384


def test_a_hidden_sheet_is_read_only_when_it_is_asked_for(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    hidden, shown = book.add_worksheet("hidden"), book.add_worksheet("shown")
    for sheet, word in ((hidden, "h"), (shown, "v")):
        sheet.write_column(0, 0, [word, "1"])
    shown.activate()
    shown.set_first_sheet()
    hidden.hide()
    book.close()
    name = write(tmp_path, "a.xlsx", buffer.getvalue())
    assert rows(opened(tmp_path, name)) == [{"v": "1"}]
    assert rows(opened(tmp_path, name, sheet="hidden")) == [{"h": "1"}]
