"""The links nginx serves passes from, and its log read in bulk."""

from __future__ import annotations

import json
import time
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from corpushub.domain.tree import large_entry
from corpushub.store.objects import Objects
from corpushub.store.pass_folder import LOG_FIELDS, PIECE, WINDOW_SECONDS, YOUNG_SECONDS, PassFolder, Sent, read

PASSES = ["a" * 32, "0123456789abcdef" * 2]
NAMES = st.sampled_from(["x.bin", "data/y.parquet", '数据/a"b\\c.parquet', "数据/一 二.txt", "z\u2028.parquet"])
LINES = st.tuples(
    st.sampled_from(["200OK", "200", "206OK", "206", "304OK", "404OK", "499", "-", ""]),
    st.integers(0, 10**12).map(str),
    st.sampled_from(["/take/", "/other/"]),
    st.sampled_from(PASSES),
    NAMES,
)


def written(line: tuple[str, ...]) -> str:
    """A line as nginx writes it, with JSON's escapes."""
    status, count, place, name, path = line
    address = json.dumps(f"{place}{name}/{path}", ensure_ascii=False)[1:-1]
    return f"{status}\t{count}\t{address}"


def one_by_one(lines: list[tuple[str, ...]]) -> dict[str, tuple[int, int, int, dict[str, int]]]:
    found: dict[str, tuple[int, int, int, dict[str, int]]] = {}
    for status, count, place, name, path in lines:
        if status not in {"200", "200OK", "206", "206OK"} or place != "/take/" or not int(count):
            continue
        answers, whole, total, tables = found.get(name, (0, 0, 0, {}))
        if path.endswith(".parquet"):
            tables[path] = tables.get(path, 0) + int(count)
        whole += status == "200OK"
        found[name] = (answers + 1, whole, total + int(count), tables)
    return found


@example(lines=[("200OK", "9", "/take/", PASSES[0], "x.bin")], junk=[b"more\tfields\tthan\ta line\thas"], first=True)
@given(lines=st.lists(LINES, max_size=30), junk=st.lists(st.binary(max_size=20), max_size=3), first=st.booleans())
def test_bulk_reading_adds_up_what_each_line_says(lines: list[tuple[str, ...]], junk: list[bytes], *, first: bool) -> None:
    said, other = "".join(f"{written(line)}\n" for line in lines).encode(), b"".join(one + b"\n" for one in junk)
    piece = other + said if first else said + other
    found = {sent.pass_id: (sent.answers, sent.whole, sent.bytes, dict(sent.tables)) for sent in read(piece)}
    assert found == one_by_one(lines)


def test_a_field_of_the_log_is_what_the_line_s_place_says() -> None:
    line = ("200OK", "9", f"/take/{PASSES[0]}/data/x.parquet")
    assert len(line) == len(LOG_FIELDS)
    assert read(("\t".join(line) + "\n").encode()) == [Sent(PASSES[0], 1, 1, 9, "data/x.parquet", {"data/x.parquet": 9})]


def folder_of(tmp_path: Path) -> PassFolder:
    (tmp_path / "nginx").mkdir()
    return PassFolder(tmp_path / "nginx", Objects(tmp_path / "objects"))


def test_a_log_is_read_in_pieces_and_a_torn_line_waits_for_its_end(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    line = f"200OK\t9\t/take/{PASSES[0]}/x.bin\n".encode()
    count = PIECE // len(line) + 10
    folder.log.write_bytes(line * count + line[:20])
    first, mark = folder.sent({})
    second, after = folder.sent(mark)
    assert first[0].answers + second[0].answers == count
    assert folder.sent(after) == ([], after)
    with folder.log.open("ab") as stream:
        stream.write(line[20:])
    rest, _ = folder.sent(after)
    assert [sent.answers for sent in rest] == [1]


def test_a_line_without_end_does_not_stop_the_reading(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.log.write_bytes(b"x" * PIECE + b"\n" + f"200OK\t9\t/take/{PASSES[0]}/x.bin\n".encode())
    none, mark = folder.sent({})
    assert none == []
    found, _ = folder.sent(mark)
    assert [sent.bytes for sent in found] == [9]


def test_a_commit_is_laid_out_once_and_shares_its_bytes_with_the_store(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    digest = folder.objects.put_bytes(b"data")
    entries = [large_entry("data/x.bin", digest, 4), large_entry("y.bin", digest, 4)]
    assert folder.fill("c" * 40, entries)
    assert folder.fill("c" * 40, [])
    stored = folder.objects.local_path(digest)
    assert stored is not None
    assert (folder.folder / "commits" / ("c" * 40) / "data/x.bin").samefile(stored)
    assert not folder.fill("d" * 40, [large_entry("z.bin", "0" * 64, 4)])
    assert [place.name for place in (folder.folder / "commits").iterdir()] == ["c" * 40]


def test_a_pass_opens_its_commit_also_where_the_home_was_moved(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.fill("c" * 40, [large_entry("x.bin", folder.objects.put_bytes(b"data"), 4)])
    folder.hang(PASSES[0], "c" * 40, time.time())
    moved = (tmp_path / "nginx").rename(tmp_path / "elsewhere")
    assert {path.read_bytes() for path in moved.glob(f"passes/*/take/{PASSES[0]}/x.bin")} == {b"data"}


def test_files_of_a_commit_nobody_has_a_pass_for_are_removed_after_an_hour(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    entries = [large_entry("x.bin", folder.objects.put_bytes(b"data"), 4)]
    for commit in ("c" * 40, "d" * 40):
        folder.fill(commit, entries)
    place = folder.folder / "commits"
    folder.keep_only(["c" * 40], time.time())
    assert len(list(place.iterdir())) == 2
    folder.keep_only(["c" * 40], time.time() + YOUNG_SECONDS + 1)
    assert [path.name for path in place.iterdir()] == ["c" * 40]
    assert (place / ("c" * 40) / "x.bin").stat().st_size == 4


def test_links_of_passes_that_hang_no_more_are_removed_after_an_hour(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    now = time.time()
    for name in PASSES:
        folder.hang(name, "c" * 40, now)
    later = now + YOUNG_SECONDS + WINDOW_SECONDS
    folder.clear(later)
    folder.hang(PASSES[0], "c" * 40, later)
    folder.keep_only([], later)
    assert [link.name for link in (folder.folder / "passes/open/take").iterdir()] == [PASSES[0]]
    folder.take_down(PASSES[0], later)
    assert not [link for link in folder.folder.rglob("*") if link.is_symlink()]
