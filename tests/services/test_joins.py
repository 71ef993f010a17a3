"""Two releases that are harmless alone are not granted to one organisation where joined they point at single people (article 15)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from corpushub.base.errors import Conflict
from corpushub.domain.workflow import Case
from tests.kit.gov import released
from tests.kit.hub import REPO, SomeHub, some_hub

OTHER = "city/incomes"
ROWS = 40


def recipe(*quasi: str) -> bytes:
    columns = "".join(f"    {name}: {{dtype: str, role: quasi}}\n" for name in quasi)
    return f"dataset: x/y\ncontract:\n  key: id\n  columns:\n    id: {{dtype: str}}\n{columns}".encode()


def parquet(**columns: list[str]) -> bytes:
    sink = BytesIO()
    pl.DataFrame(columns).write_parquet(sink)
    return sink.getvalue()


def folder(data: bytes, *quasi: str) -> dict[str, bytes]:
    return {"README.md": b"# x", "provenance/recipe.yaml": recipe(*quasi), "data/train-00000-of-00001.parquet": data}


def ids(start: int = 0) -> list[str]:
    return [f"person-{number}" for number in range(start, start + ROWS)]


def ages() -> list[str]:
    return [("20-39", "40-59", "60-79", "80-")[number % 4] for number in range(ROWS)]


def incomes() -> list[str]:
    """Eight of each, so that alone nobody stands out; with the age they do."""
    return [f"level {number // 8}" for number in range(ROWS)]


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path)
    released(made.city)
    made.city.clock.forward(minutes=1)
    released(made.city, dataset=OTHER)
    made.publish(REPO, folder(parquet(id=ids(), age=ages()), "age"))
    return made


def ask(hub: SomeHub, dataset: str, person: str = "developer") -> Case:
    city = hub.city
    data = {
        "dataset": dataset,
        "purpose": "research",
        "channels": ["file"],
        "plan": "train a small model",
        "terms_accepted": True,
    }
    case = hub.cases.open(city[person], "access", data)
    for who, command in ((person, "submit"), ("operator", "triage"), ("reviewer", "propose")):
        case = hub.cases.execute(city[who], case.id, command)
    return case


def grant(hub: SomeHub, dataset: str, person: str = "developer") -> str:
    case = ask(hub, dataset, person)
    hub.cases.execute(hub.city["implementer"], case.id, "approve")
    return str(hub.cases.execute(hub.city[person], case.id, "countersign").state)


def test_the_second_of_two_that_join_to_single_people_is_refused(hub: SomeHub) -> None:
    hub.publish(OTHER, folder(parquet(id=ids(), income=incomes()), "income"))
    assert grant(hub, REPO) == "granted"
    with pytest.raises(Conflict, match=r"access\.linkage") as caught:
        grant(hub, OTHER)
    assert f"{REPO}@1.0.0" in caught.value.explain("en")
    assert "15" in caught.value.explain("zh")


def test_each_alone_is_granted_to_different_organisations(hub: SomeHub) -> None:
    hub.publish(OTHER, folder(parquet(id=ids(), income=incomes()), "income"))
    assert grant(hub, REPO) == "granted"
    assert grant(hub, OTHER, "district") == "granted"


def test_what_expired_was_still_taken(hub: SomeHub) -> None:
    hub.publish(OTHER, folder(parquet(id=ids(), income=incomes()), "income"))
    grant(hub, REPO)
    hub.city.clock.forward(days=400)
    hub.city.tick()
    with pytest.raises(Conflict, match=r"access\.linkage"):
        grant(hub, OTHER)


def test_releases_about_different_people_join_to_nobody(hub: SomeHub) -> None:
    hub.publish(OTHER, folder(parquet(id=ids(1000), income=incomes()), "income"))
    assert (grant(hub, REPO), grant(hub, OTHER)) == ("granted", "granted")


def test_a_join_that_leaves_classes_large_is_granted(hub: SomeHub) -> None:
    hub.publish(OTHER, folder(parquet(id=ids(), income=["level 1"] * ROWS), "income"))
    assert (grant(hub, REPO), grant(hub, OTHER)) == ("granted", "granted")


def test_without_a_common_key_rows_unique_in_both_are_found(hub: SomeHub) -> None:
    one = folder(parquet(id=ids(), district=[f"d{n}" for n in range(ROWS)], age=ages()), "district", "age")
    other = folder(parquet(number=ids(500), district=[f"d{n}" for n in range(ROWS)], income=incomes()), "district", "income")
    hub.publish(REPO, one, "v1.1.0")
    hub.publish(OTHER, other)
    assert grant(hub, REPO) == "granted"
    with pytest.raises(Conflict, match=r"access\.linkage"):
        grant(hub, OTHER)


def test_every_version_held_counts_not_only_the_newest(hub: SomeHub) -> None:
    hub.publish(REPO, folder(parquet(id=ids(9000), age=ages()), "age"), "v1.1.0")
    hub.publish(OTHER, folder(parquet(id=ids(), income=incomes()), "income"))
    grant(hub, REPO)
    with pytest.raises(Conflict, match=r"access\.linkage") as caught:
        grant(hub, OTHER)
    assert f"{REPO}@1.0.0" in caught.value.explain("en")
