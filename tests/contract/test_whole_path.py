"""One dataset's whole life, from somebody's need to its recall, with the unmodified client in the middle and the auditor's verifier at the end."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from corpushub.base.identity import canonical
from corpushub.base.merkle import unpack_entries
from corpushub.base.signing import hub_key, seal, statement
from corpushub.domain.parties import SYSTEM
from corpushub.domain.workflow import Case
from tests.kit.gov import RESOURCE, City, authorized, draft, registered
from tests.kit.hub import REPO, SomeHub, notices, serving, some_hub

PROJECT = Path(__file__).resolve().parents[2]
WHY = {"reason": "because it has to be"}
STORY = (
    "demand.submitted", "demand.order_made", "work_order.agreed", "release.proposed", "release.voted", "release.approved", "release.published",
    "work_order.delivered", "demand.fulfilled", "access.submitted", "access.countersigned", "entitlement.granted", "objection.filed",
    "objection.corrected", "release.superseded", "release.quarantined", "release.withdrawn", "derived.flagged", "entitlement.revoked",
    "attestation.asked",
)  # fmt: skip
PULL = """
import sys
from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError
try:
    print(len(list(__import__("pathlib").Path(snapshot_download(sys.argv[1], repo_type="dataset", revision=sys.argv[2], cache_dir=sys.argv[3])).rglob("*.parquet"))))
except (GatedRepoError, HfHubHTTPError) as error:
    print("refused", error.response.status_code)
"""


def pull(endpoint: str, token: str, revision: str, cache: Path) -> str:
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_TOKEN": token, "HF_HOME": str(cache), "HF_HUB_DISABLE_TELEMETRY": "1"}
    words = [sys.executable, "-c", PULL, REPO, revision, str(cache)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def manifest(some: SomeHub, version: str) -> str:
    """A manifest with a signed statement over the files, as a publication keeps them."""
    files = [{"path": path, "sha256": some.objects.put_bytes(data), "bytes": len(data)} for path, data in notices().items()]
    told = statement({item["path"]: item["sha256"] for item in files}, "https://example.org/release", {"version": version})
    sealed = canonical(seal(told, [hub_key(some.settings, "release")]))
    files.append({"path": "provenance/build.dsse.json", "sha256": some.objects.put_bytes(sealed), "bytes": len(sealed)})
    digest: str = some.objects.put_bytes(canonical({"dataset": REPO, "version": version, "files": files}))
    return digest


def walk(city: City, case: Case, *steps: tuple[Any, ...]) -> Case:
    for person, command, *data in steps:
        case = city.do(person, case, command, **(data[0] if data else {}))
    return case


def release(some: SomeHub, version: str) -> Case:
    """Proposed, approved by two people of two organisations, published, its bytes behind the tag."""
    city = some.city
    case = city.cases.open(city["operator"], "release", draft(city, version=version, manifest_digest=manifest(some, version)))
    steps = (("operator", "submit"), ("implementer", "approve"), ("reviewer", "approve"), ("operator", "publish"))
    case = walk(city, case, *steps)
    some.publish(REPO, notices(), f"v{version}")
    return case


def test_from_a_need_to_a_recall_and_every_step_is_in_the_auditors_hands(tmp_path: Path) -> None:
    some = some_hub(tmp_path)
    city = some.city
    registered(city)
    city.made["authorization"] = authorized(city)
    need = city.cases.open(
        city["developer"], "demand", {"title": "notices", "text": "all notices of the city", "purpose": "model-training"}
    )
    need = walk(
        city, need, ("developer", "submit"), ("operator", "acknowledge"), ("operator", "find_unmet"),
        ("operator", "evaluate", {"feasible": True, "findings": "can be built"}),
        ("operator", "make_order", {"operator": "data-group", "scope": "all notices"}),
    )  # fmt: skip
    (order,) = city.cases.list(city["developer"], flow="work_order").items
    quote = {"price": 0, "price_basis": "free", "due": "2026-12-01", "acceptance_tests": ["rows > 100"]}
    order = walk(city, order, ("operator", "quote", quote), ("developer", "agree"), ("operator", "build"))
    first = release(some, "1.0.0")
    walk(city, order, ("operator", "deliver", {"release": first.id}), ("developer", "accept"))

    right = some.entitle()
    token = some.token(city["developer"], "read")
    with serving(some.hub) as endpoint:
        assert pull(endpoint, token, "v1.0.0", tmp_path / "one") == "3"
        made = {"name": "street model", "kind": "model", "parents": [f"{REPO}@1.0.0"], "description": "a model"}
        walk(city, city.cases.open(city["developer"], "derived", made), ("registrar", "register"))
        wrong = {"about": REPO, "version": "1.0.0", "kind": "wrong_value", "text": "row 7 names the wrong street"}
        objection = walk(city, city.cases.open(city["developer"], "objection", wrong), ("operator", "accept"))
        objection = walk(city, objection, ("provider", "confirm", {"findings": "it is wrong"}))
        city.clock.forward(minutes=5)
        release(some, "1.0.1")
        walk(city, objection, ("operator", "fix", {"corrected_in": "1.0.1", "answer": "corrected in 1.0.1"}))
        walk(city, first, ("supervisor", "quarantine", WHY), ("reviewer", "withdraw", WHY), ("implementer", "withdraw", WHY))
        some.repositories.forget()
        some.access.forget()
        assert pull(endpoint, token, "v1.0.1", tmp_path / "two") == "3"
        assert pull(endpoint, token, "v1.0.0", tmp_path / "three").startswith("refused")
        walk(city, right, ("implementer", "revoke", WHY))
        some.access.forget()
        assert pull(endpoint, token, "v1.0.1", tmp_path / "four").startswith("refused")

    bundle = tmp_path / "audit.tar"
    some.audit.export(SYSTEM, bundle)
    key = str(some.audit.verifier_key())
    some.close()
    tool = PROJECT / "tools" / "verify_audit.py"
    done = subprocess.run(
        [sys.executable, "-I", str(tool), str(bundle), "--key", key], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(STORY) <= types_in(bundle)
    assert RESOURCE not in done.stderr


def types_in(bundle: Path) -> set[str]:
    """Types of every event in the bundle's entries."""
    found: set[str] = set()
    with tarfile.open(bundle) as tar:
        for info in tar:
            if info.name.startswith("tile/entries/"):
                member = tar.extractfile(info)
                assert isinstance(member, io.BufferedIOBase)
                found |= {str(json.loads(entry).get("type", "")) for entry in unpack_entries(member.read())}
    return found
