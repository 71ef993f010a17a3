"""nginx in front: it sends the bytes, the hub decides; under a pass it asks nobody, and the pass ends with the right behind it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from corpushub.api.nginx import nginx_conf
from corpushub.services import passes
from corpushub.store.pass_folder import AHEAD_SECONDS, WINDOW_SECONDS, window
from tests.kit.gov import released
from tests.kit.hub import CURATOR, READER, REPO, SomeHub, free_port, notices, serving, some_hub

BIG = os.urandom(1 << 20) * 5 + b"end"
FILES = {"big.bin": BIG, "数据/一 二.bin": b"one", "数据/一.txt": "一".encode(), **notices()}
OPEN = "city/open"


@dataclass
class Front:
    """A hub behind a running nginx."""

    hub: SomeHub
    base: str
    files: str

    def head(self, path: str, token: str = "", repo: str = REPO) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        commit = self.hub.repositories.at(CURATOR, repo).commit.id
        return httpx.head(f"{self.base}/datasets/{repo}/resolve/{commit}/{path}", headers=headers)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Generator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    ports = free_port(), free_port()
    files = f"http://127.0.0.1:{ports[1]}"
    hub = some_hub(folder, accel_redirect="/objects", files_url=files)
    hub.city.made["release"] = released(hub.city)
    hub.publish(REPO, FILES)
    commit = hub.publish(OPEN, FILES, gated="")
    with hub.database.begin() as unit:
        unit.repos.set_branch(OPEN, "a/b", commit)
    (folder / "nginx").mkdir(exist_ok=True)
    conf = nginx_conf(upstream=f"127.0.0.1:{hub.settings.port}", home=folder, objects=folder / "objects", ports=ports)
    with serving(hub), nginx(folder, conf, f"http://127.0.0.1:{ports[0]}/healthz"):
        yield Front(hub, f"http://127.0.0.1:{ports[0]}", files)


@contextmanager
def nginx(folder: Path, conf: str, probe: str, **trust: Any) -> Iterator[None]:
    """nginx under the printed configuration."""
    user = "user root;\n" if os.geteuid() == 0 else ""
    file = folder / f"{free_port()}.conf"
    file.write_text(f"{user}pid {file}.pid; error_log {folder}/error.log; daemon off;\n{conf}")
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(file)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(probe, **trust))
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def answers(url: str, **trust: Any) -> bool:
    try:
        return httpx.get(url, **trust).status_code == 200
    except httpx.ConnectError:
        return False


def until(done: Callable[[], bool], seconds: float = 8.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nginx_sends_the_bytes_and_the_hub_s_headers(front: Front) -> None:
    commit = front.hub.repositories.at(READER, OPEN).commit.id
    for revision in ("v1.0.0", "a%2Fb", commit):
        answer = httpx.get(f"{front.base}/datasets/{OPEN}/resolve/{revision}/big.bin")
        assert answer.content == BIG, revision
        assert answer.headers["x-repo-commit"] == commit
        assert answer.headers["x-linked-size"] == str(len(BIG))
        assert answer.headers["etag"].strip('"') == answer.headers["x-linked-etag"].strip('"')
        assert "x-accel-redirect" not in answer.headers
        assert [
            name for name, count in Counter(name.lower() for name, _ in answer.headers.multi_items()).items() if count > 1
        ] == []
        assert {"content-disposition", "cache-control"} <= answer.headers.keys()
    part = httpx.get(f"{front.base}/datasets/{OPEN}/resolve/v1.0.0/big.bin", headers={"range": "bytes=-3"})
    assert (part.status_code, part.content) == (206, b"end")
    assert httpx.get(f"{front.base}/datasets/{OPEN}/resolve/v1.0.0/%E6%95%B0%E6%8D%AE/%E4%B8%80.txt").text == "一"
    assert httpx.get(f"{front.base}/objects/ab/x").status_code == 404


def test_a_head_leads_to_a_pass_that_serves_the_whole_release_and_names_nobody(front: Front) -> None:
    front.hub.entitle()
    secret = front.hub.token(READER)
    answer = front.head("big.bin", secret)
    assert answer.status_code == 302
    assert answer.headers["x-linked-size"] == str(len(BIG))
    assert answer.headers["etag"] == answer.headers["x-linked-etag"]
    assert front.head("big.bin", repo=OPEN).headers["cache-control"] == answer.headers["cache-control"] == "no-store"
    address = answer.headers["location"]
    assert address.startswith(f"{front.files}/take/")
    assert secret not in address
    assert READER.person not in address
    assert httpx.get(address).content == BIG
    assert httpx.get(address, headers={"range": "bytes=5-9"}).content == BIG[5:10]
    other = front.head("数据/一 二.bin", secret).headers["location"]
    assert httpx.get(other).content == b"one"
    assert other.split("/")[4] == address.split("/")[4]
    assert front.head("README.md", secret).status_code == 200
    for wrong in ("../objects/x", "..%2f..%2fnginx.conf", "%2e%2e/x", "none.bin"):
        assert httpx.get(f"{front.files}/take/{address.split('/')[4]}/{wrong}").status_code in {400, 403, 404}
    for wrong in ("", "take", "take/", "take/" + "0" * 32 + "/big.bin", "nginx.conf"):
        assert httpx.get(f"{front.files}/{wrong}").status_code in {403, 404}
    assert front.head("big.bin").status_code == 401


def test_what_the_operator_counts_is_not_told_outside(front: Front) -> None:
    assert httpx.get(f"{front.base}/metrics").status_code == 404
    assert "corpushub_requests_total" in httpx.get(f"http://127.0.0.1:{front.hub.settings.port}/metrics").text


def test_the_real_client_downloads_a_release_under_a_pass(front: Front, tmp_path: Path) -> None:
    code = f"""
import json, pathlib
from huggingface_hub import snapshot_download
folder = pathlib.Path(snapshot_download("{OPEN}", repo_type="dataset"))
print(json.dumps({{str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}}))
"""
    env = {"HF_ENDPOINT": front.base, "HF_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {path: len(data) for path, data in FILES.items()}
    until(lambda: recorded(front.hub, "", "big.bin") >= len(BIG))


def recorded(hub: SomeHub, person: str, path: str) -> int:
    hub.passes.record()
    rows = hub.access.deliveries(hub.city["auditor"], limit=1000)
    return sum(row.bytes for row in rows if row.person == person and row.path in {"", path})


def test_what_nginx_sends_is_recorded_once_with_rows_and_entitlement(front: Front) -> None:
    entitlement = front.hub.entitle()
    token = front.hub.access.issue_token(READER, name="rows")
    path = "data/test-00000-of-00001.parquet"
    address = front.head(path, token[0]).headers["location"]
    size = len(httpx.get(address).content)
    assert httpx.get(address.replace(path, "none")).status_code == 404

    def rows() -> list[tuple[int, int, int, str, str]]:
        front.hub.passes.record()
        found = front.hub.access.deliveries(front.hub.city["auditor"], limit=1000)
        return [(row.files, row.bytes, row.rows, row.entitlement, row.path) for row in found if row.token == token[1].id]

    until(lambda: bool(rows()))
    front.hub.passes.record()
    assert rows() == [(1, size, 20, entitlement.id, path)]


def test_a_log_moved_away_is_read_to_its_end(front: Front) -> None:
    token = front.hub.access.issue_token(READER, name="rotated")
    front.hub.entitle()
    address = front.head("big.bin", token[0]).headers["location"]
    folder = front.hub.passes.folder
    front.hub.passes.record()
    httpx.get(address)
    until(lambda: folder.log.stat().st_size > 0)
    time.sleep(1.2)
    folder.log.rename(folder.log.with_name("taken.log.1"))
    folder.log.write_text(f"206OK\t7\t/take/{address.split('/')[4]}/big.bin\n206OK\tx\n\t\n206OK\t9")
    front.hub.passes.record()
    found = front.hub.access.deliveries(front.hub.city["auditor"], limit=1000)
    assert sum(row.bytes for row in found if row.token == token[1].id) == len(BIG) + 7
    folder.log.unlink()
    folder.log.with_name("taken.log.1").rename(folder.log)


def test_only_what_hangs_in_the_present_window_opens_a_release(front: Front) -> None:
    front.hub.entitle()
    address = front.head("big.bin", front.hub.token(READER)).headers["location"]
    name = address.split("/")[4]
    hung = front.hub.settings.home / "nginx/passes"
    (hung / "open/take" / ("e" * 32)).symlink_to((hung / "open/take" / name).readlink())
    over = hung / window(time.time() - WINDOW_SECONDS) / "take"
    over.mkdir(parents=True, exist_ok=True)
    (over / ("e" * 32)).symlink_to((hung / "open/take" / name).readlink())
    assert httpx.get(address).status_code == 200
    for path in (
        f"take/{'e' * 32}/big.bin",
        f"take//{name}/big.bin",
        f"take/{name}/../{'e' * 32}/big.bin",
        f"take/{name}",
        "take/none/big.bin",
    ):
        assert httpx.get(f"{front.files}/{path}").status_code == 404, path
    assert httpx.request("GET", f"{front.files}/take/{name[:-1]}%{ord(name[-1]):x}/big.bin").content == BIG


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, good for this hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub under test")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(hours=1), now + timedelta(hours=1)
    )
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    places = folder / "certificate", folder / "key"
    places[0].write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    places[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return places


def test_over_http2_the_same_bytes_headers_and_refusals(front: Front, tmp_path: Path) -> None:
    hub, ports = front.hub, (free_port(), free_port())
    cert, key = certificate(tmp_path)
    home = hub.settings.home
    conf = nginx_conf(upstream=f"127.0.0.1:{hub.settings.port}", home=home, objects=home / "objects", ports=ports)
    for port in ports:
        conf = conf.replace(f"listen {port};", f"listen {port} ssl http2; ssl_certificate {cert}; ssl_certificate_key {key};")
    base, files = (f"https://127.0.0.1:{port}" for port in ports)
    token = ["-H", f"authorization: Bearer {hub.token(CURATOR, 'read', 'write')}"]

    def curl(*words: str) -> tuple[str, bytes]:
        """Version and status of the last answer, and its body."""
        told = [
            "curl",
            "-sS",
            "--http2",
            "--cacert",
            str(cert),
            "-o",
            str(tmp_path / "got"),
            "-w",
            "%{http_version} %{http_code}",
        ]
        done = subprocess.run([*told, *words], capture_output=True, text=True, check=True, timeout=30)
        return done.stdout, (tmp_path / "got").read_bytes()

    with nginx(home, conf, f"{base}/healthz", verify=ssl.create_default_context(cafile=str(cert))):
        place = f"{base}/datasets/{OPEN}/resolve"
        assert curl(f"{place}/a%2Fb/big.bin") == ("2 200", BIG)
        assert curl("-r", "5-9", f"{place}/v1.0.0/big.bin") == ("2 206", BIG[5:10])
        status, head = curl("-I", f"{place}/{hub.repositories.at(CURATOR, OPEN).commit.id}/big.bin")
        assert status == "2 302"
        lines = dict(line.split(": ", 1) for line in head.decode().lower().splitlines() if ": " in line)
        assert {"x-repo-commit", "x-linked-etag", "x-linked-size", "etag", "x-request-id"} <= lines.keys()
        under = f"{files}/take/{lines['location'].split('/take/')[1]}"
        assert curl(under) == ("2 200", BIG)
        assert curl("-r", "-3", under) == ("2 206", b"end")
        assert curl(f"{files}/take/{'0' * 32}/big.bin")[0] == "2 404"
        assert curl(f"{base}/datasets/{REPO}/resolve/v1.0.0/big.bin")[0] == "2 401"
        asked = json.dumps({"name": "pushed", "organization": "city", "type": "dataset"})
        assert curl(*token, "-H", "content-type: application/json", "-d", asked, f"{base}/api/repos/create")[0] == "2 200"
        many = [f"{place}/v1.0.0/{quote(path)}" for path in FILES] * 8
        told = ["curl", "-sS", "-Z", "--http2", "--cacert", str(cert), "-w", "%{http_version} %{http_code} %{size_download}\n"]
        wanted = [word for number, url in enumerate(many) for word in ("-o", str(tmp_path / f"{number}.part"), url)]
        done = subprocess.run([*told, *wanted], capture_output=True, text=True, check=True, timeout=30)
        assert sorted(done.stdout.split("\n")[:-1]) == sorted(f"2 200 {len(data)}" for data in FILES.values() for _ in range(8))
        for number, data in enumerate(list(FILES.values()) * 8):
            assert (tmp_path / f"{number}.part").read_bytes() == data


@pytest.mark.parametrize("how", ["revoked", "suspended", "stopped"])
def test_a_pass_ends_with_the_right_behind_it(front: Front, how: str) -> None:
    hub = front.hub
    hub.entitle()
    secret, token = hub.access.issue_token(READER, name=how)
    address = front.head("数据/一 二.bin", secret).headers["location"]
    hub.passes.renew()
    assert httpx.get(address).content == b"one"
    if how == "revoked":
        hub.access.revoke(READER, token.id)
    elif how == "suspended":
        for case in hub.cases.list(CURATOR, flow="entitlement").items:
            if case.state == "active":
                hub.city.do("implementer", case, "suspend", reason="under check")
    else:
        hub.city.do("reviewer", hub.city.made["release"], "quarantine", reason="a name was left in row 7")
    hub.access.forget()
    hub.repositories.forget()
    # Nobody asks for a new judgement, and nginx has the file open: the hub's round and nginx's look end it.
    until(lambda: httpx.get(address).status_code == 404, seconds=5.5)
    assert httpx.get(address.replace("%E4%B8%80%20%E4%BA%8C.bin", "%E4%B8%80.txt")).status_code == 404
    assert not list((hub.settings.home / "nginx/passes").rglob(address.split("/")[4]))
    assert front.head("数据/一 二.bin", secret).status_code in {401, 403, 404}


def test_an_older_pass_serves_its_last_hour_beside_the_new_one(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = front.hub
    token = hub.access.issue_token(CURATOR, name="long")[0]
    old = front.head("big.bin", token).headers["location"]
    assert front.head("big.bin", token).headers["location"] == old
    monkeypatch.setattr(passes, "RESUME_SECONDS", passes.LIFE_SECONDS + 1)
    new = front.head("big.bin", token).headers["location"]
    assert new != old
    hub.passes.renew()
    hung = {path.name for path in (hub.settings.home / "nginx/passes").rglob("*") if path.is_symlink()}
    assert {old.split("/")[4], new.split("/")[4]} <= hung


def test_no_pass_outlives_its_last_judgement_by_more_than_a_minute() -> None:
    for start in range(1_795_355_400, 1_795_355_560):
        named = {window(start), window(start + AHEAD_SECONDS)}
        last = max(moment for moment in range(start, start + 200) if window(moment) in named)
        assert last - start < 60
        assert all(window(moment) in named for moment in range(start, start + int(passes.ROUND_SECONDS) + 4))
    assert len({window(moment) for moment in range(5000)}) == 5000 // WINDOW_SECONDS
