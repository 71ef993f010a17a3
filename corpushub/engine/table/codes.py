"""Codes that people, organisations and city components go by, checked against the standards that define them (article 2: basic data of the city)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import polars as pl
from pydantic import Field

from corpushub.domain.parties import CREDIT_ALPHABET, PROVINCES
from corpushub.engine.step import Drop, Mapped, Params, Scope, Step
from corpushub.engine.table.parsing import is_missing
from corpushub.engine.wording import Sentence

Kind = Literal["identity", "credit", "organisation", "component"]
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_IDENTITY = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CREDIT = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION = (3, 7, 9, 10, 5, 8, 4, 2)


class CheckCodes(Params):
    """`columns: {id_no: identity, company: credit}`. A row with a code that cannot be one leaves, its cell becomes empty (`on_error: null`), or
    `<column>_valid` says so (`on_error: flag`); a missing code is none. The card counts what was checked and what was wrong.
    """

    columns: dict[str, Kind] = Field(min_length=1)
    on_error: Literal["drop", "null", "flag"] | None = "drop"  # YAML reads a bare null as nothing


def check_codes(params: CheckCodes, scope: Scope) -> Mapped:
    for name in params.columns:
        scope.need(name, pl.String, parameter="columns")
    given = {name: ~is_missing(pl.col(name)) for name in params.columns}
    wrong = {name: given[name] & ~valid(name, kind) for name, kind in params.columns.items()}
    found = {f"_wrong_{name}": expr for name, expr in wrong.items()}  # the cells may be emptied before they are counted
    counted = {
        "codes_checked": pl.sum_horizontal((given[name] | pl.col(f"_wrong_{name}")).cast(pl.Int64) for name in params.columns),
        "codes_wrong": pl.sum_horizontal(pl.col(name).cast(pl.Int64) for name in found),
    }
    if params.on_error == "flag":
        flags = {f"{name}_valid": pl.when(given[name]).then(~wrong[name]) for name in params.columns}
        return Mapped(columns=found | flags, measures=counted)
    if params.on_error == "drop":
        drops = tuple(Drop(f"wrong_code_{name}", pl.col(f"_wrong_{name}")) for name in params.columns)
        return Mapped(columns=found, drops=drops, measures=counted)
    emptied = {name: pl.when(~expr).then(pl.col(name)) for name, expr in wrong.items()}
    return Mapped(columns=found | emptied, measures=counted)


def valid(column: str, kind: Kind) -> pl.Expr:
    """True where a text cell can be a code of this kind; blanks around it and the case of letters do not count."""
    return _CHECKS[kind](pl.col(column).str.strip_chars().str.to_uppercase()).fill_null(value=False)


def identity(code: pl.Expr) -> pl.Expr:
    """Citizen's identity number, 18 characters (GB 11643-1999): a province, a day there was, and the check character (ISO 7064 MOD 11-2)."""
    born = code.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
    check = (_weighted(code, _LETTERS, _IDENTITY) % 11).replace_strict(
        list(range(11)), list("10X98765432"), return_dtype=pl.String
    )
    shape = code.str.contains(r"^[1-9]\d{5}(?:18|19|20)\d{9}[0-9X]$") & code.str.slice(0, 2).is_in(sorted(PROVINCES))
    return shape & born.is_not_null() & (check == code.str.slice(17, 1))


def credit(code: pl.Expr) -> pl.Expr:
    """Unified social credit code, 18 characters (GB 32100-2015), weights 3^i mod 31."""
    shape = code.str.contains(rf"^[{CREDIT_ALPHABET}]{{2}}\d{{6}}[{CREDIT_ALPHABET}]{{10}}$")
    return shape & ((_weighted(code, CREDIT_ALPHABET, _CREDIT) + _value(code, CREDIT_ALPHABET, 17)) % 31 == 0)


def organisation(code: pl.Expr) -> pl.Expr:
    """Organisation code of eight characters and a check character, with or without a hyphen between (GB 11714-1997)."""
    plain = code.str.replace("-", "", literal=True)
    check = (_weighted(plain, _LETTERS, _ORGANISATION) % 11).replace_strict(
        list(range(11)), list("0X987654321"), return_dtype=pl.String
    )
    return plain.str.contains(r"^[0-9A-Z]{8}[0-9X]$") & (check == plain.str.slice(8, 1))


def component(code: pl.Expr) -> pl.Expr:
    """City component, 16 digits (GB/T 30428.2): county, class, kind within the class, number. It has no check digit, so its parts are looked at."""
    return (
        code.str.contains(r"^\d{16}$")
        & code.str.slice(0, 2).is_in(sorted(PROVINCES))
        & ~code.str.contains(r"^\d{6}00|^\d{8}00|000000$")
    )


_CHECKS: Mapping[Kind, Callable[[pl.Expr], pl.Expr]] = {
    "identity": identity, "credit": credit, "organisation": organisation, "component": component,
}  # fmt: skip


def _weighted(code: pl.Expr, letters: str, weights: tuple[int, ...]) -> pl.Expr:
    return pl.sum_horizontal(_value(code, letters, place) * weight for place, weight in enumerate(weights))


def _value(code: pl.Expr, letters: str, place: int) -> pl.Expr:
    """What the character at this place stands for; nothing where it is none of `letters`."""
    values = list(range(len(letters)))
    return code.str.slice(place, 1).replace_strict(list(letters), values, default=None, return_dtype=pl.Int64)


STEPS: tuple[Step[Any], ...] = (Step("check_codes", 1, CheckCodes, check_codes, "map", Sentence("steps.check_codes")),)
