"""Markup is escaped by default; nothing of a user's, a card's or a dataset's becomes script."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.messages import LANGS
from corpushub.portal import markdown, pictures
from corpushub.portal.html import Safe, a, div, element, input_, joined, span, text_of
from corpushub.portal.pages import compiled, link, query_of
from corpushub.portal.signing import safe_next

EVIL = "<script>alert(1)</script>\"'&"


@given(st.text())
def test_text_never_opens_an_element(words: str) -> None:
    assert "<" not in text_of(words)
    assert '"' not in str(span(title=words)).removeprefix('<span title="').removesuffix('"></span>')


def test_safe_markup_stays_and_nothing_else() -> None:
    assert joined(Safe("<b>x</b>"), EVIL) == "<b>x</b>&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;"
    assert div([None, False, [span(1), "é"]], c="row") == '<div class="row"><span>1</span>é</div>'


def test_attributes_are_named_as_in_html() -> None:
    assert (
        input_(type_="text", data_live_act="check", required=True, disabled=False, value=None)
        == '<input type="text" data-live-act="check" required>'
    )
    assert a("x", aria_current="page", href='/"') == '<a aria-current="page" href="/&quot;">x</a>'
    assert element("hr") == "<hr>"


CARD = """---
x: y
---
<!-- made by hand -->

<a id="zh"></a>

# 标题

<script>alert(1)</script> [x](javascript:alert(1)) ![chart](cards/a.svg) ![far](https://elsewhere.example/x.png)

---

<a id="en"></a>

# Title
"""


def test_a_card_is_shown_in_one_language_without_running_anything() -> None:
    asked: list[str] = []

    def picture(path: str) -> bytes:
        asked.append(path)
        return b"<svg xmlns='http://www.w3.org/2000/svg'/>"

    shown = markdown.render(CARD, "zh", picture)
    assert "标题" in shown
    assert "Title" not in shown
    assert "<script" not in shown
    assert 'href="javascript' not in shown
    assert "elsewhere.example" not in shown.replace("far", "")
    assert asked == ["cards/a.svg"]
    assert "data:image/svg+xml;base64," in shown
    assert "Title" in markdown.render(CARD, "en", picture)
    assert "<h1" not in shown


def test_a_drawn_card_takes_its_pictures_from_the_release_that_is_shown() -> None:
    card = "![one](one.svg) ![far](https://example.org/x.svg) \0000\0 &#0;7&#0; ![two](two.svg)"
    for word in ("old", "new"):
        pictures_of = {f"{name}.svg": f"{word} {name}.svg".encode() for name in ("one", "two")}
        html = markdown.render(card, "zh", pictures_of.get)
        places = [base64.b64encode(f"{word} {name}.svg".encode()).decode() for name in ("one", "two")]
        assert [html.count(place) for place in places] == [1, 1]
        assert "example.org" not in html
        assert "\0" not in html


def test_replaced_personal_information_stands_out() -> None:
    marked = text_of(pictures.with_entities("致电 <PHONE_NUMBER> 或 [CN_ID_CARD_2] <b>"))
    assert marked.count('class="pii"') == 2
    assert "&lt;b&gt;" in marked


@pytest.mark.parametrize("then", ["//evil.example", "https://evil.example", "/zh\\evil", "/signin", "/zh/x\nSet-Cookie: a", ""])
@pytest.mark.parametrize("lang", LANGS)
def test_only_our_own_screens_are_places_to_go_next(then: str, lang: str) -> None:
    assert safe_next(then, "zh" if lang == "zh" else "en") == f"/{lang}/home/tasks"


def test_paths_match_whole_patterns_only() -> None:
    assert compiled("/data/datasets/{owner}/{name}").fullmatch("/data/datasets/a/b/c") is None
    found = compiled("/data/catalog/{id+}").fullmatch("/data/catalog/990100/x/y")
    assert found is not None
    assert found["id"] == "990100/x/y"


def test_addresses_leave_out_what_is_empty() -> None:
    assert (
        link("zh", "/data/catalog", q="空气 质量", page="", sort=None)
        == "/zh/data/catalog?q=%E7%A9%BA%E6%B0%94+%E8%B4%A8%E9%87%8F"
    )
    assert query_of("a=1&a=2&b=" + "x" * 5000)["a"] == "2"
    assert len(query_of("b=" + "x" * 5000)["b"]) == 2000
