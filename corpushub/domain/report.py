"""A report as sections of text and tables, printed three ways: Markdown, one HTML page for the printer, and a Word document.

Equal reports give equal bytes: the Word file's members carry no time of their own.
"""

from __future__ import annotations

import html
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

Row = tuple[str, ...]
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip archive can state


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with text below it and, after that, a table (`heads` and `rows`)."""

    title: str
    text: tuple[str, ...] = ()
    heads: Row = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    lang: str
    text: tuple[str, ...] = ()
    sections: tuple[Section, ...] = field(default=())


def to_markdown(report: Report) -> bytes:
    lines = [f"# {report.title}", "", *spaced(report.text)]
    for section in report.sections:
        lines += [f"## {section.title}", "", *spaced(section.text)]
        if section.heads:
            lines += [markdown_row(section.heads), markdown_row(["---"] * len(section.heads))]
            lines += [*[markdown_row(row) for row in section.rows], ""]
    return "\n".join(lines).encode()


def spaced(lines: Sequence[str]) -> list[str]:
    return [part for line in lines for part in (line, "")]


def markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


STYLE = """body{font:11pt/1.6 "Noto Serif CJK SC","Songti SC",SimSun,serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#111}
h1{font-size:1.5em;text-align:center}h2{font-size:1.15em;margin-top:1.6em}table{border-collapse:collapse;width:100%}
th,td{border:1px solid #888;padding:.25em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere;font-size:.9em}
th{background:#eee}tr{break-inside:avoid}@page{size:A4;margin:20mm}@media print{body{margin:0;max-width:none}}"""


def to_html(report: Report) -> bytes:
    said = html.escape
    parts = [f"<h1>{said(report.title)}</h1>", *[f"<p>{said(line)}</p>" for line in report.text]]
    for section in report.sections:
        parts += [f"<h2>{said(section.title)}</h2>", *[f"<p>{said(line)}</p>" for line in section.text]]
        if section.heads:
            head = "".join(f'<th scope="col">{said(cell)}</th>' for cell in section.heads)
            body = "".join("<tr>" + "".join(f"<td>{said(cell)}</td>" for cell in row) + "</tr>" for row in section.rows)
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    head = f'<meta charset="utf-8"><title>{said(report.title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="{said(report.lang)}"><head>{head}</head><body>{"".join(parts)}</body></html>'.encode()


# Word: the smallest package the standard (ISO/IEC 29500) calls a document.
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_MAIN}"/></Types>'
)
_RELATIONS = f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_OFFICE}" Target="word/document.xml"/></Relationships>'
_BORDERS = "".join(
    f'<w:{side} w:val="single" w:sz="4" w:color="888888"/>' for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)
_FONT = '<w:rFonts w:ascii="Times New Roman" w:hAnsi="Times New Roman" w:eastAsia="SimSun"/>'
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


def to_docx(report: Report) -> bytes:
    body = [paragraph(report.title, size=36, level=0), *[paragraph(line) for line in report.text]]
    for section in report.sections:
        body += [paragraph(section.title, size=28, level=1), *[paragraph(line) for line in section.text]]
        if section.heads:
            body += [table(section.heads, section.rows), paragraph("")]
    page = '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1134" w:right="1134" w:bottom="1134" w:left="1134"/></w:sectPr>'
    document = f'<w:document xmlns:w="{_W}"><w:body>{"".join(body)}{page}</w:body></w:document>'
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as package:
        for name, text in (("[Content_Types].xml", _TYPES), ("_rels/.rels", _RELATIONS), ("word/document.xml", document)):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(member, (_XML + text).encode())
    return sink.getvalue()


def paragraph(text: str, *, size: int = 21, level: int | None = None) -> str:
    """`size` in half points; `level` makes it a heading of the document's outline."""
    outline = "" if level is None else f'<w:pPr><w:keepNext/><w:outlineLvl w:val="{level}"/></w:pPr>'
    bold = "" if level is None else "<w:b/>"
    run = f'<w:r><w:rPr>{_FONT}{bold}<w:sz w:val="{size}"/></w:rPr><w:t xml:space="preserve">{html.escape(text)}</w:t></w:r>'
    return f"<w:p>{outline}{run}</w:p>"


def table(heads: Row, rows: Sequence[Row]) -> str:
    def line(cells: Row, *, head: bool) -> str:
        mark = "<w:trPr><w:tblHeader/></w:trPr>" if head else ""
        return f"<w:tr>{mark}" + "".join(f"<w:tc><w:tcPr/>{paragraph(cell, size=18)}</w:tc>" for cell in cells) + "</w:tr>"

    grid = "<w:tblGrid>" + "<w:gridCol/>" * len(heads) + "</w:tblGrid>"
    style = f'<w:tblPr><w:tblW w:w="5000" w:type="pct"/><w:tblBorders>{_BORDERS}</w:tblBorders></w:tblPr>'
    return f"<w:tbl>{style}{grid}{line(heads, head=True)}{''.join(line(row, head=False) for row in rows)}</w:tbl>"


PRINTERS: Mapping[str, Callable[[Report], bytes]] = MappingProxyType({"md": to_markdown, "html": to_html, "docx": to_docx})
MEDIA = MappingProxyType({
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
})  # fmt: skip
