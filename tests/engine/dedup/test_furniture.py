from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine.dedup import furniture
from corpushub.engine.dedup import steps as dedup_steps
from tests.kit.text import decided, mapped, the

MENU = "首页 > 政务公开 > 通知公告"
FOOTER = "某市数据局主办　网站标识码0000000000"
FORMULA = "特此通知。"


def page(number: int) -> str:
    return f"{MENU}\n关于第{number}批目录的通知\n各单位现将第{number}批公共数据目录印发，请结合实际执行。\n{FORMULA}\n{FOOTER}"


def marked(texts: Sequence[str | None], cut: int, **params: object) -> list[list[int]]:
    frame = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String), "site": ["a"] * len(texts)})
    decision, _ = decided(the(furniture.STEPS, "mark_furniture"), [frame[:cut], frame[cut:]], {"on": "text", **params})
    assert not decision.codes.any()
    found: list[list[int]] = decision.columns["furniture"].to_list()
    return found


def test_lines_of_a_site_are_learned_and_cut() -> None:
    """No list says what they look like; titles, bodies and the formulas of letters stay."""
    texts = [page(number) for number in range(30)]
    frame = pl.DataFrame({"text": texts, "furniture": pl.Series(marked(texts, 11), dtype=pl.List(pl.UInt32))})
    assert frame["furniture"].to_list() == [[0, 4]] * 30
    out, dropped = mapped(the(dedup_steps.STEPS, "drop_paragraphs"), frame, column="text", marked="furniture")
    assert not dropped
    assert out["text"][3].split("\n") == page(3).split("\n")[1:4]


def test_a_page_of_furniture_alone_leaves() -> None:
    texts = [page(number) for number in range(30)] + [f"{MENU}\n{FOOTER}"]
    frame = pl.DataFrame({"text": texts, "furniture": pl.Series(marked(texts, 5), dtype=pl.List(pl.UInt32))})
    _, dropped = mapped(the(dedup_steps.STEPS, "drop_paragraphs"), frame, column="text", marked="furniture")
    assert dropped == {"only_repeated_paragraphs": 1}


def test_what_is_furniture_at_one_site_is_text_at_another() -> None:
    frame = pl.DataFrame(
        {"text": [page(n) for n in range(25)] + [f"{MENU}\n正文第{n}段" for n in range(75)], "site": ["a"] * 25 + ["b"] * 75}
    )
    frame = frame.with_columns(
        text=pl.when(pl.int_range(100) >= 30).then(pl.col("text").str.replace(MENU, "", literal=True)).otherwise("text")
    )
    decision, _ = decided(the(furniture.STEPS, "mark_furniture"), [frame], {"on": "text", "by": "site"})
    assert decision.columns["furniture"].to_list() == [[0, 4]] * 25 + [[]] * 75


def test_a_line_that_comes_twice_in_one_text_counts_once() -> None:
    assert marked(["同上\n同上\n同上", "别的", None, ""], 2, least_rows=2) == [[]] * 4


def test_long_lines_are_content() -> None:
    line = "同一段声明" * 20
    assert marked([f"{line}\n第{n}篇" for n in range(30)], 9) == [[]] * 30
    assert marked([f"{line}\n第{n}篇" for n in range(30)], 9, max_chars=100) == [[0]] * 30


@settings(max_examples=30)
@given(
    st.lists(st.lists(st.sampled_from(["甲", "乙", " 丙 ", "丁。", ""]), max_size=5), min_size=1, max_size=12), st.integers(0, 12)
)
def test_shards_do_not_matter(rows: list[list[str]], cut: int) -> None:
    texts: list[str | None] = ["\n".join(row) for row in rows]
    params = {"least_rows": 2, "share": 0.4}
    found = marked(texts, min(cut, len(texts)), **params)
    need = max(2, -(-2 * len(texts) // 5))
    for row, numbers in zip(rows, found, strict=True):
        lines = [line.strip() for line in ("\n".join(row)).split("\n")]
        often = {
            line
            for line in lines
            if line and line != "丁。" and sum(line in {one.strip() for one in other} for other in rows) >= need
        }
        assert numbers == [place for place, line in enumerate(lines) if line in often]
