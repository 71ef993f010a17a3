"""Arrays that take long to make and are the same in every process, kept beside the program as compiled modules and kernels are.

A file is named by what its arrays are made of and begins with the digest of the rest: what is damaged, cut short or of another version is made
again. It holds plain numbers, never objects. Where nothing can be written, every process makes its own.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

FOLDER = Path(__file__).parent / "__pycache__"
MOST = 8  # files: each version of the program and each set of patterns leaves one behind
DIGEST = hashlib.sha256().digest_size


def kept(name: str, made_of: bytes, make: Callable[[], Arrays], *, folder: Path = FOLDER) -> Arrays:
    """The arrays of `make`, from the file of an earlier process where there is one."""
    path = folder / f"{name}-{hashlib.sha256(made_of).hexdigest()[:32]}.arrays"
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
