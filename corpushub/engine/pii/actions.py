"""What is written where personal information stood."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from corpushub.base.messages import catalogue
from corpushub.engine.pii import surrogates
from corpushub.engine.pii.policy import STAYS
from corpushub.engine.pii.pseudonyms import canonical_value, pseudonym, token
from corpushub.engine.recognizers.lexicon import lexicon

OPEN, CLOSE = "〔", "〕"
LABELS = "pii_entity"
DRAWS = 8  # tries at a stand-in nobody else in the document has


@dataclass(slots=True)
class Desk:
    """Writes stand-ins. `key` is the dataset's and seeds pseudonyms and surrogates; a desk of one `document` draws others than the next."""

    key: bytes
    lang: str = "zh"
    numbered: frozenset[str] = frozenset({"PERSON"})
    document: bytes = b""
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    _per_entity: dict[str, int] = field(default_factory=dict)
    _made: dict[tuple[str, str], str | None] = field(default_factory=dict)

    @property
    def seed(self) -> bytes:
        return hmac.digest(self.key, self.document, "sha256") if self.document else self.key

    def write(self, action: str, entity: str, value: str) -> str:
        """The stand-in for `value`; `keep` and `flag` give it back."""
        if action in {"keep", "flag"}:
            return value
        if action == "pseudonym":
            return f"{OPEN}{pseudonym(self.seed, entity, value)}{CLOSE}"
        if action == "surrogate":
            made = self.surrogate(entity, value)
            return self.placeholder(entity, value) if made is None else made
        if action == "generalise":
            return generalised(entity, value) or self.placeholder(entity, value)
        if action == "mask":
            return masked(value)
        return self.placeholder(entity, value)

    def surrogate(self, entity: str, value: str) -> str | None:
        """A natural stand-in: another than the value itself and, within a document, than those of other values, as far as there are any."""
        who = (entity, canonical_value(value))
        if who not in self._made:
            taken = {value, *self._made.values()} if self.document else {value}
            seed = token(self.seed, entity, value)
            for _ in range(DRAWS):
                made = surrogates.surrogate(entity, value, self.key, seed)
                if made not in taken:
                    break
                seed = hmac.digest(self.key, seed, "sha256")
            self._made[who] = made
        return self._made[who]

    def placeholder(self, entity: str, value: str) -> str:
        """`〔身份证号〕`; people are numbered within a document, so that who did what stays readable: `〔姓名1〕`."""
        word = labels(self.lang).get(entity, entity)
        if entity not in self.numbered:
            return f"{OPEN}{word}{CLOSE}"
        who = (entity, canonical_value(value))
        if who not in self._numbers:
            self._per_entity[entity] = self._numbers[who] = self._per_entity.get(entity, 0) + 1
        return f"{OPEN}{word}{self._numbers[who]}{CLOSE}"


@cache
def labels(lang: str) -> Mapping[str, str]:
    """Words for entities in one language."""
    words = catalogue("en" if lang == "en" else "zh")
    return {key.split(".", 1)[1]: word for key, word in words.items() if key.startswith(f"{LABELS}.")}


@cache
def placeholder_pattern() -> re.Pattern[str]:
    """Every stand-in in brackets that `Desk` can write, so that a second pass leaves them alone."""
    words = sorted({re.escape(word) for lang in ("zh", "en") for word in labels(lang).values()}, key=len, reverse=True)
    return re.compile(rf"{OPEN}(?:(?:{'|'.join(words)})\d*|[A-Z_]+-[A-Z2-7]+|[A-Z_]+){CLOSE}")


def is_settled(action: str, entity: str, value: str, key: bytes) -> bool:
    """May a finding stay where a scrub with `key` has passed: the policy keeps it, or it is what its action makes of it?"""
    if action == "surrogate" and surrogates.is_surrogate(entity, value, key):
        return True
    return action in STAYS or (action in {"generalise", "surrogate"} and generalised(entity, value) == value)


def masked(value: str) -> str:
    """First and last three characters stay of long values, the first of short ones."""
    ends = 3 if len(value) >= 10 else 1 if len(value) >= 4 else 0
    return value[:ends] + "*" * (len(value) - 2 * ends) + value[len(value) - ends :]


def generalised(entity: str, value: str) -> str | None:
    """A coarser value, or None where this entity has none."""
    if entity == "ADDRESS":
        found = re.match(lexicon()["cities"]["keep_to"], value)
        rough = found[0] if found else ""
        return f"{rough}{OPEN}{labels('zh')['ADDRESS_DETAIL']}{CLOSE}" if rough else None
    if entity == "DATE_OF_BIRTH":
        year = re.search(r"(?:18|19|20)\d{2}", value)
        return f"{year[0]}{lexicon()['words']['year']}" if year else None
    if entity == "GPS_COORDINATE":
        return re.sub(r"(\d+\.\d{2})\d+", r"\1", value)
    if entity == "IP_ADDRESS" and value.count(".") == 3:
        return value.rsplit(".", 1)[0] + ".*"
    return None
