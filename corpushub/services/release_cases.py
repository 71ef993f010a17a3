"""What is kept of a release: the values doors show, and the rows its case and documents hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from corpushub.base.identity import digest_of, sha256
from corpushub.domain.build import Built, Progress, silent
from corpushub.domain.card_markdown import body
from corpushub.domain.parties import Actor
from corpushub.domain.places import by_gates
from corpushub.domain.policy import SourceGrant
from corpushub.domain.recipe import Recipe
from corpushub.domain.release import Change, Manifest, Tombstone, Version
from corpushub.domain.workflow import Case
from corpushub.services.card_facts import verdict_rows
from corpushub.services.changes import summary_of
from corpushub.services.release_folder import Folder
from corpushub.store.db import Unit


class BuildRecord(Protocol):
    """A finished build as `services.builds` keeps it."""

    @property
    def id(self) -> str: ...
    @property
    def recipe(self) -> Recipe: ...
    @property
    def built(self) -> Built: ...
    @property
    def folder(self) -> Path: ...
    @property
    def grants(self) -> Sequence[SourceGrant]: ...
    @property
    def built_by(self) -> str: ...
    @property
    def builder_org(self) -> str: ...
    @property
    def sample(self) -> int: ...


class Builds(Protocol):
    def get(self, actor: Actor, build_id: str) -> BuildRecord: ...
    def again(self, record: Any, scratch: Path, progress: Progress = silent) -> Built: ...
    def secret(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Release:
    """A published version. `state` is the case's: released, superseded, quarantined or withdrawn."""

    dataset: str
    version: str
    case: str
    manifest_digest: str
    commit: str
    day: str
    rows: int
    bytes: int
    state: str
    logical_digest: str = ""
    recipe_digest: str = ""
    previous: str = ""
    title: Mapping[str, str] = field(default_factory=dict)
    tombstone: Tombstone | None = None

    @property
    def tag(self) -> str:
        return f"v{self.version}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an approver looks at on one page."""

    manifest: Manifest
    gates: Sequence[Mapping[str, Any]]
    diff: Change | None
    pii: Mapping[str, Any]
    card_zh: str
    card_en: str
    example: Mapping[str, str] = field(default_factory=dict)
    places: Sequence[Mapping[str, Any]] = ()  # rows that gates found, with the gate


def key_of(dataset: str, version: str) -> str:
    return f"{dataset}@{version}"


def by_version(release: Release) -> Version:
    return Version.parse(release.version)


def newest_first(release: Release) -> tuple[str, int, int, int]:
    version = Version.parse(release.version)
    return release.dataset, -version.major, -version.minor, -version.patch


def release_of(case: Case, commit: str) -> Release:
    data = case.data
    stone = data.get("tombstone")
    tomb = Tombstone(
        data["dataset"], data["version"], stone["digest"], stone["reason"], stone.get("successor", ""), stone["day"]
    ) if stone else None  # fmt: skip
    facts = data.get("facts", {})
    return Release(
        dataset=data["dataset"], version=data["version"], case=case.id, manifest_digest=data["manifest_digest"], commit=commit,
        day=str(facts.get("day", "")), rows=int(data.get("rows") or 0), bytes=int(data.get("bytes") or 0), state=case.state,
        logical_digest=data.get("logical_digest", ""), recipe_digest=data["recipe_digest"], previous=data.get("previous", ""),
        title=data.get("title", {}), tombstone=tomb,
    )  # fmt: skip


def history_of(unit: Unit, dataset: str) -> Iterable[Mapping[str, str]]:
    """Versions so far, newest first, as the changelog shows them."""
    rows = unit.cases.list(flow="release", subject=dataset, states=("released", "superseded", "quarantined", "withdrawn"))
    for case in sorted(rows, key=case_version, reverse=True):
        facts = case.data.get("facts", {})
        yield {"version": case.data["version"], "day": str(facts.get("day", "")), "summary": str(facts.get("summary", ""))}


def case_version(case: Case) -> Version:
    return Version.parse(str(case.data["version"]))


def case_data(
    folder: Folder, record: BuildRecord, change: Change | None, notes: Mapping[str, Any], actor: Actor
) -> dict[str, Any]:
    """What the release case keeps: digests, verdicts and the few facts lists show."""
    manifest, facts = folder.manifest, folder.made.facts
    return {
        "dataset": manifest.dataset,
        "version": manifest.version,
        "manifest_digest": manifest.digest,
        "recipe_digest": manifest.recipe_digest,
        "logical_digest": manifest.logical_digest,
        "card_digest": sha256(folder.documents["README.md"]),
        "gates_digest": sha256(folder.documents["gates.json"]),
        "built_by": record.built_by or actor.person,
        "builder_org": record.builder_org or actor.org,
        "gates": verdict_rows(facts.verdicts),
        "build": record.id,
        "previous": manifest.previous,
        "resources": sorted({source.resource for source in facts.recipe.sources}),
        "grants": [plain(asdict(grant)) for grant in record.grants],
        "purpose": facts.recipe.purpose,
        "licence": facts.recipe.licence.name or facts.recipe.licence.id,
        "rows": manifest.rows,
        "bytes": facts.built.bytes,
        "title": dict(facts.recipe.title),
        "notes": dict(notes),
        "change": replace(change, examples={}).to_json() if change else {},  # keys of rows stay out of the ledger
        "facts": {
            "day": manifest.day,
            "summary": summary_of(change),
            "files": len(manifest.files),
            "plan": digest_of(manifest.fingerprint),
        },
    }


def plain(value: Any) -> Any:
    """Tuples and sets as lists, for JSON."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def evidence_data(folder: Folder, change: Change | None) -> dict[str, Any]:
    facts = folder.made.facts
    return {
        "card_zh": body(facts, "zh"),
        "card_en": body(facts, "en"),
        "change": change.to_json() if change else None,
        "pii": {
            "entities": [asdict(entity) for entity in facts.built.entities],
            "residual": facts.measures.get("pii_residual"),
            "roles": list(folder.made.screened.get("roles", ())),
        },
        "places": by_gates(folder.made.screened, folder.made.places),
        "example": dict(facts.example),
        "key": facts.recipe.contract.key,
    }
