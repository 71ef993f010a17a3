"""axe-core on the page as it stands: what a person with an aid can't use."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

GRAVE = frozenset({"serious", "critical"})


def barriers(page: Page, impacts: frozenset[str] = GRAVE) -> list[str]:
    """Rules that are broken with at least this impact, each with the first element that breaks it."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found["violations"] if rule["impact"] in impacts]
