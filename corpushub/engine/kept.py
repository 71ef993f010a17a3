"""Arrays that take long to make and are the same in every process, kept beside the program as compiled modules and kernels are.

A file is named by what its arrays are made of and begins with the digest of the rest: what is damaged, cut short or of another version is made
again. It holds plain numbers, never objects. Where nothing can be written, every process makes its own.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "__pycache__"
MOST = 8  # files: each version of the program and each set of patterns leaves one behind
DIGEST = hashlib.sha256().digest_size


def kept(name: str, made_of: Iterable[str], make: Callable[[], Arrays], *, given: object = None, folder: Path = FOLDER) -> Arrays:
    """The arrays of `make`, from the file of an earlier process where there is one.

    They hang on nothing but the files `made_of` (within the package), this Python and what is `given` (told apart by how it is written).
    """
    digest = hashlib.sha256(repr((sys.version, given)).encode())
    for path in made_of:
        digest.update(b"\0" + ROOT.joinpath(path).read_bytes())
    return _kept(folder / f"{name}-{digest.hexdigest()[:32]}.arrays", make)


def _kept(path: Path, make: Callable[[], Arrays]) -> Arrays:
    found = _read(path)
    if found is None:
        found = make()
        with suppress(OSError):
            _write(path, found)
    return found


def _read(path: Path) -> Arrays | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, body = content[:DIGEST], content[DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        return None
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _write(path: Path, arrays: Arrays) -> None:
    body = io.BytesIO()
    np.savez(body, allow_pickle=False, **arrays)
    path.parent.mkdir(exist_ok=True)
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix="tmp-")
    with os.fdopen(number, "wb") as file:
        os.fchmod(number, 0o644)  # whoever may run the program may read what it keeps
        file.write(hashlib.sha256(body.getvalue()).digest() + body.getvalue())
    Path(temporary).replace(path)
    written = sorted(path.parent.glob(f"{path.name.partition('-')[0]}-*.arrays"), key=os.path.getmtime)
    for old in written[:-MOST]:
        old.unlink(missing_ok=True)
