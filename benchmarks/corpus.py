"""A seeded corpus with ground truth: good texts, twenty families of junk, exact and near copies, decoys.

    python benchmarks/corpus.py OUT.parquet [--rows 20000] [--seed 1] [--data FOLDER]

Good Chinese text is recombined from the official texts under `recipes/samples`, so every sentence is real; good English text comes from a
grammar of administrative and technical prose, and from the folder given with `--data` where it has English descriptions. Columns: `id`,
`text`, `lang` (zh, en), `kind` (`good`, `copy`, `near`, `decoy`, or `junk:<family>`), `origin` (the row a copy was made from, else -1).
The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import tarfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

SAMPLES = Path(__file__).resolve().parent.parent / "recipes" / "samples"
Rng = np.random.Generator
WORDS = tomllib.loads((Path(__file__).parent / "corpus-words.toml").read_text("utf-8"))
SHARES = {"good": 0.70, "junk": 0.14, "copy": 0.03, "near": 0.09, "decoy": 0.04}


class Pools:
    """Sentences to build good text from."""

    def __init__(self, data: Path | None) -> None:
        texts = [path.read().decode() for path in self._law_files()]
        texts += [
            json.loads(line)["content"] for line in (SAMPLES / "government_work_reports.jsonl").read_text("utf-8").splitlines()
        ]
        self.laws = [text for text in texts if len(text) > 300]
        sentences = {
            part.strip()
            for text in self.laws
            for line in text.split("\n")
            if len(line) > 30
            for part in re.split(r"(?<=[。；])", line)
        }
        self.zh = sorted(
            sentence
            for sentence in sentences
            if 14 <= len(sentence) <= 200 and sentence[-1] in "。；" and sentence[0] not in "）」”<#"
        )
        path = data / "search_datafinder" / "documents.jsonl" if data else None
        self.en = pl.read_ndjson(path)["contents"].to_list() if path and path.is_file() else []

    def _law_files(self):
        with tarfile.open(SAMPLES / "laws.tar.xz") as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(".md"):
                    yield archive.extractfile(member)


def sentence_en(rng: Rng) -> str:
    def pick(name: str) -> str:
        words = WORDS[name]
        return words[rng.integers(len(words))]

    core = f"the {pick('subjects')} {pick('modals')} {pick('verbs')} the {pick('objects')} of the {pick('subjects')} {pick('clauses')}"
    if rng.random() < 0.5:
        core = f"{pick('openers')} {core}".format(year=rng.integers(1990, 2026), number=rng.integers(20, 9000))
    if rng.random() < 0.3:
        core += f", and the {pick('subjects')} {pick('modals')} {pick('verbs')} it {pick('clauses')}"
    return core[0].upper() + core[1:] + "."


def good(rng: Rng, lang: str, pools: Pools) -> str:
    if lang == "en":
        if pools.en and rng.random() < 0.3:
            text = pools.en[rng.integers(len(pools.en))]
            return text + "\n\n" + " ".join(sentence_en(rng) for _ in range(3))
        paragraphs = [" ".join(sentence_en(rng) for _ in range(rng.integers(2, 7))) for _ in range(rng.integers(1, 6))]
        return "\n\n".join(paragraphs)
    lines = [
        "".join(pools.zh[at] for at in rng.integers(len(pools.zh), size=rng.integers(1, 5))) for _ in range(rng.integers(2, 14))
    ]
    style = rng.random()
    if style < 0.4:
        lines = [f"第{number}条　{line}" for number, line in enumerate(lines, 1)]
    elif style < 0.6:
        lines = ["各区人民政府，市政府各委、办、局：", *lines, "特此通知。"]
    return ("\n" if rng.random() < 0.7 else "\n\n").join(lines)


def _cut(text: str, rng: Rng, size: int) -> str:
    at = int(rng.integers(max(1, len(text) - size)))
    return text[at : at + size]


def _many(rng: Rng, words: list[str], least: int, most: int) -> list[str]:
    return [words[at] for at in rng.integers(len(words), size=rng.integers(least, most))]


def _numbers(rng: Rng) -> str:
    return "\n".join(" ".join(f"{value:.2f}" for value in rng.random(8) * 1000) for _ in range(rng.integers(6, 20)))


def _blob(rng: Rng) -> str:
    raw = rng.bytes(int(rng.integers(150, 900)))
    return raw.hex() if rng.random() < 0.5 else base64.b64encode(raw).decode()


def _links(rng: Rng) -> str:
    return "\n".join(
        f"http://www.example-{rng.integers(999)}.com/{rng.integers(10**6)}/index_{rng.integers(99)}.html?id={rng.integers(10**8)}&t=3"
        for _ in range(rng.integers(5, 25))
    )


def _escaped(text: str, rng: Rng) -> str:
    style = rng.integers(3)
    if style == 0 and not text.isascii():
        return text.encode("unicode_escape").decode()
    if style == 1:
        return "".join(f"%{byte:02X}" for byte in text.encode())
    return "".join(f"&amp;#{ord(char)};" for char in text)


def _replaced(text: str, rng: Rng) -> str:
    raw = bytearray(text.encode())
    for at in rng.integers(len(raw), size=len(raw) // 8):
        raw[at] = int(rng.integers(128, 256))
    return raw.decode("utf-8", "replace")


def _keywords(rng: Rng, lang: str, pools: Pools) -> str:
    if lang == "en":
        return " ".join(
            word
            for _ in range(rng.integers(20, 60))
            for word in (
                WORDS["subjects"][rng.integers(len(WORDS["subjects"]))],
                WORDS["objects"][rng.integers(len(WORDS["objects"]))].replace(" of ", " "),
            )
        )
    joined = "".join(_many(rng, pools.zh, 12, 24))
    words = re.findall(
        r"[\u4e00-\u9fff]{2,4}",
        re.sub(
            r"[的了和是在有不为与及其之以于对应当由可或者并等将就这我们他也要被把给到从而但如因所此第条款项。，；、]", " ", joined
        ),
    )
    return [" ", "，", ",", "、", "_"][rng.integers(5)].join(words)


def _salad(rng: Rng, lang: str) -> str:
    if lang == "en":
        return " ".join(
            "".join(chr(97 + at) for at in rng.integers(26, size=rng.integers(2, 12))) for _ in range(rng.integers(30, 120))
        )
    return "".join(chr(0x4E00 + at) for at in rng.integers(0x51A5, size=rng.integers(60, 400)))


@dataclass(frozen=True, slots=True)
class Draw:
    """What a family of junk is made from: chance, a language, a good text to spoil, and the pools."""

    rng: Rng
    lang: str
    text: str
    pools: Pools


JUNK: dict[str, Callable[[Draw], str]] = {
    "utf8_read_as_gbk": lambda it: good(it.rng, "zh", it.pools).encode().decode("gbk", "replace"),
    "utf8_read_as_latin1": lambda it: _cut(good(it.rng, "zh", it.pools), it.rng, 500).encode().decode("latin-1"),
    "utf8_read_as_cp1252": lambda it: _cut(good(it.rng, "zh", it.pools), it.rng, 500).encode().decode("cp1252", "replace"),
    "gbk_read_as_latin1": lambda it: _cut(good(it.rng, "zh", it.pools), it.rng, 500).encode("gbk", "ignore").decode("latin-1"),
    "kun_jin_kao": lambda it: _cut(it.text, it.rng, 40) + "锟斤拷" * int(it.rng.integers(10, 60)) + _cut(it.text, it.rng, 40),
    "replacement_characters": lambda it: _replaced(it.text, it.rng),
    "menu_line": lambda it: " | ".join(_many(it.rng, WORDS["menu_zh"] if it.lang == "zh" else WORDS["menu_en"], 12, 50)),
    "menu_column": lambda it: "\n".join(_many(it.rng, WORDS["menu_zh"] if it.lang == "zh" else WORDS["menu_en"], 15, 60)),
    "symbols": lambda it: "".join(_many(it.rng, list("★☆◆■□●○→←↑↓═║╔╗=+-*/#~^_|<>"), 60, 400)),
    "repeated_line": lambda it: "\n".join(
        [_cut(it.text, it.rng, int(it.rng.integers(12, 60))).replace("\n", "")] * int(it.rng.integers(8, 40))
    ),
    "repeated_phrase": lambda it: _cut(it.text, it.rng, int(it.rng.integers(4, 30))) * int(it.rng.integers(20, 60)),
    "one_character": lambda it: _cut(it.text, it.rng, 30) + "哈啊1-~。x=嗯"[it.rng.integers(9)] * int(it.rng.integers(60, 300)),
    "keywords": lambda it: _keywords(it.rng, it.lang, it.pools),
    "code": lambda it: "\n".join(_many(it.rng, WORDS["code"], 4, 16)),
    "spam": lambda it: ("！" if it.lang == "zh" else "! ").join(
        _many(it.rng, WORDS["spam_zh"] if it.lang == "zh" else WORDS["spam_en"], 4, 20)
    ),
    "numbers": lambda it: _numbers(it.rng),
    "blob": lambda it: _blob(it.rng),
    "links": lambda it: _links(it.rng),
    "escapes": lambda it: _escaped(_cut(it.text, it.rng, 200), it.rng),
    "furniture": lambda it: "\n".join(_many(it.rng, WORDS["furniture_zh"] if it.lang == "zh" else WORDS["furniture_en"], 3, 12)),
    "page": lambda it: (WORDS["pages_zh"] if it.lang == "zh" else WORDS["pages_en"])[it.rng.integers(5)],
    "short": lambda it: _cut(it.text, it.rng, int(it.rng.integers(1, 18))),
    "salad": lambda it: _salad(it.rng, it.lang),
}


def edited(rng: Rng, text: str, share: float) -> str:
    """`text` with about `share` of its characters touched, in a few places."""
    chars = list(text)
    for _ in range(max(1, int(len(chars) * share))):
        at = int(rng.integers(len(chars)))
        chars[at] = ["", "新", "x", chars[int(rng.integers(len(chars)))]][rng.integers(4)]
    return "".join(chars)


def generate(rows: int, seed: int, data: Path | None = None, zh_share: float = 0.6) -> pl.DataFrame:
    """`rows` rows in random order."""
    rng, pools = np.random.default_rng(seed), Pools(data)
    kinds = rng.choice(list(SHARES), size=rows, p=list(SHARES.values()))
    families = list(JUNK)
    texts: list[str] = []
    langs: list[str] = []
    labels: list[str] = []
    origins: list[int] = []
    sources: list[int] = []
    for row, kind in enumerate(kinds):
        lang, origin, label = ("zh" if rng.random() < zh_share else "en"), -1, str(kind)
        if kind in {"copy", "near", "decoy"} and sources:
            origin = sources[rng.integers(len(sources))]
            lang, text = langs[origin], texts[origin]
            if kind == "near":
                text = edited(rng, text, float(rng.uniform(0.001, 0.018)))
            elif kind == "decoy":
                text = edited(rng, text, float(rng.uniform(0.06, 0.2)))
        else:
            text = good(rng, lang, pools)
            if kind == "junk":
                family = families[rng.integers(len(families))]
                text, label = JUNK[family](Draw(rng, lang, text, pools)), f"junk:{family}"
            else:
                label = "good"
                sources.append(row)
        texts.append(text)
        langs.append(lang)
        labels.append(label)
        origins.append(origin)
    return pl.DataFrame({"id": np.arange(rows), "text": texts, "lang": langs, "kind": labels, "origin": origins})


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _personal(rng: Rng, lang: str) -> tuple[str, list[str]]:
    """A line that names a person's numbers, and the numbers: every one invented, with right check digits."""

    def digits(count: int) -> str:
        return "".join(map(str, rng.integers(10, size=count)))

    body = f"1101{rng.integers(1, 10):02}19{rng.integers(50, 99)}{rng.integers(1, 13):02}{rng.integers(10, 29)}{digits(3)}"
    identity = body + "10X98765432"[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True)) % 11]
    mobile, mail = f"1{rng.choice([38, 39, 58, 86])}{digits(8)}", f"user{digits(4)}@example.org"
    if lang == "en":
        return f"Please write to {mail} or call {mobile}.", [mail, mobile]
    return f"申请人身份证号{identity}，联系电话{mobile}，邮箱{mail}。", [identity, mobile, mail]


def with_personal(frame: pl.DataFrame, seed: int, share: float = 0.05) -> pl.DataFrame:
    """`frame` with a line of personal numbers at the end of `share` of the good rows, and those numbers in `planted`."""
    rng = np.random.default_rng([seed, 1])
    texts, planted = frame["text"].to_list(), [[] for _ in range(len(frame))]
    for row, (kind, lang) in enumerate(frame.select("kind", "lang").iter_rows()):
        if kind == "good" and rng.random() < share:
            line, planted[row] = _personal(rng, lang)
            texts[row] += "\n" + line
    return frame.with_columns(pl.Series("text", texts), pl.Series("planted", planted, dtype=pl.List(pl.String)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a seeded corpus with ground truth.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    frame = generate(given.rows, given.seed, given.data)
    frame.write_parquet(given.out, compression="zstd", compression_level=1, row_group_size=4000)
    print(f"{frame.height} rows, {frame['text'].str.len_bytes().sum() / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
