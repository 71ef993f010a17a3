"""The slot for a better model of names: `lac` (default), `none`, `spacy:<package or folder>`, `hf:<model>`, `gliner:<model>`.

All but the default come in through Presidio's own recognizers and are taken from the local disk only: nothing is fetched at run time.
A model that fails is an error and never an empty answer: text nobody looked at must not pass for text without names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from corpushub.base.errors import HubError, Invalid, Unavailable
from corpushub.engine.presidio import (
    AnalysisExplanation,
    EntityRecognizer,
    GLiNERRecognizer,
    HuggingFaceNerRecognizer,
    LocalRecognizer,
    RecognizerResult,
)
from corpushub.engine.recognizers import named

LABELS = {
    "PER": "PERSON", "PERSON": "PERSON", "LOC": "LOCATION", "GPE": "LOCATION", "LOCATION": "LOCATION", "ORG": "ORGANIZATION",
    "ORGANIZATION": "ORGANIZATION", "ADDRESS": "ADDRESS",
}  # fmt: skip

LIBRARIES = {"spacy": ("spacy",), "hf": ("transformers", "torch"), "gliner": ("gliner",)}  # what each kind needs beside Presidio
SCORE = 0.85  # of a finding whose model gives no score


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
        with said_by(self):
            documents = list(self.pipeline.pipe(texts))
        if len(documents) != len(texts):  # a component told to ignore errors leaves out the texts it failed on
            raise Invalid("pii.recognizer_failed", recognizer=type(self).__name__, kind=type(self.pipeline).__name__)
        return [
            [
                _result(self, LABELS[span.label_], span.start_char, span.end_char, SCORE)
                for span in document.ents
                if span.label_ in LABELS
            ]
            for document in documents
        ]


class HuggingFaceModelRecognizer(HuggingFaceNerRecognizer):
    """Presidio's, which logs a warning and finds nothing where its model fails or answers in another shape; here that is an error."""

    def _predict_chunk(self, chunk_text: str) -> list[RecognizerResult]:
        pipeline: Any = self.ner_pipeline
        with said_by(self):
            answers = [
                (LABELS.get(self._normalize_label(answer.get("entity_group") or answer["entity"])), answer)
                for answer in pipeline(chunk_text)
            ]
            return [
                _result(self, entity, int(answer["start"]), int(answer["end"]), float(answer["score"]))
                for entity, answer in answers
                if entity and float(answer["score"]) >= self.threshold
            ]


class GlinerModelRecognizer(GLiNERRecognizer):
    """Presidio's; what its model says when it fails may quote the text, so only the kind of the failure is told."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        with said_by(self):
            return list(super().analyze(text, entities, nlp_artifacts))


@contextmanager
def said_by(recognizer: EntityRecognizer) -> Iterator[None]:
    """Raises: Invalid("pii.recognizer_failed") for whatever the model of `recognizer` raises, without its message."""
    try:
        yield
    except HubError:
        raise
    except Exception as problem:  # noqa: BLE001  (a model may raise anything)
        raise Invalid("pii.recognizer_failed", recognizer=type(recognizer).__name__, kind=type(problem).__name__) from None


def _result(recognizer: EntityRecognizer, entity: str, start: int, end: int, score: float) -> RecognizerResult:
    name = type(recognizer).__name__
    metadata = {RecognizerResult.RECOGNIZER_NAME_KEY: name, RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: recognizer.id}
    return RecognizerResult(entity, start, end, score, AnalysisExplanation(recognizer=name, original_score=score), metadata)


def _spacy(model: str, language: str) -> list[EntityRecognizer]:
    import spacy

    return [SpacyModelRecognizer(spacy.load(Path(model) if Path(model).exists() else model), language)]


def _huggingface(model: str, language: str) -> list[EntityRecognizer]:
    found = sorted(set(LABELS.values()))
    return [
        HuggingFaceModelRecognizer(
            model_name=_local(model),
            supported_entities=found,
            supported_language=language,
            name=HuggingFaceModelRecognizer.__name__,
            device="cpu",
        )
    ]


def _gliner(model: str, language: str) -> list[EntityRecognizer]:
    mapping = {"person": "PERSON", "address": "ADDRESS", "organization": "ORGANIZATION", "location": "LOCATION"}
    name = GlinerModelRecognizer.__name__
    return [GlinerModelRecognizer(model_name=_local(model), entity_mapping=mapping, supported_language=language, name=name)]


def _local(model: str) -> str:
    """A model is a folder on disk; a name would be fetched from the network."""
    if not Path(model).is_dir():
        raise FileNotFoundError
    return model
