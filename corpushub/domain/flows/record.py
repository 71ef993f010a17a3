"""Records of work the policy asks to be kept (articles 4, 5, 8, 10 to 13, 16 to 20): each kind is a line of required facts and confirmed by a
second person. Public kinds are shown to everybody once confirmed.
"""

from __future__ import annotations

from corpushub.base.errors import HubError, Invalid
from corpushub.domain.flows.shared import NOTE, REASON, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.pricing import shares_problem
from corpushub.domain.workflow import OPENER, Case, Context, Data, Flow, step

KINDS: dict[str, tuple[str, ...]] = {
    "scenario": ("goal", "data", "products", "metrics"),  # 第十条 示范场景
    "survey": ("questionnaire", "answered", "variance"),  # 第十九条 资源调查
    "standard": ("number", "name", "scope"),  # 第十九条 标准规范
    "decision": ("options", "reasons", "experiment", "review_on"),  # 第十六条 先行先试
    "settlement": ("parties", "basis", "shares"),  # 第十一条 利益调节
    "revenue_share": ("product", "basis", "shares"),  # 第七条 收益分享
    "listing": ("product", "exchange", "listing_number", "registration_code", "version"),  # 第十二条 交易所入场
    "external_channel": ("system", "reason", "sunset"),  # 第四条 不得单独建设共享通道
    "annotation": ("guideline", "annotators", "agreement", "adjudication"),  # 第十三条 数据标注
    "contest": ("name", "datasets", "ends", "scoring"),  # 第九条 大赛
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
WITH_SHARES = frozenset({"settlement", "revenue_share"})


def complete(_: Case, __: Actor, data: Data, ___: Context) -> HubError | None:
    if not data:
        return None
    missing = [name for name in KINDS[data["kind"]] if data["facts"].get(name) in (None, "", [], {})]
    if missing:
        return Invalid("record.missing", kind=data["kind"], missing=", ".join(missing))
    why = shares_problem(data["facts"]["shares"]) if data["kind"] in WITH_SHARES else ""
    return Invalid("price.shares", why=why) if why else None


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
        guards=(complete,),
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
        step("correct", "returned, confirmed -> filed", "corrected", OPENER, fields=(Field("facts", "record"), REASON)),
        step("retire", "confirmed -> retired", "retired", OPENER, Role.AUTHORITY, fields=(REASON,)),
    ),
)
