"""Dates of birth. A date alone is no personal information; the words beside it decide."""

from __future__ import annotations

import re

from corpushub.engine.recognizers.shape import ChineseShapeRecognizer, is_real_date

_Y = r"(?:18|19|20)\d{2}"
_DATE = rf"{_Y}(?: ?年 ?\d{{1,2}} ?月(?: ?\d{{1,2}} ?[日号])?|[.\-/]\d{{1,2}}(?:[.\-/]\d{{1,2}})?|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
_HAN_DATE = (
    r"[一二][九〇零○][一二三四五六七八九〇零○]{2}年(?:[一二三四五六七八九十]{1,2}月(?:[一二三四五六七八九十]{1,3}[日号])?)?"
)
_ANY = rf"(?<!\d)(?:{_DATE}|{_HAN_DATE})(?!\d)"
_LABEL = r"(?:出生日期|出生年月日?|出生时间|出生|诞生|生于|生日|生辰|降生|[Dd]ate of [Bb]irth|DOB|[Bb]orn on|[Bb]orn)"


class DateOfBirthRecognizer(ChineseShapeRecognizer):
    """A date after 出生日期 or 生于, before 出生 or 生, or between sex and nationality as in court files."""

    ENTITY = "DATE_OF_BIRTH"
    SHAPES = (
        ("after the label", rf"(?<={_LABEL}(?:于|在|[:：为是 \(（/|,，]){{0,4}}){_ANY}", 0.9),
        ("before the label", rf"{_ANY}(?= ?(?:出生|生人|生于|诞生|生(?![^，。,、;；)） \n])))", 0.9),
        ("year before the label", rf"(?<!\d){_Y} ?年(?= ?(?:出生|生人|生(?![^，。,、;；)） \n])))", 0.8),
        (
            "after sex",
            rf"(?<=(?<![\u4e00-\u9fff])[男女][，,、 ;；|]{{1,3}}(?:[\u4e00-\u9fff]{{1,5}}族[，,、 ;；]{{1,2}})?){_ANY}(?![^，,、;；。 出生|\n])",
            0.8,
        ),
        ("slashes", rf"(?<={_LABEL}[:： ]{{0,3}})\d{{1,2}}[/\-.]\d{{1,2}}[/\-.]{_Y}(?!\d)", 0.8),
        (
            "english",
            rf"(?i)(?<=(?:date of birth|dob|born|birthday)(?: (?:is|on|in))?[:, ]{{1,3}})(?:[A-Z][a-z]{{2,8}}\.? \d{{1,2}}(?:st|nd|rd|th)?,? |\d{{1,2}}(?:st|nd|rd|th)? [A-Z][a-z]{{2,8}}\.?,? ){_Y}",
            0.8,
        ),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        if parts := re.fullmatch(r"(\d{4})\D+(\d{1,2})(?:\D+(\d{1,2}))?\D*", pattern_text):
            return None if is_real_date(parts[1], parts[2], parts[3] or "1") else False
        if parts := re.fullmatch(r"(\d{4})(\d{2})(\d{2})", pattern_text):
            return None if is_real_date(*parts.groups()) else False
        return None
