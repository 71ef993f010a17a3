"""Walks of demand and supply: a need becomes rows on somebody's machine, a duty to share is kept, an objection leads to a correction,
an agreement comes to its end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from corpushub.domain.flows.authorization import EXIT_STEPS
from tests.kit.browser import Visitor, visitor
from tests.kit.demo import Running, copy_of, serving
from tests.kit.walks import begin, fill, give, press, send, stands

DATASET = "yunzhou/epidemic-notices"
PAGE = f"/zh/data/datasets/{DATASET}"


@pytest.fixture(scope="module")
def city(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A city of this file's own: its agreement ends here."""
    with serving(copy_of(prepared_home, tmp_path_factory.mktemp("supply") / "home")) as running:
        yield running


def granted(at: Visitor, city: Running, browser: Browser) -> None:
    """The way from a dataset's page to a countersigned grant: asked, sorted, proposed, approved by another organisation."""
    page = at.page
    page.click(f"a.btn[href*='request={DATASET.replace('/', '%2F')}'], a.btn[href*='request={DATASET}']")
    expect(page.locator("dialog#sheet-open-access:modal")).to_be_visible()
    assert page.input_value("dialog[open] [name=dataset]") == DATASET
    page.check("dialog[open] input[name=terms_accepted]")
    fill(page, purpose="research", plan="以逐日通报训练并评测时序预测模型。")
    send(page)
    page.wait_for_url("**/demand/mine/acc-*")
    case = page.url.removeprefix(city.endpoint)
    press(page, "submit")
    with visitor(browser, city, "chen.yu") as chen, visitor(browser, city, "li.wei") as li:
        press(give(chen, case, "triage"), "propose")
        stands(give(li, case, "approve"), "已通过")
        assert chen.wrong == li.wrong == []
    page = give(at, case, "countersign")
    stands(page, "已授予")
    assert page.locator("#screen a[href*='tab=use']").count() == page.locator("#screen a[href*='tab=tokens']").count() == 1


def token(page: Page, endpoint: str) -> str:
    page.goto(f"{endpoint}/zh/demand/mine?tab=tokens", wait_until="domcontentloaded")
    page.wait_for_selector("html[data-ready]")
    page.fill("form[data-act=issue] input[name=name]", "walk")
    page.select_option("form[data-act=issue] select[name=purpose]", "research")
    page.click("form[data-act=issue] button[type=submit]")
    return page.inner_text("#secret .secret")


def copied(page: Page, number: int) -> str:
    """What the copy button of the page's n-th snippet puts on the clipboard."""
    page.locator(".snippet .copy").nth(number).click()
    expect(page.locator(".snippet .copy.done")).to_have_count(1)
    text: str = page.evaluate("navigator.clipboard.readText()")
    expect(page.locator(".snippet .copy.done")).to_have_count(0)
    return text


def test_a_need_becomes_rows_by_the_copied_snippet(browser: Browser, city: Running, tmp_path: Path) -> None:
    with visitor(browser, city, "he.xin") as at:
        at.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = at.open("/zh/demand/ask")
        page.fill(".ask-box textarea", "每日疫情新增确诊，用于时序模型科学研究")
        page.locator(f"[data-part=found] .results a[href*='{DATASET}']").first.click()
        page.wait_for_url(f"**{PAGE}")
        page.wait_for_selector("html[data-ready]")
        granted(at, city, browser)
        secret = token(page, city.endpoint)
        at.open(f"{PAGE}?tab=use")
        stated = dict(line.removeprefix("export ").split("=", 1) for line in copied(page, 0).splitlines())
        program = copied(page, 1)
        assert at.wrong == []
    assert stated["HF_ENDPOINT"] == city.endpoint
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {"HF_ENDPOINT": stated["HF_ENDPOINT"], "HF_TOKEN": secret, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "num_rows" in done.stdout


def test_a_duty_to_share_is_confirmed_by_both_broken_and_kept_again(browser: Browser, city: Running) -> None:
    with (
        visitor(browser, city, "zhang.hua") as zhang,
        visitor(browser, city, "wu.fan") as wu,
        visitor(browser, city, "gao.wei") as gao,
    ):
        case = begin(
            zhang,
            "/zh/govern/authorizations?flow=share_item",
            "sheet-open-share_item",
            scenario="疫情期间法律援助",
            demander="yz-justice",
            supplier="yz-health",
            resources="990100/wjw/epidemic-notices",
            mode="api",
            frequency="daily",
        )
        stands(give(wu, case, "confirm_demand"), "需方已确认")
        stands(give(gao, case, "confirm_supply"), "已生效")
        page = wu.open("/zh/data/disclosure?tab=share_item")
        expect(page.locator("td", has_text="疫情期间法律援助").first).to_be_visible()
        give(wu, case, "report_breach")
        page = gao.open("/zh/home/tasks")
        expect(page.locator(f"a[href*='{case.rpartition('/')[2]}']").first).to_be_visible()
        stands(give(gao, case, "remedy"), "已生效")
        assert zhang.wrong == wu.wrong == gao.wrong == []


def test_an_objection_is_upheld_and_corrected_by_a_new_version(browser: Browser, city: Running) -> None:
    with (
        visitor(browser, city, "sun.yue") as sun,
        visitor(browser, city, "gao.wei") as gao,
        visitor(browser, city, "chen.yu") as chen,
        visitor(browser, city, "wang.min") as wang,
        visitor(browser, city, "li.wei") as li,
    ):
        page = sun.open(PAGE)
        page.click("a.btn[href*='about=']")
        expect(page.locator("dialog#sheet-open-objection:modal")).to_be_visible()
        fill(page, kind="wrong_value", text="2 月 3 日新增数与原通报不一致。")
        send(page)
        page.wait_for_url("**/data/objections/obj-*")
        case = page.url.removeprefix(city.endpoint)
        page = give(gao, case, "accept")
        press(page, "confirm")
        stands(page, "修正中")
        chen.open(case).locator(".card a[href$='/make/studio/epidemic-notices']").wait_for()

        page = wang.open("/zh/make/reviews")
        page.click(".inbox-item")
        page.wait_for_url("**/make/reviews/rel-*")
        page.click("[data-sheet=sheet-return]")
        fill(page)
        send(page)
        waiting = page.url.removeprefix(city.endpoint)
        page = give(chen, waiting, "cancel")
        page.click("a[href*='/make/studio/build/']")
        page.click("[data-act=propose]")
        page.wait_for_url("**/make/reviews/rel-*")
        again = page.url.removeprefix(city.endpoint)
        expect(page.locator("[data-sheet=sheet-submit]")).to_be_visible()
        press(page, "submit")
        give(wang, again, "approve")
        give(li, again, "approve")
        give(chen, again, "publish")
        page = sun.open(PAGE)
        expect(page.locator(".chip", has_text="v1.1.0").first).to_be_visible()

        expect(gao.open(case).locator(".card", has_text="1.1.0").first).to_be_visible()
        stands(give(gao, case, "fix", corrected_in="1.1.0"), "已反馈")
        stands(give(sun, case, "close", rating="5"), "已办结")
        for one in (sun, gao, chen, wang, li):
            assert one.wrong == []


def test_an_agreement_ends_by_its_five_steps_and_its_grants_with_it(browser: Browser, city: Running) -> None:
    with (
        visitor(browser, city, "li.wei") as li,
        visitor(browser, city, "zhang.hua") as zhang,
        visitor(browser, city, "sun.yue") as sun,
    ):
        page = li.open("/zh/govern/authorizations?show=all")
        page.click("tr[data-href*='/aut-'] a")
        page.wait_for_url("**/govern/authorizations/aut-*")
        case = page.url.removeprefix(city.endpoint)
        page = give(li, case, "begin_exit")
        stands(page, "退出中")
        early = zhang.open(case).locator(".decide button[aria-disabled=true]", has_text="完成退出")
        expect(early).to_have_attribute("title", re.compile("."))
        for number, step in enumerate(EXIT_STEPS):
            press(page, "attest", step=step)
            expect(page.locator(".card", has_text="退出").locator(".clock-row .chip.good")).to_have_count(number + 1)
        stands(give(zhang, case, "finish", unattested="北辰智能尚未说明副本去向，已发函催办，由监督单位跟进。"), "已结束")
        page = sun.open("/zh/demand/mine?tab=entitlement")
        expect(page.locator("td .chip.good")).to_have_count(0)
        expect(page.locator("td .chip.bad").first).to_have_text("已撤销")
        page = sun.open("/zh/demand/mine?tab=attestation")
        expect(page.locator("tr[data-href]").first).to_be_visible()
        assert li.wrong == zhang.wrong == sun.wrong == []
