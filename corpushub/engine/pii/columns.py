"""What role a column plays for re-identification, as a proposal a curator confirms: direct identifier, quasi-identifier, sensitive, or neither.

Evidence: the header (words of rules/pii-lexicon.toml), what share of the distinct values are personal identifiers, and how distinct the values
are. Validators for whole columns of identity numbers are expressions: a million rows a second without Python.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from corpushub.base.errors import Invalid, Problem
from corpushub.domain.recipe import Recipe
from corpushub.engine.recognizers.lexicon import lexicon
from corpushub.engine.step import column_names

HEAD = 10_000  # rows of a file looked at
SAMPLE = 2000  # distinct values read per column
CELL = 64  # mean characters from which a column is text to scrub, not a column of one kind of value
_DIRECT = (
    "CN_ID_CARD CN_MOBILE CN_PASSPORT CN_HKMOTW_PERMIT CN_MILITARY_ID CN_BANK_CARD CN_SOCIAL_SECURITY CN_MEDICAL_RECORD CN_SOCIAL_ACCOUNT "
    "EMAIL_ADDRESS PERSON CN_LANDLINE PHONE_NUMBER CN_DRIVER_LICENSE CN_LICENSE_PLATE CN_VIN DEVICE_ID US_SSN CREDIT_CARD"
)
DIRECT = frozenset(_DIRECT.split())


@dataclass(frozen=True, slots=True)
class Role:
    """A proposal. `share`: distinct values in which `entity` was found; `why`: header, values, or distinct."""

    column: str
    role: str
    entity: str
    share: float
    distinct_ratio: float
    why: str


def infer_roles(frame: pl.DataFrame) -> list[Role]:
    """A proposal for every column, from its name and up to 2,000 of its distinct values in sorted order."""
    return [infer_role(frame[name]) for name in frame.columns]


def infer_role(column: pl.Series) -> Role:
    values = column.drop_nulls().unique().sort().head(SAMPLE)
    ratio = column.n_unique() / max(1, len(column))
    entity, share = commonest(column.name, as_cells(values))
    words = lexicon()["roles"]
    if entity in DIRECT and share >= 0.5:
        return Role(column.name, "direct", entity, share, ratio, "values")
    for role in ("direct", "sensitive", "quasi"):
        if re.search(words[role], column.name, re.IGNORECASE):
            return Role(column.name, role, entity, share, ratio, "header")
    if entity in {"ADDRESS", "DATE_OF_BIRTH", "LOCATION"} and share >= 0.5:
        return Role(column.name, "quasi", entity, share, ratio, "values")
    return Role(column.name, "insensitive", entity, share, ratio, "distinct")


def as_cells(values: pl.Series) -> list[str]:
    """Values as text; none where they are nested, or prose."""
    if values.dtype.is_nested() or values.is_empty():
        return []
    texts = values.cast(pl.String)
    return [] if texts.str.len_chars().sum() > CELL * texts.count() else texts.to_list()


def unconfirmed(roles: Iterable[Role], recipe: Recipe) -> list[Problem]:
    """What keeps a release back: direct identifiers nobody guards, and columns that read like quasi-identifiers or sensitive facts without
    a curator's word. `role: insensitive` is such a word, too.
    """
    roles = list(roles)
    columns = {column.name: column for column in recipe.contract.columns}
    problems = unguarded(roles, recipe)
    for role in roles:
        column = columns.get(role.column)
        if role.role in {"quasi", "sensitive"} and column is not None and not column.role and column.pii == "none":
            facts: dict[str, object] = {"column": role.column, "role": role.role, "evidence": role.entity or role.column}
            problems.append(Problem("pii.unconfirmed_role", facts, recipe.name, column.line))
    return problems


def unguarded(roles: Iterable[Role], recipe: Recipe) -> list[Problem]:
    """Columns whose values read like direct identifiers while the contract neither scrubs nor keeps them nor gives them a role.

    A role written in the contract is a curator's word and settles a guess from the header alone, never one from the values.
    """
    columns = {column.name: column for column in recipe.contract.columns}
    scrubbed = {name for call in recipe.steps if call.step == "scrub" for name in column_names(call.params.get("columns", ()))}
    problems = []
    for role in roles:
        column = columns.get(role.column)
        if role.role != "direct" or column is None or column.pii != "none" or role.column in scrubbed:
            continue
        if column.role and role.why == "header":
            continue
        facts = {"column": role.column, "entity": role.entity or role.why, "share": round(role.share * 100)}
        problems.append(Problem("pii.unguarded_column", facts, recipe.name, column.line))
    return problems


def head(path: Path, rows: int = HEAD) -> pl.DataFrame:
    """The first rows of a table on disk, cells of text files as they are written.

    Raises: Invalid("pii.no_table") for files that are no CSV, Parquet or JSON lines.
    """
    try:
        match path.suffix.lower():
            case ".parquet":
                return pl.read_parquet(path, n_rows=rows)
            case ".jsonl" | ".ndjson":
                return pl.read_ndjson(path, n_rows=rows, infer_schema_length=rows)
            case ".csv" | ".tsv" | ".txt":
                return pl.read_csv(
                    path, n_rows=rows, infer_schema=False, encoding="utf8-lossy", separator="\t" if path.suffix == ".tsv" else ","
                )
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise Invalid("pii.no_table", file=path.name, kind=type(problem).__name__) from None
    raise Invalid("pii.no_table", file=path.name, kind=path.suffix or "?")


def commonest(name: str, values: Sequence[str]) -> tuple[str, float]:
    """The entity most values hold and the share of values that hold it."""
    from corpushub.engine.pii.scrub import look

    if not values:
        return "", 0.0
    counts = Counter(entity for row in look(values, [name] * len(values)) for entity in {item.entity for item in row})
    if not counts:
        return "", 0.0
    entity, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    return entity, count / len(values)
