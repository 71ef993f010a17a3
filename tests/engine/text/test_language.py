from __future__ import annotations

import polars as pl
import pytest

from corpushub.engine.text.language import detect

SENTENCES = [
    ("zh", "根据有关法律法规，结合本市实际，制定本办法。"),
    ("zh", "本辦法自發佈之日起施行，臺灣與香港另行規定。"),
    ("zh", "使用 Python 语言和 pandas DataFrame 处理数据"),
    ("en", "The agency shall publish the notice within ten working days of the decision."),
    ("ja", "これはペンです。東京に行きました"),
    ("ko", "한국어 문장입니다"),
    ("ug", "ئۇيغۇر تىلى ۋە ئەدەبىياتى"),
    ("bo", "བོད་ཡིག་གི་ཡི་གེ"),
    ("mn", "ᠮᠣᠩᠭᠣᠯ ᠬᠡᠯᠡ"),
    ("kk", "қазақ тілі және әдебиеті"),
    ("za", "Vunz gij minzcuz caeuq dih guekgya"),
    ("ii", "ꆈꌠꉙꆈꌠꉙ"),
    ("ru", "Это русский текст о праве"),
    ("fr", "Le conseil des ministres est réuni pour une session"),
    ("de", "Der Rat hat die Verordnung über das Verfahren erlassen"),
    ("es", "El consejo de la ciudad y los ciudadanos con una ley"),
    ("vi", "Hội đồng nhân dân và Ủy ban nhân dân"),
    ("fa", "فارسی زبان است که در ایران گفته می‌شود"),
    ("und", "12345 !!! 67"),
    ("und", ""),
]


@pytest.mark.parametrize(("code", "sentence"), SENTENCES)
def test_each_language_is_known_by_a_sentence(code: str, sentence: str) -> None:
    assert detect(pl.Series([sentence]))[0].to_list() == [code]


def test_a_missing_text_is_undetermined() -> None:
    found, share = detect(pl.Series([None, "中文文本内容"], dtype=pl.String))
    assert found.to_list() == ["und", "zh"]
    assert share.tolist() == [0.0, 1.0]


def test_the_share_tells_mixed_texts_apart() -> None:
    _, share = detect(pl.Series(["全部都是中文的一句话", "一半中文 half of it is English text"]))
    assert share[0] == 1.0
    assert share[1] < 0.75
