"""English and international identifiers: Presidio's own pattern recognizers, but those that need a network or a language model.

Telephone numbers are found by shape and checked with `phonenumbers`, which Presidio brings: its own matcher walks through the whole text for
every region and takes nine tenths of a run.
"""

from __future__ import annotations

import re
from functools import cache

import phonenumbers

from corpushub.engine.presidio import (
    CreditCardRecognizer,
    CryptoRecognizer,
    EntityRecognizer,
    UsItinRecognizer,
    UsLicenseRecognizer,
    UsPassportRecognizer,
    UsSsnRecognizer,
)
from corpushub.engine.recognizers.shape import LETTER, UPPER, ShapeRecognizer, bare

_NO_HAN_NEAR = r"(?<![\u4e00-\u9fff][^\u4e00-\u9fff\n]{0,6})"
_REGIONS = ("US", "GB", "DE", "FR", "IN", "CA", "AU", "BR", "IL", "HK", "TW", "SG", "JP")
_WORD = rf"[{UPPER}][{LETTER}'’\-]{{1,24}}"
_NAME = rf"{_WORD}(?: [A-Z]\.)?(?: (?:de|da|van|von|der|la|le|bin|al)){{0,2}}(?: {_WORD}){{0,2}}"


# countries that give out such numbers (the IBAN registry): other letters in front are an order's, a file's
_BANKING_CODES = (
    "AD AE AL AT AZ BA BE BG BH BI BR BY CH CR CY CZ DE DJ DK DO EE EG ES FI FK FO FR GB GE GI GL GR GT HN HR HU IE IL IQ IS IT JO"
    " KW KZ LB LC LI LT LU LV LY MC MD ME MK MN MR MT MU NI NL NO OM PK PL PS PT QA RO RS RU SA SC SD SE SI SK SM SO ST SV TL TN TR UA VA VG XK YE"
)
_BANKING = frozenset(_BANKING_CODES.split())


class IbanCodeRecognizer(ShapeRecognizer):
    """International bank account numbers (ISO 13616), check digits modulo 97. Presidio's own walks through every text by itself."""

    ENTITY = "IBAN_CODE"
    SHAPES = (
        ("account", r"(?<![0-9A-Za-z_])[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]{4}){2,7}(?:[ \-]?[A-Z0-9]{1,3})?(?![0-9A-Za-z_])", 0.5),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        code = bare(pattern_text)
        if not 15 <= len(code) <= 34 or code[:2] not in _BANKING:
            return False
        return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1


class InternationalPhoneRecognizer(ShapeRecognizer):
    """Telephone numbers in text without Han characters around; validity as the numbering plans say."""

    ENTITY = "PHONE_NUMBER"
    SHAPES = (
        (
            "international",
            rf"(?=[+0])(?<![0-9A-Za-z_.\-]){_NO_HAN_NEAR}(?:\+|00)\d(?:[ .()/\-]{{0,2}}\d){{6,14}}(?: ?(?:x|ext\.?) ?\d{{1,6}})?(?![0-9A-Za-z_])",
            0.55,
        ),
        ("after Han characters", r"(?<![0-9A-Za-z_.\-])\+(?!86)\d(?:[ .()/\-]{0,2}\d){7,14}(?![0-9A-Za-z_])", 0.5),
        ("Taiwan mobile", r"(?<![0-9A-Za-z_.\-])09\d{2}[ \-]?\d{3}[ \-]?\d{3}(?![0-9A-Za-z_\-])", 0.3),
        (
            "national",
            (
                rf"(?=[(\d])(?<![0-9A-Za-z_.\-/]){_NO_HAN_NEAR}(?!(?:19|20)\d\d[\-/.]\d)(?=(?:[(). /\-]{{0,2}}\d){{9}})(?:\(\d{{2,5}}\)[ .\-/]{{0,2}}|\d{{2,5}}[ .\-/]{{1,2}})\d{{2,5}}(?:[ .\-/]\d{{2,5}}){{0,3}}(?: ?(?:x|ext\.?) ?\d{{1,6}})?"
                rf"(?![0-9A-Za-z_]|[\-.,/]\d)(?!.{{0,6}}[\u4e00-\u9fff])"
            ),
            0.5,
        ),
        (
            "digits",
            rf"(?=\d{{10}})(?<![0-9A-Za-z_.\-]){_NO_HAN_NEAR}\d{{10,11}}(?![0-9A-Za-z_]|[\-.,]\d)(?!.{{0,6}}[\u4e00-\u9fff])",
            0.2,
        ),
    )
    CONTEXT = (
        "phone",
        "number",
        "telephone",
        "cell",
        "cellphone",
        "mobile",
        "call",
        "Phone",
        "Call",
        "fax",
        "Fax",
        "Tel",
        "tel",
        "手机",
        "手機",
        "電話",
        "电话",
        "聯絡",
        "行動",
    )

    def invalidate_result(self, pattern_text: str) -> bool | None:
        return _MAINLAND.fullmatch(bare(pattern_text)) is not None or not is_telephone(pattern_text)


class LabelledPhoneRecognizer(ShapeRecognizer):
    """Numbers right after the word, however short: no plan knows local numbers without their area."""

    ENTITY = "PHONE_NUMBER"
    SHAPES = (
        (
            "labelled",
            (
                r"(?i)(?<=(?:phone|telephone|cell|mobile|call|fax|tel|desk)(?: ?(?:number|no\.?|me|us))?(?: (?:is|at|on|to))?(?:: ?|, | ))"
                r"(?=(?:[^0-9\n]{0,2}\d){6})\+?\(?\d[\d()./ \-]{4,18}\d(?![0-9A-Za-z_]|[,.]\d)"
            ),
            0.6,
        ),
    )

    def invalidate_result(self, pattern_text: str) -> bool | None:
        return _MAINLAND.fullmatch(bare(pattern_text)) is not None


_MAINLAND = re.compile(r"1[3-9]\d{9}")  # no number of another plan: a mobile of the mainland


@cache
def is_telephone(text: str) -> bool:
    """Is this a possible number of one of the numbering plans?"""
    stated = text.startswith(("+", "00"))
    for region in (None,) if text.startswith("+") else _REGIONS:
        try:
            number = phonenumbers.parse(text, region)
            if phonenumbers.is_valid_number(number) or (stated and phonenumbers.is_possible_number(number)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


class EnglishNameRecognizer(ShapeRecognizer):
    """Names in English text where a form of address or a phrase introduces them."""

    ENTITY = "PERSON"
    SHAPES = (
        ("form of address", rf"(?<=(?<![A-Za-z])(?:Mr|Mrs|Ms|Miss|Dr|Prof|Mx|Sir|Madam)\.? ){_NAME}", 0.7),
        (
            "introduced",
            rf"(?<=(?:[Mm]y name is|I am called|[Nn]ame of|[Nn]amed|[Nn]ame:|[Ss]incerely,|[Rr]egards,|Dear|[Aa]ttn:?|[Ss]igned by) )(?!(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? ){_NAME}",
            0.65,
        ),
    )

    def invalidate_result(self, pattern_text: str) -> bool | None:
        return pattern_text in {"Sir", "Madam", "All", "Team", "Customer", "Colleagues"}


def recognizers(language: str) -> list[EntityRecognizer]:
    """Instances that answer for `language`."""
    foreign = (
        CreditCardRecognizer,
        CryptoRecognizer,
        UsItinRecognizer,
        UsSsnRecognizer,
        UsLicenseRecognizer,
        UsPassportRecognizer,
    )
    own = (IbanCodeRecognizer, InternationalPhoneRecognizer, LabelledPhoneRecognizer, EnglishNameRecognizer)
    return [*(kind(supported_language=language) for kind in own), *(kind(supported_language=language) for kind in foreign)]
