"""Croissant 1.1 with the RAI vocabulary, PROV-O lineage and ODRL terms, as JSON-LD.

Facts of the format that cost others a failure: the context must say https://schema.org/ (the one printed in the specification says
http and is refused), and a Parquet file must be called `application/x-parquet` to be read, not only validated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from corpushub.base.messages import LANGS
from corpushub.domain.card import Facts, Origin, prose
from corpushub.domain.release import Item

CONTEXT: Mapping[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn", "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"}, "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field", "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "name": {"@container": "@language"},
    "odrl": "http://www.w3.org/ns/odrl/2/", "parentField": "cr:parentField", "path": "cr:path", "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/", "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex",
    "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
CONFORMS = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
TYPES = {
    "string": "sc:Text", "bool": "sc:Boolean", "date32": "sc:Date", "int8": "cr:Int8", "int16": "cr:Int16", "int32": "cr:Int32", "int64": "cr:Int64",
    "uint8": "cr:UInt8", "uint16": "cr:UInt16", "uint32": "cr:UInt32", "uint64": "cr:UInt64", "float32": "cr:Float32", "float64": "cr:Float64",
}  # fmt: skip
PARQUET = "application/x-parquet"


def to_croissant(facts: Facts, files: Mapping[str, Item]) -> str:
    """`croissant.json`; `files` gives size and digest of the data files by path."""
    return json.dumps(document(facts, files), ensure_ascii=False, indent=1, sort_keys=False) + "\n"


def document(facts: Facts, files: Mapping[str, Item]) -> dict[str, Any]:
    recipe = facts.recipe
    return {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS),
        "name": facts.dataset.replace("/", "_"),
        "alternateName": [recipe.title[lang] for lang in LANGS if recipe.title.get(lang)],
        "description": {lang: prose(facts, lang, "summary") or recipe.title.get(lang, facts.dataset) for lang in LANGS},
        "license": licence_name(facts),
        "url": facts.publisher.url or f"urn:corpushub:{facts.dataset}:{facts.version}",
        "version": facts.version,
        "datePublished": facts.day,
        "inLanguage": list(facts.languages),
        "keywords": list(dict.fromkeys([*recipe.tags, "authorized-public-data"])),
        "creator": organisation(facts.publisher.name.get("zh", "corpushub"), facts.publisher.url),
        "publisher": organisation(facts.publisher.name.get("zh", "corpushub"), facts.publisher.url),
        "citeAs": f"{recipe.title.get('en', facts.dataset)}, {facts.dataset}, version {facts.version}, sha256 {facts.built.logical_digest}",
        "isLiveDataset": False,
        "usageInfo": [offer(origin) for origin in facts.origins if origin.authorization],
        "prov:wasDerivedFrom": [derivation(source.name, source.digest, source.resource) for source in facts.built.sources],
        "prov:wasGeneratedBy": generation(facts),
        **responsible(facts),
        "distribution": distribution(facts, files),
        "recordSet": [record_set(facts, config) for config in facts.configs],
    }


def licence_name(facts: Facts) -> str:
    stated = facts.recipe.licence
    return stated.link if stated.link.startswith("http") else stated.name or stated.id


def organisation(name: str, url: str) -> dict[str, str]:
    return {"@type": "sc:Organization", "name": name, **({"url": url} if url else {})}


def offer(origin: Origin) -> dict[str, Any]:
    """The authorization's terms as an ODRL offer: what for, until when, and never to re-identify."""
    until = {
        "odrl:leftOperand": {"@id": "odrl:dateTime"},
        "odrl:operator": {"@id": "odrl:lteq"},
        "odrl:rightOperand": origin.valid_to,
    }
    purposes = {
        "odrl:leftOperand": {"@id": "odrl:purpose"},
        "odrl:operator": {"@id": "odrl:isAnyOf"},
        "odrl:rightOperand": list(origin.purposes),
    }
    return {
        "@type": "odrl:Offer",
        "odrl:uid": f"urn:corpushub:authorization:{origin.authorization}",
        "odrl:target": origin.resource,
        "odrl:permission": [{"odrl:action": {"@id": "odrl:use"}, "odrl:constraint": [purposes, until]}],
        "odrl:prohibition": [{"odrl:action": {"@id": "odrl:distribute"}}, {"odrl:action": "urn:corpushub:action:reidentify"}],
    }


def derivation(name: str, digest: str, resource: str) -> dict[str, Any]:
    return {"@type": "prov:Entity", "@id": f"urn:sha256:{digest}", "prov:label": name, "prov:value": resource}


def generation(facts: Facts) -> dict[str, Any]:
    tools = [
        {"@type": "prov:SoftwareAgent", "prov:label": f"{name} {version}"} for name, version in sorted(facts.built.tools.items())
    ]
    return {
        "@type": "prov:Activity",
        "@id": f"urn:corpushub:build:{facts.built.fingerprint}",
        "prov:used": [{"@id": f"urn:sha256:{source.digest}"} for source in facts.built.sources],
        "prov:hadPlan": f"urn:sha256:{facts.recipe.digest}",
        "prov:wasAssociatedWith": tools,
    }


def responsible(facts: Facts) -> dict[str, Any]:
    """The RAI properties, each from prose or from the build's numbers; one without content is left out."""
    steps = [
        f"{step.index}. {step.step}: {step.rows_in} -> {step.rows_out} rows, {step.changed} changed" for step in facts.built.steps
    ]
    kinds = [f"{entity.entity}: {entity.found} found, {entity.residual} residual" for entity in facts.built.entities]
    dates = [column.profile for column in facts.built.columns if column.profile.get("years")]
    found: dict[str, Any] = {
        "rai:dataCollection": prose(facts, "en", "collection")
        or "Read from the authorized sources named in prov:wasDerivedFrom.",
        "rai:dataCollectionType": ["Secondary Data Analysis"],
        "rai:dataCollectionRawData": "; ".join(
            f"{s.name}: {s.rows} rows, {s.format}, sha256 {s.digest}" for s in facts.built.sources
        ),
        "rai:dataCollectionMissingData": missing(facts),
        "rai:dataCollectionTimeframe": sorted({word for column in dates for word in (column["min"], column["max"])})[:1],
        "rai:dataPreprocessingProtocol": steps,
        "rai:dataManipulationProtocol": "; ".join(f"{key} {value}" for key, value in sorted(facts.built.tools.items())),
        "rai:dataAnnotationProtocol": prose(facts, "en", "annotation"),
        "rai:dataReleaseMaintenancePlan": prose(facts, "en", "maintenance") or "Versions follow the sources; see README.md.",
        "rai:personalSensitiveInformation": kinds or ["No scan for personal information was part of the recipe."],
        "rai:dataSocialImpact": prose(facts, "en", "social_impact"),
        "rai:dataBiases": prose(facts, "en", "biases"),
        "rai:dataLimitations": prose(facts, "en", "limitations"),
        "rai:dataUseCases": prose(facts, "en", "uses"),
    }
    return {name: value for name, value in found.items() if value}


def missing(facts: Facts) -> str:
    return "; ".join(
        f"{c.name}: {c.profile['nulls']} of {c.profile['count']} empty" for c in facts.built.columns if c.profile.get("nulls")
    )


def distribution(facts: Facts, files: Mapping[str, Item]) -> list[dict[str, Any]]:
    """One FileObject per Parquet file with its real digest, and a FileSet per split where there are several."""
    objects: list[dict[str, Any]] = [
        {
            "@type": "cr:FileObject",
            "@id": file.path,
            "name": file.path,
            "contentUrl": file.path,
            "contentSize": f"{files[file.path].bytes} B",
            "encodingFormat": PARQUET,
            "sha256": files[file.path].sha256,
        }
        for file in facts.built.files
    ]
    for config, splits in facts.configs.items():
        objects.append({
            "@type": "cr:FileSet",
            "@id": f"files-{config}",
            "name": f"files-{config}",
            "encodingFormat": PARQUET,
            "includes": sorted(f"{path.rpartition('-of-')[0].rpartition('-')[0]}-*.parquet" for path in first_files(splits)),
        })  # fmt: skip
    return objects


def first_files(splits: Mapping[str, list[str]]) -> list[str]:
    """One file of each split. The set names patterns, not containers: readers look for files beside croissant.json."""
    return [paths[0] for paths in splits.values() if paths]


def record_set(facts: Facts, config: str) -> dict[str, Any]:
    paths = [path for paths in facts.configs[config].values() for path in paths]
    where = {"fileObject": {"@id": paths[0]}} if len(paths) == 1 else {"fileSet": {"@id": f"files-{config}"}}
    key = facts.recipe.contract.key
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "description": f"{sum(f.rows for f in facts.built.files if (f.config or 'default') == config)} rows.",
        **({"key": {"@id": f"{config}/{key}"}} if key and any(column.name == key for column in facts.built.columns) else {}),
        "field": [field_of(config, where, column.name, column.dtype, column.description) for column in facts.built.columns],
    }


def field_of(config: str, where: Mapping[str, Any], name: str, dtype: str, description: Mapping[str, str]) -> dict[str, Any]:
    repeated = dtype.startswith("list<")
    inner = dtype[5:-1] if repeated else dtype
    value: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{config}/{name}",
        "name": name,
        "description": {lang: description[lang] for lang in LANGS if description.get(lang)} or {"en": name},
        "dataType": TYPES.get(inner, "sc:DateTime" if inner.startswith("timestamp") else "sc:Text"),
        "source": {**where, "extract": {"column": name}},
    }
    if repeated:
        value |= {"isArray": True, "arrayShape": "-1"}
    return value
