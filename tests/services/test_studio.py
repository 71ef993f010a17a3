"""Curators look before they build: the plan with what is reused, each step's rows on a few rows, and a build's log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.base.settings import Settings
from corpushub.domain.build import ProgressEvent
from corpushub.domain.parties import Actor, Role
from corpushub.domain.policy import SourceGrant
from corpushub.domain.recipe import Recipe, SourceRef
from corpushub.services.builds import BuildRecord, Builds
from corpushub.services.cases import Cases
from corpushub.services.jobs import Jobs
from corpushub.services.parties import Parties
from corpushub.services.studio import Studio, Telling, in_words
from corpushub.store.db import Database

CURATOR = Actor("p1", "org-a", frozenset({Role.OPERATOR}))
REVIEWER = Actor("p2", "org-a", frozenset({Role.REVIEWER}))
RECIPE = """\
dataset: city/calls
title: {zh: 来电, en: Calls}
purpose: model-training
licence: {id: cc-by-4.0}
sources:
  calls: {resource: r/1, from: calls.csv}
contract: {key: id, columns: {id: {required: true}, text: {required: true, pii: scrub}}}
steps:
  - normalize: {columns: [text]}
  - drop_short: {column: text, min_chars: 6}
  - scrub: {columns: [text], policy: training}
"""


class Desk:
    """A catalogue that grants everything until it is closed."""

    is_open = True

    def authorize_build(self, actor: Actor, recipe: Recipe) -> tuple[SourceGrant, ...]:
        if not self.is_open:
            raise Forbidden("authorization.missing", resource=recipe.sources[0].resource, org=actor.org)
        return (SourceGrant("calls", "r/1", "code", "case", "a", "b", ("model-training",), "2025-01-01", "2027-01-01", "0" * 64),)

    def check_columns(self, sources: Iterable[tuple[SourceRef, Iterable[str]]]) -> None:
        """Lists whatever is brought."""


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def studio(tmp_path: Path, desk: Desk) -> Iterator[Studio]:
    folder = tmp_path / "recipes"
    folder.mkdir()
    lines = ["很短", "居民来电询问社保转移手续", "请回拨 13812345678 联系我", "居民来电询问医保报销比例"]
    (folder / "calls.csv").write_text("text\n" + "\n".join(lines) + "\n", "utf-8")
    (folder / "calls.yaml").write_text(RECIPE, "utf-8")
    settings = Settings(home=tmp_path / "home", build_workers=1, recipes_dir=str(folder))
    database = Database(str(tmp_path / "hub.db"))
    cases = Cases(database=database, settings=settings)
    jobs, parties = Jobs(database=database, cases=cases), Parties(database=database)
    builds = Builds(database=database, settings=settings, catalog=desk)
    yield Studio(database=database, settings=settings, builds=builds, jobs=jobs, parties=parties)
    database.close()


def test_a_trial_shows_what_each_step_dropped_and_why_and_what_it_changed(studio: Studio) -> None:
    trial = studio.trial(CURATOR, "calls")
    assert trial.rows == 4
    assert [(effect.number, effect.step, dict(effect.dropped), effect.changed) for effect in trial.effects] == [
        (1, "normalize", {}, 0),
        (2, "drop_short", {"too_short": 1}, 0),
        (3, "scrub", {}, 1),
    ]
    gone, scrubbed = trial.effects[1].rows[0], trial.effects[2].rows[0]
    assert (gone.place, gone.before["text"]) == ("calls:2", "很短")
    assert "13812345678" in scrubbed.before["text"]
    assert "13812345678" not in scrubbed.after["text"]


def test_a_recipe_nobody_has_is_begun_as_a_draft_that_tells_what_is_blank(studio: Studio) -> None:
    studio.begin(CURATOR, "notices")
    assert [(item.name, item.draft) for item in studio.recipes(CURATOR)] == [("calls", False), ("notices", True)]
    text = studio.text(CURATOR, "notices")
    assert "dataset: city/notices" in text  # as the recipes that are there: a curator begins another of the same owner
    with pytest.raises(Invalid) as blank:
        studio.check(CURATOR, "notices", text)
    told = {problem.path or problem.code for problem in blank.value.problems}
    assert len(blank.value.problems) > 5
    assert all(problem.line for problem in blank.value.problems), told
    assert {problem.code for problem in blank.value.problems if problem.path.startswith("card.")} == {"document.blank"}
    for taken in ("calls", "notices"):
        with pytest.raises(Conflict, match=r"studio\.taken"):
            studio.begin(CURATOR, taken)
    with pytest.raises(Invalid, match=r"studio\.name"):
        studio.begin(CURATOR, "../calls")
    with pytest.raises(Forbidden, match=r"build\.role"):
        studio.begin(REVIEWER, "other")
    studio.discard(CURATOR, "notices")
    assert [item.name for item in studio.recipes(CURATOR)] == ["calls"]


def test_the_files_a_source_may_be_read_from_are_told_as_a_recipe_writes_them(studio: Studio) -> None:
    (studio.folder / "samples").mkdir(exist_ok=True)
    (studio.folder / "samples" / "own.csv").write_text("id\n1\n")
    assert "samples/own.csv" in studio.inputs(CURATOR)
    assert not [name for name in studio.inputs(CURATOR) if name.endswith((".yaml", ".md"))]
    with pytest.raises(Forbidden, match=r"build\.role"):
        studio.inputs(REVIEWER)


def test_personal_information_of_a_trial_is_found_where_it_stands(studio: Studio) -> None:
    text = "请回拨 13812345678 联系我"
    assert [(text[start:end], entity) for start, end, entity in studio.personal([text])[0]] == [("13812345678", "CN_MOBILE")]


def test_a_trial_kept_in_memory_still_asks_for_the_right(studio: Studio, desk: Desk) -> None:
    first = studio.trial(CURATOR, "calls")
    assert studio.trial(CURATOR, "calls") is first
    desk.is_open = False
    with pytest.raises(Forbidden, match=r"authorization\.missing"):
        studio.trial(CURATOR, "calls")


def test_only_who_may_build_sees_rows(studio: Studio) -> None:
    studio.trial(CURATOR, "calls")
    with pytest.raises(Forbidden, match=r"build\.role"):
        studio.trial(REVIEWER, "calls")
    with pytest.raises(Forbidden, match=r"build\.role"):
        studio.outlook(REVIEWER, "calls")


def test_a_changed_draft_is_tried_anew(studio: Studio) -> None:
    studio.trial(CURATOR, "calls")
    studio.save(CURATOR, "calls", RECIPE.replace("min_chars: 6", "min_chars: 13"))
    assert studio.trial(CURATOR, "calls").effects[1].dropped == {"too_short": 3}


def test_the_outlook_tells_what_would_be_computed_and_what_is_there_already(studio: Studio) -> None:
    before = studio.outlook(CURATOR, "calls")
    assert before.sources == (("calls", "csv", "utf-8", 4, 0),)
    assert [stage.reused for stage in before.stages] == [0]
    assert before.stages[0].steps[1] == ("drop_short", "column: text; min_chars: 6")
    path, options = studio.place(CURATOR, "calls")
    studio.builds.build(CURATOR, path, options=options)
    after = studio.outlook(CURATOR, "calls")
    assert [stage.reused for stage in after.stages] == [after.shards]
    assert after.fingerprint == before.fingerprint


def test_parameters_read_as_the_recipe_writes_them() -> None:
    assert in_words({"columns": ["a", "b"], "jaccard": 0.8}) == "columns: a, b; jaccard: 0.8"


def test_a_build_tells_every_stage_it_was_at() -> None:
    told: list[Mapping[str, Any]] = []
    telling = Telling(told.append)
    for stage, done in (("normalize", 1), ("normalize", 2), ("dedup_exact", 3)):
        telling(ProgressEvent(stage, done, 3))
    assert [(line["stage"], line["done"]) for line in told[-1]["log"]] == [("normalize", 2), ("dedup_exact", 3)]
    assert [item["stage"] for item in told] == ["normalize", "dedup_exact"], "at most once a second, and at each new stage"


def test_what_reads_texts_is_loaded_once_in_the_background(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(Studio, "personal", staticmethod(asked.append))
    studio.warm()
    studio.warm()
    studio.beside.result("warm", list)
    assert asked == [[""]]


def test_a_screen_is_not_kept_waiting_for_a_trial(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Event()
    monkeypatch.setattr(Studio, "personal", staticmethod(lambda _: loaded.wait(10)))
    assert studio.trial_soon(CURATOR, "calls") is None, "the models are still being loaded"
    loaded.set()
    assert studio.trial(CURATOR, "calls").rows == 4
    assert studio.trial_soon(CURATOR, "calls") is not None


def test_what_a_trial_failed_with_is_told_and_then_tried_anew(studio: Studio) -> None:
    calls = studio.folder / "calls.csv"
    kept = calls.read_text("utf-8")
    calls.unlink()
    for _ in range(2):
        with pytest.raises(NotFound, match=r"source\.missing"):
            studio.trial(CURATOR, "calls")
    calls.write_text(kept, "utf-8")
    assert studio.trial(CURATOR, "calls").rows == 4


PEOPLE = """\
dataset: city/people
title: {zh: 人员, en: People}
purpose: model-training
licence: {id: cc-by-4.0}
sources:
  people: {resource: r/1, from: people.csv}
contract:
  key: id
  columns:
    id: {dtype: str, required: true, unique: true}
    gender: {dtype: str, desc: {zh: 性别, en: gender}}  # 来自报名表
    age: {dtype: int}
    note: {dtype: str}
steps:
  - cast: {columns: {age: int}}
"""


@pytest.fixture
def people(studio: Studio) -> BuildRecord:
    lines = [f"p-{number},{'男女'[number % 2]},{20 + number},事项{number}" for number in range(40)]
    (studio.folder / "people.csv").write_text("id,gender,age,note\n" + "\n".join(lines) + "\n", "utf-8")
    (studio.folder / "people.yaml").write_text(PEOPLE, "utf-8")
    return studio.builds.build(CURATOR, studio.folder / "people.yaml")


def asked_of(studio: Studio, build: str) -> list[str]:
    found = None
    while found is None:
        found = studio.unclear_soon(CURATOR, build)
    return [str(problem.facts["column"]) for problem in found]


def test_the_curators_word_on_columns_is_written_into_the_recipe(studio: Studio, people: BuildRecord) -> None:
    assert asked_of(studio, people.id) == ["gender", "age"]
    assert studio.confirm_roles(CURATOR, people.id, {"gender": "quasi", "age": "insensitive"}) == "people"
    text = studio.text(CURATOR, "people")
    assert "gender: {dtype: str, role: quasi, desc: {zh: 性别, en: gender}}  # 来自报名表" in text
    assert "age: {role: insensitive, dtype: int}" in text
    path, options = studio.place(CURATOR, "people")
    assert asked_of(studio, studio.builds.build(CURATOR, path, options=options).id) == []


def test_only_curators_of_the_builders_organisation_give_their_word(studio: Studio, people: BuildRecord) -> None:
    with pytest.raises(Forbidden, match=r"build\.role"):
        studio.confirm_roles(REVIEWER, people.id, {"gender": "quasi"})
    stranger = Actor("p3", "org-b", frozenset({Role.OPERATOR}))
    with pytest.raises(NotFound, match=r"build\.unknown"):
        studio.confirm_roles(stranger, people.id, {"gender": "quasi"})
    with pytest.raises(Invalid, match=r"studio\.no_roles"):
        studio.confirm_roles(CURATOR, people.id, {})
    with pytest.raises(Invalid, match=r"recipe\.invalid"):
        studio.confirm_roles(CURATOR, people.id, {"gender": "unimportant"})
    assert not studio.is_draft(CURATOR, "people")
