"""Re-identification risk of a table: what somebody who knows the quasi-identifiers of a person could find out. Null counts as a value.

Measures: k-anonymity and class sizes (prosecutor, marketer risk), distinct and entropy l-diversity, t-closeness (equal distance for
categories, ordered distance for numbers), minimal uniques, population risk, and the grade of GB/T 42460-2023.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from corpushub.base.errors import Invalid

THRESHOLD = 0.05  # GB/T 42460-2023: usual acceptable risk, one in twenty


@dataclass(frozen=True, slots=True)
class Sensitive:
    """How well a class hides one sensitive attribute."""

    column: str
    l_distinct: int
    l_entropy: float
    t: float


@dataclass(frozen=True, slots=True)
class Risk:
    """One report. Shares are of rows; `population` is the chance that a sample unique is a population unique (DIS), if a rate was given."""

    rows: int
    classes: int
    k: int
    uniques: int
    below_k: Mapping[int, int]
    over_threshold: float
    prosecutor_max: float
    prosecutor_mean: float
    sensitive: tuple[Sensitive, ...] = ()
    minimal_uniques: Mapping[str, int] = field(default_factory=dict)
    population: float | None = None
    grade: int = 0

    def measures(self) -> dict[str, float]:
        """Numbers for gates."""
        found: dict[str, float] = {
            "k_anonymity": self.k,
            "reidentification_max": self.prosecutor_max,
            "unique_ratio": self.uniques / max(1, self.rows),
        }
        if self.sensitive:
            found["l_diversity"] = min(item.l_distinct for item in self.sensitive)
            found["t_closeness"] = max(item.t for item in self.sensitive)
        return found


def risk(
    frame: pl.DataFrame,
    quasi: Sequence[str],
    sensitive: Sequence[str] = (),
    *,
    sampling: float | None = None,
    direct: bool = False,
) -> Risk:
    """The report of a table. `sampling`: share of the population in it; `direct`: direct identifiers are still there.

    Three groupings and one per sensitive column. Raises: Invalid("anonymity.no_columns" | "anonymity.no_such_column").
    """
    check_columns(frame, quasi, sensitive)
    keys = class_keys(frame, quasi)
    sizes_of_rows, sizes = class_sizes(keys)
    rows, smallest = frame.height, int(sizes.min()) if len(sizes) else 0
    uniques = int((sizes == 1).sum())
    over = float((sizes_of_rows < 1 / THRESHOLD).sum() / rows) if rows else 0.0
    return Risk(
        rows=rows,
        classes=len(sizes),
        k=smallest,
        uniques=uniques,
        below_k={k: int((sizes_of_rows < k).sum()) for k in (2, 3, 5, 10, 20)},
        over_threshold=over,
        prosecutor_max=1 / smallest if smallest else 0.0,
        prosecutor_mean=len(sizes) / rows if rows else 0.0,
        sensitive=tuple(diversity(frame, keys, column) for column in sensitive),
        minimal_uniques=minimal_uniques(frame, quasi),
        population=population_risk(sizes, sampling) if sampling else None,
        grade=grade(smallest, over, direct=direct),
    )


def check_columns(frame: pl.DataFrame, quasi: Sequence[str], sensitive: Sequence[str]) -> None:
    if not quasi:
        raise Invalid("anonymity.no_columns")
    for column in (*quasi, *sensitive):
        if column not in frame.columns:
            raise Invalid("anonymity.no_such_column", column=column, known=", ".join(frame.columns))


def codes(column: pl.Series) -> NDArray[np.int64]:
    """0.. for each row, equal for equal values; null is a value too."""
    if column.dtype == pl.String:
        physical = column.cast(pl.Categorical).to_physical()
    elif column.dtype.is_integer() or column.dtype in {pl.Date, pl.Datetime, pl.Boolean}:
        physical = column.to_physical() if column.dtype != pl.Boolean else column.cast(pl.UInt8)
    else:
        physical = column.rank("dense")
    number = pl.first().cast(pl.Int64)
    return compact(physical.to_frame().select((number - number.min()).fill_null(-1) + 1).to_series().to_numpy())


def compact(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber sparse codes."""
    if not len(numbers) or numbers.max() < max(1 << 16, 4 * len(numbers)):
        return numbers
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def class_keys(frame: pl.DataFrame, columns: Sequence[str]) -> NDArray[np.int64]:
    """The class of each row: rows with equal quasi-identifiers have equal keys, small where they can be."""
    keys = np.zeros(frame.height, dtype=np.int64)
    span = 1
    for column in columns:
        part = codes(frame[column])
        width = int(part.max()) + 1 if len(part) else 1
        if span * width > 1 << 62:
            keys = np.unique(keys, return_inverse=True)[1].astype(np.int64)
            span = int(keys.max()) + 1
        keys, span = keys * width + part, span * width
    return keys


def class_sizes(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Size of the class of each row, and size of each class."""
    series = pl.DataFrame({"key": keys})
    counted = series.group_by("key").len()
    joined = series.join(counted, on="key", how="left", maintain_order="left")
    return joined["len"].to_numpy().astype(np.int64), counted["len"].to_numpy().astype(np.int64)


def diversity(frame: pl.DataFrame, keys: NDArray[np.int64], column: str) -> Sensitive:
    """l-diversity and t-closeness of one sensitive column over classes."""
    numeric = frame[column].dtype.is_numeric()
    value = frame[column].rank("dense").fill_null(0).cast(pl.Int64) if numeric else pl.Series(codes(frame[column]))
    pairs = pl.DataFrame({"key": keys, "value": value}).group_by("key", "value").len()
    share = pl.col("len") / pl.col("len").sum().over("key")
    entropy = pairs.with_columns(part=-share * share.log()).group_by("key").agg(pl.col("part").sum(), distinct=pl.len())
    if not pairs.height:
        return Sensitive(column, 0, 0.0, 0.0)
    t = ordered_distance(pairs) if numeric else equal_distance(pairs)
    distinct, least = entropy.select(pl.min("distinct", "part")).row(0)
    return Sensitive(column, distinct, math.exp(least), t)


def equal_distance(pairs: pl.DataFrame) -> float:
    """Largest variational distance of a class from the table (Li, Li, Venkatasubramanian 2007, equal ground distance)."""
    overall = pairs.group_by("value").agg(q=pl.col("len").sum() / pairs["len"].sum())
    gap = (pl.col("len") / pl.col("len").sum().over("key") - pl.col("q")).clip(lower_bound=0)
    gaps = pairs.join(overall, on="value").with_columns(gap=gap).group_by("key").agg(pl.col("gap").sum())
    return float(gaps.select(pl.max("gap")).item())


def ordered_distance(pairs: pl.DataFrame) -> float:
    """Largest earth mover's distance over ordered values, each step 1/(m-1).

    A class is flat between two of its values, so the sum of |P - Q| over a gap follows from prefix sums of Q: no class is ever spread out.
    """
    frame = pairs.sort("key", "value")
    key, value, count = (frame[name].to_numpy() for name in ("key", "value", "len"))
    distinct, place = np.unique(value, return_inverse=True)
    width = len(distinct)
    if width < 2:
        return 0.0
    q = np.cumsum(np.bincount(place, weights=count, minlength=width)) / count.sum()
    below = np.concatenate(([0.0], np.cumsum(q)))  # sum of Q over the first i values
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    class_of = np.cumsum(np.concatenate(([True], key[1:] != key[:-1]))) - 1
    total = np.add.reduceat(count, starts)
    running = np.cumsum(count)
    before = np.concatenate(([0], running[starts[1:] - 1]))
    p = (running - before[class_of]) / total[class_of]
    ends = np.append(place[1:], width - 1)
    ends[np.append(starts[1:] - 1, len(key) - 1)] = width - 1
    gap = spread(p, place, ends, q, below)
    lead = below[place[starts]]  # before a class's first value P is 0
    return float(((np.add.reduceat(gap, starts) + lead) / (width - 1)).max())


def spread(
    p: NDArray[np.float64], begin: NDArray[np.int64], end: NDArray[np.int64], q: NDArray[np.float64], below: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum of |p - q[j]| for begin <= j < end, for each row; q rises."""
    turn = np.clip(np.searchsorted(q, p, side="right"), begin, end)
    under = p * (turn - begin) - (below[turn] - below[begin])
    over = (below[end] - below[turn]) - p * (end - turn)
    return np.asarray(under + over)


def minimal_uniques(frame: pl.DataFrame, quasi: Sequence[str], most: int = 2) -> dict[str, int]:
    """Rows that one column, or two of which neither does alone, make unique (special uniques of order 1 and 2)."""
    rows = frame.height
    coded = {column: codes(frame[column]) for column in quasi}
    alone = {column: single(coded[column]) for column in quasi}
    found = {column: int(mask.sum()) for column, mask in alone.items()}
    for one, other in combinations(quasi, 2) if most >= 2 else ():
        pair = coded[one] * (int(coded[other].max()) + 1 if rows else 1) + coded[other]
        found[f"{one} + {other}"] = int((single(compact(pair)) & ~alone[one] & ~alone[other]).sum())
    return {name: count for name, count in found.items() if count}


def single(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows whose key occurs once."""
    if not len(keys):
        return np.zeros(0, dtype=bool)
    if keys.max() < 1 << 26:
        return np.asarray(np.bincount(keys)[keys] == 1)
    return np.asarray(class_sizes(keys)[0] == 1)


def population_risk(sizes: NDArray[np.int64], sampling: float) -> float:
    """Data intrusion simulation (Elliot 2000): chance that a match with a sample unique is right, from uniques and pairs.

    Raises: Invalid("anonymity.sampling").
    """
    if not 0 < sampling <= 1:
        raise Invalid("anonymity.sampling", value=sampling)
    uniques, pairs = int((sizes == 1).sum()), int((sizes == 2).sum())
    weight = sampling * uniques
    return weight / (weight + 2 * (1 - sampling) * pairs) if weight else 0.0


def grade(smallest: int, over_threshold: float, *, direct: bool = False, aggregate: bool = False) -> int:
    """Grade of GB/T 42460-2023: 1 direct identifiers, 2 risk above the threshold, 3 below, 4 aggregates only."""
    if direct:
        return 1
    if aggregate:
        return 4
    return 3 if smallest and not over_threshold else 2
