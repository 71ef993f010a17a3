"""What a step does, in each language, read from the catalogue only when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from corpushub.base.messages import LANGS, text


class Sentence(Mapping[str, str]):
    """The words of one catalogue key by language."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __getitem__(self, lang: str) -> str:
        for known in LANGS:
            if lang == known:
                return text(self.key, known)
        raise KeyError(lang)

    def __iter__(self) -> Iterator[str]:
        return iter(LANGS)

    def __len__(self) -> int:
        return len(LANGS)

    def __repr__(self) -> str:
        return f"Sentence({self.key!r})"
