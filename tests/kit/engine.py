"""Carry one step out on a small frame, as a build would, and build recipes from a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from corpushub.base.settings import Settings
from corpushub.domain.recipe import Column, Contract, Recipe
from corpushub.engine.cache import Cache
from corpushub.engine.mapping import carry_out
from corpushub.engine.plan import Plan, Setting, make_plan
from corpushub.engine.registry import registry
from corpushub.engine.shards import ENGINE
from corpushub.engine.sources.opening import Place, open_source
from corpushub.engine.step import Barrier, Mapped, Scope, Step

HEAD = """\
dataset: city/notices
title: {zh: 通报, en: Notices}
purpose: model-training
licence: {id: cc-by-4.0}
"""


@dataclass(frozen=True)
class Done:
    """Rows left (without the engine's columns) and rows gone with their reasons, in order."""

    frame: pl.DataFrame
    reasons: list[str]

    def rows(self) -> list[dict[str, Any]]:
        return self.frame.to_dicts()


@dataclass(frozen=True)
class OneShard:
    """All sketches of a barrier from one frame."""

    sketch: pl.DataFrame
    frame: pl.DataFrame
    memory: Path | None = None

    @property
    def rows(self) -> int:
        return self.sketch.height

    def frames(self, columns: Any = None) -> Any:
        return iter([self.gather(columns)])

    def digests(self) -> list[str]:
        return ["only"]

    def gather(self, columns: Any = None) -> pl.DataFrame:
        return self.sketch if columns is None else self.sketch.select(columns)

    def fetch(self, rows: Any, columns: Any) -> pl.DataFrame:
        return self.frame.select(columns)[rows.tolist()]


def with_places(frame: pl.DataFrame) -> pl.DataFrame:
    rows = pl.int_range(1, frame.height + 1, dtype=pl.UInt32, eager=True)
    zeros = pl.Series([0], dtype=pl.UInt32).new_from_index(0, frame.height)
    return pl.DataFrame([zeros.alias("_origin"), rows.alias("_row"), zeros.alias("_part")]).hstack(frame)


def carried(
    name: str, frame: pl.DataFrame, tables: Mapping[str, pl.DataFrame] | None = None, key: str = "", **params: Any
) -> Done:
    """The step `name` with `params` carried out on `frame`."""
    step = registry()[name]
    contract = Contract(key=key, columns=(Column(key),) if key else ())
    scope = Scope(schema=dict(frame.schema), contract=contract, table=lambda source: (tables or {})[source])
    answer = step.apply(step.params(**params), scope)
    full = with_places(frame)
    if isinstance(answer, Mapped):
        left, _, log = carry_out(full, answer, 1)
        return Done(left.drop(list(ENGINE)), log["reason"].to_list())
    assert isinstance(answer, Barrier)
    ruling = answer.decide(OneShard(answer.sketch(full), full))
    kept = full.with_columns(**dict(ruling.columns)).filter(pl.Series(ruling.codes == 0))
    return Done(kept.drop(list(ENGINE)), [ruling.reasons[code - 1] for code in ruling.codes if code])


def planned(
    folder: Path, body: str, cache: Path | None = None, extra: Mapping[str, Step[Any]] | None = None
) -> tuple[Plan, Cache]:
    """The plan of a recipe (`body` from `sources:` on) whose files lie in `folder`; `extra` adds steps of the test."""
    steps = {**registry(), **(extra or {})}
    recipe = Recipe.parse(HEAD + body, name="recipe.yaml", steps=steps)
    place = Place(folder, Settings(home=folder), Cache(cache or folder / "cache"))
    sources = [open_source(ref, place) for ref in recipe.sources]
    return make_plan(recipe, sources, steps, Setting(folder, b"0123456789abcdef")), place.cache


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` by relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
