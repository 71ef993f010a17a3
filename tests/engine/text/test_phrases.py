from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.text.phrases import Phrases
from corpushub.engine.text.stats import rules

WORDS = ("buy now", "加QQ", "xxx", "Cheap", "特价", "buy", "buyer beware", "é!é")
PIECES = st.sampled_from(
    [
        *WORDS,
        "BUY NOW",
        "bUy",
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
        " ",
        "\n",
        "a",
        "…",
        "🀄",
        "chea",
        "p",
    ]
)


@given(st.lists(st.lists(PIECES, max_size=12).map("".join) | st.none(), max_size=8))
def test_compiled_and_plain_search_find_the_same_rows(rows: list[str | None]) -> None:
    column = pl.Series("t", rows, dtype=pl.String)
    plain = Phrases(WORDS).held(column, fast=False)
    assert plain.to_list() == Phrases(WORDS).held(column, fast=True).to_list()
    small = [word.encode().lower() for word in WORDS]
    assert plain.to_list() == [row is not None and any(word in row.encode().lower() for word in small) for row in rows]


def test_every_phrase_is_found_wherever_it_stands() -> None:
    phrases = Phrases(tuple(rules()["spam"]["phrases"]))
    for distance in range(9):
        column = pl.Series(["-" * distance + phrase + "-" * (8 - distance) for phrase in phrases.words])
        assert phrases.held(column, fast=True).all()
        assert (
            phrases.held(column.str.to_uppercase(), fast=True).to_list()
            == phrases.held(column.str.to_uppercase(), fast=False).to_list()
        )
        assert not phrases.held(pl.Series([phrase[:-1] for phrase in ("casino", "特价", "viagra")]), fast=True).any()


def test_phrases_too_short_for_the_compiled_search_are_looked_for_plainly() -> None:
    phrases = Phrases(("ab", "casino"))
    assert phrases.tables is None
    assert phrases.held(pl.Series(["xABx", "nothing", None]), fast=True).to_list() == [True, False, False]
