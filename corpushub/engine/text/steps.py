"""Row-wise text steps: normalise, boilerplate, quality profiles, length.

Each is a thin value around a kernel of `normalise`, `boilerplate`, `quality`; parameters are checked here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
from pydantic import Field

from corpushub.engine.step import Drop, Mapped, Params, Scope, Step, refusal
from corpushub.engine.text.boilerplate import without_boilerplate
from corpushub.engine.text.chinese_script import Script, to_script
from corpushub.engine.text.columns import COLUMN, COLUMNS, Names
from corpushub.engine.text.normalise import normalise
from corpushub.engine.text.quality import judge, profiles, rules_of
from corpushub.engine.wording import Sentence


def rewriting(columns: tuple[str, ...], change: Callable[[pl.Series], pl.Series]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A kernel that replaces text columns by `change` of them."""

    def kernel(frame: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame([change(frame[name]).alias(name) for name in columns])

    return kernel


class Normalize(Params):
    """Text columns to clean of width variants, invisible characters and irregular white space, and to bring into one Chinese script."""

    columns: Names = COLUMNS
    script: Script | None = None


def _normalize(params: Normalize, scope: Scope) -> Mapped:
    columns = tuple(scope.need(name, pl.String, parameter="columns") for name in params.columns)
    script = params.script

    def change(column: pl.Series) -> pl.Series:
        clean = normalise(column)
        return to_script(clean, script) if script else clean

    return Mapped(kernel=rewriting(columns, change), needs=columns)


class DropBoilerplate(Params):
    """Text column to free of page furniture."""

    column: str = COLUMN


def _drop_boilerplate(params: DropBoilerplate, scope: Scope) -> Mapped:
    column = scope.need(params.column, pl.String)
    emptied = (pl.col(column) == "") & ~pl.col("_was_empty")

    def kernel(frame: pl.DataFrame) -> pl.DataFrame:
        before = frame[column]
        return pl.DataFrame(
            [without_boilerplate(before).alias(column), (before == "").fill_null(value=False).alias("_was_empty")]
        )

    return Mapped(kernel=kernel, needs=(column,), drops=(Drop("only_boilerplate", emptied),))


class DropLowQuality(Params):
    """Text column to judge by a quality profile (zh-government, zh-web, en-web, en-legal).

    Two profiles, one for Chinese and one for English, judge a mixed corpus: each row by the one for its script.
    """

    column: str = COLUMN
    profile: Names


def _drop_low_quality(params: DropLowQuality, scope: Scope) -> Mapped:
    column = scope.need(params.column, pl.String)
    for name in params.profile:
        if name not in profiles():
            raise refusal("text.no_such_profile", "profile", profile=name, known=", ".join(profiles()))

    def kernel(frame: pl.DataFrame) -> pl.DataFrame:
        verdict, number = judge(frame[column], params.profile)
        return pl.DataFrame({"_verdict": pl.Series(verdict, dtype=pl.UInt8), "_number": pl.Series(number, dtype=pl.Float64)})

    drops = tuple(
        Drop(rule.reason, pl.col("_verdict") == place, pl.col("_number"))
        for place, (_, rule) in enumerate(rules_of(params.profile), start=1)
    )
    return Mapped(kernel=kernel, needs=(column,), drops=drops)


class DropShort(Params):
    """Rows whose text has fewer than `min_chars` characters (not bytes, not words), white space at the ends left out."""

    column: str = COLUMN
    min_chars: int = Field(ge=1)


def _drop_short(params: DropShort, scope: Scope) -> Mapped:
    column = scope.need(params.column, pl.String)
    length = pl.col(column).str.strip_chars().str.len_chars().fill_null(0)
    return Mapped(drops=(Drop("too_short", length < params.min_chars, length),))


STEPS: tuple[Step[Any], ...] = (
    Step("normalize", 2, Normalize, _normalize, "map", Sentence("text_step.normalize")),
    Step("drop_boilerplate", 1, DropBoilerplate, _drop_boilerplate, "map", Sentence("text_step.drop_boilerplate")),
    Step("drop_low_quality", 2, DropLowQuality, _drop_low_quality, "map", Sentence("text_step.drop_low_quality")),
    Step("drop_short", 1, DropShort, _drop_short, "map", Sentence("text_step.drop_short")),
)
