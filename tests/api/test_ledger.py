"""Outsiders follow the ledger over HTTP with nothing but the log's key."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from corpushub.base.merkle import Checkpoint, Tiles, tile_path
from corpushub.base.settings import Settings
from corpushub.base.signing import Note, VerifierKey, verify_note
from corpushub.domain.parties import SYSTEM
from corpushub.services.hub import Hub, open_hub
from corpushub.services.witness import Witness
from corpushub.web import create_app
from tests.kit.ledger import an_event


@pytest.fixture
def hub(tmp_path: Path) -> Generator[Hub]:
    made = open_hub(Settings(home=tmp_path / "hub"))
    yield made
    made.close()


@pytest.fixture
def client(hub: Hub) -> TestClient:
    return TestClient(create_app(hub, with_portal=False), base_url="http://127.0.0.1:7860")


def grow(hub: Hub, count: int) -> None:
    with hub.database.begin() as unit:
        for _ in range(count):
            unit.events.append(an_event(f"case-{unit.ledger.size()}", 1))


def newest(client: TestClient) -> Checkpoint:
    key = VerifierKey.parse(client.get("/ledger/key").text)
    note = Note.parse(client.get("/ledger/checkpoint").text)
    assert verify_note(note, [key])
    return Checkpoint.parse(note.text)


def test_the_tree_can_be_rebuilt_from_its_tiles(hub: Hub, client: TestClient):
    grow(hub, 300)
    hub.audit.checkpoint(SYSTEM)
    stated = newest(client)

    def read(level: int, index: int, width: int) -> bytes:
        return client.get(f"/ledger/{tile_path(level, index, width)}").raise_for_status().content

    assert Tiles(stated.size, read).root() == stated.root


def test_whoever_pulled_a_release_finds_the_key_it_is_signed_with(hub: Hub, client: TestClient):
    told = VerifierKey.parse(client.get("/ledger/release-key").text)
    assert hub.releases.key
    assert told == hub.releases.key.verifier
    assert told != VerifierKey.parse(client.get("/ledger/key").text)


def test_a_witness_signs_over_http(hub: Hub, client: TestClient, tmp_path: Path):
    witness = Witness(tmp_path / "witness", "audit.example/witness", lambda: datetime(2026, 11, 23, tzinfo=UTC))
    hub.audit.add_witness(SYSTEM, str(witness.key.verifier), "audit-office")
    log = VerifierKey.parse(client.get("/ledger/key").text)
    seen = 0
    for _ in range(2):
        grow(hub, 10)
        hub.audit.checkpoint(SYSTEM)
        line = witness.sign(log, client.get("/ledger/continuation", params={"old": seen}).text)
        answer = client.post("/ledger/cosignatures", content=line, headers={"content-type": "text/plain"})
        assert answer.json() == {"kept": 1}
        seen = newest(client).size
    assert len(Note.parse(client.get("/ledger/checkpoint").text).lines) == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ledger/checkpoint", 404),
        ("/ledger/continuation", 404),
        ("/ledger/tile/0/000", 404),
        ("/ledger/tile/entries/000.p/1", 404),
        ("/ledger/tile/0/0", 422),
        ("/ledger/tile/../../key", 404),
    ],
)
def test_what_is_not_there_is_told_with_a_code(client: TestClient, path: str, status: int):
    assert client.get(path).status_code == status


def test_entries_are_not_in_public(hub: Hub, client: TestClient):
    grow(hub, 3)
    hub.audit.checkpoint(SYSTEM)
    assert client.get("/ledger/tile/entries/000.p/3").status_code == 404
    assert len(client.get("/ledger/tile/0/000.p/3").content) == 96


def test_a_signature_of_nobody_is_refused(hub: Hub, client: TestClient):
    grow(hub, 3)
    hub.audit.checkpoint(SYSTEM)
    answer = client.post("/ledger/cosignatures", content="— nobody AAAAAAAA", headers={"content-type": "text/plain"})
    assert answer.status_code in {409, 422}
