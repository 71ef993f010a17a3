"""A card's head is read as the Hub reads it, and nothing in it breaks the reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.domain.front_matter import read_head
from corpushub.domain.splits import splits_of


def test_tags_hold_the_facets_clients_filter_by() -> None:
    head = read_head(
        "---\nlicense: mit\nlanguage: [zh, en]\ntags: [law]\nsize_categories: 1K<n<10K\n---\n# T\n\nA text about laws of the city.\n"
    )
    assert head.tags == ("license:mit", "language:zh", "language:en", "size_categories:1K<n<10K", "law")
    assert head.summary == "A text about laws of the city."


def test_a_broken_head_is_told_with_its_line() -> None:
    head = read_head("---\nlicense: mit\nlanguage: [zh\n---\n")
    assert head.problem
    assert head.line >= 3


@given(text=st.text(max_size=200))
def test_any_text_is_read_and_what_is_read_is_json(text: str) -> None:
    for source in (text, f"---\n{text}\n---\n"):
        json.dumps(dict(read_head(source).data), allow_nan=False)


def test_splits_follow_the_card_then_the_names() -> None:
    paths = [
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "data/test-00000-of-00001.parquet",
        "README.md",
    ]
    card = {"configs": [{"config_name": "small", "data_files": [{"split": "dev", "path": "data/test-*.parquet"}]}]}
    assert splits_of(card, paths) == {"small": {"dev": [paths[2]]}}
    assert splits_of({}, paths) == {"default": {"test": [paths[2]], "train": paths[:2]}}
    assert splits_of({"configs": 7}, ["deep/a/b.parquet"]) == {"default": {"train": ["deep/a/b.parquet"]}}
    assert splits_of({"configs": [{"data_files": "**/*.parquet"}]}, ["deep/a/b.parquet"]) == {
        "default": {"train": ["deep/a/b.parquet"]}
    }


BOMB = "a: &a {x: 1}\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{', '.join(['*' + chr(97 + n)] * 9)}]}}\n" for n in range(12)
)


@pytest.mark.parametrize(
    "head",
    [
        BOMB,
        BOMB.replace("{<<: ", "").replace("]}", "]"),
        "a: &a [*a]\n",
        "a: &a\n  b: *a\n",
        "a: 1\n" * 60_000,
        "a: [" + "x, " * 60_000 + "]\n",
    ],
    ids=["merged", "listed", "endless list", "endless mapping", "long", "many"],
)
def test_a_head_that_would_unfold_to_too_much_is_refused_at_once(head: str) -> None:
    found = read_head(f"---\n{head}---\n# Notices\n")
    assert "too much" in found.problem
    assert not found.data


def test_aliases_as_programs_write_them_are_read() -> None:
    assert read_head("---\na: &id001 [x, y]\nb: *id001\n---\n").data == {"a": ["x", "y"], "b": ["x", "y"]}


def test_a_number_beyond_all_readers_is_no_number() -> None:
    assert read_head("---\na: 0xffffffffffffffffffff\n---\n").data == {"a": str(16**20 - 1)}
    assert read_head("---\na: 0x" + "f" * 9000 + "\n---\n").problem
