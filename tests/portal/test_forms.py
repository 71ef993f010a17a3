"""Forms are drawn from the flows' fields, and what they send is read back into the types the flows want."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.errors import Invalid
from corpushub.base.messages import LANGS
from corpushub.domain.flows import flows
from corpushub.domain.form import Field, read_form
from corpushub.portal import choices, diagrams
from corpushub.portal.forms import PARTED, RECORDS, Given, answers, control
from corpushub.portal.lines import READERS
from corpushub.portal.pages import Ask, Words
from tests.kit.gov import an_entry
from tests.kit.hub import some_hub

FIELDS = [item for flow in flows().values() for row in (flow.opening, *flow.transitions) for item in row.fields]


@pytest.mark.parametrize("lang", LANGS)
def test_every_field_of_every_flow_can_be_drawn(lang: str) -> None:
    t = Words("zh" if lang == "zh" else "en")
    for item in FIELDS:
        shown = control(t, item, Given())
        assert f'name="{item.name}' in shown or "fieldset" in shown
        assert "{" not in shown.replace("{ ", "")


@pytest.mark.parametrize("name", list(flows()))
def test_every_flow_has_a_picture_with_each_of_its_states(name: str) -> None:
    flow = flows()[name]
    shown = diagrams.flow_picture(Words("zh"), flow)
    assert shown.count("<rect") == len(flow.states)
    assert "NaN" not in shown


@pytest.mark.parametrize(
    ("item", "sent", "read"),
    [
        (Field("x", "bool"), {"x": "true"}, True),
        (Field("x", "bool"), {}, False),
        (Field("x", "choices", choices=("a", "b")), {"x": ["a", "b"]}, ["a", "b"]),
        (Field("x", "choices", choices=("a", "b")), {"x": "a"}, ["a"]),
        (Field("x", "resources"), {"x": "a/b/c，a/b/d、 a/b/e"}, ["a/b/c", "a/b/d", "a/b/e"]),
        (Field("x", "int"), {"x": "12"}, 12),
        (Field("x", "words"), {"x": "a, b\nc"}, ["a", "b", "c"]),
        (Field("x", "record"), {"x": '{"a": 1}'}, {"a": 1}),
        (Field("shares", "record"), {"shares": "beichen 60\nqingyun 40%"}, {"beichen": 60, "qingyun": 40}),
        (Field("fields", "record"), {"fields": "a/b/c: title，text"}, {"a/b/c": ["title", "text"]}),
        (Field("consents", "record"), {"consents": "a/b/c：复函 12 号"}, {"a/b/c": "复函 12 号"}),
        (Field("findings", "records"), {"findings": "one\n\ntwo"}, [{"finding": "one"}, {"finding": "two"}]),
        (
            Field("tiers", "records"),
            {"tiers": "0 500\n100 400"},
            [{"from_units": 0, "unit_price_fen": 500}, {"from_units": 100, "unit_price_fen": 400}],
        ),
        (
            Field("proposed", "record"),
            {
                "proposed.valid_to": "2030-01-01",
                "proposed.purposes": "research",
                "proposed.fields": "a/b/c: x",
                "proposed.regions": "",
            },
            {"valid_to": "2030-01-01", "purposes": ["research"], "fields": {"a/b/c": ["x"]}},
        ),
        (Field("sections", "record"), {"sections.exit": "hand over", "sections.term": ""}, {"exit": "hand over"}),
        (
            Field("statement", "record"),
            {"statement.costs.labour": "30", "statement.profit": "2"},
            {"costs": {"labour": 30}, "profit": 2},
        ),
    ],
    ids=str,
)
def test_what_a_form_sends_is_what_the_flow_reads(item: Field, sent: dict[str, Any], read: Any) -> None:
    assert read_form([item], answers(sent, [item]))[item.name] == read


@pytest.mark.parametrize(
    ("name", "line", "code"),
    [("shares", "beichen", "records.pairs"), ("fields", "a/b/c", "records.named"), ("tiers", "0 cheap", "records.numbers")],
)
def test_a_line_that_cannot_be_read_is_named(name: str, line: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        answers({name: line}, [Field(name, "record")])
    assert (refused.value.code, refused.value.facts) == (code, {"line": line})


def test_no_form_asks_for_json_that_has_another_way() -> None:
    asked = {item.name for item in FIELDS if item.kind in {"record", "records"}}
    typed = asked - set(READERS) - set(PARTED) - set(RECORDS)
    # filled in by services; `facts` are corrected as they stand, and asked one by one when they are filed
    assert typed == {"parsed", "explanation", "pack", "facts", "gates", "grants", "title", "notes", "change"}


def test_an_answer_nobody_gave_is_not_sent() -> None:
    assert answers({"x": ""}, [Field("x", required=False)]) == {}


def test_a_sheet_that_says_again_what_a_case_says_begins_with_it() -> None:
    """Materials edited one by one, a commitment signed before: what the sheet shows is what it sends, so nothing of it is lost."""
    held = {"materials": {"legality": "履职产生", "evidence": "发文"}, "evidence_digest": "ab" * 32, "commitment": True}
    t = Words("zh")
    for item in flows()["registration"].rows("edit")[0].fields:
        shown = control(t, item, Given(preset=held))
        wanted = {"materials": ">履职产生</textarea>", "evidence_digest": f'value="{"ab" * 32}"', "commitment": " checked"}
        assert wanted[item.name] in shown
    orgs = control(t, Field("members", "orgs"), Given({"orgs": [("a", "甲"), ("b", "乙")]}, {"members": ["b"]}))
    assert re.findall(r'value="(\w)" checked', orgs) == ["b"]
    assert ">经\n纬</textarea>" in control(t, Field("regions", "words"), Given(preset={"regions": ["经", "纬"]}))


def test_each_question_of_a_request_says_what_to_write() -> None:
    """But for the dataset, which is chosen by its title; what has to be answered bears the star, lists too."""
    for lang in LANGS:
        t = Words(lang)
        given = Given({"dataset": [("a/b", "甲")], "contest": [("rec-1", "大赛")], "copied_from": [("acc-1", "申请")]})
        for item in flows()["access"].opening.fields:
            shown = control(t, item, given)
            assert ('class="hint"' in shown) == (item.name != "dataset"), item.name
            assert ("<b aria-hidden" in shown) == (item.required and item.kind != "bool"), item.name


def test_where_there_is_too_much_to_choose_from_the_form_asks_for_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = some_hub(tmp_path)
    hub.hub.catalog.add(hub.parties.actor_of("provider"), an_entry(id="990100/stats/tides"))
    ask = Ask(hub.hub, hub.parties.actor_of("authority"), Words("en"), "/govern/plan")
    one, several = Field("resource", "resource"), Field("resources", "resources")
    few = Given(choices.all_of(ask, (one, several)))
    assert "<select" in control(ask.t, one, few)
    assert 'type="checkbox"' in control(ask.t, several, few)
    monkeypatch.setattr(choices, "MOST", 0)
    many = Given(choices.all_of(ask, (one, several)))
    for item in (one, several):
        shown = control(ask.t, item, many)
        assert f'name="{item.name}" type="text"' in shown or f'type="text" name="{item.name}"' in shown
        assert "write the id" in shown
        assert (Words("en")("portal.hint_words") in shown) == (item is several)
    assert "write the id" not in control(ask.t, one, Given({"resource": []})), "none is not too many"
