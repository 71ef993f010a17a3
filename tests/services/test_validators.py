"""Other people's readers and validators over a generated release."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from corpushub.services import validators
from corpushub.services.card_facts import Inputs
from corpushub.services.exports import export_card
from corpushub.services.release_folder import assemble
from corpushub.services.validators import installed, validate
from tests.kit.cards import a_build, a_recipe
from tests.kit.released import DAY, OnDisk, on_disk


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> OnDisk:
    return on_disk(tmp_path_factory.mktemp("release"))


def codes(documents: dict[str, bytes], data: Path | None = None) -> set[str]:
    return {problem.code for problem in validate(documents, data)}


def test_every_validator_accepts_a_generated_release(release: OnDisk) -> None:
    assert [problem.explain("en") for problem in validate(release.made.documents, release.folder)] == []


def test_mlcroissant_reads_every_record_with_real_digests(release: OnDisk) -> None:
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(release.folder / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    assert sum(1 for _ in dataset.records("default")) == release.made.manifest.rows == 60
    listed = {
        item["contentUrl"]: item["sha256"]
        for item in json.loads(release.text("croissant.json"))["distribution"]
        if "sha256" in item
    }
    assert listed == {item.path: item.sha256 for item in release.made.manifest.files if item.path.startswith("data/")}


def test_a_card_and_its_parquet_files_name_the_same_columns(release: OnDisk, tmp_path: Path) -> None:
    readme = release.made.documents["README.md"].replace(b"- name: views", b"- name: wiews")
    assert "cards.features_differ" in codes({**release.made.documents, "README.md": readme}, release.folder)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"license: other", b"license: made-up-1.0", "cards.licence"),
        (b"license_name: yunzhou-open-terms\n", b"", "cards.licence_other"),
        (b"  - zh\nlicense", b"  - no\nlicense", "cards.language_tag"),
        (b"  - zh\nlicense", b"  - not_a_language\nlicense", "cards.language_tag"),
        (b"pretty_name:", b"license: mit\npretty_name:", "cards.yaml_twice"),
        (b"split: test\n", b"split: te-st\n", "cards.hub_card"),
        (b"](cards/splits.zh.svg)", b"](cards/gone.svg)", "cards.dead_link"),
        (b"](#en)", b"](#fr)", "cards.dead_link"),
    ],
)
def test_a_wrong_card_is_named(release: OnDisk, old: bytes, new: bytes, code: str) -> None:
    assert old in release.made.documents["README.md"]
    assert code in codes({**release.made.documents, "README.md": release.made.documents["README.md"].replace(old, new)})


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        ("croissant.json", b'"https://schema.org/"', b'"http://schema.org/"', "cards.croissant"),
        ("croissant.json", b'"datePublished"', b'"dateWritten"', "cards.croissant_property"),
        ("dcat.ttl", b"dcat:Dataset ;", b"dcat:Dataset", "cards.dcat"),
        ("dcat.ttl", b"foaf:Agent", b"foaf:Person", "cards.dcat"),
        ("cards/funnel.zh.svg", b"</svg>", b"<script/></svg>", "cards.svg"),
        ("cards/funnel.zh.svg", b"<svg", b'<!DOCTYPE s [<!ENTITY a "b">]><svg', "cards.svg"),
    ],
)
def test_a_wrong_document_is_named(release: OnDisk, path: str, old: bytes, new: bytes, code: str) -> None:
    assert old in release.made.documents[path]
    assert code in codes({**release.made.documents, path: release.made.documents[path].replace(old, new, 1)})


def test_in_toto_accepts_the_statement_and_refuses_a_broken_one(release: OnDisk) -> None:
    assert not list(validators.attestation(release.made.documents))
    envelope = json.loads(release.made.documents["provenance/build.dsse.json"])
    value = json.loads(base64.b64decode(envelope["payload"]))
    assert value["predicateType"] == "https://slsa.dev/provenance/v1"
    value["subject"] = []
    envelope["payload"] = base64.b64encode(json.dumps(value).encode()).decode()
    broken = {"provenance/build.dsse.json": json.dumps(envelope).encode()}
    assert [problem.code for problem in validators.attestation(broken)] == ["cards.attestation"]


def test_securesystemslib_verifies_the_envelope(release: OnDisk) -> None:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    held = json.loads(release.made.documents["provenance/build.dsse.json"])
    keyid = held["signatures"][0]["keyid"]
    envelope = Envelope.from_dict({**held, "signatures": [{"keyid": keyid, "sig": held["signatures"][0]["sig"]}]})
    key = SSlibKey(keyid, "ed25519", "ed25519", {"public": release.key.verifier.public.hex()})
    assert envelope.verify([key], 1)


def test_a_missing_validator_is_never_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    from corpushub.base.errors import NotFound

    monkeypatch.setitem(validators.PACKAGES, "no_such_validator", "no-such-validator")
    with pytest.raises(NotFound) as refused:
        installed()
    assert (refused.value.code, refused.value.exit_code) == ("cards.validator_missing", 4)


def test_cyclonedx_accepts_the_bill_of_materials(release: OnDisk) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = export_card(str(release.folder), "cdx", Path(), Path())
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_spdx_reads_the_dataset_package(release: OnDisk) -> None:
    from spdx_python_model import v3_0_1 as spdx

    objects = spdx.SHACLObjectSet()
    text = export_card(str(release.folder), "spdx", Path(), Path())
    spdx.JSONLDDeserializer().deserialize_data(json.loads(text), objects)
    packages = list(objects.foreach_type(spdx.dataset_DatasetPackage))
    assert [(package.name, package.dataset_datasetSize) for package in packages] == [
        ("yunzhou/notices", sum(file.bytes for file in release.made.made.facts.built.files))
    ]


def test_each_record_names_the_source_its_own_row_came_from(tmp_path: Path) -> None:
    built = a_build(tmp_path / "build")
    (second,) = (replace(source, name="archive", resource="990100/archive/old") for source in built.sources)
    lineage = tmp_path / "build/provenance/lineage.parquet"
    frame = pl.read_parquet(lineage)
    owner = pl.when(pl.col("id") == "n-00007").then(pl.lit("archive")).otherwise(pl.col("source"))
    frame.with_columns(owner.alias("source")).write_parquet(lineage)
    inputs = Inputs(a_recipe(), replace(built, sources=(*built.sources, second)), tmp_path / "build", "1.0.0", DAY)
    assemble(inputs).write(tmp_path / "release")
    rows = [json.loads(line) for line in export_card(str(tmp_path / "release"), "tc609", Path(), Path()).splitlines()]
    assert {row["id"]: row["source"] for row in rows if row["source"] != "990100/stats/notices"} == {
        "n-00007": "990100/archive/old"
    }


def test_rows_go_out_as_tc609_records(release: OnDisk) -> None:
    lines = export_card(str(release.folder), "tc609", Path(), Path()).splitlines()
    assert len(lines) == 60
    first = json.loads(lines[0])
    assert {
        "id",
        "rid",
        "data_content",
        "annotation",
        "original_time",
        "version",
        "license",
        "source",
        "generated_data_indicator",
    } <= set(first)


def test_other_registers_get_their_row(release: OnDisk) -> None:
    row = json.loads(export_card(str(release.folder), "eu-53", Path(), Path()))
    assert row["section"].startswith("2.2.1")
    assert row["size_detail"]["rows"] == 60
    assert "31" in export_card(str(release.folder), "filing", Path(), Path())
    assert json.loads(export_card(str(release.folder), "dta", Path(), Path()))["use"]["intended_data_use"] == "model-training"
