"""A YAML document with positions: every value knows its line and column, and reading it collects problems instead of stopping.

YAML 1.2 core values only: `true/false`, `null`, numbers and text. `on`, `yes`, `no` and dates stay text, because a key `on:` and the
language `no` are meant as written. Anchors, tags and duplicate keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from corpushub.base.errors import Problem
from corpushub.base.suggest import closest

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
_OPENING = (yaml.BlockSequenceStartToken, yaml.BlockMappingStartToken, yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)
_CLOSING = (yaml.BlockEndToken, yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)


class CoreLoader(yaml.CSafeLoader):
    """Safe loader (libyaml, ten times the speed of the Python one) with the resolvers of the YAML 1.2 core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  the base class declares it so


CORE_TAGS = (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"(?:~|null|Null|NULL|)$", "~nN"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
)
for tag, pattern, starts in CORE_TAGS:
    firsts = [*starts, ""] if tag == "null" else list(starts)
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), firsts)


class Document:
    """A parsed file. Methods named after a type return the value or None and record a problem with its place."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.root = self._compose(text)

    def _compose(self, text: str) -> MappingNode | None:
        if len(text.encode()) > MAX_BYTES:
            self.problems.append(Problem("document.too_long", {"limit": MAX_BYTES}, file=self.name))
            return None
        try:
            if (stop := self._stop(text)) is not None:
                self.problems.append(stop)
                return None
            node = yaml.compose(text, CoreLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            facts: dict[str, object] = {"reason": error.problem or error.context or ""}
            place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
            at_tab = mark is not None and text[mark.index : mark.index + 1] == "\t"
            self.problems.append(
                Problem("document.tab" if at_tab else "document.syntax", {} if at_tab else facts, self.name, *place)
            )
            return None
        except yaml.YAMLError as error:
            line = text[: getattr(error, "position", 0)].count("\n") + 1
            self.problems.append(Problem("document.character", {}, self.name, line))
            return None
        if not isinstance(node, MappingNode):
            self.problems.append(Problem("document.not_a_mapping", {}, self.name, 1, 1))
            return None
        self._check_duplicates(node)
        return node

    def _stop(self, text: str) -> Problem | None:
        """What must not be read further: an alias, or values so deep in each other that libyaml, which calls itself for each, ends the process."""
        depth = 0
        for token in yaml.scan(text, CoreLoader):
            depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
            place = self.name, token.start_mark.line + 1, token.start_mark.column + 1
            if depth > MAX_DEPTH:
                return Problem("document.too_deep", {"limit": MAX_DEPTH}, *place)
            if isinstance(token, yaml.AliasToken):
                return Problem("document.alias", {"alias": token.value}, *place)
        return None

    def _check_duplicates(self, node: Node) -> None:
        if isinstance(node, MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if not isinstance(key, ScalarNode):
                    self.problem("document.key", key)
                elif key.value in seen:
                    self.problem("document.twice", key, key=key.value)
                else:
                    seen.add(key.value)
                self._check_duplicates(value)
        elif isinstance(node, SequenceNode):
            for item in node.value:
                self._check_duplicates(item)

    def problem(self, code: str, node: Node | None, /, path: str = "", **facts: object) -> None:
        line, column = (node.start_mark.line + 1, node.start_mark.column + 1) if node else (1, 1)
        self.problems.append(Problem(code, facts, self.name, line, column, path))

    def unknown(self, node: Node, word: str, known: Iterable[str], what: str) -> None:
        """Record that `word` is no known key, with the nearest known one."""
        names = sorted(known)
        near = closest(word, names)
        code = "document.unknown_near" if near else "document.unknown"
        self.problem(code, node, word=word, what=what, suggestion=near, known=", ".join(names))

    def entries(self, node: Node | None, known: Iterable[str] | None = None, what: str = "") -> dict[str, tuple[Node, Node]]:
        """Key -> (key node, value node) of a mapping; keys outside `known` are recorded and left out."""
        if node is None:
            return {}
        if not isinstance(node, MappingNode):
            if not is_null(node):
                self.problem("document.want_mapping", node, what)
            return {}
        allowed = None if known is None else set(known)
        found: dict[str, tuple[Node, Node]] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                continue
            if allowed is not None and key.value not in allowed:
                self.unknown(key, key.value, allowed, what)
                continue
            found[key.value] = (key, value)
        return found

    def items(self, node: Node | None, what: str) -> Sequence[Node]:
        """The nodes of a list; a single value counts as a list of one."""
        if node is None or is_null(node):
            return ()
        if isinstance(node, SequenceNode):
            return list(node.value)
        if isinstance(node, ScalarNode):
            return (node,)
        self.problem("document.want_list", node, what)
        return ()

    def text(self, node: Node | None, what: str, *, choices: Sequence[str] = ()) -> str:
        """A non-empty text; numbers and booleans are refused only where `choices` are given."""
        if node is None:
            return ""
        if not isinstance(node, ScalarNode) or is_null(node):
            self.problem("document.blank" if is_null(node) else "document.want_text", node, what)
            return ""
        if choices and node.value not in choices:
            near = closest(node.value, choices)
            code = "document.choice_near" if near else "document.choice"
            self.problem(code, node, what, word=node.value, suggestion=near, known=", ".join(choices))
            return ""
        return str(node.value).strip()

    def flag(self, node: Node | None, what: str) -> bool:
        value = plain(node)
        if node is not None and not isinstance(value, bool):
            self.problem("document.want_flag", node, what)
        return value is True

    def number(self, node: Node | None, what: str) -> float | None:
        value = plain(node)
        if isinstance(value, bool) or not isinstance(value, int | float):
            if node is not None:
                self.problem("document.want_number", node, what)
            return None
        return value


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def plain(node: Node | None) -> Any:
    """The value below `node` as dict, list, str, int, float, bool or None."""
    if node is None:
        return None
    if isinstance(node, MappingNode):
        return {str(key.value): plain(value) for key, value in node.value if isinstance(key, ScalarNode)}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.value]
    kind, word = node.tag.rpartition(":")[2], str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return word.lower() == "true"
    if kind in {"int", "float"}:
        try:
            return int(word) if kind == "int" else float(word)
        except ValueError:  # an explicit tag (!!int x) or a number beyond what Python reads: it stays text
            return word
    return word


def locate(node: Node, path: Sequence[str | int]) -> Node:
    """The node `path` leads to, or the last one that exists on the way."""
    for part in path:
        if isinstance(node, MappingNode):
            value = next((value for key, value in node.value if isinstance(key, ScalarNode) and key.value == part), None)
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            value = node.value[part]
        else:
            value = None
        if value is None:
            return node
        node = value
    return node
