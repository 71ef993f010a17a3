"""The 25-point review a good data card has to stand: 0 absent, 1 partial, 2 full and true. Points we do not reach fully are named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from corpushub.domain.card_origin import evaluation
from corpushub.domain.release import Change
from corpushub.services.validators import validate
from tests.kit.released import OnDisk, on_disk

PARTIAL = {
    18: "no model was trained on the data; the card says so in words, which counts as explicit none",
}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> OnDisk:
    change = Change("0.9.0", 58, 60, 2, 0, 0, 0)
    return on_disk(tmp_path_factory.mktemp("review"), change=change)


def has(*words: str) -> Callable[[str, OnDisk], bool]:
    return lambda card, _: all(word in card for word in words)


def rows_equal_the_data(card: str, release: OnDisk) -> bool:
    return f"| default | train | {50:,} |" in card and release.made.manifest.rows == 60


def validates(_: str, release: OnDisk) -> bool:
    return validate(release.made.documents, release.folder) == ()


def machine_twin(card: str, release: OnDisk) -> bool:
    value = json.loads(release.text("croissant.json"))
    return value["version"] == "1.0.0" and all(
        step in str(value["rai:dataPreprocessingProtocol"]) for step in ("normalize", "scrub")
    )


def names_found() -> str:
    """The recall of names with its lower bound, as the evaluation last measured it."""
    score = next(row for row in evaluation()["scores"] if row["entity"] == "PERSON")
    return f"{score['recall']:.2%} | {score['lower']:.2%} – {score['upper']:.2%}"


POINTS: dict[int, tuple[str, Callable[[str, OnDisk], bool]]] = {
    1: ("what, for whom, how big", has("Service notices of the departments of Yunzhou", "60 rows, 5 fields, 2 splits")),
    2: ("rows per split equal to the data", rows_equal_the_data),
    3: ("field table", has("| Field | Type | Meaning | Rules | Required | Filled |", "`topic`", "one of 交通, 社保, 教育")),
    4: ("a real example row", has("### Sample", "n-00000")),
    5: ("loading code in two libraries", has("load_dataset(", "pl.read_parquet(")),
    6: ("licence, text and per source", has("license_name: yunzhou-open-terms", "bj-open-data-terms", "`LICENSE`")),
    7: ("authorization: who, what, term, forbidden uses", has("auth-01", "云州市政务服务局", "2028-12-31", "Out of scope")),
    8: ("sources with counts and hashes", has("| `notices` |", "aaaaaaaaaaaaaaaa")),
    9: ("row-level lineage", has("provenance/lineage.parquet", "provenance/drops.parquet")),
    10: ("steps with rows in and out", has("| Rows in | Rows out | Changed | Dropped, by reason |", "| 2 | `dedup_exact` |", "61 | 60 |")),
    11: ("duplicates and contamination", has("duplicates_across_splits", "near_duplicates_across_splits")),
    12: ("personal information with recall", has("CN_ID_CARD", "Residual", "Recall", names_found())),
    13: ("safety screening", has("31 risk classes", "risk_clean_share")),
    14: ("quality dimensions with definitions", has("| Dimension | Definition | TC609 metrics | Value |", "Validity", "Consistency")),
    15: ("distributions", has("cards/lengths.en.svg", "cards/categories.en.svg")),
    16: ("biases and gaps with numbers", lambda card, _: bool(re.search(r"\d+\.\d+% of rows have no value in `views`", card))),
    17: ("intended and out-of-scope uses", has("Question answering and retrieval on public services.", "re-identifying people")),
    18: ("evidence of usefulness or an explicit none", has("Benchmark results", "None. No training")),
    19: ("version, changelog, row diff", has("**Version** 1.0.0", "Changes since the previous version", "| rows added | 2 |")),
    20: ("hashes, signature, how to verify", has("sha256sum -c SHA256SUMS", "corpushub release verify", "Logical digest")),
    21: ("how to rebuild", has("rebuild", "Recipe digest", "polars 2.1.0")),
    22: ("gates, verdicts, waivers", has("`PII-01`", "pass", "No waivers were signed")),
    23: ("machine-readable twin", machine_twin),
    24: ("contact, takedown, maintenance", has("data@yunzhou.example", "data objection", "Monthly.")),
    25: ("citation, language tags, accessible, no dead link", validates),
}  # fmt: skip


@pytest.mark.parametrize("point", sorted(POINTS))
def test_the_card_reaches_the_point(release: OnDisk, point: int) -> None:
    name, holds = POINTS[point]
    assert holds(release.text("README.md"), release), name


def test_the_card_scores_at_least_46_of_50(release: OnDisk) -> None:
    card = release.text("README.md")
    score = sum((1 if point in PARTIAL else 2) for point, (_, holds) in POINTS.items() if holds(card, release))
    assert len(POINTS) == 25
    assert score >= 46


def test_a_person_may_read_the_whole_card_in_either_language(release: OnDisk) -> None:
    zh, en = release.text("README.md").split('<a id="en"></a>')
    assert zh.count("\n## ") == en.count("\n## ")
    assert zh.count("\n### ") == en.count("\n### ")
    assert not re.search(r"{[a-z_]+}", re.sub(r"```.*?```", "", en + zh, flags=re.DOTALL))


GOLDEN = Path(__file__).parent / "notices"


@pytest.mark.parametrize("path", ["README.md", "croissant.json", "dcat.ttl", "cards/funnel.en.svg"])
def test_documents_equal_the_golden_files(tmp_path: Path, path: str) -> None:
    """Change them on purpose: copy the printed file over the golden one and read the diff."""
    made = on_disk(tmp_path).text(path)
    assert made == (GOLDEN / path).read_text("utf-8")
