from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.text.phrases import Phrases
from corpushub.engine.text.stats import rules

WORDS = ("buy now", "加QQ", "xxx", "Cheap", "特价", "now or never", "é!é")
PIECES = st.sampled_from(
    [
        *WORDS,
        "BUY NOW",
        "bUy",
        " now",
        " or never",
        "xx",
        "XX",
        "x",
        "加",
        "加q",
        "特",
        "价",
        "É!é",
        "é!É",
        "@{`",
        "\n",
        "a",
        "…",
        "🀄",
        "chea",
        "p",
    ]
)


@given(st.lists(st.lists(PIECES, max_size=12).map("".join) | st.none(), max_size=8))
def test_compiled_and_plain_search_count_the_same(rows: list[str | None]) -> None:
    column = pl.Series("t", rows, dtype=pl.String)
    plain = Phrases(WORDS).chars(column, fast=False).tolist()
    assert plain == Phrases(WORDS).chars(column, fast=True).tolist()
    small = [word.encode().lower() for word in WORDS]
    assert [chars > 0 for chars in plain] == [
        row is not None and any(word in row.encode().lower() for word in small) for row in rows
    ]


def test_every_phrase_is_found_wherever_it_stands() -> None:
    phrases = Phrases(tuple(rules()["spam"]["phrases"]))
    assert phrases.tables is not None
    lengths = [len(phrase) for phrase in phrases.words]
    for distance in range(9):
        column = pl.Series(["-" * distance + phrase + "-" * (8 - distance) for phrase in phrases.words])
        assert phrases.chars(column, fast=True).tolist() == lengths
        assert phrases.chars(column.str.to_uppercase(), fast=True).tolist() == lengths
    assert not phrases.chars(pl.Series([phrase[:-1] for phrase in ("casino", "特价", "viagra")]), fast=True).any()


@pytest.mark.parametrize("words", [("ab", "casino"), ("casino", "sin")])
def test_phrases_first_bytes_do_not_tell_apart_are_looked_for_plainly(words: tuple[str, ...]) -> None:
    phrases = Phrases(words)
    assert phrases.tables is None
    assert phrases.chars(pl.Series(["x CASINO", "nothing", None]), fast=True)[1:].tolist() == [0, 0]
