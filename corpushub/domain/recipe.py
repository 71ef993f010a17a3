"""The recipe: sources, contract, steps, gates and card prose of one dataset, as a document a curator writes.

`Recipe.parse` reads everything, reports every problem at once with line, column and a suggestion, and never opens a source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError
from yaml.nodes import MappingNode, Node

from corpushub.base.errors import Invalid, Problem
from corpushub.base.identity import is_repo_id, sha256
from corpushub.base.suggest import closest
from corpushub.domain.document import Document, locate, plain

DTYPES = ("str", "int", "float", "bool", "date", "datetime", "list")
PII = ("scrub", "keep", "none")
ROLES = ("direct", "quasi", "sensitive", "insensitive")
CARD_LANGS = ("zh", "en")
CHECKS = ("min_len", "max_len", "regex", "in", "min", "max", "unit", "vocabulary", "example")
LIMITS = (
    "max_quarantine_ratio",
    "max_archive_bytes",
    "max_archive_depth",
    "max_archive_ratio",
    "max_line_bytes",
    "max_document_bytes",
)
SECTIONS = (
    "summary", "uses", "out_of_scope", "limitations", "biases", "collection", "maintenance", "contact", "evidence", "citation", "annotation",
    "update", "instruction", "curation", "social_impact",
)  # fmt: skip
SOURCE_KEYS = (
    "resource", "from", "select", "format", "encoding", "delimiter", "quote", "header", "columns", "skip_rows", "footer_rows", "sheet", "members",
    "records", "nulls", "add", "table", "query", "role",
)  # fmt: skip
# What a source's option must look like; any other is text.
WHOLE_NUMBER, YES_OR_NO, LIST, MAPPING, LETTER, TEXT_OR_NUMBER = (
    "whole_number",
    "yes_or_no",
    "list",
    "mapping",
    "letter",
    "text_or_number",
)
OPTION_KINDS = {
    "skip_rows": WHOLE_NUMBER, "footer_rows": WHOLE_NUMBER, "header": YES_OR_NO, "columns": LIST, "nulls": LIST, "add": MAPPING,
    "delimiter": LETTER, "quote": LETTER, "sheet": TEXT_OR_NUMBER,
}  # fmt: skip
TOP_KEYS = (
    "dataset", "title", "purpose", "licence", "sources", "contract", "steps", "gates", "card", "limits", "tags", "languages", "tasks",
)  # fmt: skip


def is_of(kind: str, value: Any) -> bool:
    """Does a source's option look like what it must be?"""
    match kind:
        case "whole_number":
            return type(value) is int and value >= 0
        case "yes_or_no":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list) and all(isinstance(item, str | int) for item in value)
        case "mapping":
            return isinstance(value, dict)
        case "letter":
            return isinstance(value, str) and (len(value) == 1 or value in {"tab", "\\t"})
        case "text_or_number":
            return isinstance(value, str) or type(value) is int
        case _:
            return isinstance(value, str)


class StepSpec(Protocol):
    """What the recipe must know of a step: its parameters' model."""

    @property
    def params(self) -> type[BaseModel]: ...


@dataclass(frozen=True, slots=True)
class SourceRef:
    """One input. `address` is relative to the recipe file, or s3:// https:// sqlite:// postgresql://; `options` steer the reader.

    `select` limits and orders the columns; `options["rename"]` maps the source's names to ours; `options["role"] == "table"` keeps a
    source out of the rows: it only serves `lookup` and `join`.
    """

    name: str
    resource: str
    address: str
    select: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the released data as promised. `checks`: min_len, max_len, regex, in, min, max, unit, vocabulary."""

    name: str
    dtype: str = "str"
    required: bool = False
    unique: bool = False
    pii: str = "none"
    role: str = ""
    checks: Mapping[str, Any] = field(default_factory=dict)
    description: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


QUALITY = ("validity", "completeness", "accuracy", "consistency", "timeliness")
"""Characteristics of quality a contract may set a threshold for (GB/T 36344-2018)."""


@dataclass(frozen=True, slots=True)
class Contract:
    key: str = ""
    columns: tuple[Column, ...] = ()
    rules: tuple[Mapping[str, str], ...] = ()  # {name, expr}: an SQL condition every row must meet
    timeliness: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)  # of `QUALITY`: the least share of good values or rows

    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def roles(self, role: str) -> tuple[str, ...]:
        """Columns with this disclosure role."""
        return tuple(column.name for column in self.columns if column.role == role)


@dataclass(frozen=True, slots=True)
class StepCall:
    step: str
    params: Mapping[str, Any]
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Licence:
    id: str
    name: str = ""
    link: str = ""
    text: str = ""  # file beside the recipe


@dataclass(frozen=True)
class Recipe:
    dataset: str
    title: Mapping[str, str]
    purpose: str
    licence: Licence
    sources: tuple[SourceRef, ...]
    contract: Contract
    steps: tuple[StepCall, ...]
    gates: Mapping[str, float] = field(default_factory=dict)
    card: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    text: str = ""
    name: str = ""

    @property
    def stated(self) -> Mapping[str, float]:
        """Thresholds the recipe states for its gates, by gate or measure; those of the contract by the measure of that quality."""
        return {**{f"quality_{name}": least for name, least in self.contract.thresholds.items()}, **self.gates}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the document as written."""
        return sha256(self.text.encode())

    @classmethod
    def parse(cls, text: str, *, name: str, steps: Mapping[str, StepSpec]) -> Recipe:
        """The recipe in `text`; `name` is the file's name for messages.

        Raises: Invalid("recipe.invalid") with every problem found.
        """
        document = Document(text, name)
        recipe = None
        if document.root is not None:
            recipe = RecipeReader(document, steps).read(text)
        if recipe is None or document.problems:
            ordered = sorted(document.problems, key=place_of)
            raise Invalid("recipe.invalid", problems=ordered, file=name, count=len(ordered))
        return recipe


def place_of(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column


@dataclass(frozen=True, slots=True)
class RecipeReader:
    """Reads one document; each method reads one part and records what is wrong."""

    document: Document
    known: Mapping[str, StepSpec]

    def read(self, text: str) -> Recipe:
        doc = self.document
        top = doc.entries(doc.root, TOP_KEYS, "recipe")
        nodes = {key: value for key, (_, value) in top.items()}
        for key in ("dataset", "title", "purpose", "licence", "sources", "steps"):
            if key not in nodes:
                doc.problem("recipe.missing", doc.root, key=key)
        dataset = doc.text(nodes.get("dataset"), "dataset")
        if dataset and not is_repo_id(dataset):
            doc.problem("recipe.dataset_name", nodes["dataset"], name=dataset)
        contract = self.contract(nodes.get("contract"))
        return Recipe(
            dataset=dataset,
            title=self.words(nodes.get("title"), "title"),
            purpose=doc.text(nodes.get("purpose"), "purpose"),
            licence=self.licence(nodes.get("licence")),
            sources=self.sources(nodes.get("sources")),
            contract=contract,
            steps=self.steps(nodes.get("steps")),
            gates=self.numbers(nodes.get("gates"), "gates"),
            card=self.card(nodes.get("card")),
            limits=self.numbers(nodes.get("limits"), "limits", LIMITS),
            tags=self.names(nodes.get("tags"), "tags"),
            languages=self.names(nodes.get("languages"), "languages"),
            tasks=self.names(nodes.get("tasks"), "tasks"),
            text=text,
            name=doc.name,
        )

    def names(self, node: Node | None, what: str) -> tuple[str, ...]:
        return tuple(self.document.text(item, what) for item in self.document.items(node, what))

    def words(self, node: Node | None, what: str) -> dict[str, str]:
        """Text by language; both of zh and en are wanted."""
        found = self.document.entries(node, CARD_LANGS, what)
        for lang in CARD_LANGS:
            if node is not None and isinstance(node, MappingNode) and lang not in found:
                self.document.problem("recipe.language_missing", node, what, lang=lang)
        return {lang: self.document.text(value, f"{what}.{lang}") for lang, (_, value) in found.items()}

    def numbers(self, node: Node | None, what: str, known: tuple[str, ...] | None = None) -> dict[str, float]:
        found = {}
        for key, (_, value) in self.document.entries(node, known, what).items():
            number = self.document.number(value, f"{what}.{key}")
            if number is not None:
                found[key] = number
        return found

    def licence(self, node: Node | None) -> Licence:
        found = self.document.entries(node, ("id", "name", "link", "text"), "licence")
        values = {key: self.document.text(value, f"licence.{key}") for key, (_, value) in found.items()}
        if isinstance(node, MappingNode) and not values.get("id"):
            self.document.problem("recipe.missing", node, key="licence.id")
        return Licence(**{"id": "", **values})

    def sources(self, node: Node | None) -> tuple[SourceRef, ...]:
        found = self.document.entries(node, None, "sources")
        if isinstance(node, MappingNode) and not found:
            self.document.problem("recipe.missing", node, key="sources")
        return tuple(self.source(name, key, value) for name, (key, value) in found.items())

    def source(self, name: str, key: Node, node: Node) -> SourceRef:
        doc, what = self.document, f"sources.{name}"
        fields = {word: value for word, (_, value) in doc.entries(node, SOURCE_KEYS, what).items()}
        if "resource" not in fields:
            doc.problem("recipe.source_resource", key, source=name)
        options = {word: plain(value) for word, value in fields.items() if word not in {"resource", "from", "select"}}
        for word, value in options.items():
            kind = OPTION_KINDS.get(word, "text")
            if not is_of(kind, value):
                doc.problem(f"recipe.option_{kind}", fields[word], option=word)
        select, rename = self.select(fields.get("select"), f"{what}.select")
        if rename:
            options["rename"] = rename
        return SourceRef(
            name=name,
            resource=doc.text(fields.get("resource"), f"{what}.resource"),
            address=doc.text(fields.get("from"), f"{what}.from") if "from" in fields else "",
            select=select,
            options=options,
            line=key.start_mark.line + 1,
        )

    def select(self, node: Node | None, what: str) -> tuple[tuple[str, ...], dict[str, str]]:
        """`[a, b]`, or `{ours: theirs}` to rename; gives (their columns, theirs -> ours)."""
        if isinstance(node, MappingNode):
            pairs = {
                ours: self.document.text(value, what) for ours, (_, value) in self.document.entries(node, None, what).items()
            }
            return tuple(pairs.values()), {theirs: ours for ours, theirs in pairs.items() if ours != theirs}
        return self.names(node, what), {}

    def contract(self, node: Node | None) -> Contract:
        doc = self.document
        found = doc.entries(node, ("key", "columns", "rules", "timeliness", "thresholds"), "contract")
        nodes = {key: value for key, (_, value) in found.items()}
        columns = tuple(
            self.column(name, value) for name, (_, value) in doc.entries(nodes.get("columns"), None, "contract.columns").items()
        )
        key = doc.text(nodes.get("key"), "contract.key") if "key" in nodes else ""
        known = [column.name for column in columns]
        if key and key not in known:
            near = closest(key, known)
            code = "recipe.key_unknown_near" if near else "recipe.key_unknown"
            doc.problem(code, nodes["key"], key=key, suggestion=near)
        rules = []
        for item in doc.items(nodes.get("rules"), "contract.rules"):
            parts = {
                word: doc.text(value, f"contract.rules.{word}")
                for word, (_, value) in doc.entries(item, ("name", "expr")).items()
            }
            if not parts.get("name") or not parts.get("expr"):
                doc.problem("recipe.rule", item)
            rules.append(parts)
        return Contract(
            key=key,
            columns=columns,
            rules=tuple(rules),
            timeliness=plain(nodes.get("timeliness")) or {},
            thresholds=self.numbers(nodes.get("thresholds"), "contract.thresholds", QUALITY),
        )

    def column(self, name: str, node: Node) -> Column:
        doc, what = self.document, f"contract.columns.{name}"
        known = ("dtype", "required", "unique", "pii", "role", "desc", "description", *CHECKS)
        fields = {word: value for word, (_, value) in doc.entries(node, known, what).items()}
        words = fields.get("desc") or fields.get("description")
        return Column(
            name=name,
            dtype=doc.text(fields.get("dtype"), f"{what}.dtype", choices=DTYPES) or "str",
            required=doc.flag(fields.get("required"), f"{what}.required"),
            unique=doc.flag(fields.get("unique"), f"{what}.unique"),
            pii=doc.text(fields.get("pii"), f"{what}.pii", choices=PII) or "none",
            role=doc.text(fields.get("role"), f"{what}.role", choices=ROLES),
            checks={word: plain(value) for word, value in fields.items() if word in CHECKS},
            description=self.words(words, f"{what}.desc"),
            line=node.start_mark.line + 1,
        )

    def card(self, node: Node | None) -> dict[str, dict[str, str]]:
        """Prose by language and section; a plain text is the summary."""
        card: dict[str, dict[str, str]] = {}
        for lang, (_, value) in self.document.entries(node, CARD_LANGS, "card").items():
            if isinstance(value, MappingNode):
                found = self.document.entries(value, SECTIONS, f"card.{lang}")
                card[lang] = {word: self.document.text(part, f"card.{lang}.{word}") for word, (_, part) in found.items()}
            else:
                card[lang] = {"summary": self.document.text(value, f"card.{lang}")}
        return card

    def steps(self, node: Node | None) -> tuple[StepCall, ...]:
        return tuple(call for item in self.document.items(node, "steps") if (call := self.step(item)))

    def step(self, item: Node) -> StepCall | None:
        """One `- name: {parameters}`, or `- name` alone."""
        doc = self.document
        if isinstance(item, MappingNode) and len(item.value) == 1:
            key, body = item.value[0]
            name = str(key.value)
        elif not isinstance(item, MappingNode) and isinstance(plain(item), str):
            key, body, name = item, None, str(plain(item))
        else:
            doc.problem("recipe.step_shape", item)
            return None
        if name not in self.known:
            doc.unknown(key, name, self.known, "steps")
            return None
        params = plain(body)
        if params is None:
            params = {}
        if not isinstance(params, dict):
            doc.problem("document.want_mapping", body, name)
            return None
        self.check_params(name, key, body, params)
        return StepCall(name, params, key.start_mark.line + 1, key.start_mark.column + 1)

    def check_params(self, name: str, key: Node, body: Node | None, params: dict[str, Any]) -> None:
        model = self.known[name].params
        try:
            model.model_validate(params)
        except ValidationError as error:
            for found in error.errors(include_url=False, include_input=False):
                self.param_problem(name, key, body, dict(found))

    def param_problem(self, name: str, key: Node, body: Node | None, found: dict[str, Any]) -> None:
        doc, path = self.document, [str(part) if not isinstance(part, int) else part for part in found["loc"]]
        where = ".".join(str(part) for part in path)
        node = locate(body, path) if body is not None else key
        if found["type"] == "extra_forbidden":
            key_node = self.key_node(body, path) or node
            known = names_at(self.known[name].params, path[:-1])
            doc.unknown(key_node, str(path[-1]), known, ".".join([name, *map(str, path[:-1])]))
        elif found["type"] == "missing":
            doc.problem("recipe.param_missing", key, step=name, param=where)
        else:
            doc.problem("recipe.param_wrong", node, step=name, param=where, reason=found["msg"])

    @staticmethod
    def key_node(body: Node | None, path: list[str | int]) -> Node | None:
        parent = locate(body, path[:-1]) if body is not None else None
        if not isinstance(parent, MappingNode):
            return None
        return next((key for key, _ in parent.value if key.value == path[-1]), None)


def names_at(model: type[BaseModel], path: Sequence[str | int]) -> tuple[str, ...]:
    """What a step's parameters may be called at `path`, inside a parameter that has parts of its own."""
    schema = model.model_json_schema()
    node = schema
    for part in path:
        inside = node.get("properties", {}).get(part) or node.get("additionalProperties") or node.get("items")
        node = inside if isinstance(inside, dict) else {}
        node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    return tuple(node.get("properties", ()))
