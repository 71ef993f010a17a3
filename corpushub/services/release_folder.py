"""The release folder as a pure function: recipe prose, build, rights and verdicts in; every file's bytes out.

Documents are made in memory, data files stay where the build put them. Equal inputs give equal bytes, signature included
(Ed25519 is deterministic), whatever the thread count, hash seed or host.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpushub.base.identity import canonical, file_sha256, sha256
from corpushub.base.messages import LANGS, text
from corpushub.base.signing import SigningKey, seal, statement
from corpushub.domain.build import Built
from corpushub.domain.card import Facts, prose
from corpushub.domain.card_markdown import to_markdown
from corpushub.domain.croissant import to_croissant
from corpushub.domain.dcat import to_dcat
from corpushub.domain.gates import gates_document
from corpushub.domain.licences import rulebook
from corpushub.domain.provenance import provenance
from corpushub.domain.release import Item, Manifest
from corpushub.engine import profile as profiles
from corpushub.services.card_facts import Inputs, Made, located, make_facts
from corpushub.services.linkages import CLASSES

CARRIED = ("provenance/lineage*.parquet", "provenance/drops*.parquet")
"""Files of the build that a release takes over as they are, besides its data."""


RELEASE_FACTS = "provenance/facts.json"
"""The figures a release was made of, from which its card can be rendered again."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A complete release: `documents` by path, `data` as paths on disk, and the manifest over both."""

    manifest: Manifest
    documents: Mapping[str, bytes]
    data: Mapping[str, Path]
    made: Made

    def read(self, path: str) -> bytes:
        return self.documents[path] if path in self.documents else self.data[path].read_bytes()

    def write(self, folder: Path) -> None:
        """Put every file below `folder`; files that are already equal are not touched."""
        for path, content in self.documents.items():
            write_changed(folder / path, content)
        for path, where in self.data.items():
            write_changed(folder / path, where.read_bytes())


def write_changed(path: Path, content: bytes) -> bool:
    """Write when the bytes differ; did they?"""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def assemble(inputs: Inputs, key: SigningKey | None = None) -> Folder:
    """Make every file of the release. Without a key there is no attestation (a card of the repository needs none)."""
    made = make_facts(inputs)
    facts = made.facts
    data = data_files(inputs.built, located(inputs))
    items = {path: Item(path, sha256_of(path, where, inputs.built), where.stat().st_size) for path, where in data.items()}
    documents = make_documents(made, inputs, items)
    if inputs.linked.table:
        documents[CLASSES] = inputs.linked.table
    if key is not None:
        subjects = {path: item.sha256 for path, item in items.items()}
        sealed = seal(statement(subjects, *provenance(facts)), [key])
        documents["provenance/build.dsse.json"] = canonical(sealed) + b"\n"
    items |= {path: Item(path, sha256(content), len(content)) for path, content in documents.items()}
    manifest = make_manifest(facts, inputs, items)
    documents["SHA256SUMS"] = manifest.checksums().encode()
    return Folder(manifest, dict(sorted(documents.items())), data, made)


def card_documents(inputs: Inputs) -> tuple[dict[str, bytes], Made]:
    """The documents people and machines read, for a card of the repository: no data, reports or attestation."""
    made = make_facts(inputs)
    items = {file.path: Item(file.path, file.sha256, file.bytes) for file in inputs.built.files}
    return {path: content.encode() for path, content in shown_documents(made, items).items()}, made


def make_manifest(facts: Facts, inputs: Inputs, items: Mapping[str, Item]) -> Manifest:
    built = facts.built
    return Manifest(
        dataset=facts.dataset, version=facts.version, day=facts.day, recipe_digest=facts.recipe.digest, fingerprint=built.fingerprint,
        logical_digest=built.logical_digest, rows=built.rows, files=tuple(items[path] for path in sorted(items)),
        previous=inputs.change.previous if inputs.change else "", sources=tuple(source.digest for source in built.sources),
    )  # fmt: skip


def data_files(built: Built, folder: Path) -> dict[str, Path]:
    """Paths in the release of the files that come from the build."""
    found = {file.path: folder / file.path for file in built.files}
    carried = sorted(path for pattern in CARRIED for path in folder.glob(pattern))
    return found | {path.relative_to(folder).as_posix(): path for path in carried}


def sha256_of(path: str, where: Path, built: Built) -> str:
    stated = next((file.sha256 for file in built.files if file.path == path), "")
    return stated or file_sha256(where)


def make_documents(made: Made, inputs: Inputs, items: Mapping[str, Item]) -> dict[str, bytes]:
    facts = made.facts
    documents = {
        **shown_documents(made, items),
        "provenance/recipe.yaml": facts.recipe.text,
        RELEASE_FACTS: readable(figures(made, inputs)),
        "provenance/sources.json": readable(sources(facts)),
        "provenance/licences.json": readable(licences(facts)),
        **{f"reports/{name}.json": readable(report) for name, report in reports(made, inputs).items()},
    }
    return {path: content.encode() for path, content in documents.items()}


def shown_documents(made: Made, items: Mapping[str, Item]) -> dict[str, str]:
    facts = made.facts
    return {
        "README.md": to_markdown(facts),
        "CHANGELOG.md": changelog(facts),
        "LICENSE": licence_text(facts),
        "croissant.json": to_croissant(facts, items),
        "dcat.ttl": to_dcat(facts, items),
        "gates.json": readable(gates_document(facts.verdicts, made.context)),
        **{f"cards/{name}": svg for name, svg in made.charts.items()},
    }


def figures(made: Made, inputs: Inputs) -> dict[str, Any]:
    """What the card was made of besides the recipe: no rows but the one shown as an example."""
    columns = [{**asdict(column), "profile": {}} for column in made.facts.built.columns]
    return {
        "version": inputs.version,
        "day": inputs.day.isoformat(),
        "built": {**made.facts.built.to_json(), "columns": columns},
        "profile": profiles.to_json(made.profile),
        "screened": dict(made.screened),
        "history": [dict(item) for item in inputs.history],
        "origins": [asdict(origin) for origin in inputs.origins],
        "publisher": asdict(inputs.publisher),
        "measures": dict(inputs.measures),
    }


def readable(value: Any) -> str:
    """JSON with one entry a line: a person reads it, a diff shows what changed."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n"


def changelog(facts: Facts) -> str:
    """CHANGELOG.md, newest first, from the history of releases."""
    lines = ["# Changelog", ""]
    for item in facts.history or ({"version": facts.version, "day": facts.day, "summary": text("card.first_version", "en")},):
        lines += [f"## {item['version']} ({item['day']})", "", item["summary"], ""]
    return "\n".join(lines)


def licence_text(facts: Facts) -> str:
    """LICENSE: the stated licence, the terms it binds use to, and what each source asks."""
    stated = facts.recipe.licence
    lines = [f"{stated.name or stated.id}", "", stated.link if stated.link.startswith("http") else "", ""]
    for lang in LANGS:
        lines += [text("card.licence_text", lang, licence=stated.name or stated.id), text("card.no_out_of_scope", lang), ""]
        lines += [prose(facts, lang, "out_of_scope"), ""]
    for origin in facts.origins:
        lines += [f"{origin.source}: {origin.resource} {origin.licence} {origin.attribution}".rstrip()]
    return "\n".join(line for index, line in enumerate(lines) if line or (index and lines[index - 1])).strip() + "\n"


def sources(facts: Facts) -> dict[str, Any]:
    """provenance/sources.json: what was read, and by what right."""
    rights = {origin.source: asdict(origin) for origin in facts.origins}
    return {
        "purpose": facts.recipe.purpose,
        "sources": [{**asdict(source), "right": rights.get(source.name)} for source in facts.built.sources],
    }


def licences(facts: Facts) -> dict[str, Any]:
    terms = rulebook()["terms"]
    return {
        "release": asdict(facts.recipe.licence),
        "sources": [{"source": o.source, "licence": o.licence, "terms": terms.get(o.licence, {})} for o in facts.origins],
    }


def reports(made: Made, inputs: Inputs) -> dict[str, Any]:
    """The evidence files gates point to. Counts only, never values."""
    facts, built, measures = made.facts, made.facts.built, made.facts.measures

    def picked(*starts: str) -> dict[str, float]:
        return {name: value for name, value in sorted(measures.items()) if name.startswith(starts)}

    return {
        "stats": {
            "rows": built.rows,
            "columns": [
                {"name": c.name, "type": c.dtype, "description": dict(c.description), **c.profile} for c in built.columns
            ],
            "splits": [asdict(file) for file in built.files],
            "steps": [asdict(step) for step in built.steps],
        },
        "quality": {
            "measures": picked(
                "quality_", "key_", "contract_", "duplicates_", "near_", "contaminated", "lineage_", "generated_", "schema_"
            ),
            "details": dict(built.quality),
            "dataframely": dict(made.screened.get("contract", {})),
        },
        "pii": {
            "measures": picked(
                "pii_", "identifiers_", "secrets_", "roles_", "unconfirmed_", "k_", "l_", "t_", "quasi_", "linkage_"
            ),
            "entities": [asdict(entity) for entity in built.entities],
            "anonymity": dict(built.privacy),
            "last_look": dict(made.screened.get("residual", {})),
            "roles": list(made.screened.get("roles", ())),
            "linkage": dict(inputs.linked.report),
        },
        "safety": {
            "measures": picked("risk_", "keyword_", "detector_", "blocked_", "text_rows"),
            "classes": dict(facts.reviews.get("risks", {})),
            "library": {**made.screened.get("library", {}), **inputs.reviews.get("library", {})},
        },
        **({"changes": facts.change.to_json()} if facts.change else {}),
        "ipr": {"measures": picked("ip_", "licence"), "declared": facts.recipe.licence.id},
        "manual_review": {
            "measures": picked("safety_", "ip_", "metadata_", "pii_reviewed", "pii_required", "pii_upper", "reviewer_"),
            "samples": dict(inputs.reviews.get("samples", {})),
        },
    }
