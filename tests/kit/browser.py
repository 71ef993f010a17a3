"""A real browser on the portal: signs in, waits for what can be seen, and keeps account of errors and strangers."""

from __future__ import annotations

import gzip
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb", "--font-render-hinting=none"]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def chromium() -> Generator[Browser]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """One person (or nobody) at one window."""

    context: BrowserContext
    endpoint: str
    wrong: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    document_bytes: int = 0
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", self.heard)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self.asked)

    def heard(self, message: Any) -> None:
        if message.type == "error":
            self.wrong.append(message.text)

    def asked(self, request: Any) -> None:
        if not request.url.startswith((self.endpoint, "data:", "blob:")):
            self.strangers.append(request.url)

    def open(self, path: str, *, shows: str = "#screen h1") -> Page:
        """Go to a screen and wait until it is alive; `document_bytes` is its document as it travelled, compressed."""
        answer = self.page.goto(self.endpoint + path, wait_until="domcontentloaded")
        self.document_bytes = len(gzip.compress(answer.body(), 6)) if answer else 0
        self.page.wait_for_selector("html[data-ready]")
        self.page.wait_for_selector(shows)
        return self.page

    def overflows(self) -> bool:
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1")
        return wide

    def picture(self, path: Path, *, whole: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(200)
        self.page.screenshot(path=path, full_page=whole)


@contextmanager
def visitor(
    browser: Browser, running: Any, login: str = "", *, size: dict[str, int] | None = None, dark: bool = False
) -> Generator[Visitor]:
    """Somebody at the portal, signed in through the real form where `login` names a person."""
    context = browser.new_context(
        viewport=size or WIDE, color_scheme="dark" if dark else "light", locale="zh-CN", permissions=["clipboard-write"]
    )
    try:
        found = Visitor(context, running.endpoint)
        if login:
            sign_in(found.page, running, login)
        yield found
    finally:
        context.close()


def sign_in(page: Page, running: Any, login: str) -> None:
    page.goto(f"{running.endpoint}/signin?next=/zh/home/account", wait_until="domcontentloaded")
    page.fill("input[name=name]", login)
    page.fill("input[name=password]", running.account(login)["password"])
    page.click("button[type=submit]")
    page.wait_for_selector("html[data-ready]")
