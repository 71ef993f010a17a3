"""Cases worked by clicks: a case is opened, a command's button pressed, its sheet filled in and sent."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page, expect

from corpushub.base.identity import business_day, system_clock
from tests.kit.browser import Visitor

WORDS = "经集体研究，材料齐全，可以办理。"


def day(after: int) -> str:
    """So many days from today."""
    return (business_day(system_clock()) + timedelta(days=after)).isoformat()


def give(at: Visitor, address: str, command: str, **answers: str) -> Page:
    """Open a case, press the command's button, fill in what its sheet wants, and send it."""
    page = at.open(address)
    press(page, command, **answers)
    return page


def press(page: Page, command: str, **answers: str) -> None:
    """The same on a case that is open already."""
    page.click(f"[data-sheet=sheet-{command}]")
    fill(page, **answers)
    send(page)


def fill(page: Page, **answers: str) -> None:
    """The stated answers; words for every other box that wants some."""
    sheet = page.locator("dialog[open]")
    for name, value in answers.items():
        box = sheet.locator(f"[name='{name}']").first
        if box.evaluate("box => box.tagName") == "SELECT":
            box.select_option(value)
        elif box.get_attribute("type") == "checkbox":
            sheet.locator(f"[name='{name}'][value='{value}']").check()
        else:
            box.fill(value)
    for box in sheet.locator("textarea, input:not([type=hidden], [type=checkbox], [type=file])").all():
        wanted = box.get_attribute("required") is not None or "." in (box.get_attribute("name") or "")
        if wanted and not box.input_value():
            kind, name = box.get_attribute("type"), box.get_attribute("name") or ""
            box.fill("1" if kind == "number" else "ab" * 32 if "digest" in name else WORDS)


def send(page: Page) -> None:
    page.click("dialog[open] button[type=submit]")
    expect(page.locator("dialog[open]")).to_have_count(0)


def begin(at: Visitor, path: str, sheet: str, **answers: str) -> str:
    """Open a new case; its address."""
    page = at.open(path)
    page.click(f"[data-sheet={sheet}]")
    fill(page, **answers)
    send(page)
    page.wait_for_url("**/*-01*")
    return page.url.removeprefix(at.endpoint)


def stands(page: Page, state: str) -> None:
    """The case on the page is in this state, in the word people read."""
    expect(page.locator(".head .actions .chip").first).to_have_text(state)
