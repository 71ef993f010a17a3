"""How good detection is, on labelled text: the figures of the data card's section on personal information.

Per entity: recall and precision by overlap with the same label, strict recall (same start and end), recall whatever the label, characters
covered, F1, F2, and Wilson intervals. Labelled files: JSON lines `{text, spans: [[start, end, entity]], optional: […]}`, the JSON of
presidio-research, IOB2. Entities that no file labels cannot be judged and are left out of precision.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

from corpushub.base.errors import Invalid, NotFound
from corpushub.base.identity import Stopwatch, digest_of, sha256

Span = tuple[int, int, str]
SAME = {
    "PER": "PERSON", "LOC": "LOCATION", "GPE": "LOCATION", "ORG": "ORGANIZATION", "STREET_ADDRESS": "ADDRESS", "PHONE_NUMBER": "PHONE_NUMBER",
}  # fmt: skip
ALSO = {
    "CREDIT_CARD": {"CN_BANK_CARD"}, "CN_BANK_CARD": {"CREDIT_CARD", "BANK_ACCOUNT"}, "PHONE_NUMBER": {"CN_MOBILE", "CN_LANDLINE"},
}  # fmt: skip
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with what a person marked in it; `optional` spans are neither missed nor false."""

    text: str
    spans: tuple[Span, ...]
    optional: tuple[Span, ...] = ()


@dataclass(slots=True)
class Tally:
    """Counts of one entity."""

    gold: int = 0
    hit: int = 0
    strict: int = 0
    any_label: int = 0
    chars: int = 0
    chars_hit: int = 0
    found: int = 0
    right: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one entity; intervals are Wilson 95 %."""

    entity: str
    gold: int
    found: int
    recall: float
    recall_interval: tuple[float, float]
    precision: float
    precision_interval: tuple[float, float]
    strict_recall: float
    any_label_recall: float
    char_recall: float
    f1: float
    f2: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One labelled file."""

    name: str
    texts: int
    chars: int
    seconds: float
    scores: tuple[Score, ...]
    unlabelled: Mapping[str, int] = field(default_factory=dict)  # findings of entities the file does not label

    @property
    def chars_per_second(self) -> int:
        return round(self.chars / self.seconds) if self.seconds else 0


def evaluate(place: Path) -> list[Evaluation]:
    """Every labelled file of a folder, or one file.

    Raises: NotFound("pii.no_labelled"), Invalid("pii.labelled_file") with the line.
    """
    labelled = sorted(p for p in (place.iterdir() if place.is_dir() else [place]) if p.suffix in {".jsonl", ".json", ".iob2"})
    if not labelled:
        raise NotFound("pii.no_labelled", place=place.name)
    return [evaluate_texts(file.stem, list(read(file))) for file in labelled]


def evaluate_texts(name: str, items: Sequence[Labelled]) -> Evaluation:
    """Detect over `items` and compare."""
    from corpushub.engine.pii.detect import find
    from corpushub.engine.pii.scan import Finding

    watch = Stopwatch()
    found: list[list[Finding]] = find([item.text for item in items])
    seconds = watch.seconds()
    labelled = {span[2] for item in items for span in (*item.spans, *item.optional)}
    if not labelled:  # a file of negatives: everything found is false
        labelled = {span.entity for row in found for span in row}
    tallies: dict[str, Tally] = defaultdict(Tally)
    unlabelled: dict[str, int] = defaultdict(int)
    for item, row in zip(items, found, strict=True):
        spans = [(span.start, span.end, span.entity) for span in row]
        compare(item, spans, tallies)
        for _, _, entity in spans:
            if entity not in labelled and not ALSO.get(entity, set()) & labelled:
                unlabelled[entity] += 1
    scores = tuple(score(entity, tallies[entity]) for entity in sorted(tallies) if entity in labelled)
    return Evaluation(name, len(items), sum(len(item.text) for item in items), seconds, scores, dict(unlabelled))


def figures(made: Iterable[Evaluation], day: str) -> dict[str, Any]:
    """What a card prints: the labelled sets, and what each of them says of every kind there are recognizers for. No set speaks for another."""
    from corpushub.engine.pii.detect import RANK

    made = tuple(made)
    scores = [
        {
            "entity": item.entity, "set": one.name, "gold": item.gold,
            "recall": item.recall, "lower": item.recall_interval[0], "upper": item.recall_interval[1],
            "precision": item.precision, "precision_lower": item.precision_interval[0], "precision_upper": item.precision_interval[1],
        }
        for entity in RANK for one in made for item in one.scores if item.entity == entity and item.gold
    ]  # fmt: skip
    told = {row["set"] for row in scores}
    return {
        "sets": {one.name: {"title": one.name, "texts": one.texts, "measured": day} for one in made if one.name in told},
        "scores": scores,
    }


@cache
def recognizer_set() -> str:
    """A digest of all that decides what is found: code and words of the recognizers, and installed plugins."""
    package = files("corpushub")
    sources = {
        f"{folder}/{file.name}": file.read_bytes()
        for folder in ("engine/recognizers", "engine/pii")
        for file in package.joinpath(*folder.split("/")).iterdir()
        if file.name.endswith(".py")
    }
    sources["lexicon"] = package.joinpath("rules", "pii-lexicon.toml").read_bytes()
    plugins = sorted(f"{point.name}={point.value}" for point in entry_points(group="corpushub.recognizers"))
    return digest_of([plugins, {name: sha256(content) for name, content in sorted(sources.items())}])


def compare(item: Labelled, spans: Sequence[Span], tallies: dict[str, Tally]) -> None:
    """Add one text to the tallies."""
    for start, end, entity in item.spans:
        tally, allowed = tallies[entity], {entity} | ALSO.get(entity, set())
        touching = [span for span in spans if span[0] < end and start < span[1]]
        same = [span for span in touching if span[2] in allowed]
        tally.gold += 1
        tally.hit += bool(same)
        tally.strict += any(span[:2] == (start, end) for span in same)
        tally.any_label += bool(touching)
        tally.chars += end - start
        tally.chars_hit += len({place for span in same for place in range(max(start, span[0]), min(end, span[1]))})
    for start, end, entity in spans:
        labels = {entity} | ALSO.get(entity, set())
        tally = tallies[entity]
        tally.found += 1
        tally.right += any(s < end and start < e and label in labels for s, e, label in (*item.spans, *item.optional))


def score(entity: str, tally: Tally) -> Score:
    recall, precision = share(tally.hit, tally.gold), share(tally.right, tally.found)
    return Score(
        entity=entity,
        gold=tally.gold,
        found=tally.found,
        recall=recall,
        recall_interval=wilson(tally.hit, tally.gold),
        precision=precision,
        precision_interval=wilson(tally.right, tally.found),
        strict_recall=share(tally.strict, tally.gold),
        any_label_recall=share(tally.any_label, tally.gold),
        char_recall=share(tally.chars_hit, tally.chars),
        f1=f_beta(precision, recall, 1),
        f2=f_beta(precision, recall, 2),
    )


def share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def f_beta(precision: float, recall: float, beta: float) -> float:
    """F measure; beta 2 weighs a leak heavier than a false alarm."""
    below = beta * beta * precision + recall
    return round((1 + beta * beta) * precision * recall / below, 4) if below else 0.0


def wilson(part: int, whole: int, z: float = Z95) -> tuple[float, float]:
    """Two-sided interval of a proportion (Wilson 1927); (0, 1) where nothing was seen."""
    if not whole:
        return 0.0, 1.0
    p, below = part / whole, 1 + z * z / whole
    centre = (p + z * z / (2 * whole)) / below
    spread = z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole)) / below
    return round(max(0.0, centre - spread), 4), round(min(1.0, centre + spread), 4)


def read(file: Path) -> Iterator[Labelled]:
    """The labelled texts of one file."""
    if file.suffix == ".iob2":
        yield from _iob2(file)
    elif file.suffix == ".json":
        yield from _research(file)
    else:
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            try:
                yield _labelled(json.loads(line))
            except (ValueError, KeyError, TypeError):
                raise Invalid("pii.labelled_file", file=file.name, line=number) from None


def _labelled(row: Mapping[str, Any]) -> Labelled:
    spans, optional = ([_span(span) for span in row.get(name, ())] for name in ("spans", "optional"))
    return Labelled(str(row["text"]), tuple(spans), tuple(optional))


def _span(span: Sequence[Any]) -> Span:
    start, end, entity = span
    return int(start), int(end), SAME.get(str(entity), str(entity))


def _research(file: Path) -> Iterator[Labelled]:
    """The synthetic set of presidio-research."""
    try:
        rows = json.loads(file.read_text("utf-8"))
        for row in rows:
            spans = [
                (int(s["start_position"]), int(s["end_position"]), SAME.get(s["entity_type"], s["entity_type"]))
                for s in row["spans"]
            ]
            yield Labelled(row["full_text"], tuple(spans))
    except (ValueError, KeyError, TypeError):
        raise Invalid("pii.labelled_file", file=file.name, line=1) from None


def _iob2(file: Path) -> Iterator[Labelled]:
    """Sentences of `number, word, tag` lines; words are joined as Chinese is written."""
    words: list[tuple[str, str]] = []
    for line in (*file.read_text("utf-8").splitlines(), ""):
        if line.startswith("#"):
            continue
        if line.strip():
            parts = line.split("\t")
            words.append((parts[1], parts[2]))
        elif words:
            yield _joined(words)
            words = []


def _joined(words: Iterable[tuple[str, str]]) -> Labelled:
    text, spans = "", []
    for word, tag in words:
        start, text = len(text), text + word
        if tag.startswith("B-"):
            spans.append([start, len(text), tag[2:]])
        elif tag.startswith("I-") and spans:
            spans[-1][1] = len(text)
    return Labelled(text, tuple(_span(span) for span in spans))
