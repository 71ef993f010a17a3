from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpushub.domain.build import BuiltFile
from corpushub.domain.workflow import Case
from corpushub.services.residuals import Reading, read_again
from tests.kit.cards import RECIPE, Works, a_recipe, a_works, rows

MOBILE, IDENTITY = "13912345678", "11010519491231002X"


def reading(folder: Path, recipe: str = RECIPE, **columns: Any) -> Reading:
    (folder / "data").mkdir(exist_ok=True)
    frame = pl.DataFrame(columns)
    frame.write_parquet(folder / "data/train-00000-of-00001.parquet")
    file = BuiltFile("data/train-00000-of-00001.parquet", "", "train", frame.height, 0, "")
    return read_again(folder, (file,), a_recipe(recipe))


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Works:
    return a_works(tmp_path_factory.mktemp("works"))


def proposed(works: Works, name: str, column: str, value: str, *, split: str = "test") -> Case:
    splits = {"train": rows(50), "test": rows(10, 50)}
    splits[split][3][column] = value
    return works.releases.propose(works.city["operator"], works.build(name, splits))


def gates(case: Case) -> dict[str, Any]:
    return {row["id"]: row for row in case.data["gates"]}


def test_a_number_the_build_missed_stops_the_release_and_nobody_may_waive_it(works: Works) -> None:
    case = proposed(works, "b-id", "text", f"办理人身份证号{IDENTITY}，请到窗口。")
    found = gates(case)
    assert case.state == "blocked"
    assert [(found[name]["status"], found[name]["waivable_by"]) for name in ("PII-01", "G11", "G23")] == [("fail", [])] * 3


def test_a_column_no_recipe_scrubs_is_read_too(works: Works) -> None:
    found = gates(proposed(works, "b-topic", "topic", f"联系电话{MOBILE}", split="train"))
    assert found["PII-01"]["status"] == "fail"
    assert found["G11"]["status"] == "pass"


def test_the_evidence_counts_by_column_and_quotes_nothing(works: Works) -> None:
    build = works.build("b-evidence", {"train": [{**rows(1)[0], "topic": f"电话{MOBILE}"}, *rows(30, 1)], "test": rows(9, 31)})
    case = works.releases.propose(works.city["operator"], build)
    with works.city.database.read() as unit:
        kept = unit.documents.get("manifest", case.data["manifest_digest"])
    report = works.releases.objects.read(kept["documents"]["reports/pii.json"]).decode()
    assert '"topic": ' in report
    assert MOBILE not in report


def test_text_inside_lists_and_records_is_read(tmp_path: Path) -> None:
    found = reading(tmp_path, notes=[["平安", f"电话{MOBILE}"]], deep=[{"who": {"id": f"身份证{IDENTITY}"}}])
    assert set(found.columns) == {"notes", "deep"}


def test_what_a_contract_keeps_may_stay_but_not_a_number_with_a_check_digit(tmp_path: Path) -> None:
    keeps = RECIPE.replace("pii: scrub", "pii: keep")
    assert reading(tmp_path, keeps, text=[f"咨询电话{MOBILE}"]).measures()["pii_residual"] == 0
    found = reading(tmp_path, keeps, text=[f"身份证号{IDENTITY}"]).measures()
    assert (found["pii_residual"], found["identifiers_residual"]) == (1, 1)


def test_a_credential_always_counts(tmp_path: Path) -> None:
    keeps = RECIPE.replace("pii: scrub", "pii: keep")
    key = "AKIA" + "IOSFODNN7EXAMPLE"
    assert reading(tmp_path, keeps, text=[f"aws_access_key_id = {key}"]).measures()["secrets_residual"] >= 1


def test_equal_short_cells_are_read_once_and_still_found(tmp_path: Path) -> None:
    found = reading(tmp_path, topic=["交通"] * 20_000 + [f"电话{MOBILE}"])
    assert found.cells == 2
    assert found.columns == {"topic": found.columns["topic"]}
