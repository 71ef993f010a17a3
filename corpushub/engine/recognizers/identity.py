"""Documents of a person: identity card, passport, permits, military id, driving licence, social security, medical record."""

from __future__ import annotations

import re

from corpushub.domain.parties import PROVINCES
from corpushub.engine.recognizers.shape import (
    GAP,
    LEFT,
    RIGHT,
    ChineseShapeRecognizer,
    after,
    bare,
    id_check,
    is_real_date,
)

_HAN = r"\u4e00-\u9fff"


_PUPIL = r"(?<![0-9A-FH-KM-Za-z_])(?<![0-9A-Za-z_][GL])"  # a pupil's number (学籍号) is G or L and the identity number
_DISABILITY = (20, 22)  # characters of a disability certificate: the identity number, kind and degree, and which copy it is


class CnIdCardRecognizer(ChineseShapeRecognizer):
    """Resident identity card, 18 digits (GB 11643-1999) or the old 15. A wrong check digit still counts where words around say so."""

    ENTITY = "CN_ID_CARD"
    SHAPES = (
        ("18 characters", rf"{_PUPIL}[1-9]\d{{16}}[\dXx](?:[1-7][1-4](?:[Bb]\d)?)?{RIGHT}", 0.4),
        ("18 characters in groups", rf"{LEFT}(?=\d{{1,17}}[ \-.·])[1-9](?:{GAP}\d){{16}}{GAP}[\dXx]{RIGHT}", 0.4),
        ("groups with commas", rf"{LEFT}[1-9]\d{{3,5}}(?:[,，]\d{{3,8}}){{2,3}}[,，]?[\dXx]{{1,4}}{RIGHT}", 0.4),
        ("labelled 15 digits", rf"{after('身份证', '身份證', '身份证件')}[1-9]\d{{14}}{RIGHT}", 0.75),
        ("15 digits", rf"{LEFT}[1-9]\d{{7}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}{RIGHT}(?!元|万|亿)", 0.25),
    )
    CONTEXT = (
        "身份",
        "证件",
        "公民",
        "户口",
        "证号",
        "居民证",
        "id card",
        "ID number",
        "identity",
        "驾驶证",
        "身份證",
        "id_no",
        "idNo",
        "idcard",
        "id_card",
        "IDCard",
        "sfz",
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        number = bare(pattern_text)
        if len(number) in _DISABILITY and id_check(number) == number[17]:
            number = number[:18]
        if len(number) not in {15, 18} or number[:2] not in PROVINCES:
            return False
        if len(number) == 15:
            return None if is_real_date("19" + number[6:8], number[8:10], number[10:12]) else False
        if number[6:8] not in {"18", "19", "20"} or not is_real_date(number[6:10], number[10:12], number[12:14]):
            return False
        return True if id_check(number) == number[17] else None


class CnIdCardMaskedRecognizer(ChineseShapeRecognizer):
    """An identity number of which a part has been starred out already: reported so that a curator sees how much is left."""

    ENTITY = "CN_ID_CARD_MASKED"
    SHAPES = (("starred", rf"{LEFT}[1-9]\d{{1,13}}(?:[*＊●•]{{4,14}}|[xX]{{5,14}})\d{{0,4}}[Xx]?{RIGHT}", 0.6),)

    def invalidate_result(self, pattern_text: str) -> bool | None:
        return len(pattern_text) not in {15, 18}


class CnPassportRecognizer(ChineseShapeRecognizer):
    """Chinese passports by shape and context; any passport number right after the word."""

    ENTITY = "CN_PASSPORT"
    SHAPES = (
        ("chinese", rf"{LEFT}(?:[EGDSPHKegdsphk] ?\d{{8}}|[Ee] ?[A-HJ-NP-Za-hj-np-z] ?\d{{7}}){RIGHT}", 0.3),
        (
            "labelled",
            rf"(?i){after('护照', '護照', 'passport(?: no| number)?[.]?')}(?:[A-Z]{{0,2}} ?\d{{6,9}}|(?=(?:[A-Z]{{0,3}}\d){{5}})[A-Z0-9]{{7,10}}){RIGHT}",
            0.6,
        ),
    )
    CONTEXT = ("护照", "護照", "passport", "Passport", "PASSPORT", "出入境证件")


class CnTravelPermitRecognizer(ChineseShapeRecognizer):
    """Exit-entry permits between the mainland, Hong Kong, Macao and Taiwan."""

    ENTITY = "CN_HKMOTW_PERMIT"
    SHAPES = (
        ("permit", rf"{LEFT}(?:[HMhm]\d{{8}}(?:\d{{2}})?|[Cc]\d{{8}}|[Cc][A-Za-z]\d{{7}}|[TLWtlw]\d{{8}}){RIGHT}", 0.3),
        ("taiwan compatriot", rf"{after('台胞证', '大陆通行证')}\d{{8}}(?:\d{{2}})?(?:\([A-Z0-9]\))?{RIGHT}", 0.6),
    )
    CONTEXT = ("通行证", "港澳", "回乡证", "台胞证", "往来", "签注", "通行證", "赴台")


class CnMilitaryIdRecognizer(ChineseShapeRecognizer):
    """Officer and soldier certificates: 军字第1234567号. Case and property numbers have other characters before 字第."""

    ENTITY = "CN_MILITARY_ID"
    SHAPES = (
        (
            "certificate",
            rf"(?:(?<![{_HAN}])|(?<=[证号为是码件持]))[军武士文南北沈兰济成广海空政参后装警边消京东西中陆火战联]字第? ?\d{{4,10}}号?",
            0.6,
        ),
        (
            "labelled",
            rf"{after('军官证', '士兵证', '警官证', '文职证', '军人证', '军人保障卡')}(?:第 ?)?\d{{6,10}}号?{RIGHT}",
            0.6,
        ),
    )
    CONTEXT = ("军官证", "士兵证", "军人", "文职", "警官证", "武警")


class CnDriverLicenceRecognizer(ChineseShapeRecognizer):
    """File number of a driving licence; the licence number itself is the identity number."""

    ENTITY = "CN_DRIVER_LICENSE"
    SHAPES = (("file number", rf"{after('档案编', '驾驶证档案', '驾照档案')}\d{{12}}{RIGHT}", 0.7),)


_SOCIAL = ("社保", "医保", "社会保障", "社会保险", "公积金", "养老保险", "医疗保险", "失业保险", "参保人?", "职工保险")
_CARD = r"(?:卡|个人|账户|帐户|账|帐|证|电脑|登记|编|人|缴存|保险|\(卡\)|[（(]){0,2}"


class CnSocialSecurityRecognizer(ChineseShapeRecognizer):
    """Social security, medical insurance and housing fund numbers: a value right after its label."""

    ENTITY = "CN_SOCIAL_SECURITY"
    SHAPES = (
        (
            "labelled",
            rf"(?<=(?:{'|'.join(_SOCIAL)}){_CARD}(?:号码|编号|卡号|账号|号|码)[:：为是 ]{{0,3}})[A-Z]{{0,2}}\d{{8,14}}{RIGHT}",
            0.8,
        ),
    )


_CLINIC = ("病历", "住院", "病案", "门诊", "就诊", "诊疗", "检验", "体检", "病人", "患者", "就医", "床位", "病例", "急诊", "处方")


class CnMedicalRecordRecognizer(ChineseShapeRecognizer):
    """Numbers of patients, records and stays: a value right after its label."""

    ENTITY = "CN_MEDICAL_RECORD"
    SHAPES = (
        (
            "labelled",
            rf"(?<=(?:{'|'.join(_CLINIC)})(?:卡[（(]?|登记|档案|编|流水|病人|患者)?(?:号码|卡号|编号|号|ID|id)[:：为是 ]{{0,3}})[A-Za-z]{{0,4}}-?\d{{5,14}}{RIGHT}",
            0.8,
        ),
    )


class HkIdCardRecognizer(ChineseShapeRecognizer):
    """Hong Kong identity card, check digit modulo 11."""

    ENTITY = "HK_ID_CARD"
    SHAPES = (("hkid", rf"{LEFT}[A-Z]{{1,2}}\d{{6}}[(（][0-9A][)）]", 0.5),)

    def validate_result(self, pattern_text: str) -> bool | None:
        code = re.sub(r"[^0-9A-Z]", "", pattern_text).rjust(9)
        values = [36 if char == " " else int(char, 36) for char in code]
        return sum(value * weight for value, weight in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


class TwIdCardRecognizer(ChineseShapeRecognizer):
    """Taiwan identity and residence numbers: a letter for the county, then nine digits with a check sum modulo 10."""

    ENTITY = "TW_ID_CARD"
    SHAPES = (("national id", rf"{LEFT}[A-Z][1289]\d{{8}}{RIGHT}", 0.4),)
    CONTEXT = ("身分證", "身分证", "身份證", "身份证", "居留證", "居留证", "统一证号", "統一證號", "台湾", "台灣")

    def invalidate_result(self, pattern_text: str) -> bool | None:
        county = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(pattern_text[0]) + 10
        digits = [county // 10, county % 10, *(int(char) for char in pattern_text[1:])]
        return sum(value * weight for value, weight in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 != 0
