"""The demo city's daily life: cases of many flows, as `rules/demo-scenes.toml` tells them, opened and moved by the people it names."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from corpushub.base.identity import digest_of
from corpushub.domain.parties import Actor
from corpushub.services.cases import Cases

Actors = Callable[[str], Actor]


def scenes() -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = tomllib.loads(files("corpushub.rules").joinpath("demo-scenes.toml").read_text("utf-8"))["scenes"]
    return told


def play(scene: Mapping[str, Any], cases: Cases, actor: Actors, day: date, known: Mapping[str, str]) -> str:
    """Carry out one scene; the id of its case. `known` maps earlier scenes' names to their cases.

    Raises: whatever the flow refuses with; a scene that no longer fits its flow is a bug of the demo.
    """
    case = cases.open(actor(scene["who"]), scene["flow"], filled(scene["data"], day, known))
    for act in scene.get("then", ()):
        case = cases.execute(actor(act["who"]), case.id, act["command"], filled(act.get("data", {}), day, known))
    return case.id


def filled(value: Any, day: date, known: Mapping[str, str]) -> Any:
    """`value` with days, digests and case names put in."""
    if isinstance(value, dict):
        return {name: filled(item, day, known) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, day, known) for item in value]
    if not isinstance(value, str) or len(value) < 2:
        return value
    if value[0] in "+-" and value[1:].isdigit():
        return (day + timedelta(days=int(value))).isoformat()
    if value[0] == "$":
        return known[value[1:]]
    return digest_of(value[1:]) if value[0] == "#" else value
