"""People doing their jobs: searching in Chinese, approving by keyboard, asking for data, keeping tokens, objecting, building."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.kit.browser import sign_in, visitor
from tests.kit.demo import Running


def type_as_an_input_method(page: Page, text: str) -> None:
    """Compose `text` the way a pinyin input method does: composition first, letters last."""
    session = page.context.new_cdp_session(page)
    for size in range(1, len(text) + 1):
        session.send("Input.imeSetComposition", {"text": text[:size], "selectionStart": size, "selectionEnd": size})
    session.send("Input.insertText", {"text": text})


def test_a_wrong_password_is_told_on_the_page(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo) as at:
        page = at.page
        page.goto(f"{demo.endpoint}/signin")
        page.fill("input[name=name]", "li.wei")
        page.fill("input[name=password]", "no such password")
        page.click("button[type=submit]")
        expect(page.locator(".refusal")).to_be_visible()
        sign_in(page, demo, "li.wei")
        assert "/zh/home/account" in page.url


def test_searching_in_chinese_asks_once_and_keeps_the_address(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo) as at:
        page = at.open("/zh/data/datasets")
        calls: list[str] = []
        page.on("request", lambda request: calls.append(request.url) if "component_server" in request.url else None)
        page.focus(".searchbar input[name=q]")
        type_as_an_input_method(page, "疫情")
        page.wait_for_url("**q=%E7%96%AB%E6%83%85*")
        expect(page.locator(".results mark").first).to_have_text("疫情")
        assert len(calls) == 1
        page.reload()
        expect(page.locator(".results > li")).to_have_count(1)


def test_a_search_without_result_leads_to_a_demand(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "sun.yue") as at:
        page = at.open("/zh/data/datasets?q=不存在的数据")
        page.click(".empty a")
        page.wait_for_selector(".ask-box textarea")
        assert page.input_value(".ask-box textarea") == "不存在的数据"


def test_a_release_is_returned_with_a_reason_by_keyboard(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "wang.min") as at:
        page = at.open("/zh/make/reviews")
        expect(page.locator(".inbox-item.current")).to_be_visible()
        page.keyboard.press("a")
        expect(page.locator("dialog#sheet-approve[open]")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        page.keyboard.press("r")
        page.fill("dialog#sheet-return[open] textarea", "数据卡缺少局限说明，请补充。")
        page.click("dialog#sheet-return[open] button[type=submit]")
        expect(page.locator(".notice")).to_be_visible()
        expect(page.locator(".evidence")).to_contain_text("数据卡缺少局限说明")


def test_a_demand_is_matched_and_submitted(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "sun.yue") as at:
        page = at.open("/zh/demand/ask")
        page.fill(".ask-box textarea", "每日疫情新增确诊，用于时序模型训练")
        expect(page.locator("[data-part=found] .results .name").first).to_be_visible()
        page.locator(".why summary").first.click()
        expect(page.locator(".why .bar-row").first).to_be_visible()
        page.click("[data-sheet=sheet-open-demand]")
        page.fill("dialog[open] input[name=title]", "疫情逐日数据更新")
        page.fill("dialog[open] textarea[name=text]", "需要逐日更新的疫情通报，用于时序模型。")
        page.click("dialog[open] button[type=submit]")
        page.wait_for_url("**/demand/ask/dem-*")
        expect(page.locator("#screen h1")).to_have_text("疫情逐日数据更新")


def test_a_token_is_made_shown_once_and_revoked(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "sun.yue") as at:
        page = at.open("/en/demand/mine?tab=tokens")
        page.fill("form[data-act=issue] input[name=name]", "browser test")
        page.click("form[data-act=issue] button[type=submit]")
        secret = page.inner_text("#secret .secret")
        assert secret.startswith("chub_")
        page.click("#secret a")
        row = page.locator("tr", has_text="browser test").first
        expect(row).to_be_visible()
        assert secret not in page.content()
        row.locator("button[data-act=revoke]").click()
        expect(page.locator("tr", has_text="browser test").first.locator(".chip.bad")).to_be_visible()


def test_an_objection_is_filed_and_shown_with_its_clock(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "sun.yue") as at:
        page = at.open("/zh/data/objections?about=yunzhou/epidemic-notices")
        page.click("[data-sheet=sheet-open-objection]")
        page.fill("dialog[open] textarea[name=text]", "2 月 3 日新增数与原通报不一致。")
        assert page.input_value("dialog[open] input[name=about]") == "yunzhou/epidemic-notices"
        page.select_option("dialog[open] select[name=kind]", "wrong_value")
        page.click("dialog[open] button[type=submit]")
        page.wait_for_url("**/data/objections/obj-*")
        expect(page.locator(".flowchart .node.here")).to_be_visible()


def test_a_recipe_tells_its_problems_while_one_types(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "chen.yu") as at:
        page = at.open("/zh/make/studio/epidemic-notices")
        expect(page.locator("#check .chip.good")).to_be_visible()
        text = page.input_value(".editor textarea")
        page.fill(".editor textarea", text.replace("parse_dates", "parse_date"))
        expect(page.locator("#check .problems li").first).to_contain_text("epidemic-notices.yaml")
        page.fill(".editor textarea", text)
        expect(page.locator("#check .chip.good")).to_be_visible()


def test_a_refusal_names_rule_and_way_on(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "sun.yue") as at:
        page = at.page
        page.goto(f"{demo.endpoint}/zh/oversee/audit", wait_until="domcontentloaded")
        expect(page.locator(".refusal")).to_contain_text("实施意见第十四条")
        expect(page.locator("#screen a.btn").first).to_be_visible()


def test_signing_out_everywhere_ends_the_session(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "qian.lan") as at:
        page = at.open("/zh/home/account")
        page.click("[data-act=sign_out_everywhere]")
        page.wait_for_url("**/signin*")
        page.goto(f"{demo.endpoint}/zh/home/tasks")
        page.wait_for_url(re.compile(r"/signin\?next="))
