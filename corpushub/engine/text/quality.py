"""Quality profiles: which measured share of a row makes it junk, per language and genre.

A profile is a list of rules in `rules/text-quality.toml`; the first rule that holds names the reason and the number that decided. Ratios that
cannot be judged (no Han characters to count particles among, too few words) decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from corpushub.engine.text import stats as ts
from corpushub.engine.text.counts import NAMES
from corpushub.engine.text.phrases import Phrases

Ratio = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]
_LEAST_HAN: Final = 30
_LEAST_WORDS: Final = 15
_LEAST_GRAMS: Final = 30
_LEAST_RUN: Final = 10
_LEAST_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """`measure` above or below a bound (exclusive) is junk of kind `reason`, in rows with at least `least_chars` characters."""

    reason: str
    measure: str
    above: float = np.inf
    below: float = -np.inf
    least_chars: int = 0


@cache
def profiles() -> Mapping[str, tuple[Rule, ...]]:
    """All profiles by name."""
    return {name: tuple(Rule(**rule) for rule in table["rules"]) for name, table in ts.rules()["profiles"].items()}


def judge(column: pl.Series, chosen: Sequence[str], *, fast: bool | None = None) -> tuple[npt.NDArray[np.uint8], Ratio]:
    """For each row 0 where it is good or n for the n-th of `rules_of(chosen)`, and the number that decided.

    Of several profiles, those for English judge the rows mostly in Latin letters, the others the rest.
    """
    bounds = [rule.above for _, rule in rules_of(chosen) if rule.measure == "repeated_grams"]
    counts = ts.count(column, fast=fast, grams_above=min(bounds, default=1.0))
    measured = ratios(counts)
    verdict = np.zeros(len(column), dtype=np.uint8)
    number = np.zeros(len(column), dtype=np.float64)
    for place, (profile, rule) in enumerate(rules_of(chosen), start=1):
        judged = (measured["chars"] >= rule.least_chars) & (verdict == 0)
        if len(chosen) > 1:
            judged &= (measured["is_latin"] > 0) == profile.startswith("en-")
        value = (
            _spam(column, counts, measured["chars"], judged, rule.above, fast)
            if rule.measure == "spam"
            else measured[rule.measure]
        )
        holds = ((value > rule.above) | (value < rule.below)) & judged
        verdict[holds] = place
        number[holds] = value[holds]
    return verdict, number


def rules_of(chosen: Sequence[str]) -> list[tuple[str, Rule]]:
    """The rules of the profiles in order, each with its profile's name."""
    return [(name, rule) for name in chosen for rule in profiles()[name]]


def ratios(counts: npt.NDArray[np.int64]) -> dict[str, Ratio]:
    """The measures a rule may name but `spam`, from the counts of `stats.count`; NaN where a row cannot be judged."""
    count = {name: counts[:, place] for place, name in enumerate(NAMES)}
    letters = count["latin"] + count["other_letters"] + count["han"]
    solid = letters + count["digits"] + count["stops"] + count["points"] + count["symbols"] + count["broken"]
    is_latin = 2 * count["latin"] > letters
    run = np.where(count["longest_run"] >= _LEAST_RUN, count["longest_run"], 0)
    return {
        "chars": solid.astype(np.float64),
        "is_latin": is_latin.astype(np.float64),
        "letters": _share(letters, solid),
        "repeated_lines": _share(count["repeated_line_chars"], solid),
        "repeated_grams": _share(count["repeated_grams"], count["grams"], least=_LEAST_GRAMS),
        "longest_run": _share(run, solid),
        "function": _share(count["function"], count["han"], least=_LEAST_HAN),
        "stop_words": _share(count["stop_words"], np.where(is_latin, count["words"], 0), least=_LEAST_WORDS),
        "spaces": _share(count["spaces"] + count["breaks"], np.where(is_latin, solid, 0)),
        "word_length": _share(count["latin"], count["words"], least=_LEAST_WORDS),
        "ended_lines": _share(count["ended_lines"], count["lines"], least=_LEAST_LINES),
        **{name: _share(count[name], solid) for name in ("mojibake", "broken", "symbols", "markup", "separators")},
    }


def _share(part: Any, whole: Any, *, least: int = 1) -> Ratio:
    shares: Ratio = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole >= least)
    return shares


def _spam(column: pl.Series, counts: npt.NDArray[np.int64], chars: Ratio, judged: Bits, above: float, fast: bool | None) -> Ratio:
    """Share of the characters in advertising phrases; NaN where it is not judged or its marks are too few for it to exceed `above`."""
    longest, per_letter = _reach()
    most = longest * counts[:, NAMES.index("marks")] + per_letter * counts[:, NAMES.index("latin")]
    rows = np.flatnonzero(judged & (most > above * chars))
    share = np.full(len(column), np.nan)
    share[rows] = _share(_spam_phrases().chars(column.gather(rows), fast=fast), chars[rows])
    return share


@cache
def _reach() -> tuple[int, float]:
    """How many characters of phrases one mark, and one Latin letter, can stand for."""
    phrases, marks = _spam_phrases().words, set(ts.rules()["spam"]["marks"])
    marked = [len(phrase) for phrase in phrases if marks & set(phrase)]
    others = [len(phrase) / sum(map(str.isalpha, filter(str.isascii, phrase))) for phrase in phrases if not marks & set(phrase)]
    return max(marked), max(others)


@cache
def _spam_phrases() -> Phrases:
    return Phrases(tuple(ts.rules()["spam"]["phrases"]))
