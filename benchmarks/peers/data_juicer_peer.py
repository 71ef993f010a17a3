"""data-juicer: its documented operators with their defaults, one process, through its own executor.

`clean`: fix_unicode, whitespace, text length, special characters, character repetition, longest line. `exact`: document_deduplicator.
`near`: document_minhash_deduplicator over five characters, 128 permutations, 0.8. `end`: all of them and pii_redaction.

`end` with `--like` does more of what our recipe does, with its own operators and their defaults: the share of letters (alphanumeric) and phrases
said again (word_repetition) are judged too, and its tracer tells of every row that filters and deduplicators drop, as our drop log does. Not
asked of it: stop words and flagged words (their operators split Chinese with a model that is fetched), lines repeated within a text and broken
characters (it has no filter for them), Parquet (it writes JSON lines), lineage and a card (it has none).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import yaml
from clock import report

CLEAN = [
    {"fix_unicode_mapper": None},
    {"whitespace_normalization_mapper": None},
    {"text_length_filter": {"min_len": 20}},
    {"special_characters_filter": {"max_ratio": 0.4}},
    {"character_repetition_filter": {"rep_len": 10, "max_ratio": 0.5}},
    {"maximum_line_length_filter": {"min_len": 10}},
]
EXACT = [{"document_deduplicator": {"lowercase": False, "ignore_non_character": False}}]
NEAR = [
    {
        "document_minhash_deduplicator": {
            "tokenization": "character",
            "window_size": 5,
            "num_permutations": 128,
            "jaccard_threshold": 0.8,
        }
    }
]
PII = [{"pii_redaction_mapper": None}]
LIKE = [*CLEAN, {"alphanumeric_filter": None}, {"word_repetition_filter": None}, *EXACT, *NEAR, *PII]
DROPPING = [name for one in LIKE for name in one if not name.endswith("_mapper")]
STAGES = {"clean": CLEAN, "exact": EXACT, "near": NEAR, "end": [*CLEAN, *EXACT, *NEAR, *PII]}


def run(stage: str, source: str, target: str, *, like: bool) -> None:
    folder = tempfile.mkdtemp(dir=Path(target).parent)  # goes with the folder of the target: clearing up is not counted
    lines = Path(folder) / "in.jsonl"
    frame = pl.read_parquet(source).select("id", "text")
    frame.write_ndjson(lines)
    out = Path(folder) / "out.jsonl"
    config = {
        "project_name": "bench", "dataset_path": str(lines), "export_path": str(out), "np": 1, "use_cache": False, "open_tracer": like,
        "trace_num": frame.height, "op_list_to_trace": DROPPING, "work_dir": folder, "process": LIKE if like else STAGES[stage],
    }  # fmt: skip
    (Path(folder) / "config.yaml").write_text(yaml.safe_dump(config))
    command = [str(Path(sys.executable).parent / "dj-process"), "--config", str(Path(folder) / "config.yaml")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if answer.returncode or not out.exists():
        raise SystemExit(answer.stderr[-1500:])
    pl.read_ndjson(out).write_parquet(target)


if __name__ == "__main__":
    report(lambda: run(sys.argv[1], sys.argv[2], sys.argv[3], like="--like" in sys.argv))
