"""How fast and how well personal information is found: ours beside documented Presidio and data-juicer's operator, in one go.

    python benchmarks/pii.py [--environments FOLDER] [--texts FILE] [--labelled DATA] [--english FILE] [--rows 1000000]

Text: FILE (one document per line) or the official reports of recipes/samples; lines with personal information are mixed in to the stated share of characters.
Documented Presidio is `AnalyzerEngine` over a blank spaCy pipeline with the same recognizers. Every contender works in a process of its own: CPU seconds, the
best of three runs over documents of which no two are alike, and its peak memory. data-juicer has its own environment in FOLDER, made when it is not there
(without FOLDER: a throw-away one).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import corpus
import numpy as np
import polars as pl
import spacy
from peers.clock import peak
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from text import PEERS, environment

from corpushub.engine.anonymity.linkage import class_table, link
from corpushub.engine.anonymity.risk import risk
from corpushub.engine.pii.analyzer import LANGUAGE, THRESHOLD, build_engine, default_recognizers
from corpushub.engine.pii.detect import detect_batch, scanner
from corpushub.engine.pii.evaluate import Tally, compare, evaluate, read
from corpushub.engine.pii.policy import policy
from corpushub.engine.pii.pseudonyms import pseudonyms
from corpushub.engine.pii.scan import BatchAnalyzer, Finding
from corpushub.engine.pii.steps import UNKEYED, Scrub, scrubbed
from corpushub.engine.recognizers.shape import id_check
from corpushub.engine.run.nursery import nursery
from corpushub.engine.text.normalise import normalise

PERSONAL = "申请人身份证号{id}，联系电话1{p}，银行卡号62220212345{c}，邮箱user{n}@example.org，车牌京A{k}。\n"


HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "recipes" / "samples"


@cache
def law_lines() -> list[str]:
    """Lines of official texts: government reports and whatever laws the samples hold."""
    reports = (SAMPLES / "government_work_reports.jsonl").read_text("utf-8").splitlines()
    return [line + "\n" for report in reports for line in json.loads(report)["content"].split("\n") if line.strip()]


def personal(chance: random.Random) -> str:
    """A line with five numbers of one person."""
    body = f"110105{chance.randint(1950, 2005)}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}{chance.randint(0, 999):03d}"
    return PERSONAL.format(
        n=chance.randint(1, 99), k=chance.randint(10000, 99999), id=body + id_check(body), p=chance.randint(3_000_000_000, 9_999_999_999), c=chance.randint(10_000_000, 99_999_999),
    )  # fmt: skip


def document(chance: random.Random, chars: int, share: float) -> str:
    """Lines of official texts with a share of characters in lines of personal information."""
    out, size, told = [], 0, 0
    lines = law_lines()
    while size < chars:
        wanted = told < share * (size + 60)
        line = personal(chance) if wanted else chance.choice(lines)
        out.append(line)
        size += len(line)
        told += len(line) if wanted else 0
    return "".join(out)


def unrepeated(chars: int) -> list[str]:
    """Documents of about `chars` characters, 5 % of it personal, in which no line comes twice: nobody can read a sentence from memory."""
    chance, texts, text = random.Random(2), list[str](), ""
    for line in dict.fromkeys(law_lines()):
        text += line + (personal(chance) if chance.random() < 0.05 * len(line) / 80 else "")
        if len(text) >= chars:
            texts, text = [*texts, text], ""
    return texts


class BlankSpacy(SpacyNlpEngine):
    """spaCy without a model: tokens only, as Presidio documents for languages without one."""

    def load(self) -> None:
        self.nlp = {LANGUAGE: spacy.blank(LANGUAGE)}


def documented() -> AnalyzerEngine:
    engine = BlankSpacy(models=[{"lang_code": LANGUAGE, "model_name": "blank"}])
    engine.load()
    registry = RecognizerRegistry(recognizers=list(default_recognizers()), supported_languages=[LANGUAGE], global_regex_flags=0)
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[LANGUAGE], default_score_threshold=THRESHOLD)


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def throughput(texts: list[str], work: Callable[[list[str]], object]) -> float:
    """Megabytes of UTF-8 per second, the best of three runs."""
    return sum(len(text.encode()) for text in texts) / 1e6 / max(min(seconds(partial(work, texts)) for _ in range(3)), 1e-9)


def alone(work: Callable[..., Any], *given: object) -> Any:
    """The result of `work` in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


@dataclass
class Measured:
    """A contender by share of personal lines: megabytes per second, and findings of the first documents."""

    speed: dict[float, float] = field(default_factory=dict)
    found: dict[float, list[set[tuple[int, int, str, float]]]] = field(default_factory=dict)
    peak_mb: float = 0.0


def contender(who: str, sample: list[str]) -> Measured:
    """Documented Presidio, its engine without spaCy, or ours."""
    result = Measured()
    engine = documented() if who == "documented" else build_engine(tagger=False)
    fast = BatchAnalyzer(engine)
    for share in SHARES:
        chance = random.Random(round(share * 100))
        many = [*sample, *(document(chance, chance.randint(1500, 20000), share) for _ in range(MANY if who == "ours" else FEW))]
        few = many[:FEW]
        if who == "ours":
            fast.findings(few)
            result.found[share] = [{(f.start, f.end, f.entity, f.score) for f in row} for row in fast.findings(few)]
            result.speed[share] = throughput(many, fast.findings)
        else:
            told = [engine.analyze(text, LANGUAGE) for text in few]
            result.found[share] = [{(r.start, r.end, r.entity_type, r.score) for r in row} for row in told]
            result.speed[share] = throughput(few, partial(each, engine))
    result.peak_mb = peak() / 1024
    return result


def each(engine: AnalyzerEngine, texts: list[str]) -> None:
    for text in texts:
        engine.analyze(text, LANGUAGE)


def detection(sample: list[str]) -> None:
    doc, noop, ours = (alone(contender, who, sample) for who in ("documented", "no-op", "ours"))
    print(f"{'density':>8} {'documented':>11} {'no-op engine':>13} {'ours':>8} {'ratio':>7} {'identical':>10}   (MB/s)")
    for share in SHARES:
        equal = ours.found[share] == noop.found[share]
        numbers = f"{doc.speed[share]:11.2f} {noop.speed[share]:13.2f} {ours.speed[share]:8.1f}"
        print(f"{share:8.0%} {numbers} {ours.speed[share] / doc.speed[share]:6.0f}x {equal!s:>10}")
    print(f"{'peak MB':>8} {doc.peak_mb:11.0f} {noop.peak_mb:13.0f} {ours.peak_mb:8.0f}")
    print(f"one document of 550,000 characters: ours {alone(long_document):.2f} s")


def long_document() -> float:
    fast, text = BatchAnalyzer(build_engine(tagger=False)), document(random.Random(1), 550_000, 0.2)
    fast.findings([text[:2000]])
    return seconds(lambda: fast.findings([text]))


def scrub_step() -> tuple[float, float]:
    """The scrub step as a build carries it out, on the good rows of the corpus of `text.py`: megabytes per CPU second, share of rows touched."""
    frame = corpus.with_personal(corpus.generate(16_000, 20), 20).filter(~pl.col("kind").str.starts_with("junk"))
    frame = frame.with_columns(normalise(frame["text"]))
    given = {"columns": ("text",), "chosen": policy("training"), "params": Scrub(columns="text", names=False), "key": UNKEYED}
    mega = frame["text"].str.len_bytes().sum() / 1e6
    left = scrubbed(frame, **given)
    spent = min(seconds(lambda: scrubbed(frame, **given)) for _ in range(3))
    return mega / spent, float((left["text"] != frame["text"]).mean() or 0)


def ready(_: int) -> float:
    """Load Presidio, the tagger and the rules: CPU seconds."""
    return seconds(lambda: scanner().findings(["申请人：王小明，手机13912345678。"]))


def named(texts: list[str]) -> tuple[int, float, float]:
    """Characters, CPU seconds and peak MB."""
    return sum(map(len, texts)), seconds(lambda: scanner().findings(texts)), peak() / 1024


def names() -> None:
    """Names, addresses and patterns, in one worker of the build's own kind and in two at once."""
    texts = unrepeated(2000)
    chars, walls = sum(map(len, texts)), list[float]()
    for workers in (1, 2):
        with ProcessPoolExecutor(workers, mp_context=nursery()) as pool:
            loaded = max(pool.map(ready, range(workers)))
            started = time.perf_counter()
            told = list(pool.map(named, [texts[worker::workers] for worker in range(workers)]))
            walls.append(time.perf_counter() - started)
        spent, most = sum(one[1] for one in told), max(one[2] for one in told)
        print(
            f"names, {workers} process(es): {chars / spent:,.0f} characters per CPU second, {chars / walls[-1]:,.0f} per second of the clock, "
            f"{most:.0f} MB each, ready after {loaded:.1f} CPU s"
        )
    print(f"names: two processes take {walls[1] / walls[0]:.2f} of the time of one")
    again = scanner()
    again.findings(texts)
    print(f"names, read a second time: {chars / seconds(lambda: again.findings(texts)):,.0f} characters per CPU second")


def data_juicer(python: Path | None) -> None:
    """Speed of data-juicer's operator and the share of planted numbers that are gone, beside ours on the same texts."""
    if python is None:
        return
    texts = [document(random.Random(seed), 5000, 0.05) for seed in range(100)]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    command = [str(python), str(HERE / "peers" / "pii_redaction.py")]
    given = "\n".join(json.dumps(text, ensure_ascii=False) for text in texts)
    told = subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout
    theirs = json.loads(told.splitlines()[-1])
    found, spent, memory = alone(ours_on, texts)
    planted = [(text, match) for text in texts for match in _PLANTED.finditer(text)]
    ours = sum(
        any(item.start <= match.start(1) and match.end(1) <= item.end for item in row)
        for text, row in zip(texts, found, strict=True)
        for match in _PLANTED.finditer(text)
    )
    gone = sum(
        match[1] not in left for text, left in zip(texts, theirs["texts"], strict=True) for match in _PLANTED.finditer(text)
    )
    print(
        f"data-juicer pii_redaction_mapper: {megabytes / theirs['seconds']:.1f} MB/s, {gone / len(planted):.3f} of {len(planted)} numbers gone, {theirs['peak_mb']} MB"
    )
    print(f"ours on the same: {megabytes / spent:.1f} MB/s, {ours / len(planted):.3f} found, {memory:.0f} MB")


def ours_on(texts: list[str]) -> tuple[list[list[Finding]], float, float]:
    """Findings, CPU seconds, peak MB."""
    fast = BatchAnalyzer(build_engine(tagger=False))
    fast.findings(texts[:5])
    spent = seconds(lambda: fast.findings(texts))
    return fast.findings(texts), spent, peak() / 1024


PARTS = ("detection", "scrub", "names", "data-juicer", "tables")
SHARES, FEW, MANY = (0.0, 0.01, 0.05, 0.2), 10, 400
_PLANTED = re.compile(r"(?:身份证号|联系电话|银行卡号|邮箱|车牌)([^，。]+)")


def english(labelled: Path) -> None:
    """Presidio's own pattern recognizers for English beside ours, on labelled English text; recall and precision by overlap and label."""
    from presidio_analyzer import predefined_recognizers as own

    theirs = [getattr(own, f"{name}Recognizer")() for name in ("CreditCard", "Crypto", "Iban", "Ip", "Phone", "UsSsn", "UsItin")]
    items = list(read(labelled))
    found = [
        [
            (r.start, r.end, r.entity_type)
            for one in theirs
            for r in one.analyze(item.text, one.supported_entities, None) or ()
            if r.score >= 0.4
        ]
        for item in items
    ]
    for who, rows in (("Presidio", found), ("ours", detect_batch([item.text for item in items]))):
        tallies: dict[str, Tally] = defaultdict(Tally)
        for item, row in zip(items, rows, strict=True):
            compare(item, row, tallies)
        for entity in ("CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN"):
            t = tallies[entity]
            print(
                f"{who:9} {entity:14} recall {t.hit / max(1, t.gold):.3f} precision {t.right / max(1, t.found):.3f} of {t.gold}"
            )


def tables(rows: int) -> None:
    chance = np.random.default_rng(3)
    frame = pl.DataFrame(
        {
            "county": chance.integers(0, 300, rows), "sex": chance.integers(0, 2, rows), "born": chance.integers(1940, 2010, rows),
            "education": chance.integers(0, 8, rows), "nation": chance.integers(0, 56, rows), "illness": chance.integers(0, 40, rows),
            "income": chance.integers(0, 200, rows),
        }
    )  # fmt: skip
    quasi = ["county", "sex", "born", "education", "nation"]
    key = b"benchmark key, 32 bytes or more!"

    def report() -> None:
        risk(frame, quasi, ["illness", "income"])
        one = class_table(frame, quasi, key)
        link(one, class_table(frame.head(rows // 2), quasi, key))

    print(f"risk report of {rows:,} rows (k, l, t, uniques, linkage): {seconds(report):.1f} CPU s")
    column = pl.Series([f"1{number:010d}" for number in chance.integers(0, max(1, rows // 50), rows)])
    print(f"pseudonyms: {rows / seconds(lambda: pseudonyms(column, key, 'CN_MOBILE')):,.0f} rows/s at 2 % distinct")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--english", type=Path, help="labelled English text (the JSON of presidio-research)")
    parser.add_argument("--environments", type=Path, help="folder of the peers' environments, as for text.py")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--parts", default=",".join(PARTS))
    chosen = parser.parse_args()
    parts = chosen.parts.split(",")
    if "detection" in parts:
        detection(chosen.texts.read_text("utf-8").splitlines() if chosen.texts else [])
    if "scrub" in parts:
        speed, touched = alone(scrub_step)
        print(f"the scrub step, numbers only: {speed:.1f} MB/s, {touched:.1%} of the rows changed")
    if "names" in parts:
        names()
    if "data-juicer" in parts:
        with tempfile.TemporaryDirectory() as throw_away:
            data_juicer(environment(chosen.environments or Path(throw_away), "data-juicer", PEERS["data-juicer"][1]))
    if "tables" in parts:
        tables(chosen.rows)
    if chosen.english:
        english(chosen.english)
    if chosen.labelled:
        for one in evaluate(chosen.labelled):
            for score in one.scores:
                print(
                    f"{one.name:28} {score.entity:20} recall {score.recall:.3f} precision {score.precision:.3f} F1 {score.f1:.3f} of {score.gold}"
                )


if __name__ == "__main__":
    main()
