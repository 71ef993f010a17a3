"""Numbers that only their label tells: below the head of a column, behind a field of JSON, XML or HTML, on the line after the label, in the
next line of a chat. Labels and shapes are words of rules/pii-lexicon.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from corpushub.engine.presidio import AnalysisExplanation, LocalRecognizer, RecognizerResult
from corpushub.engine.recognizers.cells import cells_below
from corpushub.engine.recognizers.disguised import disguised
from corpushub.engine.recognizers.lexicon import lexicon

SCORE, UNSURE = 0.85, 0.52  # what is written in disguise gives way to whatever else is found in its place
# what stands between a label and its value: quotes and colons, a closing and an opening tag, a line break with or without a speaker
_GAP = r"[\"'”]?(?:[ \t]*[:：﹕=|是为][ \t]*|[ \t]{1,4}|>|</t[dh]>[ \t\n]*<td>|[ \t]*\n[ \t]*|\n[^\n:：]{1,6}[:：][ \t]*(?:好的|给你哈?|嗯|是|收到)?[，, ]*)[\"'“]?"


@cache
def _shapes() -> dict[str, tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]]:
    """By entity: its label, its value, and a label with its value behind it."""
    found = {}
    for entity, pair in lexicon()["labelled"].items():
        label, value = pair[0], pair[1]
        both = rf"(?<![0-9A-Za-z])(?:{label}){_GAP}(?P<value>{_renamed(value)})(?![0-9A-Za-z_])"
        found[entity] = re.compile(label), re.compile(value), re.compile(both)
    return found


def _renamed(value: str) -> str:
    """A shape inside a longer pattern: its one group needs a name of its own."""
    return value.replace("([-/.])", "(?P<cut>[-/.])").replace("\\1", "(?P=cut)")


@cache
def _any() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{label.pattern})" for label, _, _ in _shapes().values()))


class LabelledValueRecognizer(LocalRecognizer):
    """Values behind labels and below heads of columns that need no other evidence."""

    def __init__(self, supported_language: str = "zh", name: str | None = None) -> None:
        super().__init__(
            supported_entities=sorted({*_shapes(), *lexicon()["disguised"]}),
            supported_language=supported_language,
            name=name or type(self).__name__,
        )

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:  # noqa: ARG002  (signature of Presidio)
        return [result for result in self._results(text) if result.entity_type in entities]

    def analyze_batch(self, texts: Sequence[str]) -> list[list[RecognizerResult]]:
        return [self._results(text) for text in texts]

    def _results(self, text: str) -> list[RecognizerResult]:
        found = [self._result(*item, SCORE) for item in labelled(text)]
        return found + [self._result(*item, "in disguise", UNSURE) for item in disguised(text)]

    def _result(self, start: int, end: int, entity: str, why: str, score: float) -> RecognizerResult:
        name = type(self).__name__
        explanation = AnalysisExplanation(recognizer=name, original_score=score, textual_explanation=why)
        metadata = {RecognizerResult.RECOGNIZER_NAME_KEY: name, RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id}
        return RecognizerResult(entity, start, end, score, explanation, metadata)


def labelled(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Start, end, entity and why of every labelled value."""
    if not _any().search(text):
        return
    for entity, (label, value, both) in _shapes().items():
        if not label.search(text):
            continue
        for found in both.finditer(text):
            if not _any().fullmatch(found["value"]):  # the next head of a table
                yield *found.span("value"), entity, "behind its label"
        if "\n" in text:
            for cell in cells_below(text, label):
                if value.fullmatch(text, cell.start, cell.end):
                    yield cell.start, cell.end, entity, f"column {cell.head}"
