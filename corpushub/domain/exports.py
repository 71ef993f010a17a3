"""A card in the words of other registers: EU AI Act Art. 53(1)(d) row, CycloneDX, SPDX 3, D&TA provenance, filing annex. Pure."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from corpushub.base.messages import LANGS, text
from corpushub.domain.card import Facts, prose
from corpushub.domain.gates import Status, high_quality
from corpushub.domain.measures import wilson_lower

EU_SIZES = ((1_000_000_000, "< 1 billion tokens"), (10_000_000_000_000, "1 billion to 10 trillion tokens"))
CHARS_PER_TOKEN = 1.5
NAMESPACE = uuid.UUID("6f1d2c1e-9a55-5d0b-8f4a-0c0a7f3b2a11")


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def serial(facts: Facts) -> str:
    """A UUID that follows from the content, so that equal cards give equal documents."""
    return str(uuid.uuid5(NAMESPACE, f"{facts.dataset}@{facts.version}:{facts.built.logical_digest}"))


def characters(facts: Facts) -> int:
    """Characters of all text columns together, from the profile."""
    return int(
        sum(
            c.profile["mean"] * (c.profile["count"] - c.profile["nulls"])
            for c in facts.built.columns
            if c.profile.get("of") == "characters" and "mean" in c.profile
        )
    )


def eu_53(facts: Facts) -> str:
    """The row a model provider pastes into the public summary of training content (C(2025) 8311, part 2)."""
    tokens = characters(facts) / CHARS_PER_TOKEN
    dates = sorted(word for c in facts.built.columns if c.profile.get("years") for word in (c.profile["min"], c.profile["max"]))
    return to_json({
        "section": "2.1 Publicly available datasets" if not facts.origins else "2.2.1 Datasets licensed by rightsholders or their representatives",
        "name": f"{facts.recipe.title.get('en', facts.dataset)} ({facts.dataset}, version {facts.version})",
        "link": facts.publisher.url or f"urn:corpushub:{facts.dataset}:{facts.version}",
        "modality": "text" if facts.measures.get("text_rows") else "structured data",
        "size": next((name for limit, name in EU_SIZES if tokens < limit), "> 10 trillion tokens"),
        "size_detail": {"rows": facts.built.rows, "characters": characters(facts), "tokens_estimated": int(tokens)},
        "languages": list(facts.languages),
        "period_of_collection": [dates[0], dates[-1]] if dates else [],
        "licence": facts.recipe.licence.name or facts.recipe.licence.id,
        "authorizations": [{"resource": o.resource, "grantor": o.grantor, "valid_to": o.valid_to} for o in facts.origins],
        "synthetic_data": {"rows": int(facts.measures.get("generated_rows", 0))},
        "copyright_measures": "Sources are public data whose owners authorized this use; licences are checked by gate LIC-01, infringement risks by IPR-01.",
        "illegal_content_measures": "All text is screened for 31 risk classes (gates SRC-01, SAF-02, SAF-05); objections lead to correction or withdrawal.",
        "sha256": facts.built.logical_digest,
    })  # fmt: skip


def cyclonedx(facts: Facts) -> str:
    """CycloneDX 1.6 with one component of type `data` per release."""
    scrubbed = facts.measures.get("pii_scanned")
    licence = {"license": {"name": facts.recipe.licence.name or facts.recipe.licence.id}}
    owner = {"organization": {"name": facts.publisher.name.get("en", "corpushub")}}
    component = {
        "type": "data",
        "bom-ref": f"{facts.dataset}@{facts.version}",
        "name": facts.dataset,
        "version": facts.version,
        "description": prose(facts, "en", "summary") or facts.recipe.title.get("en", ""),
        "licenses": [licence],
        "data": [
            {
                "type": "dataset",
                "name": file.path,
                "contents": {
                    "url": file.path,
                    "properties": [{"name": "sha256", "value": file.sha256}, {"name": "rows", "value": str(file.rows)}],
                },
                "classification": "public, authorized",
                "sensitiveData": ["personal information was replaced"] if scrubbed else ["not scanned for personal information"],
                "governance": {"owners": [owner], "custodians": [owner]},
            }
            for file in facts.built.files
        ],
        "properties": [{"name": "corpushub:logical_sha256", "value": facts.built.logical_digest}],
    }
    return to_json({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial(facts)}",
        "version": 1,
        "metadata": {"timestamp": f"{facts.day}T00:00:00Z", "component": {"type": "data", "name": facts.dataset, "version": facts.version, "bom-ref": "release"}},
        "components": [component],
    })  # fmt: skip


def spdx(facts: Facts) -> str:
    """SPDX 3.0.1, Dataset profile, JSON-LD."""
    here = f"urn:corpushub:{facts.dataset}:{facts.version}"
    moment = f"{facts.day}T00:00:00Z"
    info, agent = "_:creation", f"{here}#publisher"
    common = {"creationInfo": info}
    package: dict[str, Any] = {
        "type": "dataset_DatasetPackage", "spdxId": f"{here}#dataset", **common, "name": facts.dataset,
        "summary": prose(facts, "en", "summary") or facts.recipe.title.get("en", facts.dataset),
        "software_packageVersion": facts.version, "software_primaryPurpose": "data",
        "software_downloadLocation": facts.publisher.url or "https://corpushub.invalid/",
        "builtTime": moment, "releaseTime": moment, "originatedBy": [agent], "suppliedBy": agent,
        "dataset_datasetType": ["text" if facts.measures.get("text_rows") else "structured"],
        "dataset_datasetSize": facts.built.bytes, "dataset_datasetAvailability": "registration",
        "dataset_intendedUse": prose(facts, "en", "uses") or facts.recipe.purpose,
        "dataset_dataCollectionProcess": prose(facts, "en", "collection") or "Read from authorized public data sources.",
        "dataset_dataPreprocessing": [f"{step.index}. {step.step}" for step in facts.built.steps] or ["none"],
        "dataset_hasSensitivePersonalInformation": "no" if facts.measures.get("pii_scanned") and not facts.measures.get("pii_residual") else "noAssertion",
        "dataset_anonymizationMethodUsed": sorted({entity.action for entity in facts.built.entities}) or ["none"],
        "dataset_datasetUpdateMechanism": prose(facts, "en", "maintenance") or "New versions follow the sources.",
        "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": facts.built.logical_digest}],
    }  # fmt: skip
    if bias := prose(facts, "en", "biases"):
        package["dataset_knownBias"] = [bias]
    graph = [
        {"type": "CreationInfo", "@id": info, "specVersion": "3.0.1", "created": moment, "createdBy": [agent]},
        {"type": "Organization", "spdxId": agent, **common, "name": facts.publisher.name.get("en", "corpushub")},
        package,
        {
            "type": "SpdxDocument", "spdxId": f"{here}#document", **common, "profileConformance": ["core", "software", "dataset"],
            "rootElement": [f"{here}#dataset"],
        },
    ]  # fmt: skip
    return to_json({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph})


def dta(facts: Facts) -> str:
    """The 22 fields of the Data & Trust Alliance's data provenance standards 1.0.0."""
    built, recipe = facts.built, facts.recipe
    kinds = sorted(entity.entity for entity in built.entities)
    return to_json({
        "source": {
            "standards_version": "1.0.0", "dataset_title": recipe.title.get("en", facts.dataset), "unique_metadata_identifier": serial(facts),
            "metadata_location": "README.md", "dataset_issuer": facts.publisher.name.get("en", "corpushub"),
            "description": prose(facts, "en", "summary"),
        },
        "provenance": {
            "source": [source.resource for source in built.sources], "origin_geography": sorted({s.resource.split("/")[0] for s in built.sources}),
            "dataset_issue_date": facts.day, "date_of_previously_issued_version": next((h["day"] for h in facts.history[1:]), None),
            "range_of_data_generation_dates": sorted(w for c in built.columns if c.profile.get("years") for w in (c.profile["min"], c.profile["max"])),
            "data_format": "Parquet", "generation_method": "derived" if not facts.measures.get("generated_rows") else "derived, partly machine generated",
            "version": facts.version,
        },
        "use": {
            "confidentiality_classification": "public, authorized", "consent_documentation_location": "provenance/sources.json",
            "privacy_enhancing_technologies": (kinds and "detection and replacement of personal information") or "none",
            "data_processing_geography_inclusion": ["CN"], "data_processing_geography_exclusion": [],
            "data_storage_geography_inclusion": ["CN"], "data_storage_geography_exclusion": [],
            "license_to_use": recipe.licence.name or recipe.licence.id, "intended_data_use": recipe.purpose,
            "copyright": {"rights_holder": [origin.grantor for origin in facts.origins]},
        },
    })  # fmt: skip


def filing(facts: Facts) -> str:
    """Annex on corpus safety for the filing of a generative AI service (TC260-003, GB/T 45654-2025), as Markdown in Chinese."""
    m, lang = facts.measures, LANGS[0]

    def t(name: str, **values: object) -> str:
        return text(f"filing.{name}", lang, **values)

    reviewed, passed = int(m.get("safety_reviewed", 0)), m.get("safety_passed", 0.0)
    judged = [
        f"- {v.gate} {text(f'card_gate.{v.gate}', lang)}: {text(f'card_status.{v.status}', lang)}"
        for v in facts.verdicts
        if v.status is not Status.NOT_APPLICABLE
    ]
    sources = [f"- {s.name} ({s.resource}): {s.rows}, sha256 {s.digest}" for s in facts.built.sources]
    return "\n".join([
        f"# {t('title', title=facts.recipe.title.get(lang, facts.dataset))}", "",
        t("scale", dataset=facts.dataset, version=facts.version, rows=facts.built.rows, digest=facts.built.logical_digest), "",
        f"## {t('sources')}", "", *sources, "", f"## {t('safety')}", "",
        t("screen", share=f"{100 * m.get('risk_clean_share', 0):.2f}%", words=int(m.get("keyword_library", 0)), classes=int(m.get("detector_classes", 0))), "",
        t("sample", n=reviewed, share=f"{100 * passed:.2f}%", bound=f"{100 * wilson_lower(round(passed * reviewed), reviewed):.2f}%"), "",
        f"## {t('personal')}", "", t("pii", found=int(m.get("pii_found", 0)), residual=int(m.get("pii_residual", 0))), "",
        f"## {t('gates')}", "", *judged, "", t("label", label=text("card.class_high" if high_quality(facts.verdicts) else "card.class_candidate", lang)), "",
    ])  # fmt: skip


EXPORTS: Mapping[str, Callable[[Facts], str]] = {"eu-53": eu_53, "cdx": cyclonedx, "spdx": spdx, "dta": dta, "filing": filing}
