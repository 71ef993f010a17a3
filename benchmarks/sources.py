"""Reading public files beside plain readers: MB of source per CPU second, one process, one core.

    python benchmarks/sources.py --data FOLDER [--rows 40000]

Ours reads, detects encoding and dialect, checks every row, quarantines, writes compressed shards with digests; the plain reader is told encoding and dialect and only makes a frame. FOLDER is empty or holds files of an earlier run. The last two lines are
what one changed row in the middle costs: of a large CSV file, and of a folder of pages.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import resource
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from corpushub.base.settings import Settings
from corpushub.domain.recipe import SourceRef
from corpushub.engine.cache import Cache
from corpushub.engine.sources.opening import Source, open_source
from corpushub.engine.sources.place import Place

WORDS = [
    "关于",
    "印发",
    "公共",
    "数据",
    "资源",
    "登记",
    "授权",
    "运营",
    "管理",
    "办法",
    "的",
    "通知",
    "各",
    "区",
    "人民",
    "政府",
    "市",
    "有关",
    "部门",
    "实施",
    "方案",
    "开放",
    "利用",
    "工作",
    "要求",
]
COLUMNS = ("id", "title", "text", "cost", "day")


def rows_of(count: int) -> list[tuple[str, ...]]:
    chance = random.Random(20)

    def text(words: int) -> str:
        return "".join(chance.choice(WORDS) for _ in range(words))

    return [
        (
            f"n{at}",
            text(8),
            "，".join(text(12) for _ in range(chance.randrange(2, 12))) + "。",
            f"{chance.random():.4f}",
            f"2025-0{at % 9 + 1}-11",
        )
        for at in range(count)
    ]


def lay(folder: Path, rows: list[tuple[str, ...]]) -> None:
    import xlsxwriter

    for name, encoding in (("utf8.csv", "utf-8"), ("gb18030.csv", "gb18030")):
        with (folder / name).open("w", encoding=encoding, newline="") as stream:
            csv.writer(stream).writerows([COLUMNS, *rows])
    lines = "".join(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(lines, "utf-8")
    with xlsxwriter.Workbook(folder / "book.xlsx") as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([COLUMNS, *rows[: len(rows) // 8]]):
            sheet.write_row(at, 0, row)
    pages = folder / "pages"
    pages.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "pages.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(0, len(rows), 20):
            body = "".join(f"<p>{row[2]}</p>" for row in rows[at : at + 20])
            page = f"<html><head><title>{rows[at][1]}</title></head><body><nav>x</nav>{body}</body></html>"
            (pages / f"{at:06}.html").write_text(page, "utf-8")
            archive.writestr(f"{at:06}.html", page)


def plain_pages(names: list[tuple[str, Callable[[], bytes]]]) -> pl.DataFrame:
    from selectolax.lexbor import LexborHTMLParser

    found = []
    for name, read in names:
        page = LexborHTMLParser(read().decode())
        title = page.css_first("title")
        found.append(
            {"path": name, "title": title.text() if title else "", "text": page.body.text(separator="\n") if page.body else ""}
        )
    return pl.DataFrame(found)


def plain_zip(path: Path) -> pl.DataFrame:
    with zipfile.ZipFile(path) as archive:
        return plain_pages([(name, lambda name=name: archive.read(name)) for name in archive.namelist()])


def plain_book(path: Path) -> pl.DataFrame:
    from python_calamine import CalamineWorkbook

    names, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return pl.DataFrame([[str(cell) for cell in row] for row in rows], schema=[str(name) for name in names], orient="row")


PLAIN: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "utf8.csv": ("polars", lambda path: pl.read_csv(path, infer_schema=False)),
    "gb18030.csv": ("polars, told the encoding", lambda path: pl.read_csv(path, infer_schema=False, encoding="gb18030")),
    "rows.jsonl": ("polars", pl.read_ndjson),
    "book.xlsx": ("calamine", plain_book),
    "pages": ("selectolax loop", lambda path: plain_pages([(one.name, one.read_bytes) for one in sorted(path.iterdir())])),
    "pages.zip": ("zipfile + selectolax", plain_zip),
}


def size_of(path: Path) -> float:
    return sum(one.stat().st_size for one in ([path] if path.is_file() else path.iterdir())) / 1e6


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def opened(path: Path, cache: Path) -> Source:
    place = Place(path.parent, Settings(home=cache), Cache(cache))
    return open_source(SourceRef("source", "bench/source", path.name), place)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=40_000)
    asked = parser.parse_args()
    asked.data.mkdir(parents=True, exist_ok=True)
    rows = rows_of(asked.rows)
    lay(asked.data, rows)
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch) / "cache"
        for name in PLAIN:  # libraries loaded
            opened(asked.data / name, cache), PLAIN[name][1](asked.data / name)
        print(f"{'source':12} {'MB':>6} {'ours MB/s':>10} {'plain MB/s':>11}  plain reader")
        for name, (reader, plain) in PLAIN.items():
            path = asked.data / name
            shutil.rmtree(cache)
            ours, theirs = seconds(lambda path=path: opened(path, cache)), seconds(lambda path=path, plain=plain: plain(path))
            print(f"{name:12} {size_of(path):6.1f} {size_of(path) / ours:10.1f} {size_of(path) / theirs:11.1f}  {reader}")
        print(f"peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB (with the rows of the generator)")
        edited(asked.data, rows, cache)


def edited(folder: Path, rows: list[tuple[str, ...]], cache: Path) -> None:
    """What one row more in the middle of a CSV file, and one page changed, cost and leave."""
    large = folder / "large.csv"
    body = io.StringIO(newline="")
    for copy in range(4):
        csv.writer(body).writerows((f"{copy}-{row[0]}", *row[1:]) for row in rows)
    for label, path, change in (("one row put into", large, lay_large), ("one page changed of", folder / "pages", change_page)):
        if path == large:
            large.write_bytes(("id,title,text,cost,day\r\n" + body.getvalue()).encode())
        shutil.rmtree(cache, ignore_errors=True)
        first = seconds(lambda path=path: opened(path, cache))
        before = {shard.digest for shard in opened(path, cache).shards}
        change(path)
        again = seconds(lambda path=path: opened(path, cache))
        after = {shard.digest for shard in opened(path, cache).shards}
        print(
            f"{label} {path.name} ({size_of(path):.0f} MB): {first:.2f} -> {again:.2f} CPU s, {len(after - before)} of {len(after)} shards are new"
        )


def lay_large(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(len(lines) // 2, "more,新增,新增的一条,1,2025-01-01\r\n".encode())
    path.write_bytes(b"".join(lines))


def change_page(folder: Path) -> None:
    pages = sorted(folder.iterdir())
    page = pages[len(pages) // 2]
    page.write_text(page.read_text("utf-8").replace("</body>", "<p>修订</p></body>"), "utf-8")


if __name__ == "__main__":
    main()
