"""Texts as public offices, courts, hospitals and citizens write them, written for this test; names and numbers are invented.

`[[value|ENTITY]]` must be found, `[[value|?ENTITY]]` may be, `[[value|-]]` marks nothing.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.pii.evaluate import Labelled, Span
from corpushub.engine.recognizers.special import KINDS

_MARK = re.compile(r"\[\[(.*?)\|([^\]|]*)\]\]", re.S)


def labelled(marked: str) -> Labelled:
    text, at, spans, optional = "", 0, list[Span](), list[Span]()
    for mark in _MARK.finditer(marked):
        text += marked[at : mark.start()]
        span = (len(text), len(text) + len(mark[1]), mark[2].strip("?"))
        if mark[2] != "-":
            (optional if mark[2].startswith("?") else spans).append(span)
        text, at = text + mark[1], mark.end()
    return Labelled(text + marked[at:], tuple(spans), tuple(optional))


@cache
def judged() -> tuple[list[Labelled], list[list[Span]]]:
    marked = Path(__file__).with_name("genres.txt").read_text("utf-8")
    parts = [re.sub(r"\A# .*\n", "", part.strip("\n")) for part in re.split(r"\n(?:===|---)\n", marked)]
    items = [labelled(part) for part in parts if part]
    return items, detect_batch([item.text for item in items])


def missed(entity: str) -> tuple[int, list[str]]:
    """How many spans are marked, and which of them no finding of any kind touches."""
    items, found = judged()
    spans = [
        (item.text, row, start, end)
        for item, row in zip(items, found, strict=True)
        for start, end, kind in item.spans
        if kind == entity
    ]
    return len(spans), [text[start:end] for text, row, start, end in spans if not any(s < end and start < e for s, e, _ in row)]


def test_numbers_are_found_in_every_genre() -> None:
    items, _ = judged()
    kinds = {kind for item in items for _, _, kind in item.spans} - {"PERSON", "ADDRESS"}
    counts = {kind: missed(kind) for kind in kinds}
    total, lost = sum(count for count, _ in counts.values()), [value for _, values in counts.values() for value in values]
    assert total > 90
    assert len(lost) <= 0.05 * total, lost


def test_names_and_addresses_are_found_in_every_genre() -> None:
    count, lost = missed("PERSON")
    assert count > 140
    assert len(lost) <= 0.08 * count, lost
    count, lost = missed("ADDRESS")
    assert count > 20
    assert lost == []


def test_nothing_else_is_found() -> None:
    items, found = judged()
    false = [
        (item.text[start:end], kind)
        for item, row in zip(items, found, strict=True)
        for start, end, kind in row
        if kind not in KINDS and not any(s < end and start < e for s, e, _ in (*item.spans, *item.optional))
    ]
    assert len(false) <= 2, false
