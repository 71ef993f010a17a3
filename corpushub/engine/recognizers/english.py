"""English and international identifiers: Presidio's own pattern recognizers, but those that need a network or a language model."""

from __future__ import annotations

from functools import partial

from presidio_analyzer import EntityRecognizer
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    CryptoRecognizer,
    IbanRecognizer,
    UsItinRecognizer,
    UsSsnRecognizer,
)


def recognizers(language: str) -> list[EntityRecognizer]:
    """Instances that answer for `language`."""
    kinds = (CreditCardRecognizer, CryptoRecognizer, IbanRecognizer, UsItinRecognizer, UsSsnRecognizer)
    return [partial(kind, supported_language=language)() for kind in kinds]
