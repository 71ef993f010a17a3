"""A demo city in the middle of a working day: something waits on every screen. Acted out through the services, as people would."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from corpushub.base.identity import business_day
from corpushub.domain.parties import SYSTEM, Actor
from corpushub.services.hub import Hub

SECOND = "yunzhou/epidemic-notices"


def working_day(hub: Hub) -> dict[str, str]:
    """Cases in progress, by a short name. Needs a prepared demo home."""

    def who(person: str) -> Actor:
        return hub.parties.actor_of(person)

    run, day = hub.cases.execute, business_day(hub.clock())
    entry = hub.catalog.search(SYSTEM, limit=1).items[0]
    found: dict[str, str] = {"release": release_in_review(hub)}
    ask: dict[str, Any] = {
        "dataset": SECOND,
        "purpose": "research",
        "channels": ["file"],
        "plan": "比较各城市通报的时间分布，评估时序模型。",
        "terms_accepted": True,
    }
    case = hub.cases.open(who("sun.yue"), "access", ask)
    found["access"] = run(who("sun.yue"), case.id, "submit").id
    objection = {"about": SECOND, "kind": "wrong_value", "severity": "normal", "text": "2020 年 2 月 3 日武汉市新增数与原通报不一致，请核对。"}
    found["objection"] = hub.cases.open(who("sun.yue"), "objection", objection).id
    demand = {"title": "公共厕所位置与开放时间", "text": "需要全市公共厕所的坐标、开放时间和无障碍设施，按月更新，用于便民问答模型微调。", "purpose": "model-training"}
    case = hub.cases.open(who("sun.yue"), "demand", demand)
    found["demand"] = run(who("sun.yue"), case.id, "submit").id
    statement = {"costs": {"platform_operation": 4_800_000, "processing": 7_200_000, "labour": 9_600_000, "security": 1_500_000}, "subsidy": 3_000_000, "profit": 1_200_000, "tax": 700_000}
    price = {"product": "法规条文检索接口", "operator": "yz-operate", "implementer": "yz-service", "unit": "call", "statement": statement, "expected_units": 2_000_000}
    found["price"] = hub.cases.open(who("chen.yu"), "price", price).id
    plan = {"year": day.year, "quarter": "4", "resource": entry.id, "owner": entry.owner, "action": "dataset", "due": (day + timedelta(days=30)).isoformat()}
    found["plan_item"] = hub.cases.open(who("zhang.hua"), "plan_item", plan).id
    incident = {"title": "夜间批量下载告警", "kind": "bulk_download", "text": "同一单位一小时内下载量为日均的 40 倍。", "datasets": [SECOND]}
    found["incident"] = hub.cases.open(who("chen.yu"), "incident", incident).id
    return found


def release_in_review(hub: Hub) -> str:
    """The newest build proposed again and submitted: it waits for two people of two organisations."""
    curator = hub.parties.actor_of("chen.yu")
    build = next(item for item in hub.builds.list(curator) if item.recipe.dataset == SECOND)
    case = hub.releases.propose(curator, build.id, notes={"zh": "更新说明：补充地名对照。"})
    return hub.cases.execute(curator, case.id, "submit").id
