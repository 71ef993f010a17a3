"""Names, places and organisations: the BiGRU-CRF sequence tagger that ships inside the `jieba` wheel, run by numpy.

`jieba/lac_small` holds Baidu's LAC-small weights (Apache-2.0 headers, 13 MB) for jieba's "paddle mode". Paddle is not needed: two
bidirectional GRU layers of 128 units, one dense layer and a CRF over 57 tags are a few matrix products. jieba itself forgets the
full-width to half-width step of the training pipeline (the full-width embeddings are untrained), so `fold` does it here.

Sentences are packed like a ragged tensor, longest first: step t touches only the sentences that still have a character there, so no
padding is ever computed. Cost: about 1 MFLOP per character.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from corpushub.base.errors import Unavailable
from corpushub.engine.recognizers.name_reader import Floats, Guess, reader
from corpushub.engine.text.utf8 import compiled

Ints = NDArray[np.int64]
Tagged = tuple[NDArray[np.uint8], Floats, list[Guess]]
PEOPLE = frozenset({"PER", "nr"})  # tags of names of people
HIDDEN = 128
MAX_CHARS = 256  # longer inputs are cut at a punctuation mark: the recurrence is sequential
RECENT_CHARS = 1_000_000  # about 20 MB
BATCH = 192  # sentences recurring together; more gives larger products, fewer keeps the state in cache
BATCH_CHARS = 20_000  # of them together, at ten kilobytes each


def weights_folder() -> Path | None:
    """Where the installed `jieba` keeps the tagger, or None when this build of it has none. Does not import jieba."""
    spec = find_spec("jieba")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "lac_small"
        if (folder / "model_baseline" / "word_emb").exists():
            return folder
    return None


@cache
def tagger() -> Tagger:
    """The one tagger of this process; weights load in about 0.1 s.

    Raises: Unavailable("pii.no_tagger").
    """
    folder = weights_folder()
    if folder is None:
        raise Unavailable("pii.no_tagger")
    return Tagger(folder)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numpy's products on one core: they are too small to share (measured on two busy cores: ten times slower shared)."""
    library = _openblas()
    if library is None:
        yield
        return
    before = library.scipy_openblas_get_num_threads64_()
    library.scipy_openblas_set_num_threads64_(1)
    try:
        yield
    finally:
        library.scipy_openblas_set_num_threads64_(before)


def batched(sentences: Sequence[str]) -> Iterator[Sequence[str]]:
    """Sentences, ordered by length, in batches of at most `BATCH` sentences and `BATCH_CHARS` characters."""
    start = chars = 0
    for at, sentence in enumerate(sentences):
        chars += len(sentence)
        if at - start == BATCH or (chars > BATCH_CHARS and at > start):
            yield sentences[start:at]
            start, chars = at, len(sentence)
    if start < len(sentences):
        yield sentences[start:]


@contextmanager
def readers(batches: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """`map`, on as many cores as the frame library uses in this process: most of the work is done outside the interpreter's lock."""
    cores = min(batches, pl.thread_pool_size())
    if cores < 2:
        yield map
        return
    with ThreadPoolExecutor(cores) as pool:
        yield pool.map


@cache
def _openblas() -> ctypes.CDLL | None:
    """The linear algebra library inside numpy's wheel, if this numpy brings one."""
    for file in sorted((Path(np.__file__).parent.parent / "numpy.libs").glob("libscipy_openblas64_*")):
        library = ctypes.CDLL(str(file))
        if hasattr(library, "scipy_openblas_set_num_threads64_"):
            return library
    return None


@dataclass(frozen=True, slots=True)
class Gru:
    """One direction of one layer: input projection (with both biases), gate and candidate recurrences.

    What leads to the gates is held with its sign turned, as the logistic function asks for it.
    """

    project: Floats
    bias: Floats
    gates: Floats
    candidate: Floats

    @classmethod
    def read(cls, folder: Path, index: int) -> Gru:
        flat = tensor(folder / f"gru_{index}.w_0").ravel()
        cut = HIDDEN * HIDDEN * 2
        signs = np.repeat(np.array([-1, -1, 1], np.float32), HIDDEN)
        bias = (tensor(folder / f"fc_{index}.b_0").ravel() + tensor(folder / f"gru_{index}.b_0").ravel()).astype(np.float32)
        return cls(
            project=tensor(folder / f"fc_{index}.w_0") * signs,
            bias=bias * signs,
            gates=-flat[:cut].reshape(HIDDEN, HIDDEN * 2),
            candidate=flat[cut:].reshape(HIDDEN, HIDDEN).copy(),
        )


@dataclass(frozen=True, slots=True)
class Packed:
    """Ragged batch: `active[t]` sentences have a character at t, whose rows start at `starts[t]`."""

    ids: Ints
    starts: Ints
    active: Ints
    order: Ints
    lengths: Ints

    @classmethod
    def of(cls, rows: Sequence[Ints]) -> Packed:
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        order = np.argsort(-lengths, kind="stable")
        sorted_lengths = lengths[order]
        steps = int(sorted_lengths[0])
        active = np.searchsorted(-sorted_lengths, -np.arange(steps), side="left")
        starts = np.concatenate(([0], np.cumsum(active)[:-1]))
        ids = np.empty(int(lengths.sum()), dtype=np.int64)
        for rank, index in enumerate(order):
            ids[starts[: lengths[index]] + rank] = rows[index]
        return cls(ids, starts, active, order, sorted_lengths)


class Recent(dict[str, Tagged]):
    """Sentences read lately: text that was scrubbed is read again, and most of its sentences are as they were."""

    def __init__(self) -> None:
        super().__init__()
        self.chars = 0

    def keep(self, made: dict[str, Tagged]) -> None:
        """Add sentences; when there are too many, forget those that were there before."""
        self.chars += sum(map(len, made))
        if self.chars > RECENT_CHARS:
            self.clear()
            self.chars = sum(map(len, made))
        if self.chars <= RECENT_CHARS:
            self.update(made)


class Tagger:
    """`tags(sentences)`: one tag per character, from `vocabulary` of `nr-B`, `PER-I`, `LOC-B` ... `O`."""

    def __init__(self, folder: Path) -> None:
        model = folder / "model_baseline"
        self.embedding = tensor(model / "word_emb")
        self.layers = tuple((Gru.read(model, low), Gru.read(model, low + 1)) for low in (0, 2))
        self.dense, self.dense_bias = tensor(model / "fc_4.w_0"), tensor(model / "fc_4.b_0").ravel()
        crf = tensor(model / "crfw")
        self.first, self.last, self.moves = crf[0], crf[1], np.ascontiguousarray(crf[2:].T)
        self.ways = np.exp(crf[2:])  # from, to
        self.vocabulary = tuple(line.split("\t")[1] for line in lines(folder / "tag.dic"))
        self.people = np.array([word.split("-")[0] in PEOPLE for word in self.vocabulary])
        self.ids = {
            char: int(number) for number, char in (line.split("\t") for line in lines(folder / "word.dic")) if len(char) == 1
        }
        self.unknown = len(self.embedding) - 1
        self.recent = Recent()

    def tags(self, sentences: Sequence[str]) -> list[Tagged]:
        """For each character of each sentence (already folded, at most MAX_CHARS long): index into `vocabulary`, chance of a name;
        and the names the second reader sees in the sentence.
        """
        nothing: Tagged = np.empty(0, np.uint8), np.empty(0, np.float32), []
        filled = sorted(dict.fromkeys(s for s in sentences if s and s not in self.recent), key=len)
        batches = list(batched(filled))
        made: dict[str, Tagged] = {}
        with one_thread(), readers(len(batches)) as each:
            for chosen, told in zip(batches, each(self._decode, batches), strict=True):
                made.update(zip(chosen, told, strict=True))
        result = [made.get(sentence) or self.recent.get(sentence, nothing) for sentence in sentences]
        self.recent.keep(made)
        return result

    def _lookup(self, sentence: str) -> Ints:
        get, unknown = self.ids.get, self.unknown
        return np.array([get(char, unknown) for char in sentence], dtype=np.int64)

    def hidden(self, sentences: Sequence[str]) -> list[tuple[Floats, Floats]]:
        """What the layers know of each character, and its chance of a name: for training of what reads on from there."""
        packed = Packed.of([self._lookup(sentence) for sentence in sentences])
        with one_thread():
            given = self._layers(packed)
            chance = chances(self, (given @ self.dense + self.dense_bias).astype(np.float32), packed)
        result: list[tuple[Floats, Floats]] = [(given[:0], chance[:0])] * len(sentences)
        for rank, index in enumerate(packed.order):
            place = packed.starts[: packed.lengths[rank]] + rank
            result[int(index)] = given[place], chance[place]
        return result

    def _layers(self, packed: Packed) -> Floats:
        known, inverse = np.unique(packed.ids, return_inverse=True)
        given = self.embedding[known]  # each distinct character is projected once
        for depth, layer in enumerate(self.layers):
            out = np.empty((len(packed.ids), 2 * HIDDEN), np.float32)
            for gru, part, reverse in zip(layer, (out[:, :HIDDEN], out[:, HIDDEN:]), (False, True), strict=True):
                if depth == 0:
                    characters = given @ gru.project + gru.bias
                    recur(gru, partial(_taken, characters, inverse), packed, part, reverse=reverse)
                else:
                    recur(gru, partial(_projected, gru, given), packed, part, reverse=reverse)
            given = out
        return given

    def _decode(self, sentences: Sequence[str]) -> list[Tagged]:
        packed = Packed.of([self._lookup(sentence) for sentence in sentences])
        given = self._layers(packed)
        scores = (given @ self.dense + self.dense_bias).astype(np.float32)
        path, chance = viterbi(self, scores, packed), chances(self, scores, packed)
        places = [packed.starts[:length] + rank for rank, length in enumerate(packed.lengths)]
        second, ordered = reader(), [sentences[index] for index in packed.order]
        names = second.guesses(given[np.concatenate(places)], ordered) if second else [[] for _ in ordered]
        result: list[Tagged] = [(path[:0], chance[:0], [])] * len(sentences)
        for index, place, some in zip(packed.order, places, names, strict=True):
            result[int(index)] = path[place], chance[place], some
        return result


def _taken(characters: Floats, inverse: Ints, rows: slice, room: Floats) -> Floats:
    """The projections of characters, each of which was made once."""
    return np.take(characters, inverse[rows], axis=0, out=room)


def _projected(gru: Gru, given: Floats, rows: slice, room: Floats) -> Floats:
    """Projections made when they are needed: all of them together would not stay in the cache."""
    np.matmul(given[rows], gru.project, out=room)
    room += gru.bias
    return room


def recur(gru: Gru, projected: Callable[[slice, Floats], Floats], packed: Packed, out: Floats, *, reverse: bool) -> None:
    """One direction over a packed batch, into `out`. Sentences join (reverse) or leave (forward) as their length says."""
    most = int(packed.active[0])
    state = np.zeros((most, HIDDEN), dtype=np.float32)
    room = [np.empty((most, HIDDEN * parts), np.float32) for parts in (3, 2, 1, 1)]
    steps = range(len(packed.active) - 1, -1, -1) if reverse else range(len(packed.active))
    for step in steps:
        count, start = int(packed.active[step]), int(packed.starts[step])
        given, gates, held, fresh = (part[:count] for part in room)
        projected(slice(start, start + count), given)
        before = state[:count]
        np.matmul(before, gru.gates, out=gates)
        gates += given[:, : HIDDEN * 2]
        np.exp(gates, out=gates)
        gates += 1.0
        np.reciprocal(gates, out=gates)
        update, reset = gates[:, :HIDDEN], gates[:, HIDDEN:]
        np.matmul(np.multiply(reset, before, out=held), gru.candidate, out=fresh)
        fresh += given[:, HIDDEN * 2 :]
        np.tanh(fresh, out=fresh)
        fresh -= before
        fresh *= update
        before += fresh
        out[start : start + count] = before


def viterbi(model: Tagger, scores: Floats, packed: Packed, *, fast: bool | None = None) -> NDArray[np.uint8]:
    """The best tag path of each sentence, packed as `scores` are. `fast` as for `utf8.compiled`.

    Ahead only the best score of each tag is kept, tag by tag over all sentences; which tag it came from is asked on the way back, and there for
    the one tag of the path.
    """
    if compiled(scores.nbytes, fast=fast):
        from corpushub.engine.recognizers.compiled import best_paths

        path = np.empty(len(scores), dtype=np.uint8)
        edges = np.stack((model.first, model.last))
        best_paths(scores, np.ascontiguousarray(model.moves.T), edges, packed.starts, packed.active, path)
        return path
    count = len(model.first)
    best, reached = np.empty((count, len(packed.lengths)), np.float32), np.empty_like(scores)
    for step, (start, active) in enumerate(zip(packed.starts.tolist(), packed.active.tolist(), strict=True)):
        rows = slice(start, start + active)
        if step == 0:
            best[:] = (scores[rows] + model.first).T
        else:
            before = best[:, :active].copy()
            ways, found = np.empty_like(before), best[:, :active]
            np.add(before[0], model.moves[:, :1], out=found)
            for tag in range(1, count):
                np.add(before[tag], model.moves[:, tag : tag + 1], out=ways)
                np.maximum(found, ways, out=found)
            found += scores[rows].T
        reached[rows] = best[:, :active].T
    current = (best + model.last[:, None]).argmax(axis=0)
    path = np.empty(len(scores), dtype=np.uint8)
    for step in range(len(packed.active) - 1, -1, -1):
        start, active = int(packed.starts[step]), int(packed.active[step])
        path[start : start + active] = current[:active]
        if step:
            earlier = reached[packed.starts[step - 1] :][:active]
            current[:active] = (earlier + model.moves[current[:active]]).argmax(axis=1)
    return path


def chances(model: Tagger, scores: Floats, packed: Packed) -> Floats:
    """How likely each character belongs to a person's name: the sums over all tag paths, forward and backward, scaled per character."""
    given = np.exp(scores - scores.max(axis=1, keepdims=True))
    spans = [slice(int(start), int(start + active)) for start, active in zip(packed.starts, packed.active, strict=True)]
    ahead, behind = np.empty_like(given), np.empty_like(given)
    for step, rows in enumerate(spans):
        ahead[rows] = given[rows] * (
            np.exp(model.first) if step == 0 else ahead[spans[step - 1]][: packed.active[step]] @ model.ways
        )
        ahead[rows] /= ahead[rows].sum(axis=1, keepdims=True)
    for step in range(len(spans) - 1, -1, -1):
        behind[spans[step]] = np.exp(model.last)
        if step + 1 < len(spans):
            after = spans[step + 1]
            behind[spans[step].start :][: packed.active[step + 1]] = (given[after] * behind[after]) @ model.ways.T
        behind[spans[step]] /= behind[spans[step]].sum(axis=1, keepdims=True)
    both = ahead * behind
    return np.asarray(both[:, model.people].sum(axis=1) / both.sum(axis=1), dtype=np.float32)


def tensor(file: Path) -> Floats:
    """A Paddle 1.x parameter file: version, level of detail, version, descriptor length, descriptor, float32 values."""
    raw = file.read_bytes()
    size = int.from_bytes(raw[16:20], "little")
    shape: list[int] = []
    at, end = 20, 20 + size
    while at < end:
        key = raw[at]
        value, at = varint(raw, at + 1)
        if key == 0x10:  # field 2 of the descriptor, repeated: one dimension each
            shape.append(value)
    return np.frombuffer(raw, "<f4", offset=end).reshape(shape)


def varint(raw: bytes, at: int) -> tuple[int, int]:
    """A protobuf varint at `at` and the position after it."""
    value = shift = 0
    while True:
        byte = raw[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at


def lines(file: Path) -> list[str]:
    return [line for line in file.read_text("utf-8").split("\n") if "\t" in line]
