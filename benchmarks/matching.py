"""How well and how fast demands find entries.

    python benchmarks/matching.py                              # own set, and speed at 100,000 entries
    python benchmarks/matching.py --entries 1000000
    python benchmarks/matching.py --datafinder FOLDER          # documents.jsonl, test_data.jsonl, test_dataset_collection.qrels of
                                                               # github.com/viswavi/datafinder (Apache-2.0)

Targets: nDCG@10 >= .90 on the own set and above BM25 on datafinder, no constraint violated in any top ten, p95 < 50 ms at 100,000
entries and < 250 ms at a million, >= 150 demands a second, a new entry visible < 1 s. The baseline is BM25 (k1 0.9, b 0.4) over one field
with words and pairs of Chinese characters, in the same process.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import platform
import random
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np

from corpushub.engine.matching.demand import Demand, parse_demand
from corpushub.engine.matching.entries import Entry, Table, masks
from corpushub.engine.matching.rules import Thesaurus
from corpushub.engine.matching.search import Matcher
from corpushub.engine.matching.tantivy_search import Tantivy
from corpushub.engine.matching.text import fold, grams, is_single

HERE = Path(__file__).parent / "matching"
TODAY = date(2026, 11, 22)
Judgments = Mapping[str, Mapping[str, int]]
Ranking = Callable[[str], Sequence[str]]


class Baseline:
    """Plain BM25."""

    def __init__(self, ids: Sequence[str], texts: Sequence[str]) -> None:
        self.ids = list(ids)
        found = grams(fold(texts))
        keep = ~is_single(found.key)
        pairs = np.stack((found.key[keep], found.text[keep]))
        (key, doc), self.counts = np.unique(pairs, axis=1, return_counts=True)
        self.doc = doc
        self.vocabulary, starts = np.unique(key, return_index=True)
        self.starts = np.append(starts, len(key))
        length = np.bincount(found.text[keep], minlength=len(self.ids))
        self.norm = 0.9 * (0.6 + 0.4 * length / max(1e-9, length.mean()))

    def rank(self, text: str) -> list[str]:
        found = grams(fold([text]))
        scores = np.zeros(len(self.ids))
        for key in found.key[~is_single(found.key)]:
            place = int(np.searchsorted(self.vocabulary, key))
            if place < len(self.vocabulary) and self.vocabulary[place] == key:
                span = slice(self.starts[place], self.starts[place + 1])
                docs, counts = self.doc[span], self.counts[span]
                scores[docs] += (
                    math.log1p((len(self.ids) - len(docs) + 0.5) / (len(docs) + 0.5)) * counts * 1.9 / (counts + self.norm[docs])
                )
        return [self.ids[row] for row in np.argsort(-scores, kind="stable")[:100] if scores[row] > 0]


def gain(grades: Sequence[int]) -> float:
    return float(sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades)))


def measure(rank: Ranking, demands: Mapping[str, str], judged: Judgments) -> dict[str, float]:
    """Means of nDCG@10, reciprocal rank of the first grade >= 2 (or 1 where judgments are binary), recall@50."""
    sums = {"nDCG@10": 0.0, "MRR": 0.0, "Recall@50": 0.0}
    for name, text in demands.items():
        grades = judged[name]
        good = 2 if max(grades.values()) > 1 else 1
        found = rank(text)
        ideal = gain(sorted(grades.values(), reverse=True)[:10])
        sums["nDCG@10"] += gain([grades.get(entry, 0) for entry in found[:10]]) / ideal
        first = next((place for place, entry in enumerate(found, start=1) if grades.get(entry, 0) >= good), 0)
        sums["MRR"] += 1 / first if first else 0.0
        relevant = {entry for entry, grade in grades.items() if grade > 0}
        sums["Recall@50"] += len(relevant & set(found[:50])) / len(relevant)
    return {name: total / len(demands) for name, total in sums.items()}


def own_entries() -> list[Entry]:
    with (HERE / "entries.tsv").open(encoding="utf-8") as stream:
        return [an_entry(row) for row in csv.DictReader(stream, delimiter="\t")]


def an_entry(row: Mapping[str, str]) -> Entry:
    months = (int(row["from"]) * 12, int(row["to"]) * 12 + 11)
    items = tuple(row["items"].split("、"))
    return Entry(
        row["id"], row["title"], items, row["summary"], domain=row["domain"], region=row["region"], granularity=row["granularity"],
        frequency=row["frequency"], months=months,
    )  # fmt: skip


def judgments(path: Path) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = {}
    for line in path.read_text("utf-8").splitlines():
        name, _, entry, grade = line.split()
        if grade.isdigit():
            judged.setdefault(name, {})[entry] = int(grade)
    return judged


def show(label: str, values: Mapping[str, float]) -> None:
    print(f"{label:<42}" + "  ".join(f"{name} {value:.3f}" for name, value in values.items()))


def groups(rows: Sequence[Mapping[str, str]]) -> dict[str, list[Mapping[str, str]]]:
    """Demands by kind; those written last are parted by a hash of their name: rules may be changed with an eye on one half, never on the other."""
    parted: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        half = "" if row["kind"] != "fresh" else " (held out)" if sha256(row["id"].encode()).digest()[0] % 2 else " (seen)"
        parted.setdefault(row["kind"] + half, []).append(row)
    return {**parted, "all": list(rows)}


def agreement(first: Judgments, second: Judgments) -> tuple[float, float, float]:
    """Share of equal grades, Cohen's kappa, and kappa with squared weights, over what was judged twice."""
    pairs = [(first[name][entry], grade) for name, grades in second.items() for entry, grade in grades.items()]
    table = np.zeros((4, 4))
    for one, other in pairs:
        table[one, other] += 1 / len(pairs)
    chance = np.outer(table.sum(axis=1), table.sum(axis=0))
    far = np.subtract.outer(np.arange(4), np.arange(4)) ** 2
    same, luck = float(np.trace(table)), float(np.trace(chance))
    return same, (same - luck) / (1 - luck), 1 - float((table * far).sum() / (chance * far).sum())


def own_set() -> None:
    entries = own_entries()
    with (HERE / "demands.tsv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    judged = judgments(HERE / "qrels.txt")
    matcher = Matcher.of(entries)
    bare = Matcher.of(entries, thesaurus=Thesaurus.of([]))
    baseline = Baseline([e.id for e in entries], [" ".join((e.title, *e.items, e.summary)) for e in entries])
    print(f"own set: {len(entries)} entries, {len(rows)} demands, {sum(map(len, judged.values()))} judgments")
    for kind, held in groups(rows).items():
        demands = {row["id"]: row["text"] for row in held}
        show(f"  {kind}, {len(held)}: BM25", measure(baseline.rank, demands, judged))
        show(f"  {kind}: without thesaurus", measure(lambda text: ranked(bare, text), demands, judged))
        show(f"  {kind}: corpushub", measure(lambda text: ranked(matcher, text), demands, judged))
    second = judgments(HERE / "second.txt")
    same, kappa, weighted = agreement(judged, second)
    print(
        f"  judged twice: {sum(map(len, second.values()))}, equal {same:.2f}, kappa {kappa:.2f}, with squared weights {weighted:.2f}"
    )
    print(f"  constraint violations in a top ten: {sum(violations(matcher, parsed(row['text'])) for row in rows)}")


def parsed(text: str) -> Demand:
    return parse_demand(text, today=TODAY)


def ranked(matcher: Matcher, text: str) -> list[str]:
    return [match.id for match in matcher.match(parsed(text), 50).matches]


def violations(matcher: Matcher, demand: Demand) -> int:
    """Matches of the first ten that fail a constraint, judged on a table of their own."""
    by_id = {entry.id: entry for entry in matcher.table.entries}
    found = [by_id[match.id] for match in matcher.match(demand).matches]
    return sum(int((~held).sum()) for held in masks(Table.of(found), demand).values()) if found else 0


def datafinder(folder: Path) -> None:
    rows = [json.loads(line) for line in (folder / "documents.jsonl").open(encoding="utf-8")]
    queries = [json.loads(line)["query"] for line in (folder / "test_data.jsonl").open(encoding="utf-8")]
    judged = judgments(folder / "test_dataset_collection.qrels")
    demands = {text.replace(" ", "_"): text for text in queries if text.replace(" ", "_") in judged}
    ids = [row["id"].replace(" ", "_") for row in rows]
    entries = [
        Entry(name, " ".join([row["id"], *row["variants"]]), (), row["contents"]) for name, row in zip(ids, rows, strict=True)
    ]
    baseline = Baseline(ids, [f"{row['id']} {row['contents']}" for row in rows])
    matcher = Matcher.of(entries)
    print(f"datafinder: {len(entries)} datasets, {len(demands)} needs, {sum(len(judged[name]) for name in demands)} judgments")
    show("  BM25", measure(baseline.rank, demands, judged))
    show("  corpushub", measure(lambda text: ranked(matcher, text), demands, judged))


def synthetic(count: int, seed: int = 7) -> list[Entry]:
    """Entries made by crossing the own ones, each in some region and period."""
    own, rng = own_entries(), random.Random(seed)
    regions = ["110000", *(f"1101{number:02d}" for number in range(1, 20)), "310000", "120000", "440300"]
    titles = [(own[rng.randrange(len(own))], own[rng.randrange(len(own))]) for _ in range(count)]
    return [
        Entry(
            f"s{number}", f"{a.title}{'与' if number % 3 else ''}{b.title if number % 3 else ''}", (*a.items, *b.items[:2]),
            f"{b.summary}{number % 997}", domain=a.domain, region=rng.choice(regions), granularity=a.granularity, frequency=b.frequency,
            months=(2000 * 12 + rng.randrange(200), 2020 * 12 + rng.randrange(80)), rank=rng.choice((1, 2, 3, 4)),
        )
        for number, (a, b) in enumerate(titles)
    ]  # fmt: skip


def speed(count: int) -> None:
    entries = synthetic(count)
    started = time.perf_counter()
    matcher = Matcher.of(entries)
    built = time.perf_counter() - started
    with (HERE / "demands.tsv").open(encoding="utf-8") as stream:
        texts = [row["text"] for row in csv.DictReader(stream, delimiter="\t")]
    texts = [*texts, *(f"海淀区{text}" for text in texts), *(f"{text}，2022年以来" for text in texts)]
    wall, used = [], []
    broken = 0
    for text in texts:
        started, cpu = time.perf_counter(), time.process_time()
        matcher.match(parsed(text))
        wall.append((time.perf_counter() - started) * 1000)
        used.append((time.process_time() - cpu) * 1000)
    for text in texts[::7]:
        broken += violations(matcher, parsed(text))
    started = time.perf_counter()
    grown = matcher.with_entries([Entry("new", "月球基地氧气监测")])
    assert grown.match(parsed("月球基地氧气")).matches[0].id == "new"
    added = time.perf_counter() - started
    wall.sort(), used.sort()
    at = int(len(wall) * 0.95)
    print(
        f"speed: {count:,} entries, index built in {built:.1f} s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB at most"
    )
    print(f"  one demand      p50 {wall[len(wall) // 2]:.1f} ms, p95 {wall[at]:.1f} ms wall; p95 {used[at]:.1f} ms CPU")
    print(f"  demands         {1000 * len(used) / sum(used):.0f} a second and core")
    print(f"  new entry       found after {added * 1000:.0f} ms")
    print(f"  violations      {broken}")
    if count <= 200_000:
        picking(entries, [parsed(text) for text in texts[:70]], matcher)


def picking(entries: Sequence[Entry], demands: Sequence[Demand], matcher: Matcher) -> None:
    """The same candidates by tantivy, where it is installed."""
    try:
        started = time.perf_counter()
        other = Tantivy(entries)
    except ImportError:
        print("  tantivy         not installed")
        return
    built = time.perf_counter() - started
    allowed = np.ones(len(entries), np.bool_)
    used = []
    for demand in demands:
        started_cpu = time.process_time()
        other.pick(matcher.query(demand), demand, allowed, 200)
        used.append((time.process_time() - started_cpu) * 1000)
    used.sort()
    print(
        f"  tantivy         built in {built:.1f} s; candidates p50 {used[len(used) // 2]:.1f} ms, p95 {used[int(len(used) * 0.95)]:.1f} ms CPU"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--datafinder", type=Path)
    options = parser.parse_args()
    print(f"{platform.machine()} {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    own_set()
    if options.datafinder:
        datafinder(options.datafinder)
    if options.entries:
        speed(options.entries)


if __name__ == "__main__":
    main()
