"""Releases: propose a build, publish what was approved, withdraw, compare. A release is a tag on a repository of objects.

Order of writes, so that a kill at any moment leaves nothing half there: bytes to the object store, then one transaction with the case
event, its ledger leaf, the commit and the tag. What is published has the digest that was gated and approved (INV-07).
"""

from __future__ import annotations

import hmac
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Conflict, NotFound
from corpushub.base.identity import Clock, business_day, canonical, system_clock
from corpushub.base.messages import text
from corpushub.base.signing import SigningKey
from corpushub.domain.annotations import annotation_measures, labelled
from corpushub.domain.build import Progress, ProgressEvent, silent
from corpushub.domain.parties import SYSTEM, Actor
from corpushub.domain.release import Change, Item, Manifest, Version, check_version, next_version
from corpushub.domain.tree import Entry, entry_for, is_large, large_entry
from corpushub.domain.workflow import Case
from corpushub.services.approvals import approval_measures, approval_record, failing, logged, signature_fits
from corpushub.services.card_facts import Inputs
from corpushub.services.changes import Rows, change_between, summary_of
from corpushub.services.evaluations import evaluation_of
from corpushub.services.linkages import CLASSES, Linked, linked
from corpushub.services.rebuild import Reproduced, compared
from corpushub.services.release_cases import (
    BuildRecord,
    Builds,
    Evidence,
    Release,
    by_version,
    case_data,
    evidence_data,
    history_of,
    key_of,
    newest_first,
    release_of,
)
from corpushub.services.release_folder import Folder, assemble
from corpushub.services.residuals import seal_of
from corpushub.services.reviews import review_evidence
from corpushub.services.rights import catalog_measures, origins_of, publisher_of
from corpushub.store.db import Database, Unit
from corpushub.store.objects import Objects

if TYPE_CHECKING:
    from corpushub.services.cases import Cases

MANIFESTS, RELEASES, DRAFTS, REBUILDS, DELIVERIES = "manifest", "release", "draft", "rebuild", "bad_delivery"
APPROVALS, ATTESTATION = "provenance/approvals.json", "provenance/build.dsse.json"
STOPPED = {"quarantined": "quarantined", "withdrawn": "withdrawn", "released": "", "superseded": ""}


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

    def propose(
        self,
        actor: Actor,
        build_id: str,
        *,
        version: str | None = None,
        notes: Mapping[str, Any] | None = None,
        progress: Progress = silent,
    ) -> Case:
        """Gate a build and open its release case; the case is `gated`, or `blocked` where a gate stops it.

        Raises: NotFound("build.unknown"), Conflict("releases.sample_build"), Invalid("releases.version_*" | "gate.unknown_names").
        """
        record = self.builds.get(actor, build_id)
        if record.sample:
            raise Conflict("releases.sample_build", build=build_id)
        folder, change = self.draft(record, version, actor.org, progress)
        stored = self.store(folder)
        progress(ProgressEvent("store", len(stored), len(stored), "objects"))
        with self.database.begin() as unit:
            self.cancel_blocked(unit, actor, folder.manifest)
            unit.documents.put(MANIFESTS, folder.manifest.digest, {"manifest": folder.manifest.to_json(), "documents": stored})
            case = self.cases.open_in(unit, actor, "release", case_data(folder, record, change, notes or {}, actor))
            unit.documents.put(DRAFTS, case.id, evidence_data(folder, change))
            self.ask_providers(unit, record)
        return case

    def ask_providers(self, unit: Unit, record: BuildRecord) -> None:
        """Rows of a delivery that could not be read stay in quarantine, and whoever provides it is asked to correct them, once (article 2)."""
        for source in record.built.sources:
            delivery = f"{source.resource}@{source.digest}"
            if not source.quarantined or unit.documents.get(DELIVERIES, delivery) is not None:
                continue
            reasons = ", ".join(f"{name} {count}" for name, count in sorted(source.quarantine_reasons.items()))
            told = text("releases.bad_delivery", "zh", rows=source.quarantined, digest=source.digest[:12], reasons=reasons or "-")
            asked = {"about": source.resource, "kind": "wrong_value", "severity": "normal", "text": told}
            unit.documents.put(DELIVERIES, delivery, {"objection": self.cases.open_in(unit, SYSTEM, "objection", asked).id})

    def cancel_blocked(self, unit: Unit, actor: Actor, manifest: Manifest) -> None:
        """A proposal that gates stopped gives way to the same person's next one of that version: blocked, reviewed, proposed again."""
        for case in unit.cases.list(flow="release", subject=manifest.dataset, states=("blocked",)):
            if case.data["version"] == manifest.version and case.opened_by == actor.person:
                self.cases.execute_in(unit, actor, case.id, "cancel", {"reason": text("releases.proposed_again", "zh")})

    def version_for(self, actor: Actor, build_id: str) -> str:
        """The version a release of this build would get today; samples are drawn for it. Raises: NotFound("build.unknown")."""
        return str(self.change_of(self.builds.get(actor, build_id), None)[0])

    def change_of(self, record: BuildRecord, version: str | None) -> tuple[Version, Change | None]:
        """The version of a build (the stated one, if the difference allows it) and how it differs from the last release."""
        with self.database.read() as unit:
            last = self.latest(unit, record.recipe.dataset)
        change = self.compare(last, record, record.recipe.contract.key) if last else None
        if version:
            return check_version(version, last.version if last else "", change), change
        return next_version(last.version, change) if last and change else Version.parse("1.0.0"), change

    def draft(
        self, record: BuildRecord, version: str | None, org: str, progress: Progress = silent
    ) -> tuple[Folder, Change | None]:
        """The release folder of a build, with the version its difference to the last release asks for."""
        recipe, day = record.recipe, business_day(self.clock())
        rows = record.built.rows
        progress(ProgressEvent("compare", 0, 0))
        chosen, change = self.change_of(record, version)
        progress(ProgressEvent("compare", rows, rows))
        progress(ProgressEvent("measure", 0, 0))
        linked = self.linked(record)
        with self.database.read() as unit:
            origins = origins_of(unit, record.grants)
            measures = {**catalog_measures(unit, recipe, record.grants, day), **linked.measures}
            publisher = publisher_of(unit, org)
            history = tuple(history_of(unit, recipe.dataset))
            tasks = labelled(unit.cases.list(flow="record", states=("confirmed",)), recipe.dataset)
            reviews = {**review_evidence(unit, record, str(chosen), day), "evaluation": evaluation_of(unit)}
            reviews |= {"annotation": tasks} if tasks else {}
            measures |= annotation_measures(tasks, record.built.rows)
        line = {"version": str(chosen), "day": day.isoformat(), "summary": summary_of(change)}
        inputs = Inputs(
            recipe=recipe, built=record.built, folder=record.folder, version=str(chosen), day=day, origins=origins, publisher=publisher,
            measures={**measures, **reviews["measures"]}, change=change, history=(line, *history), reviews=reviews, linked=linked,
            gates_before=self.gates_before(recipe.dataset) if change else {}, seal=seal_of(self.builds.secret(), recipe.dataset),
        )  # fmt: skip
        folder = assemble(inputs, self.key)
        progress(ProgressEvent("measure", rows, rows))
        return folder, change

    def gates_before(self, dataset: str) -> Mapping[str, str]:
        """Verdicts of the last release, as its frozen gates.json has them."""
        with self.database.read() as unit:
            last = self.latest(unit, dataset)
            files = self.manifest_of(unit, last.manifest_digest).files if last else ()
        found = {item.path: item.sha256 for item in files}
        document = json.loads(self.objects.read(found["gates.json"])) if "gates.json" in found else {"gates": []}
        return {row["gate"]: row["status"] for row in document["gates"]}

    def linked(self, record: BuildRecord) -> Linked:
        """Class tables of a build and their linkage with every release that was ever public: copies of withdrawn ones are still out."""
        quasi = tuple(record.recipe.contract.roles("quasi"))
        if not quasi:
            return Linked()
        earlier: dict[str, bytes] = {}
        with self.database.read() as unit:
            for release in self._list(unit, None):
                items = {item.path: item.sha256 for item in self.manifest_of(unit, release.manifest_digest).files}
                if digest := items.get(CLASSES):
                    earlier[key_of(release.dataset, release.version)] = self.objects.read(digest)
        key = hmac.digest(self.builds.secret(), b"linkage between releases", "sha256")
        return linked([record.folder / file.path for file in record.built.files], quasi, key, earlier)

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

    def reproduce(self, actor: Actor, build_id: str, progress: Progress = silent) -> Reproduced:
        """Build once more from the sources with nothing that was computed before, and keep how the result compares (gate REP-01).

        Raises: NotFound("build.unknown" | "recipe.no_file" | "source.*").
        """
        record = self.builds.get(actor, build_id)
        with tempfile.TemporaryDirectory() as scratch:
            again = self.builds.again(record, Path(scratch), progress)
        found = compared(record.built, again)
        with self.database.begin() as unit:
            unit.documents.put(REBUILDS, build_id, asdict(found))
        return found

    def publish(self, actor: Actor, case_id: str, progress: Progress = silent) -> Release:
        """Make an approved release public: commit, tag and main move in the transaction that writes the event.

        The build is reproduced first unless that was done before; the gates of approval and publication are judged on what the events,
        the signature, the rebuild and the ledger show.
        Raises: Conflict("case.wrong_state" | "releases.changed_since_approval" | "releases.gates_failed" | "release.*"), Forbidden.
        """
        try:
            return self._publish(actor, case_id)
        except Conflict as missing:
            if missing.code != "releases.not_rebuilt":
                raise
        self.reproduce(SYSTEM, str(self.cases.get(actor, case_id).data.get("build", "")), progress)
        return self._publish(actor, case_id)

    def _publish(self, actor: Actor, case_id: str) -> Release:
        case = self.cases.get(actor, case_id)
        with self.database.read() as unit:
            manifest, stored = self.kept(unit, case)
        entries = [entry_of(item, stored[item.path], self.objects) for item in (*manifest.files, sums_item(manifest, stored))]
        with self.database.begin() as unit:
            after = self.cases.execute_in(unit, actor, case_id, "publish", {"manifest_digest": manifest.digest})
            record = canonical(self.judged(unit, after, manifest, stored)) + b"\n"
            self.objects.put_bytes(record)
            entries.append(entry_for(APPROVALS, record))
            unit.repos.ensure(manifest.dataset, org=str(case.data["builder_org"]), by=actor.person)
            message = f"Release {manifest.version}\n\nmanifest {manifest.digest}\nlogical {manifest.logical_digest}"
            commit = unit.repos.commit(manifest.dataset, entries, message, actor.person, self.clock())
            unit.repos.set_tag(manifest.dataset, f"v{manifest.version}", commit)
            unit.repos.set_branch(manifest.dataset, "main", commit)
            unit.documents.put(RELEASES, key_of(manifest.dataset, manifest.version), {"case": case_id, "commit": commit})
        return release_of(after, commit)

    def judged(self, unit: Unit, case: Case, manifest: Manifest, stored: Mapping[str, str]) -> dict[str, Any]:
        """The approval record of a case that was just published, with every gate judged again.

        Raises: Conflict("releases.not_rebuilt" | "releases.gates_failed").
        """
        known = unit.documents.get(REBUILDS, str(case.data.get("build", "")))
        if known is None:
            raise Conflict("releases.not_rebuilt", case=case.id)
        day = business_day(self.clock())
        signed = ATTESTATION in stored and signature_fits(self.objects.read(stored[ATTESTATION]), manifest, self.key)
        measures = {
            **approval_measures(unit, case, day),
            **Reproduced(**known).measures(),
            **logged(unit, case),
            "signature_invalid": int(not signed),
        }
        frozen = json.loads(self.objects.read(stored["gates.json"]))
        record = approval_record(case, manifest, frozen, measures, day)
        if failed := failing(record):
            raise Conflict("releases.gates_failed", gates=", ".join(failed))
        return record

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
            card_en=kept.get("card_en", ""), example=kept.get("example", {}), places=kept.get("places", ()),
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
