"""Walks of those who keep the city running: an agreement, a price, an attribute, a table of entries, a clean room, a new colleague."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.kit.browser import visitor
from tests.kit.demo import Running, copy_of, serving
from tests.kit.walks import begin, day, fill, give, send


@pytest.fixture(scope="module")
def city(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A city of this file's own: elsewhere incidents stop the data that is asked for here."""
    with serving(copy_of(prepared_home, tmp_path_factory.mktemp("keeping") / "home")) as running:
        yield running


def test_an_agreement_comes_into_force_rests_and_goes_on(browser: Browser, city: Running) -> None:
    with (
        visitor(browser, city, "li.wei") as li,
        visitor(browser, city, "zhang.hua") as zhang,
        visitor(browser, city, "chen.yu") as chen,
    ):
        page = li.open("/zh/govern/authorizations")
        page.click("[data-sheet=sheet-open-authorization]")
        assert page.input_value("dialog[open] select[name=implementer]") == "yz-service"
        assert page.input_value("dialog[open] select[name=operator]") == ""
        terms = {"purposes": "public-governance", "channels": "query", "resources": "990100/sfj/laws"}
        days = {"valid_from": day(-20), "valid_to": day(900)}
        fill(page, mode="domain", operator="yz-operate", domains="法律", **terms, **days)
        send(page)
        page.wait_for_url("**/aut-*")
        case = page.url.removeprefix(li.endpoint)
        give(li, case, "record_decision", decided_on=day(-20))
        give(zhang, case, "approve")
        give(li, case, "select")
        give(chen, case, "sign")
        give(li, case, "activate")
        give(li, case, "suspend")
        page = give(li, case, "resume")
        expect(page.locator(".head .actions .chip").first).to_have_text("生效中")
        assert li.wrong == zhang.wrong == chen.wrong == []


def test_a_price_is_listed_step_by_step_without_json(browser: Browser, city: Running) -> None:
    with visitor(browser, city, "chen.yu") as chen, visitor(browser, city, "li.wei") as li:
        case = begin(chen, "/zh/govern/prices", "sheet-open-price", product="yunzhou/laws-and-reports", implementer="yz-service")
        give(li, case, "check_cost")
        give(li, case, "cap", valid_from=day(-20), valid_to=day(700), cap_fen="1")
        page = chen.open(case)
        page.click("[data-sheet=sheet-list]")
        page.fill("dialog[open] textarea[name=tiers]", "0 cheap")
        page.click("dialog[open] button[type=submit]")
        expect(page.locator("dialog[open] .told .refusal")).to_contain_text("0 cheap")
        page.fill("dialog[open] textarea[name=tiers]", "0 1")
        send(page)
        expect(page.locator(".head .actions .chip").first).to_have_text("已挂牌")


def test_a_change_of_attribute_is_proposed_and_decided_by_somebody_else(browser: Browser, city: Running) -> None:
    with visitor(browser, city, "wu.fan") as wu, visitor(browser, city, "zhang.hua") as zhang:
        case = begin(
            wu,
            "/zh/govern/resources/990100/sfj/laws",
            "sheet-open-attribute",
            name="share_attribute",
            value="conditional",
            effective_from=day(400),
        )
        page = give(zhang, case, "approve")
        expect(page.locator(".head .actions .chip").first).to_have_text("已通过")
        assert wu.wrong == zhang.wrong == []


def test_a_table_chosen_as_a_file_is_read_before_it_is_entered(browser: Browser, city: Running, tmp_path: Path) -> None:
    table = tmp_path / "entries.csv"
    table.write_text(
        "id,owner,title.zh,title.en,origin,frequency\n990100/jtj/stops,yz-transit,站点,Stops,own,daily\n,,,,,\n", "utf-8"
    )
    with visitor(browser, city, "tang.jun") as at:
        page = at.open("/zh/govern/resources")
        page.click("a[href$='/govern/intake']")
        page.wait_for_selector("input[data-text=rows]")
        page.set_input_files("input[data-text=rows]", table)
        expect(page.locator("textarea[name=rows]")).to_have_value(table.read_text("utf-8"))
        page.click("form[data-act=enter] button[type=submit]")
        expect(page.locator("#brought .chip.good")).to_have_text("录入 1 条")
        expect(page.locator("#brought .chip.warn")).to_have_text("1 行有误")


def test_a_question_is_answered_with_noise_and_the_budget_shrinks(browser: Browser, city: Running) -> None:
    with visitor(browser, city, "sun.yue") as at:
        page = at.open("/zh/demand/mine?tab=cleanroom")
        page.fill("form[data-act=question] input[name=epsilon]", "2")
        page.click("form[data-act=question] button[type=submit]")
        expect(page.locator("#answer td", has_text="Female")).to_be_visible()
        page.fill("form[data-act=question] textarea", "select * from data")
        page.click("form[data-act=question] button[type=submit]")
        expect(page.locator(".notice .refusal")).to_be_visible()
        page.reload()
        expect(page.locator("td", has_text="18 / 20")).to_be_visible()


def test_a_new_colleague_gets_a_seat_and_signs_in(browser: Browser, city: Running) -> None:
    with visitor(browser, city, "admin") as at:
        page = at.open("/zh/home/people/yz-justice")
        page.click("[data-sheet=sheet-add_person]")
        fill(page, login="ren.xin", name="任新", roles="provider")
        send(page)
        page.wait_for_url("**/home/people/yz-justice/ren.xin")
        page.fill("form[data-act=password] input", "first day at work")
        page.click("form[data-act=password] button")
        expect(page.locator(".notice.good").filter(has_text="密码")).to_be_visible()
        page.locator("button[data-act=unseat]").click()
        expect(page.locator("td .chip.quiet")).to_have_text("已结束")
    with visitor(browser, city) as new:
        page = new.page
        page.goto(f"{city.endpoint}/signin")
        page.fill("input[name=name]", "ren.xin")
        page.fill("input[name=password]", "first day at work")
        page.click("button[type=submit]")
        page.wait_for_url("**/zh/home/tasks")
