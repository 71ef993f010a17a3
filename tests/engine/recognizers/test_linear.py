"""Text of any length is read in time linear in it: a line without an end, whatever it repeats."""

from __future__ import annotations

import pytest

from corpushub.engine.recognizers.address import addresses
from corpushub.engine.recognizers.labelled import labelled
from corpushub.engine.recognizers.persons import persons, second_looks
from corpushub.engine.recognizers.special import special
from corpushub.engine.recognizers.tagging import Word

LONG, TAGGED = 200_000, 8_000  # a pass over all pairs of characters of either would outlast the suite


@pytest.mark.parametrize("unit", ["1", " ", "1,", "1-", "A1 ", '{"a":1,"b":"c d"},', "1\n", "-", "\t1\n"])
def test_text_without_words_is_read_once(unit: str) -> None:
    text = unit * (LONG // len(unit))
    assert not addresses(text, [])
    assert not persons(text, [])
    assert not list(labelled(text))
    assert not special(text, [])


@pytest.mark.parametrize("unit", ["中", "李·", "路1-", "王明、", "北京市1号，", "姓名\t1\n"])
def test_text_full_of_words_is_read_once(unit: str) -> None:
    text = unit * (TAGGED // len(unit))
    words = [Word(at, at + 1, "PER" if at % 4 else "LOC", 0.95) for at in range(len(text))]
    assert all(0 <= start < end <= len(text) for start, end, *_ in persons(text, words))
    assert all(0 <= start < end <= len(text) for start, end, *_ in addresses(text, words))
    assert all(at <= len(text) for at in second_looks(text, words))


def test_many_names_are_looked_up_in_one_pass() -> None:
    given = [chr(0x4E00 + at) for at in range(1000)]
    names = [f"李{first}{second}" for first, second in zip(given, reversed(given), strict=True)]
    text = "，".join(names)
    words = [Word(at, at + 3, "PER", 0.95) for at in range(0, len(text), 4)]
    assert len({span[:2] for span in persons(text, words)}) > len(names) // 2
