"""The slot for a better model of names: `lac` (default), `none`, `spacy:<package or folder>`, `hf:<model>`, `gliner:<model>`.

All but the default come in through Presidio's own recognizers and are taken from the local disk only: nothing is fetched at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from presidio_analyzer import AnalysisExplanation, EntityRecognizer, LocalRecognizer, RecognizerResult

from corpushub.base.errors import Invalid, Unavailable
from corpushub.engine.recognizers import named

LABELS = {
    "PER": "PERSON", "PERSON": "PERSON", "LOC": "LOCATION", "GPE": "LOCATION", "LOCATION": "LOCATION", "ORG": "ORGANIZATION",
    "ORGANIZATION": "ORGANIZATION", "ADDRESS": "ADDRESS",
}  # fmt: skip

LIBRARIES = {"spacy": ("spacy",), "hf": ("transformers", "torch"), "gliner": ("gliner",)}  # what each kind needs beside Presidio


def backend(name: str, language: str) -> list[EntityRecognizer]:
    """The recognizers a backend adds beside the patterns.

    Raises: Invalid("pii.backend") for an unknown kind, Unavailable("pii.backend_library" | "pii.backend_missing") where its library or its
    model is not there.
    """
    kind, _, model = name.partition(":")
    makers: dict[str, Callable[[str, str], list[EntityRecognizer]]] = {
        "lac": lambda _, language: named.recognizers(language),
        "none": lambda _, __: [],
        "spacy": _spacy,
        "hf": _huggingface,
        "gliner": _gliner,
    }
    if kind not in makers or (kind not in {"lac", "none"} and not model):
        raise Invalid("pii.backend", backend=name, known=", ".join(makers))
    missing = [package for package in LIBRARIES.get(kind, ()) if find_spec(package) is None]
    if missing:
        raise Unavailable("pii.backend_library", backend=kind, packages=" ".join(missing))
    try:
        return makers[kind](model, language)
    except (ImportError, OSError) as problem:
        raise Unavailable("pii.backend_missing", backend=kind, kind=type(problem).__name__) from None


class SpacyModelRecognizer(LocalRecognizer):
    """Entities of a spaCy pipeline on disk, whole texts in one call."""

    def __init__(self, pipeline: Any, language: str) -> None:
        self.pipeline = pipeline
        super().__init__(supported_entities=sorted(set(LABELS.values())), supported_language=language, name=type(self).__name__)

    def load(self) -> None:
        """The pipeline is loaded already."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:  # noqa: ARG002  (signature of Presidio)
        return [result for result in self.analyze_batch([text])[0] if result.entity_type in entities]

    def analyze_batch(self, texts: Sequence[str]) -> list[list[RecognizerResult]]:
        return [
            [self._result(span.start_char, span.end_char, LABELS[span.label_]) for span in document.ents if span.label_ in LABELS]
            for document in self.pipeline.pipe(texts)
        ]

    def _result(self, start: int, end: int, entity: str) -> RecognizerResult:
        name = type(self).__name__
        metadata = {RecognizerResult.RECOGNIZER_NAME_KEY: name, RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id}
        return RecognizerResult(entity, start, end, 0.85, AnalysisExplanation(recognizer=name, original_score=0.85), metadata)


def _spacy(model: str, language: str) -> list[EntityRecognizer]:
    import spacy

    return [SpacyModelRecognizer(spacy.load(Path(model) if Path(model).exists() else model), language)]


def _huggingface(model: str, language: str) -> list[EntityRecognizer]:
    from presidio_analyzer.predefined_recognizers import HuggingFaceNerRecognizer

    return [HuggingFaceNerRecognizer(model_name=_local(model), supported_language=language, device="cpu")]


def _gliner(model: str, language: str) -> list[EntityRecognizer]:
    from presidio_analyzer.predefined_recognizers import GLiNERRecognizer

    mapping = {"person": "PERSON", "address": "ADDRESS", "organization": "ORGANIZATION", "location": "LOCATION"}
    return [GLiNERRecognizer(model_name=_local(model), entity_mapping=mapping, supported_language=language)]


def _local(model: str) -> str:
    """A model is a folder on disk; a name would be fetched from the network."""
    if not Path(model).is_dir():
        raise FileNotFoundError
    return model
