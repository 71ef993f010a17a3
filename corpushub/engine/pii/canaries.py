"""Canaries: lines of personal information that belongs to nobody, scrubbed with every batch of rows and never released.

A scrub that is switched off, misses its columns or lost a recognizer lets one through; the build counts it, and a release with such a
build is stopped. Values are keyed per dataset, so that nobody can teach a recognizer to find only them.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple

from corpushub.engine.pii.policy import STAYS, Policy
from corpushub.engine.pii.surrogates import Draw, words
from corpushub.engine.recognizers.lexicon import lexicon


class Canary(NamedTuple):
    """A value no scrub may leave, and the line it is planted in."""

    entity: str
    value: str
    line: str


def canaries(key: bytes) -> tuple[Canary, ...]:
    """One of each kind that no policy for the outside keeps; different for every key."""
    lines = lexicon()["canaries"]
    return tuple(Canary(entity, value, lines[entity].format(value=value)) for entity, value in _values(key))


def _values(key: bytes) -> list[tuple[str, str]]:
    from corpushub.engine.recognizers.shape import id_check, luhn  # loads the recognizers, which planning must not

    draw = Draw(hmac.digest(key, b"canary", "sha256"))
    body = f"110105{1970 + draw.below(30)}01{1 + draw.below(28):02d}{draw.digits(3)}"
    card = "622202" + draw.digits(12)
    families, given = words("surnames_common"), words("given_canary")
    return [
        ("CN_ID_CARD", body + id_check(body)),
        ("CN_MOBILE", "139" + draw.digits(8)),
        ("EMAIL_ADDRESS", f"u{draw.digits(9)}@example.org"),
        ("CN_BANK_CARD", card + next(last for last in "0123456789" if luhn(card + last))),
        ("PERSON", families[draw.below(len(families))] + given[draw.below(len(given))] + given[draw.below(len(given))]),
    ]


def planted(key: bytes, policy: Policy, *, names: bool) -> list[Canary]:
    """The canaries a scrub under `policy` must remove; names only where it looks for names."""
    return [one for one in canaries(key) if policy.action(one.entity) not in STAYS and (names or one.entity != "PERSON")]
