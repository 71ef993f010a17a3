"""Daft: `clean` = NFD and white space (all its `normalize` has), three regular-expression rules; `exact` = distinct; `near` = its MinHash.

`clean` with `--strong` has three rules that say as much as regular expressions can: nothing broken, somewhere a sentence ends, no run of
separators, links or unbroken ASCII. Both put every text on one line, for that is what its `normalize` does to white space; with `--lines`
the strong rules judge text whose paragraphs stay, as ours do: white space, line breaks and invisible characters are replaced by
expressions instead. Full-width letters stay as they are in all of them.

`clean` with `--ratios` judges by those of our profiles' rules that its expressions can say: ten ratios of counted characters, words, lines and
phrases for Chinese and English. Runs, repeated lines and repeated phrases cannot be said without Python per row and are left out.

Daft's MinHash counts white-space words, which Chinese has none of, so its text is spaced out by character here: without that its recall on
Chinese is worse still. Pairs are made of its signatures as its documentation shows: bands, estimate, connected rows, the first stays.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import daft
import numpy as np
from clock import report
from daft import col

RULES = Path(__file__).resolve().parents[2] / "corpushub" / "rules" / "text-quality.toml"


def clean(source: str, target: str) -> None:
    frame = daft.read_parquet(source)
    frame = frame.with_column("text", col("text").normalize(nfd_unicode=True, white_space=True))
    length = col("text").length()
    frame = frame.where((length >= 20) & (length <= 1_000_000))
    frame = frame.where(~col("text").regexp("[|>★☆◆■]{4,}|(?:[|>][^|>]{1,12}){6,}"))
    frame = frame.where(~col("text").regexp("\ufffd|锟斤拷|Ã.{0,3}Â")).where(~col("text").regexp("function *\\(|[{};]{3,}"))
    frame.write_parquet(target, compression="zstd")


BROKEN = "[\ufffd\ue000-\uf8ff\x80-\x9f]|锟斤拷|Ã.{0,3}Â"
SENTENCE = r"[。！？；…]|[.!?;:][\"')\]]*(?:\s|$)"
RUNS = r"(?:[|>★☆◆■][^|>★☆◆■]{0,12}){6,}|(?:https?://\S+\s+){3,}|[!-~]{120,}|function *\(|[{};]{3,}"


def strong(source: str, target: str) -> None:
    judged(daft.read_parquet(source).with_column("text", col("text").normalize(nfd_unicode=True, white_space=True)), target)


def lines(source: str, target: str) -> None:
    text = col("text").normalize(nfd_unicode=True)
    text = text.regexp_replace(r"[\u{200b}-\u{200f}\u{2060}\u{feff}\u{ad}\x00-\x08\x0e-\x1f\x7f]+", "")
    text = text.regexp_replace(r"[\t\x0b\x0c \u{a0}\u{1680}\u{2000}-\u{200a}\u{202f}\u{205f}\u{3000}]+", " ")
    text = text.regexp_replace(r" ?\r?\n ?", "\n").regexp_replace(r"\n{3,}", "\n\n")
    judged(daft.read_parquet(source).with_column("text", text), target)


def judged(frame: daft.DataFrame, target: str) -> None:
    length = col("text").length()
    frame = frame.where((length >= 20) & (length <= 1_000_000)).where(~col("text").regexp(BROKEN))
    frame.where(col("text").regexp(SENTENCE)).where(~col("text").regexp(RUNS)).write_parquet(target, compression="zstd")


def ratios(source: str, target: str) -> None:
    rules = tomllib.loads(RULES.read_text("utf-8"))
    lexicon, text = rules["characters"], col("text")

    def count(pattern: str):
        return text.regexp_count(pattern).cast(daft.DataType.float64())

    frame = daft.read_parquet(source)
    frame = frame.with_column("text", text.normalize(nfd_unicode=True, white_space=True)).where(text.length() >= 20)
    frame = frame.with_columns(
        {
            "solid": count(r"\S"), "spaces": count(r"\s"), "letters": count(r"\p{L}"), "latin": count(r"\p{Latin}"), "han": count(r"\p{Han}"),
            "words": count(r"\p{Latin}+"), "lines": count(r"(?m)^.*\S"), "symbols": count(r"\p{S}"), "broken": count(r"[\p{Co}\x{FFFD}]"),
            "markup": count(f"[{re.escape(lexicon['markup'])}]"), "separators": count(f"[{re.escape(lexicon['separator'])}]"),
            "function": count(f"[{lexicon['function']}]"), "stop_words": count(rf"(?i)\b(?:{'|'.join(lexicon['stop_words'])})\b"),
            "ended": count(r"(?m)[.!?:;\u2026\u3002\uff01\uff1f\uff1a\uff1b][\"')\]\u2019\u201d\u300b\u300d\u300f\u3011\uff09]*$"),
            "spam": count("(?i)" + "|".join(map(re.escape, rules["spam"]["phrases"]))) * 4,
        }
    )  # fmt: skip
    is_latin = col("latin") * 2 > col("letters")
    frame = frame.where((col("symbols") <= 0.12 * col("solid")) & (col("broken") <= 0.005 * col("solid")))
    frame = frame.where((col("markup") <= 0.06 * col("solid")) & (col("separators") <= 0.06 * col("solid")))
    frame = frame.where((col("letters") >= 0.55 * col("solid")) & (col("spam") <= 0.1 * col("solid")))
    frame = frame.where((col("solid") < 24) | (col("lines") < 4) | (col("ended") >= 0.04 * col("lines")))
    frame = frame.where(is_latin | (col("han") < 30) | (col("function") >= 0.012 * col("han")))
    frame = frame.where(~is_latin | (col("words") < 15) | (col("stop_words") >= 0.03 * col("words")))
    frame = frame.where(~is_latin | (col("solid") < 60) | (col("spaces") >= 0.04 * col("solid")))
    frame = frame.where(~is_latin | (col("words") < 15) | (col("latin") <= 12 * col("words")))
    frame.select("id", "text", "lang", "kind", "origin").write_parquet(target, compression="zstd")


def exact(source: str, target: str) -> None:
    daft.read_parquet(source).distinct("text").select("id").write_parquet(target, compression="zstd")


def near(source: str, target: str) -> None:
    frame = daft.read_parquet(source)
    spaced = col("text").normalize(lowercase=True, white_space=True).regexp_replace("\\s", "").regexp_replace("(.)", "$1 ")
    made = frame.select(col("id"), spaced.minhash(num_hashes=128, ngram_size=5, seed=1).alias("signature")).to_arrow()
    signatures = np.stack(made["signature"].to_numpy(zero_copy_only=False)).astype(np.uint32)
    parent = np.arange(len(signatures))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for band in range(16):
        seen: dict[bytes, int] = {}
        for row, part in enumerate(signatures[:, band * 8 : band * 8 + 8]):
            first = seen.setdefault(part.tobytes(), row)
            if first != row and np.mean(signatures[first] == signatures[row]) >= 0.8:
                a, b = root(first), root(row)
                parent[max(a, b)] = min(a, b)
    kept = [made["id"][row].as_py() for row in range(len(signatures)) if root(row) == row]
    daft.from_pydict({"id": kept}).write_parquet(target, compression="zstd")


if __name__ == "__main__":
    cleaning = {"--ratios": ratios, "--strong": strong, "--lines": lines}
    stages = {"clean": cleaning.get(sys.argv[-1], clean), "exact": exact, "near": near}
    report(lambda: stages[sys.argv[1]](sys.argv[2], sys.argv[3]))
