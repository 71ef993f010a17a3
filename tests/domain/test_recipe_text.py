"""A role is written into a recipe's text, and nothing else changes."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import NotFound
from corpushub.domain.document import CoreLoader
from corpushub.domain.recipe_text import with_roles

FIELDS = {"dtype": "str", "required": "true", "role": "quasi", "desc": "{zh: 说明, en: words}", "in": "[甲, 乙]"}
columns = st.dictionaries(
    st.sampled_from(["city", "sex", "收入", "note"]),
    st.lists(st.sampled_from(sorted(FIELDS)), unique=True, max_size=4),
    min_size=1,
)


def written(held: dict[str, list[str]], flow: bool) -> str:
    """A recipe with these columns, comments between them, in flow or block style."""
    lines = ["# 第一行", "contract:", "  key: id", "  columns:"]
    for column, fields in held.items():
        if flow or not fields:
            lines.append(f"    {column}: {{{', '.join(f'{name}: {FIELDS[name]}' for name in fields)}}}  # 注：{column}")
        else:
            lines += [f"    {column}:", *[f"      {name}: {FIELDS[name]}  # {name}" for name in fields]]
    return "\n".join([*lines, "steps: []", ""])


@given(columns, st.booleans(), st.data())
def test_the_named_columns_have_the_role_and_all_else_is_as_it_was(
    held: dict[str, list[str]], flow: bool, data: st.DataObject
) -> None:
    text = written(held, flow)
    roles = {
        name: data.draw(st.sampled_from(["sensitive", "insensitive"]))
        for name in data.draw(st.sets(st.sampled_from(sorted(held))))
    }
    changed = with_roles(text, roles)
    before, after = (yaml.load(words, CoreLoader)["contract"]["columns"] for words in (text, changed))
    assert after == {name: (fields or {}) | ({"role": roles[name]} if name in roles else {}) for name, fields in before.items()}
    assert [line.partition("#")[2] for line in changed.splitlines() if "#" in line] == [
        line.partition("#")[2] for line in text.splitlines() if "#" in line
    ]
    assert with_roles(changed, roles) == changed


def test_a_column_that_is_not_written_out_is_refused() -> None:
    for text in ("contract: {columns: {a: {}}}", "contract: {}", "contract: {columns: {b: }}"):
        with pytest.raises(NotFound, match=r"recipe\.no_column"):
            with_roles(text, {"b": "quasi"})
