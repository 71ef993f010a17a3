"""What a curator sees before a release: the text, every finding with its reason, and the text after scrubbing."""

from __future__ import annotations

from dataclasses import dataclass

from corpushub.engine.pii.actions import Desk
from corpushub.engine.pii.detect import find
from corpushub.engine.pii.policy import Policy
from corpushub.engine.pii.scrub import scrub_rows

PREVIEW_KEY = b"corpushub preview: stand-ins of a preview are not those of a release"


@dataclass(frozen=True, slots=True)
class Shown:
    """One finding. `why` names the pattern or rule; `action` is what the policy does."""

    start: int
    end: int
    entity: str
    score: float
    recognizer: str
    why: str
    action: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A text before and after, with its findings in order of position."""

    before: str
    after: str
    findings: tuple[Shown, ...]


def preview(texts: list[str], policy: Policy, *, lang: str = "zh") -> list[Preview]:
    """Before, after and why, for each text. Shows values: for the eyes of curators only, never for a log."""
    shown = []
    desk = Desk(PREVIEW_KEY, lang)
    scrubbed = scrub_rows([(text,) for text in texts], ("",), policy, desk)
    for text, found, row in zip(texts, find(texts), scrubbed, strict=True):
        findings = tuple(
            Shown(f.start, f.end, f.entity, round(f.score, 2), f.recognizer, f.pattern, policy.decide(text, f)) for f in found
        )
        shown.append(Preview(text, row.cells[0] or "", findings))
    return shown
