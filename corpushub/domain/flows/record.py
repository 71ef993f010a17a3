"""Records of work the policy asks to be kept (articles 4, 5, 8, 10 to 13, 16 to 20): each kind is a line of required facts and confirmed by a
second person. Public kinds are shown to everybody once confirmed. What they amount to is in `domain/registers.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from math import isfinite
from typing import Any

from corpushub.base.errors import Conflict, HubError, Invalid
from corpushub.domain.duties import QUARTER
from corpushub.domain.flows.shared import NOTE, REASON, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.pricing import shares_problem
from corpushub.domain.workflow import OPENER, Amend, Case, Context, Data, Event, Flow, Reaction, step

KINDS: dict[str, tuple[str, ...]] = {
    "scenario": ("goal", "data", "products", "metrics"),  # 第十条 示范场景
    "survey": ("questionnaire", "answered"),  # 第十九条 资源调查：问过哪些单位、各单位自报多少；差异由系统算出
    "standard": ("number", "name", "scope"),  # 第十九条 标准规范
    "decision": ("options", "reasons", "experiment", "review_on"),  # 第十六条 先行先试
    "settlement": ("parties", "basis", "shares"),  # 第十一条 利益调节
    "revenue_share": ("product", "basis", "shares"),  # 第七条 收益分享
    "listing": ("product", "exchange", "listing_number", "registration_code", "version"),  # 第十二条 交易所入场
    "deal": ("listing", "version", "buyer", "amount_fen", "day"),  # 第十二条 交易所成交
    "external_channel": ("system", "reason", "sunset"),  # 第四条 不得单独建设共享通道
    "annotation": ("guideline", "annotators", "agreement", "adjudication"),  # 第十三条 数据标注
    "contest": ("name", "datasets", "ends", "scoring"),  # 第九条 大赛
    "contest_result": ("contest", "team", "digest", "score"),  # 第九条 大赛：一次提交的摘要与得分
    "compute_booking": ("dataset", "image", "quota", "ends"),  # 第九条 训练基地
    "high_value": ("resource", "criterion"),  # 第五条 高价值数据
    "project_review": ("number", "project", "result"),  # 第八条 政企合作项目评审
    "budget": ("line", "amount", "procurement"),  # 第十八条 采购经费
    "research_cost": ("product", "year", "amount"),  # 第十三条 研发加计
    "training": ("person", "course", "day"),  # 第十九条 人才
    "cdo_statement": ("quarter", "statement"),  # 第十九条 首席数据官
    "good_case": ("title", "scenario", "result"),  # 第二十条 优秀案例
    "report": ("period", "digest", "upto"),  # 第十七条 请示报告
    "foreign_basis": ("authorizer", "document_digest", "scope"),  # 第十一条 部委授权地方
    "pledge": ("association", "text"),  # 第十三条 协会自律
}
_DIGEST = re.compile(r"[0-9a-f]{64}")
WITH_SHARES = frozenset({"settlement", "revenue_share"})
DAYS = frozenset({"sunset", "ends", "review_on", "day"})
FEN = frozenset({"amount_fen"})
COUNTS = frozenset({"amount", "year"}) | FEN  # whole numbers, for they are summed
DIGESTS = frozenset({"digest", "document_digest"})
QUOTA = ("seconds", "rows", "bytes")  # of a compute booking: running time in all, size of one output
LISTS = {
    "contest": ("datasets",),
    "compute_booking": ("dataset",),
    "survey": ("questionnaire",),
    "settlement": ("parties",),
    "listing": ("exchange",),
    "annotation": ("annotators",),
}
FEWEST_ANNOTATORS = 2  # one alone agrees with nobody


def complete(case: Case, _: Actor, data: Data, __: Context) -> HubError | None:
    if not data:
        return None
    data = {**case.data, **data}
    missing = [name for name in KINDS[data["kind"]] if data["facts"].get(name) in (None, "", [], {})]
    if missing:
        return Invalid("record.missing", kind=data["kind"], missing=", ".join(missing))
    facts = data["facts"]
    if wrong := next((name for name, value in facts.items() if _is_wrong(data["kind"], name, value)), ""):
        return Invalid("record.odd_fact", kind=data["kind"], fact=wrong)
    why = shares_problem(facts["shares"]) if data["kind"] in WITH_SHARES else ""
    if why:
        return Invalid("price.shares", why=why)
    if data["kind"] == "settlement" and set(facts["parties"]) != set(facts["shares"]):
        return Invalid("record.parties_differ", parties=", ".join(facts["parties"]), shares=", ".join(facts["shares"]))
    if data["kind"] == "annotation" and len(set(facts["annotators"])) < FEWEST_ANNOTATORS:
        return Invalid("record.lone_annotator", least=FEWEST_ANNOTATORS)
    return None


def is_readable(case: Case) -> bool:
    """Can registers count with a record? One confirmed before these rules may hold anything; it stays on record and out of the tables."""
    kind, facts = case.data["kind"], case.data["facts"]
    odd = any(_is_wrong(kind, name, value) for name, value in facts.items())
    return not odd and (kind not in WITH_SHARES or not shares_problem(facts.get("shares")))


def _is_wrong(kind: str, name: str, value: Any) -> bool:
    """Days are days, amounts whole fen, lists lists: registers and clocks have to be able to count with them."""
    if name in DAYS:
        return not _is_day(value)
    if name == "quota":
        return not isinstance(value, Mapping) or any(not _is_count(value.get(part)) for part in QUOTA)
    if name in COUNTS:
        return not _is_count(value)
    if name in DIGESTS:
        return not isinstance(value, str) or not _DIGEST.fullmatch(value)
    if name == "quarter":
        return not isinstance(value, str) or not QUARTER.fullmatch(value.strip().upper())
    if name in {"agreement", "score"}:
        return (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not (isfinite(value) if name == "score" else -1 <= value <= 1)
        )
    if name == "exchange" and isinstance(value, str):
        return False
    if name == "answered":
        return not isinstance(value, Mapping) or not all(_is_count(told) for told in value.values())
    return name in LISTS.get(kind, ()) and not _is_words(value)


def _is_words(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(part, str) and part.strip() for part in value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_day(value: Any) -> bool:
    try:
        return date.fromisoformat(str(value)).isoformat() == str(value)  # days are compared as they are written
    except ValueError:
        return False


def refers_to_what_is(case: Case, _: Actor, data: Data, context: Context) -> HubError | None:
    """A listing names a released version, a deal a confirmed listing of the same version, a result a confirmed contest, a high value an entry
    (articles 5, 9 and 12); shared revenue and contests are of what is proposed or out (a booking's datasets are asked for when it runs).
    """
    if not data:
        return None
    facts, kind = data["facts"], data.get("kind", case.data.get("kind"))
    for name in _named(kind, facts):
        dataset = name.partition("@")[0]
        if not context.facts.cases("release", subject=dataset) and context.facts.resource(dataset) is None:
            return Invalid("price.unknown_product", product=name)
    if kind == "listing":
        out = context.facts.cases("release", subject=str(facts["product"]), states=("released", "superseded"))
        if not any(item.data["version"] == facts["version"] for item in out):
            return Conflict("record.not_released", product=str(facts["product"]), version=str(facts["version"]))
    if kind == "deal":
        listing = context.facts.case(str(facts["listing"]))
        held = listing.data if listing is not None and listing.flow == "record" and listing.state == "confirmed" else {}
        if held.get("kind") != "listing" or held["facts"]["version"] != facts["version"]:
            return Conflict("record.no_listing", listing=str(facts["listing"]), version=str(facts["version"]))
    if kind == "contest_result":
        contest = context.facts.case(str(facts["contest"]))
        held = contest.data if contest is not None and contest.flow == "record" and contest.state == "confirmed" else {}
        if held.get("kind") != "contest":
            return Conflict("record.no_contest", contest=str(facts["contest"]))
    if kind == "high_value" and context.facts.resource(str(facts["resource"])) is None:
        return Invalid("resource.unknown", resource=str(facts["resource"]))
    return None


def _named(kind: str, facts: Mapping[str, Any]) -> Iterable[str]:
    """Datasets and products a record rests on."""
    if kind == "revenue_share":
        return (str(facts["product"]),)
    return facts["datasets"] if kind == "contest" else ()


def mark_high_value(case: Case, _: Event, __: Context) -> Iterable[Reaction]:
    """A confirmed criterion stands in the entry, where the plan and matching look for it (article 5)."""
    if case.data["kind"] == "high_value":
        facts = case.data["facts"]
        yield Amend(str(facts["resource"]), "revised", {"high_value": str(facts["criterion"])})


WRITERS = (Role.AUTHORITY, Role.SECTOR, Role.IMPLEMENTER, Role.OPERATOR, Role.PROVIDER, Role.DISTRICT, Role.CDO, Role.DEVELOPER)

FLOW = Flow(
    name="record",
    prefix="rec",
    subject="kind",
    public_states=("confirmed",),
    opening=step(
        "open",
        "-> filed",
        "filed",
        *WRITERS,
        guards=(complete, refers_to_what_is),
        fields=(
            Field("kind", "choice", choices=tuple(KINDS)),
            Field("title"),
            Field("facts", "record"),
            Field("about", required=False),
        ),
    ),
    transitions=(
        step(
            "confirm",
            "filed -> confirmed",
            "confirmed",
            Role.AUTHORITY,
            Role.IMPLEMENTER,
            Role.CDO,
            Role.SECTOR,
            fields=(NOTE,),
            decides="person",
            effects=(mark_high_value,),
        ),
        step(
            "return",
            "filed -> returned",
            "returned",
            Role.AUTHORITY,
            Role.IMPLEMENTER,
            Role.CDO,
            Role.SECTOR,
            fields=(REASON,),
            decides="person",
            effects=(tell("notice.refused", "opener"),),
        ),
        step(
            "correct",
            "returned, confirmed -> filed",
            "corrected",
            OPENER,
            fields=(Field("facts", "record"), REASON),
            guards=(complete, refers_to_what_is),
        ),
        step("retire", "confirmed -> retired", "retired", OPENER, Role.AUTHORITY, fields=(REASON,)),
    ),
)
