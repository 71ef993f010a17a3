"""Words of the language that rules about personal information need: rules/pii-lexicon.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def lexicon() -> dict[str, dict[str, str]]:
    """Words of the language that rules need, by section."""
    return tomllib.loads(files("corpushub").joinpath("rules", "pii-lexicon.toml").read_text("utf-8"))
