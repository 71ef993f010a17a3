"""Every screen in both languages, both themes and two widths: alive, whole, quick, and speaking to nobody but us."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.kit.axe import barriers
from tests.kit.browser import NARROW, visitor
from tests.kit.demo import Running

DATASET = "/data/datasets/yunzhou/epidemic-notices"
# name of the picture, path, who looks
SCREENS = (
    ("tasks", "/home/tasks", "li.wei"),
    ("account", "/home/account", "li.wei"),
    ("people", "/home/people", "zhang.hua"),
    ("org", "/home/people/yz-operate", "zhang.hua"),
    ("person", "/home/people/yz-operate/chen.yu", "zhang.hua"),
    ("datasets", "/data/datasets", ""),
    ("dataset-card", DATASET, "sun.yue"),
    ("dataset-rows", f"{DATASET}?tab=rows", "sun.yue"),
    ("dataset-files", f"{DATASET}?tab=files", "sun.yue"),
    ("dataset-versions", f"{DATASET}?tab=versions", "sun.yue"),
    ("dataset-lineage", f"{DATASET}?tab=lineage", "sun.yue"),
    ("dataset-use", f"{DATASET}?tab=use", "sun.yue"),
    ("notices", "/home/notices", "sun.yue"),
    ("catalog", "/data/catalog", ""),
    ("named", "/data/catalog?q=yunzhou/legal-questions@1.0.0", ""),
    ("entry", "/data/catalog/990100/sfj/legal-questions?on=2026-01-01", "sun.yue"),
    ("objections", "/data/objections?show=all", "gao.wei"),
    ("disclosure", "/data/disclosure", ""),
    ("registers", "/data/disclosure?tab=register&name=districts", ""),
    ("ask", "/demand/ask?text=2020年每日疫情新增确诊，用于时序模型训练", "sun.yue"),
    ("mine", "/demand/mine", "sun.yue"),
    ("tokens", "/demand/mine?tab=tokens", "sun.yue"),
    ("compute", "/demand/mine?tab=compute", "sun.yue"),
    ("cleanroom", "/demand/mine?tab=cleanroom", "sun.yue"),
    ("desk", "/demand/desk", "chen.yu"),
    ("orders", "/demand/orders?show=all", "chen.yu"),
    ("studio", "/make/studio/epidemic-notices", "chen.yu"),
    ("studio-plan", "/make/studio/epidemic-notices?view=plan", "chen.yu"),
    ("studio-steps", "/make/studio/epidemic-notices?view=steps&step=4", "chen.yu"),
    ("contributions", "/make/contributions", "chen.yu"),
    ("reviews", "/make/reviews", "wang.min"),
    ("samples", "/make/samples", "wang.min"),
    ("registrations", "/govern/registrations?show=all", "zhao.qing"),
    ("resources", "/govern/resources", "zhang.hua"),
    ("intake", "/govern/intake?systems=地铁运营", "zhang.hua"),
    ("authorizations", "/govern/authorizations?show=all", "li.wei"),
    ("delegations", "/govern/delegations?show=all", "zhang.hua"),
    ("prices", "/govern/prices?show=all", "chen.yu"),
    ("records", "/govern/records?kind=survey", "zhang.hua"),
    ("dashboard", "/oversee/dashboard", "zhang.hua"),
    ("overseen", "/oversee/registers?name=channels", "zhang.hua"),
    ("partners", "/oversee/partners", "zhang.hua"),
    ("monitor", "/oversee/monitor?show=all", "zhang.hua"),
    ("audit", "/oversee/audit", "liu.jian"),
)
PEOPLE = sorted({who for _, _, who in SCREENS})
MOST_DOCUMENT = 25_000  # bytes, compressed
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: who or "nobody")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_screens_are_alive_whole_and_speak_to_nobody_else(
    browser: Browser, demo: Running, pictures: Path, who: str, lang: str
) -> None:
    with visitor(browser, demo, who) as at:
        for name, path, owner in SCREENS:
            if owner != who:
                continue
            at.open(f"/{lang}{path}")
            assert not at.overflows(), name
            assert at.page.get_attribute("html", "lang") == ("zh-CN" if lang == "zh" else "en")
            assert at.page.locator("h1").count() == 1, name
            assert at.document_bytes <= MOST_DOCUMENT, name
            assert barriers(at.page) == [], name
            at.picture(pictures / f"{name}.{lang}.png")
        assert at.wrong == []
        assert at.strangers == []


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: who or "nobody")
@pytest.mark.parametrize("lang", ["zh", "en"])  # English words are longer
def test_screens_fit_a_phone_in_the_dark(browser: Browser, demo: Running, pictures: Path, who: str, lang: str) -> None:
    with visitor(browser, demo, who, size=NARROW, dark=True) as at:
        for name, path, owner in SCREENS:
            if owner != who:
                continue
            at.open(f"/{lang}{path}")
            assert not at.overflows(), name
            assert at.page.evaluate("document.documentElement.dataset.theme") == "dark"
            assert barriers(at.page) == [], name
            if lang == "zh":
                at.picture(pictures / f"{name}.phone.png")
        assert at.wrong == []


def test_words_of_the_frame_are_in_the_language_of_the_path(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "li.wei") as at:
        page = at.open("/en/home/tasks")
        assert not CHINESE.search(page.inner_text(".areas") + page.inner_text(".places"))
        page.click("[data-language=zh]")
        page.wait_for_selector("html[lang='zh-CN'][data-ready]")
        assert page.url.endswith("/zh/home/tasks")
        assert CHINESE.search(page.inner_text(".areas"))


def test_the_theme_is_kept(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo) as at:
        page = at.open("/zh/data/datasets")
        page.click("button[data-theme]")
        at.open("/zh/data/catalog")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.evaluate("document.body.classList.contains('dark')")


FOCUSED = """() => {
    const at = document.activeElement, seen = at.matches('.file input') ? at.parentElement.querySelector('.btn') : at;
    return [at.tagName, getComputedStyle(seen).outlineStyle];
}"""


@pytest.mark.parametrize(
    ("who", "path"),
    [("wang.min", "/zh/make/reviews"), ("zhang.hua", "/zh/govern/intake"), ("sun.yue", "/zh/demand/mine?tab=tokens")],
)
def test_every_control_can_be_reached_and_seen_by_keyboard(browser: Browser, demo: Running, who: str, path: str) -> None:
    with visitor(browser, demo, who) as at:
        page = at.open(path)
        reached = []
        for _ in range(40):
            page.keyboard.press("Tab")
            tag, outline = page.evaluate(FOCUSED)
            reached.append(tag)
            assert tag == "BODY" or outline != "none"
        assert "BUTTON" in reached
        assert "A" in reached


def test_a_sheet_closes_with_escape_and_a_form_is_sent_with_enter(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "sun.yue") as at:
        page = at.open("/zh/demand/mine?tab=tokens")
        page.keyboard.press("n")
        expect(page.locator("dialog#sheet-open-access:modal")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        assert page.evaluate("document.activeElement.dataset.sheet") == "sheet-open-access"
        page.fill("form[data-act=issue] input[name=name]", "by keyboard")
        page.keyboard.press("Enter")
        expect(page.locator("#secret .secret")).to_be_visible()


def test_the_dashboard_knows_which_entries_are_registered(browser: Browser, demo: Running) -> None:
    with visitor(browser, demo, "li.wei") as at:
        at.open("/en/oversee/dashboard")
        tile = at.page.locator(".tiles > *").nth(1)
        assert tile.inner_text().startswith("100%")
        assert at.wrong == []


@pytest.mark.parametrize("path", ["/zh/no-such-area", "/zh/data/no-such-screen", "/nothing/here"])
def test_an_address_nobody_knows_is_a_page_with_the_way_on(browser: Browser, demo: Running, path: str) -> None:
    with visitor(browser, demo) as at:
        page = at.open(path)
        assert page.locator("h1").inner_text() == "找不到页面"
        page.click("#screen a.btn >> nth=0")
        page.wait_for_url("**/zh/data/datasets")
