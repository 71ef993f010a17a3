"""People doing their jobs: searching in Chinese, approving by keyboard, asking for data, keeping tokens, objecting, building."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, Route, expect

from tests.kit.browser import sign_in, visitor
from tests.kit.demo import Running


def type_as_an_input_method(page: Page, text: str) -> None:
    """Compose `text` the way a pinyin input method does: composition first, letters last."""
    session = page.context.new_cdp_session(page)
    for size in range(1, len(text) + 1):
        session.send("Input.imeSetComposition", {"text": text[:size], "selectionStart": size, "selectionEnd": size})
    session.send("Input.insertText", {"text": text})


@contextmanager
def held(page: Page, pattern: str) -> Generator[None]:
    """Requests that fit `pattern` wait for the end of the block."""
    kept: list[Route] = []
    over: list[bool] = []

    def hold(route: Route) -> None:
        if over:
            route.continue_()
        else:
            kept.append(route)

    page.route(pattern, hold)
    yield
    over.append(True)
    for route in kept:
        route.continue_()


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


def test_a_sheet_opened_before_the_screen_is_alive_stays_open_with_what_was_typed(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "wang.min") as at:
        page = at.page
        with held(page, "**/assets/*.js"):
            page.goto(f"{demo.endpoint}/zh/make/reviews", wait_until="commit")
            expect(page.locator("[data-key=r]")).to_be_visible()
            page.keyboard.press("r")
            page.keyboard.type("数据卡缺说明")
            assert page.locator("html[data-ready]").count() == 0
        page.wait_for_selector("html[data-ready]")
        page.keyboard.type("，请补充")
        expect(page.locator("dialog#sheet-return:modal textarea")).to_have_value("数据卡缺说明，请补充")


def test_a_screen_that_comes_while_a_sheet_is_open_waits_until_it_closes(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "wang.min") as at:
        page = at.open("/zh/data/objections")
        sheet = "<dialog id=typed><textarea></textarea></dialog>"
        with page.expect_response("**/component_server**"), held(page, "**/component_server**"):
            page.click(".tabs a:not(.current) >> nth=0")
            page.evaluate("html => document.getElementById('screen').insertAdjacentHTML('beforeend', html)", sheet)
            page.evaluate("document.getElementById('typed').showModal()")
            page.keyboard.type("正在填写")
        expect(page.locator("#progress-line.on")).to_have_count(0)
        expect(page.locator("dialog#typed textarea")).to_have_value("正在填写")
        page.keyboard.press("Escape")
        expect(page.locator("dialog#typed")).to_have_count(0)
        assert "flow=" in page.url


def test_a_key_pressed_in_the_frame_after_a_sheet_closed_is_not_lost_in_it(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "wang.min") as at:
        page = at.open("/zh/make/reviews")
        page.keyboard.press("a")
        expect(page.locator("dialog#sheet-approve[open]")).to_be_visible()
        box = page.locator("dialog#sheet-approve textarea")
        pressed = "new KeyboardEvent('keydown', {key: 'r', bubbles: true, cancelable: true})"
        box.evaluate(f"box => {{ box.closest('dialog').close(); box.dispatchEvent({pressed}); }}")
        expect(page.locator("dialog#sheet-return[open]")).to_be_visible()


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
        expect(page.locator("dialog#sheet-open-objection:modal")).to_be_visible()
        page.fill("dialog[open] textarea[name=text]", "2 月 3 日新增数与原通报不一致。")
        assert page.input_value("dialog[open] select[name=about]") == "yunzhou/epidemic-notices"
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
        expect(page.locator("#check .problems li").first).to_contain_text(re.compile(r"第 \d+ 行"))
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


def test_a_curator_looks_into_each_step_before_building(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "chen.yu") as at:
        page = at.open("/zh/make/studio/epidemic-notices")
        page.click(".segments button[value=plan]")
        expect(page.locator(".stages > li").first).to_be_visible()
        page.click(".segments a[href*='view=steps']")
        page.click(".effects a:has(.chip.warn)", timeout=120_000)
        expect(page.locator(".touched .gone .chip.warn").first).to_have_text("完全重复")
        expect(page.locator(".touched .facts dd").first).not_to_be_empty()
        assert "view=steps" in page.url
        page.reload()
        expect(page.locator(".touched .gone").first).to_be_visible()
        assert at.wrong == []


def test_a_build_shows_its_progress_and_log_and_can_be_cancelled(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "chen.yu") as at:
        page = at.open("/en/make/studio/legal-questions")
        text = page.input_value(".editor textarea")
        page.fill(".editor textarea", text.replace("min_chars: 6", "min_chars: 7"))
        page.click(".editor button[value=build]")
        page.click("[data-act=cancel]", timeout=60_000)
        expect(page.locator(".job .chip", has_text="cancelled").first).to_be_visible()
        page.click(".editor button[value=sample]")
        done = page.locator(".job", has=page.locator("a.btn")).first
        expect(done).to_be_visible(timeout=180_000)
        done.locator(".fold summary").click()
        expect(done.locator(".log li").first).to_be_visible()
        done.locator("a.btn").click()
        expect(page.locator(".funnel .bar-row").first).to_be_visible()
        page.go_back()
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.click(".editor button[value=discard]")
        expect(page.locator(".editor textarea")).not_to_have_value(text)
        page.once("dialog", lambda dialog: dialog.accept())
        page.click(".editor button[value=discard]")
        expect(page.locator(".editor textarea")).to_have_value(text)


def test_typed_text_is_not_left_without_asking(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "chen.yu") as at:
        page = at.open("/zh/make/studio/epidemic-notices")
        asked: list[str] = []
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.fill(".editor textarea", "dataset: x")
        page.click(".shelf a:not(.current)")
        assert asked == ["配方有改动还没有保存，离开会丢失。仍要离开吗？"]
        assert page.url.endswith("/studio/epidemic-notices")


def test_notices_are_counted_and_marked_as_read(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "sun.yue") as at:
        page = at.open("/zh/home/tasks")
        badge = page.locator(".bell .badge")
        count = int(badge.inner_text())
        page.click(".bell")
        page.wait_for_selector(".notices .unseen")
        page.locator(".notices .unseen button").first.click()
        expect(badge).to_have_text(str(count - 1))
        page.click("[data-act=all_read]")
        expect(badge).to_be_hidden()
        expect(page.locator(".notices .unseen")).to_have_count(0)


def test_a_field_called_like_a_property_of_forms_hides_nothing(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "he.xin") as at:
        page = at.open("/zh/demand/mine?request=yunzhou/epidemic-notices")
        expect(page.locator("dialog[open] select[name=dataset]")).to_have_value("yunzhou/epidemic-notices")
        page.evaluate("document.querySelector('dialog[open] form').noValidate = true")
        page.click("dialog[open] button[type=submit]")
        expect(page.locator("dialog[open] .told .refusal")).to_be_visible()
        assert page.url.endswith("request=yunzhou/epidemic-notices")


def test_a_refusal_stays_in_its_sheet_until_that_is_sent_again(browser: Browser, demo: Running) -> None:
    """The last refusal only, above the buttons; what was typed stays, and a sheet opened anew begins without it."""
    with visitor(browser, demo, "wu.fan") as at:
        page = at.open("/zh/govern/resources")
        page.click("[data-sheet=sheet-entry]")
        page.fill("dialog[open] [name=id]", "990100/sfj/told")
        page.fill("dialog[open] [name='title.zh']", "条目")
        page.fill("dialog[open] [name='title.en']", "Entry")
        for line in ("text str", "text str 个人"):
            page.fill("dialog[open] [name=items]", line)
            page.click("dialog[open] button[type=submit]")
            expect(page.locator("dialog[open] .told")).to_have_count(1)
            expect(page.locator("dialog[open] .told")).to_contain_text(f"“{line}”")
        expect(page.locator("dialog[open] .told")).to_be_in_viewport(ratio=1)
        expect(page.locator("dialog[open] .sheet-foot")).to_be_in_viewport(ratio=1)
        assert page.input_value("dialog[open] [name='title.zh']") == "条目"
        page.keyboard.press("Escape")
        page.click("[data-sheet=sheet-entry]")
        expect(page.locator(".told")).to_have_count(0)


def test_work_that_takes_a_while_says_so_and_is_not_sent_twice(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "sun.yue") as at:
        page = at.open("/zh/demand/mine?tab=tokens")
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.post_data or "") if "component_server" in request.url else None)
        page.fill("form[data-act=issue] input[name=name]", "slow")
        with held(page, "**/component_server**"):
            for _ in range(3):
                page.click("form[data-act=issue] button[type=submit]")
            expect(page.locator(".notice.wait")).to_contain_text("正在办理")
            assert len([post for post in sent if "portal_act" in post]) == 1
        expect(page.locator(".notice.wait")).to_have_count(0)


def test_a_refusal_of_a_screen_stays_until_it_is_closed(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "chen.yu") as at:
        page = at.open("/zh/make/studio")
        page.clock.install()
        page.fill("form[data-act=begin] input[name=name]", "中文名")
        page.click("form[data-act=begin] button")
        expect(page.locator(".notice.bad")).to_contain_text("中文名")
        page.clock.run_for(60_000)
        expect(page.locator(".notice.bad")).to_have_count(1)
        page.click(".notice.bad [aria-label='关闭']")
        expect(page.locator(".notice.bad")).to_have_count(0)


def test_the_current_screen_stays_marked_when_one_moves_within_an_area(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "wu.fan") as at:
        page = at.open("/zh/govern/resources")
        page.click(".places a:has-text('资源登记')")
        expect(page.locator(".places a.current")).to_have_text("资源登记")
        expect(page.locator(".places a[aria-current=page]")).to_have_text("资源登记")


def test_an_auditor_takes_a_bundle_and_sees_who_holds_what(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "liu.jian") as at:
        page = at.open("/zh/oversee/audit")
        with page.expect_download() as taken:
            page.click("form[action='/download/audit-bundle'] button")
        assert taken.value.suggested_filename == "audit-bundle.tar"
        with tarfile.open(taken.value.path()) as bundle:
            assert len(bundle.getnames()) > 3
        page.select_option("select[name=dataset]", "yunzhou/epidemic-notices")
        expect(page.locator("[data-part=deliveries] h3").first).to_have_text("持有单位")
        page.click("[data-act=verify]")
        expect(page.locator("#report .chip.good")).to_be_visible()


def test_a_disclosure_pack_is_compiled_for_somebody_else_to_review(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "zhang.hua") as at:
        page = at.open("/en/data/disclosure")
        page.click("[data-sheet=sheet-disclose]")
        page.select_option("dialog[open] select[name=kind]", "city")
        page.click("dialog[open] button[type=submit]")
        page.wait_for_url("**/data/disclosure/dis-*")
        expect(page.locator(".tiles .tile").first).to_be_visible()
        expect(page.locator(".note .digest")).to_be_visible()


def test_an_incident_freezes_what_it_names(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "zhang.hua") as at:
        page = at.open("/zh/oversee/monitor")
        page.click("[data-sheet=sheet-open-incident]")
        page.fill("dialog[open] input[name=title]", "疑似泄露")
        page.fill("dialog[open] textarea[name=text]", "监测到异常传播，先行冻结。")
        page.check("dialog[open] input[name=datasets][value='yunzhou/census-income']")
        page.click("dialog[open] button[type=submit]")
        page.wait_for_url("**/oversee/monitor/inc-*")
        page.click("[data-sheet=sheet-freeze]")
        page.click("dialog#sheet-freeze[open] button[type=submit]")
        expect(page.locator(".card", has_text="涉及的版本").locator(".chip.bad").first).to_be_visible()
        expect(page.locator(".card", has_text="持有单位").first).to_be_visible()
