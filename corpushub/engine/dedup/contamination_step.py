"""The step that keeps evaluation sets and other releases out of a training corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import Field

from corpushub.engine.dedup import contamination
from corpushub.engine.step import Drop, Mapped, Params, Scope, Step, refusal
from corpushub.engine.text.columns import COLUMN
from corpushub.engine.wording import Sentence

_READERS: Final[dict[str, Callable[[Path], pl.DataFrame]]] = {
    ".jsonl": pl.read_ndjson,
    ".json": pl.read_json,
    ".csv": pl.read_csv,
    ".parquet": pl.read_parquet,
}


class Decontaminate(Params):
    """Drops rows of `column` that share at least `least` windows with the texts of another source or of a file beside the recipe.

    `columns`: the text columns to look at there (all, when none is named). `window`: how long a shared piece must be; a Chinese character
    counts 3, a letter or digit 1.
    """

    column: str = COLUMN
    against: str = ""
    file: str = ""
    columns: tuple[str, ...] = ()
    window: int = Field(default=contamination.WEIGHT, ge=24, le=600)
    least: int = Field(default=1, ge=1)


def _decontaminate(params: Decontaminate, scope: Scope) -> Mapped:
    column = scope.need(params.column, pl.String)
    known = contamination.index(_evaluation_texts(params, scope), params.window)
    facts = {"texts": known.texts, "short": known.short, "weight": known.weight}
    if not known.hashes.size:
        raise refusal("text.no_windows", "window", **facts)
    if 2 * known.short > known.texts:
        raise refusal("text.mostly_short", "window", **facts)

    def kernel(frame: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame({"_hits": pl.Series(contamination.hits(frame[column], known), dtype=pl.Int64)})

    return Mapped(kernel=kernel, needs=(column,), drops=(Drop("contaminated", pl.col("_hits") >= params.least, pl.col("_hits")),))


def _evaluation_texts(params: Decontaminate, scope: Scope) -> pl.Series:
    if bool(params.against) == bool(params.file) or (params.against and scope.table is None):
        raise refusal("text.against_what", "against")
    frame = scope.table(params.against) if params.against and scope.table else _read(scope.file(params.file))
    texts = {name: kind for name, kind in frame.schema.items() if kind == pl.String}
    inner = Scope(schema=frame.schema)
    chosen = [inner.need(name, pl.String, parameter="columns") for name in params.columns] or list(texts)
    if not chosen:
        raise refusal("text.evaluation_file", "columns", name=params.file or params.against)
    return pl.concat([frame[name].alias("text") for name in chosen])


def _read(path: Path) -> pl.DataFrame:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise refusal("text.evaluation_file", "file", name=path.name)
    try:
        return reader(path)
    except pl.exceptions.PolarsError as error:
        raise refusal("text.evaluation_file", "file", name=path.name) from error


STEPS: tuple[Step[Any], ...] = (
    Step("decontaminate", 1, Decontaminate, _decontaminate, "map", Sentence("text_step.decontaminate")),
)
