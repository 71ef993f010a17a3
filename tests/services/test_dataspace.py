"""A connector reads the catalog, negotiates and gets its right: the access flow in the Dataspace Protocol's words (article 9)."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.kit.gov import released
from tests.kit.hub import REPO, SomeHub, caller, notices, some_hub

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path)
    made.city.made["release"] = released(made.city)
    made.publish(REPO, notices())
    return made


def message(offer: dict[str, Any], purpose: str = "model-training", channels: tuple[str, ...] = ("file",)) -> dict[str, Any]:
    chosen = copy.deepcopy(offer)
    for limit in chosen["odrl:permission"][0]["odrl:constraint"]:
        if limit["odrl:leftOperand"]["@id"] == "odrl:purpose":
            limit["odrl:rightOperand"] = [purpose]
        if limit["odrl:leftOperand"]["@id"] == "odrl:deliveryChannel":
            limit["odrl:rightOperand"] = list(channels)
    return {"@type": "ContractRequestMessage", "consumerPid": "urn:uuid:1", "offer": chosen}


async def offer_of(client: Any) -> dict[str, Any]:
    catalog = (await client.post("/dsp/catalog/request", json={"@type": "CatalogRequestMessage"})).json()
    (dataset,) = catalog["dcat:dataset"]
    assert dataset["@id"] == REPO
    (offer,) = dataset["odrl:hasPolicy"]
    return dict(offer)


async def test_from_catalog_to_agreement_to_delivery(hub: SomeHub) -> None:
    """Happy path: catalog, offer, request, approval by the same people, verification, right in force."""
    async with caller(hub, hub.token(hub.city["developer"], "read", "request", "write")) as client:
        assert (await client.get("/.well-known/dspace-version")).json()["protocolVersions"][0]["path"] == "/dsp"
        offer = await offer_of(client)
        assert (await client.get(f"/dsp/catalog/datasets/{REPO}")).json()["odrl:hasPolicy"] == [offer]
        asked = await client.post("/dsp/negotiations/request", json=message(offer))
        assert (asked.status_code, asked.json()["state"]) == (201, "REQUESTED"), asked.text
        pid = asked.json()["providerPid"]
        case = hub.cases.get(hub.city["operator"], pid)
        assert (case.flow, case.state, case.data["purpose"], case.data["channels"]) == (
            "access",
            "submitted",
            "model-training",
            ["file"],
        )
        for person, command in (("operator", "triage"), ("reviewer", "propose"), ("implementer", "approve")):
            hub.cases.execute(hub.city[person], pid, command)
        assert (await client.get(f"/dsp/negotiations/{pid}")).json()["state"] == "AGREED"
        done = (await client.post(f"/dsp/negotiations/{pid}/agreement/verification")).json()
        assert (done["state"], done["consumerPid"]) == ("FINALIZED", "urn:uuid:1")
        agreement = done["agreement"]
        assert (agreement["@type"], agreement["odrl:assignee"], agreement["odrl:target"]["@id"]) == (
            "odrl:Agreement",
            "beichen",
            REPO,
        )
    hub.access.forget()
    located = hub.repositories.locate(hub.city["developer"], REPO, "v1.0.0", "data/test-00000-of-00001.parquet")
    assert located.permission.entitlement == agreement["@id"]


async def test_the_consumer_takes_a_request_back(hub: SomeHub) -> None:
    async with caller(hub, hub.token(hub.city["developer"], "read", "request", "write")) as client:
        asked = await client.post("/dsp/negotiations/request", json=message(await offer_of(client)))
        ended = await client.post(f"/dsp/negotiations/{asked.json()['providerPid']}/termination")
        assert ended.json()["state"] == "TERMINATED"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda told: told.pop("consumerPid"), "dataspace.message"),
        (lambda told: told.pop("offer"), "dataspace.message"),
        (lambda told: told["offer"].update({"@id": "urn:corpushub:offer:forged"}), "dataspace.offer"),
        (lambda told: told["offer"].update({"odrl:target": {"@id": "city/nothing"}}), "oversight.unknown_id"),
        (lambda told: told["offer"].update({"odrl:permission": []}), "dataspace.message"),
    ],
    ids=["no consumer", "no offer", "forged offer", "unknown target", "no purpose"],
)
async def test_a_wrong_message_is_told_in_the_protocol_s_words(hub: SomeHub, spoil: Any, code: str) -> None:
    async with caller(hub, hub.token(hub.city["developer"], "read", "request", "write")) as client:
        told = message(await offer_of(client))
        spoil(told)
        answer = await client.post("/dsp/negotiations/request", json=told)
    assert (answer.json()["@type"], answer.json()["code"]) == ("ContractNegotiationError", code)
    assert hub.cases.list(hub.city["authority"], flow="access").items == ()


async def test_others_neither_see_nor_steer_a_negotiation(hub: SomeHub) -> None:
    async with caller(hub, hub.token(hub.city["developer"], "read", "request", "write")) as client:
        pid = (await client.post("/dsp/negotiations/request", json=message(await offer_of(client)))).json()["providerPid"]
    async with caller(hub, hub.token(hub.city["keeper"], "read", "request", "write")) as other:
        assert (await other.get(f"/dsp/negotiations/{pid}")).status_code == 404
        assert (await other.post(f"/dsp/negotiations/{pid}/termination")).status_code == 404
    async with caller(hub) as nobody:
        assert (await nobody.post("/dsp/negotiations/request", json={})).status_code == 403
    assert hub.cases.get(hub.city["operator"], pid).state == "submitted"


async def test_a_purpose_nobody_authorised_is_refused_where_people_decide(hub: SomeHub) -> None:
    async with caller(hub, hub.token(hub.city["developer"], "read", "request", "write")) as client:
        pid = (
            await client.post("/dsp/negotiations/request", json=message(await offer_of(client), "product-development"))
        ).json()["providerPid"]
    for person, command in (("operator", "triage"), ("reviewer", "propose")):
        hub.cases.execute(hub.city[person], pid, command)
    allowed = {item.command: item.refusal for item in hub.cases.allowed(hub.city["implementer"], pid)}
    refusal = allowed["approve"]
    assert refusal is not None
    assert refusal.code == "access.purpose"
