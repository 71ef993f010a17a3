"""Special categories count beside a person, not in talk about them."""

from __future__ import annotations

import pytest

from corpushub.engine.pii.actions import Desk
from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.pii.policy import policy
from corpushub.engine.pii.scrub import scrub_rows
from corpushub.engine.recognizers.special import KINDS


def found(text: str) -> set[tuple[str, str]]:
    return {(text[start:end], entity) for start, end, entity in detect_batch([text])[0] if entity in KINDS}


@pytest.mark.parametrize(
    ("text", "value", "entity"),
    [
        ("原告：欧阳静怡，女，1986年11月23日出生，回族，无业。", "回族", "ETHNICITY"),
        ("学生湛小蓝信仰佛教。", "信仰佛教", "RELIGION"),
        ("患者盖春雷，男，57岁。既往高血压病史10年。", "高血压", "HEALTH"),
        ("采集了当事人王小明的指纹信息。", "指纹信息", "BIOMETRIC"),
        ("被告人仇大勇曾因盗窃刑满释放。", "刑满释放", "CRIMINAL_RECORD"),
        ("李小雨，9岁，由其母陈述。", "9岁", "MINOR"),
        ("民族：回族", "回族", "ETHNICITY"),
        ("诊断：糖尿病", "糖尿病", "HEALTH"),
    ],
)
def test_a_mention_beside_a_person_or_its_label_is_flagged(text: str, value: str, entity: str) -> None:
    assert (value, entity) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "各民族一律平等，汉族和少数民族应当互相帮助。",
        "高血压、糖尿病患者应当定期体检。",
        "对不满十四周岁的未成年人，国家予以特殊保护。",
        "王小明调任土家族自治县工作。",
    ],
)
def test_talk_about_a_category_is_not(text: str) -> None:
    assert found(text) == set()


def test_flags_stay_in_training_text_and_health_goes_where_a_release_is_open() -> None:
    text = "患者盖春雷，回族，因高血压就诊。"
    kept, gone = (scrub_rows([(text,)], ("text",), policy(name), Desk(b""))[0] for name in ("training", "public"))
    assert kept.cells == ["患者〔姓名1〕，回族，因高血压就诊。"]
    assert kept.counts["HEALTH", "kept"] == kept.counts["ETHNICITY", "kept"] == 1
    assert {mark.action for mark in kept.marks if mark.entity in KINDS} == {"flag"}
    assert "高血压" not in (gone.cells[0] or "")
