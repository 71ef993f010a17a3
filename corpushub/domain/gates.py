"""Release gates: one registry, one id each, judged by one function that anybody can repeat from `gates.json`.

1. A gate is a list of checks `measure op threshold`; it passes when all hold.
2. A gate that applies but has no number fails; a gate is never silently absent.
3. It does not apply only when its `when` measure says so, and then the verdict says which.
4. A waiver names who, in which role, why, until when and the portal event; an expired one, or one by a role the gate does not
   list, changes nothing.
5. `effect = block` stops a release; `effect = label` costs the name "high-quality dataset" and is printed in the card.
   A recipe that states a threshold for a labelling gate makes it blocking.
6. Gates of a later stage (approval, publication) are `pending` until that stage; a release is public only when none is.
"""

from __future__ import annotations

import operator
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from corpushub.base.errors import Problem
from corpushub.domain.measures import MEASURES

Op = Literal["<=", ">=", "=="]
Stage = Literal["build", "propose", "approve", "publish"]
STAGES: tuple[Stage, ...] = ("build", "propose", "approve", "publish")
KNOWN_AT_BUILD = frozenset({"engine", "release"})
OPS: Mapping[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}
TOLERANCE = 1e-9


class Status(StrEnum):
    PASS = "pass"  # noqa: S105  a verdict, not a password
    FAIL = "fail"
    WAIVED = "waived"
    NOT_APPLICABLE = "not_applicable"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. `against` names a measure to compare with instead of a fixed threshold (a sample's required size);
    `open` leaves the threshold to the recipe, any other it may only tighten.
    """

    measure: str
    op: Op
    threshold: float = 0.0
    against: str = ""
    open: bool = False
    when: str = ""  # a measure without which this comparison has nothing to look at


@dataclass(frozen=True, slots=True)
class Gate:
    """A row of the gate table. `also` lists the ids it was merged from; `when` is the measure that makes it apply."""

    id: str
    kind: Literal["machine", "human", "both"]
    stage: Stage
    effect: Literal["block", "label"]
    basis: str
    evidence: str
    checks: tuple[Check, ...]
    waivable_by: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    when: str = ""
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Waiver:
    """A signed exception. `event` is the ledger leaf or case event that records it."""

    gate: str
    by: str
    role: str
    reason: str
    expires: date
    event: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A check with the number it was judged on; `value` is None where nobody measured."""

    measure: str
    op: Op
    threshold: float
    value: float | None
    passed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    gate: str
    status: Status
    effect: str
    stage: str
    outcomes: tuple[Outcome, ...]
    reason: str = ""  # name of the measure that is zero or missing; empty when the numbers say it all
    evidence: str = ""
    waiver: Waiver | None = None
    waivable_by: tuple[str, ...] = ()

    @property
    def stops(self) -> bool:
        """Does this verdict keep the release from going on?"""
        return self.status is Status.FAIL and self.effect == "block"

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        value["status"] = self.status.value
        if self.waiver:
            value["waiver"]["expires"] = self.waiver.expires.isoformat()
        return {key: list(item) if isinstance(item, tuple) else item for key, item in value.items()}


@dataclass(frozen=True, slots=True)
class Context:
    """All that judging depends on. `stated` are the recipe's own thresholds by measure id; `day` decides whether a waiver lives."""

    measures: Mapping[str, float]
    day: date
    stated: Mapping[str, float] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    stage: Stage = "propose"


@cache
def registry() -> Mapping[str, Gate]:
    """Every gate by id, in the order of the rulebook."""
    document = tomllib.loads(files("corpushub.rules").joinpath("gates.toml").read_text("utf-8"))
    return {name: parse_gate(name, row) for name, row in document.items()}


def parse_gate(name: str, row: Mapping[str, Any]) -> Gate:
    """A gate from its table in `rules/gates.toml`."""
    checks = tuple(Check(**check) for check in row["checks"])
    for check in checks:
        assert check.measure in MEASURES, check.measure
        assert check.op in OPS, check.op
    words: dict[str, Any] = {key: tuple(row.get(key, ())) for key in ("waivable_by", "also")}
    plain: dict[str, Any] = {
        key: row[key] for key in ("kind", "stage", "effect", "basis", "evidence", "when", "verified") if key in row
    }
    return Gate(id=name, checks=checks, **plain, **words)


def judge(gates: Iterable[Gate], context: Context) -> tuple[Verdict, ...]:
    """A verdict for every gate, in order; pure, so the same measures always give the same verdicts."""
    return tuple(judge_one(gate, context) for gate in gates)


def judge_one(gate: Gate, context: Context) -> Verdict:
    checks = tuple(stated_check(item, gate, context) for item in gate.checks if not item.when or context.measures.get(item.when))
    stated = gate.id in context.stated or any(check.measure in context.stated for check in gate.checks)
    effect = "block" if stated else gate.effect
    verdict = Verdict(
        gate.id, Status.PENDING, effect, gate.stage, (), evidence=gate.evidence, waivable_by=gate.waivable_by,
    )  # fmt: skip
    if gate.when and not context.measures.get(gate.when, 0):
        return replace(verdict, status=Status.NOT_APPLICABLE, reason=gate.when)
    if STAGES.index(stage_of(gate)) > STAGES.index(context.stage):
        return replace(verdict, outcomes=tuple(outcome(check, context.measures, known=False) for check in checks))
    outcomes = tuple(outcome(check, context.measures) for check in checks)
    missing = next((item.measure for item in outcomes if item.value is None), "")
    if all(item.passed for item in outcomes):
        return replace(verdict, status=Status.PASS, outcomes=outcomes)
    waiver = next((item for item in context.waivers if valid_waiver(item, gate, context.day)), None)
    status = Status.WAIVED if waiver else Status.FAIL
    return replace(verdict, status=status, outcomes=outcomes, reason=missing, waiver=waiver)


def stage_of(gate: Gate) -> Stage:
    """The first stage at which all of a gate's numbers can be known: what the build alone tells is judged with it."""
    if gate.stage == "propose" and all(MEASURES[check.measure].origin in KNOWN_AT_BUILD for check in gate.checks):
        return "build"
    return gate.stage


def stated_check(check: Check, gate: Gate, context: Context) -> Check:
    """The check with the recipe's threshold where it may state one, and with the number it is compared against filled in.

    A recipe states thresholds by measure, or by gate for all the gate's checks it may set.
    """
    if check.against:
        check = replace(check, threshold=min(check.threshold, context.measures.get(check.against, check.threshold)))
    stated = context.stated.get(check.measure, context.stated.get(gate.id, check.threshold))
    tighter = stated >= check.threshold if check.op == ">=" else stated <= check.threshold
    return replace(check, threshold=stated) if check.open or tighter else check


def outcome(check: Check, measures: Mapping[str, float], *, known: bool = True) -> Outcome:
    value = measures.get(check.measure) if known else None
    return Outcome(check.measure, check.op, check.threshold, value, value is not None and holds(value, check.op, check.threshold))


def holds(value: float, op: str, threshold: float) -> bool:
    """Compare with a tolerance far below any printed digit, so that 0.99 read back from a file is still 0.99."""
    return OPS[op](value, threshold) or abs(value - threshold) <= TOLERANCE


def valid_waiver(waiver: Waiver, gate: Gate, day: date) -> bool:
    """Is the waiver for this gate, by a role that may give it, and not past its last day?"""
    return waiver.gate == gate.id and waiver.role in gate.waivable_by and day <= waiver.expires


def stopping(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts that keep the release from going on."""
    return tuple(verdict for verdict in verdicts if verdict.stops)


def high_quality(verdicts: Iterable[Verdict]) -> bool:
    """May the release be called a high-quality dataset: no gate that applies is failed, waived labels included (QUA-07)?"""
    return all(verdict.status in {Status.PASS, Status.NOT_APPLICABLE, Status.PENDING} for verdict in verdicts)


def recompute(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Judge a `gates.json` again from its own numbers, as a third party would, and name every verdict that does not follow.

    Knows nothing but the document and the registry: an absent gate, a changed threshold of a gate that no recipe may soften, a
    verdict that its numbers do not support and a waiver that is expired or given by the wrong role are all problems.
    """
    day = date.fromisoformat(document["day"])
    stated: Mapping[str, float] = document.get("stated", {})
    found = {row["gate"]: row for row in document["gates"]}
    problems = [Problem("gate.absent", {"gate": name}, file="gates.json") for name in registry() if name not in found]
    measures: Mapping[str, float] = document["measures"]
    waivers = tuple(read_waiver(row["waiver"]) for row in document["gates"] if row.get("waiver"))
    context = Context(measures, day, stated, waivers, document["stage"])
    for gate in registry().values():
        if (row := found.get(gate.id)) is None:
            continue
        again = judge_one(gate, context).to_json()
        if again["status"] != row["status"]:
            facts = {"gate": gate.id, "stated": row["status"], "computed": again["status"]}
            problems.append(Problem("gate.verdict_differs", facts, file="gates.json"))
        elif again["outcomes"] != row["outcomes"]:
            problems.append(Problem("gate.numbers_differ", {"gate": gate.id}, file="gates.json"))
    return tuple(problems)


def read_waiver(row: Mapping[str, Any]) -> Waiver:
    return Waiver(**{**row, "expires": date.fromisoformat(row["expires"])})


def gates_document(verdicts: Iterable[Verdict], context: Context) -> dict[str, Any]:
    """The content of `gates.json`: verdicts, and the measures and thresholds they follow from."""
    used = {check.measure for gate in registry().values() for check in gate.checks} | {
        name for gate in registry().values() for name in (gate.when, *(check.against for check in gate.checks)) if name
    }
    rows = [verdict.to_json() for verdict in verdicts]
    return {
        "schema": "corpushub/gates/v1",
        "day": context.day.isoformat(),
        "stage": context.stage,
        "stated": dict(sorted(context.stated.items())),
        "measures": {name: context.measures[name] for name in sorted(context.measures) if name in used},
        "gates": rows,
        "summary": {status.value: sum(1 for row in rows if row["status"] == status.value) for status in Status},
    }
