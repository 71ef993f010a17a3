"""The look after scrubbing: every cell of what will be released is read again, by the full engine and by a second scan that shares nothing
with it but the standards.

Call `verify` per batch of rows (a row group of each output file) and add the counts: memory is that of the batch, and the result holds
kinds and counts only, fit for evidence. The caller decides which policy a column was scrubbed with.

Rules: the full engine decides with the same policy as the scrub step; the second scan knows only shapes with check digits, mobiles, e-mail
addresses and well-known key prefixes, on text with separators removed; canaries that were put in on purpose must not come out; credentials
always block. Reports count, they never quote.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from corpushub.base.errors import Conflict
from corpushub.engine.pii.actions import is_settled, placeholder_pattern
from corpushub.engine.pii.policy import ALWAYS, Policy
from corpushub.engine.pii.scrub import look
from corpushub.engine.recognizers.lexicon import follows_amount, follows_code

_DIGITS = re.compile(r"(?<!\d)\d{11,19}(?!\d)")
_ID = re.compile(r"(?<![0-9A-Za-z])[GL]?(?P<number>[1-9]\d{16}[\dXx])(?:[1-7][1-4](?:[Bb]\d)?)?(?![0-9A-Za-z])")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_MAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+\.[A-Za-z]{2,}")
_KEYS = re.compile(r"(?:AKIA|LTAI|AKID|ghp_|glpat-|hf_)[0-9A-Za-z]{12,}|-----BEGIN [A-Z ]*PRIVATE KEY")
_WORTH = re.compile(
    r"\d[ \-.·]?\d[ \-.·]?\d[ \-.·]?\d|@|AKIA|LTAI|AKID|ghp_|glpat-|hf_|-----BEGIN"
)  # nothing else can hold what the second scan knows
_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))


class Left(NamedTuple):
    """A cell in which something is left: where it stands, and how many of each entity; a canary counts as `CANARY`."""

    column: str
    row: int
    entities: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Residual:
    """What is left, by entity; `second` is the independent scan, `canaries` how many planted strings came through, `left` the cells."""

    cells: int
    engine: Mapping[str, int] = field(default_factory=dict)
    second: Mapping[str, int] = field(default_factory=dict)
    canaries: int = 0
    left: tuple[Left, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.engine.values()) + sum(self.second.values()) + self.canaries

    @property
    def secrets(self) -> int:
        return sum(self.engine.get(entity, 0) for entity in ALWAYS) + self.second.get("SECRET", 0)

    def measures(self) -> dict[str, float]:
        return {"pii_residual": float(self.total), "secrets_residual": float(self.secrets)}

    def require_clean(self) -> None:
        """Raises: Conflict("pii.canary_left" | "pii.residual")."""
        if self.canaries:
            raise Conflict("pii.canary_left", count=self.canaries)
        if self.total:
            counts = Counter(self.engine) + Counter(self.second)
            raise Conflict("pii.residual", counts=", ".join(f"{entity} {count}" for entity, count in sorted(counts.items())))


def verify(
    frame: pl.DataFrame, columns: Sequence[str], policy: Policy, *, canaries: Sequence[str] = (), key: bytes = b""
) -> Residual:
    """Read the text `columns` of a frame again. `key` is the one surrogates were written with: by it they are told from people who were
    left over. Two passes over the text; memory of one column.
    """
    engine: Counter[str] = Counter()
    second: Counter[str] = Counter()
    left: list[Left] = []
    planted = cells = 0
    for column in columns:
        filled = {row: text for row, text in enumerate(frame[column].to_list()) if text}
        cells += len(filled)
        found_in = look(list(filled.values()), [column] * len(filled))
        for (row, text), found in zip(filled.items(), found_in, strict=True):
            kept = [
                item for item in found if is_settled(policy.decide(text, item), item.entity, text[item.start : item.end], key)
            ]
            missed = Counter(item.entity for item in found if item not in kept)
            by_shape = Counter[str]()
            if _WORTH.search(text):
                by_shape.update(second_scan(blanked(text, [(item.start, item.end) for item in kept])))
            came_through = sum(canary in text for canary in canaries)
            engine.update(missed)
            second.update(by_shape)
            planted += came_through
            if any((missed, by_shape, came_through)):
                left.append(Left(column, row, dict(sorted((+(missed | by_shape | Counter(CANARY=came_through))).items()))))
    return Residual(cells, dict(sorted(engine.items())), dict(sorted(second.items())), planted, tuple(left))


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return placeholder_pattern().sub(" ", text)


def second_scan(text: str) -> list[str]:
    """Entities by shape alone, in the text and in the text without separators inside numbers."""
    found = ["EMAIL_ADDRESS" for match in _MAIL.finditer(text) if not match[0].endswith("@example.com")]
    found += ["SECRET"] * len(_KEYS.findall(text))
    joined = re.sub(r"(?<=\d)[ \-.·](?=\d)", "", text)
    for version in {text, joined}:
        found += ["CN_ID_CARD" for match in _ID.finditer(version) if _is_identity(match["number"])]
    found += ["CN_MOBILE" for match in _DIGITS.finditer(text) if _MOBILE.fullmatch(match[0]) and not _is_amount(text, match)]
    return found


def _is_identity(number: str) -> bool:
    """GB 11643: a date inside and the check character, in another writing than the recognizer's."""
    if not re.fullmatch(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", number[6:14]):
        return False
    last = 10 if number[17] in "Xx" else int(number[17])
    return (sum(int(char) * weight for char, weight in zip(number, _WEIGHTS, strict=False)) + last) % 11 == 1


def _is_amount(text: str, number: re.Match[str]) -> bool:
    """A number with a unit or a fraction, or behind the name of a sum or the word for the number of a thing, is no telephone number."""
    behind = text[number.end() : number.end() + 3]
    return (
        re.match(r"[.,]\d|\s?[\u4e00-\u9fff%]", behind) is not None
        or follows_amount(text, number.start())
        or follows_code(text, number.start())
    )
