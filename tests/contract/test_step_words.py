"""Whoever writes a recipe finds every parameter of every step explained in their language."""

from __future__ import annotations

import pytest

from corpushub.base.messages import LANGS, text
from corpushub.engine.registry import registry


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", sorted(registry()))
def test_every_parameter_is_named_in_the_words_about_it(name: str, lang: str) -> None:
    told = text(f"step_params.{name}", "zh" if lang == "zh" else "en")
    assert [param for param in registry()[name].params.model_fields if f"`{param}" not in told] == []
