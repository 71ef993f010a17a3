"""Personal information: find it, replace it, prove it gone. The stable entry point is `detect_batch`."""

from __future__ import annotations


def detect_batch(texts: list[str]) -> list[list[tuple[int, int, str]]]:
    """Start, end and entity of every piece of personal information, per text; see `detect.detect_batch`."""
    from corpushub.engine.pii import detect  # Presidio loads with the first text, not with the package

    return detect.detect_batch(texts)
