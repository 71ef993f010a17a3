"""What the usual toolkits get wrong without a word, measured on Chinese; one test for each that no test beside its kernel has."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from corpushub.engine.dedup import minhash
from corpushub.engine.dedup.steps import STEPS as DEDUP
from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.pii.steps import STEPS as PII
from corpushub.engine.text.normalise import normalise
from corpushub.engine.text.quality import judge, profiles
from corpushub.engine.text.steps import STEPS
from corpushub.engine.text.utf8 import utf8
from tests.kit.text import decided, mapped, the

NOTICE = "为规范公共数据资源授权运营，促进公共数据资源开发利用，根据有关法律法规，结合本市实际，制定本办法。第{}批数据资源由市主管部门负责。"


def scrubbed(text: str) -> str:
    frame = pl.DataFrame({"text": [text]})
    out, _ = mapped(the(PII, "scrub"), frame, columns=["text"], policy="training")
    return str(out["text"][0])


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        ("其身份证号", "11010519491231002X", "已登记"),
        ("联系手机", "13812345678", "转办"),
        ("电子邮箱", "wang12@163.com", "或来函"),
        ("银行卡号", "6222021234567890128", "已核对"),
    ],
)
def test_numbers_and_addresses_stuck_to_han_characters_are_replaced(before: str, secret: str, after: str) -> None:
    """A word boundary does not stand between a Han character and a digit: half the numbers stay elsewhere."""
    out = scrubbed(f"{before}{secret}{after}。")
    assert secret not in out
    assert out.startswith(before)
    assert after in out


def test_the_code_of_a_company_stuck_to_han_characters_is_found() -> None:
    """Found and, being public, kept by the policies; elsewhere it is not seen at all."""
    found = detect_batch(["统一社会信用代码91110105MA01ABCD26的企业。", "编号91110105MA01ABCD27不是代码。"])
    assert [[finding[2] for finding in row] for row in found] == [["CN_USCC"], []]


def test_a_replaced_address_is_not_another_address() -> None:
    out = scrubbed("来信请寄wang12@163.com，服务器是 8.8.8.8。")
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", out)


def test_dates_versions_and_amounts_are_no_personal_information() -> None:
    text = "2026年3月14日发布的第2.10.3版，共计1234567元，覆盖38.5%的街道。"
    assert scrubbed(text) == text


def test_chinese_is_not_measured_in_words() -> None:
    """A clause without white space is no word of forty letters, nor are rows of Han characters without letters."""
    rows = pl.Series([NOTICE.format(number) for number in "一二三四五六七八九十"])
    for name in profiles():
        if name.startswith("zh-"):
            verdict, _ = judge(normalise(rows), (name,))
            assert not verdict.any()


def test_a_row_without_words_or_letters_divides_nothing_by_nothing() -> None:
    frame = pl.DataFrame({"text": ["", "……", "①②③", "12 34", None]})
    for name in profiles():
        mapped(the(STEPS, "drop_low_quality"), frame, column="text", profile=name)


def copies(count: int = 60) -> list[str]:
    """Texts of their own, and of each one that differs in one place."""
    rng = np.random.default_rng(3)
    texts = ["".join(map(chr, rng.integers(0x4E00, 0x5600, 300))) for _ in range(count)]
    return [*texts, *(text[:150] + "新" + text[151:] for text in texts)]


def test_one_of_each_group_of_chinese_near_copies_stays() -> None:
    """Elsewhere a clause is one token and a third of the pairs is missed, or every member of a group is marked and its content lost."""
    texts = copies()
    decision, _ = decided(the(DEDUP, "dedup_near"), [pl.DataFrame({"text": texts})], {"on": "text"})
    kept = np.flatnonzero(decision.codes == 0)
    assert len(kept) == len(texts) // 2
    assert sorted(kept % (len(texts) // 2)) == list(range(len(texts) // 2))


def test_exact_copies_are_equal_to_the_last_sign() -> None:
    """Elsewhere texts are stripped, or freed of punctuation, before they are compared: a fifth more rows goes than was asked for."""
    texts = ["第一条　总则。", "第一条　总则", "第一条 总则。", " 第一条　总则。", "第一条　总则。"]
    decision, _ = decided(the(DEDUP, "dedup_exact"), [pl.DataFrame({"text": texts})], {"on": "text"})
    assert decision.codes.tolist() == [0, 0, 0, 0, 1]


def test_english_statutes_stay_whatever_stands_in_their_lines() -> None:
    """Numbered sections, citations and tables of penalties: the usual rules lose a third of the rows for too few letters."""
    rows = [
        f"§ {n}.{n % 7}(a)(1) Penalty under 18 U.S.C. {n}: $ {n * 10},000; for each further day, $ {n},500. [Pub. L. 89-{n}, § 2({n % 9})]\n"
        f"(b) No person shall, without a permit issued under section {n + 1}, discharge any waste into the waters of the State."
        for n in range(10, 60)
    ]
    verdict, _ = judge(normalise(pl.Series(rows)), ("en-legal",))
    assert not verdict.any()


def test_near_copies_are_looked_for_in_the_column_that_was_named() -> None:
    texts = copies(4)
    frame = pl.DataFrame({"id": list(range(8)), "text": [str(row) * 40 for row in range(8)], "body": texts})
    decision, _ = decided(the(DEDUP, "dedup_near"), [frame], {"on": "body"})
    assert decision.codes.sum() == 4


def test_the_same_step_runs_twice_in_one_process() -> None:
    frame = pl.DataFrame({"text": copies(4)})
    first, _ = decided(the(DEDUP, "dedup_near"), [frame], {"on": "text"})
    second, _ = decided(the(DEDUP, "dedup_near"), [frame], {"on": "text"})
    assert first.codes.tolist() == second.codes.tolist()


def test_recall_at_four_fifths_is_nearly_complete() -> None:
    """Of pairs of Chinese texts just above 0.8, fewer than one in a hundred shares no band; of all above 0.85 none."""
    rng = np.random.default_rng(5)
    missed = {"0.80": 0, "0.85": 0}
    for name, edits in (("0.80", 12), ("0.85", 8)):
        base = ["".join(map(chr, rng.integers(0x4E00, 0x6E00, 600))) for _ in range(300)]
        edited = []
        for text in base:
            points = list(text)
            for place in rng.choice(590, edits, replace=False):
                points[place] = chr(int(rng.integers(0x6F00, 0x9000)))
            edited.append("".join(points))
        column = pl.Series([*base, *edited])
        alike = minhash.jaccard(utf8(column), np.arange(300), np.arange(300, 600))
        sketch = minhash.sketch(column)
        keys = sketch.select(minhash.band_name(place) for place in range(minhash.BANDS)).to_numpy()
        shared = (keys[:300] == keys[300:]).any(axis=1)
        assert (alike >= 0.8).sum() > 200
        missed[name] = int((~shared & (alike >= 0.8)).sum())
    assert missed["0.85"] == 0
    assert missed["0.80"] <= 2
