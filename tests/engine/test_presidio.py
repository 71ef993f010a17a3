"""Presidio without spaCy: patterns are found without loading it, and whoever asks for it gets the library itself. Nor are patterns compiled unused."""

from __future__ import annotations

import subprocess
import sys

READY = """
import sys
from corpushub.engine.pii.detect import find, scanner
assert find(["电话13812345678，a@example.com"], scanner(tagger=False))[0]
assert "presidio_analyzer" in sys.modules and not {"spacy", "spacy.tokens", "thinc", "tldextract"} & set(sys.modules)
"""


def told_by(code: str) -> str:
    """What a fresh interpreter prints that has found a number without spaCy."""
    return subprocess.run(
        [sys.executable, "-c", READY + code], capture_output=True, text=True, check=True, timeout=120
    ).stdout.strip()


def test_whoever_asks_for_it_gets_the_library_itself() -> None:
    asked = """
from presidio_analyzer.nlp_engine import TransformersNlpEngine, spacy_nlp_engine
import spacy
print(TransformersNlpEngine.engine_name, spacy_nlp_engine.spacy.blank("zh").lang, type(spacy.blank("zh")).__module__)
"""
    assert told_by(asked) == "transformers zh spacy.lang.zh"


def test_a_recognizer_of_presidio_gets_the_domains_it_asks_for() -> None:
    asked = """
from presidio_analyzer.predefined_recognizers.generic import email_recognizer
print(email_recognizer.tldextract.TLDExtract(suffix_list_urls=())("mail.example.com").suffix)
"""
    assert told_by(asked) == "com"


def test_patterns_of_other_people_are_still_compiled_to_see_whether_they_can_be() -> None:
    asked = """
import presidio_analyzer
from corpushub.engine.presidio import Pattern
assert presidio_analyzer.pattern.Pattern is presidio_analyzer.Pattern is Pattern
try:
    Pattern("broken", "(", 0.5)
except ValueError:
    print("refused", Pattern("whole", "a", 0.5).regex)
"""
    assert told_by(asked) == "refused a"


def test_stock_presidio_works_beside_ours_with_a_language_model_of_its_own() -> None:
    asked = """
import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine, StanzaNlpEngine, TransformersNlpEngine
from corpushub.engine.recognizers.identity import CnIdCardRecognizer

class Ruled(SpacyNlpEngine):
    def __init__(self):
        super().__init__()
        self.nlp = {"en": spacy.blank("en")}
        self.nlp["en"].add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ada"}])

    def load(self):
        pass

class Own(TransformersNlpEngine):
    pass

engine = AnalyzerEngine(nlp_engine=Ruled(), supported_languages=["en"])
engine.registry.add_recognizer(CnIdCardRecognizer(supported_language="en"))
found = engine.analyze("Ada 11010519491231002X 4111111111111111", language="en")
print(*sorted({item.entity_type for item in found}))
print(isinstance(Ruled(), StanzaNlpEngine), issubclass(Own, TransformersNlpEngine))
"""
    kinds, classes = told_by(asked).splitlines()
    assert {"PERSON", "CN_ID_CARD", "CREDIT_CARD"} <= set(kinds.split())
    assert classes == "False True"


def test_a_recognizer_of_someone_else_is_asked_with_real_artifacts() -> None:
    asked = """
from presidio_analyzer import EntityRecognizer
from corpushub.engine.pii.analyzer import build_engine
from corpushub.engine.pii.scan import BatchAnalyzer

class Curious(EntityRecognizer):
    def load(self):
        pass

    def analyze(self, text, entities, nlp_artifacts):
        print(type(nlp_artifacts.tokens).__module__, nlp_artifacts.to_json())
        return []

analyzer = BatchAnalyzer(build_engine([Curious(["ODD"], supported_language="zh")], tagger=False))
analyzer.findings(["13812345678"])
"""
    expected = '{"entities": [], "tokens": [], "lemmas": [], "tokens_indices": [], "keywords": [], "scores": []}'
    assert told_by(asked) == f"spacy.tokens.doc {expected}"
