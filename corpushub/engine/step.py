"""What a step is. Every step module builds on this file and exports `STEPS: tuple[Step[Any], ...]`.

A recipe names a step and gives it parameters; at plan time `step.apply(params, scope)` is called once with the schema the step will
meet and answers with a value that says what to do. It may not touch data. Two kinds of answer:

* `Mapped`: row by row. Evaluated on each batch of rows in this order: `kernel`, `columns`, `drops`, `measures`, `explode`, `rename`, `keep`.
  All neighbouring map steps run fused on one batch, so a row is read once.
* `Barrier`: needs all rows. `sketch` turns a shard into a small frame (cached by shard, so a changed shard alone is sketched again),
  `decide` sees all sketches and rules about every row: drop it with a reason, or set columns on it.

Rules: the answer is a pure function of parameters and scope; no clock, host, thread count or hash seed; results of one row never depend on
the batch it came in; columns whose name starts with `_` belong to the engine (`_origin`, `_row`, `_part`) or are temporary (kernel output
named `_…` is dropped after the step). Raise `version` when the same input would give other output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from corpushub.base.errors import Invalid, Problem
from corpushub.base.identity import file_sha256
from corpushub.base.suggest import closest

Kind = Literal["map", "barrier", "check"]
Schema = Mapping[str, pl.DataType]


class Params(BaseModel):
    """Base of every step's parameters: an unknown key is an error, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Drop:
    """Rows where `predicate` is true leave under the name `reason` (snake_case, part of the funnel); null counts as false.

    `measure` is the number that decided, kept in the drop log beside the row.
    """

    reason: str
    predicate: pl.Expr
    measure: pl.Expr | None = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a row-wise step does. Rows match the first `Drop` that holds; later ones see only what is left.

    `kernel(frame) -> frame` gives new or replaced columns (same height and order), for work expressions cannot do; it is also called with
    an empty frame at plan time to learn its schema. `measures` are sums over the rows that enter: integer expressions of one value each.
    `probe()` gives counts taken once for each batch with rows, on inputs of the step's own: a step that tests itself must not do so in its
    kernel, whose results on known rows are remembered.
    `explode` names a list column to become one row per element (`_part` counts them). `keep` lists the columns that stay, in order.
    """

    columns: Mapping[str, pl.Expr] = field(default_factory=dict)
    drops: tuple[Drop, ...] = ()
    kernel: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    needs: tuple[str, ...] = ()  # columns the kernel reads; empty: all
    measures: Mapping[str, pl.Expr] = field(default_factory=dict)
    probe: Callable[[], Mapping[str, int]] | None = None
    explode: str = ""
    after: Mapping[str, pl.Expr] = field(default_factory=dict)  # columns set once rows are exploded, `_part` can be read
    rename: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()


class Sketches(Protocol):
    """All sketches of one barrier, in row order. Rows are numbered 0.. over all shards: the global row."""

    @property
    def rows(self) -> int: ...

    @property
    def memory(self) -> Path | None:
        """A folder kept between builds of this step (same step, version and parameters), for an index; None: keep nothing."""

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """One sketch per shard (`columns` of it)."""

    def digests(self) -> Sequence[str]:
        """One content digest per shard; equal digests mean equal sketches."""

    def gather(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """All sketches as one frame (`columns` of it), global row = position."""

    def fetch(self, rows: np.ndarray, columns: Sequence[str]) -> pl.DataFrame:
        """`columns` of the full rows with these global numbers, in the order asked. Touches only the shards that hold them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a barrier rules, one entry per global row.

    `codes`: 0 keeps the row, n drops it for `reasons[n - 1]`. `columns` are set on the rows (same height as `codes`).
    `survivor`: for merged duplicates the global row that stays in its place, -1 elsewhere.
    """

    codes: np.ndarray  # uint8
    reasons: tuple[str, ...] = ()
    columns: Mapping[str, pl.Series] = field(default_factory=dict)
    survivor: np.ndarray | None = None  # int64
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Barrier:
    """A step that must see all rows. `sketch(frame) -> frame` keeps height and row order and should be small (ids, hashes, labels)."""

    sketch: Callable[[pl.DataFrame], pl.DataFrame]
    decide: Callable[[Sketches], Decision]
    needs: tuple[str, ...] = ()  # columns `sketch` reads; empty: all
    adds: Mapping[str, pl.DataType] = field(default_factory=dict)  # columns `decide` sets, with their types


@dataclass(frozen=True, slots=True)
class Scope:
    """What a step may know when it is planned: the schema it meets, the contract, the recipe's folder and other sources' tables."""

    schema: Schema
    contract: Any = None  # domain.recipe.Contract
    dataset: str = ""
    purpose: str = ""
    folder: Path | None = None
    table: Callable[[str], pl.DataFrame] | None = None
    secret: bytes = field(default=b"", repr=False)  # keys pseudonyms; a step that needs it refuses with a code ending in "no_key"
    used: list[str] = field(default_factory=list)  # digests of what the answer depends on besides parameters and schema

    def need(self, column: str, *kinds: type[pl.DataType] | pl.DataType, parameter: str = "column") -> str:
        """`column`, if the schema has it with one of `kinds` (any kind when none is given).

        Raises: Invalid("step.no_such_column" | "step.column_type") with a suggestion.
        """
        if column not in self.schema:
            known = [name for name in self.schema if not name.startswith("_")]
            near = closest(column, known)
            code = "step.no_such_column_near" if near else "step.no_such_column"
            raise refusal(code, parameter, column=column, suggestion=near, known=", ".join(known))
        dtype = self.schema[column]
        if kinds and not any(dtype == kind for kind in kinds):
            wanted = " | ".join(str(kind) for kind in kinds)
            raise refusal("step.column_type", parameter, column=column, found=str(dtype), wanted=wanted)
        return column

    def file(self, name: str, parameter: str = "file") -> Path:
        """A file beside the recipe; its digest becomes part of the step's fingerprint. Raises: Invalid("step.no_such_file" | "step.file_outside")."""
        root = (self.folder or Path()).resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise refusal("step.file_outside", parameter, name=name)
        if not path.is_file():
            raise refusal("step.no_such_file", parameter, name=name)
        self.used.append(file_sha256(path))
        return path


@dataclass(frozen=True, slots=True)
class Step(Generic[P]):
    """One transformation a recipe can name. `doc` holds one sentence per language for the reference and the card."""

    name: str
    version: int
    params: type[P]
    apply: Callable[[P, Scope], Mapped | Barrier]
    kind: Kind
    doc: Mapping[str, str]
    origin: str = "corpushub"  # the distribution a plugin came from, with its version


def refusal(code: str, parameter: str, /, **facts: object) -> Invalid:
    """A problem with one parameter of a step; the plan adds the recipe's file and line."""
    return Invalid(code, problems=[Problem(code, facts, path=parameter)], **facts)


def column_names(value: str | Sequence[str]) -> tuple[str, ...]:
    """`column: a` and `columns: [a, b]` read the same."""
    return (value,) if isinstance(value, str) else tuple(value)
