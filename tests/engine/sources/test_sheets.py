"""Workbooks: what lies in them unseen, or far off, and what only looks like an archive."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from corpushub.base.errors import Invalid
from corpushub.engine.sources.sheets import duration
from corpushub.engine.sources.xlsx import uncomputed_rows
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


def test_a_row_whose_formula_nobody_computed_is_set_aside(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    other, sheet = book.add_worksheet("other"), book.add_worksheet("sums")
    other.write_column(0, 0, ["n", "1", "2", "3"])
    sheet.write_row(0, 0, ["n", "sum"])
    for row, value in enumerate([3, "", "x"], 1):
        sheet.write(row, 0, row)
        sheet.write_formula(row, 1, "=A1&A2", value=value)
    book.close()
    name = write(tmp_path, "a.xlsx", buffer.getvalue())
    source = opened(tmp_path, name, sheet="sums", limits={"max_quarantine_ratio": 1})
    assert rows(source) == [{"n": "1", "sum": "3"}, {"n": "3", "sum": "x"}]
    assert [(bad.line, bad.reason) for bad in source.quarantine] == [(3, "uncomputed")]
    assert len(rows(opened(tmp_path, name))) == 3


def test_a_formula_whose_value_is_empty_text_is_an_empty_cell() -> None:
    cells = b'<row r="2"><c r="A2" t="str"><f>IF(1,"")</f><v></v></c><c r="B2" s="1"/></row><row r="3"><c r="B3" s="1"><f>1</f></c></row>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", '<sheets><sheet name="s" sheetId="1" r:id="r1"/></sheets>')
        archive.writestr("xl/_rels/workbook.xml.rels", '<Relationship Target="/xl/worksheets/data.xml" Id="r1"/>')
        archive.writestr("xl/worksheets/data.xml", cells)
    assert uncomputed_rows(buffer.getvalue(), 0) == {3}


def test_a_duration_is_told_in_hours_however_many(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet, shown = book.add_worksheet(), book.add_format({"num_format": "[h]:mm:ss"})
    spans = [dt.timedelta(hours=2), dt.timedelta(days=4, minutes=3, seconds=9), dt.timedelta(seconds=1, microseconds=500_000)]
    sheet.write_row(0, 0, ["n", "span"])
    for row, span in enumerate(spans, 1):
        sheet.write(row, 0, "x")
        sheet.write(row, 1, span, shown)
    book.close()
    found = rows(opened(tmp_path, write(tmp_path, "a.xlsx", buffer.getvalue())))
    assert [row["span"] for row in found] == ["02:00:00", "96:03:09", "00:00:01.500000"]
    assert duration(dt.timedelta(hours=-1)) == "-01:00:00"
