"""Natural stand-ins that can be told from real values: deterministic in (key, entity, value).

Most are values nobody can have: mobiles in a block that is not allocated (100…), landlines whose local number begins with 100, identity cards of
region 00, cards of no issuer, plates with the letter O, roads that do not exist, e-mail at example.com. Names and birthdays cannot be made
that way. They come from a small set that the dataset's key draws: whoever holds the key knows a stand-in from a person who was left over,
nobody else does, and no original is stored. A true name falls into the set by chance alone, and rarely: three characters, both characters
of the given name among sixty-four, and then one pair of them in sixty-four; a true birthday one time in sixty.
"""

from __future__ import annotations

import hmac
import re
from calendar import monthrange
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TypeVar

from corpushub.engine.recognizers.lexicon import lexicon

T = TypeVar("T")
KEYED = ("PERSON", "DATE_OF_BIRTH")  # kinds whose stand-ins only the key can tell from real values
PAIRS = 64  # given names a key draws, of the square of the characters
DAYS = 6  # birthdays a key draws for each year
_DAY = re.compile(r"(?P<year>\d{4})(?P<first>\D+)(?P<month>\d{1,2})(?:(?P<second>\D+)(?P<day>\d{1,2}))?(?P<tail>\D*)")
_AREA = re.compile(r"\D*(?:0(?:10|2\d|[3-9]\d\d)\D*)?")


class Draw:
    """Numbers below a bound, from 32 bytes of a keyed digest."""

    def __init__(self, seed: bytes) -> None:
        self.left = int.from_bytes(seed, "big")

    def below(self, bound: int) -> int:
        self.left, found = divmod(self.left, bound)
        return found

    def digits(self, count: int) -> str:
        return "".join(str(self.below(10)) for _ in range(count))

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]


def surrogate(entity: str, value: str, key: bytes, seed: bytes) -> str | None:
    """A stand-in of the same kind, or None where none can be both natural and safe. `key` is the dataset's, `seed` chooses."""
    draw = Draw(seed)
    if entity == "PERSON":
        return name(value, key, draw)
    if entity == "DATE_OF_BIRTH":
        return birthday(value, key, draw)
    makers = {
        "CN_MOBILE": mobile, "CN_LANDLINE": landline, "PHONE_NUMBER": foreign_phone, "CN_ID_CARD": identity_card,
        "EMAIL_ADDRESS": mail, "ADDRESS": address, "CN_LICENSE_PLATE": plate, "CN_BANK_CARD": card,
    }  # fmt: skip
    maker = makers.get(entity)
    return maker(value, draw) if maker else None


def is_surrogate(entity: str, value: str, key: bytes) -> bool:
    """Could a scrub with `key` have written `value`? Without a key no name and no birthday passes for a stand-in."""
    if not key:
        return False
    if entity == "PERSON":
        return value[:1] in _families() and value[1:] in givens(key)
    if entity == "DATE_OF_BIRTH" and (day := _DAY.fullmatch(value)) and day["day"]:
        return (int(day["month"]), int(day["day"])) in days(key, int(day["year"]))
    return False


def is_nobodys(entity: str, value: str) -> bool:
    """Can `value` belong to nobody, whoever wrote it: the shapes of stand-ins that need no key."""
    shape = _shapes().get(entity)
    return shape is not None and shape.search(value) is not None


@cache
def _shapes() -> dict[str, re.Pattern[str]]:
    units, either = lexicon()["words"], "|".join
    shapes = {
        "EMAIL_ADDRESS": r"@example\.com$",
        "PERSON": rf"^(?:{either(words('english_given'))}) (?:{either(words('english_family'))})$",
        "ADDRESS": rf"(?:{either(words('roads'))}){units['road']}9\d\d{units['number']}$",
        "CN_MOBILE": r"^100\d{8}$",
        "CN_LANDLINE": r"^\D*(?:0(?:10|2\d|[3-9]\d\d)\D*)?1\D*0\D*0(?:\D*\d){4,}\D*$",
        "PHONE_NUMBER": r"^\D*9\D*9\D*9\D*0",
        "CN_ID_CARD": r"^00\d{4}19000101\d{4}$",
        "CN_BANK_CARD": r"^0000\d{12}$",
        "CN_LICENSE_PLATE": r"^.O0\d{4}$",
    }
    return {entity: re.compile(shape) for entity, shape in shapes.items()}


@cache
def words(name: str) -> tuple[str, ...]:
    return tuple(lexicon()["surrogates"][name].split())


@cache
def _families() -> frozenset[str]:
    return frozenset(words("surnames_common") + words("surnames_rare"))


@lru_cache(maxsize=64)
def givens(key: bytes) -> dict[str, None]:
    """The given names of `key`, in an order that is always the same."""
    pairs = [one + two for one in words("given") for two in words("given") if one != two]
    return dict.fromkeys(sorted(pairs, key=lambda pair: _rank(key, "PERSON", pair))[:PAIRS])


@lru_cache(maxsize=4096)
def days(key: bytes, year: int) -> tuple[tuple[int, int], ...]:
    """The birthdays of `key` in one year, as month and day."""
    every = [(month, day) for month in range(1, 13) for day in range(1, 1 + monthrange(year, month)[1])]
    return tuple(sorted(every, key=lambda day: _rank(key, "DATE_OF_BIRTH", f"{year}-{day}"))[:DAYS])


def _rank(key: bytes, entity: str, value: str) -> bytes:
    return hmac.digest(key, f"surrogate\x1f{entity}\x1f{value}".encode(), "sha256")


def name(value: str, key: bytes, draw: Draw) -> str:
    """A person of three characters with a surname as frequent; where no Han character is written, an English one."""
    if not re.search(r"[\u4e00-\u9fff]", value):
        return f"{draw.one_of(words('english_given'))} {draw.one_of(words('english_family'))}"
    common, rare = words("surnames_common"), words("surnames_rare")
    return draw.one_of(common if value[0] in common else rare) + draw.one_of(tuple(givens(key)))


def mobile(_: str, draw: Draw) -> str:
    return "100" + draw.digits(8)  # 100 is no mobile block


def landline(value: str, draw: Draw) -> str:
    """Keeps area code and shape; local numbers of the mainland never begin with 1 (those of five digits are services)."""
    area = _AREA.match(value)
    return redialled(value, area.end() if area else 0, "100", draw)


def foreign_phone(value: str, draw: Draw) -> str:
    return redialled(value, 0, "9990", draw)  # neither country 999 nor area 999 exists


def redialled(value: str, start: int, begin: str, draw: Draw) -> str:
    """`value` with other digits from `start` on, the first of them `begin`."""
    chars, ahead = list(value), iter(begin)
    for place in range(start, len(chars)):
        if chars[place].isdigit():
            chars[place] = next(ahead, "") or draw.digits(1)
    return "".join(chars)


def identity_card(_: str, draw: Draw) -> str:
    """Region 00 does not exist: no validator accepts it, whatever the last character."""
    return "00" + draw.digits(4) + "19000101" + draw.digits(4)


def card(_: str, draw: Draw) -> str:
    return "0000" + draw.digits(12)  # no issuer begins with 0


def mail(_: str, draw: Draw) -> str:
    return "user" + draw.digits(6) + "@example.com"


def plate(value: str, draw: Draw) -> str:
    return value[:1] + "O" + "0" + draw.digits(4)  # the letter O is never used


def birthday(value: str, key: bytes, draw: Draw) -> str | None:
    """Moves month and day, keeps the year and the way it is written; the year alone where no day is written."""
    stated = re.search(r"(?:18|19|20)\d{2}", value)
    if not stated:
        return None
    found = _DAY.fullmatch(value)
    if not found or not found["day"]:
        return f"{stated[0]}{lexicon()['words']['year']}"
    month, day = draw.one_of(days(key, int(found["year"])))
    return f"{found['year']}{found['first']}{month:0{len(found['month'])}d}{found['second']}{day:0{len(found['day'])}d}{found['tail']}"


def address(value: str, draw: Draw) -> str:
    """Keeps province, city and district; road and number are invented."""
    found = re.match(lexicon()["cities"]["keep_to"], value)
    units = lexicon()["words"]
    return f"{found[0] if found else ''}{draw.one_of(words('roads'))}{units['road']}{901 + draw.below(99)}{units['number']}"
