"""Trains `corpushub/engine/recognizers/name_reader.npz`: `python tools/name_reader/train.py [--out FILE]`, about two CPU minutes, the same sentences each time.

Text: the laws, work reports and legal questions under `recipes/samples` (licences in their README), where names are put in the place of
roles, and sentences made of `sentences.txt`. Every name is drawn at random: common and rare surnames, given names of frequent, rare and ordinary
characters or words, compound surnames, parts of names of other peoples. No labelled set takes part.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
from corpushub.engine.recognizers.name_reader import ALONE, BEGIN, END, INSIDE, REACH, facts_of, name_characters
from corpushub.engine.recognizers.surnames import DOUBLE, SINGLE, WEAK, dictionary
from corpushub.engine.recognizers.tagger import tagger
from corpushub.engine.recognizers.tagging import folds, pieces

HERE = Path(__file__).parent
SAMPLES = HERE.parent.parent / "recipes" / "samples"
OPEN, CLOSE = "\x02", "\x03"  # around a name, until the labels are made
MADE = "\x04"  # in front of a generated sentence: it has no names but those put in
UNKNOWN = 255  # a character nobody can say of whether it belongs to a name
Floats = NDArray[np.float32]


def sections() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (HERE / "sentences.txt").read_text("utf-8").split("\n"):
        if line.startswith("[") and line.endswith("]"):
            items = found[line[1:-1]] = []
        elif line and not line.startswith("#"):
            items.append(line) if line_wise(found) else items.extend(line.split())
    return found


def line_wise(found: dict[str, list[str]]) -> bool:
    return list(found)[-1] in {"sentence", "clause", "foreign"}


class Names:
    """Names drawn at random."""

    def __init__(self, chance: random.Random, peoples: list[list[str]]) -> None:
        self.chance, self.peoples = chance, peoples
        first, given = name_characters()
        self.surnames = sorted(SINGLE)
        self.common = [char for char in sorted(first, key=lambda char: (-first[char], char)) if char in SINGLE][:120]
        self.given, self.weights = zip(*sorted(given.items()), strict=True)
        words = dictionary()
        self.any = sorted(
            {char for word in words if len(word) == 2 and words[word][1] > 20 for char in word if "一" <= char <= "龥"}
        )
        self.words = sorted(
            word for word, (tag, count) in words.items() if len(word) == 2 and tag[0] in "anvztil" and 20 < count < 20000
        )
        self.all = sorted(word for word, (tag, count) in words.items() if count > 8 and tag[0] in "anvdtilfbmrj" and tag != "ns")
        self.led = [word for word in self.all if word[0] in SINGLE]
        self.places = sorted(word for word, (tag, count) in words.items() if tag in {"ns", "nz", "nt"} and count > 3)
        self.likely = [word for word in self.words if word[0] in SINGLE]

    def surname(self) -> str:
        roll = self.chance.random()
        if roll < 0.4:
            return self.chance.choice(self.common)
        if roll < 0.9:
            return self.chance.choice(self.surnames)
        return self.chance.choice(sorted(DOUBLE)) if roll < 0.97 else self.chance.choice(sorted(WEAK))

    def rest(self) -> str:
        roll, two = self.chance.random(), self.chance.random() < 0.55
        if roll < 0.5:
            return "".join(self.chance.choices(self.given, self.weights, k=1 + two))
        if roll < 0.7:
            return "".join(self.chance.choices(self.given, k=1 + two))
        if roll < 0.85:
            return "".join(self.chance.choices(self.any, k=1 + two))
        return self.chance.choice(self.words)

    def foreign(self) -> str:
        parts = self.chance.choice(self.peoples)
        dot = self.chance.choice(["", "", "·"])
        return dot.join(self.chance.choices(parts, k=self.chance.choice([1, 2, 2, 2, 3] if len(parts) else [1])))

    def draw(self) -> str:
        roll = self.chance.random()
        if roll < 0.1:
            return self.foreign()
        if roll < 0.17:
            return self.chance.choice(self.likely)
        return self.surname() + self.chance.choice(self.common) * (roll > 0.985) + self.rest()


class Sentences:
    """Sentences made of building blocks."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.blocks = chance, sections()
        self.names = Names(chance, [line.split() for line in self.blocks["foreign"]])

    def name(self) -> str:
        return f"{OPEN}{self.names.draw()}{CLOSE}"

    def slot(self, match: re.Match[str]) -> str:
        kind, some = match[1], self.chance
        blocks = {"r": "role", "o": "org", "p": "place", "v": "verb", "o2": "object", "g": "generic", "T": "title", "t0": "title",
                  "case": "case", "k": "kin", "rel": "rel", "ill": "ill"}  # fmt: skip
        if kind in blocks:
            return some.choice(self.blocks[blocks[kind]])
        if kind == "n":
            return self.name()
        if kind == "N":
            return some.choice("、、、、， 　").join(self.name() for _ in range(some.randint(2, 6)))
        if kind == "w":
            return some.choice(self.names.led if some.random() < 0.4 else self.names.all)
        if kind == "l":
            return some.choice(self.names.places)
        if kind == "s":
            return f"{OPEN}{self.names.surname()}{CLOSE}"
        if kind == "sex":
            return some.choice("男女")
        if kind == "d":
            return some.choice(["{}年{}月{}日", "{}-{}-{}", "{}.{}.{}"]).format(
                some.randint(1950, 2025), some.randint(1, 12), some.randint(1, 28)
            )
        return str(
            some.randint(1, 90) if kind == "age" else some.choice([some.randint(100, 99999), some.randint(10**10, 2 * 10**10)])
        )

    def make(self) -> str:
        shape = self.chance.choice(self.blocks["sentence" if self.chance.random() < 0.75 else "clause"])
        return re.sub(r"\{(\w+)\}", self.slot, shape)


def real() -> tuple[list[str], list[str]]:
    """Sentences of laws and reports as they are, and questions of citizens."""
    official: dict[str, None] = {}
    with tarfile.open(SAMPLES / "laws.tar.xz") as laws:
        for member in sorted(laws.getmembers(), key=lambda item: item.name):
            if member.isfile() and (file := laws.extractfile(member)):
                official |= dict.fromkeys(cut(file.read().decode("utf-8")))
    for line in (SAMPLES / "government_work_reports.jsonl").read_text("utf-8").split("\n"):
        if line:
            official |= dict.fromkeys(cut(json.loads(line)["content"]))
    asked: dict[str, None] = {}
    for record in json.loads((SAMPLES / "legal_questions.json").read_text("utf-8")):
        asked |= dict.fromkeys(cut(record["query"] + "\n" + record["response"] + "\n" + "\n".join(record["laws"])))
    return list(official), list(asked)


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in pieces(text) if end - start > 5]


SOMEBODY = ("他|她|我们|他们|我(?!国)|对方|男方|女方|被告人?|原告|申请人|当事人|老公|老婆|老板|房东|邻居|朋友|债务人|出租人|承租人|借款人|公民|受害人|被害人|子女|父亲|母亲|父母|"
            "丈夫|妻子|孩子|负责人|代表人|代理人|委托人|监护人|证人|律师|法官|甲方|乙方|张某|李某|王某|行为人|责任人|继承人|用人单位|劳动者|当地人民政府|国务院")  # fmt: skip


def with_names(text: str, made: Sentences) -> str:
    """People of a real sentence get names: instead of the word for them or behind it."""

    def named(match: re.Match[str]) -> str:
        roll = made.chance.random()
        return match[0] if roll < 0.3 else made.name() if roll < 0.75 or len(match[0]) == 1 else match[0] + made.name()

    return re.sub(SOMEBODY, named, text)


def corpus(chance: random.Random, count: int) -> list[str]:
    made = Sentences(chance)
    official, asked = real()
    texts = [*official, *asked]
    clauses = [clause for text in texts for clause in re.split("[，。；：\n]", text) if 3 < len(clause) < 30]
    named: list[str] = []
    for text in texts:
        changed = with_names(text, made)
        if changed != text:
            named.append(changed)
    result = (
        chance.sample(named, min(len(named), count // 4))
        + chance.sample(official, min(len(official), count // 3))
        + chance.sample(asked, min(len(asked), count // 15))
    )
    for _ in range(count):
        text = made.make()
        if chance.random() < 0.15:
            text = chance.choice(clauses) + chance.choice("，，，：") + text
        if chance.random() < 0.15:
            text = text.rstrip("。") + "，" + chance.choice(clauses) + "。"
        if chance.random() < 0.12:
            text = text.rstrip("。") + chance.choice("，；、 ") + made.make()
        result += [MADE + line for line in text.split("\n")]
    chance.shuffle(result)
    return result


def labels(text: str) -> tuple[str, NDArray[np.uint8], bool]:
    """The text without the marks around names, the part of a name each character is, and whether it holds no other names."""
    sure, text = text.startswith(MADE), text.removeprefix(MADE)
    plain: list[str] = []
    kinds: list[int] = []
    at = 0
    for found in re.finditer(f"{OPEN}([^{CLOSE}]+){CLOSE}", text):
        plain.append(text[at : found.start()] + found[1])
        kinds += [0] * (found.start() - at)
        kinds += [ALONE] if len(found[1]) == 1 else [BEGIN, *[INSIDE] * (len(found[1]) - 2), END]
        at = found.end()
    plain.append(text[at:])
    kinds += [0] * (len(text) - at)
    return "".join(plain), np.array(kinds, np.uint8), sure


def prepared(texts: list[str]) -> tuple[NDArray[np.float16], NDArray[np.uint8], NDArray[np.int64]]:
    """Hidden values and facts of each character, its label, and the lengths of the sentences."""
    rows, wanted, lengths = [], [], []
    made = [labels(text) for text in texts]
    made = [(text.translate(folds())[:250], kinds[:250], sure) for text, kinds, sure in made if text]
    made.sort(key=lambda item: (len(item[0]), item[0]))
    for begin in range(0, len(made), 192):
        some = made[begin : begin + 192]
        for (text, kinds, sure), (hidden, chances) in zip(some, tagger().hidden([text for text, _, _ in some]), strict=True):
            rows.append(np.hstack((hidden, facts_of([text]))).astype(np.float16))
            wanted.append(np.where((kinds == 0) & (chances > 0.3) & (not sure), UNKNOWN, kinds).astype(np.uint8))
            lengths.append(len(text))
    return np.concatenate(rows), np.concatenate(wanted), np.array(lengths)


class Trainer:
    """Two hidden steps and five classes by Adam on the cross entropy."""

    def __init__(self, seed: int, inputs: int, width: int = 64, inner: int = 64) -> None:
        chance = np.random.default_rng(seed)
        shapes = {"first": (inputs, width), "second": (width * (2 * REACH + 1), inner), "third": (inner, 5)}
        self.weights = {name: chance.normal(0, (2 / shape[0]) ** 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
        self.weights |= {f"{name}_bias": np.zeros(shape[1], np.float32) for name, shape in shapes.items()}
        self.means = {name: np.zeros_like(value) for name, value in self.weights.items()}
        self.squares = {name: np.zeros_like(value) for name, value in self.weights.items()}
        self.chance, self.steps = chance, 0

    def step(self, rows: Floats, wanted: NDArray[np.uint8], lengths: NDArray[np.int64], rate: float) -> float:
        weights, width = self.weights, self.weights["first"].shape[1]
        seen = np.maximum(rows @ weights["first"] + weights["first_bias"], 0)
        drop = (self.chance.random(seen.shape) > 0.15).astype(np.float32) / 0.85
        seen *= drop
        places = np.arange(len(seen)) + np.repeat(np.arange(len(lengths)) * REACH + REACH, lengths)
        padded = np.zeros((len(seen) + REACH * (len(lengths) + 1), width), np.float32)
        padded[places] = seen
        window = np.hstack([padded[places + offset] for offset in range(-REACH, REACH + 1)])
        inner = np.maximum(window @ weights["second"] + weights["second_bias"], 0)
        scores = inner @ weights["third"] + weights["third_bias"]
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        counts = (wanted != UNKNOWN).astype(np.float32)
        target = np.where(wanted == UNKNOWN, 0, wanted)
        loss = -float((np.log(scores[np.arange(len(scores)), target] + 1e-9) * counts).sum() / counts.sum())
        scores[np.arange(len(scores)), target] -= 1
        scores *= (counts / counts.sum())[:, None]
        slopes = {"third": inner.T @ scores, "third_bias": scores.sum(axis=0)}
        back = (scores @ weights["third"].T) * (inner > 0)
        slopes |= {"second": window.T @ back, "second_bias": back.sum(axis=0)}
        spread = back @ weights["second"].T
        whole = np.zeros_like(padded)
        for index, offset in enumerate(range(-REACH, REACH + 1)):
            whole[places + offset] += spread[:, index * width : (index + 1) * width]
        back = whole[places] * drop * (seen > 0)
        slopes |= {"first": rows.T @ back, "first_bias": back.sum(axis=0)}
        self.move(slopes, rate)
        return loss

    def move(self, slopes: dict[str, Floats], rate: float) -> None:
        self.steps += 1
        scale = rate * (1 - 0.999**self.steps) ** 0.5 / (1 - 0.9**self.steps)
        for name, slope in slopes.items():
            self.means[name] += 0.1 * (slope - self.means[name])
            self.squares[name] += 0.001 * (slope * slope - self.squares[name])
            self.weights[name] -= scale * self.means[name] / (np.sqrt(self.squares[name]) + 1e-8)


def train(texts: list[str], rounds: int, seed: int) -> dict[str, Floats]:
    rows, wanted, lengths = prepared(texts)
    ends = np.cumsum(lengths)
    print(
        len(rows),
        "characters",
        len(lengths),
        "sentences",
        int((wanted == BEGIN).sum()),
        "names",
        int((wanted == UNKNOWN).sum()),
        "unknown",
        flush=True,
    )
    trainer = Trainer(seed, rows.shape[1])
    order = np.arange(len(lengths))
    size = 160
    total = rounds * (len(order) // size)
    for turn in range(rounds):
        trainer.chance.shuffle(order)
        losses = []
        for begin in range(0, len(order) - size, size):
            some = order[begin : begin + size]
            places = np.concatenate([np.arange(ends[index] - lengths[index], ends[index]) for index in some])
            rate = 2e-3 * max(0.03, 1 - trainer.steps / total)
            losses.append(trainer.step(rows[places].astype(np.float32), wanted[places], lengths[some], rate))
        print(turn, round(float(np.mean(losses)), 5), round(float(np.mean(losses[-100:])), 5), flush=True)
    return trainer.weights


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=HERE.parent.parent / "corpushub/engine/recognizers/name_reader.npz")
    parser.add_argument("--sentences", type=int, default=34_000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=20251123)
    given = parser.parse_args()
    weights = train(corpus(random.Random(given.seed), given.sentences), given.rounds, given.seed)
    np.savez(given.out, **{name: value.astype(np.float16) for name, value in weights.items()})


if __name__ == "__main__":
    main()
