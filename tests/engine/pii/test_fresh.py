"""Writing of offices, clinics, schools, banks and chats that nobody tuned on before it was measured; a sample. All of it is invented.

The marks are those of `test_genres`.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine.pii.actions import Desk
from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.pii.evaluate import Labelled
from corpushub.engine.pii.policy import policy
from corpushub.engine.pii.scrub import scrub_rows
from corpushub.engine.pii.verify import second_scan, verify
from corpushub.engine.recognizers.shape import id_check
from corpushub.engine.recognizers.special import KINDS
from tests.engine.pii.test_genres import labelled

KEY = b"fresh text of a test, 32 bytes !"
ID = "11010120120307001"
ID += id_check(ID)


@cache
def sample() -> list[Labelled]:
    marked = Path(__file__).with_name("fresh.txt").read_text("utf-8")
    return [labelled(part.strip("\n").replace("{ID}", ID)) for part in marked.split("\n---\n")]


def test_every_value_is_covered_and_nothing_else_is_found() -> None:
    lost, false = [], []
    for item, row in zip(sample(), detect_batch([item.text for item in sample()]), strict=True):
        found = [(start, end) for start, end, kind in row if kind not in KINDS]
        covered = {place for start, end in found for place in range(start, end)}
        for start, end, kind in item.spans:
            if not covered.issuperset(place for place in range(start, end) if item.text[place].isalnum()):
                lost.append((item.text[start:end], kind))
        marked = {place for start, end, _ in (*item.spans, *item.optional) for place in range(start, end)}
        false += [
            item.text[start:end]
            for start, end in found
            if any(item.text[at].isalnum() and at not in marked for at in range(start, end))
        ]
    assert not lost
    assert not false


@pytest.mark.parametrize("name", ["training", "public", "authorised"])
def test_scrubbed_text_is_left_alone_and_passes_the_look_after(name: str) -> None:
    rules = policy(name)
    once = [row.cells[0] for row in scrub_rows([(item.text,) for item in sample()], ("text",), rules, Desk(KEY))]
    twice = [row.cells[0] for row in scrub_rows([(text,) for text in once], ("text",), rules, Desk(KEY))]
    assert once == twice
    verify(pl.DataFrame({"text": once}), ["text"], rules).require_clean()


def test_the_second_scan_knows_what_the_recognizers_know() -> None:
    assert second_scan(f"学籍号G{ID}") == second_scan(f"残疾人证{ID}43B1") == ["CN_ID_CARD"]
    assert second_scan("样品编号19975015871，执法证号：17297904370") == []


WIDE = st.text(alphabet="😀𠮷👩‍👩‍👧🇨🇳é\u0301\u200b\ufeff\u202eＡ１", max_size=6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), WIDE, st.lists(st.integers(0, 400), max_size=4))
def test_offsets_are_those_of_the_text_whatever_characters_it_holds(number: int, wide: str, cuts: list[int]) -> None:
    item = sample()[number % len(sample())]
    in_front = f"{wide}\n"
    moved = [(start - len(in_front), end - len(in_front), kind) for start, end, kind in detect_batch([in_front + item.text])[0]]
    assert [span for span in moved if span[0] >= 0 and span[2] not in KINDS] == [
        span for span in detect_batch([item.text])[0] if span[2] not in KINDS
    ]
    text = item.text
    for cut in cuts:
        text = text[: cut % len(text)] + wide + text[cut % len(text) :]
    spans = detect_batch([text])[0]
    assert all(0 <= start < end <= len(text) for start, end, _ in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
