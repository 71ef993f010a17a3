"""Natural stand-ins that can never be somebody's: deterministic in (key, entity, value).

Names keep length and a surname of similar frequency; mobiles use a block that is not allocated (1X with X = 0 after 1: 100…), identity cards
fail the check digit on purpose, e-mail lives at example.com, roads are invented, a birthday moves within its year.
"""

from __future__ import annotations

import re
from calendar import monthrange
from functools import cache

from corpushub.engine.recognizers.lexicon import lexicon


class Draw:
    """Numbers below a bound, from 32 bytes of a keyed digest."""

    def __init__(self, seed: bytes) -> None:
        self.left = int.from_bytes(seed, "big")

    def below(self, bound: int) -> int:
        self.left, found = divmod(self.left, bound)
        return found

    def digits(self, count: int) -> str:
        return "".join(str(self.below(10)) for _ in range(count))


def surrogate(entity: str, value: str, seed: bytes) -> str | None:
    """A stand-in of the same kind, or None where none can be both natural and safe."""
    draw = Draw(seed)
    makers = {
        "PERSON": name, "CN_MOBILE": mobile, "CN_LANDLINE": landline, "PHONE_NUMBER": landline, "CN_ID_CARD": identity_card,
        "EMAIL_ADDRESS": mail, "DATE_OF_BIRTH": birthday, "ADDRESS": address, "CN_LICENSE_PLATE": plate, "CN_BANK_CARD": card,
    }  # fmt: skip
    maker = makers.get(entity)
    return maker(value, draw) if maker else None


@cache
def words(name: str) -> tuple[str, ...]:
    return tuple(lexicon()["surrogates"][name].split())


def name(value: str, draw: Draw) -> str:
    if value.isascii():
        return f"{words('english_given')[draw.below(len(words('english_given')))]} {words('english_family')[draw.below(len(words('english_family')))]}"
    common, rare = words("surnames_common"), words("surnames_rare")
    pool = common if value[0] in common else rare
    length = min(max(len(value), 2), 3)
    given = words("given")
    return pool[draw.below(len(pool))] + "".join(given[draw.below(len(given))] for _ in range(length - 1))


def mobile(_: str, draw: Draw) -> str:
    return "100" + draw.digits(8)  # 100 is no mobile block


def landline(value: str, draw: Draw) -> str:
    """Keeps the shape; local numbers of the mainland never begin with 0 or 1."""
    digits = [position for position, char in enumerate(value) if char.isdigit()]
    local = digits[-7:]
    chars = list(value)
    for place, position in enumerate(local):
        chars[position] = "1" if place == 0 else str(draw.below(10))
    if len(digits) > 7:
        chars[digits[-8]] = "0"
    return "".join(chars)


def identity_card(_: str, draw: Draw) -> str:
    """Region 00 does not exist: no validator accepts it, whatever the last character."""
    return "00" + draw.digits(4) + "1900" + "01" + "01" + draw.digits(3) + str(draw.below(10))


def card(_: str, draw: Draw) -> str:
    return "0000" + draw.digits(12)  # no issuer begins with 0


def mail(_: str, draw: Draw) -> str:
    return "user" + draw.digits(6) + "@example.com"


def plate(value: str, draw: Draw) -> str:
    return value[:1] + "O" + "0" + draw.digits(4)  # the letter O is never used


def birthday(value: str, draw: Draw) -> str:
    """Moves month and day, keeps the year and the way it is written."""
    found = re.match(r"(\d{4})(\D+)(\d{1,2})(?:(\D+)(\d{1,2}))?(\D*)$", value)
    if not found:
        stated = re.search(r"\d{4}", value)
        return f"{stated[0]}{lexicon()['words']['year']}" if stated else ""
    year, first, _, second, day, tail = found.groups()
    month = 1 + draw.below(12)
    if not day:
        return f"{year}{first}{month:0{len(found[3])}d}{tail}"
    return f"{year}{first}{month:0{len(found[3])}d}{second}{1 + draw.below(monthrange(int(year), month)[1]):0{len(day)}d}{tail}"


def address(value: str, draw: Draw) -> str:
    """Keeps province, city and district; road and number are invented."""
    found = re.match(lexicon()["cities"]["keep_to"], value)
    units, roads = lexicon()["words"], words("roads")
    return f"{found[0] if found else ''}{roads[draw.below(len(roads))]}{units['road']}{901 + draw.below(99)}{units['number']}"
