from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.engine.dedup import paragraphs
from corpushub.engine.dedup import steps as dedup_steps
from tests.kit.text import decided, mapped, the

LONG = "本办法所称公共数据资源，是指各级党政机关、企事业单位依法履职或者提供公共服务过程中产生的具有利用价值的数据集合。"
OTHER = "实施机构应当按照规定公开授权运营的范围、期限、运营机构和价格等情况，接受社会监督，并定期报告执行情况。"


def test_a_paragraph_stays_where_it_stood_first() -> None:
    texts = [f"第一条\n{LONG}", f"第一条\n{LONG}\n{OTHER}", f"{LONG}\n{LONG}", None, "", "第一条"]
    shards = [
        pl.DataFrame({"text": pl.Series(texts[:2], dtype=pl.String)}),
        pl.DataFrame({"text": pl.Series(texts[2:], dtype=pl.String)}),
    ]
    decision, _ = decided(the(dedup_steps.STEPS, "dedup_paragraphs"), shards, {"on": "text"})
    marked = decision.columns["repeated_paragraphs"]
    assert marked.to_list() == [[], [1], [0, 1], [], [], []]
    assert decision.codes.tolist() == [0] * 6
    out, dropped = mapped(
        the(dedup_steps.STEPS, "drop_paragraphs"),
        pl.concat(shards).with_columns(marked.alias("repeated_paragraphs")),
        column="text",
    )
    assert out["text"].to_list() == [f"第一条\n{LONG}", f"第一条\n{OTHER}", None, "", "第一条"]
    assert dropped == {"only_repeated_paragraphs": 1}


def test_short_lines_may_come_again() -> None:
    sketched = paragraphs.sketch(pl.Series(["第一章 总则\n第一章 总则"]), 40)
    assert paragraphs.repeated(lambda: [sketched]).to_list() == [[]]


@given(
    st.lists(st.lists(st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=4), max_size=5), max_size=4), st.integers(1, 50)
)
def test_what_came_before_is_found_however_little_is_held(shards: list[list[list[int | None]]], held: int) -> None:
    spread = [[[None if one is None else one * 0x1C71C71C71C71C71 for one in row] for row in shard] for shard in shards]
    frames = [pl.DataFrame({"paragraphs": pl.Series(shard, dtype=pl.List(pl.UInt64))}) for shard in spread]
    seen: set[int | None] = {None}
    expected = []
    for row in [row for shard in shards for row in shard]:
        expected.append([])
        for number, one in enumerate(row):
            if one in seen - {None}:
                expected[-1].append(number)
            seen.add(one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paragraphs, "_HELD", held)
        assert paragraphs.repeated(lambda: iter(frames)).to_list() == expected
