"""The base of all pattern recognizers, boundaries, and the check digits of the standards."""

from __future__ import annotations

from datetime import date
from operator import mul
from typing import ClassVar

from corpushub.engine.presidio import OwnPattern, Pattern, PatternRecognizer

LEFT = r"(?<![0-9A-Za-z_])"
RIGHT = r"(?![0-9A-Za-z_])"
ACCENTED = [chr(code) for code in range(0xC0, 0x250) if chr(code).isalpha()]
UPPER = "A-Z" + "".join(letter for letter in ACCENTED if letter.isupper())  # for classes of Latin letters, accents included
LETTER = "A-Za-z" + "".join(ACCENTED)
GAP = r"[ \-.·]?"  # one separator inside a number as people type it
IS = r"(?:[:：为是 \t\"'“”】\])）]|号码|号){0,4}"  # between a label and its value
SEPARATORS = str.maketrans("", "", " -–—.·•/()（）\t,，")


class ShapeRecognizer(PatternRecognizer):
    """Class attributes say what is found; the constructor takes what Presidio's YAML loader passes."""

    ENTITY: ClassVar[str] = ""
    SHAPES: ClassVar[tuple[tuple[str, str, float], ...]] = ()
    CONTEXT: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        patterns: list[Pattern] | None = None,
        context: list[str] | None = None,
        supported_language: str = "zh",
        supported_entity: str = "",
        name: str | None = None,
    ) -> None:
        super().__init__(
            supported_entity=supported_entity or self.ENTITY,
            patterns=patterns or [OwnPattern(label, regex, score) for label, regex, score in self.SHAPES],
            context=list(self.CONTEXT) if context is None else context,
            supported_language=supported_language,
            name=name or type(self).__name__,
            global_regex_flags=0,
        )


class ChineseShapeRecognizer(ShapeRecognizer):
    """A shape that is defined in China."""

    COUNTRY_CODE = "cn"


def after(*labels: str) -> str:
    """A look-behind: one of `labels`, then `IS`."""
    return rf"(?<=(?:{'|'.join(labels)}){IS})"


def bare(text: str) -> str:
    """`text` without separators, upper case."""
    return (text if text.isalnum() else text.translate(SEPARATORS)).upper()


_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")  # twice the digit, its two digits added
_ZERO = ord("0")


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    plain = f"{int(digits):0{len(digits)}}".encode()  # digits of any script
    return (sum(plain[::-2]) + sum(plain[-2::-2].translate(_DOUBLED)) - _ZERO * len(plain)) % 10 == 0


_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_BASE = _ZERO * sum(_ID_WEIGHTS)


def id_check(number: str) -> str:
    """The 18th character that GB 11643-1999 (ISO 7064 MOD 11-2) gives 17 digits."""
    plain = f"{int(number[:17]):017}".encode()  # digits of any script
    return "10X98765432"[(sum(map(mul, plain, _ID_WEIGHTS)) - _ID_BASE) % 11]


def is_real_date(year: str, month: str, day: str = "1") -> bool:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return False
    return 1880 <= found.year <= 2099


_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {char: place for place, char in enumerate(_USCC)}
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))


def uscc_is_valid(code: str) -> bool:
    """GB 32100-2015: 18 characters, check character modulo 31."""
    if len(code) != 18 or not _USCC_VALUES.keys() >= set(code):
        return False
    total = sum(map(mul, map(_USCC_VALUES.__getitem__, code), _USCC_WEIGHTS))
    return _USCC[-total % 31] == code[17]


_VIN = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10), *range(10)), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin_is_valid(code: str) -> bool:
    """GB 16735-2019: ninth character is the weighted sum modulo 11."""
    total = sum(_VIN[char] * weight for char, weight in zip(code, _VIN_WEIGHTS, strict=True))
    return "0123456789X"[total % 11] == code[8]
