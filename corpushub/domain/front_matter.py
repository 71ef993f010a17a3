"""What the YAML head of a dataset card says: the facts the Hub protocol shows, and the tags and words a search looks at."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_CHARACTERS = 1 << 20
MAX_HEAD = 1 << 18
MAX_VALUES = 50_000  # with what aliases repeat: nine lines of nine aliases each would stand for 400 million
MAX_WHOLE = 1 << 63
_HEAD = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?\r?\n)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FACETS = (
    "license",
    "language",
    "task_categories",
    "task_ids",
    "size_categories",
    "modality",
    "format",
    "library",
    "region",
    "multilinguality",
)


@dataclass(frozen=True, slots=True)
class CardHead:
    """`data`: the parsed mapping (JSON values only); `problem`: why the head can't be read, or ""."""

    data: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    title: str = ""
    summary: str = ""
    problem: str = ""
    line: int = 0


def read_head(text: str) -> CardHead:
    """The head of a README; an empty one where there is none."""
    found = _HEAD.match(text[:MAX_CHARACTERS])
    if found is None:
        return CardHead(summary=_first_paragraph(text[:MAX_CHARACTERS]))
    try:
        data = _plain(_load(found.group(1)) or {})
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        return CardHead(problem=str(getattr(error, "problem", "") or "not YAML"), line=mark.line + 2 if mark else 0)
    if not isinstance(data, dict):
        return CardHead(problem="the head must be a mapping", line=1)
    title = str(data.get("pretty_name") or "")
    return CardHead(data, facets(data), title, _first_paragraph(text[found.end() : MAX_CHARACTERS]))


def facets(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Tags as the Hub writes them: `license:mit`, `language:zh`, …, then the card's own tags as they are."""
    found = [f"{name}:{item}" for name in _FACETS for item in _items(data.get(name))]
    return tuple(dict.fromkeys([*found, *map(str, _items(data.get("tags")))]))


def _items(value: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, (str, int)) and not isinstance(item, bool)]


def _load(text: str) -> Any:
    """Raises: yaml.YAMLError, also for a head that is too long or would unfold without end."""
    if len(text) > MAX_HEAD:
        raise _too_much()
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _values(node, {}) > MAX_VALUES:
            raise _too_much()
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _too_much() -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem="the head is too long, or unfolds to too much")


def _values(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for, aliases unfolded; each is counted once, so that counting costs what the text is long."""
    if id(node) not in known:
        known[id(node)] = MAX_VALUES + 1  # what holds itself is without end
        parts = list(node.value) if isinstance(node, (yaml.SequenceNode, yaml.MappingNode)) else []
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in parts for part in pair]
        known[id(node)] = 1 + sum(_values(part, known) for part in parts)
    return known[id(node)]


def _plain(value: Any, depth: int = 0) -> Any:
    """YAML values as JSON has them: dates become text, and whole numbers no reader could take."""
    if depth > 40:
        raise yaml.YAMLError
    if isinstance(value, dict):
        return {str(name): _plain(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int) and abs(value) >= MAX_WHOLE:
        return str(value)
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def _first_paragraph(text: str) -> str:
    for block in re.split(r"\n\s*\n", text):
        line = " ".join(
            part for part in block.strip().splitlines() if not part.lstrip().startswith(("#", "<", "|", "!", "[", "-", ">"))
        )
        if len(line) > 20:
            return line[:400]
    return ""
