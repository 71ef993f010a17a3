"""How fast and how well personal information is found: ours beside documented Presidio and data-juicer's operator, in one go.

    python benchmarks/pii.py [--texts FILE] [--labelled DATA] [--english FILE] [--data-juicer PYTHON] [--rows 1000000]

Text: FILE (one document per line) or the official reports of recipes/samples; lines with personal information are mixed in to the stated share of characters.
Documented Presidio is `AnalyzerEngine` over a blank spaCy pipeline with the same recognizers; data-juicer runs in its own interpreter.
Times are CPU seconds of one process.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine

from corpushub.engine.anonymity.linkage import class_table, link
from corpushub.engine.anonymity.risk import risk
from corpushub.engine.pii.analyzer import LANGUAGE, THRESHOLD, build_engine, default_recognizers
from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.pii.evaluate import Tally, compare, evaluate, read
from corpushub.engine.pii.pseudonyms import pseudonyms
from corpushub.engine.pii.scan import BatchAnalyzer
from corpushub.engine.recognizers.shape import id_check

PERSONAL = "申请人身份证号{id}，联系电话1{p}，银行卡号62220212345{c}，邮箱user{n}@example.org，车牌京A{k}。\n"


HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "recipes" / "samples"


@cache
def law_lines() -> list[str]:
    """Lines of official texts: government reports and whatever laws the samples hold."""
    reports = (SAMPLES / "government_work_reports.jsonl").read_text("utf-8").splitlines()
    return [line + "\n" for report in reports for line in json.loads(report)["content"].split("\n") if line.strip()]


def document(chance: random.Random, chars: int, share: float) -> str:
    """Lines of official texts with a share of characters in lines of personal information."""
    out, size, personal = [], 0, 0
    lines = law_lines()
    while size < chars:
        wanted = personal < share * (size + 60)
        body = f"110105{chance.randint(1950, 2005)}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}{chance.randint(0, 999):03d}"
        line = chance.choice(lines) if not wanted else PERSONAL.format(
            n=chance.randint(1, 99), k=chance.randint(10000, 99999), id=body + id_check(body), p=chance.randint(3_000_000_000, 9_999_999_999), c=chance.randint(10_000_000, 99_999_999),
        )  # fmt: skip
        out.append(line)
        size += len(line)
        personal += len(line) if wanted else 0
    return "".join(out)


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
    """Megabytes of UTF-8 per second."""
    return sum(len(text.encode()) for text in texts) / 1e6 / max(seconds(lambda: work(texts)), 1e-9)


def detection(sample: list[str] | None) -> None:
    chance = random.Random(1)
    slow, same = documented(), build_engine(tagger=False)
    fast = BatchAnalyzer(same)
    print(f"{'density':>8} {'documented':>11} {'no-op engine':>13} {'ours':>8} {'ratio':>7} {'identical':>10}   (MB/s)")
    for share in (0.0, 0.01, 0.05, 0.2):
        many = [*(sample or []), *(document(chance, chance.randint(1500, 20000), share) for _ in range(400))]
        few = many[:10]
        fast.findings(few)
        ours = throughput(many * 4, fast.findings)
        doc = throughput(few, lambda texts: [slow.analyze(text, LANGUAGE) for text in texts])
        noop = throughput(few, lambda texts: [same.analyze(text, LANGUAGE) for text in texts])
        expected = [{(r.start, r.end, r.entity_type, r.score) for r in same.analyze(text, LANGUAGE)} for text in few]
        equal = expected == [{(f.start, f.end, f.entity, f.score) for f in row} for row in fast.findings(few)]
        print(f"{share:8.0%} {doc:11.2f} {noop:13.2f} {ours:8.1f} {ours / doc:6.0f}x {equal!s:>10}")
    long = document(chance, 550_000, 0.2)
    print(f"one document of {len(long):,} characters: ours {seconds(lambda: fast.findings([long])):.2f} s")


def names() -> None:
    from corpushub.engine.pii.scan import BatchAnalyzer as Batch

    chance = random.Random(2)
    texts = [document(chance, 2000, 0.05) for _ in range(60)]
    whole = Batch(build_engine())
    whole.findings(texts[:2])
    chars = sum(map(len, texts))
    print(f"names and addresses: {chars / seconds(lambda: whole.findings(texts)):,.0f} characters per CPU second")


def data_juicer(python: Path | None) -> None:
    """Speed of data-juicer's operator and the share of planted numbers that are gone, beside ours on the same texts."""
    if python is None:
        print("data-juicer: give its interpreter with --data-juicer (pip install py-data-juicer into an environment of its own)")
        return
    texts = [document(random.Random(seed), 5000, 0.05) for seed in range(100)]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    command = [str(python), str(HERE / "peers" / "pii_redaction.py")]
    given = "\n".join(json.dumps(text, ensure_ascii=False) for text in texts)
    told = subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout
    theirs = json.loads(told.splitlines()[-1])
    fast = BatchAnalyzer(build_engine(tagger=False))
    fast.findings(texts[:5])
    spent = seconds(lambda: fast.findings(texts))
    found = fast.findings(texts)
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
        f"data-juicer pii_redaction_mapper: {megabytes / theirs['seconds']:.1f} MB/s, {gone / len(planted):.3f} of {len(planted)} numbers gone"
    )
    print(f"ours on the same: {megabytes / spent:.1f} MB/s, {ours / len(planted):.3f} found")


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
    parser.add_argument("--data-juicer", type=Path, help="a Python with data-juicer")
    parser.add_argument("--rows", type=int, default=1_000_000)
    chosen = parser.parse_args()
    sample = chosen.texts.read_text("utf-8").splitlines() if chosen.texts else None
    detection(sample)
    names()
    data_juicer(chosen.data_juicer)
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
