"""What stays although it was found: names inside bodies of thought, contacts of institutions, officials where the policy says so."""

from __future__ import annotations

import pytest

from corpushub.engine.pii.actions import Desk
from corpushub.engine.pii.policy import policy
from corpushub.engine.pii.scrub import scrub_rows


def scrubbed(text: str, name: str = "training") -> str | None:
    return scrub_rows([(text,)], ("text",), policy(name), Desk(b"k" * 16))[0].cells[0]


@pytest.mark.parametrize(
    "text", ["高举毛泽东思想、邓小平理论的伟大旗帜，深入贯彻有关决定。", "坚持马克思列宁主义，学习毛泽东思想。"]
)
def test_the_name_of_a_body_of_thought_stays_whole(text: str) -> None:
    assert scrubbed(text) == scrubbed(text, "public") == text


def test_nobody_else_is_kept_by_what_follows_the_name() -> None:
    assert scrubbed("申请人：邓小明，男，邓小明理论上应当到场。") == "申请人：〔姓名1〕，男，〔姓名1〕理论上应当到场。"
