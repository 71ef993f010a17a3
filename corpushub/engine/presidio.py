"""Presidio as this project uses it: the one place that imports it, and it comes without spaCy.

Presidio imports spaCy for engines of its own that are not used here, and loading it takes longer than all else a scrub makes ready. What
Presidio names of spaCy, and those of its engines that extend spaCy, are looked up when they are used: a recognizer that asks for one gets it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

NOT_YET = (
    "spacy", "spacy.language", "spacy.tokens", "spacy.vocab",
    "presidio_analyzer.nlp_engine.stanza_nlp_engine", "presidio_analyzer.nlp_engine.transformers_nlp_engine",
)  # fmt: skip


class Later:
    """A name of a module that is loaded once the name is used."""

    def __init__(self, module: str, name: str) -> None:
        self._place = module, name

    def _meant(self) -> Any:
        module, name = self._place
        return getattr(import_module(module), name)

    def __call__(self, *args: Any, **more: Any) -> Any:
        return self._meant()(*args, **more)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self._meant())

    def __subclasscheck__(self, kind: Any) -> bool:
        return issubclass(kind, self._meant())

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self._meant(),)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._meant(), name)


class StandIn(ModuleType):
    """Stands where a module is imported from, and gives its names without loading it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Later(self.__name__, name)


@contextmanager
def without_spacy() -> Iterator[None]:
    """What is imported from `NOT_YET` is looked up later; where spaCy is loaded already, nothing is gained by that."""
    if "spacy" in sys.modules:
        yield
        return
    sys.modules.update({name: StandIn(name) for name in NOT_YET})
    try:
        yield
    finally:
        for name in NOT_YET:
            del sys.modules[name]


with without_spacy():
    from presidio_analyzer import (
        AnalysisExplanation,
        AnalyzerEngine,
        EntityRecognizer,
        LocalRecognizer,
        Pattern,
        PatternRecognizer,
        RecognizerRegistry,
        RecognizerResult,
    )
    from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
    from presidio_analyzer.nlp_engine import NlpArtifacts, NoOpNlpEngine
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer,
        CryptoRecognizer,
        GLiNERRecognizer,
        HuggingFaceNerRecognizer,
        UsItinRecognizer,
        UsLicenseRecognizer,
        UsPassportRecognizer,
        UsSsnRecognizer,
    )


class NoLanguage(NoOpNlpEngine):
    """Presidio's engine without a language model; its empty answers load spaCy when a recognizer asks for one, not before."""

    def __init__(self, language: str) -> None:
        self.models = [{"lang_code": language, "model_name": "none"}]
        self.nlp = None
        self._vocab: Any = None

    def _create_empty_nlp_artifacts(self, language: str) -> NlpArtifacts:
        self._vocab = self._vocab or import_module("spacy.vocab").Vocab()
        return super()._create_empty_nlp_artifacts(language)


__all__ = [
    "AnalysisExplanation", "AnalyzerEngine", "ContextAwareEnhancer", "CreditCardRecognizer", "CryptoRecognizer", "EntityRecognizer",
    "GLiNERRecognizer", "HuggingFaceNerRecognizer", "LocalRecognizer", "NoLanguage", "Pattern", "PatternRecognizer", "RecognizerRegistry",
    "RecognizerResult", "UsItinRecognizer", "UsLicenseRecognizer", "UsPassportRecognizer", "UsSsnRecognizer",
]  # fmt: skip
