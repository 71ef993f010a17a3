"""Cards, accounts and the codes of organisations and sole traders."""

from __future__ import annotations

import re
from typing import ClassVar

from corpushub.engine.recognizers.shape import LEFT, RIGHT, ChineseShapeRecognizer, after, bare, luhn, uscc_is_valid

_BIN = re.compile(r"62|4|5[0-9]|2[2-7]|34|37|35|30|36|38|60|64|65|9558|88|81|69|68|90|94|95|96|99")
_STRONG_BIN = re.compile(r"62[0-9]{2}|4[0-9]{3}|5[1-5]|3[47]|35[2-8]|9558|60[0-9]{2}|6011")
_ACCOUNT_WORDS = (
    "卡号", "账号", "帐号", "开户", "银行", "银联", "账户", "帐户", "储蓄", "信用卡", "借记卡", "尾号", "汇至", "打款", "转账", "收款",
    "工资卡", "存折", "card", "Card", "account", "Account", "帳號", "銀行", "卡號", "Visa", "visa", "VISA", "MasterCard", "一卡通",
)  # fmt: skip


_CUT = r"(?: {1,3}|[\-.·,，])"  # between groups


class CnBankCardRecognizer(ChineseShapeRecognizer):
    """Bank cards: 13 to 19 digits in groups of four or none, issuer prefix and Luhn digit; without them words around must say so."""

    ENTITY = "CN_BANK_CARD"
    SHAPES = (
        ("digits", rf"(?<![0-9A-Za-z_.])[3-69]\d{{12,18}}{RIGHT}(?![.,]\d)(?! ?(?:元|万|亿|号工单))", 0.3),
        (
            "groups of four",
            rf"(?<![0-9A-Za-z_.])[3-69]\d{{3}}(?:{_CUT}\d{{4}}){{2,3}}(?:{_CUT}\d{{1,4}})?{RIGHT}(?![.,]\d)",
            0.3,
        ),
        ("american express", rf"{LEFT}3[47]\d{{2}}[ \-]\d{{6}}[ \-]\d{{5}}{RIGHT}", 0.3),
        (
            "odd groups",
            rf"(?<![0-9A-Za-z_.])(?<!\d-)(?=\d{{1,18}}[ \-]\d)(?:6[ \-]?2|4[ \-]?\d|5[ \-]?[1-5])(?:[ \-]?\d){{12,17}}{RIGHT}(?![.,]\d)",
            0.2,
        ),
    )
    CONTEXT = _ACCOUNT_WORDS

    def validate_result(self, pattern_text: str) -> bool | None:
        number = bare(pattern_text)
        if not 13 <= len(number) <= 19 or not _BIN.match(number) or len(set(number)) < 3:
            return False
        strong = _STRONG_BIN.match(number) and (len(number) in {16, 19} or number[:2] in {"34", "37"})
        return True if strong and luhn(number) else None


class BankAccountRecognizer(ChineseShapeRecognizer):
    """Accounts that are no cards (companies, treasuries): only right after their label."""

    ENTITY = "BANK_ACCOUNT"
    SHAPES = (
        (
            "labelled",
            (
                rf"{after('对公账户?', '对公帐户?', '基本户', '一般户', '银行账', '银行帐', '开户账', '账户', '帐户', '收款账', '结算账', '账', '帐')}"
                rf"(?!1[3-9]\d{{9}}{RIGHT})\d(?:[ \-]?\d){{8,24}}{RIGHT}"
            ),
            0.55,
        ),
    )


_BODY = r"[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]"


class CnUsccRecognizer(ChineseShapeRecognizer):
    """Unified social credit code of an organisation (GB 32100-2015)."""

    ENTITY = "CN_USCC"
    SHAPES: ClassVar[tuple[tuple[str, str, float], ...]] = (
        ("code", rf"{LEFT}(?!92)[159AYNGJ]{_BODY}\d{{6}}{_BODY}{{10}}{RIGHT}", 0.25),
        (
            "in groups",
            rf"{LEFT}(?!92)[159AYNGJ]{_BODY}\d{{2}}[ \-]\d{{4}}(?:[ \-]{_BODY}{{4}}){{2}}[ \-]{_BODY}{{2}}{RIGHT}",
            0.25,
        ),
    )
    CONTEXT: ClassVar[tuple[str, ...]] = (
        "信用代码",
        "税号",
        "纳税人识别号",
        "机构代码",
        "社会信用",
        "USCC",
        "信用代碼",
        "识别号",
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        return True if uscc_is_valid(bare(pattern_text)) else None


class CnUsccPersonalRecognizer(CnUsccRecognizer):
    """Unified social credit code of a sole trader: it names a natural person (GB/T 35273 3.1)."""

    ENTITY = "CN_USCC_PERSONAL"
    SHAPES = (("code", rf"{LEFT}92\d{{6}}{_BODY}{{10}}{RIGHT}", 0.25),)
    CONTEXT = (*CnUsccRecognizer.CONTEXT, "个体", "经营者", "注册号")
