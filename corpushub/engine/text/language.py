"""Which language a text is in, without a model: its script, letters peculiar to a language, function words.

Answers are ISO 639 codes (`zh`, `en`, `ug`, …), `und` where there are too few letters or no rule fits. Made to separate the languages of
public data in China, minority languages included; it does not tell close relatives (Malay, Indonesian) apart with certainty.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.engine.text import characters as ch
from corpushub.engine.text.utf8 import U8, points, utf8

UNKNOWN: Final = "und"
_LATIN, _OTHER = 1, 0
_LATIN_LETTERS_PER_HAN: Final = 2.5  # a Chinese sentence says in one character what English says in two or three letters
_KANA_SHARE: Final = 0.05  # Japanese is written in Han characters and kana; Chinese has none

Share = npt.NDArray[np.float64]


@cache
def rules() -> dict[str, Any]:
    """`rules/text-language.toml`."""
    return tomllib.loads(files("corpushub").joinpath("rules", "text-language.toml").read_text("utf-8"))


@cache
def _scripts() -> tuple[str, ...]:
    return ("other", "latin", *rules()["scripts"])


@cache
def _script_table() -> U8:
    table = np.zeros(ch.PLANE, dtype=np.uint8)
    table[ch.class_table() == ch.LATIN] = _LATIN
    for place, script in enumerate(rules()["scripts"].values(), start=2):
        for first, last in script["ranges"]:
            table[first : last + 1] = place
    return table


def detect(column: pl.Series) -> tuple[pl.Series, Share]:
    """Language code per row and how much of its letters speaks for it, 0 to 1. Null rows are `und`."""
    sample = column.fill_null("").str.slice(0, rules()["sample_chars"])
    counts = _script_counts(sample)
    weights = counts.astype(np.float64)
    weights[:, _LATIN] /= _LATIN_LETTERS_PER_HAN
    weights[:, _OTHER] = 0
    total = weights.sum(axis=1)
    winner = weights.argmax(axis=1)
    share = np.divide(weights.max(axis=1), total, out=np.zeros(len(total)), where=total > 0)
    codes = np.array([UNKNOWN, UNKNOWN, *(script["language"] for script in rules()["scripts"].values())], dtype=object)[winner]
    codes[counts[:, 1:].sum(axis=1) < rules()["least_letters"]] = UNKNOWN
    _tell_japanese(counts, codes)
    _tell_by_letters(sample, counts, winner, codes)
    _tell_by_words(sample, np.flatnonzero((winner == _LATIN) & (counts[:, _LATIN] >= rules()["least_letters"])), codes)
    share[codes == UNKNOWN] = 0
    return pl.Series("language", codes.tolist(), dtype=pl.String), share


def _script_counts(sample: pl.Series) -> npt.NDArray[np.int64]:
    text, kinds = utf8(sample), len(_scripts())
    out = np.zeros((text.rows, kinds), dtype=np.int64)
    for first, last in text.blocks():
        values, offsets = points(text.block(first, last))
        scripts = _script_table()[np.minimum(values, ch.PLANE - 1)]
        scripts[(values >= 0x20000) & (values < 0x40000)] = _scripts().index("han")
        rows = np.repeat(np.arange(last - first), np.diff(offsets))
        counted = np.bincount(rows * kinds + scripts, minlength=(last - first) * kinds)
        out[first:last] = counted.reshape(last - first, kinds)
    return out


def _tell_japanese(counts: npt.NDArray[np.int64], codes: npt.NDArray[np.object_]) -> None:
    han, kana = counts[:, _scripts().index("han")], counts[:, _scripts().index("kana")]
    codes[np.isin(codes, ["zh", "ja"]) & (kana >= _KANA_SHARE * (han + kana)) & (kana > 1)] = "ja"


def _tell_by_letters(
    sample: pl.Series, counts: npt.NDArray[np.int64], winner: npt.NDArray[np.int64], codes: npt.NDArray[np.object_]
) -> None:
    told = np.zeros(len(codes), dtype=bool)
    for rule in rules()["letters"]:
        script = _scripts().index(rule["script"])
        rows = np.flatnonzero((winner == script) & ~told)
        if rows.size:
            found = sample.gather(rows).str.to_lowercase().str.count_matches(f"[{rule['chars']}]").to_numpy()
            mine = rows[found * 100 >= counts[rows, script]]
            mine = mine[found[found * 100 >= counts[rows, script]] > 0]
            codes[mine] = rule["language"]
            told[mine] = True


@cache
def _latin_words() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Word -> languages, and letter -> languages."""
    words: dict[str, tuple[str, ...]] = {}
    letters: dict[str, tuple[str, ...]] = {}
    for language, rule in rules()["latin"].items():
        for word in rule["words"].split():
            words[word] = (*words.get(word, ()), language)
        for letter in rule["chars"]:
            letters[letter] = (*letters.get(letter, ()), language)
    return words, letters


def _tell_by_words(sample: pl.Series, rows: npt.NDArray[np.int64], codes: npt.NDArray[np.object_]) -> None:
    """Function words speak for their languages, shared ones for each a part; peculiar letters half as loud. A tie goes to the earlier language."""
    words, letters = _latin_words()
    order = {language: -place for place, language in enumerate(rules()["latin"])}
    for row, text in zip(rows.tolist(), sample.gather(rows).str.slice(0, 400).str.to_lowercase().to_list(), strict=True):
        votes: dict[str, float] = {}
        for word in text.split():
            speakers = words.get(word.strip(".,;:!?()\"'"), ())
            for language in speakers:
                votes[language] = votes.get(language, 0) + 1 / len(speakers)
        if not text.isascii():
            for letter in text:
                for language in letters.get(letter, ()):
                    votes[language] = votes.get(language, 0) + 0.5
        codes[row] = max(votes, key=lambda language: (votes[language], order[language])) if votes else UNKNOWN
