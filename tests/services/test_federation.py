"""Two real hubs: what a district enters stands in the city with the district's signature; what was changed on the way is refused by place."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid, NotFound, Unavailable
from corpushub.base.identity import Stopwatch
from corpushub.base.signing import SigningKey, seal
from corpushub.cli import run as command
from corpushub.domain.delta import HEAD_TYPE, Span, make_delta, page_of
from corpushub.domain.parties import ANONYMOUS, SYSTEM
from corpushub.services.federation import Federation, Peer
from corpushub.store import peers
from tests.kit.gov import an_entry, credit_code
from tests.kit.hub import SomeHub, free_port, serving, some_hub

DISTRICT_REGION = "990101"
ENTRY = "990101/river/levels"


@pytest.fixture
def city(tmp_path: Path) -> SomeHub:
    (tmp_path / "city").mkdir()
    return some_hub(tmp_path / "city", allowed_hosts="127.0.0.1")


@pytest.fixture
def district(tmp_path: Path) -> SomeHub:
    (tmp_path / "district").mkdir()
    made = some_hub(tmp_path / "district")
    made.parties.add_org(
        SYSTEM,
        id="river-office",
        credit_code=credit_code(77),
        kind="agency",
        region=DISTRICT_REGION,
        name={"zh": "河道办", "en": "River office"},
    )
    add(made)
    return made


def add(hub: SomeHub, id: str = ENTRY, **over: Any) -> None:  # noqa: A002 - the field's name
    hub.catalog.add(SYSTEM, an_entry(id=id, owner="river-office", region=DISTRICT_REGION, **over))


def known(city: SomeHub, district: SomeHub, **over: Any) -> Federation:
    federation: Federation = city.federation
    peer = {"name": "dongcheng", "key": str(district.federation.key.verifier), "regions": (DISTRICT_REGION,)}
    federation.add_peer(city.city["authority"], Peer(**(peer | over)))
    return federation


def page(district: SomeHub, after: int = 0) -> dict[str, Any]:
    return json.loads(json.dumps(district.federation.delta(after=after)))


def entries(hub: SomeHub) -> int:
    with hub.database.read() as unit:
        return unit.events.count()


def test_a_district_s_entry_stands_in_the_city_under_the_district_s_signature(city: SomeHub, district: SomeHub) -> None:
    federation = known(city, district)
    got = federation.receive(city.city["authority"], "dongcheng", page(district))
    assert got.added == (ENTRY,)
    assert city.catalog.get(ANONYMOUS, ENTRY).title == {"zh": "通知公告", "en": "Notices"}
    assert city.parties.org("river-office").credit_code == credit_code(77)
    origin = federation.origin(ENTRY)
    assert (origin["peer"], origin["valid"], origin["key"]) == ("dongcheng", True, str(district.federation.key.verifier))
    assert city.audit.verify(with_objects=False).is_whole


def test_over_http_a_new_entry_and_a_change_arrive_and_a_second_pull_brings_nothing(city: SomeHub, district: SomeHub) -> None:
    with serving(district.hub) as address:
        federation = known(city, district, address=address)
        keeper = city.city["authority"]
        assert federation.pull(keeper, "dongcheng").added == (ENTRY,)
        add(district, "990101/river/bridges")
        district.catalog.revise(SYSTEM, ENTRY, {"summary": {"zh": "新", "en": "new"}})
        got = federation.pull(keeper, "dongcheng")
        assert (got.added, got.changed) == (("990101/river/bridges",), (ENTRY,))
        assert city.catalog.get(ANONYMOUS, ENTRY).summary["en"] == "new"
        before = entries(city)
        assert federation.pull(keeper, "dongcheng").added == ()
        assert entries(city) == before
        assert federation.origin(ENTRY)["valid"]
    with pytest.raises(Unavailable):
        federation.pull(keeper, "dongcheng")


def test_the_city_listens_by_itself_once_an_hour(city: SomeHub, district: SomeHub) -> None:
    with serving(district.hub) as address:
        federation = known(city, district, address=address)
        assert (federation.pull_all(), federation.pull_all()) == (1, 0)
        add(district, "990101/river/bridges")
        city.city.clock.forward(minutes=61)
        assert federation.pull_all() == 1
    city.city.clock.forward(minutes=61)
    assert federation.pull_all() == 0, "a peer that is away stops nobody"


def edited(told: dict[str, Any], _: SomeHub) -> dict[str, Any]:
    payload = told["entries"][0]["payload"]
    told["entries"][0]["payload"] = ("A" if payload[0] != "A" else "B") + payload[1:]
    return told


def dropped(told: dict[str, Any], _: SomeHub) -> dict[str, Any]:
    return {**told, "entries": told["entries"][1:]}


def swapped(told: dict[str, Any], _: SomeHub) -> dict[str, Any]:
    return {**told, "entries": told["entries"][::-1]}


def headless(told: dict[str, Any], _: SomeHub) -> dict[str, Any]:
    return {**told, "head": {**told["head"], "signatures": []}}


def foreign_entry(told: dict[str, Any], city: SomeHub) -> dict[str, Any]:
    """An entry under another hub's key in the place of the real one."""
    return {**told, "entries": [city.federation.delta()["entries"][:1] or [{}], *told["entries"][1:]]}


@pytest.mark.parametrize("change", [edited, dropped, swapped, headless, foreign_entry])
def test_what_was_changed_on_the_way_is_named_and_nothing_is_taken_over(
    city: SomeHub, district: SomeHub, change: Callable[[dict[str, Any], SomeHub], dict[str, Any]]
) -> None:
    add(district, "990101/river/bridges")
    federation = known(city, district)
    before = entries(city)
    with pytest.raises(Invalid, match=r"federation\.tampered") as caught:
        federation.receive(city.city["authority"], "dongcheng", change(copy.deepcopy(page(district)), city))
    assert "entries[" in caught.value.explain("en") or "head" in caught.value.explain("en")
    assert caught.value.explain("zh")
    assert entries(city) == before


@pytest.mark.parametrize("junk", [None, [], {}, {"head": 1, "entries": []}, {"head": {}, "entries": [1]}, "text"])
def test_what_is_no_page_is_told_so(city: SomeHub, district: SomeHub, junk: Any) -> None:
    with pytest.raises(Invalid):
        known(city, district).receive(city.city["authority"], "dongcheng", junk)


def test_a_key_nobody_entered_is_not_believed(city: SomeHub, district: SomeHub) -> None:
    federation = known(city, district, key=str(SigningKey.generate("dongcheng.example/catalog").verifier))
    with pytest.raises(Invalid, match=r"federation\.tampered"):
        federation.receive(city.city["authority"], "dongcheng", page(district))
    with pytest.raises(NotFound, match=r"federation\.unknown_peer"):
        federation.receive(city.city["authority"], "xicheng", page(district))


def test_a_peer_speaks_for_its_own_region_only(city: SomeHub, district: SomeHub) -> None:
    federation = known(city, district, regions=("990102",))
    before = entries(city)
    with pytest.raises(Forbidden, match=r"federation\.outside_region"):
        federation.receive(city.city["authority"], "dongcheng", page(district))
    assert entries(city) == before


def test_a_peer_never_replaces_what_others_entered(city: SomeHub, district: SomeHub) -> None:
    federation = known(city, district)
    city.catalog.add(SYSTEM, an_entry(id=ENTRY, region=DISTRICT_REGION))
    with pytest.raises(Conflict, match=r"federation\.taken"):
        federation.receive(city.city["authority"], "dongcheng", page(district))


def test_a_gap_is_refused_and_an_old_page_changes_nothing(city: SomeHub, district: SomeHub) -> None:
    federation, keeper = known(city, district), city.city["authority"]
    first = page(district)
    upto = federation.receive(keeper, "dongcheng", first).upto
    district.catalog.revise(SYSTEM, ENTRY, {"summary": {"zh": "新", "en": "new"}})
    second = page(district, upto)
    add(district, "990101/river/bridges")
    third = page(district, json_upto(second))
    with pytest.raises(Conflict, match=r"federation\.gap"):
        federation.receive(keeper, "dongcheng", third)
    federation.receive(keeper, "dongcheng", second)
    got = federation.receive(keeper, "dongcheng", first)
    assert (got.added, got.changed) == ((), ())
    assert city.catalog.get(ANONYMOUS, ENTRY).summary["en"] == "new", "an old page does not bring the old words back"


def json_upto(told: dict[str, Any]) -> int:
    return int(json.loads(base64.b64decode(told["head"]["payload"]))["upto"])


def test_secret_entries_and_those_of_others_are_not_told_on(city: SomeHub, district: SomeHub) -> None:
    add(district, "990101/river/secret", secrecy=True)
    known(city, district).receive(city.city["authority"], "dongcheng", page(district))
    with pytest.raises(NotFound):
        city.catalog.get(SYSTEM, "990101/river/secret")
    assert page(city)["entries"] == [], "the city tells nobody what it only heard"


def test_a_partner_is_told_what_the_sharing_list_names_and_nothing_else(city: SomeHub, district: SomeHub) -> None:
    """Article 11: a filtered catalog with its sharing list, imported by a second hub."""
    add(district, "990101/river/bridges")
    who = district.city
    duty = {
        "scenario": "floods",
        "demander": "econ-bureau",
        "supplier": "stats-bureau",
        "resources": [ENTRY],
        "mode": "api",
        "frequency": "daily",
    }
    case = district.cases.open(who["authority"], "share_item", duty | {"basis": "agreement", "partner": "hebei"})
    told = district.federation.delta(partner="hebei")
    assert told["entries"] == []
    seen = json_upto(told)
    district.cases.execute(who["implementer"], case.id, "confirm_demand")
    district.cases.execute(who["provider"], case.id, "confirm_supply")
    told = district.federation.delta(partner="hebei")
    assert len(told["entries"]) == 1
    later = district.federation.delta(after=seen, partner="hebei")
    assert len(later["entries"]) == 1, "an old entry is told as soon as a duty names it"
    assert district.federation.delta(partner="tianjin")["entries"] == []
    got = known(city, district).receive(city.city["authority"], "dongcheng", json.loads(json.dumps(told)))
    assert got.added == (ENTRY,)
    with city.database.read() as unit:
        assert [row["scenario"] for row in unit.documents.get("peer_sharing", "dongcheng")] == ["floods"]


def test_a_local_change_is_no_longer_the_peer_s_word(city: SomeHub, district: SomeHub) -> None:
    federation = known(city, district)
    federation.receive(city.city["authority"], "dongcheng", page(district))
    city.catalog.revise(city.city["authority"], ENTRY, {"summary": {"zh": "改", "en": "changed here"}})
    assert not federation.origin(ENTRY)["valid"]
    with pytest.raises(NotFound):
        federation.origin("990100/stats/none")


def test_only_those_who_keep_the_catalog_choose_whom_to_believe(city: SomeHub, district: SomeHub) -> None:
    with pytest.raises(Forbidden):
        city.federation.add_peer(city.city["developer"], Peer("x", str(district.federation.key.verifier), (DISTRICT_REGION,)))
    with pytest.raises(Conflict, match=r"federation\.own_key"):
        known(city, city)
    with pytest.raises(Invalid):
        known(city, district, regions=("nowhere",))
    with pytest.raises(Forbidden):
        known(city, district).receive(city.city["developer"], "dongcheng", page(district))


def test_equal_facts_give_equal_bytes(district: SomeHub) -> None:
    assert page(district) == page(district)
    key = SigningKey.generate("a.example/catalog")
    assert make_delta(key, Span(0, 1, more=False), [], [], []) == make_delta(key, Span(0, 1, more=False), [], [], [])


def test_by_file_the_command_line_carries_a_page_from_hub_to_hub(
    city: SomeHub, district: SomeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(hub: SomeHub, *words: str) -> Any:
        monkeypatch.setenv("CORPUSHUB_DATABASE_URL", str(hub.settings.database_url))
        monkeypatch.setenv("CORPUSHUB_PORT", str(hub.settings.port))
        code = command(["--json", "--home", str(hub.settings.home), "--as", "authority", "federation", *words])
        out = capsys.readouterr()
        assert code == 0, out.err
        return out.out

    file = tmp_path / "page.json"
    told(district, "export", str(file))
    key = told(district, "key").strip()
    told(city, "add-peer", "dongcheng", key, "--region", DISTRICT_REGION)
    assert json.loads(told(city, "import", "dongcheng", str(file)))["added"] == [ENTRY]
    assert json.loads(told(city, "origin", ENTRY))["valid"] is True
    assert [peer["name"] for peer in json.loads(told(city, "peers"))] == ["dongcheng"]


def test_rest_takes_a_page_from_those_who_may_bring_one(city: SomeHub, district: SomeHub) -> None:
    token = city.token(city.city["authority"], "read", "write")
    with serving(city.hub) as address, httpx.Client(base_url=address, headers={"authorization": f"Bearer {token}"}) as client:
        key = str(district.federation.key.verifier)
        made = client.post("/v1/federation/peers", json={"name": "dongcheng", "key": key, "regions": [DISTRICT_REGION]})
        assert made.status_code == 201, made.text
        assert client.post("/v1/federation/peers/dongcheng", json=page(district)).json()["added"] == [ENTRY]
        assert client.get(f"/v1/federation/origin/{ENTRY}").json()["valid"] is True
        assert client.get("/v1/federation/key").json()["key"] == str(city.federation.key.verifier)
        bad = client.post("/v1/federation/peers/dongcheng", json=edited(page(district), city))
        assert (bad.status_code, bad.json()["title"]) == (422, "federation.tampered")
        assert httpx.post(f"{address}/v1/federation/peers/dongcheng", json=page(district)).status_code == 403


@pytest.mark.parametrize("address", ["http://10.0.0.1:8500", "http://127.0.0.1.example.org", "file:///etc/passwd", "http://[::1"])
def test_a_peer_lives_on_a_host_this_hub_s_operator_allows(city: SomeHub, district: SomeHub, address: str) -> None:
    with pytest.raises(Forbidden, match=r"federation\.host"):
        known(city, district, address=address)
    assert city.federation.peers() == ()


def test_a_host_that_is_allowed_no_more_is_not_asked(city: SomeHub, district: SomeHub) -> None:
    federation = known(city, district, address="http://127.0.0.1:1")
    federation.settings = replace(federation.settings, allowed_hosts="")
    with pytest.raises(Forbidden, match=r"federation\.host"):
        federation.pull(city.city["authority"], "dongcheng")
    assert federation.pull_all() == 0


def test_large_entries_come_in_more_pages_and_all_arrive(
    city: SomeHub, district: SomeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand entries made a page however large they were; over its limit the other hub refused it, each time again."""
    monkeypatch.setattr("corpushub.services.federation.PAGE_BYTES", 4000)
    names = [f"990101/river/large-{number}" for number in range(7)]
    for name in names:
        add(district, name, summary={"zh": "河" * 500, "en": "river " * 200})
    for name in names[:2]:
        district.catalog.revise(SYSTEM, name, {"title": {"zh": "新", "en": "new"}})
    first = page(district)
    assert 0 < len(first["entries"]) < len(names)
    with serving(district.hub) as address:
        got = known(city, district, address=address).pull(city.city["authority"], "dongcheng")
    assert set(got.added) == {ENTRY, *names}
    assert city.catalog.get(ANONYMOUS, names[0]).title["en"] == "new"


@pytest.mark.parametrize(
    "text",
    [
        b'{"head":[' + b"[]," * (1 << 20) + b'0],"entries":[]}',
        b"[" * 200_000,
        b" " * (17 << 20),
        b'{"head":{},"entries":[{"x":NaN}]}',
        b'{"head":{},"entries":["\\ud800"]}',
        b"\xff",
    ],
    ids=["many values", "deep", "long", "no number", "half a letter", "no text"],
)
def test_what_would_hold_everybody_up_is_not_taken_apart(city: SomeHub, district: SomeHub, text: bytes) -> None:
    watch = Stopwatch()
    with pytest.raises(Invalid, match=r"federation\.not_a_delta"):
        known(city, district).receive_text(city.city["authority"], "dongcheng", text)
    assert watch.seconds() < 2


@pytest.mark.parametrize(
    "wrong", [{"after": None}, {"orgs": [{"id": "x"}]}, {"sharing": 1}, {"entries": "none"}, {"more": 0}], ids=str
)
def test_a_peer_whose_program_makes_mistakes_keeps_no_other_from_being_heard(
    city: SomeHub, district: SomeHub, wrong: dict[str, Any]
) -> None:
    right = page(district)
    head = json.loads(base64.b64decode(right["head"]["payload"]))
    spoilt = {**right, "head": seal(head | wrong, [district.federation.key], HEAD_TYPE)}
    with pytest.raises(Invalid, match=r"federation\.not_a_delta"):
        known(city, district).receive(city.city["authority"], "dongcheng", spoilt)


def test_a_page_over_its_limit_or_from_nowhere_is_refused() -> None:
    with pytest.raises(HubError, match=r"federation\.unreachable"):
        peers.fetch(f"http://127.0.0.1:{free_port()}/x", "127.0.0.1")
    with pytest.raises(Forbidden, match=r"federation\.host"):
        peers.fetch("http://127.0.0.1:1/x", allowed="example.org")
    with pytest.raises(Invalid):
        page_of(b"{")


def test_who_sends_too_much_or_without_end_is_left(city: SomeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(city.hub) as address:
        with pytest.raises(Invalid, match=r"federation\.too_large"):
            peers.fetch(f"{address}/v1/flows", "127.0.0.1", 100)
        monkeypatch.setattr(peers, "LONGEST_SECONDS", 0)
        with pytest.raises(Unavailable, match=r"federation\.unreachable"):
            peers.fetch(f"{address}/v1/flows", "127.0.0.1")
