"""The same findings as `AnalyzerEngine.analyze`, for a whole column at once and in time linear in its size.

Polars tests a necessary condition of every pattern (see `condition`) on lines; only lines that hold reach the recognizer's own compiled
expression, validators and context words. A pattern that may see past a line's end runs on whole documents that pass its condition; a pattern
without condition runs on all. Recognizers that are no pattern recognizers are asked for every document (in one call if they have
`analyze_batch`). A property test holds the two ways against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import regex  # type: ignore[import-untyped]
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, PatternRecognizer, RecognizerResult

from corpushub.base.errors import Invalid
from corpushub.engine.pii.analyzer import LANGUAGE, CharWindowContextEnhancer, boosted
from corpushub.engine.pii.condition import condition_of

PREFIX, FINER = 4, 7  # characters of each pattern in the sieve over all text, and in the one over what it lets through
BODY = 24  # characters in a pattern's own condition
SECONDS = 20.0  # one pattern over one batch; a pattern that needs more is refused by name


class Finding(NamedTuple):
    """One finding in one text. `pattern` is empty for recognizers that are no pattern recognizers."""

    start: int
    end: int
    entity: str
    score: float
    recognizer: str
    pattern: str = ""


@dataclass(slots=True)
class Shape:
    """One pattern made ready."""

    recognizer: Any  # PatternRecognizer
    order: int
    name: str
    score: float
    compiled: Any
    flags: int
    condition: str
    within_lines: bool
    brief: str  # the condition cut short, for tests of many at once
    judges: bool  # the recognizer looks at what was matched


@dataclass(slots=True)
class Hit:
    """A raw result before context and thresholds."""

    doc: int
    start: int
    end: int
    score: float
    recognizer: Any  # EntityRecognizer
    entity: str
    pattern: str = ""
    enhanced: bool = False


@dataclass(slots=True)
class Memo:
    """What a recognizer's validators said about a text, for the time of one batch."""

    known: dict[tuple[int, str], tuple[bool | None, bool | None]] = field(default_factory=dict)

    def ask(self, recognizer: Any, found: str) -> tuple[bool | None, bool | None]:
        key = (id(recognizer), found)
        if key not in self.known:
            self.known[key] = (recognizer.validate_result(found), recognizer.invalidate_result(found))
        return self.known[key]


class BatchAnalyzer:
    """A fast front for one engine. `findings(texts)` equals `[engine.analyze(text, "zh") for text in texts]`, as values.

    Raises: Invalid("pii.pattern_too_slow" | "pii.recognizer_failed") naming the recognizer, never the text.
    """

    def __init__(self, engine: AnalyzerEngine, *, seconds: float = SECONDS) -> None:
        self.engine = engine
        self.seconds = seconds
        recognizers = [r for r in engine.registry.recognizers if r.supported_language == LANGUAGE]
        self.whole = any(
            type(r).enhance_using_context is not EntityRecognizer.enhance_using_context for r in recognizers
        ) or not isinstance(engine.context_aware_enhancer, CharWindowContextEnhancer)
        plain = [r for r in recognizers if isinstance(r, PatternRecognizer) and type(r).analyze is PatternRecognizer.analyze]
        self.others = [r for r in recognizers if r not in plain]
        self.seen, self.held = 0, dict[int, int]()  # lines tested, and by recognizer those its condition held on
        self.shapes = [shape for order, recognizer in enumerate(plain) for shape in self._shapes(recognizer, order)]
        self.sieve, self.finer = (
            "|".join(sorted({condition_of(s.compiled.pattern, s.flags, width).regex for s in self.shapes if s.within_lines}))
            for width in (PREFIX, FINER)
        )

    def findings(self, texts: Sequence[str]) -> list[list[Finding]]:
        """Findings of each text, best score first as Presidio orders them."""
        if self.whole:
            return [self._analyzed(text) for text in texts]
        hits: list[list[Hit]] = [[] for _ in texts]
        memo = Memo()
        for hit in self._pattern_hits(texts, memo):
            hits[hit.doc].append(hit)
        self._other_hits(texts, hits)
        return [self._settle(text, found) if found else [] for text, found in zip(texts, hits, strict=True)]

    def _shapes(self, recognizer: Any, order: int) -> list[Shape]:
        shapes, flags = [], int(recognizer.global_regex_flags or 0)
        judges = type(recognizer).validate_result is not PatternRecognizer.validate_result
        for pattern in recognizer.patterns:
            if not judges and boosted(pattern.score) < self._threshold(recognizer):
                continue  # could never pass, whatever stands around it
            compiled = regex.compile(pattern.regex, flags=flags)
            full = condition_of(pattern.regex, flags, BODY)
            short = all(condition_of(pattern.regex, flags, width).regex for width in (PREFIX, FINER))
            brief = condition_of(pattern.regex, flags, FINER).regex
            within = full.within_lines and short and bool(full.regex)
            refuses = type(recognizer).invalidate_result is not PatternRecognizer.invalidate_result
            shapes.append(
                Shape(
                    recognizer, order, pattern.name, pattern.score, compiled, flags, full.regex, within, brief, judges or refuses
                )
            )
        return shapes

    def _threshold(self, recognizer: Any, entity: str = "") -> float:
        thresholds = recognizer.score_thresholds
        return float(thresholds.get(entity, thresholds.get("default", self.engine.default_score_threshold)))

    def _analyzed(self, text: str) -> list[Finding]:
        results = self.engine.analyze(text, language=LANGUAGE)
        return [
            Finding(r.start, r.end, r.entity_type, r.score, r.recognition_metadata[RecognizerResult.RECOGNIZER_NAME_KEY])
            for r in results
        ]

    def _pattern_hits(self, texts: Sequence[str], memo: Memo) -> Iterable[Hit]:
        column = pl.Series(list(texts), dtype=pl.String)
        if self.sieve:
            yield from self._hits_in_lines(column, memo)
        for shape in self.shapes:
            if not shape.within_lines:
                chosen = (
                    np.flatnonzero(column.str.contains(shape.condition).to_numpy()) if shape.condition else np.arange(len(texts))
                )
                for doc in chosen.tolist():
                    for start, end, score in self._matches(shape, texts[doc], memo):
                        yield Hit(
                            int(doc), start, end, score, shape.recognizer, shape.recognizer.supported_entities[0], shape.name
                        )

    def _hits_in_lines(self, column: pl.Series, memo: Memo) -> Iterable[Hit]:
        possible = column.str.contains(self.sieve)
        docs = np.flatnonzero(possible.to_numpy())
        if not len(docs):
            return
        frame = pl.DataFrame({"doc": docs, "line": column.filter(possible).str.split("\n")}).explode("line")
        ends = np.cumsum(frame["line"].str.len_chars().to_numpy().astype(np.int64) + 1)
        starts = np.concatenate(([0], ends[:-1]))
        owner = frame["doc"].to_numpy()
        first = np.concatenate(([True], owner[1:] != owner[:-1]))
        offsets = starts - starts[np.maximum.accumulate(np.where(first, np.arange(len(owner)), 0))]
        kept = frame["line"].str.contains(self.sieve).to_numpy()
        kept[kept] = frame["line"].filter(pl.Series(kept)).str.contains(self.finer).to_numpy()
        lines, owner, offsets = frame["line"].filter(pl.Series(kept)), owner[kept], offsets[kept]
        groups = [list(group) for _, group in groupby((s for s in self.shapes if s.within_lines), key=lambda shape: shape.order)]
        often = [group for group in groups if self._often(group)]
        rare = [group for group in groups if not self._often(group)]
        self.seen += len(lines)
        for group in often:
            yield from self._hits_of(group, lines, owner, offsets, memo)
        if rare:  # one test spares most lines the tests of kinds that hardly ever occur
            mask = lines.str.contains("|".join(sorted({shape.brief for group in rare for shape in group})))
            some = mask.to_numpy()
            for group in rare:
                yield from self._hits_of(group, lines.filter(mask), owner[some], offsets[some], memo)

    def _often(self, group: list[Shape]) -> bool:
        """Did the recognizer's condition hold on more than one in twenty of the lines seen so far? Decides on speed alone."""
        return self.seen == 0 or self.held.get(group[0].order, 0) * 20 > self.seen

    def _hits_of(self, shapes: list[Shape], lines: pl.Series, owner: Any, offsets: Any, memo: Memo) -> Iterable[Hit]:
        mask = lines.str.contains("|".join(shape.condition for shape in shapes))
        rows = np.flatnonzero(mask.to_numpy())
        self.held[shapes[0].order] = self.held.get(shapes[0].order, 0) + len(rows)
        if not len(rows):
            return
        possible = lines.filter(mask)
        for shape in shapes:
            own = possible.str.contains(shape.condition) if len(shapes) > 1 else None
            chosen = (possible if own is None else possible.filter(own)).to_list()
            if not chosen:
                continue
            where = rows if own is None else rows[own.to_numpy()]
            matches = list(self._matches(shape, "\n".join(chosen), memo))
            if not matches:
                continue
            begins = np.concatenate(([0], np.cumsum([len(line) + 1 for line in chosen])[:-1]))
            place = np.searchsorted(begins, [match[0] for match in matches], side="right") - 1
            shifts, docs = (offsets[where[place]] - begins[place]).tolist(), owner[where[place]].tolist()
            entity = shape.recognizer.supported_entities[0]
            for (start, end, score), shift, doc in zip(matches, shifts, docs, strict=True):
                yield Hit(doc, start + shift, end + shift, score, shape.recognizer, entity, shape.name)

    def _matches(self, shape: Shape, text: str, memo: Memo) -> Iterable[tuple[int, int, float]]:
        """Matches of one pattern with the score its recognizer's validators give."""
        try:
            for found in shape.compiled.finditer(text, timeout=self.seconds):
                start, end = found.span()
                if start == end:
                    continue
                if not shape.judges:
                    yield start, end, shape.score
                    continue
                valid, invalid = memo.ask(shape.recognizer, found[0])
                score = shape.score if valid is None else float(valid)
                if score > 0 and not invalid:
                    yield start, end, score
        except TimeoutError:
            raise Invalid(
                "pii.pattern_too_slow", recognizer=shape.recognizer.name, pattern=shape.name, seconds=round(self.seconds, 1)
            ) from None
        except Exception as problem:  # a recognizer is foreign code: its message may hold the text it read
            if isinstance(problem, Invalid):
                raise
            raise Invalid("pii.recognizer_failed", recognizer=shape.recognizer.name, kind=type(problem).__name__) from None

    def _other_hits(self, texts: Sequence[str], hits: list[list[Hit]]) -> None:
        for recognizer in self.others:
            for doc, results in enumerate(self._asked(recognizer, texts)):
                for result in results:
                    told = result.analysis_explanation
                    why = (told.textual_explanation or "") if told else ""
                    hits[doc].append(Hit(doc, result.start, result.end, result.score, recognizer, result.entity_type, why))

    def _asked(self, recognizer: Any, texts: Sequence[str]) -> list[list[RecognizerResult]]:
        entities = recognizer.supported_entities
        batch = getattr(recognizer, "analyze_batch", None)
        try:
            if batch is not None:
                return list(batch(list(texts)))
            artifacts = self.engine.nlp_engine.process_text("", LANGUAGE)
            return [recognizer.analyze(text, entities, artifacts) or [] for text in texts]
        except Invalid:
            raise
        except Exception as problem:  # noqa: BLE001  (foreign code: its message may hold the text it read)
            raise Invalid("pii.recognizer_failed", recognizer=recognizer.name, kind=type(problem).__name__) from None

    def _settle(self, text: str, hits: list[Hit]) -> list[Finding]:
        """Duplicates within a recognizer, context, thresholds, duplicates over all: the order of `AnalyzerEngine.analyze`."""
        enhancer: Any = self.engine.context_aware_enhancer
        kept: list[Hit] = []
        for recognizer, group in groupby(sorted(hits, key=lambda hit: id(hit.recognizer)), key=lambda hit: hit.recognizer):
            own = list(group)
            kept += without_duplicates(own) if isinstance(recognizer, PatternRecognizer) else own
        for hit in kept:
            if hit.score < 1 and enhancer.supporting(text, hit.start, hit.end, tuple(hit.recognizer.context or ())):
                hit.score = boosted(hit.score)
        passed = [hit for hit in kept if hit.score >= self._threshold(hit.recognizer, hit.entity)]
        return [Finding(h.start, h.end, h.entity, h.score, h.recognizer.name, h.pattern) for h in without_duplicates(passed)]


def without_duplicates(hits: list[Hit]) -> list[Hit]:
    """A hit goes if another of its entity contains it with an equal or higher score (`EntityRecognizer.remove_duplicates`)."""
    if len(hits) == 1:
        return [hit for hit in hits if hit.score]
    unique = {(hit.entity, hit.start, hit.end, hit.score): hit for hit in reversed(hits)}.values()
    kept: list[Hit] = []
    ordered = sorted(unique, key=lambda hit: (hit.entity, hit.start, hit.start - hit.end, -hit.score))
    for _, group in groupby(ordered, key=lambda hit: hit.entity):
        active: list[Hit] = []
        for hit in group:
            active = [other for other in active if other.end >= hit.start]
            if hit.score and not (active and any(hit.end <= other.end and hit.score <= other.score for other in active)):
                kept.append(hit)
                active.append(hit)
    return sorted(kept, key=lambda hit: (-hit.score, hit.start, hit.start - hit.end))
