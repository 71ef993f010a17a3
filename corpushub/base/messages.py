"""The one door to human words: `text("authorization.purpose", "zh", asked="…")`.

The catalogue of a language is the union of `locale/<lang>/<area>.toml`; a file holds tables, a table is an area, so a key is
`area.name`. English is the source, Chinese carries the policy's terms. A key stands in one file only.

A hole may choose a word by its number: `{count} {count:row|rows}` reads "1 row", "2 rows", "0 rows".
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = get_args(Lang)


def text(key: str, lang: Lang, /, **facts: object) -> str:
    """Words for `key` with `facts` filled in.

    Raises: KeyError where the catalogue of `lang` has no such key (a bug, and a test looks for it).
    """
    template = catalogue(lang)[key]
    if "|" in template:
        facts = {name: Counted(value) for name, value in facts.items()}
    return template.format(**facts)


class Counted:
    """A fact that can choose between the words for one and for many: by its own number, as an int or as people read it (`1,204`)."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __format__(self, spec: str) -> str:
        one, bar, many = spec.partition("|")
        if not bar:
            return format(self.value, spec)
        return one if str(self.value) == "1" else many


@cache
def catalogue(lang: Lang) -> dict[str, str]:
    """Flat `area.name -> template` mapping of one language."""
    flat: dict[str, str] = {}
    folder = files("corpushub.base").joinpath("locale", lang)
    for entry in sorted(folder.iterdir(), key=lambda found: found.name):
        if not entry.name.endswith(".toml"):
            continue
        for area, table in tomllib.loads(entry.read_text("utf-8")).items():
            for name, words in table.items():
                key = f"{area}.{name}"
                if key in flat:
                    raise KeyError(f"{key} stands twice in locale/{lang}")
                flat[key] = words
    return flat
