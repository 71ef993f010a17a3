"""What people read: codes in words, numbers as they are written, names that controls are called by, and clocks that say which they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid, Problem
from corpushub.base.messages import Lang
from corpushub.domain.clocks import Reading
from corpushub.domain.flows import flow_named
from corpushub.domain.form import Field
from corpushub.domain.indicators import Indicator
from corpushub.domain.parties import ANONYMOUS
from corpushub.domain.registers import NO_STANDARD, UNREGISTERED
from corpushub.domain.workflow import Case
from corpushub.portal import (
    board,
    casework,
    choices,
    diagrams,
    entry_form,
    forms,
    frame,
    parts,
    register_view,
    values,
    version_view,
)
from corpushub.portal.dataset_page import Version
from corpushub.portal.html import Safe
from corpushub.portal.pages import Ask, Page, Words
from corpushub.portal.screens import account, catalog, dashboard, mine, resources, reviews, studio
from corpushub.services.access import Gated
from corpushub.store.jobs import Job
from tests.kit.gov import RESOURCE, registered, released
from tests.kit.hub import CARD, REPO, SomeHub, some_hub

ZH, EN = Words("zh"), Words("en")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    found = some_hub(tmp_path_factory.mktemp("spoken"))
    registered(found.city)
    found.publish(REPO, {"README.md": CARD.encode()})
    return found


def asking(hub: SomeHub, person: str = "authority", path: str = "/home/tasks", lang: Lang = "zh", **query: str) -> Ask:
    known = {"org:stats-bureau": "统计局", "person:provider": "吴帆", "person:reviewer": "王敏"}
    return Ask(hub.hub, hub.parties.actor_of(person), Words(lang), path, {}, query, known)


def a_case(flow: str, **data: Any) -> Case:
    return Case(
        f"{flow_named(flow).prefix}-01M84ARRAE8XPS1S05D1F9MPAB",
        flow,
        "active",
        1,
        data,
        "provider",
        "stats-bureau",
        NOW,
        NOW,
        NOW,
    )


def facts(hub: SomeHub, flow: str, **data: Any) -> str:
    return str(values.facts_of(asking(hub), a_case(flow, **data)))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (10_000, "10,000"),
        (1_234_567.0, "1,234,567"),
        (0.99, "0.99"),
        (1 / 3, "0.333333"),
        (2e7, "20,000,000"),
    ],
)
def test_a_measured_number_has_no_exponent(value: float | None, shown: str) -> None:
    assert parts.figure(value) == shown


def test_a_gate_says_what_it_asks_for_with_signs_people_write(here: SomeHub) -> None:
    outcome = {"measure": "rows", "value": 81, "op": ">=", "threshold": 10_000}
    waiver = {"by": "reviewer", "expires": "2026-05-01", "reason": "词库待接入。"}
    told = reviews.gate_numbers(asking(here), {"outcomes": [outcome, outcome], "waivers": [waiver]})
    assert told.count("81（应 ≥ 10,000）；") == 2
    assert "由 王敏 豁免" in told
    assert not told.endswith("。")


def test_a_refusal_names_states_commands_and_seats_in_words() -> None:
    wrong = Conflict("case.wrong_state", case="acc-1", state="in_review", command="approve")
    assert ZH.explain(wrong) == wrong.sentence("zh", {"case": "acc-1", "state": ZH.name("state", "in_review"), "command": "通过"})
    seat = Forbidden("case.wrong_seat", command="return", flow="access", seats="operator, provider@owner, @opener, signed_in")
    told = ZH.explain(seat)
    assert "运营机构、数据提供单位（所属单位）、发起方、已登录人员" in told
    assert not re.search(r"return|access|operator|owner|signed", told)
    assert "provider" not in str(parts.refusal(ZH, seat)).split("<code>")[0]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (Invalid("registration.materials", missing="situation, risk_assessment"), "资源情况说明、安全风险评估"),
        (
            Conflict("registration.entry_incomplete", resource="r", missing="items, items.user_id.meaning, secrecy_checked_by"),
            "字段、字段 user_id 的含义、保密审查",
        ),
        (Conflict("authorization.exit_open", missing="holders_notified, keys_revoked"), "已通知使用权人、"),
        (Conflict("release.blocked", gates="AUT-01"), "来源授权有效"),
        (Invalid("resources.item_line", line="x", kinds="public, trade_secret"), "公开、商业秘密"),
        (
            Forbidden("access.channel", asked="download, user_id", allowed="no_such", authorization="a"),
            "、user_id，仅涵盖：no_such",
        ),
    ],
)
def test_a_refusal_names_what_is_missing_in_words(wrong: HubError, told: str) -> None:
    """Names that are no codes of ours (columns, places) stay as they are."""
    assert told in ZH.explain(wrong)


def test_a_refusal_that_carries_another_is_told_whole() -> None:
    refused = Gated(REPO, "http://hub/request", Conflict("case.wrong_state", case="a", state="b", command="c"))
    assert ZH.explain(refused) == refused.explain("zh")


@pytest.mark.parametrize(
    ("flow", "data", "never"),
    [
        ("question", {"about": RESOURCE, "provider": ["stats-bureau"], "interpreter": "provider"}, "stats-bureau<"),
        ("delegation", {"grantor": ["stats-bureau"], "depth": 1}, "stats-bureau<"),
        ("inspection", {"population": [REPO], "sample": [REPO], "inspected": "stats-bureau"}, "Sample"),
        ("derived", {"parents": [f"{REPO}@1.0.0"]}, "parents"),
        ("registration", {"coded_on": "2026-03-01", "notice_days": 5, "objected": True}, "oded"),
        ("objection", {"outcome": "unfounded"}, "unfounded"),
        ("share_item", {"demand_confirmed": True, "supply_confirmed": False}, "onfirmed"),
        ("attribute", {"checks": {"secrecy": "provider"}}, ">provider<"),
    ],
)
def test_what_a_flow_adds_to_a_case_is_told_in_words(here: SomeHub, flow: str, data: Mapping[str, Any], never: str) -> None:
    told = facts(here, flow, **data)
    assert never not in told
    assert not re.search(r"<dt>[A-Za-z ]+</dt>", told)


def test_what_a_case_is_about_leads_there_by_title(here: SomeHub) -> None:
    told = facts(here, "question", about=RESOURCE)
    assert f'href="/zh/data/catalog/{RESOURCE}"' in told
    assert ">通知公告</a>" in told
    assert f'href="/zh/data/datasets/{REPO}?revision=v1.0.0"' in facts(here, "derived", parents=[f"{REPO}@1.0.0"])
    assert "<a" not in facts(here, "inspection", about="授权范围与用途")


def test_an_agreement_over_several_entries_is_not_called_by_the_first_alone(here: SomeHub) -> None:
    ask = asking(here)
    assert casework.title_of(ask, a_case("authorization", resources=[RESOURCE, "990100/x/y"])) == "通知公告等 2 项资源"
    assert casework.title_of(ask, a_case("authorization", resources=[RESOURCE])) == "通知公告"


def reading(clock: str, left: int) -> Reading:
    return Reading(clock, f"demand.{clock}", True, NOW.date(), date(2026, 3, 9), False, "running", "green", left)


def test_the_head_of_a_case_names_the_clock_it_shows(here: SomeHub) -> None:
    assert "确认收到：剩 2 个工作日" in str(parts.reading(ZH, reading("acknowledge", 2), named=True))
    city = here.city
    case = city.cases.open(city["developer"], "question", {"about": RESOURCE, "text": "口径是什么？"})
    head = str(board.case_view(asking(here), case, board.Board("cases", "/home/cases", ("question",)))).split('class="two"')[0]
    assert head.count("工作日") == 1
    assert "答复：" in head


def test_places_are_told_by_name_where_the_language_has_it(here: SomeHub) -> None:
    assert (ZH.region("990100"), EN.region("990100"), ZH.region("000000")) == ("云州市", "990100", "000000")
    assert register_view.cell(asking(here), "region", "990101") == ZH.region("990101")


def test_rows_without_a_standard_say_so_in_words(here: SomeHub) -> None:
    assert [register_view.cell(asking(here), "name", value) for value in (UNREGISTERED, NO_STANDARD)] == [
        "未列入登记的标准",
        "未注明标准",
    ]


def test_another_tab_begins_with_its_first_page(here: SomeHub) -> None:
    ask = asking(here, path="/data/objections", after="cursor", page="3", show="all")
    assert 'href="/zh/data/objections?show=all&amp;flow=question"' in str(
        parts.tabs(ask, [("a", "甲", None), ("question", "乙", None)], "a", name="flow")
    )


def test_of_nothing_there_is_no_share(here: SomeHub) -> None:
    ask = asking(here)
    assert dashboard.indicator_row(ask, Indicator("refusal_rate", "fairness", 0.0, "percent", "f", 0), {})[1] == "–"
    assert dashboard.indicator_row(ask, Indicator("refusal_rate", "fairness", 0.0, "percent", "f", 4), {})[1] == "0%"
    assert dashboard.indicator_row(ask, Indicator("entries_added", "supply", 0.0, "count", "f", 0), {})[1] == "0"


def test_the_events_of_an_indicator_lead_to_what_they_happened_to(here: SomeHub) -> None:
    ask = asking(here)
    assert f'href="/zh/data/catalog/{RESOURCE}"' in values.stream(ask, f"resource:{RESOURCE}")
    city = here.city
    case = city.cases.open(city["developer"], "question", {"about": RESOURCE, "text": "字段含义是什么？"})
    assert f"/home/cases/{case.id}" in values.stream(ask, case.id)
    assert "<a" not in values.stream(ask, "org:stats-bureau")


def test_what_stands_on_a_control_is_in_the_name_it_is_called_by(here: SomeHub) -> None:
    top = str(frame.top(asking(here), "home", "tasks"))
    name = here.parties.actor_of("authority").name
    assert 'aria-label="corpushub · 首页"' in top
    assert f'aria-label="{name} · ' in top


def test_nobody_declares_an_interest_in_whoever_stands_first(here: SomeHub) -> None:
    assert '<select name="org" required><option value=""></option>' in str(account.show(asking(here, path="/home/account")).body)


def test_who_is_not_signed_in_is_told_how_to_ask_but_no_login(here: SomeHub) -> None:
    entry = here.catalog.get(here.parties.actor_of("authority"), RESOURCE)
    assert catalog.interpreter(Ask(here.hub, ANONYMOUS, ZH, "/data/catalog"), entry) == "12345"
    assert catalog.interpreter(asking(here), entry).endswith(" · 12345")


def test_a_picture_of_a_flow_is_never_drawn_too_small_to_read() -> None:
    drawn = str(diagrams.flow_picture(ZH, flow_named("authorization")))
    least, whole = (int(found.group(1)) for name in ("min-width:", 'width="') if (found := re.search(name + r"(\d+)", drawn)))
    assert least == round(whole * 0.78)


def test_what_a_demand_may_cost_is_told_in_the_yuan_it_was_stated_in(here: SomeHub) -> None:
    assert "5,000.00 元" in facts(here, "demand", budget=5000)
    assert "<dd>0.00 元</dd>" in facts(here, "work_order", price=0)
    asked = str(forms.control(ZH, Field("budget", "int"), forms.Given()))
    assert "单位：元" in asked


def test_nothing_is_taken_from_the_top_of_a_list_by_accident(here: SomeHub) -> None:
    for flow in ("access", "objection", "question", "price"):
        fields = flow_named(flow).opening.fields
        given = choices.all_of(asking(here, "operator"), fields)
        for item in fields:
            asked = str(forms.control(ZH, item, forms.Given(given)))
            if item.name in {"dataset", "about", "product"}:
                assert '<option value=""></option>' in asked, (flow, item.name)
                assert REPO in asked, (flow, item.name)
            if item.name in {"about", "product"}:
                assert RESOURCE in asked, flow


def test_a_choice_that_is_not_in_the_list_stays_what_was_arrived_with() -> None:
    asked = str(forms.control(ZH, Field("about"), forms.Given({"about": [("a/b", "乙")]}, {"about": "x/y"})))
    assert '<option value="x/y" selected>x/y</option>' in asked


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("年龄 int 个人信息 周岁", "personal"),
        ("age int personal in years", "personal"),
        ("x str sensitive personal what", "sensitive"),
    ],
)
def test_a_column_is_entered_with_the_word_for_its_sensitivity_or_the_code(line: str, code: str) -> None:
    assert entry_form.item_of(line, "zh")["sensitivity"] == code


@pytest.mark.parametrize("line", ["age int personal", "age int unknown years", "age", "年龄 int 个人 周岁"])
def test_a_column_without_sensitivity_or_meaning_is_told(line: str) -> None:
    with pytest.raises(Invalid, match=r"resources\.item_line"):
        entry_form.item_of(line, "zh")


def test_what_a_new_entry_still_lacks_stands_beside_it_and_can_be_given_there(here: SomeHub) -> None:
    """An entry nobody has checked for secrets can't be registered; the owner signs the check where the entry is kept."""
    entry = replace(here.catalog.get(here.parties.actor_of("provider"), RESOURCE), secrecy_checked_by="", interpreter={})
    assert "保密审查" in str(entry_form.lacking(ZH, entry))
    assert "数据解读人" in str(entry_form.lacking(ZH, entry))
    ask = asking(here, "provider")
    assert 'name="secrecy_checked_by" value="provider"' in str(resources.edit_form(ask, entry))
    assert "secrecy_checked_by" not in str(resources.edit_form(ask, replace(entry, secrecy_checked_by="provider")))
    assert 'name="secrecy_checked_by" value="provider"' in str(entry_form.sheet(ask))


def test_the_current_screen_is_marked_after_moving_within_an_area(here: SomeHub) -> None:
    """Script finds the entry by its place; the words it says when the network fails or work takes long stand in the page."""
    assert 'data-place="tasks"' in str(frame.places(asking(here), "home", "tasks"))
    shown = str(frame.body(asking(here), "home", "tasks", Page("", Safe(""))))
    assert ZH("portal.lost") in shown
    assert ZH("portal.wait") in shown


def test_a_problem_of_a_recipe_names_its_line_once_and_leads_there() -> None:
    problem = Problem("document.blank", file="notices.yaml", line=18, column=17, path="card.zh.summary")
    assert re.sub("<[^>]+>", "", str(studio.problem_row(ZH, problem))) == "第 18 行 card.zh.summary: 还没有填写。"
    assert 'data-line="18"' in str(studio.problem_row(ZH, problem))


def test_who_opens_a_case_is_told_whether_it_was_sent(here: SomeHub) -> None:
    """A draft waits for its opener: the word for the button that sends it is in the notice."""
    asked = {"flow": "demand", "title": "调解语料", "text": "需要调解案例。", "purpose": "research"}
    assert "尚未送出" in casework.open_case(asking(here, "provider"), asked).notice
    assert "“提交”" in casework.open_case(asking(here, "provider"), asked).notice


def test_a_token_begins_with_the_purpose_of_the_grant_and_the_grant_leads_to_it(tmp_path: Path) -> None:
    """With another purpose the client would only be told that the dataset is gated."""
    hub = some_hub(tmp_path)
    released(hub.city, dataset=REPO)
    hub.publish(REPO, {"README.md": CARD.encode()})
    ask = asking(hub, "developer", "/demand/mine", tab="tokens")
    assert "selected" not in str(mine.token_form(ask)).split("</select>")[0]
    grant = hub.entitle(purpose="research")
    assert '<option value="research" selected>' in str(mine.token_form(ask))
    assert "科学研究" in str(mine.token_form(ask)).split('class="hint"')[1]
    assert "purpose=research" in str(mine.taking(ask, hub.city.cases.get(hub.city["developer"], grant.id)))
    other = asking(hub, "developer", "/demand/mine", tab="tokens", purpose="model-evaluation")
    assert '<option value="model-evaluation" selected>' in str(mine.token_form(other))


def test_why_a_case_cannot_go_on_is_said_in_the_open() -> None:
    acts = [forms.Command("submit", "reg-1", refusal="登记材料不齐全：依据材料。"), forms.Command("withdraw", "reg-1")]
    assert "<b>提交</b> 登记材料不齐全：依据材料。" in str(board.refusals(ZH, acts))
    assert board.refusals(ZH, acts[1:]) is None


def test_fields_of_work_are_chosen_by_name() -> None:
    asked = str(entry_form.domain(ZH, "law"))
    assert '<option value="law" selected>法律</option>' in asked
    assert asked.count(">法律<") == 1
    assert '<option value="own-word" selected>' in str(entry_form.domain(ZH, "own-word"))


def test_a_case_that_is_not_the_readers_to_see_is_no_link(here: SomeHub) -> None:
    assert "<a" not in values.case_link(asking(here, "developer"), "inc-01M84ARRAE8XPS1S05D1F9MPAB")


def test_who_is_not_signed_in_is_led_to_the_public_page_of_a_case(here: SomeHub) -> None:
    nobody = Ask(here.hub, ANONYMOUS, ZH, "/data/disclosure")
    assert casework.case_href(nobody, "authorization", "aut-1") == "/zh/data/disclosure/aut-1"
    assert casework.case_href(asking(here), "authorization", "aut-1") == "/zh/govern/authorizations/aut-1"


def test_words_lead_only_where_the_reader_may_go(here: SomeHub) -> None:
    assert "<a" in str(parts.way_to(asking(here), "填报", "/govern/records"))
    assert parts.way_to(asking(here, "auditor"), "填报", "/govern/records") == "填报"


def test_who_has_no_entries_is_told_what_their_own_seat_can_do(here: SomeHub) -> None:
    assert "批量录入" not in str(resources.entries(asking(here, "operator"), ()))
    assert "批量录入" in str(resources.entries(asking(here, "provider"), ()))
    assert "点击" not in str(resources.entries(asking(here, "implementer"), ()))


def test_a_statement_of_costs_says_what_its_numbers_count(here: SomeHub) -> None:
    item = next(item for item in flow_named("price").opening.fields if item.name == "statement")
    assert "单位：分" in str(forms.control(ZH, item, forms.Given()))


def test_a_build_that_came_to_nothing_says_why(here: SomeHub) -> None:
    """The studio showed a red chip and no word."""
    died = Job(
        "job-1", "build", "failed", 5, "operator-co", "2026-03-02T08:00:00Z", "", "", {"recipe": "x"}, {}, {"code": "job.died"}
    )
    assert "内存不足" in str(studio.job_line(asking(here), died))
    assert "memory ran out" in str(studio.job_line(asking(here, lang="en"), died))
    assert parts.failure(asking(here), replace(died, state="queued")) == ""


def test_how_good_versions_were_is_shown_over_all_of_them() -> None:
    newest = Version("1.1.0", "b" * 40, "2026-03-02", scores={"data_score": 92.5, "quality_validity": 0.99})
    oldest = Version("1.0.0", "a" * 40, "2026-03-01", scores={"data_score": 90.0})
    shown = str(version_view.scores_card(ZH, [newest, oldest]))
    assert "92.5" in shown
    assert "v1.0.0: 90, v1.1.0: 92.5" in shown
    assert "99.0%" in shown
    assert shown.count("<svg") == 1, "a measure taken once has no course yet"
    assert version_view.scores_card(EN, [Version("1.0.0", "a" * 40, "2026-03-01")]) is None
