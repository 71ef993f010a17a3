"""Keyword screen for the 31 risk classes of TC260-003 appendix A over every row of released text.

The library is data (`rules/risks.toml`, or a city's own of the same form); detectors plug in as functions `texts -> set of classes
per text`. Counts only: no text leaves this module.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from corpushub.base.identity import digest_of
from corpushub.domain.build import BuiltFile
from corpushub.domain.measures import rounded
from corpushub.domain.places import KEY_CHARS, MOST, Place

CLASSES = (
    *(f"A1-{n}" for n in range(1, 9)), *(f"A2-{n}" for n in range(1, 10)), *(f"A3-{n}" for n in range(1, 6)),
    *(f"A4-{n}" for n in range(1, 8)), *(f"A5-{n}" for n in range(1, 3)),
)  # fmt: skip
BATCH_ROWS = 8192

Detector = Callable[[Sequence[str]], Sequence[frozenset[str]]]
"""Risk classes of each text; a classifier registered beside the keywords."""


@dataclass(frozen=True, slots=True)
class Library:
    """Phrases by class, with the day the library was last updated."""

    name: str
    version: str
    updated: date
    phrases: Mapping[str, tuple[str, ...]]
    blocked: tuple[str, ...] = ()
    seed: bool = False

    @property
    def size(self) -> int:
        return len({phrase for phrases in self.phrases.values() for phrase in phrases})

    @property
    def digest(self) -> str:
        """SHA-256 over all phrases: what was screened with can be told apart later."""
        return digest_of(
            [self.name, self.version, {name: list(words) for name, words in self.phrases.items()}, list(self.blocked)]
        )

    def about(self) -> dict[str, Any]:
        """What the safety report says of the library; phrases themselves are not told."""
        told = {"name": self.name, "version": self.version, "updated": self.updated.isoformat(), "seed": self.seed}
        return {**told, "phrases": self.size, "sha256": self.digest}

    def least(self, group: str) -> int:
        """The fewest phrases of a class whose id starts with `group`."""
        return min(len(self.phrases.get(name, ())) for name in CLASSES if name.startswith(group))


@cache
def library(path: str = "") -> Library:
    """The shipped seed, or the library in the file at `path`."""
    text = Path(path).read_text("utf-8") if path else files("corpushub.rules").joinpath("risks.toml").read_text("utf-8")
    document = tomllib.loads(text)
    about = document["library"]
    phrases = {name: tuple(document[name]["phrases"]) for name in CLASSES if name in document}
    blocked = tuple(document.get("blocked", {}).get("phrases", ()))
    return Library(
        about["name"], about["version"], date.fromisoformat(about["updated"]), phrases, blocked, bool(about.get("seed"))
    )


@dataclass(frozen=True, slots=True)
class Screen:
    """What a screen of all rows found, with the first rows that hold a risk and the first that hold what was ordered blocked."""

    rows: int
    hit_rows: int
    by_class: Mapping[str, int] = field(default_factory=dict)
    by_source: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # source -> rows, hit rows
    blocked: int = 0
    detectors: int = 0
    places: tuple[Place, ...] = ()
    blocked_places: tuple[Place, ...] = ()

    def measures(self, held: Library, day: date) -> dict[str, float]:
        shares = [hits / rows for rows, hits in self.by_source.values() if rows] or [
            self.hit_rows / self.rows if self.rows else 0.0
        ]
        return {
            "risk_scanned_share": 1.0,
            "risk_clean_share": rounded(1 - self.hit_rows / self.rows) if self.rows else 1.0,
            "risk_rows_max_share": rounded(max(shares)),
            "blocked_overlaps": self.blocked,
            "keyword_library": held.size,
            "keyword_min_a1": held.least("A1"),
            "keyword_min_a2": held.least("A2"),
            "keyword_age": max(0, (day - held.updated).days),
            "detector_classes": self.detectors,
        }


def screen_files(
    folder: Path,
    built: Iterable[BuiltFile],
    columns: Sequence[str],
    held: Library | None = None,
    detectors: Sequence[Detector] = (),
    key: str = "",
) -> Screen:
    """Read the text columns of every row once; a row counts once however many phrases it holds. `key` names the rows that are pointed at."""
    held = held or library()
    owner = {phrase: name for name, phrases in held.phrases.items() for phrase in phrases}
    phrases, blocked = list(owner), list(held.blocked)
    rows = hits = overlaps = 0
    places: list[Place] = []
    forbidden: list[Place] = []
    begins: Counter[tuple[str, str]] = Counter()
    by_class: dict[str, int] = {}
    by_source: dict[str, tuple[int, int]] = {}
    for file in built:
        parquet = pq.ParquetFile(folder / file.path)
        names = [name for name in columns if name in parquet.schema_arrow.names]
        source = ["source_id"] if "source_id" in parquet.schema_arrow.names else []
        keys = [key] if key in parquet.schema_arrow.names else []
        where = (file.config, file.split)
        for batch in parquet.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys([*names, *source, *keys]))):
            frame = pl.DataFrame(pl.from_arrow(batch))
            here = Pointer(*where, begins[where], frame[key].cast(pl.String) if keys else None)
            found = classes_of(frame, names, phrases, owner, detectors)
            marked = [bool(classes) for classes in found]
            rows, hits = rows + len(marked), hits + sum(marked)
            for name in (name for classes in found for name in classes):
                by_class[name] = by_class.get(name, 0) + 1
            for label, hit in zip(frame["source_id"].to_list() if source else [""] * len(marked), marked, strict=True):
                seen, bad = by_source.get(str(label), (0, 0))
                by_source[str(label)] = (seen + 1, bad + hit)
            places += [here.at(row, found[row]) for row, hit in enumerate(marked) if hit][: MOST - len(places)]
            if blocked:
                held_back = frame.select(pl.any_horizontal(pl.col(names).str.contains_any(blocked)))[:, 0].arg_true()
                overlaps += len(held_back)
                forbidden += [here.at(row, ("blocked",)) for row in held_back[: MOST - len(forbidden)]]
            begins[where] += frame.height
    covered = len({name for name, words in held.phrases.items() if words})
    ordered = {name: by_class[name] for name in CLASSES if name in by_class}
    return Screen(rows, hits, ordered, dict(sorted(by_source.items())), overlaps, covered, tuple(places), tuple(forbidden))


@dataclass(frozen=True, slots=True)
class Pointer:
    """Points at rows of one batch, which begins at row `begins` of its split."""

    config: str
    split: str
    begins: int
    keys: pl.Series | None

    def at(self, row: int, found: Iterable[str]) -> Place:
        key = (self.keys[row] or "")[:KEY_CHARS] if self.keys is not None else ""
        return Place(self.config, self.split, self.begins + row, key, "", dict.fromkeys(sorted(found), 1))


def classes_of(
    frame: pl.DataFrame, names: Sequence[str], phrases: Sequence[str], owner: Mapping[str, str], detectors: Sequence[Detector]
) -> list[frozenset[str]]:
    """Risk classes of each row. Rows are told apart by one Aho-Corasick pass; only those that hit are looked at again."""
    found: list[set[str]] = [set() for _ in range(frame.height)]
    for name in names:
        column = frame[name].fill_null("")
        hit = column.str.contains_any(list(phrases)) if phrases else pl.Series([False] * frame.height)
        for row in hit.arg_true().to_list():
            text = column[row]
            found[row] |= {owner[phrase] for phrase in phrases if phrase in text}
        for detector in detectors:
            for row, classes in enumerate(detector(column.to_list())):
                found[row] |= classes
    return [frozenset(classes) for classes in found]
