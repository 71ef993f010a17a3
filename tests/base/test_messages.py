"""Both languages say the same things with the same facts, every code raised has words, and no words lie unused."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from corpushub.base.messages import LANGS, catalogue, text

PACKAGE = Path(__file__).resolve().parents[2] / "corpushub"
REFUSALS = {"Invalid", "Forbidden", "NotFound", "Conflict", "Unavailable", "Problem"}


def holes(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def raised_codes() -> dict[str, str]:
    """Literal codes given to refusals anywhere in the package, with one place each."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(code)), *_]) if name in REFUSALS:
                    found[code] = f"{path.name}:{node.lineno}"
    return found


def test_languages_have_the_same_keys() -> None:
    zh, en = set(catalogue("zh")), set(catalogue("en"))
    assert zh - en == set()
    assert en - zh == set()


@pytest.mark.parametrize("lang", LANGS)
def test_facts_are_the_same_in_each_language(lang: str) -> None:
    wrong = {key for key, words in catalogue("en").items() if holes(words) != holes(catalogue("zh")[key])}
    assert wrong == set()


def test_every_refusal_has_words() -> None:
    missing = {code: place for code, place in raised_codes().items() if code not in catalogue("en")}
    assert missing == {}


def test_chinese_words_are_chinese() -> None:
    same = {key for key, words in catalogue("zh").items() if len(words) > 24 and words == catalogue("en")[key]}
    assert same == set()


def test_text_fills_in_facts() -> None:
    assert "--port" in text("cli.value", "zh", option="--port")


@pytest.mark.parametrize(("count", "words"), [(0, "0 rows"), (1, "1 row"), ("1,204", "1,204 rows")])
def test_one_row_is_no_rows(count: object, words: str) -> None:
    assert text("datasets.rows", "en", count=count) == words


def test_no_english_words_count_one_as_many() -> None:
    """`{count} rows` reads "1 rows" some day; `{count} {count:row|rows}` does not."""
    counted = re.compile(
        r"\{(count|rows|found|leaves|days|files|people|orgs|demands|columns|splits|problems|cards)\} ([a-z]+s|people|leaves)\b"
    )
    wrong = {key: match.group() for key, words in catalogue("en").items() if (match := counted.search(words))}
    assert wrong == {}
