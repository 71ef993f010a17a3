"""The review page names the rows gates point at: places in the reader's language, keys as text, never what stands there."""

from __future__ import annotations

import pytest

from corpushub.base.messages import Lang
from corpushub.portal.pages import Words
from corpushub.portal.screens.reviews import pointed_at

PLACES = [
    {
        "gate": "PII-01",
        "config": "default",
        "split": "train",
        "row": 6401,
        "key": "<b>n-7",
        "column": "question",
        "found": {"PERSON": 2},
    },
    {"gate": "G08", "config": "", "split": "test", "row": 3, "key": "", "column": "topic", "found": {"check": 1}},
]


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", ("姓名 ×2", "不在允许取值内", "行号自 0 起")), ("en", ("name ×2", "allowed values", "from 0"))]
)
def test_rows_that_gates_point_at_are_named(lang: Lang, words: tuple[str, ...]) -> None:
    shown = str(pointed_at(Words(lang), PLACES))
    assert all(word in shown for word in (*words, "default/train", "6,401", "&lt;b&gt;n-7"))
    assert "<b>n-7" not in shown
