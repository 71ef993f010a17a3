"""What a repository holds, as plain values: entries of a tree, the rule for their paths, and the git objects clients recompute.

* The ETag of a file is the SHA-256 of its bytes (large files) or its git blob id, equal in every revision: clients name cache files by it.
* A large file's `oid` is the git blob id of its LFS pointer text, because `hf cache verify` recomputes exactly that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from corpushub.base.errors import Invalid, Problem
from corpushub.base.identity import canonical, git_blob_sha1

LARGE_BYTES = 1 << 20
MAX_PATH_BYTES = 1024
MAX_FILES = 100_000
_LARGE_SUFFIX = re.compile(
    r"\.(7z|arrow|avro|bin|bz2|db|duckdb|feather|flac|ftz|gz|h5|jpe?g|joblib|lz4|mp[34]|np[yz]|ogg|onnx|orc|parquet|pdf|pickle|pkl|png"
    r"|pth?|rar|safetensors|sqlite|tar|tgz|wav|webp|xlsx|xz|zip|zst)",
    re.IGNORECASE,
)
_BAD_CHARACTERS = re.compile(r"[\x00-\x1f\x7f\\\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree. `oid` is a git blob id (of the pointer text where `lfs`); `commit` last changed the path."""

    path: str
    sha256: str
    size: int
    lfs: bool
    oid: str
    commit: str = ""

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory of a tree; `oid` changes when anything below it does."""

    path: str
    oid: str
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """All entries of one commit, sorted by path, with the folders they imply."""

    entries: tuple[Entry, ...]
    by_path: Mapping[str, Entry] = field(repr=False)
    folders: Mapping[str, Folder] = field(repr=False)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Tree:
        ordered = tuple(sorted(entries, key=lambda entry: entry.path))
        sums: dict[str, hashlib._Hash] = {}
        changed: dict[str, str] = {}
        for entry in ordered:
            for folder in parents(entry.path):
                if folder not in sums:
                    sums[folder] = hashlib.sha1(usedforsecurity=False)
                sums[folder].update(f"{entry.path}\0{entry.oid}\n".encode())
                changed[folder] = entry.commit
        folders = {path: Folder(path, digest.hexdigest(), changed[path]) for path, digest in sums.items()}
        return cls(ordered, {entry.path: entry for entry in ordered}, folders)

    def listing(self, folder: str, *, recursive: bool) -> list[Entry | Folder]:
        """Files and folders below `folder` ("" is the root), sorted by path."""
        prefix = f"{folder}/" if folder else ""
        depth = prefix.count("/")
        every: list[Entry | Folder] = [*self.entries, *self.folders.values()]
        below = [item for item in every if item.path.startswith(prefix) and (recursive or item.path.count("/") == depth)]
        return sorted(below, key=lambda item: item.path)

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Change:
    """What a push asks for: files to put, files and folders to remove."""

    put: tuple[Entry, ...] = ()
    deleted_files: tuple[str, ...] = ()
    deleted_folders: tuple[str, ...] = ()


def parents(path: str) -> list[str]:
    """`a/b/c.txt` -> `["a", "a/b"]`."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: index + 1]) for index in range(len(parts))]


def is_large(path: str, size: int) -> bool:
    """Does the Hub protocol keep this file as a large file? Empty files never are; known binary formats always."""
    return size > 0 and (size > LARGE_BYTES or bool(_LARGE_SUFFIX.fullmatch(path[path.rfind(".") :])))


def pointer_text(sha256: str, size: int) -> bytes:
    """Git LFS pointer file of a blob (git-lfs specification v1)."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def large_entry(path: str, sha256: str, size: int) -> Entry:
    """Entry of a file whose content is known by digest only."""
    return Entry(path, sha256, size, True, git_blob_sha1(pointer_text(sha256, size)))


def entry_for(path: str, data: bytes) -> Entry:
    """Entry of a file whose bytes are at hand, kept large or small by `is_large`."""
    digest = hashlib.sha256(data).hexdigest()
    if is_large(path, len(data)):
        return large_entry(path, digest, len(data))
    return Entry(path, digest, len(data), False, git_blob_sha1(data))


def is_commit_id(word: str) -> bool:
    return bool(_COMMIT.fullmatch(word))


def path_problem(path: str) -> str:
    """Code of the rule `path` breaks, or "": no traversal, control or direction characters, `.git`, nor overlong names."""
    if (
        not path
        or len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES
        or any("\ud800" <= letter <= "\udfff" for letter in path)
    ):
        return "repo.path_length"
    if _BAD_CHARACTERS.search(path) or any(part in {"", ".", ".."} or part.lower() == ".git" for part in path.split("/")):
        return "repo.path_unsafe"
    return ""


def applied(tree: Tree, change: Change) -> tuple[Entry, ...]:
    """Entries after `change`; unchanged files keep the commit that made them, changed ones carry none yet.

    Raises: Invalid("repo.change_invalid") listing unsafe paths and names used as file and folder at once.
    """
    gone = set(change.deleted_files)
    folders = tuple(f"{folder.rstrip('/')}/" for folder in change.deleted_folders)
    kept = {entry.path: entry for entry in tree.entries if entry.path not in gone and not entry.path.startswith(folders)}
    problems = [Problem(code, path=entry.path[:200]) for entry in change.put if (code := path_problem(entry.path))]
    for entry in change.put:
        before = kept.get(entry.path)
        kept[entry.path] = before if before and before.etag == entry.etag else entry
    problems += [
        Problem("repo.path_twice", path=folder) for folder in {up for path in kept for up in parents(path)} if folder in kept
    ]
    if len(kept) > MAX_FILES:
        problems.append(Problem("repo.too_many_files", {"count": len(kept), "limit": MAX_FILES}))
    if problems:
        raise Invalid("repo.change_invalid", problems=problems)
    return tuple(kept[path] for path in sorted(kept))


def commit_id(repo_id: str, parent: str, entries: Sequence[Entry], words: Mapping[str, str]) -> str:
    """40 hex digits over repository, parent, content and `words` (message, author, time): clients accept no other length."""
    content = [[entry.path, entry.etag, entry.size] for entry in entries]
    return hashlib.sha1(canonical([repo_id, parent, content, dict(words)]), usedforsecurity=False).hexdigest()
