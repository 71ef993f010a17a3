"""All steps there are, by name: the engine's own and those of installed plugins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from corpushub.base.errors import Invalid, Problem
from corpushub.base.plugins import found
from corpushub.engine.loading import for_good
from corpushub.engine.step import Step

# Named, not imported: the recognizers of `pii` load only where a recipe is read.
STEP_MODULES = (
    "table.columns",
    "table.records",
    "table.codes",
    "text.steps",
    "text.label_steps",
    "dedup.steps",
    "dedup.near_groups",
    "dedup.furniture",
    "pii.steps",
    "anonymity.steps",
)


@cache
def registry() -> Mapping[str, Step[Any]]:
    """All steps by name: those of the engine's modules and of installed plugins (`corpushub.steps`).

    Raises: Invalid("step.twice") where two have one name.
    """
    known: dict[str, Step[Any]] = {}
    with for_good():
        modules = [import_module(f"corpushub.engine.{module}") for module in STEP_MODULES]
    for module in modules:
        add(known, module.STEPS)
    for plugin in found("corpushub.steps"):
        values = plugin.value if isinstance(plugin.value, tuple) else (plugin.value,)
        if not all(isinstance(value, Step) for value in values):
            problem = Problem("plugin.not_a_step", {"name": plugin.name, "origin": plugin.origin})
            raise Invalid("plugin.invalid", problems=[problem], group="corpushub.steps")
        add(known, values)
    return MappingProxyType(known)


def add(known: dict[str, Step[Any]], steps: Iterable[Step[Any]]) -> None:
    for step in steps:
        if step.name in known:
            raise Invalid("step.twice", step=step.name, one=known[step.name].origin, other=step.origin)
        known[step.name] = step
