"""Two texts side by side: what was taken out and what was put in, and the personal information found in the first."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from corpushub.portal.html import Child, Safe, del_, ins, joined, mark
from corpushub.portal.pages import Words

Span = tuple[int, int, str]
"""Start, end and entity."""
MOST = 2_000  # characters compared letter by letter; longer texts are cut


def marked(t: Words, text: str, found: Sequence[Span]) -> Safe:
    """`text` with each finding marked and named."""
    out: list[Child] = []
    at = 0
    for start, end, entity in found:
        out += [text[at:start], mark(text[start:end], c="pii", title=t.name("entity", entity))]
        at = end
    return joined(*out, text[at:])


def both(t: Words, before: str, after: str, found: Sequence[Span]) -> tuple[Safe, Safe]:
    """Both texts as markup: findings named on the left, what replaced them marked on the right, other differences struck and underlined."""
    before, after = before[:MOST], after[:MOST]
    left: list[Child] = []
    right: list[Child] = []
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        inside = [(max(start, i) - i, min(end, j) - i, entity) for start, end, entity in found if start < j and end > i]
        old, new = marked(t, before[i:j], inside), after[k:m]
        left.append(old if kind == "equal" or inside else del_(old) if j > i else None)
        right.append(new if kind == "equal" else ins(new, c="pii" if inside else None) if m > k else None)
    return joined(*left), joined(*right)
