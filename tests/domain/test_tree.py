"""Laws of trees: paths are safe, unchanged files keep their commit, and clients can recompute every id."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.domain.tree import Change, Entry, Tree, applied, commit_id, entry_for, is_large, path_problem, pointer_text

NAME = st.text(st.characters(codec="utf-8", exclude_categories=("C",), exclude_characters="/\\"), min_size=1, max_size=8)
PATH = st.lists(NAME, min_size=1, max_size=3).map("/".join).filter(lambda path: not path_problem(path))
FILES = st.dictionaries(PATH, st.binary(max_size=20), max_size=6).filter(
    lambda files: not any(other.startswith(f"{path}/") for path in files for other in files)
)


def tree_of(files: dict[str, bytes]) -> Tree:
    return Tree.of(entry_for(path, data) for path, data in files.items())


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a/.", ".git/x", "a/.GIT/x", "a\\b", "a\0b", "a\nb", "x" * 1025, "a\u202eb"],
)
def test_unsafe_paths_are_named(path: str) -> None:
    assert path_problem(path) in {"repo.path_unsafe", "repo.path_length"}
    with pytest.raises(Invalid):
        applied(Tree.of(()), Change(put=(Entry(path, "0" * 64, 1, lfs=False, oid="0" * 40),)))


def test_a_path_is_no_file_and_folder_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        applied(tree_of({"a": b"1"}), Change(put=(entry_for("a/b", b"2"),)))
    assert caught.value.problems[0].code == "repo.path_twice"


@given(before=FILES, after=FILES)
def test_putting_all_and_deleting_the_rest_gives_exactly_the_files(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    change = Change(tuple(entry_for(path, data) for path, data in after.items()), tuple(set(before) - set(after)))
    assert {entry.path: entry.sha256 for entry in applied(tree_of(before), change)} == {
        path: hashlib.sha256(data).hexdigest() for path, data in after.items()
    }


@given(files=FILES)
def test_listing_recursively_is_listing_every_folder(files: dict[str, bytes]) -> None:
    tree = tree_of(files)
    one_by_one = [item for folder in ("", *tree.folders) for item in tree.listing(folder, recursive=False)]
    assert sorted(item.path for item in one_by_one) == [item.path for item in tree.listing("", recursive=True)]


@given(data=st.binary(min_size=1, max_size=40))
def test_a_large_file_has_its_content_s_etag_and_its_pointer_s_oid(data: bytes) -> None:
    entry = entry_for("x.parquet", data)
    pointer = pointer_text(entry.sha256, len(data))
    assert entry.etag == hashlib.sha256(data).hexdigest()
    assert entry.oid == hashlib.sha1(b"blob %d\0" % len(pointer) + pointer).hexdigest()
    assert entry_for("x.txt", data).etag == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def test_parquet_is_always_large_and_empty_files_never() -> None:
    assert is_large("a/b.PARQUET", 1)
    assert is_large("a.txt", 2 << 20)
    assert not is_large("a.parquet", 0)
    assert not is_large("parquet", 10)


@given(files=FILES, other=FILES)
def test_equal_commits_have_equal_ids_and_different_ones_do_not(files: dict[str, bytes], other: dict[str, bytes]) -> None:
    words = {"message": "m"}
    one, two = (commit_id("a/b", "", tree_of(found).entries, words) for found in (files, other))
    assert (one == two) == (files == other)
    assert len(one) == 40
