"""Releases: propose a build, publish what was approved, withdraw, compare. A release is a tag on a repository of objects.

Order of writes, so that a kill at any moment leaves nothing half there: bytes to the object store, then one transaction with the case
event, its ledger leaf, the commit and the tag. What is published has the digest that was gated and approved (INV-07).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from corpushub.base.errors import Conflict, NotFound
from corpushub.base.identity import Clock, business_day, canonical, digest_of, sha256, system_clock
from corpushub.base.signing import SigningKey
from corpushub.domain.build import Built
from corpushub.domain.card_markdown import body
from corpushub.domain.parties import Actor
from corpushub.domain.policy import SourceGrant
from corpushub.domain.recipe import Recipe
from corpushub.domain.release import Change, Item, Manifest, Tombstone, Version, check_version, next_version
from corpushub.domain.tree import Entry, entry_for, is_large, large_entry
from corpushub.domain.workflow import Case
from corpushub.services.approvals import approval_record
from corpushub.services.card_facts import Inputs, verdict_rows
from corpushub.services.changes import Rows, change_between, summary_of
from corpushub.services.release_folder import Folder, assemble
from corpushub.services.rights import catalog_measures, origins_of, publisher_of
from corpushub.store.db import Database, Unit
from corpushub.store.objects import Objects

if TYPE_CHECKING:
    from corpushub.services.cases import Cases

MANIFESTS, RELEASES, DRAFTS = "manifest", "release", "draft"
APPROVALS = "provenance/approvals.json"
STOPPED = {"quarantined": "quarantined", "withdrawn": "withdrawn", "released": "", "superseded": ""}


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


class Releases:
    """Acts on releases; every method is one transaction after its bytes are stored."""

    def __init__(
        self,
        *,
        database: Database,
        objects: Objects,
        cases: Cases,
        builds: Builds,
        key: SigningKey | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.database = database
        self.objects = objects
        self.cases = cases
        self.builds = builds
        self.key = key
        self.clock = clock
        cases.followers["release"] = self.follow  # whichever door withdraws a release, its tag stops in the same transaction

    # -- proposing ----------------------------------------------------------------------------------------------------------

    def propose(self, actor: Actor, build_id: str, *, version: str | None = None, notes: Mapping[str, Any] | None = None) -> Case:
        """Gate a build and open its release case; the case is `gated`, or `blocked` where a gate stops it.

        Raises: NotFound("build.unknown"), Conflict("releases.sample_build"), Invalid("releases.version_*" | "gate.unknown_names").
        """
        record = self.builds.get(actor, build_id)
        if record.sample:
            raise Conflict("releases.sample_build", build=build_id)
        folder, change = self.draft(record, version, actor.org)
        stored = self.store(folder)
        with self.database.begin() as unit:
            unit.documents.put(MANIFESTS, folder.manifest.digest, {"manifest": folder.manifest.to_json(), "documents": stored})
            case = self.cases.open_in(unit, actor, "release", case_data(folder, record, change, notes or {}, actor))
            unit.documents.put(DRAFTS, case.id, evidence_data(folder, change))
        return case

    def draft(self, record: BuildRecord, version: str | None, org: str) -> tuple[Folder, Change | None]:
        """The release folder of a build, with the version its difference to the last release asks for."""
        recipe, day = record.recipe, business_day(self.clock())
        with self.database.read() as unit:
            last = self.latest(unit, recipe.dataset)
            origins = origins_of(unit, record.grants)
            measures = catalog_measures(unit, recipe, record.grants, day)
            publisher = publisher_of(unit, org)
            history = tuple(history_of(unit, recipe.dataset))
            reviews = unit.documents.get("review_result", record.built.logical_digest) or {}
        change = self.compare(last, record, recipe.contract.key) if last else None
        stated = check_version(version, last.version if last else "", change) if version else None
        chosen = stated or (next_version(last.version, change) if last and change else Version.parse("1.0.0"))
        line = {"version": str(chosen), "day": day.isoformat(), "summary": summary_of(change)}
        inputs = Inputs(
            recipe=recipe, built=record.built, folder=record.folder, version=str(chosen), day=day, origins=origins, publisher=publisher,
            measures={**measures, **reviews.get("measures", {})}, change=change, history=(line, *history), reviews=reviews,
        )  # fmt: skip
        return assemble(inputs, self.key), change

    def compare(self, last: Release, record: BuildRecord, key: str) -> Change:
        with self.database.read() as unit:
            manifest = self.manifest_of(unit, last.manifest_digest)
        with tempfile.TemporaryDirectory() as scratch:
            before = Rows(self.fetch(manifest, Path(scratch)), last.logical_digest)
            after = Rows({file.path: record.folder / file.path for file in record.built.files}, record.built.logical_digest)
            return change_between(last.version, before, after, key)

    def fetch(self, manifest: Manifest, scratch: Path) -> dict[str, Path]:
        """Data files of a release as local paths; copied to `scratch` only where the store is remote."""
        found: dict[str, Path] = {}
        for item in manifest.files:
            if item.path.startswith("data/") and item.path.endswith(".parquet"):
                local = self.objects.local_path(item.sha256)
                if local is None:
                    local = scratch / item.sha256
                    local.write_bytes(self.objects.read(item.sha256))
                found[item.path] = local
        return found

    def store(self, folder: Folder) -> dict[str, str]:
        """Put every byte of the release into the object store; path -> digest."""
        found = {path: self.objects.put_bytes(content) for path, content in folder.documents.items()}
        found |= {path: self.objects.put_file(where) for path, where in folder.data.items()}
        return found

    # -- publishing ---------------------------------------------------------------------------------------------------------

    def publish(self, actor: Actor, case_id: str) -> Release:
        """Make an approved release public: commit, tag and main move in the transaction that writes the event.

        Raises: Conflict("case.wrong_state" | "releases.changed_since_approval" | "release.*"), Forbidden.
        """
        case = self.cases.get(actor, case_id)
        with self.database.read() as unit:
            manifest, stored = self.kept(unit, case)
        entries = [entry_of(item, stored[item.path], self.objects) for item in (*manifest.files, sums_item(manifest, stored))]
        frozen = json.loads(self.objects.read(stored["gates.json"]))
        record = canonical(approval_record(case, manifest, frozen, business_day(self.clock()))) + b"\n"
        self.objects.put_bytes(record)
        entries.append(entry_for(APPROVALS, record))
        with self.database.begin() as unit:
            after = self.cases.execute_in(unit, actor, case_id, "publish", {"manifest_digest": manifest.digest})
            unit.repos.ensure(manifest.dataset, org=str(case.data["builder_org"]), by=actor.person)
            message = f"Release {manifest.version}\n\nmanifest {manifest.digest}\nlogical {manifest.logical_digest}"
            commit = unit.repos.commit(manifest.dataset, entries, message, actor.person, self.clock())
            unit.repos.set_tag(manifest.dataset, f"v{manifest.version}", commit)
            unit.repos.set_branch(manifest.dataset, "main", commit)
            unit.documents.put(RELEASES, key_of(manifest.dataset, manifest.version), {"case": case_id, "commit": commit})
        return release_of(after, commit)

    def kept(self, unit: Unit, case: Case) -> tuple[Manifest, Mapping[str, str]]:
        """The manifest the case approved, and where its bytes lie.

        Raises: Conflict("releases.changed_since_approval") where the stored manifest has another digest.
        """
        digest = str(case.data["manifest_digest"])
        row = unit.documents.get(MANIFESTS, digest)
        if row is None:
            raise Conflict("releases.changed_since_approval")
        manifest = Manifest.from_json(row["manifest"])
        if manifest.digest != digest or any(row["documents"].get(item.path) != item.sha256 for item in manifest.files):
            raise Conflict("releases.changed_since_approval")
        return manifest, row["documents"]

    def follow(self, unit: Unit, case: Case) -> None:
        """Bring the repository's tag in line with the state of its release case; idempotent."""
        if unit.documents.get(RELEASES, key_of(case.data["dataset"], case.data["version"])) is None or case.state not in STOPPED:
            return
        stone = case.data.get("tombstone", {})
        reason = str(stone.get("reason") or case.data.get("reason", ""))
        unit.repos.stop(
            case.data["dataset"], f"v{case.data['version']}", state=STOPPED[case.state], reason=reason, successor=str(stone.get("successor", "")),
        )  # fmt: skip

    def withdraw(self, actor: Actor, case_id: str, reason: str, successor: str = "") -> Case:
        """One person's vote to withdraw; the second completes it and the tombstone stands (INV-13)."""
        return self.cases.execute(actor, case_id, "withdraw", {"reason": reason, "successor": successor})

    # -- asking -------------------------------------------------------------------------------------------------------------

    def get(self, actor: Actor, dataset: str, version: str) -> Release:
        """Raises: NotFound("releases.not_found"). A withdrawn version is still found, with its tombstone."""
        del actor  # what was once public stays citable
        with self.database.read() as unit:
            return self._get(unit, dataset, version.removeprefix("v"))

    def _get(self, unit: Unit, dataset: str, version: str) -> Release:
        row = unit.documents.get(RELEASES, key_of(dataset, version))
        case = unit.cases.get(row["case"]) if row else None
        if row is None or case is None:
            raise NotFound("releases.not_found", dataset=dataset, version=version)
        return release_of(case, row["commit"])

    def list(self, actor: Actor, dataset: str | None = None) -> tuple[Release, ...]:
        """Every published version, newest first within a dataset."""
        del actor
        with self.database.read() as unit:
            return tuple(self._list(unit, dataset))

    def _list(self, unit: Unit, dataset: str | None) -> Sequence[Release]:
        rows = unit.documents.list(RELEASES, prefix=f"{dataset}@" if dataset else "")
        cases = [(unit.cases.get(row["case"]), row["commit"]) for _, row in rows]
        found = [release_of(case, commit) for case, commit in cases if case is not None]
        return sorted(found, key=newest_first)

    def latest(self, unit: Unit, dataset: str) -> Release | None:
        """The highest version that was ever published, withdrawn ones included: numbers are never used twice."""
        return max(self._list(unit, dataset), key=by_version, default=None)

    def manifest_of(self, unit: Unit, digest: str) -> Manifest:
        row = unit.documents.get(MANIFESTS, digest)
        if row is None:
            raise NotFound("releases.manifest_unknown", digest=digest[:12])
        return Manifest.from_json(row["manifest"])

    def manifest(self, actor: Actor, dataset: str, version: str) -> Manifest:
        """Raises: NotFound("releases.not_found")."""
        release = self.get(actor, dataset, version)
        with self.database.read() as unit:
            return self.manifest_of(unit, release.manifest_digest)

    def diff(self, actor: Actor, dataset: str, a: str, b: str) -> Change:
        """How version `b` differs from `a`, row by row.

        Raises: NotFound("releases.not_found"), Invalid("releases.key_missing").
        """
        one, other = self.get(actor, dataset, a), self.get(actor, dataset, b)
        with self.database.read() as unit:
            old, new = self.manifest_of(unit, one.manifest_digest), self.manifest_of(unit, other.manifest_digest)
            key = str((unit.documents.get(DRAFTS, other.case) or {}).get("key", ""))
        with tempfile.TemporaryDirectory() as scratch:
            before = Rows(self.fetch(old, Path(scratch)), old.logical_digest)
            after = Rows(self.fetch(new, Path(scratch)), new.logical_digest)
            return change_between(one.version, before, after, key)

    def evidence(self, actor: Actor, case_id: str) -> Evidence:
        """What an approver reads. Raises: NotFound("case.unknown")."""
        case = self.cases.get(actor, case_id)
        with self.database.read() as unit:
            manifest, _ = self.kept(unit, case)
            kept = unit.documents.get(DRAFTS, case_id) or {}
        change = Change.from_json(kept["change"]) if kept.get("change") else None
        return Evidence(
            manifest=manifest, gates=case.data.get("gates", ()), diff=change, pii=kept.get("pii", {}), card_zh=kept.get("card_zh", ""),
            card_en=kept.get("card_en", ""), example=kept.get("example", {}),
        )  # fmt: skip


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


def sums_item(manifest: Manifest, stored: Mapping[str, str]) -> Item:
    return Item("SHA256SUMS", stored["SHA256SUMS"], len(manifest.checksums().encode()))


def entry_of(item: Item, digest: str, objects: Objects) -> Entry:
    """The file as a tree entry; only small files are read."""
    return (
        large_entry(item.path, digest, item.bytes)
        if is_large(item.path, item.bytes)
        else entry_for(item.path, objects.read(digest))
    )


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
        "change": change.to_json() if change else {},
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
        "pii": {"entities": [asdict(entity) for entity in facts.built.entities], "residual": facts.measures.get("pii_residual")},
        "example": dict(facts.example),
        "key": facts.recipe.contract.key,
    }
