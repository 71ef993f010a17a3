"""Check a release folder the way a stranger would: with the folder, a public key, and nothing of this hub.

1. Every file named in SHA256SUMS is there with that digest; no other file is.
2. The build attestation is signed by the given key, and its subjects are the data files as they are.
3. Counts and columns in card and Croissant equal the Parquet footers.
4. Every verdict in gates.json, and in the approval record, follows from its own numbers; no waiver is expired.
5. The approval record names the manifest whose digest the folder gives, and at least two people of two organisations.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpushub.base.errors import HubError, Invalid, NotFound, Problem
from corpushub.base.identity import file_sha256
from corpushub.base.signing import VerifierKey, unseal
from corpushub.domain.front_matter import read_head
from corpushub.domain.gates import recompute
from corpushub.domain.release import Item, Manifest, parse_checksums

SUMS, APPROVALS, ATTESTATION, BUNDLE = "SHA256SUMS", "provenance/approvals.json", "provenance/build.dsse.json", "release.sig"
AFTERWARDS = {SUMS, APPROVALS, BUNDLE, ".gitattributes"}
"""Files that join a release after its sums are taken."""


def verify_folder(folder: Path, keys: Sequence[VerifierKey] = (), day: date | None = None) -> tuple[Problem, ...]:
    """Every problem found, with the file it is in; none means the folder is what was released.

    Without keys nothing is signed by anybody, and that is a problem too. `day` judges waivers as of a later day.
    Raises: NotFound("verify.no_release") where the folder holds no release.
    """
    if not (folder / SUMS).is_file():
        raise NotFound("verify.no_release", file=SUMS)
    sums = parse_checksums((folder / SUMS).read_text("utf-8", "replace"))
    found = list(files_differ(folder, sums))
    for check in (
        attested(folder, sums, keys),
        counts(folder, sums),
        croissant_files(folder, sums),
        verdicts(folder, day),
        approved(folder, sums),
    ):
        found += check
    return tuple(found)


def files_differ(folder: Path, sums: Mapping[str, str]) -> Iterator[Problem]:
    present = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and ".cache/" not in path.as_posix()
    }
    for path, digest in sorted(sums.items()):
        if path not in present:
            yield Problem("verify.missing", {}, file=path)
        elif file_sha256(folder / path) != digest:
            yield Problem("verify.digest", {}, file=path)
    for path in sorted(present - sums.keys() - AFTERWARDS):
        yield Problem("verify.unexpected", {}, file=path)


def attested(folder: Path, sums: Mapping[str, str], keys: Sequence[VerifierKey]) -> Iterator[Problem]:
    """The envelope verifies under a given key, and says of each data file what SHA256SUMS says."""
    if not keys:
        yield Problem("verify.no_key", {}, file=ATTESTATION)
        return
    text = read(folder, ATTESTATION)
    try:
        statement = json.loads(unseal(json.loads(text), keys))
    except (HubError, ValueError):
        signer = signer_of(text)
        if signer and signer not in keys:
            given = ", ".join(key.name for key in keys)
            yield Problem("verify.other_key", {"signer": signer.name, "given": given}, file=ATTESTATION)
        else:
            yield Problem("verify.signature", {}, file=ATTESTATION)
        return
    subjects = {item["name"]: item["digest"]["sha256"] for item in statement.get("subject", ())}
    data = {path: digest for path, digest in sums.items() if path.endswith(".parquet")}
    for path in sorted(data.keys() | subjects.keys()):
        if data.get(path) != subjects.get(path):
            yield Problem("verify.not_attested", {"path": path}, file=ATTESTATION)


def signer_of(text: str) -> VerifierKey | None:
    """The key an envelope says it is signed by, if it names one whole: only to tell somebody with another key which one to get."""
    try:
        return VerifierKey.parse(json.loads(text)["signatures"][0]["keyid"])
    except (HubError, ValueError, LookupError, TypeError, AttributeError):
        return None


def counts(folder: Path, sums: Mapping[str, str]) -> Iterator[Problem]:
    """Rows per split and columns as the card states them, against the files' own footers."""
    infos = read_head(read(folder, "README.md")).data.get("dataset_info") or {}
    stated: dict[str, int] = {}
    for info in infos if isinstance(infos, list) else [infos]:
        for split in info.get("splits", ()):
            stated[split["name"]] = stated.get(split["name"], 0) + int(split["num_examples"])
        names = [feature["name"] for feature in info.get("features", ())]
        for path in data_paths(folder, sums):
            if pq.read_schema(folder / path).names != names:
                yield Problem("verify.columns", {}, file=path)
    counted: dict[str, int] = {}
    for path in data_paths(folder, sums):
        split = Path(path).name.split("-")[0]
        counted[split] = counted.get(split, 0) + pq.read_metadata(folder / path).num_rows
    for split in sorted(stated.keys() | counted.keys()):
        if stated.get(split) != counted.get(split):
            yield Problem(
                "verify.rows",
                {"split": split, "stated": stated.get(split, 0), "counted": counted.get(split, 0)},
                file="README.md",
            )


def data_paths(folder: Path, sums: Mapping[str, str]) -> list[str]:
    """Data files that can be read at all; unreadable ones are already named by their digest."""
    found = []
    for path in sorted(sums):
        if path.startswith("data/") and (folder / path).is_file():
            try:
                pq.read_metadata(folder / path)
            except (OSError, ValueError):
                continue
            found.append(path)
    return found


def croissant_files(folder: Path, sums: Mapping[str, str]) -> Iterator[Problem]:
    try:
        listed = json.loads(read(folder, "croissant.json"))["distribution"]
    except (ValueError, KeyError, TypeError):
        yield Problem("verify.unreadable", {}, file="croissant.json")
        return
    for item in listed:
        path = item.get("contentUrl", "")
        if item.get("@type") == "cr:FileObject" and sums.get(path) != item.get("sha256"):
            yield Problem("verify.croissant", {"path": path}, file="croissant.json")


def verdicts(folder: Path, day: date | None) -> Iterator[Problem]:
    """Judge gates.json and the approval record's gates again."""
    documents = {"gates.json": read(folder, "gates.json")}
    try:
        if record := read(folder, APPROVALS):
            documents[APPROVALS] = json.dumps(json.loads(record)["gates"])
        for path, text in documents.items():
            document = json.loads(text)
            for problem in (*recompute(document), *expired(document, day)):
                yield Problem(problem.code, problem.facts, file=path)
    except (ValueError, KeyError, TypeError):
        yield Problem("verify.unreadable", {}, file="gates.json")


def expired(document: Mapping[str, Any], day: date | None) -> Iterator[Problem]:
    at = (day or date.fromisoformat(document["day"])).isoformat()
    for row in document["gates"]:
        for waiver in (item for item in row.get("waivers", ()) if item["expires"] < at):
            yield Problem("gate.waiver_expired", {"gate": row["gate"], "expires": waiver["expires"]})


def approved(folder: Path, sums: Mapping[str, str]) -> Iterator[Problem]:
    """The approval record fits this folder: same manifest digest, two people of two organisations."""
    text = read(folder, APPROVALS)
    if not text:
        return
    try:
        record = json.loads(text)
        items = tuple(
            Item(path, digest, (folder / path).stat().st_size)
            for path, digest in sorted(sums.items())
            if (folder / path).is_file()
        )
        manifest = Manifest.from_json(
            {**record["head"], "files": [{"path": i.path, "sha256": i.sha256, "bytes": i.bytes} for i in items]}
        )
    except (ValueError, KeyError, TypeError):
        yield Problem("verify.unreadable", {}, file=APPROVALS)
        return
    if manifest.digest != record["manifest"]:
        yield Problem("verify.manifest", {}, file=APPROVALS)
    people, orgs = {row["person"] for row in record["approvals"]}, {row["org"] for row in record["approvals"]}
    if len(people) < 2 or len(orgs) < 2:
        yield Problem("verify.approvals", {"people": len(people), "orgs": len(orgs)}, file=APPROVALS)


def read(folder: Path, path: str) -> str:
    """A text file of the release; empty where it is missing, which the sums already tell."""
    try:
        return (folder / path).read_text("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def keys_in(path: Path) -> tuple[VerifierKey, ...]:
    """Public keys of a file, one a line.

    Raises: NotFound("verify.no_key_file"), Invalid("ledger.verifier_key").
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        raise NotFound("verify.no_key_file", file=path.name) from None
    found = tuple(VerifierKey.parse(line) for line in lines if line.strip() and not line.startswith("#"))
    if not found:
        raise Invalid("ledger.verifier_key")
    return found


def told(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as rows: file, code and facts."""
    return [{"file": item.file, "code": item.code, **item.facts} for item in problems]
