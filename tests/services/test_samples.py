"""A sample is a few released rows: the same for everybody, clean, and of nothing that must not be shown (articles 5 and 15)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpushub.base.errors import Conflict, HubError, Invalid, Unavailable
from corpushub.domain.parties import ANONYMOUS, SYSTEM
from corpushub.engine.pii.actions import Desk
from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.pii.policy import policy
from corpushub.engine.pii.scrub import scrub_rows
from corpushub.services import samples
from corpushub.services.residuals import seal_of
from tests.kit.gov import RESOURCE, released
from tests.kit.hub import CARD, REPO, SomeHub, notices, parquet, some_hub


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path)
    made.city.made["release"] = released(made.city)
    made.publish(REPO, notices())
    return made


def test_a_sample_is_clean_and_the_same_whoever_asks_and_whenever(hub: SomeHub) -> None:
    one = hub.samples.draw(ANONYMOUS, REPO, rows=7)
    hub.city.clock.forward(days=3)
    other = hub.samples.draw(hub.city["developer"], REPO, rows=7)
    assert len(one.rows) == 7
    assert (one.seed, one.digest) == (other.seed, other.digest)
    assert {row["text"] for row in one.rows} <= {f"notice {number}" for number in range(300)}
    assert not any(detect_batch([row["text"] for row in one.rows]))


def test_a_larger_sample_contains_the_smaller(hub: SomeHub) -> None:
    small, large = hub.samples.draw(ANONYMOUS, REPO, rows=3), hub.samples.draw(ANONYMOUS, REPO, rows=9)
    assert {row["id"] for row in small.rows} <= {row["id"] for row in large.rows}


@pytest.mark.parametrize("synthetic", [False, True])
def test_each_row_is_read_for_personal_information_once(
    hub: SomeHub, monkeypatch: pytest.MonkeyPatch, *, synthetic: bool
) -> None:
    """Anybody's request had a hundred long texts read anew: eight of them kept every thread of the hub for minutes."""
    read: list[int] = []
    real = samples.require_clean

    def counted(frame: pl.DataFrame, key: bytes) -> None:
        read.append(frame.height)
        real(frame, key)

    monkeypatch.setattr(samples, "require_clean", counted)
    for rows in (5, 5, 3, 9, 100, 20, 100):
        assert len(hub.samples.draw(ANONYMOUS, REPO, rows=rows, synthetic=synthetic).rows) == rows
    assert read == [5, 4, 91]


def test_while_one_sample_is_looked_at_the_next_is_asked_to_come_back(hub: SomeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def meanwhile(*_: object) -> None:
        with pytest.raises(Unavailable) as caught:
            hub.samples.draw(ANONYMOUS, REPO, rows=8)
        told.append(caught.value.code)

    monkeypatch.setattr(samples, "require_clean", meanwhile)
    hub.samples.draw(ANONYMOUS, REPO, rows=4)
    assert told == ["http.busy"]
    assert len(hub.samples.draw(ANONYMOUS, REPO, rows=4).rows) == 4


def test_no_synthetic_row_need_be_a_real_one(hub: SomeHub) -> None:
    made = hub.samples.draw(ANONYMOUS, REPO, rows=20, synthetic=True)
    assert made.digest == hub.samples.draw(ANONYMOUS, REPO, rows=20, synthetic=True).digest
    assert any(row["text"] != f"notice {row['id']}" for row in made.rows)


def test_a_new_version_has_a_new_sample(hub: SomeHub) -> None:
    one = hub.samples.draw(ANONYMOUS, REPO)
    hub.publish(REPO, {"README.md": CARD.encode(), "data/train-00000-of-00001.parquet": parquet(80, 500)}, "v1.1.0")
    hub.repositories.forget()
    assert hub.samples.draw(ANONYMOUS, REPO).seed != one.seed


def test_rows_with_personal_information_never_become_a_sample(hub: SomeHub) -> None:
    sink = BytesIO()
    pl.DataFrame({"id": [1, 2], "text": ["请拨打手机13812345678联系", "请拨打手机13912345678联系"]}).write_parquet(sink)
    hub.publish(REPO, {"README.md": CARD.encode(), "data/train-00000-of-00001.parquet": sink.getvalue()}, "v1.2.0")
    hub.repositories.forget()
    with pytest.raises(Conflict, match=r"pii\.residual"):
        hub.samples.draw(ANONYMOUS, REPO)


@pytest.mark.parametrize(
    ("event", "changes", "code"),
    [
        ("classified", {"secrecy": True}, "delivery.secrecy"),
        ("classified", {"classification": {"category": "core", "grade": 1}}, "delivery.core"),
        ("classified", {"classification": {"category": "important", "grade": 1}}, "delivery.important"),
        ("revised", {"egress": "derived"}, "delivery.egress"),
        ("revised", {"egress": "none"}, "delivery.egress"),
    ],
)
def test_what_must_not_be_shown_has_no_sample(hub: SomeHub, event: str, changes: dict[str, Any], code: str) -> None:
    with hub.database.begin() as unit:
        hub.cases.amend_in(unit, SYSTEM, RESOURCE, event, changes)
    with pytest.raises(HubError) as caught:
        hub.samples.draw(ANONYMOUS, REPO)
    assert caught.value.code == code


@pytest.mark.parametrize("rows", [0, -1, 101])
def test_a_sample_is_small(hub: SomeHub, rows: int) -> None:
    with pytest.raises(Invalid):
        hub.samples.draw(ANONYMOUS, REPO, rows=rows)


def test_surrogates_of_the_dataset_may_stand_in_a_sample_and_a_person_may_not(hub: SomeHub) -> None:
    key = seal_of(hub.hub.builds.secret(), REPO).key
    scrubbed = scrub_rows([("经办人：王小明，已到窗口办理。",)], ("text",), policy("natural"), Desk(key))[0].cells[0]
    publish_text(hub, str(scrubbed), "v1.3.0")
    assert hub.samples.draw(ANONYMOUS, REPO).rows == ({"id": 1, "text": scrubbed},)
    publish_text(hub, "经办人：王小明，已到窗口办理。", "v1.4.0")
    with pytest.raises(Conflict, match=r"pii\.residual"):
        hub.samples.draw(ANONYMOUS, REPO)


def publish_text(hub: SomeHub, text: str, tag: str) -> None:
    sink = BytesIO()
    pl.DataFrame({"id": [1], "text": [text]}).write_parquet(sink)
    hub.publish(REPO, {"README.md": CARD.encode(), "data/train-00000-of-00001.parquet": sink.getvalue()}, tag)
    hub.repositories.forget()
