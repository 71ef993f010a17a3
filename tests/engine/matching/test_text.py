from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.matching.text import fold, grams

WORDS = st.text(alphabet="学校交通教育abc sx1,。 和é\n", max_size=30)


def names(text: str) -> list[str]:
    found = grams(fold([text]))
    return sorted(found.name(number) for number in range(len(found.key)))


def test_chinese_gives_characters_and_pairs_that_stay_inside_their_run():
    assert names("公交，站") == sorted(["公", "交", "公交", "站"])


def test_words_lose_a_plural_and_join_with_their_neighbour():
    assert names("Bus Stops") == sorted(["bus", "stop", "bus stop"])
    assert names("class") == ["class"]
    assert names("cat,dog") == names("cat dog") == sorted(["cat", "dog", "cat dog"])


def test_scripts_widths_and_cases_fold_to_one():
    assert fold(["臺灣交通ＡＢＣ"]) == ["台湾交通abc"]


@given(WORDS)
def test_folding_twice_changes_nothing(text: str):
    assert fold(fold([text])) == fold([text])


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_many_texts_at_once_give_what_each_gives_alone(texts: list[str]):
    folded = fold(texts)
    together = grams(folded)
    for number, text in enumerate(folded):
        alone = grams([text])
        assert sorted(together.key[together.text == number]) == sorted(alone.key)


@given(WORDS, WORDS)
def test_equal_grams_have_equal_keys_and_others_do_not(one: str, other: str):
    found = grams(fold([one, other]))
    by_name: dict[str, set[int]] = {}
    for number in range(len(found.key)):
        by_name.setdefault(found.name(number), set()).add(int(found.key[number]))
    assert all(len(keys) == 1 for keys in by_name.values())
    assert len(set.union(set(), *by_name.values())) == len(by_name)
