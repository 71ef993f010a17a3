"""Plain row-wise steps on columns: rename, select, cast, parse_dates, parse_numbers, flag_generated, split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
from pydantic import Field

from corpushub.base.errors import Invalid
from corpushub.engine.step import Drop, Mapped, Params, Scope, Step, column_names, refusal
from corpushub.engine.table.chances import chances
from corpushub.engine.table.numerals import dimension_of, number
from corpushub.engine.table.parsing import date_of, datetime_of, is_missing, number_of, truth_of
from corpushub.engine.wording import Sentence

OnError = Literal["drop", "null"] | None  # YAML reads a bare null as nothing


class Rename(Params):
    columns: dict[str, str]  # present name -> new name


def rename(params: Rename, scope: Scope) -> Mapped:
    for name in params.columns:
        scope.need(name, parameter="columns")
    return Mapped(rename=params.columns)


class Select(Params):
    columns: tuple[str, ...] = Field(min_length=1)


def select(params: Select, scope: Scope) -> Mapped:
    for name in params.columns:
        scope.need(name, parameter="columns")
    return Mapped(keep=params.columns)


CAST_TYPES: Mapping[str, pl.DataType] = {
    "str": pl.String(), "int": pl.Int64(), "float": pl.Float64(), "bool": pl.Boolean(), "date": pl.Date(), "datetime": pl.Datetime("us"),
}  # fmt: skip


class Cast(Params):
    """`columns: {age: int}`; what cannot be read drops the row, or becomes null with `on_error: null`."""

    columns: dict[str, Literal["str", "int", "float", "bool", "date", "datetime"]]
    on_error: OnError = "drop"


def cast(params: Cast, scope: Scope) -> Mapped:
    columns, drops = {}, []
    for name, kind in params.columns.items():
        scope.need(name, parameter="columns")
        made = converted(name, scope.schema[name], kind)
        columns[name] = made
        if params.on_error == "drop" and scope.schema[name] == pl.String:
            columns[f"_bad_{name}"] = made.is_null() & ~is_missing(pl.col(name))
            drops.append(Drop(f"not_{kind}_{name}", pl.col(f"_bad_{name}")))
    return Mapped(columns=columns, drops=tuple(drops))


def converted(name: str, dtype: pl.DataType, kind: str) -> pl.Expr:
    value = pl.col(name)
    if dtype != pl.String:
        return value.cast(CAST_TYPES[kind], strict=False)
    text = value.str.strip_chars()
    match kind:
        case "int":
            number = text.cast(pl.Float64, strict=False)
            return pl.coalesce(
                text.cast(pl.Int64, strict=False), pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False)
            )
        case "float":
            number = text.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite()).then(number)
        case "bool":
            return truth_of(value)
        case "date":
            return date_of(value)
        case "datetime":
            return datetime_of(value)
        case _:
            return value


class ParseDates(Params):
    """Chinese and other dates to real ones; `time: true` keeps hours and minutes; `partial: true` reads months and years as first days."""

    column: str | tuple[str, ...]
    time: bool = False
    partial: bool = False
    on_error: OnError = "drop"


def parse_dates(params: ParseDates, scope: Scope) -> Mapped:
    columns: dict[str, pl.Expr] = {}
    drops = []
    for name in column_names(params.column):
        scope.need(name, pl.String)
        made = datetime_of(pl.col(name)) if params.time else date_of(pl.col(name), partial=params.partial)
        columns[name] = made
        if params.on_error == "drop":
            columns[f"_bad_{name}"] = made.is_null() & ~is_missing(pl.col(name))
            drops.append(Drop(f"not_date_{name}", pl.col(f"_bad_{name}")))
    return Mapped(columns=columns, drops=tuple(drops))


class ParseNumbers(Params):
    """Numbers with separators, percent signs, Chinese units and numerals. `unit` is what the column shall be in (`米`, `亩`, `元`): values in
    another unit of the same kind are converted, values that name none are taken as they stand.
    """

    column: str | tuple[str, ...]
    whole: bool = False
    unit: str = ""
    on_error: OnError = "drop"


def parse_numbers(params: ParseNumbers, scope: Scope) -> Mapped:
    names = column_names(params.column)
    for name in names:
        scope.need(name, pl.String)
    if params.unit and not dimension_of(params.unit):
        raise refusal("step.unknown_unit", "unit", unit=params.unit)

    def kernel(frame: pl.DataFrame) -> pl.DataFrame:
        made = []
        for name in names:
            value = numbers_in(frame.get_column(name), params.unit)
            bad = (value.is_null() & ~frame.select(is_missing(pl.col(name))).to_series()).alias(f"_bad_{name}")
            made += [value, bad]
        return pl.DataFrame(made)

    columns: dict[str, pl.Expr] = {}
    drops: tuple[Drop, ...] = ()
    if params.whole:
        columns = {
            name: pl.when(pl.col(name) == pl.col(name).round()).then(pl.col(name)).cast(pl.Int64, strict=False) for name in names
        }
        columns |= {
            f"_bad_{name}": pl.col(f"_bad_{name}") | (pl.col(name) != pl.col(name).round()).fill_null(value=False)
            for name in names
        }
    if params.on_error == "drop":
        drops = tuple(Drop(f"not_number_{name}", pl.col(f"_bad_{name}")) for name in names)
    return Mapped(kernel=kernel, needs=names, columns=columns, drops=drops)


def numbers_in(texts: pl.Series, unit: str) -> pl.Series:
    """Plain forms by expression; what it cannot read, each distinct text once, as words."""
    frame = texts.alias("text").to_frame()
    plain = pl.col("text").str.strip_chars().str.contains(r"^[-+0-9.,]+$") if unit else pl.lit(value=True)
    made = frame.select("text", made=pl.when(plain).then(number_of(pl.col("text"))))
    left = made.filter(pl.col("made").is_null() & ~is_missing(pl.col("text"))).get_column("text").unique()
    if left.len():
        found = pl.DataFrame({"text": left, "read": pl.Series([number(text, unit) for text in left.to_list()], dtype=pl.Float64)})
        made = made.join(found, on="text", how="left", maintain_order="left").with_columns(made=pl.coalesce("made", "read"))
    return made.get_column("made").alias(texts.name)


class FlagGenerated(Params):
    """Marks rows whose `columns` a model wrote (GB 45438-2025): indicator, model and time as columns of the data."""

    columns: tuple[str, ...] = Field(min_length=1)
    model: str
    generated_at: str = ""


def flag_generated(params: FlagGenerated, scope: Scope) -> Mapped:
    for name in params.columns:
        scope.need(name, parameter="columns")
    any_text = pl.any_horizontal(pl.col(name).is_not_null() for name in params.columns)
    columns = {
        "generated_data_indicator": any_text,
        "generated_by": pl.when(any_text).then(pl.lit(params.model)).otherwise(pl.lit("")),
    }
    if params.generated_at:
        columns["generated_at"] = pl.when(any_text).then(pl.lit(params.generated_at)).otherwise(pl.lit(""))
    unlabelled = any_text & pl.lit(not (params.model and params.generated_at))
    return Mapped(
        columns=columns, measures={"generated_rows": any_text.cast(pl.Int64), "generated_unlabelled": unlabelled.cast(pl.Int64)}
    )


class Split(Params):
    """Rows go to a split by a hash of `by`, so a row keeps its split when others change. Rows that share `by` stay together, and so do
    rows of one `together` column where they have a value in it: `group_near` makes one, so that near-duplicates never straddle, and it
    goes with the split. Shares are weights and need not sum to one.
    """

    by: str | tuple[str, ...]
    train: float = Field(default=0.9, ge=0)
    validation: float = Field(default=0.05, ge=0)
    test: float = Field(default=0.05, ge=0)
    seed: int = 0
    together: str = "near_group"


def split(params: Split, scope: Scope) -> Mapped:
    names = column_names(params.by)
    for name in names:
        scope.need(name, parameter="by")
    shares = {name: getattr(params, name) for name in ("train", "validation", "test")}
    total = sum(shares.values())
    if total <= 0:
        raise Invalid("step.no_shares")
    groups = (params.together,) if params.together in scope.schema else ()

    def assign(frame: pl.DataFrame) -> pl.DataFrame:
        point = chances(frame, names, params.seed)
        for name in groups:
            grouped = chances(frame, groups, params.seed).zip_with(frame.get_column(name).is_not_null(), point)
            point = grouped.alias("at")
        low, choice = 0.0, pl.lit("train")
        for name, share in shares.items():
            if share:
                choice = pl.when(pl.col("at") >= low / total).then(pl.lit(name)).otherwise(choice)
            low += share
        return point.to_frame().select(split=choice)

    promised = scope.contract.names() if scope.contract is not None else ()
    kept = [name for name in scope.schema if name not in groups or name in promised]
    keep = (*(name for name in kept if name != "split"), "split") if groups else ()
    return Mapped(kernel=assign, needs=tuple(dict.fromkeys((*names, *groups))), keep=keep)


STEPS: tuple[Step[Any], ...] = (
    Step("rename", 1, Rename, rename, "map", Sentence("steps.rename")),
    Step("select", 1, Select, select, "map", Sentence("steps.select")),
    Step("cast", 1, Cast, cast, "map", Sentence("steps.cast")),
    Step("parse_dates", 3, ParseDates, parse_dates, "map", Sentence("steps.parse_dates")),
    Step("parse_numbers", 2, ParseNumbers, parse_numbers, "map", Sentence("steps.parse_numbers")),
    Step("flag_generated", 1, FlagGenerated, flag_generated, "map", Sentence("steps.flag_generated")),
    Step("split", 2, Split, split, "map", Sentence("steps.split")),
)
