"""Find personal information in columns of text. The stable entry point is `detect_batch`.

Presidio and the sequence tagger load with the first text, not with this module.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from corpushub.engine.pii.actions import placeholder_pattern
from corpushub.engine.pii.surrogates import is_nobodys
from corpushub.engine.pii.view import View, views
from corpushub.engine.recognizers.lexicon import follows_amount

if TYPE_CHECKING:
    from corpushub.engine.pii.scan import BatchAnalyzer, Finding

BATCH_CHARS = 8_000_000  # characters analysed in one go: bounds memory whatever a batch of rows holds
CONTEXT_ONLY = frozenset({"LOCATION", "ORGANIZATION"})  # no personal information by themselves
RANK = (
    "SECRET", "URL_TOKEN", "EMAIL_ADDRESS", "CN_ID_CARD", "CN_USCC_PERSONAL", "CN_USCC", "CN_MOBILE", "CN_SOCIAL_SECURITY",
    "CN_MEDICAL_RECORD", "DEVICE_ID", "CN_BANK_CARD", "BANK_ACCOUNT", "CN_HKMOTW_PERMIT", "CN_PASSPORT", "CN_MILITARY_ID",
    "CN_DRIVER_LICENSE", "CN_VIN", "CN_LICENSE_PLATE", "IP_ADDRESS", "MAC_ADDRESS", "GPS_COORDINATE", "CN_LANDLINE", "CN_SOCIAL_ACCOUNT",
    "DATE_OF_BIRTH", "HK_ID_CARD", "TW_ID_CARD", "CN_ID_CARD_MASKED", "IBAN_CODE", "CREDIT_CARD", "CRYPTO", "US_SSN", "US_ITIN",
    "PHONE_NUMBER", "ADDRESS", "PERSON", "CRIMINAL_RECORD", "HEALTH", "BIOMETRIC", "RELIGION", "ETHNICITY", "MINOR",
)  # fmt: skip
_HALVES = re.compile("[\ud800-\udfff]")
_HAN = re.compile(r"[\u4e00-\u9fff]")
CARDS = frozenset({"CN_BANK_CARD", "CREDIT_CARD"})
_BANK_CARD = re.compile(r"(?i)(?:bank[_ ]?card|card[_ ]?no)[a-z_ ]{0,8}[\"']?\s?[:=>]\s?[\"']?$")
NEAR = 24  # characters in which a label stands before its number
_RANKS = {entity: place for place, entity in enumerate(RANK)}


@cache
def scanner(*, tagger: bool = True) -> BatchAnalyzer:
    """The analyzer of this process, over built-in recognizers and installed plugins."""
    from corpushub.engine.pii.analyzer import build_engine
    from corpushub.engine.pii.scan import BatchAnalyzer

    return BatchAnalyzer(build_engine(tagger=tagger))


def detect_batch(texts: list[str]) -> list[list[tuple[int, int, str]]]:
    """Start, end and entity of every piece of personal information, per text, by position; spans of one text do not overlap.

    Offsets are code points of the text as given. Linear in the number of characters.
    """
    return [[(found.start, found.end, found.entity) for found in row] for row in find(texts)]


def find(texts: Sequence[str | None], analyzer: BatchAnalyzer | None = None) -> list[list[Finding]]:
    """As `detect_batch`, with score, recognizer and pattern. Null cells have no findings."""
    found = found_in(column_of(texts), analyzer)
    return [found.get(row, []) for row in range(len(texts))]


def column_of(texts: Sequence[str | None]) -> pl.Series:
    """The texts as a column; halves of characters that a reader could not decode are no valid Unicode and become U+FFFD."""
    try:
        return pl.Series(texts, dtype=pl.String)
    except UnicodeEncodeError:
        return pl.Series([text and _HALVES.sub("\ufffd", text) for text in texts], dtype=pl.String)


def found_in(column: pl.Series, analyzer: BatchAnalyzer | None = None) -> dict[int, list[Finding]]:
    """As `find`, by row of a column; rows without findings are left out, and cost no more than one look over the column."""
    analyzer = analyzer or scanner()
    result: dict[int, list[Finding]] = {}
    for begin, batch in _batches(column.fill_null("")):
        seen, moved = views(batch)
        for row, found in analyzer.found(seen).items():
            text = str(batch[row])
            kept = resolve(without_stand_ins(text, placed(moved[row], found) if row in moved else found))
            if items := as_read_there(text, [item for item in kept if not is_amount(text, item)]):
                result[begin + row] = items
    return result


def is_amount(text: str, item: Finding) -> bool:
    """Eleven digits behind the name of a sum of money are that sum, whatever they begin with."""
    return item.entity == "CN_MOBILE" and follows_amount(text, item.start)


def as_read_there(text: str, found: list[Finding]) -> list[Finding]:
    """Cards by the name they have there: bank cards of China where anything is written in Han characters, credit cards elsewhere."""
    if not any(item.entity in CARDS for item in found):
        return found
    is_chinese = _HAN.search(text) is not None
    read = (_card(text, item, is_chinese=is_chinese) if item.entity in CARDS else item for item in found)
    return [item for item in read if item is not None]


def _card(text: str, item: Finding, *, is_chinese: bool) -> Finding | None:
    """A bank card by its issuer (62: UnionPay), by its label or by the language of the text; no card of a bank begins with 1."""
    if is_chinese and text[item.start] == "1":
        return None
    is_bank = is_chinese or text.startswith("62", item.start) or _BANK_CARD.search(text, max(0, item.start - NEAR), item.start)
    return item._replace(entity="CN_BANK_CARD" if is_bank else "CREDIT_CARD")


def placed(view: View, found: Iterable[Finding]) -> list[Finding]:
    """Findings of a view at the positions of the text as it is."""
    return [_moved(item, *view.span(item.start, item.end)) for item in found]


def _moved(item: Finding, start: int, end: int) -> Finding:
    return item._replace(start=start, end=end)


def without_stand_ins(text: str, found: list[Finding]) -> list[Finding]:
    """Findings that are not our own stand-ins: text scrubbed once is not scrubbed again."""
    ours = [match.span() for match in placeholder_pattern().finditer(text)] if "\u3014" in text else []
    begins = [start for start, _ in ours]

    def is_ours(item: Finding) -> bool:
        before = bisect_left(begins, item.end)  # the last of ours that begins within or before the finding
        return before > 0 and ours[before - 1][1] > item.start

    return [item for item in found if not is_ours(item) and not is_nobodys(item.entity, text[item.start : item.end])]


def resolve(found: Iterable[Finding]) -> list[Finding]:
    """One entity per character: higher score first, then the more specific entity, then the longer span; sorted by position."""
    kept: list[Finding] = []
    for rivals in _overlapping(item for item in found if item.entity not in CONTEXT_ONLY):
        taken: list[Finding] = []
        for item in sorted(rivals, key=_priority) if len(rivals) > 1 else rivals:
            if not any(item.start < other.end and other.start < item.end for other in taken):
                taken.append(item)
        kept += sorted(taken)
    return kept


def _priority(item: Finding) -> tuple[float, int, int, int, str]:
    return -item.score, _RANKS.get(item.entity, len(RANK)), item.start - item.end, item.start, item.entity


def _overlapping(found: Iterable[Finding]) -> Iterable[list[Finding]]:
    """Findings that meet, by position: only they compete, so that a text full of findings costs no more for each."""
    rivals: list[Finding] = []
    end = 0
    for item in sorted(found):
        if rivals and item.start >= end:
            yield rivals
            rivals = []
        rivals.append(item)
        end = max(end, item.end)
    if rivals:
        yield rivals


def _batches(column: pl.Series) -> Iterable[tuple[int, pl.Series]]:
    """Pieces of a column with the number of their first row, each as long as BATCH_CHARS allow and at least one text."""
    ends = column.str.len_chars().to_numpy().astype(np.int64).cumsum()
    begin = 0
    while begin < len(column):
        done = int(ends[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(ends, done + BATCH_CHARS)), begin + 1)
        yield begin, column[begin:end]
        begin = end
