"""datatrove: `clean` = its Gopher repetition and quality filters with the only language code that segments Chinese (cmn)."""

from __future__ import annotations

import sys

import polars as pl
from clock import report
from datatrove.data import Document
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter


def clean(source: str, target: str) -> None:
    frame = pl.read_parquet(source)
    filters = [
        GopherRepetitionFilter(language="cmn"),
        GopherQualityFilter(language="cmn", min_doc_words=5, min_avg_word_length=1, min_stop_words=0),
    ]
    kept = [
        row
        for row, text in enumerate(frame["text"].to_list())
        if all(one.filter(Document(text=text, id=str(row))) is True for one in filters)
    ]
    frame[kept].write_parquet(target, compression="zstd", compression_level=1)


if __name__ == "__main__":
    report(lambda: {"clean": clean}[sys.argv[1]](sys.argv[2], sys.argv[3]))
