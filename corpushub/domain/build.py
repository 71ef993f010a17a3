"""What a build leaves behind, as plain values: the bridge between the engine that computes and the release, card and gates that judge.

Everything here is a pure function of recipe and input; no clock, host or thread count is in it. `to_json`/`from_json` round-trip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """One tick of long work: `done` of `total` `unit`s of `stage`; total 0 means unknown."""

    stage: str
    done: int
    total: int
    unit: str = "rows"
    rate: float = 0.0  # units per second
    eta_seconds: float = 0.0


Progress = Callable[[ProgressEvent], None]


def silent(_: ProgressEvent) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A Parquet file of the release. `path` is relative, `data/<split>-00000-of-00001.parquet` (with `<config>/` where configs exist)."""

    path: str
    config: str
    split: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SourceFact:
    """One opened source. `digest` is the SHA-256 of its bytes; `quarantined` rows could not be read and are listed by line and reason."""

    name: str
    resource: str
    format: str
    encoding: str
    digest: str
    bytes: int
    rows: int
    quarantined: int
    files: int = 1
    quarantine_reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def unreadable(self) -> int:
        """Rows that could not be read: a note below a table is set aside too, but is no row of it."""
        return self.quarantined - self.quarantine_reasons.get("footer", 0)


@dataclass(frozen=True, slots=True)
class StepFact:
    """One step's part of the funnel: rows in, rows out, rows whose content changed, and rows dropped by named reason."""

    index: int
    step: str
    version: int
    params: Mapping[str, Any]
    rows_in: int
    rows_out: int
    changed: int
    dropped: Mapping[str, int]
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EntityFact:
    """Personal information of one kind: found, replaced, and what a second scan of the output still finds."""

    entity: str
    found: int
    replaced: int
    kept: int
    residual: int
    action: str


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A released column as the contract and the data tell it; `profile` holds one-pass statistics (see engine.profile)."""

    name: str
    dtype: str  # Hugging Face feature type: string, int64, float64, bool, timestamp[us], list<string> ...
    nullable: bool
    description: Mapping[str, str]
    profile: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Built:
    """A finished build. `folder` layout: data/…, provenance/lineage.parquet, provenance/drops.parquet, reports/*.json."""

    dataset: str
    recipe_digest: str
    fingerprint: str  # digest of plan and inputs: equal means nothing to compute
    logical_digest: str  # digest over sorted row digests and schema: equal means the same data whatever wrote it
    files: tuple[BuiltFile, ...]
    columns: tuple[ColumnFact, ...]
    sources: tuple[SourceFact, ...]
    steps: tuple[StepFact, ...]
    entities: tuple[EntityFact, ...]
    measures: Mapping[str, float]  # by measure id, see domain/measures.py
    tools: Mapping[str, str]  # library versions that shape bytes
    quality: Mapping[str, Any] = field(default_factory=dict)
    privacy: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Built:
        kinds: dict[str, Any] = {
            "files": BuiltFile,
            "columns": ColumnFact,
            "sources": SourceFact,
            "steps": StepFact,
            "entities": EntityFact,
        }
        parts: dict[str, Any] = dict(value)
        for name, kind in kinds.items():
            parts[name] = tuple(kind(**row) for row in parts[name])
        return cls(**parts)
