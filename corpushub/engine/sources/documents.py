"""Documents: plain text, Markdown and HTML. One record per file (`path`, `title`, `text`), or per line, or per HTML element."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.engine.sources import pieces
from corpushub.engine.sources.batches import BATCH_BYTES, BATCH_ROWS, Bad, Batch, objects_batch
from corpushub.engine.sources.encoding import MARK, detect
from corpushub.engine.sources.files import Blob, Limits

_HEADING = re.compile(r"^#{1,3}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
HIDDEN = "script, style, noscript, template, svg, iframe, nav, header, footer, form, aside"


def read_text(blob: Blob, options: Mapping[str, Any], limits: Limits) -> Iterator[Batch]:
    """One record, or one per line where `records: lines`."""
    text, bad = decoded(blob, options, limits)
    kind = kind_of(blob.name)
    if options.get("records") == "lines":
        yield from lines(blob.name, text, kind)
        return
    if bad:
        yield objects_batch(blob.name, [], [Bad(blob.name, 1, bad)], kind)
        return
    heading = _HEADING.search(text[:20_000]) if kind == "markdown" else None
    title = heading.group(1).strip() if heading else PurePosixPath(blob.name).stem
    yield objects_batch(blob.name, [(1, {"path": blob.name, "title": title, "text": text})], [], kind)


def kind_of(name: str) -> str:
    return "markdown" if name.lower().endswith((".md", ".markdown")) else "text"


def read_piece(
    file: str, data: bytes, form: pieces.Form, limits: Limits, *, first: bool = True, last: bool = True
) -> Iterator[Batch]:
    """A record for each of some lines; `_row` counts from the first of them."""
    _ = limits, first, last
    text, _marked = pieces.decoded(data, form.codec)
    yield from lines(file, text.replace("\r\n", "\n").replace("\r", "\n"), kind_of(file))


def decoded(blob: Blob, options: Mapping[str, Any], limits: Limits) -> tuple[str, str]:
    """The file's text and, where it holds bytes no encoding explains, a reason to refuse it."""
    if blob.bytes() > limits.max_document_bytes:
        raise Invalid("source.too_large", name=blob.name, limit=limits.max_document_bytes)
    with blob.open() as raw:
        codec = detect(raw, str(options.get("encoding") or ""))
    text, marked = pieces.decoded(blob.read(), codec)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    reason = "undecodable" if marked else "binary" if "\x00" in text else ""
    return text, reason


def lines(name: str, text: str, kind: str) -> Iterator[Batch]:
    pairs: list[tuple[int, dict[str, Any]]] = []
    bad: list[Bad] = []
    size = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if MARK.search(line):
            bad.append(Bad(name, number, "undecodable"))
            continue
        pairs.append((number, {"text": line}))
        size += len(line)
        if size >= BATCH_BYTES or len(pairs) >= BATCH_ROWS:
            yield objects_batch(name, pairs, bad, kind)
            pairs, bad, size = [], [], 0
    yield objects_batch(name, pairs, bad, kind)


def read_html(blob: Blob, options: Mapping[str, Any], limits: Limits) -> Iterator[Batch]:
    """One record per page (`path`, `title`, `text`), or one per element that matches the CSS selector `records` (`text`, `href`)."""
    from selectolax.lexbor import LexborHTMLParser

    text, bad = decoded(blob, options, limits)
    if bad:
        yield objects_batch(blob.name, [], [Bad(blob.name, 1, bad)], "html")
        return
    page = LexborHTMLParser(text)
    selector = str(options.get("records") or "")
    if selector:
        found = [element(node) for node in page.css(selector)]
        yield objects_batch(blob.name, [(at, record) for at, record in enumerate(found, 1) if record["text"]], [], "html")
        return
    title = page.css_first("title")
    for node in page.css(HIDDEN):
        node.decompose()
    body = page.body
    record = {
        "path": blob.name,
        "title": title.text(strip=True) if title else PurePosixPath(blob.name).stem,
        "text": tidy(body.text(separator="\n")) if body else "",
    }
    yield objects_batch(blob.name, [(1, record)], [], "html")


def element(node: Any) -> dict[str, Any]:
    link = node if node.tag == "a" else node.css_first("a")
    return {"text": tidy(node.text(separator=" ")), "href": (link.attributes.get("href") if link else None)}


def tidy(text: str) -> str:
    """Lines without outer blanks, none empty."""
    return "\n".join(line for raw in text.split("\n") if (line := " ".join(raw.split())))
