"""Row-wise steps that say something about a text: its language, its length in tokens, the watch lists it touches."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import Field

from corpushub.engine.step import Drop, Mapped, Params, Scope, Step, refusal
from corpushub.engine.text import keywords, language, tokens
from corpushub.engine.text.columns import COLUMN
from corpushub.engine.wording import Sentence


class DetectLanguage(Params):
    """Writes the language of `column` (ISO 639 code, `und` if undetermined) into `into`; with `keep`, other languages leave."""

    column: str = COLUMN
    into: str = "language"
    keep: tuple[str, ...] = ()
    least_share: float = Field(
        default=0.0, ge=0.0, le=1.0
    )  # of the letters that must speak for the language when `keep` is given


def _detect_language(params: DetectLanguage, scope: Scope) -> Mapped:
    column = scope.need(params.column, pl.String)

    def kernel(frame: pl.DataFrame) -> pl.DataFrame:
        found, share = language.detect(frame[column])
        return pl.DataFrame([found.alias(params.into), pl.Series("_share", share, dtype=pl.Float64)])

    drops: tuple[Drop, ...] = ()
    if params.keep:
        unwanted = ~pl.col(params.into).is_in(params.keep)
        drops = (
            Drop("other_language", unwanted, pl.col("_share")),
            Drop("mixed_language", pl.col("_share") < params.least_share, pl.col("_share")),
        )
    return Mapped(kernel=kernel, needs=(column,), drops=drops)


class CountTokens(Params):
    """Writes the tokens of `column` into `into`: `estimate`, `characters`, or a vocabulary file beside the recipe."""

    column: str = COLUMN
    into: str = "tokens"
    tokenizer: str = tokens.ESTIMATE


def _count_tokens(params: CountTokens, scope: Scope) -> Mapped:
    column = scope.need(params.column, pl.String)
    is_file = params.tokenizer not in {tokens.ESTIMATE, tokens.CHARACTERS}
    count = tokens.counter(params.tokenizer, scope.file(params.tokenizer, "tokenizer") if is_file else None)

    def kernel(frame: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame([count(frame[column]).alias(params.into)])

    return Mapped(kernel=kernel, needs=(column,), measures={"tokens": pl.col(params.into)})


class FlagKeywords(Params):
    """Writes the names of the phrase lists a text touches into `into`, or drops the row. Lists: built in by name, or a file beside the recipe."""

    column: str = COLUMN
    into: str = "flags"
    lists: tuple[str, ...] = ()
    file: str = ""
    action: Literal["flag", "drop"] = "flag"


def _flag_keywords(params: FlagKeywords, scope: Scope) -> Mapped:
    column = scope.need(params.column, pl.String)
    unknown = [name for name in params.lists if name not in keywords.builtin()]
    if unknown:
        raise refusal("text.no_such_list", "lists", name=unknown[0], known=", ".join(keywords.builtin()))
    chosen = {name: keywords.builtin()[name] for name in (params.lists or (() if params.file else keywords.builtin()))}
    if params.file:
        chosen |= keywords.read_lists(scope.file(params.file))
    target = params.into if params.action == "flag" else "_flags"

    def kernel(frame: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame([keywords.flags(frame[column], chosen).alias(target)])

    held = pl.col(target).list
    drops = tuple(Drop(f"keyword_{name}", held.contains(name)) for name in chosen) if params.action == "drop" else ()
    return Mapped(
        kernel=kernel,
        needs=(column,),
        drops=drops,
        measures={f"keyword_{name}": held.contains(name).cast(pl.Int64) for name in chosen},
    )


STEPS: tuple[Step[Any], ...] = (
    Step("detect_language", 1, DetectLanguage, _detect_language, "map", Sentence("text_step.detect_language")),
    Step("count_tokens", 1, CountTokens, _count_tokens, "map", Sentence("text_step.count_tokens")),
    Step("flag_keywords", 1, FlagKeywords, _flag_keywords, "map", Sentence("text_step.flag_keywords")),
)
