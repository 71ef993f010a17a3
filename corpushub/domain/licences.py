"""Licences as the Hub and our gate know them: the closed list of the Hub, and what each allows (rules/licences.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Problem

if TYPE_CHECKING:
    from corpushub.domain.recipe import Recipe


@cache
def rulebook() -> dict[str, Any]:
    return tomllib.loads(files("corpushub.rules").joinpath("licences.toml").read_text("utf-8"))


@cache
def hub_licences() -> frozenset[str]:
    """Identifiers `license:` may hold in a Hub card."""
    return frozenset(rulebook()["hub"]["ids"])


def is_known(identifier: str) -> bool:
    return identifier in hub_licences() or identifier in rulebook()["terms"]


def unknown(recipe: Recipe) -> tuple[Problem, ...]:
    """What a release will be refused for: a licence nobody here knows the terms of."""
    identifier = recipe.licence.id
    if is_known(identifier):
        return ()
    return (Problem("card.licence_unknown", {"licence": identifier}, file=recipe.name, path="licence.id"),)


def conflicts(released: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Source licences that forbid a release under `released`: share-alike into another licence, or no derivatives, or unknown."""
    terms = rulebook()["terms"]
    found = []
    for source in sources:
        rule = terms.get(source, {})
        if not rule or rule.get("derivatives") is False or (rule.get("share_alike") and released != source):
            found.append(source)
    return tuple(dict.fromkeys(found))
