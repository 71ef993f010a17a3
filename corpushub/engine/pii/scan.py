"""The same findings as `AnalyzerEngine.analyze`, for a whole column at once and in time linear in its size.

`starts` says where in the column each pattern can begin, and only there the recognizer's own compiled expression, its validators and the
context words (see `hits`) are asked: a text in which nothing can begin is never touched again. A pattern that may see past a line's end runs on
whole documents that pass its necessary condition (see `condition`); a pattern without condition runs on all. Recognizers that are no pattern
recognizers are asked for every document (in one call if they have `analyze_batch`). A property test holds the two ways against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import regex  # type: ignore[import-untyped]  # comes without types

from corpushub.base.errors import Invalid
from corpushub.engine.pii.analyzer import LANGUAGE, CharWindowContextEnhancer, boosted, built_in_recognizers
from corpushub.engine.pii.condition import condition_of
from corpushub.engine.pii.hits import Hits, Ints, Kind, settled
from corpushub.engine.pii.starts import Starts
from corpushub.engine.presidio import AnalyzerEngine, EntityRecognizer, PatternRecognizer, RecognizerResult

SECONDS = 20.0  # one pattern over one batch; a pattern that needs more is refused by name
TRY = 20  # characters an expression searches in the time it takes to try it at one place


class Finding(NamedTuple):
    """One finding in one text. `pattern` is empty for recognizers that are no pattern recognizers."""

    start: int
    end: int
    entity: str
    score: float
    recognizer: str
    pattern: str = ""


@dataclass
class Shape:
    """One pattern made ready."""

    recognizer: Any  # PatternRecognizer
    kind: Kind
    score: float
    source: str
    flags: int
    condition: str
    within_lines: bool
    timed: bool  # not a pattern of this project or of Presidio: no one has looked at how long it may take
    validates: bool
    refuses: bool

    @cached_property
    def compiled(self) -> Any:
        """Most patterns can begin nowhere in most texts, and are never needed."""
        return regex.compile(self.source, flags=self.flags)


class Joined(Sequence[str]):
    """Texts of a column, and all of them as lines of one text; text i begins at `begins[i]` of it."""

    def __init__(self, column: pl.Series) -> None:
        self.column = column
        lengths = column.str.len_chars().to_numpy().astype(np.int64)
        self.begins: Ints = np.cumsum(lengths + 1) - lengths - 1

    @cached_property
    def text(self) -> str:
        return str(self.column.str.join("\n").item())

    def number(self, places: Sequence[int] | Ints) -> Ints:
        """The text in which each place lies."""
        return np.searchsorted(self.begins, places, side="right") - 1

    @cached_property
    def _read(self) -> dict[int, str]:
        return {}

    def __getitem__(self, row: Any) -> Any:
        if row not in self._read:
            self._read[row] = self.column[row]
        return self._read[row]

    def __len__(self) -> int:
        return len(self.column)


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
        # Patterns of others come and go: what they are compiled into is not worth a file.
        is_own = all(shape.source in known_patterns() for shape in self.in_lines)
        self.starts = Starts([(shape.source, shape.flags) for shape in self.in_lines], keep=is_own)

    def findings(self, texts: Sequence[str]) -> list[list[Finding]]:
        """Findings of each text, best score first as Presidio orders them."""
        found = self.found(pl.Series(texts, dtype=pl.String))
        return [found.get(row, []) for row in range(len(texts))]

    def found(self, column: pl.Series) -> dict[int, list[Finding]]:
        """The same by the number of the text; texts without findings are left out. The column holds no nulls."""
        if self.whole:
            analyzed = ((row, self._analyzed(text)) for row, text in enumerate(column))
            return {row: items for row, items in analyzed if items}
        hits, memo, texts = Hits(), Memo(), Joined(column)
        if self.in_lines and len(column):
            self._in_lines(texts, hits, memo)
        self._in_documents(texts, hits, memo)
        self._of_others(column, hits)
        result: dict[int, list[Finding]] = {}
        if hits.parts:
            for doc, start, end, score, kind in zip(
                *(part.tolist() for part in settled(hits, texts, self.enhancer)), strict=True
            ):
                told = hits.kinds[kind]
                result.setdefault(doc, []).append(Finding(start, end, told.entity, score, told.name, told.pattern))
        return result

    def _shapes(self, recognizer: Any, place: int) -> list[Shape]:
        shapes, flags = [], int(recognizer.global_regex_flags or 0)
        validates = type(recognizer).validate_result is not PatternRecognizer.validate_result
        refuses = type(recognizer).invalidate_result is not PatternRecognizer.invalidate_result
        for pattern in recognizer.patterns:
            kind = self._kind(recognizer, place, recognizer.supported_entities[0], pattern.name)
            if not validates and boosted(pattern.score) < kind.threshold:
                continue  # could never pass, whatever stands around it
            full = condition_of(pattern.regex, flags)
            is_own = pattern.regex in known_patterns()
            shape = Shape(
                recognizer, kind, pattern.score, pattern.regex, flags, full.regex, full.within_lines, not is_own or not full.limited,
                validates, refuses,
            )  # fmt: skip
            if not is_own:
                _ = shape.compiled  # no one has looked whether it can be
            shapes.append(shape)
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

    def _in_lines(self, texts: Joined, hits: Hits, memo: Memo) -> None:
        for number, places in self.starts.of(texts.text):
            shape, some, rows = self.in_lines[number], texts, None
            if shape.timed:
                rows = np.unique(texts.number(places))
                some = Joined(texts.column[rows])
                matches = shape.compiled.finditer(some.text, timeout=self.seconds)
            else:
                matches = matches_at(shape.compiled, texts.text, places)
            starts, ends, scores = self._judged(shape, matches, memo)
            if starts:
                docs = some.number(starts)
                shift = some.begins[docs]
                hits.add(shape.kind, docs if rows is None else rows[docs], starts - shift, ends - shift, scores)

    def _in_documents(self, texts: Joined, hits: Hits, memo: Memo) -> None:
        for shape in self.shapes:
            if shape.within_lines:
                continue
            chosen = range(len(texts)) if not shape.condition else texts.column.str.contains(shape.condition).arg_true().to_list()
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

    def _of_others(self, column: pl.Series, hits: Hits) -> None:
        texts = column.to_list() if self.others else []
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


@cache
def known_patterns() -> frozenset[str]:
    """Patterns of this project and of Presidio: a test holds their time on hostile text."""
    recognizers: list[Any] = [one for one in built_in_recognizers() if isinstance(one, PatternRecognizer)]
    return frozenset(pattern.regex for one in recognizers for pattern in one.patterns)
