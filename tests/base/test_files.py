"""A file is there whole or not at all, also where the disk fills half-way."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from corpushub.base.files import replacing


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as stream:
        stream.write(b"new")
        assert not (tmp_path / "a").exists()
    assert [(item.name, item.read_bytes()) for item in tmp_path.iterdir()] == [("a", b"new")]


def test_a_full_disk_leaves_what_stood_there_and_is_told_by_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(OSError, match="No space") as told, replacing(tmp_path / "a") as stream:
        stream.write(b"ha")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert told.value.filename == "a"
    assert [(item.name, item.read_bytes()) for item in tmp_path.iterdir()] == [("a", b"old")]


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with replacing(pipe) as stream:
            stream.write(b"x")
        assert os.read(reader, 10) == b"x"
        assert pipe.is_fifo()
    finally:
        os.close(reader)
