"""Release gates: one registry, one id each, judged by one function that anybody can repeat from `gates.json`.

1. A gate is a list of checks `measure op threshold`; it passes when all hold.
2. A gate that applies but has no number fails; a gate is never silently absent.
3. It does not apply only when its `when` measure says so, and then the verdict says which.
4. A waiver names who, in which seat, why, until when and the portal event. A gate is waived when every seat it lists has signed, each
   by another person; an expired signature, or one from a seat the gate does not list, changes nothing. What a check marked `firm`
   fails nobody can waive.
5. `effect = block` stops a release; `effect = label` costs the name "high-quality dataset" and is printed in the card.
   A recipe that states a threshold for a labelling gate makes it blocking.
6. Gates of a later stage (approval, publication) are `pending` until that stage; a release is public only when none is.
"""

from __future__ import annotations

import operator
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    `open` leaves the threshold to the recipe, any other it may only tighten. `firm`: a failure of this check is never waived.
    """

    measure: str
    op: Op
    threshold: float = 0.0
    against: str = ""
    open: bool = False
    firm: bool = False
    when: str = ""  # a measure without which this comparison has nothing to look at


@dataclass(frozen=True, slots=True)
class Gate:
    """A row of the gate table. `also` lists the ids it was merged from; `when` is the measure that makes it apply; `waivable_by` are the
    seats that all have to sign a waiver.
    """

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
    """One person's signature under an exception. `event` is the ledger leaf or case event that records it."""

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
    waivers: tuple[Waiver, ...] = ()
    waivable_by: tuple[str, ...] = ()  # empty also where a firm check failed

    @property
    def stops(self) -> bool:
        """Does this verdict keep the release from going on?"""
        return self.status is Status.FAIL and self.effect == "block"

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        value["status"] = self.status.value
        value["waivers"] = [{**asdict(item), "expires": item.expires.isoformat()} for item in self.waivers]
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
    if unknown_yet(gate, context):
        return verdict
    if not applies(gate, context.measures):
        return replace(verdict, status=Status.NOT_APPLICABLE, reason=gate.when)
    if STAGES.index(stage_of(gate)) > STAGES.index(context.stage):
        return replace(verdict, outcomes=tuple(outcome(check, context.measures, known=False) for check in checks))
    outcomes = tuple(outcome(check, context.measures) for check in checks)
    missing = next((item.measure for item in outcomes if item.value is None), "")
    if all(item.passed for item in outcomes):
        return replace(verdict, status=Status.PASS, outcomes=outcomes)
    firm = any(check.firm and not item.passed for check, item in zip(checks, outcomes, strict=True))
    seats = () if firm else gate.waivable_by
    signed = signatures(gate, seats, context)
    status = Status.WAIVED if signed else Status.FAIL
    return replace(verdict, status=status, outcomes=outcomes, reason=missing, waivers=signed, waivable_by=seats)


def applies(gate: Gate, measures: Mapping[str, float]) -> bool:
    """A gate whose `when` is one of its own numbers applies wherever that number exists, be it zero."""
    own = any(check.measure == gate.when for check in gate.checks)
    return not gate.when or (gate.when in measures if own else bool(measures.get(gate.when)))


def unknown_yet(gate: Gate, context: Context) -> bool:
    """While only the build is known: may the catalogue still say that the gate applies?"""
    known = gate.when in context.measures or not gate.when or MEASURES[gate.when].origin in KNOWN_AT_BUILD
    return context.stage == "build" and not known


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


def signatures(gate: Gate, seats: Sequence[str], context: Context) -> tuple[Waiver, ...]:
    """One living waiver of this gate for each of `seats`, by as many people; empty where a seat has not signed."""
    alive = [item for item in context.waivers if item.gate == gate.id and context.day <= item.expires]
    found = [next((item for item in alive if item.role == seat), None) for seat in seats]
    signed = tuple(item for item in found if item is not None)
    return signed if seats and len({item.by for item in signed}) == len(seats) else ()


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
    waivers = tuple(read_waiver(item) for row in document["gates"] for item in row.get("waivers", ()))
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
        name
        for gate in registry().values()
        for name in (gate.when, *(name for check in gate.checks for name in (check.against, check.when)))
        if name
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
