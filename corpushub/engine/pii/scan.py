"""The same findings as `AnalyzerEngine.analyze`, for a whole column at once and in time linear in its size.

Polars tests a necessary condition of every pattern (see `condition`) on lines, `starts` says where in the lines that are left each pattern can
begin, and only there the recognizer's own compiled expression, its validators and the context words (see `hits`) are asked. A pattern that may
see past a line's end runs on whole documents that pass its condition; a pattern without condition runs on all. Recognizers that are no pattern
recognizers are asked for every document (in one call if they have `analyze_batch`). A property test holds the two ways against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import regex  # type: ignore[import-untyped]
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, PatternRecognizer, RecognizerResult

from corpushub.base.errors import Invalid
from corpushub.engine.pii.analyzer import LANGUAGE, CharWindowContextEnhancer, boosted, built_in_recognizers
from corpushub.engine.pii.condition import condition_of
from corpushub.engine.pii.hits import Hits, Ints, Kind, settled
from corpushub.engine.pii.starts import Starts

PREFIX = 4  # characters of each pattern in the sieve over all text
BODY = 24  # characters in a pattern's own condition
SECONDS = 20.0  # one pattern over one batch; a pattern that needs more is refused by name
TRY = 20  # characters an expression searches in the time it takes to try it at one place
CROWDED = 2  # places per line from which it pays to ask the lines for the pattern's own condition first


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
    kind: Kind
    score: float
    compiled: Any
    flags: int
    condition: str
    within_lines: bool
    timed: bool  # not a pattern of this project or of Presidio: no one has looked at how long it may take
    validates: bool
    refuses: bool


@dataclass(slots=True)
class Lines:
    """Lines and all of them in one text. Line i begins at `begins[i]` of it and at `offsets[i]` of document `owner[i]`."""

    column: pl.Series
    owner: Ints
    offsets: Ints
    text: str = ""
    begins: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        self.text, self.begins = "\n".join(self.column.to_list()), begins_of(self.column)

    def number(self, places: Sequence[int] | Ints) -> Ints:
        """The line of each place in the text."""
        return np.searchsorted(self.begins, places, side="right") - 1

    def at(self, rows: Ints) -> Lines:
        return Lines(self.column[rows], self.owner[rows], self.offsets[rows])

    def where(self, condition: str, places: Ints) -> Ints:
        """Of `places`, those in lines on which `condition` holds, where so many share a line that asking pays."""
        numbers = self.number(places)
        first = np.concatenate(([True], numbers[1:] != numbers[:-1]))
        asked = numbers[first]
        if len(places) < CROWDED * len(asked):
            return places
        holds: Any = self.column[asked].str.contains(condition).to_numpy()
        kept: Ints = places[holds[np.cumsum(first) - 1]]
        return kept


@dataclass(slots=True)
class Memo:
    """What a recognizer's validators made of a text, for the time of one batch: a score, 0 where they refuse, None where they pass."""

    known: dict[tuple[int, str], float | None] = field(default_factory=dict)

    def score(self, shape: Shape, found: str) -> float:
        key = (shape.kind.recognizer, found)
        if key not in self.known:
            valid = shape.recognizer.validate_result(found) if shape.validates else None
            refused = shape.refuses and shape.recognizer.invalidate_result(found)
            self.known[key] = 0.0 if refused else None if valid is None else float(valid)
        score = self.known[key]
        return shape.score if score is None else score


class BatchAnalyzer:
    """A fast front for one engine. `findings(texts)` equals `[engine.analyze(text, "zh") for text in texts]`, as values.

    Raises: Invalid("pii.pattern_too_slow" | "pii.recognizer_failed") naming the recognizer, never the text.
    """

    def __init__(self, engine: AnalyzerEngine, *, seconds: float = SECONDS) -> None:
        self.engine = engine
        self.seconds = seconds
        recognizers = [r for r in engine.registry.recognizers if r.supported_language == LANGUAGE]
        self.enhancer: Any = engine.context_aware_enhancer
        self.whole = not isinstance(self.enhancer, CharWindowContextEnhancer) or any(
            type(r).enhance_using_context is not EntityRecognizer.enhance_using_context for r in recognizers
        )
        plain = [r for r in recognizers if isinstance(r, PatternRecognizer) and type(r).analyze is PatternRecognizer.analyze]
        self.others = [(place, r) for place, r in enumerate(recognizers) if r not in plain]
        self.shapes = [shape for place, r in enumerate(recognizers) if r in plain for shape in self._shapes(r, place)]
        self.in_lines = [shape for shape in self.shapes if shape.within_lines]
        self.sieve = "|".join(sorted({condition_of(s.compiled.pattern, s.flags, PREFIX).regex for s in self.in_lines}))
        self.starts = Starts([(shape.compiled.pattern, shape.flags) for shape in self.in_lines])

    def findings(self, texts: Sequence[str]) -> list[list[Finding]]:
        """Findings of each text, best score first as Presidio orders them."""
        if self.whole:
            return [self._analyzed(text) for text in texts]
        hits, memo = Hits(), Memo()
        column = pl.Series(list(texts), dtype=pl.String)
        if self.sieve and (lines := self._lines(column)):
            self._in_lines(lines, hits, memo)
        self._in_documents(column, texts, hits, memo)
        self._of_others(texts, hits)
        if not hits.parts:
            return [[] for _ in texts]
        doc, start, end, score, kind = settled(hits, texts, self.enhancer)
        kinds = [hits.kinds[number] for number in kind.tolist()]
        rows = [
            Finding(s, e, k.entity, points, k.name, k.pattern)
            for s, e, points, k in zip(start.tolist(), end.tolist(), score.tolist(), kinds, strict=True)
        ]
        bounds = np.searchsorted(doc, np.arange(len(texts) + 1)).tolist()
        return [rows[begin:close] for begin, close in pairwise(bounds)]

    def _shapes(self, recognizer: Any, place: int) -> list[Shape]:
        shapes, flags = [], int(recognizer.global_regex_flags or 0)
        validates = type(recognizer).validate_result is not PatternRecognizer.validate_result
        refuses = type(recognizer).invalidate_result is not PatternRecognizer.invalidate_result
        for pattern in recognizer.patterns:
            kind = self._kind(recognizer, place, recognizer.supported_entities[0], pattern.name)
            if not validates and boosted(pattern.score) < kind.threshold:
                continue  # could never pass, whatever stands around it
            compiled = regex.compile(pattern.regex, flags=flags)
            full = condition_of(pattern.regex, flags, BODY)
            within = full.within_lines and bool(full.regex and condition_of(pattern.regex, flags, PREFIX).regex)
            timed = pattern.regex not in known_patterns() or not full.limited
            shapes.append(Shape(recognizer, kind, pattern.score, compiled, flags, full.regex, within, timed, validates, refuses))
        return shapes

    def _kind(self, recognizer: Any, place: int, entity: str, pattern: str) -> Kind:
        words, patterned = tuple(recognizer.context or ()), isinstance(recognizer, PatternRecognizer)
        return Kind(place, recognizer.name, entity, pattern, words, self._threshold(recognizer, entity), patterned)

    def _threshold(self, recognizer: Any, entity: str) -> float:
        thresholds = recognizer.score_thresholds
        return float(thresholds.get(entity, thresholds.get("default", self.engine.default_score_threshold)))

    def _analyzed(self, text: str) -> list[Finding]:
        results = self.engine.analyze(text, language=LANGUAGE)
        return [
            Finding(r.start, r.end, r.entity_type, r.score, r.recognition_metadata[RecognizerResult.RECOGNIZER_NAME_KEY])
            for r in results
        ]

    def _lines(self, column: pl.Series) -> Lines | None:
        """Lines on which some pattern's condition begins to hold."""
        possible = column.str.contains(self.sieve)
        docs = np.flatnonzero(possible.to_numpy())
        if not len(docs):
            return None
        frame = pl.DataFrame({"doc": docs, "line": column.filter(possible).str.split("\n")}).explode("line")
        owner, begins = frame["doc"].to_numpy(), begins_of(frame["line"])
        first = np.concatenate(([True], owner[1:] != owner[:-1]))
        offsets = begins - begins[np.maximum.accumulate(np.where(first, np.arange(len(owner)), 0))]
        kept = frame["line"].str.contains(self.sieve)
        rows = kept.to_numpy()
        return Lines(frame["line"].filter(kept), owner[rows], offsets[rows])

    def _in_lines(self, lines: Lines, hits: Hits, memo: Memo) -> None:
        for number, places in self.starts.of(lines.text):
            shape, some = self.in_lines[number], lines
            if shape.timed:
                some = lines.at(np.unique(lines.number(places)))
                matches = shape.compiled.finditer(some.text, timeout=self.seconds)
            else:
                matches = matches_at(shape.compiled, lines.text, lines.where(shape.condition, places))
            starts, ends, scores = self._judged(shape, matches, memo)
            if starts:
                rows = some.number(starts)
                shift = some.offsets[rows] - some.begins[rows]
                hits.add(shape.kind, some.owner[rows], starts + shift, ends + shift, scores)

    def _in_documents(self, column: pl.Series, texts: Sequence[str], hits: Hits, memo: Memo) -> None:
        for shape in self.shapes:
            if shape.within_lines:
                continue
            chosen = range(len(texts)) if not shape.condition else column.str.contains(shape.condition).arg_true().to_list()
            for doc in chosen:
                starts, ends, scores = self._judged(shape, shape.compiled.finditer(texts[doc], timeout=self.seconds), memo)
                hits.add(shape.kind, [doc] * len(starts), starts, ends, scores)

    def _judged(self, shape: Shape, matches: Iterable[Any], memo: Memo) -> tuple[list[int], list[int], list[float]]:
        """Start, end and score of the matches, with the score the recognizer's validators give; those they refuse are left out."""
        starts, ends, scores = list[int](), list[int](), list[float]()
        judged = shape.validates or shape.refuses
        with self._told(shape.recognizer, shape.kind.pattern):
            for found in matches:
                start, end = found.span()
                score = memo.score(shape, found[0]) if judged else shape.score
                if start < end and score > 0:
                    starts.append(start)
                    ends.append(end)
                    scores.append(score)
        return starts, ends, scores

    def _of_others(self, texts: Sequence[str], hits: Hits) -> None:
        for place, recognizer in self.others:
            with self._told(recognizer):
                answers = self._asked(recognizer, texts)
            for doc, results in enumerate(answers):
                for result in results:
                    told = result.analysis_explanation
                    kind = self._kind(recognizer, place, result.entity_type, (told.textual_explanation or "") if told else "")
                    hits.add(kind, [doc], [result.start], [result.end], [result.score])

    def _asked(self, recognizer: Any, texts: Sequence[str]) -> list[list[RecognizerResult]]:
        batch = getattr(recognizer, "analyze_batch", None)
        if batch is not None:
            return list(batch(list(texts)))
        artifacts = self.engine.nlp_engine.process_text("", LANGUAGE)
        return [recognizer.analyze(text, recognizer.supported_entities, artifacts) or [] for text in texts]

    @contextmanager
    def _told(self, recognizer: Any, pattern: str = "") -> Iterator[None]:
        """Names who failed. A recognizer is foreign code: its message may hold the text it read."""
        try:
            yield
        except Invalid:
            raise
        except TimeoutError:
            facts = {"recognizer": recognizer.name, "pattern": pattern, "seconds": round(self.seconds, 1)}
            raise Invalid("pii.pattern_too_slow", **facts) from None
        except Exception as problem:  # noqa: BLE001  (see above)
            raise Invalid("pii.recognizer_failed", recognizer=recognizer.name, kind=type(problem).__name__) from None


def matches_at(compiled: Any, text: str, places: Ints) -> Iterator[Any]:
    """Matches that begin at one of `places`, none within another: those of `finditer` when no other place can begin one."""
    if len(places) * TRY > len(text):
        yield from compiled.finditer(text)
        return
    match, end = compiled.match, 0
    for place in places.tolist():
        if place >= end and (found := match(text, place)):
            end = found.end()
            yield found


def begins_of(lines: pl.Series) -> Ints:
    """Where each line begins when all are joined by newlines."""
    ends = np.cumsum(lines.str.len_chars().to_numpy().astype(np.int64) + 1)
    return np.concatenate((np.zeros(1, np.int64), ends[:-1]))


@cache
def known_patterns() -> frozenset[str]:
    """Patterns of this project and of Presidio: a test holds their time on hostile text."""
    recognizers: list[Any] = [one for one in built_in_recognizers() if isinstance(one, PatternRecognizer)]
    return frozenset(pattern.regex for one in recognizers for pattern in one.patterns)
