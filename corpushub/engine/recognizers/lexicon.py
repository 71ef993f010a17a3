"""Words of the language that rules about personal information need: rules/pii-lexicon.toml."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files


@cache
def lexicon() -> dict[str, dict[str, str]]:
    """Words of the language that rules need, by section."""
    return tomllib.loads(files("corpushub").joinpath("rules", "pii-lexicon.toml").read_text("utf-8"))


def follows_amount(text: str, start: int) -> bool:
    """Does what begins at `start` stand behind the name of a sum of money (`"amount": `)?"""
    return _amount_before().search(text, max(0, start - 24), start) is not None


def follows_code(text: str, start: int) -> bool:
    """Does what begins at `start` stand behind the word for the number of a thing (样品编号, 执法证号)?"""
    return _code_before().search(text, max(0, start - 24), start) is not None


@cache
def _code_before() -> re.Pattern[str]:
    return re.compile(rf"(?:{lexicon()['codes']['before']})[:：为是 ]{{0,2}}\Z")


@cache
def _amount_before() -> re.Pattern[str]:
    return re.compile(lexicon()["amounts"]["before"])
