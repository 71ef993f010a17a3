"""One registry, one `AnalyzerEngine`: Presidio stays the definition of what is found; `scan` only computes the same faster.

The engine needs no language model and no network: `NoLanguage`, our own context enhancer on characters, recognizers that are ordinary
Presidio objects. `EmailRecognizer` and `UrlRecognizer` of Presidio are never used: they fetch the public suffix list.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.engine.presidio import (
    AnalyzerEngine,
    ContextAwareEnhancer,
    EntityRecognizer,
    NoLanguage,
    RecognizerRegistry,
    RecognizerResult,
)
from corpushub.engine.recognizers import contact, dates, english, finance, identity, network, secrets, vehicle
from corpushub.engine.recognizers.shape import ShapeRecognizer

LANGUAGE = "zh"  # one registry serves mixed text; the language key only selects it
THRESHOLD = 0.5
BEFORE, AFTER = 24, 6  # characters read around a finding
BOOST, FLOOR = 0.35, 0.4

FAMILIES: tuple[type[ShapeRecognizer], ...] = (
    identity.CnIdCardRecognizer, identity.CnIdCardMaskedRecognizer, identity.CnPassportRecognizer, identity.CnTravelPermitRecognizer,
    identity.CnMilitaryIdRecognizer, identity.CnDriverLicenceRecognizer, identity.CnSocialSecurityRecognizer,
    identity.CnMedicalRecordRecognizer, identity.HkIdCardRecognizer, identity.TwIdCardRecognizer,
    contact.CnMobileRecognizer, contact.CnLandlineRecognizer, contact.EmailAddressRecognizer, contact.CnSocialAccountRecognizer,
    finance.CnBankCardRecognizer, finance.BankAccountRecognizer, finance.CnUsccRecognizer, finance.CnUsccPersonalRecognizer,
    vehicle.CnLicensePlateRecognizer, vehicle.CnLabelledPlateRecognizer, vehicle.CnVinRecognizer,
    network.IpAddressRecognizer, network.MacAddressRecognizer, network.DeviceIdRecognizer, network.GpsCoordinateRecognizer,
    dates.DateOfBirthRecognizer, secrets.SecretRecognizer, secrets.UrlTokenRecognizer,
)  # fmt: skip


class CharWindowContextEnhancer(ContextAwareEnhancer):
    """Raises a score when a context word of the recognizer stands in the characters around the finding.

    Presidio's own enhancer reads lemmas; Chinese has none without a model, and its search is quadratic in the text's length.
    """

    def __init__(self, before: int = BEFORE, after: int = AFTER) -> None:
        super().__init__(
            context_similarity_factor=BOOST,
            min_score_with_context_similarity=FLOOR,
            context_prefix_count=before,
            context_suffix_count=after,
        )

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: Any,  # noqa: ARG002  (signature of Presidio)
        recognizers: list[EntityRecognizer],
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        words = {recognizer.id: tuple(recognizer.context or ()) for recognizer in recognizers}
        given = " ".join(context or ())
        for result in raw_results:
            metadata = result.recognition_metadata
            wanted = words.get(metadata[RecognizerResult.RECOGNIZER_IDENTIFIER_KEY], ())
            if not metadata.get(RecognizerResult.IS_SCORE_ENHANCED_BY_CONTEXT_KEY):
                found = self.supporting(text, result.start, result.end, wanted, given)
                if found and result.score < 1:
                    result.score = boosted(result.score)
                    metadata[RecognizerResult.IS_SCORE_ENHANCED_BY_CONTEXT_KEY] = True
                    if result.analysis_explanation:
                        result.analysis_explanation.set_supportive_context_word(found)
                        result.analysis_explanation.set_improved_score(result.score)
        return raw_results

    def supporting(self, text: str, start: int, end: int, words: Sequence[str], given: str = "") -> str:
        """The first context word around `start:end`, or an empty string."""
        if not words:
            return ""
        around = (
            text[max(0, start - self.context_prefix_count) : start] + "\x00" + text[end : end + self.context_suffix_count] + given
        )
        return next((word for word in words if word in around), "")


def boosted(score: float) -> float:
    return float(min(1.0, max(score + BOOST, FLOOR)))


@cache
def built_in_recognizers() -> tuple[EntityRecognizer, ...]:
    """Every pattern recognizer of this project, and those of Presidio it uses."""
    return (*(family(supported_language=LANGUAGE) for family in FAMILIES), *english.recognizers(LANGUAGE))


@cache
def default_recognizers() -> tuple[EntityRecognizer, ...]:
    """Every built-in pattern recognizer and those of installed plugins (entry points `corpushub.recognizers`)."""
    plugins = (point.load() for point in sorted(entry_points(group="corpushub.recognizers"), key=lambda point: point.name))
    return (*built_in_recognizers(), *(plugin() if isinstance(plugin, type) else plugin for plugin in plugins))


def build_engine(
    extra: Iterable[EntityRecognizer] = (),
    *,
    yaml: str | os.PathLike[str] | None = None,
    tagger: bool = True,
    backend: str = "lac",
) -> AnalyzerEngine:
    """An engine over the built-in recognizers, `extra` ones and those of a Presidio YAML file.

    `tagger` adds names, addresses and organisations from `backend` (see `backends`).
    Raises: Invalid("pii.recognizers_file").
    """
    registry = RecognizerRegistry(recognizers=list(default_recognizers()), supported_languages=[LANGUAGE], global_regex_flags=0)
    if tagger:
        from corpushub.engine.pii.backends import backend as chosen

        for recognizer in chosen(backend, LANGUAGE):
            registry.add_recognizer(recognizer)
    for recognizer in extra:
        registry.add_recognizer(recognizer)
    if yaml is not None:
        before = len(list(registry.recognizers))
        try:
            registry.add_recognizers_from_yaml(str(yaml))
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as problem:
            raise Invalid("pii.recognizers_file", file=Path(yaml).name, kind=type(problem).__name__) from None
        for recognizer in list(registry.recognizers)[before:]:
            recognizer.supported_language = LANGUAGE
    nlp = NoLanguage(LANGUAGE)
    nlp.load()
    return AnalyzerEngine(
        registry=registry,
        nlp_engine=nlp,
        supported_languages=[LANGUAGE],
        default_score_threshold=THRESHOLD,
        context_aware_enhancer=CharWindowContextEnhancer(),
    )
