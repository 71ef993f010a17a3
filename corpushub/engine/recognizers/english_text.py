"""People and addresses in English text: capitalised words beside what says that they are a name, and house numbers before streets.

No model reads English here. A run of capitalised words is somebody's name where it begins with a given name, has an initial in the middle,
is written in pinyin behind a surname, stands behind a word for a part somebody plays, or stands in the document as a name already. The words
are those of rules/pii-english.toml. A run with a word of places, offices or works in it is none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from corpushub.engine.presidio import AnalysisExplanation, LocalRecognizer, RecognizerResult
from corpushub.engine.recognizers.shape import ACCENTED, LETTER, UPPER

Found = tuple[int, int, str, float, str]

_WORD = rf"[{UPPER}][{LETTER}'’]{{1,20}}(?:-[{UPPER}][{LETTER}]{{1,20}})?"
_BETWEEN = rf"[{UPPER}]\.?(?= [{UPPER}])|(?:de|da|di|du|del|dos|van|von|der|den|la|le|bin|al|el|y)(?= )|{_WORD}"
_RUN = re.compile(
    rf"(?=[{UPPER}])(?<![{LETTER}0-9_.@/\\#&'’\-])(?:[{UPPER}]\. )?{_WORD}(?: (?:{_BETWEEN})){{0,4}}(?![{LETTER}0-9_@\\])"
)
_HOLDS = re.compile(r"[A-Z][a-z]")
_INITIAL = re.compile(rf" [{UPPER}]\.? ")
_MOST = 4  # words of a name, particles and initials included

_STREET = (
    r"Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Court|Ct|Way|Place|Pl|Terrace|Square|Sq|Crescent|Close|Parkway|Pkwy"
    r"|Circle|Cir|Highway|Hwy|Trail|Gardens|Grove|Row|Mews|Walk|Alley|Loop|Quay"
)
_STATE = (
    r"(?:A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
    r"|NSW|VIC|QLD|ON|QC|BC|AB)"
)
_POST = r"(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?![0-9A-Za-z])"
_THEN = r"(?:,? |, ?\n ?|\n ?,? ?)"
_DOOR = r"(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm)\.? ?#?[0-9A-Za-z\-]{1,6}|#\d{1,5}"
_ADDRESS = re.compile(
    rf"(?<![0-9A-Za-z_.$€£#/\-])(?:(?:{_DOOR}),? )?(?P<number>\d{{1,5}}[A-Za-z]?(?:-\d{{1,4}})?),? (?:[NSEW]{{1,2}}\.? |(?:North|South|East|West) )?"
    rf"(?:(?:{_WORD}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,4}}?(?:{_STREET})\.?(?![{LETTER}])(?! (?:{_STREET})(?![{LETTER}]))"
    rf"(?: (?:[NSEW]{{1,2}}|North|South|East|West)(?![A-Za-z]))?"
    rf"(?P<more>(?:{_THEN}(?:{_DOOR})){{0,2}}(?:(?:{_THEN}[{UPPER}][{LETTER}.]{{0,20}}){{0,5}}{_THEN}{_POST}|(?:,? {_WORD}){{0,2}},? {_STATE}(?![A-Za-z]))?)"
    r"|(?<![A-Za-z])P\.? ?O\.? Box \d{1,6}(?!\d)"
)
_STREETS = re.compile(rf" (?:{_STREET}|Box)(?![{LETTER}])")  # nothing else can be an address
_YEAR = re.compile(r"(?:1[89]|20)\d\d")


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("corpushub").joinpath("rules", "pii-english.toml").read_text("utf-8"))


@cache
def words() -> dict[str, frozenset[str]]:
    """The lists of rules/pii-english.toml by name."""
    return {name: frozenset(row.split()) for name, row in _table()["words"].items()}


@cache
def _before() -> re.Pattern[str]:
    """A word for a part somebody plays, a field of a form, or a phrase, right in front of a name."""
    before = _table()["before"]
    return re.compile(
        rf"(?<![A-Za-z])(?:(?:{before['roles']})(?: is| was| named| called|,)?[: ] ?|(?:{before['fields']}): ?)\Z|(?:{before['phrases']}) \Z"
    )


@cache
def _places() -> frozenset[str]:
    return frozenset(_table()["places"]["names"].split("|"))


class EnglishTextRecognizer(LocalRecognizer):
    """PERSON and ADDRESS in English text and in English words between Han characters."""

    def __init__(self, supported_language: str = "zh", name: str | None = None) -> None:
        super().__init__(
            supported_entities=["ADDRESS", "PERSON"], supported_language=supported_language, name=name or type(self).__name__
        )

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:  # noqa: ARG002  (signature of Presidio)
        return [result for result in self.analyze_batch([text])[0] if result.entity_type in entities]

    def analyze_batch(self, texts: Sequence[str]) -> list[list[RecognizerResult]]:
        return [
            [self._result(*item) for item in (*addresses(text), *people(text))] if _HOLDS.search(text) else [] for text in texts
        ]

    def _result(self, start: int, end: int, entity: str, score: float, why: str) -> RecognizerResult:
        name = type(self).__name__
        explanation = AnalysisExplanation(recognizer=name, original_score=score, textual_explanation=why)
        metadata = {RecognizerResult.RECOGNIZER_NAME_KEY: name, RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id}
        return RecognizerResult(entity, start, end, score, explanation, metadata)


def addresses(text: str) -> Iterator[Found]:
    """A house number before a street, with the door, the town and the postal code behind it; a year alone is no house number."""
    for found in _ADDRESS.finditer(text) if _STREETS.search(text) else ():
        if found["number"] is None or found["more"] or not _YEAR.fullmatch(found["number"]):
            yield *found.span(), "ADDRESS", 0.75, "street and number"


def people(text: str) -> Iterator[Found]:
    """Names of two words and more, and the family names of those found where they stand alone."""
    families: set[str] = set()
    alone: list[tuple[int, int]] = []
    for run in _RUN.finditer(text):
        span = _without_edges(text, *run.span())
        if span is None:
            continue
        name = text[slice(*span)]
        if " " not in name:
            alone.append(span)
        elif why := _evidence(text, *span):
            families.add(name.split()[-1])
            yield *span, "PERSON", 0.65, why
    for start, end in alone:
        if text[start:end] in families and _inside_sentence(text, start):
            yield start, end, "PERSON", 0.6, "family name of the document"


def _without_edges(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The run without words in front that begin a sentence or call somebody; None where a word of it belongs to no name."""
    parts = [(found.start(), found[0]) for found in re.finditer(r"\S+", text[start:end])]
    while parts and parts[0][1].rstrip(".") in words()["lead"]:
        parts = parts[1:]
    owner = next((place for place, (_, word) in enumerate(parts) if word.endswith(("'s", "’s"))), len(parts))
    parts = parts[: owner + 1]  # what follows is somebody's
    while parts and (parts[-1][1].rstrip(".") in words()["tail"] or parts[-1][1][0].islower()):
        parts = parts[:-1]
    if not parts or len(parts) > _MOST or any(_bare(word) in words()["never"] for _, word in parts):
        return None
    first, (last, word) = start + parts[0][0], parts[-1]
    stop = start + last + len(word)
    for ending in ("'s", "’s", "'", "’"):
        if text[first:stop].endswith(ending):
            return first, stop - len(ending)
    return first, stop


def _bare(word: str) -> str:
    return word.removesuffix("'s").removesuffix("’s").rstrip(".'’")


def _evidence(text: str, start: int, end: int) -> str:
    """What says that the words are a name, or an empty string."""
    name = text[start:end]
    parts = name.split()
    if re.match(r" ?(?:&|and) [A-Z][a-z]+(?: (?:Inc|Ltd|LLC|Co)\b)|,? (?:Inc|Ltd|LLC|Corp|Co|GmbH|plc)\b", text[end : end + 24]):
        return ""
    if name in _places():
        return ""
    if parts[0] in words()["given"]:
        return "given name"
    is_mixed = all(not part.isupper() or len(part.rstrip(".")) == 1 for part in parts)
    if _INITIAL.search(name) and is_mixed:
        return "initial"
    if _is_pinyin(parts):
        return "pinyin"
    if parts[-1] in words()["family"] and _bare(parts[0]) not in words()["common"]:
        return "family name"
    if is_mixed and _before().search(text, max(0, start - _BACK), start):
        return "part somebody plays"
    if is_mixed and _ABOVE.match(text, end) and text[start - 1 : start] in ("", "\n"):
        return "above an address"
    if is_mixed and not name.isascii() and _ACCENT.search(name) and not _PLACED.search(text, max(0, start - 8), start):
        return "accents"
    return "what people do" if is_mixed and _AFTER.match(text, end) else ""


_ABOVE = re.compile(r"\n\d{1,5}[A-Za-z]? [A-Z]")
_ACCENT = re.compile(rf"[{''.join(ACCENTED)}]")
_PLACED = re.compile(r"(?:[Ii]n|[Aa]t|[Nn]ear) \Z")


_BACK = 28  # characters in which a word in front of a name stands


_AFTER = re.compile(
    r",? (?:lives?|lived|was born|is survived|passed away|resid(?:es|ed|ing)|told me|explain(?:s|ed)|married|grew up|studied|recalls?|graduated)(?![a-z])"
    r"|, (?:aged? )?[1-9]\d?(?=[,.;) ])(?! [a-z])|,? (?:aged|born) |, (?:a|the) (?:resident|native|father|mother|widow) "
)


_SYLLABLE = r"(?:zh|ch|sh|[bpmfdtnlgkhjqxzcsryw])?(?:iang|iong|uang|ang|eng|ong|ian|iao|uai|uan|ing|ai|ei|ao|ou|an|en|ia|ie|iu|in|ua|uo|ui|un|ue|er|a|o|e|i|u)"
_GIVEN = re.compile(rf"{_SYLLABLE}(?:-?{_SYLLABLE})?", re.IGNORECASE)
_TWO = re.compile(rf"{_SYLLABLE}-?{_SYLLABLE}", re.IGNORECASE)


def _is_pinyin(parts: Sequence[str]) -> bool:
    """`Zhang Wei`, `Ouyang Feng`, `Xiaoling Zhou`: a surname in pinyin and one or two syllables."""
    if len(parts) != 2:
        return False
    one, two = parts
    if one in words()["pinyin"]:
        return _GIVEN.fullmatch(two) is not None
    return two in words()["pinyin"] and _TWO.fullmatch(one) is not None


def _inside_sentence(text: str, start: int) -> bool:
    """Does a word of the same sentence stand in front, so that the capital is the word's own?"""
    return re.search(r"[a-z0-9,;(] ?$", text[max(0, start - 2) : start]) is not None
