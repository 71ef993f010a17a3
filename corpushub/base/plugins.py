"""Values other distributions add: entry points found once, checked and frozen.

Groups: `corpushub.steps` and `corpushub.recognizers`. The object behind an entry point is a value (or a tuple of
values) of the type the built-ins use; importing it must have no side effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from corpushub.base.errors import Invalid, Problem


@dataclass(frozen=True, slots=True)
class Plugin:
    """One value of a group; `origin` is the distribution it came from with its version, part of every fingerprint."""

    name: str
    origin: str
    value: Any


@cache
def found(group: str) -> tuple[Plugin, ...]:
    """All values installed under `group`, by name.

    Raises: Invalid("plugin.invalid") listing each entry point that cannot be loaded and each name given twice.
    """
    plugins: dict[str, Plugin] = {}
    problems: list[Problem] = []
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        origin = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"
        facts: dict[str, object] = {"group": group, "name": point.name, "origin": origin}
        if point.name in plugins:
            problems.append(Problem("plugin.twice", {**facts, "other": plugins[point.name].origin}))
            continue
        try:
            plugins[point.name] = Plugin(point.name, origin, point.load())
        except Exception as error:  # noqa: BLE001  foreign code may fail in any way; it is reported, not hidden
            problems.append(Problem("plugin.broken", {**facts, "kind": type(error).__name__}))
    if problems:
        raise Invalid("plugin.invalid", problems=problems, group=group)
    return tuple(plugins.values())
