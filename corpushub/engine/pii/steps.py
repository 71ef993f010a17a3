"""The `scrub` step: personal information in text columns is replaced as a policy says, counted by kind, and looked for again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from corpushub.domain.build import EntityFact
from corpushub.engine.pii.actions import Desk
from corpushub.engine.pii.canaries import planted
from corpushub.engine.pii.policy import ALWAYS, Policy, policy
from corpushub.engine.pii.pseudonyms import derive
from corpushub.engine.pii.scrub import Scrubbed, scrub_columns, scrub_rows
from corpushub.engine.step import Mapped, Params, Scope, Step, column_names
from corpushub.engine.wording import Sentence

COUNTS = ("found", "replaced", "kept", "residual")
TALLY = "_pii"
SPAN = pl.Struct(
    {"column": pl.String, "start": pl.Int32, "end": pl.Int32, "entity": pl.String, "action": pl.String, "recognizer": pl.String, "score": pl.Float64}
)  # fmt: skip
UNKEYED = b"corpushub: placeholders need no key"


class Scrub(Params):
    """`columns` are text columns; all that the contract marks `pii: scrub` when none is given. `spans` names a list column that tells what
    stood where in the text before, without values.
    """

    columns: str | tuple[str, ...] = ()
    policy: str = "training"
    actions: Mapping[str, str] = Field(default_factory=dict)
    allow: tuple[str, ...] = ()
    keep_officials: bool | None = None
    keep_institutions: bool | None = None
    consistent: str | None = Field(default=None, pattern="^(document|dataset)$")
    names: bool = True
    spans: str = ""
    lang: str = Field(default="zh", pattern="^(zh|en)$")


def scrub(params: Scrub, scope: Scope) -> Mapped:
    """Plan the step: which columns, which policy, which key."""
    marked = [column.name for column in (scope.contract.columns if scope.contract else ()) if column.pii == "scrub"]
    columns = column_names(params.columns) or tuple(name for name in marked if name in scope.schema)
    for column in columns:
        scope.need(column, pl.String, parameter="columns")
    switches = {name: getattr(params, name) for name in ("keep_officials", "keep_institutions", "consistent")}
    chosen = policy(params.policy, overrides=params.actions, allow=frozenset(params.allow), **switches)
    about: dict[str, Any] = {"columns": columns, "chosen": chosen, "params": params, "key": key_for(chosen, scope)}
    probe = partial(probed, canary_key(scope.secret, scope.dataset), **about) if columns else None
    return Mapped(kernel=partial(scrubbed, **about), needs=columns, measures=dict(measures(tallied())), probe=probe)


def canary_key(secret: bytes, dataset: str) -> bytes:
    """The key of a dataset's canaries; a build without a secret, such as one on the command line, plants the same everywhere."""
    return derive(secret or UNKEYED, dataset, "canary")


def key_for(chosen: Policy, scope: Scope) -> bytes:
    """The dataset's own key where the policy writes keyed stand-ins.

    Raises: Invalid("pii.no_key").
    """
    if {chosen.default, *chosen.actions.values()} & {"pseudonym", "surrogate"}:
        return derive(scope.secret, scope.dataset)
    return UNKEYED


def tallied() -> tuple[str, ...]:
    """Entities that are counted one by one; a plugin's own count under OTHER."""
    from corpushub.engine.pii.detect import RANK

    return (*RANK, "OTHER")


def measures(entities: Iterable[str]) -> Iterable[tuple[str, pl.Expr]]:
    """`pii:CN_MOBILE:found` and so on, and `secrets_residual` for its gate: sums over rows."""
    known = list(entities)
    for place, entity in enumerate(known):
        for shift, count in enumerate(COUNTS):
            yield f"pii:{entity}:{count}", counted(place, shift)
    residual = COUNTS.index("residual")
    yield "secrets_residual", pl.sum_horizontal(counted(known.index(entity), residual) for entity in sorted(ALWAYS))


def counted(place: int, shift: int) -> pl.Expr:
    return pl.col(TALLY).list.get(place * len(COUNTS) + shift, null_on_oob=True).sum()


def probed(seed: bytes, *, columns: tuple[str, ...], chosen: Policy, params: Scrub, key: bytes) -> dict[str, int]:
    """The canaries scrubbed as a batch of rows is: how many were planted, and how many are left."""
    seeds = planted(seed, chosen, names=params.names)
    rows = [(canary.line,) * len(columns) for canary in seeds]
    done = scrub_rows(rows, columns, chosen, Desk(key, params.lang), _analyzer(names=params.names))
    left = sum(canary.value in (cell or "") for canary, row in zip(seeds, done, strict=True) for cell in row.cells)
    return {"canaries_planted": len(seeds) * len(columns), "canaries_left": left}


def scrubbed(frame: pl.DataFrame, *, columns: tuple[str, ...], chosen: Policy, params: Scrub, key: bytes) -> pl.DataFrame:
    """The kernel: scrubbed columns, the tally of each row and, where asked, its spans. Only rows that hold something are touched."""
    cells = [frame[name] for name in columns]
    done = scrub_columns(cells, chosen, Desk(key, params.lang), _analyzer(names=params.names)) if frame.height else {}
    touched = np.zeros(frame.height, dtype=np.uint32)  # 0 or the number of the row among those touched
    touched[list(done)] = np.arange(1, len(done) + 1)
    result = [written(column, done, place) for place, column in enumerate(cells)]
    tallies = pl.Series(TALLY, [[], *(tally(row) for row in done.values())], dtype=pl.List(pl.Int32))
    result.append(tallies.gather(touched))
    if params.spans:
        marks = [[], *([mark_of(mark) for mark in row.marks] for row in done.values())]
        result.append(pl.Series(params.spans, marks, dtype=pl.List(SPAN)).gather(touched))
    return pl.DataFrame(result)


def written(column: pl.Series, done: Mapping[int, Scrubbed], place: int) -> pl.Series:
    """The column with the cells of the rows that were scrubbed."""
    return column.clone().scatter(list(done), [row.cells[place] for row in done.values()]) if done else column


def tally(row: Scrubbed) -> list[int]:
    """Counts of a row in the fixed order of `measures`."""
    entities = tallied()
    known = {entity: place for place, entity in enumerate(entities)}
    counts = [0] * (len(entities) * len(COUNTS))
    for (entity, count), number in row.counts.items():
        counts[known.get(entity, len(entities) - 1) * len(COUNTS) + COUNTS.index(count)] += number
    return counts


def mark_of(mark: Any) -> dict[str, Any]:
    return {name: getattr(mark, name) for name in ("column", "start", "end", "entity", "action", "recognizer", "score")}


def entity_facts(found: Mapping[str, float], params: Mapping[str, Any]) -> tuple[EntityFact, ...]:
    """The step's measures as facts of the build, entities that were found only."""
    chosen = policy(str(params.get("policy", "training")), overrides=dict(params.get("actions", {})))
    facts = []
    for entity in tallied():
        counts = {count: int(found.get(f"pii:{entity}:{count}", 0)) for count in COUNTS}
        if any(counts.values()):
            facts.append(EntityFact(entity=entity, action=chosen.action(entity), **counts))
    return tuple(facts)


def _analyzer(*, names: bool) -> Any:
    from corpushub.engine.pii.detect import scanner

    return scanner(tagger=names)


STEPS: tuple[Step[Any], ...] = (Step("scrub", 8, Scrub, scrub, "map", Sentence("pii.step_scrub")),)
