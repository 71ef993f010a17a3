"""Other people's validators over the documents of a card. A validator that is not installed is an error of its own, never a pass.

Each takes the documents by path and yields problems. `data` is the folder with the Parquet files where there is one: then the card is
also loaded by `datasets` with all checks and its records are read through mlcroissant.
"""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from corpushub.base.errors import NotFound, Problem
from corpushub.base.identity import sha256
from corpushub.domain.front_matter import read_head
from corpushub.domain.licences import hub_licences

Documents = Mapping[str, bytes]
Found = Iterator[Problem]
PACKAGES = {
    "datasets": "datasets", "huggingface_hub": "huggingface-hub", "mlcroissant": "mlcroissant", "rdflib": "rdflib", "pyshacl": "pyshacl",
    "langcodes": "langcodes", "license_expression": "license-expression", "defusedxml": "defusedxml",
    "in_toto_attestation": "in-toto-attestation",
}  # fmt: skip
"""Import name -> distribution of every validator a full check needs."""


def installed() -> dict[str, str]:
    """Versions of the validators.

    Raises: NotFound("cards.validator_missing"), exit code 4.
    """
    missing = [package for name, package in PACKAGES.items() if find_spec(name) is None]
    if missing:
        raise NotFound("cards.validator_missing", packages=", ".join(missing))
    return {package: importlib.metadata.version(package) for package in PACKAGES.values()}


def mark(documents: Documents, versions: Mapping[str, str]) -> dict[str, str]:
    """What `facts.json` keeps, so that equal bytes are not validated twice by equal validators."""
    joined = "".join(f"{path} {sha256(content)}\n" for path, content in sorted(documents.items()))
    return {"documents": sha256(joined.encode()), **versions}


def validate(documents: Documents, data: Path | None = None) -> tuple[Problem, ...]:
    """Every problem every validator finds."""
    installed()
    found: list[Problem] = []
    for check in (hub_card, languages, licence, croissant, dcat, pictures, links, attestation):
        found += check(documents)
    if data is not None:
        found += loaded(documents, data)
    return tuple(found)


def hub_card(documents: Documents) -> Found:
    """huggingface_hub reads the card, datasets its configs and features."""
    from datasets.info import DatasetInfosDict
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard

    text = documents["README.md"].decode()
    yield from twice(text)
    try:
        card = DatasetCard(text)
        MetadataConfigs.from_dataset_card_data(card.data)
        infos = DatasetInfosDict.from_dataset_card_data(card.data)
    except (ValueError, TypeError, KeyError) as error:
        yield Problem("cards.hub_card", {"reason": str(error).splitlines()[0]}, file="README.md")
        return
    if not infos:
        yield Problem("cards.hub_card", {"reason": "no dataset_info"}, file="README.md")


def twice(text: str) -> Found:
    """Keys that stand twice in the YAML head; YAML readers keep the last without a word."""
    import yaml

    head = text.split("---", 2)[1] if text.startswith("---") else ""
    nodes = [yaml.compose(head, yaml.SafeLoader)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    yield Problem("cards.yaml_twice", {"key": key.value}, file="README.md", line=key.start_mark.line + 1)
                seen.add(key.value)
                nodes.append(value)
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value


def languages(documents: Documents) -> Found:
    """Language tags are BCP 47; a bare YAML `no` would be a boolean."""
    import langcodes

    for tag in as_list(read_head(documents["README.md"].decode()).data.get("language")):
        if not isinstance(tag, str) or "_" in tag or not langcodes.tag_is_valid(tag):  # langcodes also takes POSIX locale names
            yield Problem("cards.language_tag", {"tag": str(tag)}, file="README.md", path="language")


def licence(documents: Documents) -> Found:
    """`license` is on the Hub's list; an SPDX-like id parses; `other` names itself and its text."""
    import license_expression  # type: ignore[import-untyped]

    head = read_head(documents["README.md"].decode()).data
    stated = str(head.get("license", ""))
    if stated not in hub_licences():
        yield Problem("cards.licence", {"licence": stated}, file="README.md", path="license")
    elif stated == "other":
        link = str(head.get("license_link", ""))
        if not head.get("license_name") or not (link.startswith("https://") or link in documents):
            yield Problem("cards.licence_other", {}, file="README.md", path="license_link")
    else:
        known = license_expression.get_spdx_licensing()
        symbol = known.parse(stated, validate=False)
        if symbol is None:
            yield Problem("cards.licence", {"licence": stated}, file="README.md", path="license")


def croissant(documents: Documents) -> Found:
    """Mlcroissant accepts the JSON-LD with neither error nor warning, and the required properties are there (it only warns of those)."""
    import mlcroissant

    text = documents["croissant.json"].decode()
    try:
        value = json.loads(text)
        issues = mlcroissant.Dataset(jsonld=value).metadata.ctx.issues
        told = [*issues.errors, *issues.warnings]
    except (ValueError, KeyError, mlcroissant.ValidationError) as error:
        told, value = [str(error).splitlines()[0] if str(error) else type(error).__name__], {}
    for reason in sorted(told):
        yield Problem("cards.croissant", {"reason": reason}, file="croissant.json")
    wanted = (
        "@context",
        "@type",
        "conformsTo",
        "description",
        "license",
        "name",
        "url",
        "creator",
        "datePublished",
        "distribution",
    )
    for name in wanted:
        if value and not value.get(name):
            yield Problem("cards.croissant_property", {"name": name}, file="croissant.json")


def dcat(documents: Documents) -> Found:
    """Rdflib parses the Turtle; pyshacl holds it to the shapes of DCAT-AP 3 we publish under."""
    from importlib.resources import files

    import rdflib
    from pyshacl import validate as conforms

    try:
        graph = rdflib.Graph().parse(data=documents["dcat.ttl"].decode(), format="turtle")
    except Exception as error:  # noqa: BLE001  rdflib raises its parser's own classes
        yield Problem("cards.dcat", {"reason": str(error).splitlines()[0]}, file="dcat.ttl")
        return
    shapes = rdflib.Graph().parse(
        data=files("corpushub.rules").joinpath("dcat-ap-shapes.ttl").read_text("utf-8"), format="turtle"
    )
    good, report, _ = conforms(graph, shacl_graph=shapes, advanced=False)
    if good or not isinstance(report, rdflib.Graph):
        return
    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    for result in sorted(report.subjects(rdflib.RDF.type, sh.ValidationResult), key=str):
        path, message = report.value(result, sh.resultPath), report.value(result, sh.resultMessage)
        yield Problem("cards.dcat", {"reason": f"{path}: {message}"}, file="dcat.ttl")


def pictures(documents: Documents) -> Found:
    """SVG is plain XML without entities, scripts or outside references, and says what it shows."""
    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import ParseError, fromstring  # type: ignore[import-untyped]

    for path, content in documents.items():
        if not path.endswith(".svg"):
            continue
        try:
            root = fromstring(content.decode())
        except (ParseError, DefusedXmlException) as error:
            yield Problem("cards.svg", {"reason": str(error)}, file=path)
            continue
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        wrong = names & {"script", "image", "use", "foreignObject", "a"}
        if wrong or root.get("role") != "img" or not {"title", "desc"} <= names:
            yield Problem("cards.svg", {"reason": ", ".join(sorted(wrong)) or "role, title, desc"}, file=path)


def links(documents: Documents) -> Found:
    """Relative links and images of the card lead to a file of the release; anchors to a place in it."""
    import re

    text = documents["README.md"].decode()
    anchors = set(re.findall(r'<a id="([^"]+)"', text))
    for target in sorted(set(re.findall(r"\]\(([^)\s]+)\)", text))):
        if target.startswith("#"):
            if target[1:] not in anchors:
                yield Problem("cards.dead_link", {"target": target}, file="README.md")
        elif not target.startswith(("https://", "http://", "mailto:")) and target not in documents:
            yield Problem("cards.dead_link", {"target": target}, file="README.md")


def attestation(documents: Documents) -> Found:
    """in-toto's own library accepts the statement inside the envelope."""
    if "provenance/build.dsse.json" not in documents:
        return
    import base64

    from google.protobuf.json_format import ParseDict, ParseError  # type: ignore[import-untyped]
    from in_toto_attestation.v1.statement import Statement  # type: ignore[import-untyped]
    from in_toto_attestation.v1.statement_pb2 import Statement as Message  # type: ignore[import-untyped]

    try:
        envelope = json.loads(documents["provenance/build.dsse.json"])
        value = json.loads(base64.b64decode(envelope["payload"]))
        Statement.copy_from_pb(ParseDict(value, Message())).validate()
    except (ValueError, KeyError, ParseError) as error:
        yield Problem("cards.attestation", {"reason": str(error).splitlines()[0]}, file="provenance/build.dsse.json")


def loaded(documents: Documents, data: Path) -> Found:
    """`datasets` loads the folder with all checks; Parquet columns equal the card's features (it would fill missing ones with nulls)."""
    import pyarrow.parquet as pq
    from datasets import load_dataset
    from datasets.utils.info_utils import ExpectedMoreSplitsError, NonMatchingSplitsSizesError, UnexpectedSplitsError

    head = read_head(documents["README.md"].decode()).data
    infos = head.get("dataset_info") or {}
    for info in infos if isinstance(infos, list) else [infos]:
        names = [feature["name"] for feature in info.get("features", ())]
        for path in sorted(data.glob("data/**/*.parquet")):
            if pq.read_schema(path).names != names:
                yield Problem("cards.features_differ", {}, file=path.relative_to(data).as_posix())
        with tempfile.TemporaryDirectory() as scratch:
            try:
                load_dataset(str(data), info.get("config_name"), cache_dir=scratch, verification_mode="all_checks")
            except (ExpectedMoreSplitsError, NonMatchingSplitsSizesError, UnexpectedSplitsError, ValueError) as error:
                reason = f"{type(error).__name__} {str(error).splitlines()[0] if str(error) else ''}".strip()
                yield Problem("cards.load_dataset", {"reason": reason}, file="README.md")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
