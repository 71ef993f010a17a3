"""Dates, numbers and truth values out of text, as expressions. The forms they take in Chinese public data stand in `rules/parsing.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl


@cache
def rules() -> dict[str, Any]:
    return tomllib.loads(files("corpushub.rules").joinpath("parsing.toml").read_text("utf-8"))


def arabic(text: pl.Expr) -> pl.Expr:
    """Chinese numerals below one hundred and full-width digits as 0-9; other characters stay."""
    numerals = rules()["numerals"]
    for pattern, replacement in numerals["tens"]:
        text = text.str.replace_all(pattern, replacement)
    digits: dict[str, str] = numerals["digits"]
    return text.str.replace_many(list(digits), list(digits.values()))


def date_of(text: pl.Expr, *, partial: bool = False) -> pl.Expr:
    """A date from `2020-1-11`, `2020/01/11`, `20200111`, Chinese forms and numerals and Republican years; null where there is none.

    `partial` also reads a month, a quarter or a year alone, as its first day.
    """
    forms = rules()["dates"]
    plain = arabic(years_spelled(text))
    found = [
        made_date(plain, forms["full"]),
        made_date(plain, forms["compact"]),
        made_date(plain, forms["era"], forms["era_offset"]),
    ]
    if partial:
        found += [
            made_date(plain, forms["month"], parts=2),
            made_date(plain, forms["era_month"], forms["era_offset"], parts=2),
            *(made_date(plain, form, parts=2, quarters=True) for form in forms["quarters"]),
            made_date(plain, forms["year"], parts=1),
        ]
    return pl.coalesce(found)


def years_spelled(text: pl.Expr) -> pl.Expr:
    for pattern, replacement in rules()["numerals"]["years"]:
        text = text.str.replace_all(pattern, replacement)
    return text


def made_date(text: pl.Expr, pattern: str, offset: int = 0, parts: int = 3, *, quarters: bool = False) -> pl.Expr:
    numbers = [text.str.extract(pattern, at + 1).cast(pl.Int32, strict=False) for at in range(parts)]
    year, month, day = [*numbers, pl.lit(1, pl.Int32), pl.lit(1, pl.Int32)][:3]
    year = year + offset
    month = month * 3 - 2 if quarters else month
    # Only real days: 31 April becomes null, not 1 May.
    spelled = pl.format(
        "{}-{}-{}", year.cast(pl.String).str.zfill(4), month.cast(pl.String).str.zfill(2), day.cast(pl.String).str.zfill(2)
    )
    return spelled.str.to_date("%Y-%m-%d", strict=False)


def datetime_of(text: pl.Expr) -> pl.Expr:
    """A moment without zone: a date as in `date_of`, and the clock behind it (midnight where there is none), parts of the day and a.m.
    and p.m. read as what they say. Null where the day cannot be told: twelve at night ends one and begins another.
    """
    forms = rules()["dates"]
    plain = arabic(text)
    hour, minute, second = (plain.str.extract(forms["clock"], at).cast(pl.Int64, strict=False).fill_null(0) for at in (1, 2, 3))
    minute = pl.when(plain.str.contains(forms["half_past"])).then(30).otherwise(minute)
    hour = (
        pl.when(plain.str.contains(forms["midnight_of_which_day"])).then(None)
        .when(plain.str.contains(forms["after_noon"]) & (hour < 12)).then(hour + 12)
        .when(plain.str.contains(forms["before_noon"]) & (hour == 12)).then(0)
        .otherwise(hour)
    )  # fmt: skip
    seconds = hour * 3600 + minute * 60 + second
    in_day = pl.when((hour < 24) & (minute < 60) & (second < 60)).then(seconds)
    return date_of(text).cast(pl.Datetime("us")) + pl.duration(seconds=in_day)


def number_of(text: pl.Expr) -> pl.Expr:
    """A number from `1,234.5`, `12.5%`, `3.2` with a Chinese unit of ten thousand; null for anything else, also for numbers in words."""
    numbers = rules()["numbers"]
    units: dict[str, int] = numbers["units"]
    plain = text.str.replace_all(numbers["strip"], "")
    last = plain.str.slice(-1)
    has_unit = last.is_in(list(units)) & (plain.str.len_chars() > 1)
    factor = (
        pl.when(has_unit)
        .then(last.replace_strict(list(units), [float(unit) for unit in units.values()], default=1.0))
        .otherwise(1.0)
    )
    body = pl.when(has_unit).then(plain.str.slice(0, plain.str.len_chars().cast(pl.Int64) - 1)).otherwise(plain)
    percent = body.str.extract(numbers["percent"], 1)
    digits = pl.coalesce(percent, body)
    value = pl.when(~digits.str.contains(numbers["worded"])).then(arabic(digits).cast(pl.Float64, strict=False))
    return value * factor / pl.when(percent.is_not_null()).then(100.0).otherwise(1.0)


def truth_of(text: pl.Expr) -> pl.Expr:
    words = rules()["truth"]
    lower = text.str.strip_chars().str.to_lowercase()
    return pl.when(lower.is_in(words["yes"])).then(pl.lit(value=True)).when(lower.is_in(words["no"])).then(pl.lit(value=False))


def is_missing(text: pl.Expr) -> pl.Expr:
    """Null, blank or one of the ways to write that there is no value."""
    return text.is_null() | text.str.strip_chars().is_in(rules()["numbers"]["missing"])
