"""The Merkle tree of the ledger: hashing, proofs, tiles and checkpoint text. No IO; bytes in, bytes out.

Rules, and where they are written:
1. A leaf hashes as SHA-256(0x00 || entry), an inner node as SHA-256(0x01 || left || right) (RFC 6962 2.1).
2. A tree of n > 1 leaves splits at the largest power of two below n (RFC 6962 2.1).
3. Inclusion proofs follow RFC 6962 2.1.1, consistency proofs 2.1.2; both are checked as RFC 9162 2.1.3.2 and 2.1.4.2 say.
4. Hashes are kept in tiles of 256 (C2SP tlog-tiles): tile (level, index) holds the roots of the perfect subtrees of height
   8 * level that start at leaf index * 256 ** (level + 1). A partial tile is a prefix of the full one.
5. Entry bundles hold 256 entries, each after its length as two big-endian bytes (C2SP tlog-tiles, log entries).
6. A checkpoint is origin, size, base64 root, one per line, then optional extension lines (C2SP tlog-checkpoint).

Laws, each a property in the tests: every leaf of every tree has a proof that verifies; no proof verifies for another leaf,
another index or another root; every prefix of a tree is consistent with it; tiles give the same hashes as the whole list.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from corpushub.base.errors import Invalid

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
MAX_ENTRY_BYTES = 0xFFFF
EMPTY_ROOT = hashlib.sha256(b"").digest()
_TILE = re.compile(r"(\d{1,2}|entries)/((?:x\d{3}/)*)(\d{3})(?:\.p/(\d{1,3}))?", re.ASCII)


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The roots of the perfect subtrees of a growing tree, left to right: all that is needed to append and to know the root."""

    size: int
    peaks: list[bytes]

    @classmethod
    def empty(cls) -> Frontier:
        return cls(0, [])

    @classmethod
    def from_bytes(cls, size: int, packed: bytes) -> Frontier:
        """Inverse of `packed`. Raises: Invalid("ledger.frontier") where the number of peaks does not fit `size`."""
        if len(packed) != size.bit_count() * HASH_BYTES:
            raise Invalid("ledger.frontier", size=size)
        return cls(size, split_hashes(packed))

    def packed(self) -> bytes:
        return b"".join(self.peaks)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash; amortised two hashes."""
        node, position = leaf, self.size
        while position & 1:
            node = node_hash(self.peaks.pop(), node)
            position >>= 1
        self.peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY_ROOT
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = node_hash(peak, node)
        return node


def split_hashes(packed: bytes) -> list[bytes]:
    return [packed[start : start + HASH_BYTES] for start in range(0, len(packed), HASH_BYTES)]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Root of a tree with these leaf hashes."""
    frontier = Frontier.empty()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


Subtree = Callable[[int, int], bytes]
"""The hash of leaves lo..hi (exclusive), where the range is one a proof may name."""


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Sibling hashes from leaf `index` up to the root of `size` leaves (RFC 6962 2.1.1).

    Raises: Invalid("ledger.no_such_leaf").
    """
    if not 0 <= index < size:
        raise Invalid("ledger.no_such_leaf", index=index, size=size)
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + split_point(high - low)
        if index < middle:
            path.append(subtree(middle, high))
            high = middle
        else:
            path.append(subtree(low, middle))
            low = middle
    return path[::-1]


def consistency_path(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Hashes that show the first `old` leaves of `new` are unchanged (RFC 6962 2.1.2); empty for old in (0, new).

    Raises: Invalid("ledger.not_a_prefix").
    """
    if not 0 <= old <= new:
        raise Invalid("ledger.not_a_prefix", old=old, new=new)
    if old in {0, new}:
        return []
    path: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + split_point(high - low)
        if old <= middle:
            path.append(subtree(middle, high))
            high = middle
        else:
            path.append(subtree(low, middle))
            low, whole = middle, False
    if not whole:
        path.append(subtree(low, high))
    return path[::-1]


def split_point(size: int) -> int:
    """Largest power of two below `size` (> 1)."""
    return 1 << ((size - 1).bit_length() - 1)


def proves_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Is `leaf` the hash at `index` of the tree of `size` leaves with `root`? (RFC 9162 2.1.3.2)"""
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def proves_consistency(old: int, new: int, roots: tuple[bytes, bytes], path: Sequence[bytes]) -> bool:
    """Is the tree of `old` leaves with `roots[0]` a prefix of that of `new` with `roots[1]`? (RFC 9162 2.1.4.2)"""
    old_root, new_root = roots
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    if old == new:
        return not path and old_root == new_root
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not hashes:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_node = new_node = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new_node = node_hash(new_node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old_node == old_root and new_node == new_root


ReadTile = Callable[[int, int, int], bytes]
"""`read(level, index, width)`: the first `width` hashes of a tile, `width * 32` bytes."""


@dataclass(slots=True)
class Tiles:
    """A tree of `size` leaves seen through its tiles; reads about eight tiles for any proof of a million leaves."""

    size: int
    read: ReadTile

    def subtree(self, low: int, high: int) -> bytes:
        """Hash of leaves low..high; `low` is a multiple of the largest power of two that fits the range."""
        count = high - low
        if count & (count - 1) == 0:
            return self.node(count.bit_length() - 1, low // count)
        middle = low + split_point(count)
        return node_hash(self.subtree(low, middle), self.subtree(middle, high))

    def node(self, height: int, index: int) -> bytes:
        """Root of the perfect subtree of `height` at `index` among those of its height."""
        level, above = divmod(height, TILE_HEIGHT)
        first = index << above
        tile, offset = divmod(first, TILE_WIDTH)
        hashes = self.read(level, tile, tile_width(self.size, level, tile))
        start = offset * HASH_BYTES
        return root_of(split_hashes(hashes[start : start + (HASH_BYTES << above)]))

    def root(self) -> bytes:
        return self.subtree(0, self.size) if self.size else EMPTY_ROOT

    def inclusion(self, index: int) -> list[bytes]:
        return inclusion_path(index, self.size, self.subtree)

    def consistency(self, old: int) -> list[bytes]:
        return consistency_path(old, self.size, self.subtree)


def tile_width(size: int, level: int, index: int) -> int:
    """How many hashes of tile (level, index) a tree of `size` leaves fills, 0..256."""
    return max(0, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH))


def tile_shapes(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, index, width) of every tile of a tree of `size` leaves, lowest level first."""
    level = 0
    while nodes := size >> (TILE_HEIGHT * level):
        for index in range(-(-nodes // TILE_WIDTH)):
            yield level, index, tile_width(size, level, index)
        level += 1


def tile_path(level: int | str, index: int, width: int = TILE_WIDTH) -> str:
    """`tile/1/x001/x234/067` or, partial, `tile/0/002.p/17`; level "entries" names an entry bundle."""
    number = f"{index:03d}"
    number = number.zfill(-(-len(number) // 3) * 3)
    groups = [number[start : start + 3] for start in range(0, len(number), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{name}" if width == TILE_WIDTH else f"tile/{level}/{name}.p/{width}"


def parse_tile_path(path: str) -> tuple[str, int, int]:
    """Level, index and width of a path that `tile_path` wrote, without the leading `tile/`.

    Raises: Invalid("ledger.tile_path").
    """
    if not (found := _TILE.fullmatch(path)):
        raise Invalid("ledger.tile_path")
    level, groups, last, partial = found.groups()
    index = int("".join(part.lstrip("x") for part in [*groups.split("/"), last]))
    width = int(partial) if partial else TILE_WIDTH
    if tile_path(level, index, width) != f"tile/{path}":
        raise Invalid("ledger.tile_path")
    return level, index, width


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """An entry bundle. Raises: Invalid("ledger.entry_too_long")."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise Invalid("ledger.entry_too_long", bytes=len(entry), limit=MAX_ENTRY_BYTES)
        parts += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(parts)


def unpack_entries(bundle: bytes) -> list[bytes]:
    """Inverse of `pack_entries`. Raises: Invalid("ledger.bundle_cut") where the bundle ends inside an entry."""
    entries: list[bytes] = []
    start = 0
    while start < len(bundle):
        body = start + 2
        end = body + int.from_bytes(bundle[start:body], "big")
        if end > len(bundle) or body > len(bundle):
            raise Invalid("ledger.bundle_cut", bytes=len(bundle))
        entries.append(bundle[body:end])
        start = end
    return entries


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log vouches for: its name, how many leaves, their root. `Checkpoint.parse(c.text()) == c`."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The signed part, ending in a newline."""
        return "".join(
            f"{line}\n" for line in (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        )

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Raises: Invalid("ledger.checkpoint_text")."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not lines[0] or not all(lines[:-1]):
            raise Invalid("ledger.checkpoint_text")
        origin, size, root, *extensions = lines[:-1]
        if not (size.isascii() and size.isdigit()) or (size != "0" and size.startswith("0")):
            raise Invalid("ledger.checkpoint_text")
        try:
            decoded = base64.b64decode(root, validate=True)
        except binascii.Error:
            raise Invalid("ledger.checkpoint_text") from None
        if len(decoded) != HASH_BYTES:
            raise Invalid("ledger.checkpoint_text")
        return cls(origin, int(size), decoded, tuple(extensions))
