"""Names of people, addresses, places and organisations as one Presidio recognizer over the sequence tagger and rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from corpushub.engine.presidio import AnalysisExplanation, EntityRecognizer, LocalRecognizer, RecognizerResult
from corpushub.engine.recognizers.address import addresses
from corpushub.engine.recognizers.english_text import EnglishTextRecognizer
from corpushub.engine.recognizers.labelled import LabelledValueRecognizer
from corpushub.engine.recognizers.name_reader import Guess
from corpushub.engine.recognizers.persons import persons, second_looks, snippet
from corpushub.engine.recognizers.special import KINDS, special
from corpushub.engine.recognizers.tagger import PEOPLE
from corpushub.engine.recognizers.tagging import Word, readings, simplified, tagged

_DOT = re.compile(r"(?<=[\u4e00-\u9fff])[•‧・∙⋅](?=[\u4e00-\u9fff])")  # other dots that stand inside names as `·` does


class NamedEntityRecognizer(LocalRecognizer):
    """PERSON, ADDRESS, LOCATION, ORGANIZATION, and special categories beside a person. `analyze_batch` tags many texts in one go."""

    ENTITIES = ("PERSON", "ADDRESS", "LOCATION", "ORGANIZATION", *KINDS)

    def __init__(
        self, supported_language: str = "zh", name: str | None = None, supported_entities: list[str] | None = None
    ) -> None:
        super().__init__(
            supported_entities=supported_entities or list(self.ENTITIES),
            supported_language=supported_language,
            name=name or type(self).__name__,
        )

    def load(self) -> None:
        """Weights load with the first text."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:  # noqa: ARG002  (signature of Presidio)
        return [result for result in self.analyze_batch([text])[0] if result.entity_type in entities]

    def analyze_batch(self, texts: Sequence[str]) -> list[list[RecognizerResult]]:
        plain = [_DOT.sub("·", text.translate(simplified())) for text in texts]
        read = readings(plain)
        words = [reading.words for reading in read]
        looks = [(row, at) for row, text in enumerate(plain) for at in second_looks(text, words[row])]
        again: dict[int, list[Word]] = {}
        for (row, at), seen in zip(looks, tagged([snippet(plain[row], at) for row, at in looks]), strict=True):
            if seen and seen[0].tag in PEOPLE and seen[0].start == 0:
                again.setdefault(row, []).append(seen[0]._replace(start=at, end=at + seen[0].end))
        return [self._results(text, words[row], again.get(row, ()), read[row].names) for row, text in enumerate(plain)]

    def _results(self, text: str, words: list[Word], again: Sequence[Word], guesses: Sequence[Guess]) -> list[RecognizerResult]:
        found = [(start, end, "ADDRESS", score, why) for start, end, score, why in addresses(text, words)]
        found += [(start, end, "PERSON", score, why) for start, end, score, why in persons(text, words, again, guesses)]
        found += special(text, [item[:2] for item in found if item[2] == "PERSON"])
        found += [(word.start, word.end, "LOCATION", 0.5, "tagger") for word in words if word.tag in {"LOC", "ns"}]
        found += [(word.start, word.end, "ORGANIZATION", 0.5, "tagger") for word in words if word.tag in {"ORG", "nt"}]
        return [self._result(*item) for item in found if item[2] in self.supported_entities]

    def _result(self, start: int, end: int, entity: str, score: float, why: str) -> RecognizerResult:
        name = type(self).__name__
        explanation = AnalysisExplanation(recognizer=name, original_score=score, textual_explanation=why)
        metadata = {RecognizerResult.RECOGNIZER_NAME_KEY: name, RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id}
        return RecognizerResult(entity, start, end, score, explanation, metadata)


def recognizers(language: str) -> list[EntityRecognizer]:
    """The recognizers this module adds to a registry for `language`."""
    kinds = (NamedEntityRecognizer, LabelledValueRecognizer, EnglishTextRecognizer)
    return [kind(supported_language=language) for kind in kinds]
