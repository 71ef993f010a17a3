"""Presidio as this project uses it: the one place that imports it, and it comes without what only others of its parts need.

Presidio imports spaCy for engines of its own that are not used here, and loading it takes longer than all else a scrub makes ready. What
Presidio names of spaCy, and those of its engines that extend spaCy, are looked up when they are used: a recognizer that asks for one gets it.
The same holds of the library that knows the domains of the internet. Nor are the patterns of all its countries compiled to see whether they
can be: those that are used are compiled then.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

NOT_YET = (
    "spacy", "spacy.language", "spacy.tokens", "spacy.vocab", "tldextract",
    "presidio_analyzer.nlp_engine.stanza_nlp_engine", "presidio_analyzer.nlp_engine.transformers_nlp_engine",
)  # fmt: skip
PATTERN, PROOF = "presidio_analyzer.pattern", "_Pattern__validate_regex"


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
    later = [] if "spacy" in sys.modules else [name for name in NOT_YET if name not in sys.modules]
    sys.modules.update({name: StandIn(name) for name in later})
    try:
        yield
    finally:
        for name in later:
            del sys.modules[name]


@contextmanager
def unproved() -> Iterator[None]:
    """Patterns made meanwhile are not compiled. Their module is loaded before the package, whose other modules make them."""
    package = find_spec("presidio_analyzer")
    if "presidio_analyzer" in sys.modules or package is None or not package.submodule_search_locations:
        yield
        return
    spec: Any = spec_from_file_location(PATTERN, Path(package.submodule_search_locations[0]) / "pattern.py")
    module: Any = module_from_spec(spec)
    sys.modules[PATTERN] = module
    spec.loader.exec_module(module)
    proof = vars(module.Pattern).get(PROOF)
    if proof:  # else this Presidio proves its patterns elsewhere, and may
        setattr(module.Pattern, PROOF, staticmethod(lambda _: None))
    try:
        yield
    finally:
        if proof:
            setattr(module.Pattern, PROOF, proof)
    sys.modules["presidio_analyzer"].pattern = module  # type: ignore[attr-defined]  # as an import of the package would have left it


with without_spacy(), unproved():
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


class OwnPattern(Pattern):
    """A pattern of this project: tests compile every one, so none is compiled before it is needed to see whether it can be."""

    @staticmethod
    def _Pattern__validate_regex(pattern: str) -> None:  # noqa: N802  (the name by which Presidio calls it)
        """Nothing is left to see."""


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
    "GLiNERRecognizer", "HuggingFaceNerRecognizer", "LocalRecognizer", "NoLanguage", "OwnPattern", "Pattern", "PatternRecognizer", "RecognizerRegistry",
    "RecognizerResult", "UsItinRecognizer", "UsLicenseRecognizer", "UsPassportRecognizer", "UsSsnRecognizer",
]  # fmt: skip
