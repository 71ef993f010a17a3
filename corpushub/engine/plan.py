"""Recipe + opened sources + registry -> Plan: stages with fingerprints, before anything is computed.

A stage is a run of map steps carried out together on each shard, or one barrier. `fingerprint = digest(step, version, origin, parameters,
files and tables it read, fingerprint before it)`; with a shard's digest it names that shard's output, which is then never computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa

from corpushub.base.errors import HubError, Invalid, Problem
from corpushub.base.identity import digest_of, sha256
from corpushub.base.suggest import closest
from corpushub.domain.recipe import Recipe, StepCall
from corpushub.engine.dtypes import widest
from corpushub.engine.mapping import schema_after
from corpushub.engine.shards import Shard
from corpushub.engine.sources.opening import Source
from corpushub.engine.step import Barrier, Mapped, Params, Scope, Step

ENGINE_VERSION = 2
Schema = Mapping[str, pl.DataType]


@dataclass(frozen=True, slots=True)
class Setting:
    """What planning needs besides recipe and sources: the recipe's folder and the key for pseudonyms."""

    folder: Path
    secret: bytes = b""
    sample: int = 0


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of the recipe with what it answered for the schema it meets. `index` counts from 1 in recipe order."""

    index: int
    step: Step[Any]
    params: Params
    answer: Mapped | Barrier
    schema: Schema  # after the step
    mark: str = ""  # digest of what the step is: version, origin, parameters, files and tables it read


@dataclass(frozen=True, slots=True)
class Stage:
    kind: Literal["map", "barrier"]
    steps: tuple[PlannedStep, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build will do. `shards` are the inputs in row order, with the source each belongs to."""

    recipe: Recipe
    sources: tuple[Source, ...]
    stages: tuple[Stage, ...]
    schema: Schema
    fingerprint: str
    shards: tuple[tuple[int, Shard], ...] = field(repr=False, default=())
    setting: Setting = field(repr=False, default=Setting(Path()))
    made_key: str = ""  # the contract's key, where no source has it and the engine makes it from the row's place

    @property
    def steps(self) -> tuple[PlannedStep, ...]:
        return tuple(step for stage in self.stages for step in stage.steps)


def tools() -> dict[str, str]:
    """Versions of the libraries that shape bytes."""
    from corpushub import __version__

    return {"corpushub": __version__, "polars": pl.__version__, "pyarrow": pa.__version__, "numpy": np.__version__}


def make_plan(recipe: Recipe, sources: Sequence[Source], registry: Mapping[str, Step[Any]], setting: Setting) -> Plan:
    """The plan of `recipe` over `sources`; reads no row except of small lookup tables.

    Raises: Invalid("plan.no_rows" | "source.empty"), Invalid("plan.invalid") with each step that does not fit the columns it meets, at its line
    of the recipe.
    """
    inputs = [source for source in sources if not source.is_table]
    if not inputs:
        raise Invalid("plan.no_rows")
    if not any(source.shards for source in inputs):
        raise Invalid("source.empty", name=", ".join(source.name for source in inputs))
    made_key = key_to_make(recipe, inputs)
    schema: Schema = ({made_key: pl.String()} if made_key else {}) | union_schema(inputs)
    planner = Planner(recipe, {source.name: source for source in sources}, registry, setting)
    fingerprint = digest_of([ENGINE_VERSION, tools(), {name: str(dtype) for name, dtype in schema.items()}])
    planned = planner.all(schema)
    stages = grouped(planned, fingerprint)
    schema = planned[-1].schema if planned else schema
    if broken := contract_problems(recipe, schema):
        raise Invalid("plan.invalid", problems=broken, file=recipe.name, count=len(broken))
    shards = tuple(
        (at, aligned_shard(shard, source, is_named=bool(recipe.contract.key) and not made_key))
        for at, source in enumerate(sources)
        if not source.is_table
        for shard in source.shards
    )
    if setting.sample:
        shards = sampled(shards, setting.sample)
    whole = digest_of([stages[-1].fingerprint, [shard.digest for _, shard in shards], recipe.digest, setting.sample])
    return Plan(recipe, tuple(sources), stages, schema, whole, shards, setting, made_key)


def contract_problems(recipe: Recipe, schema: Schema) -> list[Problem]:
    """Columns the contract promises and the steps do not leave, or leave in another type."""
    problems = []
    known = [name for name in schema if not name.startswith("_")]
    for column in recipe.contract.columns:
        if column.name not in schema:
            near = closest(column.name, known)
            code = "plan.promised_missing_near" if near else "plan.promised_missing"
            facts: dict[str, object] = {"column": column.name, "suggestion": near, "known": ", ".join(known)}
            problems.append(Problem(code, facts, recipe.name, column.line))
        elif not fits(schema[column.name], column.dtype):
            facts = {"column": column.name, "promised": column.dtype, "found": str(schema[column.name])}
            problems.append(Problem("plan.promised_type", facts, recipe.name, column.line))
    return problems


def fits(dtype: pl.DataType, promised: str) -> bool:
    match promised:
        case "str":
            return dtype == pl.String or dtype in {pl.Categorical, pl.Enum}
        case "int":
            return dtype.is_integer()
        case "float":
            return dtype.is_numeric()
        case "bool":
            return dtype == pl.Boolean
        case "date":
            return dtype == pl.Date
        case "datetime":
            return isinstance(dtype, pl.Datetime)
        case _:
            return isinstance(dtype, pl.List)


def union_schema(sources: Sequence[Source]) -> dict[str, pl.DataType]:
    """All columns of all row sources, in order of appearance, in the type that holds each."""
    schema: dict[str, pl.DataType] = {}
    for source in sources:
        for name, dtype in source.schema.items():
            schema[name] = widest(schema[name], dtype) if name in schema else dtype
    return schema


def key_to_make(recipe: Recipe, inputs: Sequence[Source]) -> str:
    key = recipe.contract.key
    return key if key and not any(key in source.schema for source in inputs) else ""


def input_schema(plan: Plan) -> Schema:
    """What the first stage meets."""
    made = {plan.made_key: pl.String()} if plan.made_key else {}
    return made | union_schema([source for source in plan.sources if not source.is_table])


def aligned_shard(shard: Shard, source: Source, *, is_named: bool) -> Shard:
    """The shard with a digest that also knows its source and the types it is read in, so that equal files of two sources stay apart.

    Where rows are not named by a key of their own, steps know them by their number in the file, which then belongs to the digest.
    """
    about = [shard.digest, source.name, source.files == 1, list(shard.schema.items()), 0 if is_named else shard.base]
    return replace(shard, digest=digest_of(about))


def sampled(shards: Sequence[tuple[int, Shard]], rows: int) -> tuple[tuple[int, Shard], ...]:
    """The first rows of each source until about `rows` in all: a preview reads the beginning only."""
    counts: dict[int, int] = {}
    sources = {at for at, _ in shards}
    each = max(1, -(-rows // len(sources)))
    kept = []
    for at, shard in shards:
        left = each - counts.get(at, 0)
        if left > 0:
            take = min(left, shard.rows)
            counts[at] = counts.get(at, 0) + take
            kept.append((at, replace(shard, rows=take, digest=digest_of([shard.digest, "head", take]))))
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class Planner:
    recipe: Recipe
    sources: Mapping[str, Source]
    registry: Mapping[str, Step[Any]]
    setting: Setting

    def all(self, schema: Schema) -> list[PlannedStep]:
        """Every step planned in order; problems of all steps are told together."""
        planned: list[PlannedStep] = []
        problems: list[Problem] = []
        for index, call in enumerate(self.recipe.steps, 1):
            used: list[str] = []
            try:
                step = self.one(index, call, schema, used)
            except HubError as error:
                problems += located(error, call, self.recipe.name)
                continue
            mark = digest_of([call.step, step.step.version, step.step.origin, step.params.model_dump(mode="json"), used])
            planned.append(replace(step, mark=mark))
            schema = step.schema
        if problems:
            raise Invalid("plan.invalid", problems=problems, file=self.recipe.name, count=len(problems))
        return planned

    def one(self, index: int, call: StepCall, schema: Schema, used: list[str]) -> PlannedStep:
        step = self.registry[call.step]
        params = step.params.model_validate(call.params)
        scope = Scope(
            schema=schema,
            contract=self.recipe.contract,
            dataset=self.recipe.dataset,
            purpose=self.recipe.purpose,
            folder=self.setting.folder,
            table=self.table(used),
            used=used,
        )
        answer = self.answer(step, params, scope)
        if isinstance(answer, Barrier):
            after = {**schema, **answer.adds}
        else:
            try:
                after = schema_after(schema, answer)
            except pl.exceptions.PolarsError as error:
                raise Invalid("plan.step_fails", step=call.step, reason=type(error).__name__) from error
        return PlannedStep(index, step, params, answer, after)

    def answer(self, step: Step[Any], params: Params, scope: Scope) -> Mapped | Barrier:
        """Steps are asked without the hub's secret first, so that only those that need it depend on it."""
        try:
            return step.apply(params, scope)
        except Invalid as refused:
            if not refused.code.endswith("no_key") or not self.setting.secret:
                raise
        scope.used.append(sha256(b"pseudonyms" + self.setting.secret)[:16])
        return step.apply(params, replace(scope, secret=self.setting.secret))

    def table(self, used: list[str]) -> Callable[[str], pl.DataFrame]:
        def read(name: str) -> pl.DataFrame:
            if name not in self.sources:
                known = ", ".join(sorted(self.sources))
                raise Invalid("plan.no_such_source", source=name, known=known)
            source = self.sources[name]
            used.append(source.digest)
            frames = [shard.read() for shard in source.shards]
            frame = pl.concat(frames) if frames else pl.DataFrame(schema=dict(source.schema))
            return frame.drop("_origin", "_row", "_part", strict=False)

        return read


def located(error: HubError, call: StepCall, file: str) -> list[Problem]:
    """A step's refusal with the recipe's file and line."""
    found = error.problems if isinstance(error, Invalid) and error.problems else (Problem(error.code, error.facts),)
    return [
        replace(
            one, file=one.file or file, line=one.line or call.line, column=one.column or call.column, path=one.path or call.step
        )
        for one in found
    ]


def grouped(planned: Sequence[PlannedStep], fingerprint: str) -> tuple[Stage, ...]:
    """Neighbouring map steps in one stage, barriers alone; behind each barrier a map stage, if an empty one, which applies its ruling."""
    stages: list[Stage] = []
    run: list[PlannedStep] = []
    for step in planned:
        if isinstance(step.answer, Barrier):
            if run or not stages or stages[-1].kind == "barrier":
                stages.append(Stage("map", tuple(run), fingerprint))
                run = []
            fingerprint = digest_of([fingerprint, step.mark])
            stages.append(Stage("barrier", (step,), fingerprint))
        else:
            fingerprint = digest_of([fingerprint, step.mark])
            run.append(step)
    if run or not stages or stages[-1].kind == "barrier":
        stages.append(Stage("map", tuple(run), digest_of([fingerprint, "last"])))
    return tuple(stages)


def explain(plan: Plan, reuse: Mapping[int, int] | None = None, lang: str = "") -> str:
    """The plan for people: sources, stages with their steps, and where `reuse` counts shards (by stage), what is already there.

    With a language also what each step does, in a sentence, and the columns it adds, drops or gives another type.
    """
    lines = [f"dataset  {plan.recipe.dataset}", f"plan     {plan.fingerprint[:16]}"]
    for source in plan.sources:
        fact = source.fact
        kind = "table" if source.is_table else f"{len(source.shards)} {'shard' if len(source.shards) == 1 else 'shards'}"
        lines.append(
            f"source   {source.name}: {fact.format} {fact.encoding} {fact.rows} rows, {fact.quarantined} quarantined, {kind}"
        )
    total, schema = len(plan.shards), input_schema(plan)
    for number, stage in enumerate(plan.stages):
        known = "" if reuse is None else f"  [{reuse.get(number, 0)} of {total} shards reused]"
        lines.append(f"stage {number + 1}  {stage.kind:8}{stage.fingerprint[:12]}{known}")
        for step in stage.steps:
            lines.append(f"    {step.index:2}. {step.step.name} v{step.step.version}  {params_text(step.params)}")
            if lang:
                lines += [
                    f"        {line}" for line in (step.step.doc.get(lang, ""), *schema_changes(schema, step.schema)) if line
                ]
            schema = step.schema
    lines.append("output   " + ", ".join(f"{name}: {dtype}" for name, dtype in plan.schema.items()))
    return "\n".join(lines)


def schema_changes(before: Schema, after: Schema) -> list[str]:
    """`+ column: type` and `- column: type`; both for another type."""
    gone = [f"- {name}: {dtype}" for name, dtype in before.items() if after.get(name) != dtype]
    return gone + [f"+ {name}: {dtype}" for name, dtype in after.items() if before.get(name) != dtype]


def params_text(params: Params) -> str:
    values = params.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
