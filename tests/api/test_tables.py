"""Registers, samples, parts, packs, feeds and alerts over HTTP and on the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from corpushub.cli import run as command
from corpushub.services.registers import NAMES
from tests.kit.gov import RESOURCE, released
from tests.kit.hub import REPO, SomeHub, caller, notices, serving, some_hub

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path, allowed_hosts="127.0.0.1")
    made.city.made["release"] = released(made.city)
    made.publish(REPO, notices())
    return made


async def test_registers_are_json_and_csv_and_closed_to_those_outside(hub: SomeHub) -> None:
    async with caller(hub) as nobody, caller(hub, hub.token(hub.city["auditor"])) as auditor:
        assert (await nobody.get("/v1/registers")).json()["items"] == list(NAMES)
        rows = (await nobody.get("/v1/registers/channels")).json()["items"]
        table = (await nobody.get("/v1/registers/channels?csv=true")).text
        assert [row["channel"] for row in csv.DictReader(io.StringIO(table))] == [row["channel"] for row in rows]
        assert (await nobody.get("/v1/registers/operators")).status_code == 403
        assert (await auditor.get("/v1/registers/operators")).json()["items"][0]["operator"] == "data-group"
        assert (await nobody.get("/v1/registers/nothing")).json()["title"] == "register.unknown"


async def test_samples_packs_and_feeds_are_for_everybody(hub: SomeHub) -> None:
    async with caller(hub) as nobody:
        one, other = [(await nobody.get(f"/v1/samples/{REPO}?rows=3")).json() for _ in range(2)]
        assert (len(one["rows"]), one["digest"]) == (3, other["digest"])
        assert (await nobody.get(f"/v1/samples/{REPO}?rows=0")).status_code == 422
        pack = (await nobody.get(f"/v1/listing-pack/{REPO}?version=1.0.0")).json()
        assert pack["product"]["id"] == f"{REPO}@1.0.0"
        feed = await nobody.get("/v1/catalog.jsonld")
        assert feed.headers["content-type"] == "application/ld+json"
        assert feed.json()["dcat:dataset"][0]["dct:identifier"] == RESOURCE
        assert next(csv.DictReader(io.StringIO((await nobody.get("/v1/catalog.csv")).text)))["id"] == RESOURCE
        assert (await nobody.get("/v1/orgs?kind=utility")).json()["items"] == []


async def test_a_part_is_for_whoever_has_a_right_to_query(hub: SomeHub) -> None:
    async with caller(hub, hub.token(hub.city["developer"])) as reader:
        assert (await reader.get(f"/v1/parts/{REPO}?split=train")).status_code == 403
        hub.entitle(channels=["query"])
        part = await reader.get(f"/v1/parts/{REPO}?split=train")
        assert part.content[:4] == b"PAR1"


async def test_alerts_are_chosen_by_those_who_oversee(hub: SomeHub) -> None:
    async with caller(hub, hub.token(hub.city["supervisor"], "read", "write")) as supervisor:
        assert (await supervisor.put("/v1/alerts", json={"kinds": ["leak"]})).json() == {"kinds": ["leak"]}
        assert (await supervisor.put("/v1/alerts", json={"kinds": "leak"})).status_code == 422


def told(hub: SomeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    monkeypatch.setenv("CORPUSHUB_DATABASE_URL", str(hub.settings.database_url))
    monkeypatch.setenv("CORPUSHUB_ALLOWED_HOSTS", "127.0.0.1")
    code = command(["--json", "--home", str(hub.settings.home), "--as", "authority", *words])
    return code, capsys.readouterr().out


def test_the_command_line_prints_registers_and_harvests_another_hub_s_feed(
    hub: SomeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*words: str) -> tuple[int, str]:
        return told(hub, capsys, monkeypatch, *words)

    assert {row["register"] for row in json.loads(run("oversee", "register")[1])} == set(NAMES)
    assert run("oversee", "register", "channels", "--csv")[1].startswith("channel,system,")
    assert json.loads(run("oversee", "listing-pack", REPO, "1.0.0")[1])["schema"] == "corpushub/listing/v1"
    into = ("--owner", "stats-bureau", "--region", "990100", "--folder", "harvested")
    with serving(hub.hub) as address:
        code, out = run("catalog", "harvest", f"{address}/v1/catalog.jsonld", *into)
    assert (code, json.loads(out)["added"]) == (0, 1)
    file = tmp_path / "ckan.json"
    packages: list[dict[str, Any]] = [{"name": "parks", "title": "Parks"}, {"name": "parks", "title": "Parks again"}]
    file.write_text(json.dumps({"result": {"results": packages}}), "utf-8")
    code, out = run("catalog", "harvest", str(file), *into)
    assert (code, json.loads(out)["added"], json.loads(out)["problems"][0]["row"]) == (1, 1, 2)
    assert run("catalog", "harvest", "http://example.org/feed", *into)[0] == 3, "a host nobody allowed is not asked"
