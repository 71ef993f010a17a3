"""One-pass statistics of released Parquet files, for cards and the viewer.

Every figure is exact over all rows and the same for any batch size or thread count: counts and histograms of integers merge, floats
are rounded. Memory is bounded by one batch, `DISTINCT_CAP` values a column and the histogram bins.

A column's profile is plain JSON:
    count, nulls          rows, and rows without a value
    distinct              exact up to DISTINCT_CAP; absent where there are more
    top                   [{value, count}] most frequent first, only where distinct is known
    min, max, mean, std   of the value; of the number of characters or items for text and lists (`of` says which)
    median                exact for lengths, true flags and integers of a narrow range; within one bin of BINS otherwise
    histogram             {edges, counts}: ten bins
    years                 {year: rows} for dates
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpushub.domain.build import BuiltFile
from corpushub.domain.measures import rounded

DISTINCT_CAP = 2000
TOP = 20
BINS = 4096
BATCH_ROWS = 32_768
LENGTH_CAP = 1_000_000
EXAMPLE_CHARS = 300


@dataclass(frozen=True, slots=True)
class Profile:
    """Statistics of a release. `plain_bytes` is the uncompressed size per (config, split); `example` one row as text."""

    rows: int
    columns: Mapping[str, Mapping[str, Any]]
    plain_bytes: Mapping[tuple[str, str], int]
    example: Mapping[str, str]
    schema: tuple[tuple[str, str], ...]
    footers: Mapping[str, int] = field(default_factory=dict)  # path -> rows as the file itself says


def to_json(profile: Profile) -> dict[str, Any]:
    """The profile as JSON; `from_json` gives it back."""
    return {
        "rows": profile.rows, "columns": {name: dict(value) for name, value in profile.columns.items()},
        "plain_bytes": [[config, split, size] for (config, split), size in profile.plain_bytes.items()],
        "example": dict(profile.example), "schema": [list(pair) for pair in profile.schema], "footers": dict(profile.footers),
    }  # fmt: skip


def from_json(value: Mapping[str, Any]) -> Profile:
    plain = {(config, split): size for config, split, size in value["plain_bytes"]}
    schema = tuple((name, kind) for name, kind in value["schema"])
    return Profile(value["rows"], value["columns"], plain, value["example"], schema, value["footers"])


def profile_files(folder: Path, files: Iterable[BuiltFile], known: Mapping[str, Mapping[str, Any]] | None = None) -> Profile:
    """Read every row of `files` below `folder` once.

    What the build itself counted in a column of these rows (`known`) is not counted again, but for numbers: their bins and sums are those of the files.
    """
    files = tuple(files)
    rows = sum(file.rows for file in files)
    opened = [(file, pq.ParquetFile(folder / file.path)) for file in files]
    if not opened:
        return Profile(0, {}, {}, {}, ())
    schema = opened[0][1].schema_arrow
    counted = {
        name: stated for name, stated in (known or {}).items() if stated.get("count") == rows and stated.get("of") != "value"
    }
    columns = {name: accumulator(schema.field(name).type, *bounds(opened, name)) for name in schema.names if name not in counted}
    plain: dict[tuple[str, str], int] = {}
    example: dict[str, str] = {}
    for file, parquet in opened:
        key = (file.config or "default", file.split)
        groups = parquet.metadata
        plain[key] = plain.get(key, 0) + sum(groups.row_group(index).total_byte_size for index in range(groups.num_row_groups))
        if not example and groups.num_rows:
            first = next(parquet.iter_batches(batch_size=1))
            example = {name: shown(first.column(name)[0].as_py()) for name in schema.names}
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)) if columns else ():
            for name, column in columns.items():
                column.add(batch.column(name))
    found = {name: columns[name].result() if name in columns else counted[name] for name in schema.names}
    kinds = tuple((name, hub_type(schema.field(name).type)) for name in schema.names)
    return Profile(rows, found, plain, example, kinds, {file.path: parquet.metadata.num_rows for file, parquet in opened})


def bounds(opened: Iterable[tuple[BuiltFile, pq.ParquetFile]], name: str) -> tuple[Any, Any]:
    """Smallest and largest value by the files' own footers; (None, None) where a row group does not say."""
    lows, highs = [], []
    for _, parquet in opened:
        index = parquet.schema_arrow.get_field_index(name)
        for group in range(parquet.metadata.num_row_groups):
            if index < 0 or parquet.metadata.num_columns != len(parquet.schema_arrow.names):
                return None, None
            column = parquet.metadata.row_group(group).column(index)
            stated = column.statistics
            if stated is not None and stated.null_count == column.num_values:
                continue
            if stated is None or not stated.has_min_max:
                return None, None
            lows.append(stated.min)
            highs.append(stated.max)
    return (min(lows), max(highs)) if lows else (None, None)


def shown(value: Any) -> str:
    """A cell as the card prints it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "; ".join(shown(item) for item in value)[: EXAMPLE_CHARS + 1]
    words = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return words if len(words) <= EXAMPLE_CHARS else words[:EXAMPLE_CHARS] + "…"


def hub_type(kind: pa.DataType) -> str:
    """The Hugging Face feature type of an Arrow type."""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list<{hub_type(kind.value_type)}>"
    return {"double": "float64", "float": "float32", "date32[day]": "date32"}.get(str(kind), str(kind))


def accumulator(kind: pa.DataType, low: Any, high: Any) -> Column:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return Text()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return Lists()
    if pa.types.is_boolean(kind):
        return Column()
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return Dates()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return numbers_between(low, high)
    return Column()


@dataclass(slots=True)
class Column:
    """Counts and, while few, values. Subclasses add what their type allows."""

    count: int = 0
    nulls: int = 0
    values: dict[str, int] | None = field(default_factory=dict)

    def add(self, array: pa.Array) -> None:
        self.count += len(array)
        self.nulls += array.null_count
        if self.values is not None:
            self.tally(array)
        self.measure(array)

    def tally(self, array: pa.Array) -> None:
        assert self.values is not None
        # Mostly the first rows tell that a column has too many values; then the others need no counting.
        parts = [array.slice(0, 2 * DISTINCT_CAP), array.slice(2 * DISTINCT_CAP)]
        for part in parts:
            if self.values is not None and len(part):
                self.count_values(part)

    def count_values(self, array: pa.Array) -> None:
        assert self.values is not None
        try:
            found = pc.value_counts(array.drop_null())
        except pa.ArrowNotImplementedError:
            self.values = None
            return
        if len(found) > DISTINCT_CAP:
            self.values = None
            return
        for row in found.to_pylist():
            word = shown(row["values"])
            self.values[word] = self.values.get(word, 0) + row["counts"]
        if len(self.values) > DISTINCT_CAP:
            self.values = None

    def measure(self, array: pa.Array) -> None:
        """Nothing more to know of this type."""

    def merge(self, other: Any) -> None:
        """Add what a column of the same kind counted in other rows."""
        self.count += other.count
        self.nulls += other.nulls
        if self.values is None or other.values is None:
            self.values = None
            return
        for word, count in other.values.items():
            self.values[word] = self.values.get(word, 0) + count
        if len(self.values) > DISTINCT_CAP:
            self.values = None

    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = {"count": self.count, "nulls": self.nulls}
        if self.values is not None:
            found["distinct"] = len(self.values)
            found["top"] = [{"value": value, "count": count} for value, count in sorted(self.values.items(), key=frequent)[:TOP]]
        return found


def frequent(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def no_counts() -> Any:
    return np.zeros(0, dtype=np.int64)


@dataclass(slots=True)
class Text(Column):
    """Text: the lengths in characters, counted by length."""

    lengths: Any = field(default_factory=no_counts)
    of: str = "characters"

    def measure(self, array: pa.Array) -> None:
        self.lengths = merge_counts(self.lengths, pc.utf8_length(array))

    def merge(self, other: Any) -> None:
        Column.merge(self, other)
        self.lengths = added(self.lengths, other.lengths)

    def result(self) -> dict[str, Any]:
        return Column.result(self) | {"of": self.of} | of_counts(self.lengths)


@dataclass(slots=True)
class Lists(Text):
    of: str = "items"

    def tally(self, array: pa.Array) -> None:  # noqa: ARG002  lists have no single values
        self.values = None

    def measure(self, array: pa.Array) -> None:
        self.lengths = merge_counts(self.lengths, pc.list_value_length(array))


@dataclass(slots=True)
class Dates(Column):
    low: Any = None
    high: Any = None
    years: dict[int, int] = field(default_factory=dict)

    def measure(self, array: pa.Array) -> None:
        if array.null_count == len(array):
            return
        both = pc.min_max(array)
        low, high = both["min"].as_py(), both["max"].as_py()
        self.low = low if self.low is None or low < self.low else self.low
        self.high = high if self.high is None or high > self.high else self.high
        if not pa.types.is_time(array.type):
            for row in pc.value_counts(pc.year(array.drop_null())).to_pylist():
                self.years[row["values"]] = self.years.get(row["values"], 0) + row["counts"]

    def merge(self, other: Any) -> None:
        Column.merge(self, other)
        if other.low is not None:
            self.low = other.low if self.low is None else min(self.low, other.low)
            self.high = other.high if self.high is None else max(self.high, other.high)
        for year, count in other.years.items():
            self.years[year] = self.years.get(year, 0) + count

    def result(self) -> dict[str, Any]:
        found = Column.result(self)
        if self.low is not None:
            found |= {"min": self.low.isoformat(), "max": self.high.isoformat()}
        return found | {"years": {str(year): self.years[year] for year in sorted(self.years)}}


def numbers_between(low: Any, high: Any) -> Numbers:
    """Numbers whose bins span `low` to `high`; without finite bounds there are no bins."""
    usable = all(isinstance(bound, (int, float)) and math.isfinite(bound) for bound in (low, high))
    return Numbers(low=float(low), high=float(high), bins=np.zeros(BINS, dtype=np.int64)) if usable else Numbers()


@dataclass(slots=True)
class Numbers(Column):
    """Numbers: moments as sums, and BINS fine bins between the bounds the footers give."""

    low: float | None = None
    high: float | None = None
    total: float = 0.0
    squares: float = 0.0
    seen: int = 0
    bins: Any = None

    def measure(self, array: pa.Array) -> None:
        numbers = plain_numbers(array).astype(np.float64)
        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers):
            return
        self.seen += len(numbers)
        shift = self.low or 0.0
        self.total += float(np.sum(numbers - shift))
        self.squares += float(np.sum((numbers - shift) ** 2))
        if self.bins is not None and self.low is not None and self.high is not None and self.high > self.low:
            place = ((numbers - self.low) * (BINS / (self.high - self.low))).astype(np.int64)
            self.bins += np.bincount(np.clip(place, 0, BINS - 1), minlength=BINS)

    def merge(self, other: Any) -> None:
        """Both count between the same bounds."""
        Column.merge(self, other)
        self.total += other.total
        self.squares += other.squares
        self.seen += other.seen
        self.bins = self.bins if other.bins is None else self.bins + other.bins

    def result(self) -> dict[str, Any]:
        found = Column.result(self) | {"of": "value"}
        if not self.seen or self.low is None or self.high is None:
            return found
        mean = self.total / self.seen
        spread = math.sqrt(max(0.0, self.squares / self.seen - mean * mean))
        found |= {
            "min": rounded(self.low), "max": rounded(self.high), "mean": rounded(mean + self.low), "std": rounded(spread),
        }  # fmt: skip
        if self.bins is None or self.high == self.low:
            return found | {"median": rounded(self.low)}
        width = (self.high - self.low) / BINS
        middle = int(np.searchsorted(np.cumsum(self.bins), (self.seen + 1) // 2))
        found["median"] = rounded(self.low + width * (middle + 0.5), 4)
        counts = [int(part.sum()) for part in np.array_split(self.bins, 10)]
        edges = [rounded(self.low + (self.high - self.low) * index / 10) for index in range(11)]
        return found | {"histogram": {"edges": edges, "counts": counts}}


def merge_counts(total: Any, lengths: pa.Array) -> Any:
    """Add the counts of each length; lengths above LENGTH_CAP share the last place."""
    numbers = plain_numbers(lengths)
    if not len(numbers):
        return total
    return added(total, np.bincount(np.minimum(numbers, LENGTH_CAP)))


def plain_numbers(array: pa.Array) -> Any:
    """The values that are there; pyarrow's own `to_numpy` would load pandas, half a second for a small build."""
    return np.from_dlpack(array.drop_null()) if array.null_count < len(array) else np.zeros(0, np.int64)


def added(one: Any, two: Any) -> Any:
    """The sum of two counts by length."""
    short, long = sorted((one, two), key=len)
    total = long.astype(np.int64)
    total[: len(short)] += short
    return total


def of_counts(counts: Any) -> dict[str, Any]:
    """Statistics of lengths from how often each occurs."""
    seen = int(counts.sum())
    if not seen:
        return {}
    present = np.flatnonzero(counts)
    low, high = int(present[0]), int(present[-1])
    values = np.arange(len(counts), dtype=np.float64)
    mean = float(np.dot(values, counts)) / seen
    spread = math.sqrt(max(0.0, float(np.dot(values**2, counts)) / seen - mean * mean))
    median = int(np.searchsorted(np.cumsum(counts), (seen + 1) // 2))
    edges = np.linspace(low, high + 1, 11)
    bins = [int(counts[math.ceil(a) : math.ceil(b)].sum()) for a, b in itertools.pairwise(edges)]
    found = {"min": low, "max": high, "mean": rounded(mean), "std": rounded(spread), "median": median}
    return found | {"histogram": {"edges": [rounded(float(edge), 4) for edge in edges], "counts": bins}}
