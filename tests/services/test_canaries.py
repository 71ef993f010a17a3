"""From the rows of a source to the gate: a scrub that lost a recognizer stops the release."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from corpushub.base.settings import Settings
from corpushub.domain.workflow import Case
from corpushub.engine.pii import steps
from corpushub.engine.pii.analyzer import build_engine
from corpushub.engine.pii.scan import BatchAnalyzer
from corpushub.services.builds import Builds
from corpushub.services.residuals import seal_of
from tests.kit.cards import RECIPE, Record, Works, a_works, rows


@pytest.fixture
def works(tmp_path: Path) -> Works:
    (tmp_path / "works").mkdir()
    return a_works(tmp_path / "works")


PLAIN = RECIPE.replace("dtype: int", "dtype: str").replace("dtype: date", "dtype: str")


def proposed(works: Works, folder: Path, recipe: str = PLAIN) -> tuple[Case, Path]:
    """A real build of the notices, proposed for release; the case and where the build lies."""
    folder.mkdir()
    pl.DataFrame(rows(30)).write_csv(folder / "notices.csv")
    (folder / "notices.yaml").write_text(recipe, "utf-8")
    builder = Builds(
        database=works.city.database, settings=Settings(home=folder / "home", build_workers=1), catalog=works.city.catalog
    )
    made = builder.build(works.city["operator"], folder / "notices.yaml")
    works.builds.records[made.id] = Record(made.id, made.recipe, made.built, made.folder, made.grants)
    works.builds.secret = builder.secret  # type: ignore[method-assign]  # the key the build was made with
    return works.releases.propose(works.city["operator"], made.id), made.folder


def verdict(case: Case, gate: str) -> str:
    return str(next(row["status"] for row in case.data["gates"] if row["id"] == gate))


def test_a_sound_scrub_removes_the_canaries_and_none_is_released(works: Works, tmp_path: Path) -> None:
    case, folder = proposed(works, tmp_path / "sound")
    assert verdict(case, "PII-01") == "pass"
    released = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    text = "".join(pl.read_parquet(path).write_json() for path in folder.glob("data/*.parquet"))
    for value in seal_of(works.builds.secret(), "yunzhou/notices").canaries:
        assert value not in text
        assert value.encode() not in released


def test_a_scrub_that_lost_a_recognizer_blocks_the_release(works: Works, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = build_engine()
    for name in ("EmailAddressRecognizer", "LabelledValueRecognizer"):  # the second reads what stands behind a label
        engine.registry.remove_recognizer(name)
    crippled = BatchAnalyzer(engine)
    monkeypatch.setattr(steps, "_analyzer", lambda *, names: crippled)
    case, _ = proposed(works, tmp_path / "crippled")
    assert (case.state, verdict(case, "PII-01")) == ("blocked", "fail")
    failed = next(row for row in case.data["gates"] if row["id"] == "PII-01")["outcomes"]
    assert [item["measure"] for item in failed if not item["passed"]] == ["canaries_left"]


def test_a_column_about_people_without_a_word_blocks_and_is_named_in_both_languages(works: Works, tmp_path: Path) -> None:
    asked = PLAIN.replace("    views:", "    income:").replace("steps:\n", "steps:\n  - rename: {columns: {views: income}}\n")
    case, _ = proposed(works, tmp_path / "roles", asked)
    assert (case.state, verdict(case, "PII-01")) == ("blocked", "fail")
    told = works.releases.evidence(works.city["operator"], case.id).pii["roles"]
    assert [row["code"] for row in told] == ["pii.unconfirmed_role"]
    assert "income" in told[0]["zh"]
    assert "role: sensitive" in told[0]["en"]
