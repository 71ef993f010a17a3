from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.errors import Forbidden, Invalid, NotFound
from corpushub.base.settings import load_settings
from corpushub.domain.parties import ANONYMOUS, SYSTEM, Actor, Org, OrgKind, Role
from corpushub.domain.tree import entry_for
from corpushub.domain.workflow import Case
from corpushub.engine.matching.rules import matching_rules
from corpushub.services.cases import Cases
from corpushub.services.catalog import Catalog
from corpushub.services.matching import Matching
from corpushub.services.shelf import Shelf
from corpushub.store.db import Database

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
DESK = Actor("desk", "org-op", frozenset({Role.OPERATOR}))
AUTHORITY = Actor("chief", "org-city", frozenset({Role.AUTHORITY}))


def asker(org: str) -> Actor:
    return Actor(f"asker-{org}", org, frozenset({Role.DEVELOPER}))


class Desk:
    """Services over one fresh database, with a small catalog."""

    def __init__(self, home: Path) -> None:
        self.database = Database(str(home / "hub.db"), lambda: NOW)
        self.cases = Cases(database=self.database, clock=lambda: NOW)
        self.catalog = Catalog(database=self.database, cases=self.cases, clock=lambda: NOW)
        self.matching = Matching(database=self.database, cases=self.cases, clock=lambda: NOW)
        with self.database.begin() as unit:
            for number, name in enumerate(("org-city", "org-op", "a", "b", "c")):
                unit.parties.save_org(
                    Org(name, f"9111010{number}MA0000000{number}"[:18], OrgKind.AGENCY, "110000", {"zh": name, "en": name})
                )
        self.add("parking", "停车设施空余泊位实时数据", "总泊位", "空余泊位")
        self.add("sickness", "法定传染病发病情况", "病种", "发病数")

    def add(self, name: str, title: str, *items: str, **changes: Any) -> str:
        value: Mapping[str, Any] = {
            "id": f"110000/x/{name}",
            "title": {"zh": title},
            "owner": "org-city",
            "state": "published",
            "region": "110000",
            "domain": name,
            "items": [{"name": f"f{number}", "meaning": {"zh": item}} for number, item in enumerate(items)],
            **changes,
        }
        return self.catalog.add(AUTHORITY, value).id

    def demand(self, title: str, org: str = "a", **data: Any) -> Case:
        case = self.cases.open(asker(org), "demand", {"title": title, "text": f"{title}，用于研究", **data})
        return self.cases.execute(asker(org), case.id, "submit")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def found(desk: Desk, text: str, actor: Actor = DESK) -> list[str]:
    return [match.id for match in desk.matching.search(actor, text).matches]


def test_everyday_words_find_published_entries(desk: Desk):
    assert found(desk, "车位") == ["110000/x/parking"]
    assert found(desk, "疫情")[:1] == ["110000/x/sickness"]


def test_the_setting_decides_who_picks(desk: Desk, tmp_path: Path):
    picked = {}
    for engine in ("numpy", "tantivy"):
        settings = load_settings({}, home=str(tmp_path), search_engine=engine)
        matching = Matching(database=desk.database, cases=desk.cases, settings=settings, clock=lambda: NOW)
        picked[engine] = matching.search(DESK, "车位")
    assert [result.engine for result in picked.values()] == ["numpy", "tantivy"]
    assert picked["numpy"].matches == picked["tantivy"].matches
    with pytest.raises(Invalid, match=r"form\.not_choice"):
        Shelf(engine="oracle")


def test_a_new_entry_is_found_at_once_and_a_draft_or_secret_one_never(desk: Desk):
    assert found(desk, "古树名木") == []
    desk.add("trees", "古树名木资源", "树龄")
    desk.add("draft", "古树名木草稿", state="draft")
    desk.add("secret", "古树名木涉密", secrecy=True)
    assert found(desk, "古树名木") == ["110000/x/trees"]
    desk.catalog.revise(AUTHORITY, "110000/x/trees", {"title": {"zh": "公交专用道"}})
    assert found(desk, "名木") == []


def test_a_released_dataset_is_found_by_what_it_was_made_from(desk: Desk):
    with desk.database.begin() as unit:
        unit.repos.ensure("city/spaces", org="org-op", by="desk")
        commit = unit.repos.commit("city/spaces", [entry_for("data/a.txt", b"rows")], "first", "desk", NOW)
        unit.repos.set_tag("city/spaces", "v1.0.0", commit)
        unit.repos.set_branch("city/spaces", "main", commit)
        data = {"dataset": "city/spaces", "title": {"zh": "城市车位", "en": "spaces"}, "resources": ["110000/x/parking"]}
        unit.cases.save(Case("rel-1", "release", "released", 1, data, "desk", "org-op", NOW, NOW, NOW))
    assert "dataset:city/spaces" in found(desk, "空余泊位")
    assert found(desk, "城市车位")[0] == "dataset:city/spaces"


def test_the_same_words_rank_the_same_for_everybody(desk: Desk):
    desk.add("parking2", "停车场备案", "泊位数")
    rankings = [found(desk, "停车", actor) for actor in (DESK, asker("a"), asker("b"), ANONYMOUS)]
    assert all(ranking == rankings[0] for ranking in rankings)


def test_a_match_is_kept_with_its_reasons(desk: Desk):
    case = desk.demand("停车位空余数据")
    with pytest.raises(NotFound, match=r"none_kept"):
        desk.matching.kept(asker("a"), case.id)
    result = desk.matching.match(asker("a"), case.id)
    kept = desk.matching.kept(asker("a"), case.id)
    assert [match["id"] for match in kept["matches"]] == [match.id for match in result.matches]
    assert kept["matches"][0]["reasons"]
    assert kept["matches"][0]["grams"]


def test_corrected_chips_win_over_the_words(desk: Desk):
    case = desk.demand("海淀停车位", parsed={"chips": [{"kind": "region", "value": ["310000"]}]})
    assert desk.matching.match(asker("a"), case.id).matches == ()


def test_a_chip_that_was_taken_away_stays_away(desk: Desk):
    words = "上海停车位"
    assert desk.matching.match(asker("a"), desk.demand(words).id).matches == ()
    case = desk.demand(words, parsed={"without": ["region"]})
    assert [match.id for match in desk.matching.match(asker("a"), case.id).matches] == ["110000/x/parking"]


def test_several_places_in_the_chips_all_count(desk: Desk):
    chips = [{"kind": "region", "value": ["310000"]}, {"kind": "region", "value": ["110108"]}]
    case = desk.demand("停车位", parsed={"chips": chips})
    assert [match.id for match in desk.matching.match(asker("a"), case.id).matches] == ["110000/x/parking"]


def test_a_new_resource_is_told_to_open_demands_once(desk: Desk):
    case = desk.demand("网络零售企业名单")
    desk.demand("水质监测断面", org="b")
    name = desk.add("shops", "网络零售企业名单", "企业名称")
    assert [demand for demand, _ in desk.matching.announce(name)] == [case.id]
    desk.matching.announce(name)
    with desk.database.read() as unit:
        told = [notice for notice in unit.outbox.for_recipients(("a",)) if notice.topic == "notice.match_found"]
    assert len(told) == 1
    with pytest.raises(NotFound, match=r"resource\.unknown"):
        desk.matching.announce("110000/x/none")


def test_nobody_is_told_of_an_entry_for_its_freshness_and_price_alone(desk: Desk):
    """What counts is how far the words agree, as for a demand that is met."""
    words = "社区养老服务驿站床位与护理员分布"
    desk.demand(words)
    name = desk.add("bus", "养老院线路公交车辆", "线路", frequency="realtime", quality=100.0)
    shown = {match.id: match for match in desk.matching.search(DESK, words).matches}[name]
    assert shown.reason("text") < matching_rules()["thresholds"]["good"] <= shown.score
    assert desk.matching.announce(name) == ()


def test_many_new_resources_are_told_as_each_alone_would_be(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    cases = [desk.demand(words, org=org) for words, org in (("网络零售企业名单", "a"), ("水质监测断面", "b"), ("停车位", "a"))]
    names = [
        desk.add("shops", "网络零售企业名单", "企业名称"),
        desk.add("water", "地表水水质监测断面", "断面名称"),
        desk.add("more", "网络零售企业名录", "企业名称"),
    ]
    alone = {pair for name in names for pair in told(desk, name)}
    assert {case.id for case in cases[:2]} <= {case for case, _ in alone}
    read = []
    monkeypatch.setattr(Matching, "_demand", lambda self, case, _read=Matching._demand: read.append(case.id) or _read(self, case))
    assert told(desk, *names) == alone
    assert len(read) == len(set(read)), "a demand is read once, however many entries came"


def told(desk: Desk, *names: str) -> set[tuple[str, str]]:
    return {(case, match.id) for case, match in desk.matching.announce(*names)}


def test_the_worker_announces_what_came_since_its_last_round(desk: Desk):
    assert desk.matching.keep_up() == 0
    desk.demand("网络零售企业名单")
    assert desk.matching.keep_up() == 0
    desk.add("shops", "网络零售企业名单", "企业名称")
    assert desk.matching.keep_up() == 1
    assert desk.matching.keep_up() == 0


def test_like_demands_are_pooled_without_names(desk: Desk):
    cases = [
        desk.demand(title, org, budget=10)
        for title, org in (("噪声监测点位", "a"), ("噪音监测点位", "b"), ("噪声监测点位数据", "c"))
    ]
    desk.demand("预算决算公开", "a")
    assert desk.matching.rebuild_pools() == 1
    with pytest.raises(Forbidden, match=r"matching\.desk_only"):
        desk.matching.rebuild_pools(asker("a"))
    (seen,) = desk.matching.pools(asker("a"))
    assert (seen.demands, seen.orgs, seen.budget, seen.members) == (3, 3, 30, ())
    (full,) = desk.matching.pools(DESK)
    assert full.members == tuple(sorted(case.id for case in cases))
    assert desk.matching.rebuild_pools() == 1


def test_an_unmet_demand_names_reasons_and_likely_holders(desk: Desk):
    case = desk.demand("卫星遥感影像", public=True)
    unmet = desk.matching.unmet(DESK, case.id)
    assert unmet is not None
    assert set(unmet.reasons) == {"score", "public"}
    met = desk.demand("停车设施空余泊位实时数据")
    assert desk.matching.unmet(DESK, met.id) is None
    with pytest.raises(Forbidden, match=r"desk_only"):
        desk.matching.unmet(asker("a"), case.id)


def test_an_approved_synonym_takes_effect(desk: Desk):
    assert found(desk, "泊车") == []
    desk.matching.approve_synonym(DESK, "泊车", "停车")
    assert found(desk, "泊车") == ["110000/x/parking"]
    with pytest.raises(Invalid, match=r"matching\.synonym"):
        desk.matching.approve_synonym(DESK, "停车", "停车")
    with pytest.raises(Forbidden, match=r"desk_only"):
        desk.matching.approve_synonym(asker("a"), "泊车", "停车")


def test_no_words_and_no_demand_are_told(desk: Desk):
    with pytest.raises(Invalid, match=r"matching\.empty"):
        desk.matching.search(DESK, "  ")
    with pytest.raises(NotFound):
        desk.matching.match(SYSTEM, "dem-none")
    assert desk.matching.suggestions(DESK) == ()
