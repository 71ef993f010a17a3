from __future__ import annotations

import base64
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from corpushub.base.errors import Invalid, Unavailable
from corpushub.base.identity import file_sha256
from corpushub.engine.step import Mapped, Scope
from corpushub.engine.text import tokens
from corpushub.engine.text.label_steps import STEPS
from tests.kit.text import the


def test_the_estimate_is_a_whole_number_that_grows_with_the_text() -> None:
    short, long, none = tokens.estimate(pl.Series(["公共数据", "公共数据资源授权运营管理办法", None])).to_list()
    assert 0 < short < long
    assert none == 0


def test_english_costs_about_a_token_per_word() -> None:
    sentence = "The agency shall publish the notice within ten working days of the decision of the council."
    assert abs(tokens.estimate(pl.Series([sentence]))[0] - len(sentence.split())) <= 4


def test_characters_leave_white_space_out() -> None:
    assert tokens.characters(pl.Series(["数据 资源\n目录", None])).to_list() == [6, 0]


def ranks_file(folder: Path) -> Path:
    """All single bytes, then the merges that make one token of each of two Chinese words and of `data`."""
    tokens = [bytes([byte]) for byte in range(256)]
    for word in ("公共", "数据", "data"):
        raw = word.encode()
        tokens += [raw[:length] for length in range(2, len(raw) + 1)]
    path = folder / "vocabulary.tiktoken"
    path.write_text("".join(f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in enumerate(tokens)))
    return path


def tokenizer_file(folder: Path) -> Path:
    """One token per character that is known, in the format of the library `tokenizers`; files in the wild ask for cutting and special tokens."""
    path = folder / "tokenizer.json"
    special = {
        "id": 1,
        "content": "[CLS]",
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
    path.write_text(
        json.dumps(
            {
                "version": "1.0", "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
                "padding": None, "added_tokens": [special], "normalizer": None, "decoder": None,
                "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
                "post_processor": {
                    "type": "TemplateProcessing", "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
                    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}},
                },
                "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "[CLS]": 1, "公": 2, "共": 3, "数": 4}, "unk_token": "[UNK]"},
            }
        )
    )  # fmt: skip
    return path


READERS = [(ranks_file, "tiktoken", [2, 1, 4, 0, 0]), (tokenizer_file, "tokenizers", [4, 4, 4, 0, 0])]
TEXTS = pl.Series(["公共数据", "data", "ab c", "", None])


@pytest.mark.parametrize(("make", "library", "counts"), READERS)
def test_tokens_are_those_of_the_vocabulary_or_its_library_is_named(
    make: Callable[[Path], Path], library: str, counts: list[int], tmp_path: Path
) -> None:
    """The libraries are extras: where one is missing, the refusal names file and library and reads nothing."""
    path = make(tmp_path)
    if find_spec(library):
        assert tokens.counter(path.name, path)(TEXTS).to_list() == counts
    else:
        with pytest.raises(Unavailable, match=f"{path.name}.*{library}|{library}.*{path.name}"):
            tokens.counter(path.name, path)


@pytest.mark.parametrize(
    ("name", "content", "library"),
    [
        ("v.tiktoken", "no rank\n", "tiktoken"),
        ("v.tiktoken", "YQ== 0\n", "tiktoken"),
        ("v.json", "{}", "tokenizers"),
        ("v.json", "not JSON", "tokenizers"),
    ],
)
def test_a_broken_vocabulary_is_refused_by_name(name: str, content: str, library: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises((Invalid, Unavailable), match=name) as caught:
        tokens.counter(name, path)
    assert caught.value.code == ("text.bad_vocabulary" if find_spec(library) else "text.no_tokenizer")


def test_a_step_counts_with_the_file_beside_the_recipe(tmp_path: Path) -> None:
    """The vocabulary is part of what the step is: its digest goes into the plan."""
    path = ranks_file(tmp_path)
    scope = Scope({"text": pl.String()}, folder=tmp_path)
    step = the(STEPS, "count_tokens")
    if find_spec("tiktoken"):
        answer = step.apply(step.params(column="text", tokenizer=path.name), scope)
        assert isinstance(answer, Mapped)
        assert answer.kernel
        assert answer.kernel(pl.DataFrame({"text": TEXTS}))["tokens"].to_list() == [2, 1, 4, 0, 0]
    else:
        with pytest.raises(Unavailable):
            step.apply(step.params(column="text", tokenizer=path.name), scope)
    assert scope.used == [file_sha256(path)]
