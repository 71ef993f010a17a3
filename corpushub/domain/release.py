"""A release as a value: what it is made of, what its version must be, how it differs from the one before, what stays when it goes.

1. The manifest names every file of the release folder by SHA-256; its own digest is what is gated, approved and published (INV-07).
2. Version rule (Croissant 1.1): same logical digest -> PATCH; rows or columns only added -> MINOR; a row removed, changed or moved
   to another split, or a column removed or retyped -> MAJOR. The diff decides, nobody may state less.
3. A withdrawn release leaves a tombstone with its digest, reason and successor; the version is never used again (INV-13).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.base.identity import digest_of

_VERSION = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})", re.ASCII)
FIRST = "1.0.0"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """`MAJOR.MINOR.PATCH`; orders as numbers do."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, words: str) -> Version:
        """Raises: Invalid("releases.version_form")."""
        if not (found := _VERSION.fullmatch(words.removeprefix("v"))):
            raise Invalid("releases.version_form", version=words)
        return cls(*(int(part) for part in found.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def tag(self) -> str:
        """The Git-style tag clients pull: `v1.2.0`."""
        return f"v{self}"


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a release folder. `path` is relative with `/`."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Schema:
    """Column name to Hugging Face type, in order."""

    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """How a release differs from the one before it, in rows and columns. `examples` are keys of rows by kind, capped, never other cells."""

    previous: str
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    moved: int
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_retyped: tuple[str, ...] = ()
    drift: Mapping[str, float] = field(default_factory=dict)  # column -> population stability index
    gates: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # gate -> status before, after
    licence: tuple[str, str] = ("", "")
    same_data: bool = False
    uncounted: bool = False  # the content differs, but only the figures of the version before are at hand, not its rows
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        columns = self.columns_added or self.columns_removed or self.columns_retyped
        return not (self.added or self.removed or self.changed or self.moved or self.uncounted or columns)

    @property
    def level(self) -> str:
        """`patch`, `minor` or `major`: the least the next version must rise."""
        if self.removed or self.changed or self.moved or self.uncounted or self.columns_removed or self.columns_retyped:
            return "major"
        return "minor" if self.added or self.columns_added or not (self.same_data or self.is_empty) else "patch"

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        value["level"] = self.level
        value["gates"] = {name: list(pair) for name, pair in self.gates.items()}
        value["examples"] = {kind: list(keys) for kind, keys in self.examples.items()}
        return {key: list(item) if isinstance(item, tuple) else item for key, item in value.items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Change:
        rows: dict[str, Any] = {
            key: tuple(item) if isinstance(item, list) else item for key, item in value.items() if key != "level"
        }
        rows["gates"] = {name: (pair[0], pair[1]) for name, pair in value.get("gates", {}).items()}
        rows["examples"] = {kind: tuple(keys) for kind, keys in value.get("examples", {}).items()}
        return cls(**rows)


def next_version(previous: str, change: Change) -> Version:
    """The version that `change` asks for after `previous`; `1.0.0` where there is none before."""
    if not previous:
        return Version.parse(FIRST)
    last = Version.parse(previous)
    match change.level:
        case "major":
            return Version(last.major + 1, 0, 0)
        case "minor":
            return Version(last.major, last.minor + 1, 0)
        case _:
            return Version(last.major, last.minor, last.patch + 1)


def check_version(stated: str, previous: str, change: Change | None) -> Version:
    """The stated version, when it rises at least as much as the data ask.

    Raises: Invalid("releases.version_form" | "releases.version_too_low" | "releases.version_not_new").
    """
    version = Version.parse(stated)
    if not previous or change is None:
        return version
    if version <= Version.parse(previous):
        raise Invalid("releases.version_not_new", version=stated, previous=previous)
    if version < (least := next_version(previous, change)):
        raise Invalid("releases.version_too_low", version=stated, least=str(least), level=change.level)
    return version


def column_changes(before: Iterable[tuple[str, str]], after: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Names of columns added, removed and retyped."""
    old, new = dict(before), dict(after)
    return {
        "columns_added": tuple(name for name in new if name not in old),
        "columns_removed": tuple(name for name in old if name not in new),
        "columns_retyped": tuple(name for name in new if name in old and old[name] != new[name]),
    }


@dataclass(frozen=True, slots=True)
class Manifest:
    """The frozen content of a release; `digest` is its identity."""

    dataset: str
    version: str
    day: str  # ISO date of the proposal: the only date in any file
    recipe_digest: str
    fingerprint: str
    logical_digest: str
    rows: int
    files: tuple[Item, ...]
    previous: str = ""
    sources: tuple[str, ...] = ()  # digests

    @property
    def digest(self) -> str:
        return digest_of(self.to_json())

    @property
    def bytes(self) -> int:
        return sum(item.bytes for item in self.files)

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        value["files"] = [asdict(item) for item in self.files]
        value["sources"] = list(self.sources)
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Manifest:
        files = tuple(Item(**item) for item in value["files"])
        return cls(**{**value, "files": files, "sources": tuple(value.get("sources", ()))})

    def file(self, path: str) -> Item | None:
        return next((item for item in self.files if item.path == path), None)

    def checksums(self) -> str:
        """Content of `SHA256SUMS`, as `sha256sum -c` reads it: every other file, sorted by path."""
        return "".join(f"{item.sha256}  {item.path}\n" for item in sorted(self.files, key=path_of) if item.path != "SHA256SUMS")


def path_of(item: Item) -> str:
    return item.path


def parse_checksums(words: str) -> dict[str, str]:
    """Path to SHA-256 of a `SHA256SUMS` file; lines of another form are left out."""
    rows = (line.split("  ", 1) for line in words.splitlines())
    return {row[1]: row[0] for row in rows if len(row) == 2 and re.fullmatch(r"[0-9a-f]{64}", row[0])}


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What a withdrawn release leaves: enough to recognise copies and to find what replaces it."""

    dataset: str
    version: str
    manifest_digest: str
    reason: str
    successor: str
    day: str
