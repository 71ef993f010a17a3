"""What is handed down by region or field is served cut to it, and a zone's token reaches its zone alone (articles 4 and 6)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from corpushub.base.errors import Forbidden
from corpushub.domain.workflow import Case
from corpushub.services.access import Gated
from corpushub.services.viewer import Asked
from tests.kit.gov import RESOURCE, authorized, registered, released
from tests.kit.hub import CARD, READER, REPO, SomeHub, some_hub

DISTRICT = "990101"


def by_region(rows: int) -> bytes:
    """Every third row lies in the district."""
    sink = BytesIO()
    regions = [("990101001", "990102002", "990103003")[number % 3] for number in range(rows)]
    pl.DataFrame({"id": range(rows), "text": [f"notice {number}" for number in range(rows)], "region": regions}).write_parquet(
        sink
    )
    return sink.getvalue()


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path)
    registered(made.city, coverage={"region_column": "region"})
    made.city.made["authorization"] = authorized(made.city, fields={})
    made.city.made["release"] = released(made.city)
    made.publish(
        REPO,
        {
            "README.md": CARD.encode(),
            "data/train-00000-of-00001.parquet": by_region(30),
            "data/test-00000-of-00001.parquet": by_region(3),
        },
    )
    return made


def handed_down(hub: SomeHub, holder: str = "district", parent: str = "", giver: str = "implementer", **over: object) -> Case:
    content = {
        "parent": parent or hub.city.made["authorization"].id,
        "holder": holder,
        "resources": [RESOURCE],
        "purposes": ["research"],
    }
    content |= {"channels": ["file", "query"], "valid_from": "2026-03-02", "valid_to": "2027-03-01"}
    case = hub.city.cases.open(hub.city[giver], "delegation", content | over)
    case = hub.city.do(holder if holder in {"district"} else "developer", case, "accept")
    hub.access.forget()
    return case


def rows(hub: SomeHub, person: str = "district", **asked: object) -> list[dict[str, object]]:
    actor = hub.city[person]
    table = hub.viewer.table(actor, REPO, "main", "", "train")
    return list(hub.viewer.page(actor, table, Asked(**asked)).rows)  # type: ignore[arg-type]  # keywords of the case


def why(hub: SomeHub, person: str = "district") -> str:
    with pytest.raises(Gated) as caught:
        hub.repositories.locate(hub.city[person], REPO, "v1.0.0", "data/train-00000-of-00001.parquet")
    assert caught.value.why is not None
    return str(caught.value.why.code)


def test_a_region_s_right_shows_the_region_s_rows_and_no_whole_file(hub: SomeHub) -> None:
    case = handed_down(hub, regions=[DISTRICT])
    assert {row["region"] for row in rows(hub)} == {"990101001"}
    assert len(rows(hub)) == 10
    assert why(hub) == "delivery.region"
    (found,) = {hub.access.permit(hub.city["district"], hub.repositories.get(READER, REPO), channels=("query",)).entitlement}
    assert found == case.id


@pytest.mark.parametrize("where", ["1 = 1 OR id >= 0", "region = '990102002'", "NOT (region LIKE '990101%')"])
def test_no_filter_looks_past_the_region(hub: SomeHub, where: str) -> None:
    handed_down(hub, regions=[DISTRICT])
    assert {row["region"] for row in rows(hub, where=where)} <= {"990101001"}
    assert {row["region"] for row in rows(hub, query="notice")} == {"990101001"}


def test_statistics_of_the_whole_table_are_not_told_to_a_part(hub: SomeHub) -> None:
    handed_down(hub, regions=[DISTRICT])
    actor = hub.city["district"]
    with pytest.raises(Forbidden, match=r"viewer\.part_only"):
        hub.viewer.statistics(actor, hub.viewer.table(actor, REPO, "main", "", "train"))


def test_the_part_goes_down_as_a_file_and_is_recorded_with_its_rows(hub: SomeHub) -> None:
    case = handed_down(hub, regions=[DISTRICT])
    actor = hub.city["district"]
    data = hub.viewer.part(actor, hub.viewer.table(actor, REPO, "main", "", "train"))
    assert pl.read_parquet(BytesIO(data))["region"].unique().to_list() == ["990101001"]
    (row,) = hub.access.deliveries(hub.city["auditor"], repo=REPO)
    assert (row.entitlement, row.rows, row.channel) == (case.id, 10, "query")


def test_a_child_sees_no_more_than_its_parent_though_it_names_no_region_of_its_own(hub: SomeHub) -> None:
    parent = handed_down(hub, regions=[DISTRICT])
    child = handed_down(hub, "beichen", parent.id, "district", regions=["990101001"])
    assert {row["region"] for row in rows(hub, "developer")} == {"990101001"}
    hub.city.do("implementer", parent, "shrink", regions=["990101009"])
    hub.access.forget()
    assert rows(hub, "developer") == []
    assert rows(hub) == []
    assert hub.cases.get(hub.city["developer"], child.id).state == "active"


def test_only_the_fields_handed_down_are_shown(hub: SomeHub) -> None:
    handed_down(hub, fields={RESOURCE: ["id"]})
    assert why(hub) == "delivery.fields"
    assert {tuple(row) for row in rows(hub)} == {("id",)}


def test_without_a_column_that_tells_the_region_nothing_is_cut_or_shown(tmp_path: Path) -> None:
    hub = some_hub(tmp_path)
    released(hub.city)
    hub.publish(REPO, {"README.md": CARD.encode(), "data/train-00000-of-00001.parquet": by_region(3)})
    handed_down(hub, regions=[DISTRICT], parent=hub.city.made["authorization"].id, fields={RESOURCE: ["id", "title", "text"]})
    with pytest.raises(Gated):
        rows(hub)


def a_zone(hub: SomeHub, **over: object) -> Case:
    city = hub.city
    data = {
        "name": "zone",
        "domain": "statistics",
        "implementer": "econ-bureau",
        "operator": "data-group",
        "members": ["beichen"],
    }
    case = city.cases.open(city["implementer"], "zone", data | {"resources": [RESOURCE], "rules": "as agreed"} | over)
    case = city.do("authority", case, "approve")
    return city.do("implementer", case, "launch")


def taken(hub: SomeHub, token: str) -> str:
    hub.access.forget()
    actor = hub.access.actor_of_token(token)
    assert actor is not None
    hub.repositories.locate(actor, REPO, "v1.0.0", "data/train-00000-of-00001.parquet")
    return "taken"


def test_a_zone_s_token_reaches_its_zone_and_dies_with_it(hub: SomeHub) -> None:
    hub.entitle()
    zone = a_zone(hub)
    token = hub.token(hub.city["developer"], "read", f"zone:{zone.id}")
    assert taken(hub, token) == "taken"
    hub.city.do("implementer", zone, "close", reason="because it ended")
    with pytest.raises(Gated) as caught:
        taken(hub, token)
    assert caught.value.why is not None
    assert caught.value.why.code == "delivery.outside_zone"
    assert taken(hub, hub.token(hub.city["developer"])) == "taken", "the right itself stands; only the zone's door is shut"


def test_an_entry_outside_the_zone_is_out_of_reach_even_where_it_is_open_to_everybody(hub: SomeHub) -> None:
    """Article 6, 公共数据专区."""
    with hub.database.begin() as unit:
        hub.cases.amend_in(
            unit,
            hub.city["provider"],
            RESOURCE,
            "attribute_changed",
            {
                "name": "open_attribute",
                "value": "unconditional",
                "effective_from": "2026-03-02",
                "reason": "r",
                "basis": "b",
                "condition": "",
            },
        )
    assert taken(hub, hub.token(hub.city["developer"])) == "taken"
    elsewhere = hub.city.cases.open(
        hub.city["implementer"],
        "zone",
        {
            "name": "other",
            "domain": "weather",
            "implementer": "econ-bureau",
            "operator": "data-group",
            "members": ["beichen"],
            "resources": [registered_elsewhere(hub)],
            "rules": "as agreed",
        },
    )
    elsewhere = hub.city.do("authority", elsewhere, "approve")
    with pytest.raises(Gated):
        taken(hub, hub.token(hub.city["developer"], "read", f"zone:{elsewhere.id}"))
    with pytest.raises(Gated):
        taken(hub, hub.token(hub.city["developer"], "read", "zone:zon-unknown"))


def registered_elsewhere(hub: SomeHub) -> str:
    return registered(hub.city, id="990100/stats/weather")


def test_a_zone_is_for_its_members(hub: SomeHub) -> None:
    hub.entitle()
    token = hub.token(hub.city["developer"], "read", f"zone:{a_zone(hub, members=['assess']).id}")
    with pytest.raises(Gated):
        taken(hub, token)
