"""data-juicer: its documented operators with their defaults, one process, through its own executor.

`clean`: fix_unicode, whitespace, text length, special characters, character repetition, word repetition. `exact`: document_deduplicator.
`near`: document_minhash_deduplicator over five characters, 128 permutations, 0.8. `end`: all of them and pii_redaction.
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
STAGES = {"clean": CLEAN, "exact": EXACT, "near": NEAR, "end": [*CLEAN, *EXACT, *NEAR, *PII]}


def run(stage: str, source: str, target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "in.jsonl"
        pl.read_parquet(source).select("id", "text").write_ndjson(lines)
        out = Path(folder) / "out.jsonl"
        config = {
            "project_name": "bench", "dataset_path": str(lines), "export_path": str(out), "np": 1, "use_cache": False, "open_tracer": False,
            "work_dir": folder, "process": STAGES[stage],
        }  # fmt: skip
        (Path(folder) / "config.yaml").write_text(yaml.safe_dump(config))
        command = [str(Path(sys.executable).parent / "dj-process"), "--config", str(Path(folder) / "config.yaml")]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        if answer.returncode or not out.exists():
            raise SystemExit(answer.stderr[-1500:])
        pl.read_ndjson(out).write_parquet(target)


if __name__ == "__main__":
    report(lambda: run(sys.argv[1], sys.argv[2], sys.argv[3]))
