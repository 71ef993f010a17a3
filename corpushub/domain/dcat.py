"""DCAT-AP 3 in Turtle: what city and European catalogues harvest. Written line by line, so that equal facts give equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from corpushub.base.messages import LANGS
from corpushub.domain.card import Facts, prose
from corpushub.domain.release import Item

PREFIXES = """@prefix adms: <http://www.w3.org/ns/adms#> .
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix spdx: <http://spdx.org/rdf/terms#> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
LANGUAGES = {"zh": "ZHO", "en": "ENG", "fr": "FRA", "de": "DEU", "ja": "JPN", "ko": "KOR", "ru": "RUS"}
AUTHORITY = "http://publications.europa.eu/resource/authority"


def to_dcat(facts: Facts, files: Mapping[str, Item]) -> str:
    """`dcat.ttl`: one dataset, one distribution per data file."""
    here = f"urn:corpushub:{quote(facts.dataset)}:{facts.version}"
    data = [files[file.path] for file in facts.built.files]
    parts = [PREFIXES, dataset(facts, here, data), publisher(facts, here), rights(facts, here)]
    parts += [distribution(facts, here, item) for item in data]
    parts += [f"{iri(f'{AUTHORITY}/language/{code}')} a dct:LinguisticSystem ." for code in language_codes(facts)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def dataset(facts: Facts, here: str, data: Iterable[Item]) -> str:
    recipe = facts.recipe
    lines = [f"{iri(here)} a dcat:Dataset"]
    lines += [f"dct:title {literal(recipe.title[lang], lang)}" for lang in LANGS if recipe.title.get(lang)]
    lines += [f"dct:description {literal(prose(facts, lang, 'summary') or recipe.title.get(lang, ''), lang)}" for lang in LANGS]
    lines += [
        f"dct:identifier {literal(facts.dataset)}",
        f"dcat:version {literal(facts.version)}",
        f'dct:issued "{facts.day}"^^xsd:date',
        f"dct:publisher {iri(here + ':publisher')}",
        f"dcat:contactPoint {iri(here + ':contact')}",
        f"dct:accessRights {iri(AUTHORITY + '/access-right/RESTRICTED')}",
        f"dct:license {iri(here + ':licence')}",
        f"adms:versionNotes {literal(f'logical sha256 {facts.built.logical_digest}', 'en')}",
    ]
    lines += [f"dct:language {iri(f'{AUTHORITY}/language/{code}')}" for code in language_codes(facts)]
    lines += [f"dcat:keyword {literal(word, 'en')}" for word in dict.fromkeys([*recipe.tags, "authorized-public-data"])]
    lines += [f"prov:wasDerivedFrom {iri('urn:sha256:' + source.digest)}" for source in facts.built.sources]
    lines += [f"dcat:distribution {iri(where(here, item))}" for item in data]
    if facts.change is not None:
        lines.append(f"dcat:previousVersion {iri(f'urn:corpushub:{quote(facts.dataset)}:{facts.change.previous}')}")
    sources = [
        f"{iri('urn:sha256:' + source.digest)} a prov:Entity ; rdfs:label {literal(source.name)} ."
        for source in facts.built.sources
    ]
    return statement(lines) + "\n\n" + "\n".join(sources)


def distribution(facts: Facts, here: str, item: Item) -> str:
    access = facts.publisher.url or here
    checksum = (
        f'[ a spdx:Checksum ; spdx:algorithm spdx:checksumAlgorithm_sha256 ; spdx:checksumValue "{item.sha256}"^^xsd:hexBinary ]'
    )
    return statement([
        f"{iri(where(here, item))} a dcat:Distribution",
        f"dct:title {literal(item.path)}",
        f"dcat:accessURL {iri(access)}",
        f'dcat:byteSize "{item.bytes}"^^xsd:nonNegativeInteger',
        f"dcat:mediaType {iri('https://www.iana.org/assignments/media-types/application/vnd.apache.parquet')}",
        f"dct:format {iri(AUTHORITY + '/file-type/PARQUET')}",
        f"dct:license {iri(here + ':licence')}",
        f"spdx:checksum {checksum}",
    ])  # fmt: skip


def publisher(facts: Facts, here: str) -> str:
    names = [f"foaf:name {literal(facts.publisher.name[lang], lang)}" for lang in LANGS if facts.publisher.name.get(lang)]
    agent = statement([f"{iri(here + ':publisher')} a foaf:Agent", *names])
    contact = [f"{iri(here + ':contact')} a vcard:Kind", f"vcard:fn {literal(facts.publisher.name.get('en', 'corpushub'))}"]
    address = facts.publisher.contact
    if "@" in address and " " not in address:
        contact.append(f"vcard:hasEmail {iri('mailto:' + quote(address, safe='@'))}")
    return agent + "\n\n" + statement(contact)


def rights(facts: Facts, here: str) -> str:
    stated = facts.recipe.licence
    lines = [f"{iri(here + ':licence')} a dct:LicenseDocument", f"dct:title {literal(stated.name or stated.id)}"]
    formats = [
        f"{iri(AUTHORITY + '/access-right/RESTRICTED')} a dct:RightsStatement .",
        f"{iri(AUTHORITY + '/file-type/PARQUET')} a dct:MediaTypeOrExtent .",
    ]
    media = f"{iri('https://www.iana.org/assignments/media-types/application/vnd.apache.parquet')} a dct:MediaType ."
    return "\n".join([statement(lines), *formats, media, "spdx:checksumAlgorithm_sha256 a spdx:ChecksumAlgorithm ."])


def language_codes(facts: Facts) -> list[str]:
    return [LANGUAGES[code] for word in facts.languages if (code := word.split("-")[0]) in LANGUAGES]


def where(here: str, item: Item) -> str:
    return f"{here}:{quote(item.path)}"


def iri(value: str) -> str:
    return f"<{quote(value, safe=':/#?&=%@+,;~!$()*.-_')}>"


def literal(value: str, lang: str = "") -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return f'"{escaped}"@{lang}' if lang else f'"{escaped}"'


def statement(lines: Iterable[str]) -> str:
    return " ;\n  ".join(lines) + " ."
