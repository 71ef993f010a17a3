"""Surrogates from the rows of a source to the gate: a release with them passes, a person left over in it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpushub.base.settings import Settings
from corpushub.domain.workflow import Case
from corpushub.engine.risks import library
from corpushub.services.builds import Builds
from tests.kit.cards import RECIPE, Record, Works, a_works, rows

NATURAL = (
    RECIPE.replace("dtype: int", "dtype: str").replace("dtype: date", "dtype: str").replace("policy: training", "policy: natural")
)
NAMES = ("王小明", "李娜", "欧阳建国", "张伟", "刘志强", "赵雅芝", "陈晓东", "周杰", "孙丽华", "吴国栋")
LEFT_OVER = "经办人：何家栋，身份证号11010519491231002X。"


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Works:
    return a_works(tmp_path_factory.mktemp("works"))


def people() -> list[dict[str, Any]]:
    said = "申请人：{name}，1985年3月2日出生，手机1391234567{at}，住浙江省杭州市西湖区文一路{at}号，已到窗口办理。"
    return [{**row, "text": row["text"] + said.format(name=NAMES[at % 10], at=at % 10)} for at, row in enumerate(rows(30))]


def proposed(works: Works, folder: Path, *, after: str = "", said: str = "") -> tuple[Case, pl.DataFrame]:
    """A real build, with `after` written into the topic of one row once the scrub is through, and `said` in its text; its case and its rows."""
    folder.mkdir()
    made = people()
    if after:
        made[7]["topic"] = after
    made[7]["text"] += said
    pl.DataFrame(made).write_csv(folder / "notices.csv")
    (folder / "notices.yaml").write_text(NATURAL, "utf-8")
    builder = Builds(
        database=works.city.database, settings=Settings(home=folder / "home", build_workers=1), catalog=works.city.catalog
    )
    built = builder.build(works.city["operator"], folder / "notices.yaml")
    works.builds.records[built.id] = Record(built.id, built.recipe, built.built, built.folder, built.grants)
    works.builds.secret = builder.secret  # type: ignore[method-assign]  # the key the build was made with
    case = works.releases.propose(works.city["operator"], built.id)
    return case, pl.concat([pl.read_parquet(path) for path in sorted(built.folder.glob("data/*.parquet"))])


def verdicts(case: Case) -> dict[str, str]:
    return {row["id"]: row["status"] for row in case.data["gates"]}


def test_a_release_with_surrogates_passes_and_holds_no_original(works: Works, tmp_path: Path) -> None:
    case, frame = proposed(works, tmp_path / "sound")
    assert [verdicts(case)[gate] for gate in ("PII-01", "G11", "G23")] == ["pass"] * 3
    text = "".join(frame["text"])
    assert not any(name in text for name in NAMES)
    assert "〔" not in text
    told = works.releases.evidence(works.city["reviewer"], case.id)
    assert told.places == []
    assert "虚构值" in told.card_zh
    assert "nobody's" in told.card_en


def test_a_person_left_over_beside_surrogates_stops_it_and_the_evidence_says_where(works: Works, tmp_path: Path) -> None:
    case, frame = proposed(works, tmp_path / "left", after=LEFT_OVER)
    assert verdicts(case)["PII-01"] == "fail"
    person, rule = works.releases.evidence(works.city["reviewer"], case.id).places
    assert (person["gate"], rule["gate"]) == ("PII-01", "G08")
    assert (rule["key"], rule["column"], rule["found"]) == (person["key"], "topic", {"check": 1})
    assert (person["key"], person["column"]) == (people()[7]["id"], "topic")
    assert person["found"] == {"CN_ID_CARD": 1, "PERSON": 1}
    row = frame.row(by_predicate=pl.col("id") == person["key"], named=True)
    assert row["topic"] == LEFT_OVER
    assert "何家栋" not in json.dumps(person, ensure_ascii=False)


def test_a_row_with_a_risk_is_pointed_at(works: Works, tmp_path: Path) -> None:
    phrase = next(phrases[0] for phrases in library().phrases.values() if phrases)
    case, _ = proposed(works, tmp_path / "risky", said=phrase)
    (place,) = works.releases.evidence(works.city["reviewer"], case.id).places
    assert (place["gate"], place["key"]) == ("SAF-02", people()[7]["id"])
    assert phrase not in json.dumps(place, ensure_ascii=False)
