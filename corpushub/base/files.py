"""Files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(target: Path) -> Generator[BinaryIO]:
    """A file to write that takes `target`'s place when all of it is written; what stood there stays otherwise.

    A device, a pipe and what a link leads to are written as they are. Raises: OSError naming the target, for a full disk names no file.
    """
    direct = target.is_symlink() or (target.exists() and not target.is_file())
    draft = target if direct else target.with_name(f"{target.name}.part")
    try:
        with draft.open("wb") as stream:
            yield stream
        if not direct:
            draft.replace(target)
    except BaseException as error:
        if not direct:
            with suppress(OSError):
                draft.unlink()
        if isinstance(error, OSError) and error.filename in {None, str(draft), draft}:
            error.filename = target.name
        raise
