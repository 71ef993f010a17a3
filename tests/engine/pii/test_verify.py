"""The second look finds what scrubbing left, whoever left it, and tells it without quoting it."""

from __future__ import annotations

import polars as pl
import pytest

from corpushub.base.errors import Conflict
from corpushub.engine.pii.actions import Desk
from corpushub.engine.pii.canaries import canaries
from corpushub.engine.pii.policy import policy
from corpushub.engine.pii.scrub import scrub_rows
from corpushub.engine.pii.verify import second_scan, verify

KEY = b"canaries of a test"
PLANTED = [canary.value for canary in canaries(KEY)]
TEXT = f"申请人王小明，身份证号{PLANTED[0]}，手机13912345678，邮箱xm@example.org，密码：Zx9#kk21Q。办事热线：010-62345678。"


def frame(text: str) -> pl.DataFrame:
    return pl.DataFrame({"text": [text, None]})


def test_scrubbed_text_is_clean() -> None:
    after = scrub_rows([(TEXT,)], ("text",), policy("training"), Desk(KEY))[0].cells[0]
    report = verify(frame(after or ""), ["text"], policy("training"), canaries=PLANTED)
    assert report.measures() == {"pii_residual": 0.0, "secrets_residual": 0.0}
    report.require_clean()


def test_what_is_left_blocks_and_is_counted_not_quoted() -> None:
    report = verify(frame(TEXT), ["text"], policy("training"), canaries=PLANTED)
    assert report.canaries == 1
    assert report.engine["CN_ID_CARD"] == report.second["CN_ID_CARD"] == 1
    assert report.secrets == 1
    with pytest.raises(Conflict) as caught:
        report.require_clean()
    assert "13912345678" not in str(caught.value)


def test_the_second_scan_needs_no_recognizer() -> None:
    number = PLANTED[0]
    assert second_scan(f"{number[:6]} {number[6:14]} {number[14:]}") == ["CN_ID_CARD"]
    assert second_scan("a@b.cn AKIA1234567890ABCDEF") == ["EMAIL_ADDRESS", "SECRET"]
    assert second_scan("金额13912345678元") == []
