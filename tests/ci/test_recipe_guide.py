"""The guide to recipes names every key there is, and what it shows as a recipe is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corpushub.domain.recipe import CHECKS, DTYPES, LIMITS, PII, ROLES, SECTIONS, SOURCE_KEYS, TOP_KEYS, Recipe
from corpushub.engine.registry import registry

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = ("recipe.en.md", "recipe.zh.md")
KEYS = (*TOP_KEYS, *SOURCE_KEYS, *CHECKS, *LIMITS, *DTYPES, *PII, *ROLES, *SECTIONS, "key", "columns", "rules", "timeliness")


@pytest.mark.parametrize("guide", GUIDES)
def test_every_key_is_told(guide: str) -> None:
    told = re.sub(r"```.*?```", "", (DOCS / guide).read_text("utf-8"), flags=re.DOTALL)
    assert [key for key in KEYS if not re.search(rf"`{key}\b", told)] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_the_recipe_shown_is_one(guide: str) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", (DOCS / guide).read_text("utf-8"), flags=re.DOTALL)
    assert Recipe.parse(shown, name=guide, steps=registry()).dataset == "city/notices"
