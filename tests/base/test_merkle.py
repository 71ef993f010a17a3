from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.base.merkle import (
    EMPTY_ROOT,
    Checkpoint,
    Frontier,
    Tiles,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    pack_entries,
    parse_tile_path,
    proves_consistency,
    proves_inclusion,
    root_of,
    split_point,
    tile_path,
    tile_shapes,
    unpack_entries,
)

SIZES = st.integers(0, 700)


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


LEAVES = hashes(1500)


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1 word by word, as the oracle."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = split_point(len(leaves))
    return node_hash(plain_root(leaves[:middle]), plain_root(leaves[middle:]))


def subtree(low: int, high: int) -> bytes:
    return plain_root(LEAVES[low:high])


def read_tile(level: int, index: int, width: int) -> bytes:
    span = 256**level
    low = index * 256
    return b"".join(plain_root(LEAVES[(low + n) * span : (low + n + 1) * span]) for n in range(width))


def test_known_vectors_of_certificate_transparency():
    # The eight inputs of the reference test of RFC 6962 implementations and their roots.
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    roots = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    leaves = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert {size: root_of(leaves[:size]).hex() for size in roots} == roots


@given(SIZES)
def test_frontier_agrees_with_the_definition(size: int):
    assert root_of(LEAVES[:size]) == plain_root(LEAVES[:size])


@given(SIZES, st.integers(0, 50))
def test_a_frontier_survives_packing(size: int, more: int):
    frontier = Frontier.empty()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    again = Frontier.from_bytes(size, frontier.packed())
    for leaf in LEAVES[size : size + more]:
        again.append(leaf)
    assert again.root() == plain_root(LEAVES[: size + more])


def test_a_frontier_of_the_wrong_length_is_refused():
    with pytest.raises(Invalid, match=r"ledger\.frontier"):
        Frontier.from_bytes(3, bytes(32))


@given(st.data())
def test_every_leaf_has_a_proof_and_no_other_leaf_passes_with_it(data: st.DataObject):
    size = data.draw(st.integers(1, 700))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, subtree)
    root = plain_root(LEAVES[:size])
    assert proves_inclusion(LEAVES[index], index, size, path, root)
    if other != index:
        assert not proves_inclusion(LEAVES[other], index, size, path, root)
        assert not proves_inclusion(LEAVES[index], other, size, path, root)
    assert not proves_inclusion(LEAVES[index], index, size, path, EMPTY_ROOT)
    assert not proves_inclusion(LEAVES[index], index, size, [*path, EMPTY_ROOT], root)
    if path:
        assert not proves_inclusion(LEAVES[index], index, size, path[:-1], root)


def test_all_small_trees_exhaustively():
    for size in range(1, 40):
        root = plain_root(LEAVES[:size])
        for index in range(size):
            assert proves_inclusion(LEAVES[index], index, size, inclusion_path(index, size, subtree), root)
        for old in range(size + 1):
            path = consistency_path(old, size, subtree)
            assert proves_consistency(old, size, (plain_root(LEAVES[:old]), root), path)
            if old > 0:
                assert not proves_consistency(old, size, (plain_root(LEAVES[1 : old + 1]), root), path)
                assert not proves_consistency(old, size, (plain_root(LEAVES[:old]), plain_root(LEAVES[1 : size + 1])), path)


@given(SIZES, SIZES)
def test_every_prefix_is_consistent_with_its_tree(one: int, two: int):
    old, new = sorted((one, two))
    roots = (plain_root(LEAVES[:old]), plain_root(LEAVES[:new]))
    path = consistency_path(old, new, subtree)
    assert proves_consistency(old, new, roots, path)
    assert not proves_consistency(old, new, roots, [*path, EMPTY_ROOT])
    if 0 < old < new:
        assert not proves_consistency(old, new, roots, [])


@given(st.integers(1, 1500), st.data())
def test_tiles_give_the_same_proofs_as_the_whole_list(size: int, data: st.DataObject):
    tree = Tiles(size, read_tile)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))
    assert tree.root() == root_of(LEAVES[:size])
    assert proves_inclusion(LEAVES[index], index, size, tree.inclusion(index), tree.root())
    assert proves_consistency(old, size, (root_of(LEAVES[:old]), tree.root()), tree.consistency(old))


def test_a_leaf_outside_the_tree_has_no_proof():
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(Invalid, match=r"no_such_leaf"):
            inclusion_path(index, size, subtree)
        assert not proves_inclusion(LEAVES[0], index, size, [], LEAVES[0])
    with pytest.raises(Invalid, match=r"not_a_prefix"):
        consistency_path(6, 5, subtree)


def test_tile_paths_are_those_of_the_standard():
    assert tile_path(0, 0) == "tile/0/000"
    assert tile_path(1, 1234067) == "tile/1/x001/x234/067"
    assert tile_path("entries", 2, 17) == "tile/entries/002.p/17"
    assert list(tile_shapes(0)) == []
    assert list(tile_shapes(257)) == [(0, 0, 256), (0, 1, 1), (1, 0, 1)]


@given(st.sampled_from(["0", "3", "entries"]), st.integers(0, 10**10), st.integers(1, 256))
def test_tile_paths_round_trip(level: str, index: int, width: int):
    assert parse_tile_path(tile_path(level, index, width).removeprefix("tile/")) == (level, index, width)


@pytest.mark.parametrize("path", ["", "0/1", "0/x000/001", "0/001.p/256", "0/001.p/0256", "-1/001", "0/../../001", "9/x01/001"])
def test_other_text_is_no_tile_path(path: str):
    with pytest.raises(Invalid, match=r"tile_path"):
        parse_tile_path(path)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_entry_bundles_round_trip(entries: list[bytes]):
    assert unpack_entries(pack_entries(entries)) == entries


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5), st.integers(1, 3))
def test_a_cut_bundle_is_refused(entries: list[bytes], cut: int):
    bundle = pack_entries(entries)
    if len(bundle[:-cut]) in {0, *(len(pack_entries(entries[:n])) for n in range(len(entries)))}:
        return
    with pytest.raises(Invalid, match=r"bundle_cut"):
        unpack_entries(bundle[:-cut])


def test_an_entry_longer_than_its_length_field_is_refused():
    with pytest.raises(Invalid, match=r"entry_too_long"):
        pack_entries([bytes(65_536)])


@given(st.integers(0, 2**63), st.binary(min_size=32, max_size=32), st.lists(st.from_regex(r"[a-z ]{1,9}", fullmatch=True)))
def test_checkpoint_text_round_trips(size: int, root: bytes, extensions: list[str]):
    checkpoint = Checkpoint("data.example.gov.cn/ledger", size, root, tuple(extensions))
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "text", ["", "a\n1\n", "a\n01\nAA==\n", "a\n-1\nAA==\n", "a\n1\nAA==\n", "a\n1\n!\n", "\n1\n" + "A" * 43 + "=\n"]
)
def test_other_text_is_no_checkpoint(text: str):
    with pytest.raises(Invalid, match=r"checkpoint_text"):
        Checkpoint.parse(text)
